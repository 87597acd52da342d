"""Opening the file, transactions, and the database's own errors in the ledger's words.

WAL with `synchronous=FULL`: a commit that returned survives a power cut. Transactions start with BEGIN IMMEDIATE:
sqlite-utils' `atomic()` alone begins deferred, and a read followed by a write then fails at once when another
connection wrote in between. Inside a transaction `atomic()` nests by savepoints.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlite_utils import Database

from billsync.ledger.migrations import migrations
from billsync.model.errors import LedgerError

BUSY_SECONDS: Final = 5
CACHE_KIB: Final = 65536
OLDEST: Final = (3, 37)
"""STRICT tables."""
_RESTORE: Final = "restore the last backup with `billsync ledger restore`, then `billsync ledger relearn`"


def connect(path: Path, *, read_only: bool) -> Database:
    """The open database, migrated unless read only. LedgerError when it cannot be used as asked."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise LedgerError(
            f"this Python's SQLite is {sqlite3.sqlite_version}; the ledger needs 3.37 or newer",
            where=str(path),
            hint="use a newer Python (those of python.org and uv bring their own SQLite)",
        )
    with told(path), told_files(path):
        if read_only:
            return _read_only(path)
        _create_private(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db = _wrap(connection)
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute("PRAGMA synchronous = FULL")
            if migrations.pending(db):
                _ours(db, path)
                with immediate(db):
                    migrations.apply(db)
        except BaseException:
            connection.close()
            raise
        return db


def _wrap(connection: sqlite3.Connection) -> Database:
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return Database(connection, execute_plugins=False)


def _create_private(path: Path) -> None:
    """Only the owner may read what a firm bills; SQLite gives its side files the same permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        # Asked, not tried: opening and closing the file would drop the locks that SQLite holds on it.
        if path.is_file() and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, "the file cannot be written") from None


def _read_only(path: Path) -> Database:
    if not path.is_file():
        raise LedgerError("there is no ledger yet", where=str(path), hint="`billsync sync` makes one")
    db = _open_read_only(path)
    try:
        if migrations.pending(db):
            _ours(db, path)
            raise LedgerError(
                "the ledger was written by an older billsync and must be migrated first",
                where=str(path),
                hint="`billsync ledger migrate` (or the next sync) does that",
            )
    except BaseException:
        db.close()
        raise
    return db


def _ours(db: Database, path: Path) -> None:
    """Another program's database must not get our tables."""
    if not migrations.applied(db) and db.table_names():
        raise LedgerError(
            "this file is not a ledger: it is another program's database",
            where=str(path),
            hint="name another file as `ledger:` in the configuration",
        )


def _open_read_only(path: Path) -> Database:
    """In a folder that cannot be written, WAL's side files cannot be made: a ledger without them is read as it is."""
    address = "file:" + quote(path.resolve().as_posix())
    side = path.with_name(path.name + "-wal")
    for flags in ("?mode=ro", "?mode=ro&immutable=1"):
        connection = sqlite3.connect(address + flags, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except (sqlite3.Error, UnicodeDecodeError):
            connection.close()
            if flags.endswith("immutable=1") or (side.exists() and side.stat().st_size):
                raise
        else:
            return _wrap(connection)
    raise AssertionError("unreachable: the second way returns or raises")


@contextmanager
def immediate(db: Database) -> Iterator[None]:
    """A write transaction; inside another one, a savepoint. Rolled back whole on any exception."""
    if db.conn.in_transaction:
        with db.atomic():
            yield
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    try:
        db.conn.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """Reads inside see one state of the ledger, whoever writes meanwhile."""
    if db.conn.in_transaction:
        yield
        return
    db.conn.execute("BEGIN")
    try:
        yield
    finally:
        db.rollback()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """SQLite's errors as LedgerError: what, where, what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(_what(error), where=str(path), hint=_hint(error)) from error
    except UnicodeDecodeError as error:  # SQLite tells of a damaged schema in the schema's damaged words
        what = "the ledger's file is damaged: its schema is no text any more"
        raise LedgerError(what, where=str(path), hint=_RESTORE) from error


@contextmanager
def told_files(path: Path) -> Iterator[None]:
    """The system's errors about the file itself likewise."""
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be opened: {error.strerror or error}",
            where=str(path),
            hint="check the owner and permissions of the file and its folder, and the disk's free space",
        ) from error


def _what(error: sqlite3.Error) -> str:
    text = str(error)
    if "not a database" in text:
        return "this file is not a ledger: it is no SQLite database"
    if "malformed" in text or "corrupt" in text:
        return f"the ledger's file is damaged: {text}"
    if "full" in text:
        return "the disk is full: nothing was written"
    if "locked" in text or "busy" in text:
        return "another process is writing to the ledger"
    if "readonly" in text or "unable to open" in text:
        return f"the ledger cannot be written: {text}"
    return f"the ledger cannot be read or written: {text}"


def _hint(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "free some space and run again: the ledger is as it was before"
    if "locked" in text or "busy" in text:
        return "wait for the other run to end"
    if "readonly" in text or "unable to open" in text:
        return "check the owner and permissions of the file and its folder"
    return _RESTORE


def stamp_of(at: datetime) -> str:
    """An instant as the ledger stores it: UTC, microseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """The instant of a stored text."""
    return datetime.fromisoformat(text)


def day(text: str | None) -> date | None:
    """The date of a stored text."""
    return None if text is None else date.fromisoformat(text)
