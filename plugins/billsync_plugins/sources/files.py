"""Files: exports in a folder (CSV, XLSX, XLS, ODS, JSON), one table for each kind of record. Own format, no vendor.

The columns are mapped in the configuration (docs: column mapping); obvious headers need no mapping.
A row that cannot be read is a finding with file and line; the good rows count, and the poll counts as incomplete, so
nothing is called vanished and the statement says unknown. A missing file is an error, never "no rows".
Schedule lines of contracts are a table of their own, `contract_lines`: one row that cannot be read there, and no
contract is read, since its schedule would have a hole.
A row without an id column is known by a hash of the fields in `id_from`: an edit of these looks like a new row.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from billsync.model.errors import BadAnswer, UsageError
from billsync.model.work import ContractTerms, Kind, TermsLine, Window
from billsync.sdk import Field, Identity, Location, Offers, sources
from billsync.sdk.columns import Mapper
from billsync.sdk.exports import FileTable, read_records
from billsync.sdk.mapped import EVERY_KIND, TableOptions, TableSource
from billsync.sdk.row import within


class FilesOptions(TableOptions[FileTable]):
    """A folder and its tables: each is a file name, or its settings."""

    contract_lines: FileTable | None = Field(
        default=None, description="Table of the schedule lines of the contracts in `contracts`."
    )
    path: Location = Field(description="Folder of the files; relative to the configuration file.")
    partial: bool = Field(default=True, description="Good rows count though others are broken; false: all or none.")
    quiet: int = Field(
        default=1, ge=0, le=600, description="A file that changed within so many seconds is looked at twice."
    )


class Files(TableSource[FilesOptions, FileTable]):
    """A folder of exports. The whole table is read each time; `full` tables show deletions by absence."""

    kind = "files"
    title = "Files (CSV, XLSX, JSON)"
    docs = "https://docs.python.org/3/library/csv.html"
    offers = Offers(kinds=EVERY_KIND, approval="status", changes="whole")
    quality = "silver"

    @classmethod
    def kinds(cls, options: FilesOptions) -> frozenset[Kind]:
        """The kinds that have a table. UsageError: lines of contracts, and no contracts."""
        if options.contract_lines is not None and options.contracts is None:
            raise UsageError("contract_lines: there is no table of contracts", hint="contracts: contracts.csv")
        return super().kinds(options)

    def shows_absence(self, kind: Kind) -> bool:
        """Only where the table is a full one."""
        return self.table(kind).mode == "full"

    def check(self) -> Identity:
        """Reads every table once, and tells how many records each rule of the mapping matches."""
        return Identity(account=str(self.options.path), remarks=self.look())

    def records(self, kind: Kind, window: Window) -> Iterator[Any]:
        found: Iterator[Any] = (record for record in self._read(kind)[1] if within(record, window))
        if kind == "contract" and self.options.contract_lines is not None:
            found = self._with_lines(found, self.options.contract_lines)
        return found if self.options.partial else iter(list(found))

    def _with_lines(self, contracts: Iterator[ContractTerms], table: FileTable) -> Iterator[ContractTerms]:
        mapper = Mapper("contract_line", table, where=f"{self.account}: contract_lines")
        lines: dict[str, list[TermsLine]] = defaultdict(list)
        for one in read_records(self.options.path, table, mapper, self.findings, quiet=self.options.quiet):
            lines[one.contract].append(one.line)
        for contract in contracts:
            yield replace(contract, lines=tuple(lines.pop(contract.id, ())))
        self.findings += [f"{table.file}: lines of {name}, which is no contract here" for name in sorted(lines)]

    def look_at(self, kind: Kind) -> Iterator[str]:
        mapper, records = self._read(kind)
        if kind == "contract" and self.options.contract_lines is not None:
            records = self._with_lines(records, self.options.contract_lines)
        count = 0
        try:
            for _ in records:
                count += 1
        except BadAnswer as error:
            yield error.what
        yield f"{count} records in {self.table(kind).file}"
        yield from mapper.told()

    def _read(self, kind: Kind) -> tuple[Mapper, Iterator[Any]]:
        table, options = self.table(kind), self.options
        mapper = Mapper(kind, table, where=self.where(kind))
        return mapper, read_records(options.path, table, mapper, self.findings, quiet=options.quiet)


billsync_sources = sources(Files)
