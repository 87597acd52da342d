"""Files: exports in a folder (CSV, XLSX, XLS, ODS, JSON), one table for each kind of record. Own format, no vendor.

The columns are mapped in the configuration (docs: column mapping); obvious headers need no mapping.
A row that cannot be read is a finding with file and line; the good rows count, and the poll counts as incomplete, so
nothing is called vanished and the statement says unknown. A missing file is an error, never "no rows".
A row without an id column is known by a hash of the fields in `id_from`: an edit of these looks like a new row.
"""

from collections.abc import Iterator
from typing import Any

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
from billsync.sdk import Field, Identity, Location, Offers, Options, Source, hookimpl
from billsync.sdk.columns import Mapper
from billsync.sdk.exports import FileTable, read_records

TABLES: dict[Kind, str] = {
    "project": "projects",
    "milestone": "milestones",
    "time": "time",
    "expense": "expenses",
    "contract": "contracts",
    "change_order": "change_orders",
}


class FilesOptions(Options):
    """A folder and its tables; kinds without a table are not read."""

    path: Location = Field(description="Folder of the files; relative to the configuration file.")
    projects: FileTable | None = Field(default=None, description="Table of projects: a file name, or its settings.")
    milestones: FileTable | None = Field(default=None, description="Table of milestones.")
    time: FileTable | None = Field(default=None, description="Table of time entries.")
    expenses: FileTable | None = Field(default=None, description="Table of expenses.")
    contracts: FileTable | None = Field(default=None, description="Table of contracts.")
    change_orders: FileTable | None = Field(default=None, description="Table of change orders.")
    partial: bool = Field(default=True, description="Good rows count though others are broken; false: all or none.")
    quiet: int = Field(
        default=1, ge=0, le=600, description="A file that changed within so many seconds is looked at twice."
    )


class Files(Source[FilesOptions]):
    """A folder of exports. The whole table is read each time; `full` tables show deletions by absence."""

    kind = "files"
    title = "Files (CSV, XLSX, JSON)"
    docs = "https://docs.python.org/3/library/csv.html"
    offers = Offers(kinds=frozenset(TABLES), approval="status", changes="whole")
    quality = "silver"

    @classmethod
    def kinds(cls, options: FilesOptions) -> frozenset[Kind]:
        """The kinds that have a table."""
        return frozenset(kind for kind, name in TABLES.items() if getattr(options, name) is not None)

    def shows_absence(self, kind: Kind) -> bool:
        """Only where the table is a full one."""
        return self._table(kind).mode == "full"

    def check(self) -> Identity:
        """Reads every table once, and tells how many records each rule of the mapping matches."""
        if not self.kinds(self.options):
            raise UsageError("no table is declared", where=self.account, hint="time: time.csv, milestones: ...")
        remarks: list[str] = []
        for kind in TABLES:
            if kind in self.kinds(self.options):
                remarks += self._look(kind)
        self.findings.clear()
        return Identity(account=str(self.options.path), remarks=tuple(remarks))

    def projects(self, window: Window) -> Iterator[Project]:
        """Every row; the window does not restrict projects."""
        return self._records("project", window)

    def milestones(self, window: Window) -> Iterator[Milestone]:
        """Every row, open and complete."""
        return self._records("milestone", window)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        """Rows dated within the window."""
        return self._records("time", window)

    def expenses(self, window: Window) -> Iterator[Expense]:
        """Rows dated within the window."""
        return self._records("expense", window)

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        """Every row."""
        return self._records("contract", window)

    def change_orders(self, window: Window) -> Iterator[ChangeOrder]:
        """Every row, signed or not."""
        return self._records("change_order", window)

    def _table(self, kind: Kind) -> FileTable:
        table: FileTable | None = getattr(self.options, TABLES[kind])
        if table is None:
            raise self._not_offered(TABLES[kind])
        return table

    def _read(self, kind: Kind) -> tuple[Mapper, Iterator[Record]]:
        table = self._table(kind)
        mapper = Mapper(kind, table, where=f"{self.account}: {TABLES[kind]}")
        options = self.options
        return mapper, read_records(options.path, table, mapper, self.findings, quiet=options.quiet)

    def _records(self, kind: Kind, window: Window) -> Iterator[Any]:
        found = (record for record in self._read(kind)[1] if _within(record, window))
        return found if self.options.partial else iter(list(found))

    def _look(self, kind: Kind) -> Iterator[str]:
        mapper, records = self._read(kind)
        count = 0
        try:
            for _ in records:
                count += 1
        except BadAnswer as error:
            yield f"{TABLES[kind]}: {error.what}"
        yield f"{TABLES[kind]}: {count} records in {self._table(kind).file}"
        for rule in mapper.rules():
            silent = " - does this rule still fit?" if rule.configured and not rule.records else ""
            yield f"{TABLES[kind]}: {rule.field} = {rule.meaning}: {rule.records} records{silent}"


def _within(record: Record, window: Window) -> bool:
    """Time and expenses by the date of the work; everything else always."""
    if isinstance(record, TimeEntry):
        return window.since <= record.worked_on <= window.until
    return not isinstance(record, Expense) or window.since <= record.spent_on <= window.until


@hookimpl
def billsync_sources() -> list[type[Files]]:
    return [Files]
