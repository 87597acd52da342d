"""Postings: what was billed, withheld, released, credited, written off, taken over. Immutable; undone by opposites."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from billsync.ledger.database import instant
from billsync.ledger.decisions import decide
from billsync.ledger.projection import next_id, record
from billsync.ledger.rest import notice_identities, wake_identities
from billsync.model.book import NewPosting, Posting, PostingKind
from billsync.model.errors import UsageError
from billsync.model.invoice import Evidence, Invoice
from billsync.model.work import SourceKey

_TOLD: Final = 1000
"""Postings told in one journal row."""


def parts_of(invoice: Invoice) -> Iterator[tuple[int, int, PostingKind, int]]:
    """What a confirmed document posts: line, part, kind and amount. A part worth nothing posts nothing.

    Work bills its amount, a hold-back withholds (positive), a release releases; a true-up bills what it adds and
    credits (positive) what it takes back, as a credit does.
    """
    for number, line in enumerate(invoice.lines):
        for place, part in enumerate(line.parts):
            if part.amount:
                yield number, place, *_kind(line.kind, part.amount)


def _kind(line_kind: str, amount: int) -> tuple[PostingKind, int]:
    if line_kind == "holdback":
        return "withheld", -amount
    if line_kind == "release":
        return "released", amount
    if line_kind == "credit" or (line_kind == "adjustment" and amount < 0):
        return "credited", -amount
    return "billed", amount


def posted(conn: sqlite3.Connection, identities: Iterable[str]) -> None:
    """Say that these identities have a new posting or place: what sleeps behind them wakes."""
    names = list(dict.fromkeys(identities))
    wake_identities(conn, names)
    notice_identities(conn, names)


def post(conn: sqlite3.Connection, facts: Sequence[NewPosting], *, at: datetime, night: date) -> None:
    """Post facts without a document of ours: opening balances, work mapped to invoices made by hand."""
    for start in range(0, len(facts), _TOLD):
        told = facts[start : start + _TOLD]
        record(conn, "posted", {"first": next_id(conn, "posting"), "night": night, "postings": told}, at=at)
    posted(conn, (fact.identity for fact in facts))


def let_go(
    conn: sqlite3.Connection, reference: str, *, person: str, reason: str, at: datetime, night: date
) -> tuple[int, ...]:
    """Reverse the postings of a document that is voided or deleted in the books; returns the reversed ones."""
    old = _posted_on(conn, reference)
    _may_be_let_go(conn, reference, old)
    made = decide(conn, "let_go", reference, person=person, reason=reason, at=at)
    numbers = [row[0] for row in old]
    body = {
        "reference": reference,
        "night": night,
        "decision": made.id,
        "first": next_id(conn, "posting"),
        "reverses": numbers,
    }
    record(conn, "let_go", body, at=at, actor=person, reason=reason)
    posted(conn, (row[1] for row in old))
    return tuple(numbers)


def _may_be_let_go(conn: sqlite3.Connection, reference: str, old: Sequence[tuple[Any, ...]]) -> None:
    status = conn.execute(
        "SELECT status FROM document WHERE reference = ? ORDER BY id DESC LIMIT 1", (reference,)
    ).fetchone()
    name = _name(conn, reference)
    if status is None:
        raise UsageError(
            f"no confirmed document of this ledger bears the reference {reference}",
            hint="`billsync invoice list` shows them",
        )
    if status[0] not in ("voided", "deleted"):
        raise UsageError(
            f"{name} is {status[0]} in the books: only a voided or deleted document can be let go",
            where=reference,
            hint="void it in the books, then run `billsync sync` so that the ledger reads it back",
        )
    if is_let_go(conn, reference):
        raise UsageError(f"{name} was let go before", where=reference, hint="its work is billable again already")
    _nothing_stands_on(conn, reference, old)


def _name(conn: sqlite3.Connection, reference: str) -> str:
    """A document's number, by which people know it."""
    found = conn.execute(
        "SELECT json_extract(receipt, '$.number') FROM document WHERE reference = ? ORDER BY id LIMIT 1", (reference,)
    ).fetchone()
    return found[0] if found and found[0] else reference


