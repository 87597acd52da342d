"""What sources said: versions of records, polls and their receipts, who vanished and who came back.

Nothing is derived from a poll that did not finish: what was read is kept, nobody vanishes. A record's row carries the
few columns that queries need; the record itself is the body of its newest observation, without fields that hold their
default. The poll's journal row holds the Merkle root over the observations it brought, so none can be altered unseen.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import Any, Final, cast

from billsync.ledger.database import stamp_of
from billsync.ledger.merkle import Growing
from billsync.ledger.projection import next_id, record, text_of
from billsync.ledger.rest import wake_records
from billsync.model.codec import decode
from billsync.model.errors import Tampered
from billsync.model.work import (
    KIND_OF,
    RECORDS,
    Expense,
    Kind,
    Milestone,
    Observation,
    PollReceipt,
    Project,
    Record,
    SourceKey,
    TimeEntry,
    canonical,
    version_of,
)

_CHUNK: Final = 2000
_TOLD: Final = 1000
"""Records named in one journal row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a poll brought: numbers of records, and what a person should know."""

    new: int = 0
    changed: int = 0
    vanished: int = 0
    returned: int = 0
    unchanged: int = 0
    findings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Intake:
    """One poll being taken in."""

    conn: sqlite3.Connection
    receipt: PollReceipt
    poll: int
    journal: int
    at: str
    next_record: int
    next_seq: int
    tree: Growing = field(default_factory=Growing)
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    returned: list[tuple[int, str]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def observe(
    conn: sqlite3.Connection, receipt: PollReceipt, records: Iterable[Record], *, at: datetime, night: date
) -> Observed:
    """Take in one poll, in the caller's transaction."""
    seq = _max(conn, "journal", "seq") + 1
    intake = _Intake(
        conn,
        receipt,
        poll=next_id(conn, "poll"),
        journal=seq,
        at=stamp_of(at),
        next_record=next_id(conn, "record"),
        next_seq=_max(conn, "observation", "seq") + 1,
    )
    first = intake.next_seq
    for chunk in _chunks(records):
        _take(intake, chunk)
    told = {"first": first, "last": intake.next_seq - 1, "root": intake.tree.root().hex()}
    record(conn, "polled", {"id": intake.poll, "night": night, "receipt": receipt, **told}, at=at)
    _tell_presence(conn, receipt, "returned", intake.returned, at)
    vanished = _vanish(intake, at) if receipt.complete and receipt.full else 0
    return Observed(
        new=intake.new,
        changed=intake.changed,
        vanished=vanished,
        returned=len(intake.returned),
        unchanged=intake.unchanged,
        findings=tuple(intake.findings),
    )


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    stream = iter(records)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk


def _take(intake: _Intake, chunk: Sequence[Record]) -> None:
    """Compare a chunk with what is known; write what is new, changed or back."""
    known = _known(intake, chunk)
    inserts: list[tuple[Any, ...]] = []
    updates: list[tuple[Any, ...]] = []
    versions: list[tuple[Any, ...]] = []
    sightings: list[tuple[int, int]] = []
    wake: list[int] = []
    for one in chunk:
        if KIND_OF[type(one)] != intake.receipt.kind:
            raise ValueError(f"a poll of {intake.receipt.kind} brought a {KIND_OF[type(one)]}")
        name, version = canonical(one.id), version_of(one)
        was = known.get(name)
        if was is None:
            number = intake.next_record
            intake.next_record += 1
            inserts.append((number, intake.receipt.account, intake.receipt.kind, name))
            intake.new += 1
        else:
            number, old, last_poll, vanished = was
            if last_poll != intake.poll:
                sightings.append((intake.poll, number))
                if vanished:
                    intake.returned.append((number, name))
                    wake.append(number)
            elif old != version:
                intake.findings.append(_differs(intake.receipt, name))
            if old == version:
                intake.unchanged += last_poll != intake.poll
                known[name] = (number, version, intake.poll, False)
                continue
            intake.changed += 1
            wake.append(number)
        known[name] = (number, version, intake.poll, False)
        body = _body(one)
        versions.append((intake.next_seq, number, version, intake.at, body, intake.journal))
        updates.append((version, intake.next_seq, *_columns(one), number))
        intake.tree.add(observation_leaf(intake.receipt.account, intake.receipt.kind, name, version, intake.at, body))
        intake.next_seq += 1
    _write(intake, inserts, versions, updates, sightings)
    wake_records(intake.conn, wake)


def _known(intake: _Intake, chunk: Sequence[Record]) -> dict[str, tuple[int, str, int, bool]]:
    names = json.dumps([canonical(one.id) for one in chunk])
    found = intake.conn.execute(
        "SELECT r.external_id, r.id, r.version, r.last_poll, r.vanished IS NOT NULL FROM json_each(?) AS j "
        "CROSS JOIN record AS r ON r.account = ? AND r.kind = ? AND r.external_id = j.value",
        (names, intake.receipt.account, intake.receipt.kind),
    )
    return {row[0]: (row[1], row[2], row[3], bool(row[4])) for row in found}


def _differs(receipt: PollReceipt, name: str) -> str:
    return (
        f"{receipt.account}: {receipt.kind} {name} came twice in one poll with different contents; the later one counts"
    )


