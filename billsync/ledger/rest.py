"""Work at rest: records that need no second look until something happens to them. A cache, and why it is one.

A firm bills for years; a night has a few thousand open records. Whatever is billed to the cent and unchanged sleeps,
counted in `rest_total`, so that a night reads only what is awake. It wakes when it gets a new version, vanishes or
comes back, when its identity gets a posting or a decision, and is passed over while its contract's terms are not those
it was put to rest under. Emptying the tables loses nothing: the next night looks at everything once more and puts it to
rest again. `verify` checks that the cache says nothing but what the facts say.

`awake_identity` holds every identity with a posting or a place that is not asleep: what a night must load beside the
records. Identities of schedule lines, milestones, releases and hand-made postings never leave it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, Final

from billsync.ledger.database import stamp_of
from billsync.model.book import Idle, Settled
from billsync.model.statement import Rest
from billsync.model.work import canonical

_EXACT: Final = Context(prec=200)
_CHUNK: Final = 5000
_KEY: Final = "state, contract, client, currency, fingerprint, account, kind"
Total = tuple[int, int, int, Decimal]
"""items, amount, withheld, hours"""
Totals = dict[tuple[str, ...], Total]


def sleeps(identity: str) -> bool:
    """True for identities that may leave the night's view: single records, not schedule lines."""
    return identity.startswith(("time/", "expense/"))


def put_to_rest(conn: sqlite3.Connection, resting: Sequence[Rest], *, at: datetime) -> None:
    """Let these records sleep, where the version that was looked at is still the newest."""
    since = stamp_of(at)
    for start in range(0, len(resting), _CHUNK):
        _put(conn, resting[start : start + _CHUNK], since)


