"""What the books hold: the states of our documents as read back, strangers with our prefix, and phantoms.

Each state that differs from the one before is appended and journalled; a payment is a new state too. The `at` of a
state is the instant it was read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from billsync.ledger import stamp
from billsync.ledger.database import instant, stamp_of
from billsync.ledger.projection import next_id, record, text_of
from billsync.ledger.rest import wake_identities
from billsync.model.book import BookDocument
from billsync.model.codec import decode
from billsync.model.invoice import Receipt
from billsync.model.money import grouped
from billsync.model.work import canonical

PREFIX: Final = "BS-"
_GONE: Final = ("voided", "deleted")
_COLUMNS: Final = "d.sink, d.receipt, d.at, d.expected_total"


def read_back(conn: sqlite3.Connection, sink: str, receipts: Sequence[Receipt], *, read_at: datetime) -> list[str]:
    """Store what changed in the books, in the caller's transaction; returns the changes in sentences."""
    changes: list[str] = []
    states: list[dict[str, Any]] = []
    known = _known(conn, sink, receipts)
    for receipt in receipts:
        was = known.get(receipt.id)
        if was is None:
            continue
        before, expected, first = was
        receipt = _named(receipt, before)
        told = _changes(before, receipt)
        if not told and canonical(before) == canonical(receipt):
            continue
        changes.extend(told)
        states.append(
            {
                "receipt": receipt,
                "sink": sink,
                "expected_total": expected,
                "differs": _differs(receipt, expected, first),
            }
        )
        known[receipt.id] = (receipt, expected, first)
    start = next_id(conn, "document")
    numbered = [{"id": number, **state} for number, state in enumerate(states, start)]
    body = {
        "id": next_id(conn, "read_back"),
        "sink": sink,
        "read_at": stamp_of(read_at),
        "documents": len(receipts),
        "newest": _newest(conn, sink, receipts),
        "changed": numbered,
    }
    record(conn, "read", body, at=read_at)
    wake_identities(conn, _identities(conn, [state["receipt"].reference for state in states if state["differs"]]))
    _keep_phantoms(conn, sink, receipts, read_at)
    return changes


def _named(receipt: Receipt, before: Receipt) -> Receipt:
    """Some books tell no more of a deleted document than its id: it is still the one that bore our reference."""
    if receipt.status != "deleted" or receipt.reference:
        return receipt
    return replace(before, status="deleted", balance=None, updated_at=receipt.updated_at, revision=receipt.revision)


def _identities(conn: sqlite3.Connection, references: Sequence[str]) -> list[str]:
    """What stands on documents that people changed must be looked at again."""
    found = conn.execute(
        "SELECT DISTINCT p.identity FROM json_each(?) AS j CROSS JOIN posting AS p ON p.invoice = j.value",
        (text_of(list(references)),),
    )
    return [row[0] for row in found]


def _known(conn: sqlite3.Connection, sink: str, receipts: Sequence[Receipt]) -> dict[str, tuple[Receipt, int, Receipt]]:
    """By the books' id: the state on file, the total expected, and the state at the confirmation."""
    known: dict[str, tuple[Receipt, int, Receipt]] = {}
    for receipt in receipts:
        states = conn.execute(
            "SELECT receipt, expected_total FROM document WHERE sink = ? AND document = ? ORDER BY id",
            (sink, receipt.id),
        ).fetchall()
        if states:
            last, expected = states[-1]
            known[receipt.id] = (decode(Receipt, last), expected, decode(Receipt, states[0][0]))
    return known


def _differs(now: Receipt, expected: int, first: Receipt) -> bool:
    """True where the document is not any more what was pushed. A payment makes no difference."""
    edited = bool(first.line_amounts) and now.line_amounts != first.line_amounts
    return now.status in _GONE or now.total != expected or edited or now.currency != first.currency


def _changes(before: Receipt, now: Receipt) -> list[str]:
    """In words, what somebody did to a document."""
    name = f"{now.number or now.id} ({before.reference})"
    told = []
    if now.status != before.status:
        told.append(f"{name}: {before.status} became {now.status}")
    if now.total != before.total:
        told.append(f"{name}: total {_money(before.total, before)} became {_money(now.total, now)}")
    if now.balance is not None and now.balance != before.balance and now.status not in _GONE:
        was = "not told" if before.balance is None else _money(before.balance, before)
        told.append(f"{name}: balance {was} became {_money(now.balance, now)}")
    if not told and now.revision != before.revision:
        told.append(f"{name}: edited in the books (revision {before.revision or '-'} became {now.revision or '-'})")
    return told


def _money(minor: int, receipt: Receipt) -> str:
    return f"{receipt.currency} {grouped(minor, receipt.currency)}"


