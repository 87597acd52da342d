"""One writer at a time: a lock file beside the ledger, freed by the operating system when its holder dies.

Who holds it is noted in a second file: on Windows nobody else can read a file while a part of it is locked. The note is
for people only. A run that was killed leaves it behind, the next holder overwrites it; one that cannot be read, or
cannot be removed because somebody reads it now (Windows), changes nothing about the lock. The lock file itself may
stay when a run ends: it is the system's lock on it that counts, not that it is there.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from billsync.model.errors import LedgerError, Locked

WAIT_SECONDS = 1.0
"""A second run must be gone within two seconds, start of Python included."""


@contextmanager
def run_lock(ledger: Path, *, now: Callable[[], datetime]) -> Iterator[None]:
    """Hold the ledger's lock. Raises Locked, naming the holder, when another run has it."""
    lock = FileLock(ledger.with_name(ledger.name + ".lock"))
    holder = ledger.with_name(ledger.name + ".holder")
    try:
        lock.acquire(timeout=WAIT_SECONDS)
    except Timeout:
        raise Locked(
            "another billsync run is at work on this ledger",
            where=_described(holder, ledger),
            hint="wait for it to end; a crashed run frees the lock by itself",
        ) from None
    except OSError as error:
        raise LedgerError(
            f"the ledger's folder cannot be written: {error.strerror or error}",
            where=str(ledger.parent),
            hint="check the folder's owner and permissions, and the disk's free space",
        ) from error
    try:
        _note(holder, now())
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _note(holder: Path, at: datetime) -> None:
    note = {"pid": os.getpid(), "host": socket.gethostname(), "since": at.isoformat(timespec="seconds")}
    try:
        holder.write_text(json.dumps(note), encoding="utf-8")
    except OSError as error:
        raise LedgerError(
            f"the ledger's folder cannot be written: {error.strerror or error}", where=str(holder.parent)
        ) from error


def _described(holder: Path, ledger: Path) -> str:
    try:
        note = json.loads(holder.read_text(encoding="utf-8"))
        return f"{ledger}: process {note['pid']} on {note['host']} since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return str(ledger)