def _put(conn: sqlite3.Connection, chunk: Sequence[Rest], since: str) -> None:
    numbers = _awake_records(conn, chunk)
    rows: list[tuple[Any, ...]] = []
    added: Totals = {}
    for rest in chunk:
        number = numbers.get((rest.key.account, rest.key.kind, rest.key.id, rest.version))
        if number is None:
            continue
        hours = None if rest.hours is None else str(canonical(rest.hours))
        what = (rest.state, rest.contract, rest.fingerprint, rest.currency, rest.amount, rest.withheld, hours, since)
        rows.append((number, rest.identity, rest.client, *what))
        key = (rest.state, rest.contract, rest.client, rest.currency, rest.fingerprint, *_of(rest))
        _add(added, key, (1, rest.amount, rest.withheld, rest.hours or Decimal(0)), 1)
    conn.executemany(
        "INSERT INTO at_rest (record, identity, client, state, contract, fingerprint, currency, amount, withheld,"
        " hours, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    conn.executemany("UPDATE record SET awake = 0 WHERE id = ?", [(row[0],) for row in rows])
    conn.executemany("DELETE FROM awake_identity WHERE identity = ?", [(row[1],) for row in rows if sleeps(row[1])])
    _apply(conn, added)


def _of(rest: Rest) -> tuple[str, str]:
    return rest.key.account, rest.key.kind


def _awake_records(conn: sqlite3.Connection, chunk: Sequence[Rest]) -> dict[tuple[str, str, str, str], int]:
    """Numbers of the awake, present records by key and version. A record in two rests (two payers) is found once."""
    keys = json.dumps([[rest.key.account, rest.key.kind, rest.key.id] for rest in chunk])
    found = conn.execute(
        "SELECT r.account, r.kind, r.external_id, r.version, r.id FROM json_each(?) AS j CROSS JOIN record AS r "
        "ON r.account = json_extract(j.value, '$[0]') AND r.kind = json_extract(j.value, '$[1]') "
        "AND r.external_id = json_extract(j.value, '$[2]') "
        "WHERE r.awake = 1 AND r.vanished IS NULL",
        (keys,),
    )
    return {(row[0], row[1], row[2], row[3]): row[4] for row in found}


def wake_records(conn: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """These records changed, went or came back."""
    for chunk in _chunks(numbers):
        _wake(conn, "record IN (SELECT value FROM json_each(?))", json.dumps(chunk))


def wake_identities(conn: sqlite3.Connection, identities: Iterable[str]) -> None:
    """These identities got a posting or a decision: the whole record behind each wakes."""
    for chunk in _chunks(identities):
        which = "record IN (SELECT a.record FROM json_each(?) AS j CROSS JOIN at_rest AS a ON a.identity = j.value)"
        _wake(conn, which, json.dumps(chunk))


def notice_identities(conn: sqlite3.Connection, identities: Iterable[str]) -> None:
    """These identities have a posting or a place now."""
    conn.executemany("INSERT OR IGNORE INTO awake_identity (identity) VALUES (?)", ((one,) for one in identities))


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    unique = list(dict.fromkeys(items))
    for start in range(0, len(unique), _CHUNK):
        yield unique[start : start + _CHUNK]


def _wake(conn: sqlite3.Connection, which: str, parameter: str) -> None:
    rows = conn.execute(_RESTS.format(which=which), (parameter,)).fetchall()
    if not rows:
        return
    gone: Totals = {}
    for row in rows:
        _add(gone, tuple(row[2:9]), (1, row[9], row[10], Decimal(row[11] or 0)), -1)
    _apply(conn, gone)
    records = [(number,) for number in dict.fromkeys(row[0] for row in rows)]
    conn.executemany("DELETE FROM at_rest WHERE record = ?", records)
    conn.executemany("UPDATE record SET awake = 1 WHERE id = ?", records)
    conn.executemany(
        "INSERT OR IGNORE INTO awake_identity SELECT ?1 WHERE EXISTS (SELECT 1 FROM posting WHERE identity = ?1) "
        "OR EXISTS (SELECT 1 FROM place WHERE identity = ?1)",
        [(row[1],) for row in rows],
    )


_RESTS: Final = (
    "SELECT a.record, a.identity, a.state, a.contract, a.client, a.currency, a.fingerprint, r.account, r.kind,"
    " a.amount, a.withheld, a.hours FROM at_rest AS a JOIN record AS r ON r.id = a.record WHERE {which}"
)


def _add(totals: Totals, key: tuple[str, ...], what: Total, sign: int) -> None:
    was = totals.get(key, (0, 0, 0, Decimal(0)))
    hours = _EXACT.add(was[3], _EXACT.multiply(Decimal(sign), what[3]))
    totals[key] = (was[0] + sign * what[0], was[1] + sign * what[1], was[2] + sign * what[2], hours)


def _apply(conn: sqlite3.Connection, changes: Mapping[tuple[str, ...], Total]) -> None:
    """Add to the kept totals; a group that is empty leaves no row."""
    where = " AND ".join(f"{name.strip()} = ?" for name in _KEY.split(","))
    for key, change in changes.items():
        found = conn.execute(
            f"SELECT items, amount, withheld, hours FROM rest_total WHERE {where}",
            key,
        ).fetchone()
        total: Totals = {key: change}
        if found:
            _add(total, key, (found[0], found[1], found[2], Decimal(found[3])), 1)
        items, amount, withheld, hours = total[key]
        conn.execute(f"DELETE FROM rest_total WHERE {where}", key)
        if items:
            values = (*key, items, amount, withheld, str(canonical(hours)))
            conn.execute(
                f"INSERT INTO rest_total ({_KEY}, items, amount, withheld, hours) VALUES (?{', ?' * 10})",
                values,
            )


def kept_totals(conn: sqlite3.Connection) -> Totals:
    """The totals as kept."""
    found = conn.execute(f"SELECT {_KEY}, items, amount, withheld, hours FROM rest_total")
    return {tuple(row[:7]): (row[7], row[8], row[9], Decimal(row[10])) for row in found}


def counted_totals(conn: sqlite3.Connection, which: str = "1", parameters: Sequence[Any] = ()) -> Totals:
    """The totals of some of the rests, counted anew. Hours are summed exactly: once for each different number."""
    totals: Totals = {}
    found = conn.execute(
        "SELECT a.state, a.contract, a.client, a.currency, a.fingerprint, r.account, r.kind, a.hours, count(*),"
        " sum(a.amount), sum(a.withheld) FROM at_rest AS a JOIN record AS r ON r.id = a.record"
        f" WHERE {which} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
        parameters,
    )
    for row in found:
        hours = _EXACT.multiply(Decimal(row[7] or 0), Decimal(row[8]))
        _add(totals, tuple(row[:7]), (row[8], row[9], row[10], hours), 1)
    return totals


def less(totals: Totals, gone: Totals) -> Totals:
    """The totals without some of them; groups that are empty then are left out."""
    left = dict(totals)
    for key, what in gone.items():
        _add(left, key, what, -1)
    return {key: what for key, what in left.items() if what[0]}


def settled(totals: Totals) -> tuple[Settled, ...]:
    """Billed work at rest by contract, client and currency."""
    sums: Totals = {}
    for (state, contract, client, currency, *_), what in totals.items():
        if state == "billed":
            _add(sums, (contract, client, currency), what, 1)
    return tuple(
        Settled(contract=key[0], client=key[1], currency=key[2], items=what[0], amount=what[1], withheld=what[2])
        for key, what in sorted(sums.items())
    )


def idle(totals: Totals) -> tuple[Idle, ...]:
    """Records at rest that earn nothing, by account and kind."""
    sums: Totals = {}
    for (state, *_, account, kind), what in totals.items():
        if state == "not_billable":
            _add(sums, (account, kind), what, 1)
    return tuple(
        Idle(account=key[0], kind=key[1], records=what[0], hours=what[3]) for key, what in sorted(sums.items())
    )
