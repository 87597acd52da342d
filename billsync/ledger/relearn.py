"""Learning a ledger again from the stamps in the books: after a loss, or after an older backup was restored.

Documents, postings, the decisions that asked for what is on them, and the order in which work was first billed come
back. What no document bears does not: holds, exclusions, maps, approvals, releases by word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, cast

from billsync.ledger import stamp
from billsync.ledger.documents import foreign
from billsync.ledger.outbox import confirm, intent, plan
from billsync.ledger.postings import let_go, parts_of, stands_alone
from billsync.ledger.projection import next_id, record
from billsync.ledger.relearn_decisions import Decided
from billsync.model.book import LEARNT, Intent
from billsync.model.invoice import Draft, Invoice, Line, Part, Receipt
from billsync.model.work import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Relearned:
    """What came back. `unlearned`: documents that need a person, with the reason."""

    documents: tuple[str, ...]
    postings: int
    let_go: tuple[str, ...]
    """Voided documents whose work stands on another document too: their postings were reversed."""
    unlearned: tuple[tuple[str, str], ...]


def relearn(
    conn: sqlite3.Connection,
    own: str,
    sink: str,
    receipts: Sequence[Receipt],
    *,
    person: str,
    at: datetime,
    night: date,
) -> Relearned:
    """Restore documents, intents and postings of stamped documents that are not known here, at a person's word."""
    learned: list[Intent] = []
    unlearned: list[tuple[str, str]] = []
    ledgers: list[str] = []
    strangers = [(one, stamp.unpack(one.stamp)) for one in sorted(foreign(conn, own, sink, receipts), key=_order)]
    decided = Decided(conn, [bears for one, bears in strangers if bears and _learnable(conn, one, bears)], person, at)
    for receipt, bears in strangers:
        trouble = _trouble(conn, receipt, bears)
        if trouble or bears is None:
            unlearned.append((receipt.reference, trouble))
            continue
        ledgers.append(bears.ledger)
        if not _confirmed(conn, receipt.reference):
            learned.append(_learn(conn, sink, receipt, decided.of(bears), person, at, night))
    _place(conn, learned, at)
    _adopt(conn, own, sink, ledgers, person, at)
    gone = [one.reference for one in learned if _billed_elsewhere(conn, one) and stands_alone(conn, one.reference)]
    for reference in gone:
        let_go(conn, reference, person=person, reason="its work is billed on another document", at=at, night=night)
    return Relearned(
        documents=tuple(one.reference for one in learned),
        postings=sum(len(list(parts_of(one.invoice))) for one in learned),
        let_go=tuple(gone),
        unlearned=tuple(unlearned),
    )


def _order(receipt: Receipt) -> tuple[date, bool, str]:
    """Invoices before the credit memos of the same day."""
    return receipt.issued_on or date.max, receipt.kind == "credit_memo", receipt.reference


def _trouble(conn: sqlite3.Connection, receipt: Receipt, bears: stamp.Stamp | None) -> str:
    """Why a document cannot be learnt from its stamp; "" where it can."""
    if bears is None:
        return "it bears no stamp that can be read"
    if bears.reference != receipt.reference:
        return f"its stamp belongs to {bears.reference}: a copy made by hand?"
    if _confirmed(conn, receipt.reference):
        return ""
    if not bears.complete:
        return f"the books had no room for its {bears.count} items; only their number is known"
    if bears.currency != receipt.currency:
        return f"it was written in {bears.currency}, the books say {receipt.currency}"
    return ""


def _learnable(conn: sqlite3.Connection, receipt: Receipt, bears: stamp.Stamp) -> bool:
    return not _trouble(conn, receipt, bears) and intent(conn, receipt.reference) is None


def _confirmed(conn: sqlite3.Connection, reference: str) -> bool:
    known = conn.execute("SELECT state FROM intent WHERE reference = ?", (reference,)).fetchone()
    return known is not None and known[0] == "confirmed"


def _learn(
    conn: sqlite3.Connection,
    sink: str,
    receipt: Receipt,
    bears: stamp.Stamp,
    person: str,
    at: datetime,
    night: date,
) -> Intent:
    """Plan what was planned elsewhere, unless it is on file here, and confirm it."""
    if intent(conn, receipt.reference) is None:
        invoice = _invoice(receipt, bears, night)
        plan(conn, _draft(sink, invoice), invoice, input_hash="relearned:" + digest(bears), at=at, actor=person)
    return confirm(
        conn,
        receipt.reference,
        receipt,
        expected_total=receipt.total,
        at=at,
        night=night,
        actor=person,
        reason=LEARNT,
    )