def _keep_phantoms(conn: sqlite3.Connection, sink: str, receipts: Iterable[Receipt], read_at: datetime) -> None:
    """Documents that are not ours, of customers whom we bill: information, so not journalled."""
    customers = _customers(conn, sink)
    rows = [
        (sink, receipt.id, text_of(canonical(receipt)), stamp_of(read_at))
        for receipt in receipts
        if not receipt.reference.startswith(PREFIX) and receipt.customer in customers
    ]
    conn.executemany(
        "INSERT INTO phantom (sink, document, receipt, at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (sink, document) DO UPDATE SET receipt = excluded.receipt, at = excluded.at",
        rows,
    )


def _customers(conn: sqlite3.Connection, sink: str) -> frozenset[str]:
    found = conn.execute("SELECT DISTINCT json_extract(receipt, '$.customer') FROM document WHERE sink = ?", (sink,))
    return frozenset(row[0] for row in found if row[0])


def phantoms(conn: sqlite3.Connection, sink: str | None = None) -> tuple[BookDocument, ...]:
    """Documents of customers whom we bill that bear no reference of ours."""
    found = conn.execute(
        "SELECT sink, receipt, at, json_extract(receipt, '$.total') FROM phantom "
        "WHERE ?1 IS NULL OR sink = ?1 ORDER BY sink, document",
        (sink,),
    )
    return tuple(_document(row) for row in found)


def documents(
    conn: sqlite3.Connection, sink: str | None = None, *, as_of: datetime | None = None
) -> tuple[BookDocument, ...]:
    """Our documents as last read, in the order of their confirmation."""
    return _current(conn, "(?2 IS NULL OR d.sink = ?2)", as_of, sink)


def documents_told(
    conn: sqlite3.Connection, references: Collection[str], *, as_of: datetime | None
) -> tuple[BookDocument, ...]:
    """Documents that differ from what was pushed, and those of these references."""
    condition = "(d.differs = 1 OR d.reference IN (SELECT value FROM json_each(?2)))"
    return _current(conn, condition, as_of, text_of(sorted(references)))


def _current(conn: sqlite3.Connection, condition: str, as_of: datetime | None, value: Any) -> tuple[BookDocument, ...]:
    until = "9999" if as_of is None else stamp_of(as_of)
    found = conn.execute(
        f"SELECT {_COLUMNS}, min(f.first) FROM (SELECT max(id) AS last, min(id) AS first FROM document "
        f"WHERE at <= ?1 GROUP BY sink, document) AS f JOIN document AS d ON d.id = f.last WHERE {condition} "
        "GROUP BY d.id ORDER BY f.first",
        (until, value),
    )
    return tuple(_document(row) for row in found)


def _document(row: tuple[Any, ...]) -> BookDocument:
    return BookDocument(sink=row[0], receipt=decode(Receipt, row[1]), read_at=instant(row[2]), expected_total=row[3])


def foreign(conn: sqlite3.Connection, own: str, sink: str, receipts: Iterable[Receipt]) -> list[Receipt]:
    """Documents with our prefix that this ledger does not know, or that another ledger has stamped."""
    family = {own, *(row[0] for row in conn.execute("SELECT ledger FROM adopted"))}
    strangers = []
    for receipt in receipts:
        if not receipt.reference.startswith(PREFIX):
            continue
        bears = stamp.unpack(receipt.stamp)
        if not _knows(conn, receipt.reference) or (bears is not None and bears.ledger not in family):
            strangers.append(receipt)
    return strangers


def _knows(conn: sqlite3.Connection, reference: str) -> bool:
    """What was given up or refused here cannot be in the books, unless another ledger sent it."""
    found = conn.execute("SELECT state FROM intent WHERE reference = ?", (reference,)).fetchone()
    return found is not None and found[0] not in ("refused", "abandoned")


def _newest(conn: sqlite3.Connection, sink: str, receipts: Iterable[Receipt]) -> str | None:
    """The newest change that the books have told so far, by their own clock; None: they told none."""
    told = [stamp_of(receipt.updated_at) for receipt in receipts if receipt.updated_at is not None]
    before = conn.execute("SELECT newest FROM read_back WHERE sink = ? ORDER BY id DESC LIMIT 1", (sink,)).fetchone()
    return max(told + [row for row in before or () if row is not None], default=None)


def last_read_back(conn: sqlite3.Connection, sink: str) -> datetime | None:
    """Up to when this sink was read: the newest change it told, or our own clock where that was behind.

    A clock that was ahead hides no change then. Where it told none yet but took a document of ours, up to the first of
    these: read whole, some books would not tell that it was deleted since. None: it was never read, or told no times,
    and is read whole.
    """
    found = conn.execute("SELECT at, newest FROM read_back WHERE sink = ? ORDER BY id DESC LIMIT 1", (sink,)).fetchone()
    if found is None:
        return None
    at, newest = instant(found[0]), found[1] and instant(found[1])
    told = newest or _first_taken(conn, sink)
    return told and min(at, told)


def _first_taken(conn: sqlite3.Connection, sink: str) -> datetime | None:
    """When the books made the first document of ours, by their own clock."""
    found = conn.execute("SELECT receipt FROM document WHERE sink = ? ORDER BY id LIMIT 1", (sink,)).fetchone()
    return found and decode(Receipt, found[0]).updated_at
