"""Sources whose records are rows of tables that the firm made itself: files, sheets, boards, custom objects.

One option a kind holds that kind's table (`TableOptions`); `TableSource` asks the right one and tells what its mapping
makes of it. `RowSource` is for vendors whose tables have columns to be looked up and rows to be read: beside the
firm's columns a row has some of the vendor's own, whose names begin with `@`; fields without a mapping take theirs
from them. A row that cannot be read is a finding; the good rows count, and the poll counts as incomplete.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar

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
from billsync.sdk.columns import Columns, Mapper
from billsync.sdk.fields import FIELDS
from billsync.sdk.formats import Cell
from billsync.sdk.options import Field, Options
from billsync.sdk.row import within
from billsync.sdk.source import Source

TABLES: Final[Mapping[Kind, str]] = {
    "project": "projects",
    "milestone": "milestones",
    "time": "time",
    "expense": "expenses",
    "contract": "contracts",
    "change_order": "change_orders",
}
"""Kind -> the option that holds its table."""
EVERY_KIND: Final = frozenset(TABLES)
O = TypeVar("O", bound=Options)  # noqa: E741
T = TypeVar("T", bound=Columns)
R = TypeVar("R", bound="RowTable")


class TableOptions(Options, Generic[T]):
    """A table for each kind of record; kinds without one are not read."""

    projects: T | None = Field(default=None, description="Table of projects.")
    milestones: T | None = Field(default=None, description="Table of milestones.")
    time: T | None = Field(default=None, description="Table of time entries.")
    expenses: T | None = Field(default=None, description="Table of expenses.")
    contracts: T | None = Field(default=None, description="Table of contracts.")
    change_orders: T | None = Field(default=None, description="Table of change orders.")


class TableSource(Source[O], Generic[O, T]):
    """A subclass writes `records` and `look_at`, and says in `tables` if more counts than the options of that name."""

    mark_option: ClassVar[str] = "mark_column"
    """The option of a table that says where a mark goes."""

    @classmethod
    def tables(cls, options: O) -> Mapping[Kind, T]:
        """Kind -> its table, for the kinds that have one."""
        found: dict[Kind, T | None] = {kind: getattr(options, name) for kind, name in TABLES.items()}
        return {kind: table for kind, table in found.items() if table is not None}

    @classmethod
    def kinds(cls, options: O) -> frozenset[Kind]:
        """The kinds that have a table."""
        return frozenset(cls.tables(options))

    @classmethod
    def marks(cls, options: O) -> frozenset[Kind]:
        """The kinds whose table says where a mark goes."""
        tables = cls.tables(options) if cls.offers.marks_billed else {}
        return frozenset(kind for kind, table in tables.items() if getattr(table, cls.mark_option, None))

    def table(self, kind: Kind) -> T:
        """The table of a kind; UsageError where there is none."""
        found = self.tables(self.options).get(kind)
        if found is None:
            raise self._not_offered(TABLES[kind])
        return found

    def where(self, kind: Kind) -> str:
        """How errors name the table of a kind."""
        return f"{self.account}: {TABLES[kind]}"

    @abstractmethod
    def records(self, kind: Kind, window: Window) -> Iterator[Any]:
        """The records of a kind: time and expenses dated within the window, everything else whatever its age."""

    @abstractmethod
    def look_at(self, kind: Kind) -> Iterator[str]:
        """What the mapping of a kind makes of its table, in sentences."""

    def look(self) -> tuple[str, ...]:
        """What each mapping makes of its table, for `check`. UsageError where no table is declared."""
        if not self.kinds(self.options):
            raise UsageError("no table is declared", where=self.account, hint="milestones: ..., time: ...")
        every = [f"{TABLES[kind]}: {told}" for kind in self.tables(self.options) for told in self.look_at(kind)]
        self.findings.clear()
        return tuple(every)

    def projects(self, window: Window) -> Iterator[Project]:
        return self.records("project", window)

    def milestones(self, window: Window) -> Iterator[Milestone]:
        return self.records("milestone", window)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        return self.records("time", window)

    def expenses(self, window: Window) -> Iterator[Expense]:
        return self.records("expense", window)

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        return self.records("contract", window)

    def change_orders(self, window: Window) -> Iterator[ChangeOrder]:
        return self.records("change_order", window)


# ---- Tables of a vendor: columns, then rows ------------------------------------------------------------------

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


class RowSource(TableSource[O, R], Generic[O, R]):
    """Reads a table for each kind that has one. A subclass opens tables, and says which columns are its own."""

    own: ClassVar[Mapping[str, str]]
    """Field -> the vendor's own column that stands for it, unless the firm maps it. A record's id is its row's."""

    def own_of(self, table: R) -> Mapping[str, str]:
        """As `own`, of one table."""
        return self.own

    @abstractmethod
    def open_table(self, table: R) -> Opened:
        """Ask for the columns, then for the rows."""

    @abstractmethod
    def write_mark(self, table: R, column: str, ids: list[str], reference: str) -> None:
        """Write a reference into a column of rows."""

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """Into the table's `mark_column`. Records are found again only where their id is the row's own."""
        table = self.table(kind)
        if not table.mark_column or "id" in table.columns or table.id_from or self.own_of(table) != self.own:
            raise self._not_offered(f"marks on {TABLES[kind]} without a `mark_column`, or with ids of the firm's own")
        self.write_mark(table, table.mark_column, ids, reference)

    def records(self, kind: Kind, window: Window) -> Iterator[Any]:
        bad: list[str] = []
        _, found = self._read(kind, bad)
        yield from (record for record in found if within(record, window))
        self.findings += bad
        if bad:
            more = f"{len(bad)} rows cannot be read, the first is " if len(bad) > 1 else ""
            raise BadAnswer(f"{more}{bad[0]}", where=self.where(kind), hint="mend the row or the mapping")

    def look_at(self, kind: Kind) -> Iterator[str]:
        bad: list[str] = []
        mapper, found = self._read(kind, bad)
        yield f"{sum(1 for _ in found)} records"
        yield from bad
        yield from mapper.told()

    def _read(self, kind: Kind, bad: list[str]) -> tuple[Mapper, Iterator[Record]]:
        """The bound mapper and the records as they are read; what is wrong with the other rows goes to `bad`."""
        table, known = self.table(kind), {field.name for field in FIELDS[kind]}
        said = {*table.columns, *table.constants, *(["id"] if table.id_from else [])}
        own = {field: column for field, column in self.own_of(table).items() if field in known - said}
        opened = self.open_table(table)
        mapping = table.model_copy(update={"columns": {**own, **table.columns}})
        mapper = Mapper(kind, mapping, where=self.where(kind)).bind(opened.titles)
        return mapper, readable(mapper, opened.rows, bad)


def readable(mapper: Mapper, rows: Rows, bad: list[str]) -> Iterator[Record]:
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
