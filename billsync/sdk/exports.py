"""Exports in a folder: which files hold a table, when they are finished, and their rows as records with findings."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from billsync.model.errors import BadAnswer, Missing, Unavailable
from billsync.sdk.columns import Columns, Mapper
from billsync.sdk.tables import Row, TableFormat, open_table

UNFINISHED = frozenset({".part", ".tmp", ".crdownload", ".filepart"})
"""Suffixes of files that are still on their way."""


class FileTable(Columns, TableFormat):
    """The table of one kind of record: which file, how it is written, what its columns mean."""

    file: str = Field(description="File name or pattern within the folder, e.g. time-*.csv.")
    mode: Literal["full", "delta"] = Field(
        default="full",
        description="full: the files hold everything, so what is absent is gone. delta: they hold news only; "
        "the last file by name that shows an id is right.",
    )
    optional: bool = Field(default=False, description="True: no such file means no such records, not an error.")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        """`time: time.csv` is short for `time: {file: time.csv}`."""
        return {"file": value} if isinstance(value, str) else value

    @field_validator("file")
    @classmethod
    def _within(cls, value: str) -> str:
        path = PurePath(value)
        if not value or path.is_absolute() or path.drive or ".." in path.parts:
            raise ValueError("a file name or pattern within the folder")
        return value


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Files of a pattern by name; half-written, hidden and lock files are none. Missing: the folder is not there."""
    if not folder.is_dir():
        raise Missing("the folder is not there", where=str(folder), hint="is the drive or share connected?")
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.is_file() and not path.name.startswith((".", "~$")) and path.suffix.lower() not in UNFINISHED
    )


def wait_until_quiet(
    paths: Sequence[Path],
    seconds: int,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Look twice at files that changed within the last `seconds`. Unavailable when someone is still writing."""
    first = {path: _look(path) for path in paths}
    youngest = max((changed for _, changed in first.values()), default=0)
    age = int(now().timestamp()) - youngest // 1_000_000_000
    if not paths or age >= seconds:
        return
    sleep(seconds)
    for path, look in first.items():
        if _look(path) != look:
            raise Unavailable("the file is still being written", where=path.name, hint="the next run reads it")


def _look(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def read_records(folder: Path, table: FileTable, mapper: Mapper, findings: list[str], *, quiet: int) -> Iterator[Any]:
    """The records of every file of a table; of a delta the newest file first, since it is right.

    A row that cannot be read, or whose id stood there before, goes to `findings` as `time.csv:17: why`; then BadAnswer
    is raised once the good rows are given. Missing when there is no file and the table is not optional.
    """
    before = len(findings)
    paths = find_files(folder, table.file)
    if not paths and not table.optional:
        raise Missing(f"no file {table.file!r}", where=str(folder), hint="was it not exported, or moved?")
    wait_until_quiet(paths, quiet)
    known: set[str] = set()
    delta = table.mode == "delta"
    for path in reversed(paths) if delta else paths:
        seen: set[str] = set() if delta else known
        with open_table(path, table) as opened:
            mapper.bind(opened.titles, where=path.name)
            for row in opened.rows:
                record = _record(mapper, row, seen, path.name, findings)
                if record is not None and not (delta and record.id in known):
                    yield record
        known |= seen
    if len(findings) > before:
        count = len(findings) - before
        what = f"{count} rows cannot be read, the first is {findings[before]}" if count > 1 else findings[before]
        raise BadAnswer(what, where=mapper.where, hint="mend the file or the mapping; the other rows were read")


def _record(mapper: Mapper, row: Row, seen: set[str], file: str, findings: list[str]) -> Any:
    try:
        if row.trouble:
            raise BadAnswer(row.trouble)
        record = mapper.record(row.cells)
        if record.id in seen:
            raise BadAnswer(f"the id {record.id!r} stands twice")
    except BadAnswer as error:
        findings.append(f"{file}:{row.line}: {error.what}")
        return None
    seen.add(record.id)
    return record
