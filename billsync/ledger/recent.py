"""When a contract was last billed and a person last worked: what an absence is measured against, work at rest too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from billsync.ledger.database import stamp_of

_SIX_WEEKS: Final = timedelta(days=42)


def last_billed(conn: sqlite3.Connection, contracts: Iterable[str], *, as_of: datetime | None) -> dict[str, date]:
    """By contract: the last night on which something of it was billed."""
    query = "SELECT max(night) FROM posting WHERE contract = ? AND kind = 'billed'"
    found = {}
    for contract in contracts:
        if as_of is None:  # without a time the index alone answers
            row = conn.execute(query, (contract,)).fetchone()
        else:
            row = conn.execute(f"{query} AND at <= ?", (contract, stamp_of(as_of))).fetchone()
        if row[0] is not None:
            found[contract] = date.fromisoformat(row[0])
    return found


def last_worked(conn: sqlite3.Connection, today: date, *, as_of: datetime | None) -> dict[str, date]:
    """By `account:person`: the last date of work within six weeks; who did not work since is not listed."""
    rows = conn.execute(
        "SELECT r.account, r.person, max(r.on_date) FROM record AS r JOIN observation AS o ON o.seq = r.observation "
        "WHERE r.kind = 'time' AND r.on_date BETWEEN ? AND ? AND r.vanished IS NULL AND r.person IS NOT NULL "
        "AND o.first_seen <= ? GROUP BY 1, 2",
        ((today - _SIX_WEEKS).isoformat(), today.isoformat(), "9999" if as_of is None else stamp_of(as_of)),
    )
    return {f"{row[0]}:{row[1]}": date.fromisoformat(row[2]) for row in rows}
