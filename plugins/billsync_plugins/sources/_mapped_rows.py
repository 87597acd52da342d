"""Rows of tables that the firm made itself: what is said about a table, what it shows, which rows can be read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from billsync.model.errors import BadAnswer
from billsync.model.work import Expense, Record, TimeEntry, Window
from billsync.sdk import Field
from billsync.sdk.columns import Columns, Mapper
from billsync.sdk.formats import Cell

Rows = Iterable[tuple[str, Mapping[str, Cell]]]
"""Where a row stands, for people, and its cells by column."""


class RowTable(Columns):
    """How the rows of one table become one kind of record."""

    mark_column: str | None = Field(default=None, description="Id of the column that mark_billed writes to.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A table as it is tonight: column id -> title, and its rows."""

    titles: Mapping[str, str]
    rows: Rows


def good(mapper: Mapper, rows: Rows, bad: list[str]) -> Iterator[Record]:
    """The records of rows; what is wrong with the others goes to `bad`, each with its place."""
    seen: set[str] = set()
    for where, cells in rows:
        try:
            record = mapper.record(cells, where=where)
            if record.id in seen:
                raise BadAnswer(f"the id {record.id!r} stands twice")
        except BadAnswer as error:
            bad.append(f"{where}: {error.what}")
            continue
        seen.add(record.id)
        yield record


def within(record: Record, window: Window) -> bool:
    """Time and expenses by the date of the work; everything else always."""
    if isinstance(record, TimeEntry):
        return window.since <= record.worked_on <= window.until
    return not isinstance(record, Expense) or window.since <= record.spent_on <= window.until
