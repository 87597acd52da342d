"""The completeness receipts of polls: what was read when, and how current each account is."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from billsync.ledger.database import instant, stamp_of
from billsync.model.book import Coverage, Terms
from billsync.model.codec import decode
from billsync.model.work import RECORDS, Kind, PollReceipt

_END_OF_TIME: Final = "9999"
_REMEMBERED: Final = 400
"""Sweeps are told from polls of recent days by comparing this many receipts."""


def last_complete(
    conn: sqlite3.Connection, account: str, kind: str, *, as_of: datetime | None = None
) -> PollReceipt | None:
    """The receipt of the newest poll that finished."""
    found = conn.execute(
        "SELECT receipt FROM poll WHERE account = ? AND kind = ? AND complete = 1 AND finished <= ? "
        "ORDER BY id DESC LIMIT 1",
        (account, kind, _until(as_of)),
    ).fetchone()
    return found and decode(PollReceipt, found[0])


def last_polled(conn: sqlite3.Connection) -> datetime | None:
    """When the newest poll of any account ended, by the clock of that run."""
    found = conn.execute("SELECT finished FROM poll ORDER BY id DESC LIMIT 1").fetchone()
    return found and instant(found[0])


def last_full_sweep(conn: sqlite3.Connection, account: str, kind: str) -> PollReceipt | None:
    """The newest finished sweep that reached about as far back as sweeps of this account do.

    A poll of recent days is full too, for its window: the two are told apart by how far back they look, a sweep
    reaching at least half-way between the shortest and the longest.
    """
    found = conn.execute(
        "SELECT receipt FROM poll WHERE account = ? AND kind = ? AND complete = 1 AND whole = 1 "
        "ORDER BY id DESC LIMIT ?",
        (account, kind, _REMEMBERED),
    )
    receipts = [decode(PollReceipt, row[0]) for row in found]
    reach = [(receipt.started.date() - receipt.window.since).days for receipt in receipts]
    far = [receipt for receipt, days in zip(receipts, reach, strict=True) if 2 * days >= min(reach) + max(reach)]
    return far[0] if far else None


def coverage(conn: sqlite3.Connection, terms: Terms, *, as_of: datetime | None = None) -> tuple[Coverage, ...]:
    """How current each kind of each source account is, in the order of their names."""
    known: list[Kind] = list(RECORDS)
    return tuple(
        _coverage(conn, account, kind, terms.sources[account].stale_after_hours, as_of)
        for account in sorted(terms.sources)
        for kind in known
        if kind in terms.sources[account].kinds
    )


def _coverage(conn: sqlite3.Connection, account: str, kind: Kind, hours: int, as_of: datetime | None) -> Coverage:
    found = conn.execute(
        "SELECT receipt FROM poll WHERE account = ? AND kind = ? AND finished <= ? ORDER BY id DESC LIMIT 1",
        (account, kind, _until(as_of)),
    ).fetchone()
    complete = last_complete(conn, account, kind, as_of=as_of)
    return Coverage(
        account=account,
        kind=kind,
        last_complete=None if complete is None else complete.finished,
        last=found and decode(PollReceipt, found[0]),
        stale_after_hours=hours,
    )


def _until(as_of: datetime | None) -> str:
    return _END_OF_TIME if as_of is None else stamp_of(as_of)