def _write(
    intake: _Intake,
    inserts: list[tuple[Any, ...]],
    versions: list[tuple[Any, ...]],
    updates: list[tuple[Any, ...]],
    sightings: list[tuple[int, int]],
) -> None:
    conn = intake.conn
    conn.executemany(
        "INSERT INTO record (id, account, kind, external_id, version, observation, versions, last_poll, project, awake)"
        f" VALUES (?, ?, ?, ?, '', 0, 0, {int(intake.poll)}, '', 1)",
        inserts,
    )
    conn.executemany(
        "INSERT INTO observation (seq, record, version, first_seen, body, journal) VALUES (?, ?, ?, ?, ?, ?)", versions
    )
    conn.executemany(
        "UPDATE record SET version = ?, observation = ?, versions = versions + 1, project = ?, on_date = ?, person = ?,"
        " quantity = ?, currency = ? WHERE id = ?",
        updates,
    )
    conn.executemany("UPDATE record SET last_poll = ?, vanished = NULL WHERE id = ?", sightings)


def _vanish(intake: _Intake, at: datetime) -> int:
    """Whoever is missing from a finished sweep of the window is gone."""
    receipt = intake.receipt
    where, bounds = "", []
    if receipt.kind in ("time", "expense"):
        where = " AND on_date BETWEEN ? AND ?"
        bounds = [receipt.window.since.isoformat(), receipt.window.until.isoformat()]
    missing = intake.conn.execute(
        "SELECT id, external_id FROM record WHERE account = ? AND kind = ? AND vanished IS NULL AND last_poll <> ?"
        + where
        + " ORDER BY id",
        (receipt.account, receipt.kind, intake.poll, *bounds),
    ).fetchall()
    intake.conn.executemany("UPDATE record SET vanished = ? WHERE id = ?", [(intake.at, row[0]) for row in missing])
    wake_records(intake.conn, [row[0] for row in missing])
    _tell_presence(intake.conn, receipt, "vanished", missing, at)
    return len(missing)


def _tell_presence(
    conn: sqlite3.Connection, receipt: PollReceipt, event: str, who: Sequence[tuple[int, str]], at: datetime
) -> None:
    for start in range(0, len(who), _TOLD):
        told = [list(one) for one in who[start : start + _TOLD]]
        body = {"account": receipt.account, "kind": receipt.kind, "first": next_id(conn, "presence"), "records": told}
        record(conn, event, body, at=at)


@cache
def _defaults(cls: Any) -> dict[str, Any]:
    """Field -> default, MISSING where there is none."""
    return {
        f.name: f.default_factory() if f.default_factory is not MISSING else f.default for f in fields(cls)
    }  # fmt: skip


def _body(one: Record) -> str:
    """The record as canonical JSON, without fields at their default: `decode` fills them in."""
    told = {}
    for name, default in _defaults(cast(Hashable, type(one))).items():
        value = getattr(one, name)
        if value != default:
            told[name] = canonical(value)
    return text_of(told)


def observation_head(account: str, kind: str, name: str, version: str, first_seen: str) -> str:
    """Which record, which version, when: what is hashed before the body."""
    return text_of([account, kind, name, version, first_seen])


def observation_leaf(account: str, kind: str, name: str, version: str, first_seen: str, body: str) -> bytes:
    """Merkle leaf of one observation: its head and its exact body."""
    text = observation_head(account, kind, name, version, first_seen) + "\n" + body
    return sha256(b"\x00" + text.encode()).digest()


def _columns(one: Record) -> tuple[str, str | None, str | None, str | None, str | None]:
    """project, date of work, person, hours or amount, currency: what queries look for."""
    if isinstance(one, TimeEntry):
        return one.project, one.worked_on.isoformat(), one.person, number_text(one.hours), one.currency
    if isinstance(one, Expense):
        return one.project, one.spent_on.isoformat(), one.person, number_text(one.amount), one.currency
    if isinstance(one, Milestone):
        return one.project, None, None, None, None
    if isinstance(one, Project):
        return one.id, None, None, None, None
    return "", None, None, None, None


def number_text(value: Decimal) -> str:
    """One spelling for one number, as in the canonical form."""
    return str(canonical(value))


def columns_of(kind: Kind, body: str) -> tuple[str, str | None, str | None, str | None, str | None]:
    """The record columns that a stored body stands for; used by `verify`."""
    return _columns(read_record(kind, body))


def read_record(kind: Kind, body: str) -> Record:
    """The record of a stored body. Tampered where it is none: what billsync stores, it can read."""
    try:
        return decode(RECORDS[kind], body)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise Tampered(
            f"a stored {kind} cannot be read: {error}", hint="`billsync audit verify` names the row"
        ) from error


def observation_of(
    row: tuple[Any, ...], finished: dict[int, datetime], vanished: datetime | None, as_of: datetime | None
) -> Observation:
    """From (account, kind, external_id, version, body, first_seen, last_poll, seq)."""
    account, kind, name, version, body, first_seen, last_poll, seq = row
    last_seen = finished[last_poll]
    if as_of is not None and last_seen > as_of:
        last_seen = as_of
    return Observation(
        key=SourceKey(account=account, kind=kind, id=name),
        version=version,
        record=read_record(kind, body),
        first_seen=datetime.fromisoformat(first_seen),
        last_seen=last_seen,
        vanished=vanished,
        seq=seq,
    )


def _max(conn: sqlite3.Connection, table: str, column: str) -> int:
    found = conn.execute(f"SELECT max({column}) FROM {table}").fetchone()
    return found[0] or 0