def is_let_go(conn: sqlite3.Connection, reference: str) -> bool:
    """True where a person has let this document go."""
    found = conn.execute(
        "SELECT 1 FROM decision WHERE kind = 'let_go' AND subject = ? LIMIT 1", (reference,)
    ).fetchone()
    return found is not None


def _nothing_stands_on(conn: sqlite3.Connection, reference: str, old: Sequence[tuple[Any, ...]]) -> None:
    found = _standing_on(conn, reference, old)
    if found is not None:
        kind, later, identity = found
        what = {"credited": "credit", "billed": "billing once more"}.get(kind, "release of the hold-back")
        raise UsageError(
            f"{_name(conn, reference)} cannot be let go: a {what} stands on it ({_name(conn, later)})",
            where=identity,
            hint=f"void {_name(conn, later)} in the books, run `billsync sync`, and let that go first",
        )


def stands_alone(conn: sqlite3.Connection, reference: str) -> bool:
    """True where no later credit or release stands on this document."""
    return _standing_on(conn, reference, _posted_on(conn, reference)) is None


def _posted_on(conn: sqlite3.Connection, reference: str) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT id, identity, contract, client, currency, kind FROM posting "
        "WHERE invoice = ? AND reverses IS NULL ORDER BY id",
        (reference,),
    ).fetchall()


def _standing_on(
    conn: sqlite3.Connection, reference: str, old: Sequence[tuple[Any, ...]]
) -> tuple[str, str, str] | None:
    """A later credit of the same work, what was billed once more of a credit, or a later release of what the document
    withheld: kind, document, identity."""
    for number, identity, contract, client, currency, kind in old:
        later: tuple[Any, ...] | None = None
        if kind in ("billed", "withheld"):
            later = conn.execute(
                _STANDING + "p.identity = ? AND p.client = ? AND p.kind IN ('credited', 'released')",
                (number, reference, identity, client),
            ).fetchone()
        if kind == "credited":
            later = conn.execute(
                _STANDING + "p.identity = ? AND p.client = ? AND p.kind = 'billed' "
                "AND EXISTS (SELECT 1 FROM decision AS d WHERE d.id = p.decision AND d.kind = 'rebill')",
                (number, reference, identity, client),
            ).fetchone()
        if later is None and kind == "withheld":
            later = conn.execute(
                _STANDING + "p.contract = ? AND p.client = ? AND p.currency = ? AND p.kind = 'released'",
                (number, reference, contract, client, currency),
            ).fetchone()
        if later is not None:
            return later[0], later[1], identity
    return None


_STANDING: Final = (
    "SELECT p.kind, p.invoice FROM posting AS p WHERE p.id > ? AND p.invoice <> ? AND p.reverses IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM posting AS r WHERE r.reverses = p.id) AND "
)


def posting_of(row: tuple[Any, ...]) -> Posting:
    """The posting of a row, in the order of its columns."""
    number, at, night, identity, contract, client, currency, kind, _, amount, invoice, *rest = row
    quantity, evidence, fingerprint, because, decision, reverses, _ = rest
    fact = NewPosting(
        identity=identity,
        contract=contract,
        client=client,
        currency=currency,
        kind=kind,
        amount=amount,
        invoice=invoice,
        quantity=None if quantity is None else Decimal(quantity),
        evidence=evidence_of(evidence),
        fingerprint=fingerprint,
        because=tuple(json.loads(because)),
        decision=decision,
    )
    return Posting(id=number, at=instant(at), night=date.fromisoformat(night), fact=fact, reverses=reverses)


def evidence_of(text: str) -> tuple[Evidence, ...]:
    """Evidence from its stored JSON."""
    return tuple(
        Evidence(
            key=SourceKey(account=one["key"]["account"], kind=one["key"]["kind"], id=one["key"]["id"]),
            version=one["version"],
        )
        for one in json.loads(text)
    )
