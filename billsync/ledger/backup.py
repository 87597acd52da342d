"""Copies of the ledger: taken under running writers, verified after writing, never half there; and putting one back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

from billsync.ledger.database import connect, told, told_files
from billsync.ledger.journal import head
from billsync.ledger.verify import Verification, verify
from billsync.model.errors import Fork, LedgerError, UsageError

_SIDES: Final = ("-wal", "-shm", "-journal")
"""What the database keeps beside its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A verified copy. `head` is the hash of the journal's last row, in hex."""

    path: Path
    taken_at: datetime
    rows: int
    head: str


def backup(source: sqlite3.Connection, target: Path, now: datetime) -> Backup:
    """Copy the ledger to `target` (replaced if it is there). LedgerError, and no file, if the copy does not verify."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".unfinished")
    _remove(unfinished)
    try:
        _copy(source, unfinished)
        checked = _verified(unfinished)
        _settle(unfinished, target)
    finally:
        _remove(unfinished)
    return Backup(path=target, taken_at=now, rows=checked.rows, head=checked.head)


def restore(source: Path, target: Path, *, force: bool = False) -> Path | None:
    """Put the backup `source` in the place of the ledger `target`; the caller holds the run lock.

    Fork: `target` knows more than the backup, or is another ledger; `force` overrides, and the replaced file is kept
    beside it as `*.replaced`, or the next such name that is free. At every instant the old ledger or the new one is in
    its place. Returns where the replaced ledger was kept, None where there was none.
    """
    if not source.is_file():
        raise UsageError("there is no such backup", where=str(source))
    checked = _verified(source)
    if target.exists() and not force:
        _continues(source, target, checked)
    with told(target), told_files(target):
        return _replace(source, target)


def _replace(source: Path, target: Path) -> Path | None:
    unfinished = target.with_name(target.name + ".unfinished")
    kept: Path | None = None
    try:
        with closing(sqlite3.connect(_address(source), uri=True)) as old:
            _remove(unfinished)
            _copy(old, unfinished)
        _verified(unfinished)
        if target.exists():
            kept = _free_name(target)
            _keep(target, kept)
        _clear_sides(target, kept or _free_name(target))
        _settle(unfinished, target)
    finally:
        _remove(unfinished)
    return kept


def _continues(source: Path, target: Path, checked: Verification) -> None:
    """The ledger in place must hold nothing that the backup does not."""
    with closing(connect(target, read_only=True)) as db:
        size, last = head(db.conn)
    with closing(connect(source, read_only=True)) as db:
        found = db.conn.execute("SELECT hash FROM journal WHERE seq = ?", (size,)).fetchone()
    if size > checked.rows:
        raise Fork(
            f"the ledger in place has {size - checked.rows} journal rows that the backup does not have",
            where=f"{target}: {size} rows; {source}: {checked.rows}",
            hint="what was billed since would be forgotten; if it must be, --force, then `billsync ledger relearn`",
        )
    if size and (found is None or found[0] != last):
        raise Fork(
            "the ledger in place and the backup have different histories",
            where=f"{target} and {source}",
            hint="check that this is the backup of this ledger; --force replaces it anyway",
        )


def _copy(source: sqlite3.Connection, path: Path) -> None:
    """All pages in one step: a consistent state, whoever writes meanwhile."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, complete in itself


def _verified(path: Path) -> Verification:
    with closing(connect(path, read_only=True)) as db:
        checked = verify(db.conn)
    if not checked.ok:
        seq, what = checked.problems[0]
        raise LedgerError(
            f"this copy does not verify: {what}",
            where=f"{path}: row {seq}" if seq else str(path),
            hint="`billsync audit verify` on the ledger itself tells whether the copy or the ledger is damaged",
        )
    return checked


def _settle(unfinished: Path, target: Path) -> None:
    """On disk before it has its name; then the name, atomically."""
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)


def _free_name(target: Path) -> Path:
    """What an earlier restore kept may be the only ledger that knows what people decided."""
    names = (target.with_name(f"{target.name}.replaced{'' if number == 1 else f'-{number}'}") for number in count(1))
    return next(name for name in names if not _anything(name))


def _anything(path: Path) -> bool:
    return any(path.with_name(path.name + end).exists() for end in ("", *_SIDES))


def _keep(target: Path, kept: Path) -> None:
    """A copy of a ledger with everything that is still in its WAL; of a damaged one, as it is."""
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            old.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.DatabaseError:
        pass  # damaged, or still being read: its side files are kept with it
    copied = kept.with_name(kept.name + ".unfinished")
    copied.unlink(missing_ok=True)
    os.close(os.open(copied, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    shutil.copyfile(target, copied)
    _settle(copied, kept)


def _clear_sides(target: Path, kept: Path) -> None:
    """Move away the side files of what was in the place: the database would play an old WAL into the new ledger."""
    for end in _SIDES:
        side = target.with_name(target.name + end)
        if side.exists():
            side.replace(kept.with_name(kept.name + end))


def _remove(path: Path) -> None:
    for end in ("", *_SIDES):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _address(path: Path) -> str:
    return path.resolve().as_uri() + "?mode=ro"
