"""The audit files: one CSV for each table of the ledger with a fixed schema, and SHA256SUMS over them.

`sha256sum -c SHA256SUMS` (or `shasum -a 256 -c`) checks the files without billsync; `journal.csv` carries the chain of
hashes. Text that a spreadsheet would run is disarmed by an apostrophe, which `render.csv.read_rows` takes away again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from billsync.model.errors import UsageError
from billsync.reports.render.csv import write_rows

SUMS: Final = "SHA256SUMS"
Rows = Callable[[str], Iterable[Mapping[str, Any]]]


def write(folder: Path, columns: Mapping[str, Sequence[str]], rows: Rows) -> dict[str, int]:
    """Write the files into a new folder that appears only when it is complete; table -> number of rows.

    Raises UsageError where the folder exists already (an audit file is never written over) or cannot be written.
    """
    if folder.exists():
        raise UsageError("the folder exists already", where=str(folder), hint="name a new one: --dir")
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        counts = {table: _table(part / f"{table}.csv", names, rows(table)) for table, names in columns.items()}
        sums = "".join(f"{_sum(part / f'{table}.csv')}  {table}.csv\n" for table in sorted(columns))
        (part / SUMS).write_text(sums, encoding="utf-8", newline="\n")
        part.rename(folder)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror or error}", where=str(folder)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return counts


def check(folder: Path) -> list[str]:
    """Files that are missing or are not what SHA256SUMS says; none when all is well."""
    wrong = []
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ", 1)
        path = folder / name
        if not path.is_file() or _sum(path) != expected:
            wrong.append(name)
    return wrong


def _table(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0

    def counted() -> Iterable[list[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield [row[name] for name in names]

    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(names, counted(), file)
    return count


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
