"""What people decided: appended, never changed. A later decision on the same subject is what counts; rules say how."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from typing import Any, get_args

from billsync.ledger.database import day, instant, stamp_of
from billsync.ledger.projection import next_id, record
from billsync.ledger.rest import wake_identities
from billsync.model.book import Decision, DecisionKind
from billsync.model.errors import UsageError


def decide(
    conn: sqlite3.Connection,
    kind: DecisionKind,
    subject: str,
    *,
    person: str,
    reason: str,
    at: datetime,
    until: date | None = None,
    amount: int | None = None,
    target: str = "",
) -> Decision:
    """Record a decision, in the caller's transaction. UsageError without a person and a reason."""
    if kind not in get_args(DecisionKind):
        raise UsageError(f"{kind!r} is no kind of decision", hint="known: " + ", ".join(get_args(DecisionKind)))
    if not subject or not person.strip() or not reason.strip():
        raise UsageError(
            f"a decision ({kind}) needs a subject, a person and a reason", where=subject, hint="add --reason '...'"
        )
    made = Decision(
        id=next_id(conn, "decision"),
        kind=kind,
        subject=subject,
        person=person,
        reason=reason,
        at=at,
        until=until,
        amount=amount,
        target=target,
    )
    told = record(conn, "decided", made, at=at, actor=person, reason=reason)
    wake_identities(conn, [subject, *_posted_on(conn, subject)])
    return _decision(_row(told.body))


def _posted_on(conn: sqlite3.Connection, reference: str) -> list[str]:
    """Identities on a document, where the subject is its reference."""
    return [row[0] for row in conn.execute("SELECT DISTINCT identity FROM posting WHERE invoice = ?", (reference,))]


def decisions(conn: sqlite3.Connection, *, as_of: datetime | None = None) -> tuple[Decision, ...]:
    """All decisions, oldest first. Rules decide which of them still count."""
    until = "9999" if as_of is None else stamp_of(as_of)
    found = conn.execute(
        "SELECT d.id, d.kind, d.subject, d.person, d.reason, d.at, d.until, d.amount, d.target FROM decision AS d "
        "JOIN journal AS j ON j.seq = d.journal WHERE j.at <= ? ORDER BY d.id",
        (until,),
    )
    return tuple(_decision(row) for row in found)


def _row(body: dict[str, Any]) -> tuple[Any, ...]:
    names = ("id", "kind", "subject", "person", "reason", "at", "until", "amount", "target")
    return tuple(body[name] for name in names)


def _decision(row: tuple[Any, ...]) -> Decision:
    return Decision(
        id=row[0],
        kind=row[1],
        subject=row[2],
        person=row[3],
        reason=row[4],
        at=instant(row[5]),
        until=day(row[6]),
        amount=row[7],
        target=row[8],
    )