def _invoice(receipt: Receipt, bears: stamp.Stamp, night: date) -> Invoice:
    """The document as far as its stamp and the books tell."""
    return Invoice(
        kind=receipt.kind,
        reference=receipt.reference,
        customer=receipt.customer,
        client=bears.client,
        client_name=bears.client,
        currency=bears.currency,
        issued_on=receipt.issued_on or night,
        due_on=None,
        lines=tuple(_line(list(parts)) for _, parts in groupby(bears.parts, key=lambda part: part.line)),
        stamp=receipt.stamp,
    )


def _line(parts: Sequence[stamp.Stamped]) -> Line:
    return Line(
        kind=cast(Any, parts[0].line_kind),  # checked when it is read back from the journal
        text=LEARNT,
        amount=sum(part.amount for part in parts),
        parts=tuple(
            Part(
                identity=part.identity,
                contract=part.contract,
                amount=part.amount,
                quantity=part.quantity,
                evidence=part.evidence,
                because=(LEARNT,),
                fingerprint=part.fingerprint,
                decision=part.decision,
            )
            for part in parts
        ),
    )


def _draft(sink: str, invoice: Invoice) -> Draft:
    return Draft(
        kind=invoice.kind,
        key="relearned",
        client=invoice.client,
        contracts=tuple(sorted({part.contract for line in invoice.lines for part in line.parts})),
        currency=invoice.currency,
        sink=sink,
        lines=invoice.lines,
        reference=invoice.reference,
    )


def _adopt(conn: sqlite3.Connection, own: str, sink: str, ledgers: Iterable[str], person: str, at: datetime) -> None:
    """From now on the stamps of these ledgers count as ours, where the document is known here."""
    known = {own, *(row[0] for row in conn.execute("SELECT ledger FROM adopted"))}
    new = sorted(set(ledgers) - known)
    if new:
        body = {"sink": sink, "first": next_id(conn, "adopted"), "ledgers": new}
        record(conn, "relearned", body, at=at, actor=person, reason=LEARNT)


def _place(conn: sqlite3.Connection, learned: Iterable[Intent], at: datetime) -> None:
    """Work keeps the place of the document it was first billed on: nothing new may take its room under a cap."""
    ranks: dict[str, int] = {}
    places: dict[str, list[Any]] = {}
    held = {row[0] for row in conn.execute("SELECT identity FROM place")}
    for one in learned:
        night = one.invoice.issued_on.isoformat()
        rank = ranks[night] = ranks.get(night, -1) + 1
        for part in (part for line in one.invoice.lines for part in line.parts):
            if part.identity not in held:
                places.setdefault(part.identity, [part.identity, part.contract, night, rank])
    if places:
        body = {"first": next_id(conn, "place"), "places": list(places.values())}
        record(conn, "placed", body, at=at, reason=LEARNT)


def _billed_elsewhere(conn: sqlite3.Connection, one: Intent) -> bool:
    """True for a voided document all of whose work stands in the same way on documents that are not voided.

    Then it had been let go before the ledger was lost. In the same way: billed anew, credited or billed once more by
    the same decision, trued up by the same amount. In doubt its postings stand, and a person decides.
    """
    if one.receipt is None or one.receipt.status not in ("voided", "deleted"):
        return False
    moved = [(line, part) for line in one.invoice.lines for part in line.parts if _moves(line, part)]
    return bool(moved) and all(_stands(conn, line, part, one.reference) for line, part in moved)


def _moves(line: Line, part: Part) -> bool:
    """Holdback follows what it was kept back of."""
    return bool(part.amount) and line.kind not in ("holdback", "release")


def _stands(conn: sqlite3.Connection, line: Line, part: Part, reference: str) -> bool:
    exact = line.kind == "adjustment"
    found = conn.execute(
        "SELECT 1 FROM posting AS p JOIN document AS d ON d.reference = p.invoice "
        "AND d.id = (SELECT max(id) FROM document WHERE reference = p.invoice) "
        "WHERE p.identity = ? AND p.kind = ? AND p.invoice <> ? AND p.decision IS ? "
        "AND (p.line_kind = 'adjustment') = ? AND (NOT ? OR p.amount = ?) "
        "AND d.status NOT IN ('voided', 'deleted') LIMIT 1",
        (
            part.identity,
            "billed" if part.amount > 0 else "credited",
            reference,
            part.decision,
            exact,
            exact,
            abs(part.amount),
        ),
    ).fetchone()
    return found is not None
