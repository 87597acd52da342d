"""Sources whose records are rows of tables that the firm made itself: sheets, boards. One table for each kind.

Columns are mapped as for files (docs: column mapping). Beside the firm's columns a row has some of the vendor's own;
their names begin with `@`, and fields without a mapping take theirs from them (`id`, `url`).
A row that cannot be read is a finding; the good rows count, and the poll counts as incomplete.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from billsync.model.errors import BadAnswer, UsageError
from billsync.model.work import (
    ChangeOrder,
    ContractTerms,
    Expense,
    Kind,
    Milestone,
    Project,
    Record,
    TimeEntry,
    Window,
)
from billsync.sdk import Options, Source
from billsync.sdk.columns import Mapper
from billsync.sdk.fields import FIELDS
from billsync_plugins.sources._mapped_rows import Opened, RowTable, good, within

TABLES: Mapping[Kind, str] = {
    "project": "projects",
    "milestone": "milestones",
    "time": "time",
    "expense": "expenses",
    "contract": "contracts",
    "change_order": "change_orders",
}
O = TypeVar("O", bound=Options)  # noqa: E741
T = TypeVar("T", bound=RowTable)


class MappedSource(Source[O], Generic[O, T]):
    """Reads a table for each kind that has one. A subclass opens tables, and says which columns are its own."""

    own: ClassVar[Mapping[str, str]]
    """Field -> the vendor's own column that stands for it, unless the firm maps it. A record's id is its row's."""

    @classmethod
    def kinds(cls, options: O) -> frozenset[Kind]:
        return frozenset(kind for kind, name in TABLES.items() if getattr(options, name) is not None)

    def own_of(self, table: T) -> Mapping[str, str]:
        """As `own`, of one table."""
        return self.own

    @abstractmethod
    def open_table(self, table: T) -> Opened:
        """Ask for the columns, then for the rows."""

    @abstractmethod
    def write_mark(self, table: T, column: str, ids: list[str], reference: str) -> None:
        """Write a reference into a column of rows."""

    def projects(self, window: Window) -> Iterator[Project]:
        return self._records("project", window)

    def milestones(self, window: Window) -> Iterator[Milestone]:
        return self._records("milestone", window)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        return self._records("time", window)

    def expenses(self, window: Window) -> Iterator[Expense]:
        return self._records("expense", window)

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        return self._records("contract", window)

    def change_orders(self, window: Window) -> Iterator[ChangeOrder]:
        return self._records("change_order", window)

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """Into the table's `mark_column`. Records are found again only where their id is the row's own."""
        table = self._table(kind)
        if not table.mark_column or "id" in table.columns or table.id_from or self.own_of(table) != self.own:
            raise self._not_offered(f"marks on {TABLES[kind]} without a `mark_column`, or with ids of the firm's own")
        self.write_mark(table, table.mark_column, ids, reference)

    def look(self) -> Iterator[str]:
        """What each mapping makes of its table, for people."""
        if not self.kinds(self.options):
            raise UsageError("no table is declared", where=self.account, hint="milestones: ..., time: ...")
        for kind, name in TABLES.items():
            if kind in self.kinds(self.options):
                mapper, records, bad = self._read(kind)
                yield f"{name}: {sum(1 for _ in records)} records"
                yield from (f"{name}: {trouble}" for trouble in bad)
                for rule in mapper.rules():
                    silent = " - does this rule still fit?" if rule.configured and not rule.records else ""
                    yield f"{name}: {rule.field} = {rule.meaning}: {rule.records} records{silent}"

    def _table(self, kind: Kind) -> T:
        table: T | None = getattr(self.options, TABLES[kind])
        if table is None:
            raise self._not_offered(TABLES[kind])
        return table

    def _read(self, kind: Kind) -> tuple[Mapper, Iterator[Record], list[str]]:
        """The bound mapper, the records as they are read, and what was wrong with rows so far."""
        table, known = self._table(kind), {field.name for field in FIELDS[kind]}
        said = {*table.columns, *table.constants, *(["id"] if table.id_from else [])}
        own = {field: column for field, column in self.own_of(table).items() if field in known - said}
        opened = self.open_table(table)
        mapping = table.model_copy(update={"columns": {**own, **table.columns}})
        mapper = Mapper(kind, mapping, where=f"{self.account}: {TABLES[kind]}").bind(opened.titles)
        bad: list[str] = []
        return mapper, good(mapper, opened.rows, bad), bad

    def _records(self, kind: Kind, window: Window) -> Iterator[Any]:
        _, records, bad = self._read(kind)
        yield from (record for record in records if within(record, window))
        self.findings += bad
        if bad:
            more = f"{len(bad)} rows cannot be read, the first is " if len(bad) > 1 else ""
            raise BadAnswer(
                f"{more}{bad[0]}", where=f"{self.account}: {TABLES[kind]}", hint="mend the row or the mapping"
            )
