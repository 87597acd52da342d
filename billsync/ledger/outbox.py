"""The outbox: a document is planned, committed, sent, and settled. One reference, one document, for ever.

    planned -> sending -> confirmed          a refusal is proof that nothing was written
       |          |-----> refused            unknown: it may be in the books; only they can tell
       |          '-----> unknown -> confirmed | refused | sending
       '-> abandoned

The exact bytes of the document are in the journal before the first request, so a retry next week sends the same one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from billsync.ledger.database import instant, stamp_of
from billsync.ledger.journal import BILLSYNC, entry
from billsync.ledger.postings import is_let_go, parts_of, posted
from billsync.ledger.projection import next_id, record, text_of
from billsync.model.book import Intent, IntentState
from billsync.model.codec import decode
from billsync.model.errors import KeyReuse, LedgerError
from billsync.model.invoice import Draft, Invoice, Receipt
from billsync.model.work import canonical, canonical_bytes

_FROM: Final[Mapping[str, frozenset[str]]] = {
    "sending": frozenset({"planned", "sending", "unknown"}),
    "refused": frozenset({"planned", "sending", "unknown"}),
    "unknown": frozenset({"sending", "unknown"}),
    "abandoned": frozenset({"planned", "refused"}),
    # A document that the books hold is confirmed, whatever was believed before.
    "confirmed": frozenset({"planned", "sending", "unknown", "refused", "abandoned"}),
}
"""To which state from which."""
OPEN: Final[tuple[IntentState, ...]] = ("planned", "sending", "unknown", "refused")


def plan(
    conn: sqlite3.Connection,
    draft: Draft,
    invoice: Invoice,
    *,
    input_hash: str,
    at: datetime,
    actor: str = BILLSYNC,
) -> Intent:
    """Take a document into the outbox, in the caller's transaction; the same one again gives what is there.

    KeyReuse: the reference stands for other content, or for a document that was let go.
    """
    reference = invoice.reference
    known = intent(conn, reference)
    if known is not None:
        _same(conn, known, input_hash)
        if known.state in ("sending", "unknown", "confirmed"):
            return known
        if known.state == "planned" and canonical_bytes(known.invoice) == canonical_bytes(invoice):
            return known
    lines = None if draft.lines == invoice.lines else canonical(draft.lines)
    body = {
        "plan": next_id(conn, "plan"),
        "id": next_id(conn, "intent_event"),
        "reference": reference,
        "sink": draft.sink,
        "key": draft.key,
        "input_hash": input_hash,
        "draft": canonical(replace(draft, lines=())) | {"lines": lines},
        "invoice": invoice,
    }
    record(conn, "planned", body, at=at, actor=actor)
    _cache(conn, reference, "planned", body["plan"], body["id"])
    return _required(conn, reference)


def _same(conn: sqlite3.Connection, known: Intent, input_hash: str) -> None:
    if known.state == "confirmed" and is_let_go(conn, known.reference):
        raise KeyReuse(
            f"{known.reference} was billed, voided and let go: the work needs a new reference to be billed again",
            where=f"{known.sink}: {known.reference}",
            hint="this is a defect of the draft's reference; please report it",
        )
    if known.input_hash != input_hash and known.state not in ("refused", "abandoned"):
        raise KeyReuse(
            f"the reference {known.reference} already stands for another document ({known.state})",
            where=f"{known.sink}: {known.key}",
            hint="nothing was sent; `billsync invoice show` shows the document on file",
        )


def change(
    conn: sqlite3.Connection,
    reference: str,
    state: IntentState,
    *,
    at: datetime,
    reason: str = "",
    actor: str = BILLSYNC,
    more: Mapping[str, Any] | None = None,
) -> Intent:
    """Move an intent to another state. LedgerError where that state cannot follow."""
    known = conn.execute("SELECT state, plan FROM intent WHERE reference = ?", (reference,)).fetchone()
    if known is None:
        raise LedgerError(f"no document was planned under the reference {reference}")
    if known[0] not in _FROM[state]:
        raise LedgerError(f"{reference} is {known[0]} and cannot become {state}")
    number = next_id(conn, "intent_event")
    body = {"id": number, "reference": reference, **(more or {})}
    record(conn, state, body, at=at, actor=actor, reason=reason)
    _cache(conn, reference, state, known[1], number)
    return _required(conn, reference)


def confirm(
    conn: sqlite3.Connection,
    reference: str,
    receipt: Receipt,
    *,
    expected_total: int,
    at: datetime,
    night: date,
    actor: str = BILLSYNC,
    reason: str = "",
) -> Intent:
    """The books hold the document: write its state and the postings of its lines. Twice the same changes nothing."""
    known = _required(conn, reference)
    if known.state == "confirmed":
        if known.receipt is not None and known.receipt.id == receipt.id:
            return known
        raise KeyReuse(
            f"the books hold two documents with the reference {reference}",
            where=f"{known.sink}: {known.receipt and known.receipt.id} and {receipt.id}",
            hint="void one of them in the books",
        )
    parts = [list(part) for part in parts_of(known.invoice)]
    document = {
        "id": next_id(conn, "document"),
        "sink": known.sink,
        "receipt": receipt,
        "expected_total": expected_total,
        "differs": receipt.total != expected_total or receipt.status in ("voided", "deleted"),
    }
    more = {
        "document": document,
        "night": night,
        "first": next_id(conn, "posting"),
        "planned": _plan_journal(conn, reference),
        "postings": parts,
    }
    made = change(conn, reference, "confirmed", at=at, reason=reason, actor=actor, more=more)
    posted(conn, (part.identity for line in known.invoice.lines for part in line.parts if part.amount))
    return made


def _plan_journal(conn: sqlite3.Connection, reference: str) -> int:
    found = conn.execute(
        "SELECT p.journal FROM intent AS i JOIN plan AS p ON p.id = i.plan WHERE i.reference = ?", (reference,)
    ).fetchone()
    return int(found[0])


def _cache(conn: sqlite3.Connection, reference: str, state: str, plan_id: int, event: int) -> None:
    conn.execute(
        "INSERT INTO intent (reference, state, plan, event) VALUES (?, ?, ?, ?) ON CONFLICT (reference) "
        "DO UPDATE SET state = excluded.state, plan = excluded.plan, event = excluded.event",
        (reference, state, plan_id, event),
    )


def intent(conn: sqlite3.Connection, reference: str, *, as_of: datetime | None = None) -> Intent | None:
    """The intent of a reference, now or as it stood then; None where there is none."""
    until = "9999" if as_of is None else stamp_of(as_of)
    events = conn.execute(
        "SELECT state, reason, at, journal FROM intent_event WHERE reference = ? AND at <= ? ORDER BY id",
        (reference, until),
    ).fetchall()
    return _fold(conn, events) if events else None


def _required(conn: sqlite3.Connection, reference: str) -> Intent:
    found = intent(conn, reference)
    if found is None:
        raise LedgerError(f"no document was planned under the reference {reference}")
    return found


def _fold(conn: sqlite3.Connection, events: list[tuple[Any, ...]]) -> Intent:
    """An intent from its states, oldest first."""
    planned = next(row for row in reversed(events) if row[0] == "planned")
    state, reason, at, journal = events[-1]
    sent = [row[2] for row in events if row[0] == "sending"]
    body = entry(conn, planned[3]).body
    receipt = entry(conn, journal).body["document"]["receipt"] if state == "confirmed" else None
    invoice = decode(Invoice, text_of(body["invoice"]))
    draft = body["draft"] if body["draft"]["lines"] is not None else body["draft"] | {"lines": []}
    read = decode(Draft, text_of(draft))
    return Intent(
        reference=body["reference"],
        sink=body["sink"],
        key=body["key"],
        state=state,
        input_hash=body["input_hash"],
        draft=read if body["draft"]["lines"] is not None else replace(read, lines=invoice.lines),
        invoice=invoice,
        planned_at=instant(planned[2]),
        sent_at=instant(sent[-1]) if sent else None,
        settled_at=instant(at) if state in ("confirmed", "refused", "abandoned") else None,
        attempts=len(sent),
        reason=reason,
        receipt=receipt and decode(Receipt, json.dumps(receipt)),
    )


def intents(conn: sqlite3.Connection, states: Iterable[str] = ()) -> tuple[Intent, ...]:
    """Intents in these states (none named: all), in the order in which they were first planned."""
    wanted = tuple(states)
    where = f"WHERE i.state IN ({', '.join('?' * len(wanted))})" if wanted else ""
    found = conn.execute(
        f"SELECT i.reference FROM intent AS i JOIN intent_event AS e ON e.reference = i.reference {where} "
        "GROUP BY i.reference ORDER BY min(e.id)",
        wanted,
    ).fetchall()
    return tuple(_required(conn, row[0]) for row in found)


def intents_at(conn: sqlite3.Connection, as_of: datetime, states: Iterable[str]) -> tuple[Intent, ...]:
    """Intents that were in these states at that instant."""
    wanted = frozenset(states)
    found = conn.execute(
        "SELECT e.reference, e.state FROM (SELECT min(id) AS first, max(id) AS last FROM intent_event WHERE at <= ? "
        "GROUP BY reference) AS g JOIN intent_event AS e ON e.id = g.last ORDER BY g.first",
        (stamp_of(as_of),),
    ).fetchall()
    made = (intent(conn, reference, as_of=as_of) for reference, state in found if state in wanted)
    return tuple(one for one in made if one is not None)
