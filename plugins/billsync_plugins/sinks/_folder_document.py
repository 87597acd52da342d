"""From an invoice to the folder's document (`billsync.folder-invoice/1`) and from the document to a receipt.

Amounts are decimal text in major units, dates ISO. Tax is worked out per line, half up, as the sink declares. The
members of a document that a firm may edit by hand are its `status` and its texts; any edit changes its revision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from billsync.model.errors import Refused
from billsync.model.invoice import BookStatus, Invoice, Line, Payment, Receipt
from billsync.model.money import exact_minor, plain, round_whole
from billsync.model.work import canonical, digest
from billsync.sdk.parse import day_or_none, dec

SCHEMA: Final = "billsync.folder-invoice/1"
_PUSHED: Final[Mapping[str, BookStatus]] = {"draft": "draft", "approved": "open", "sent": "sent"}
_STATUS: Final[Mapping[str, BookStatus]] = {"draft": "draft", "open": "open", "sent": "sent", "voided": "voided"}
Document = Mapping[str, Any]
Payments = Mapping[str, tuple[Payment, ...]]
"""By reference or number of the document, as the firm wrote it."""


def document_of(
    invoice: Invoice, doc_number: str, seller: Mapping[str, Any], taxes: Mapping[str, Decimal]
) -> dict[str, Any]:
    """The document. Refused where a line's tax code is not among the firm's."""
    percents = [_percent(line, taxes) for line in invoice.lines]
    pairs = zip(invoice.lines, percents, strict=True)
    tax = [round_whole(line.amount * Fraction(percent) / 100) for line, percent in pairs]
    money = invoice.currency
    return {
        "schema": SCHEMA,
        "number": doc_number,
        "reference": invoice.reference,
        "kind": invoice.kind,
        "status": _PUSHED[invoice.push],
        "seller": dict(seller),
        "customer": {
            "id": invoice.customer,
            "name": invoice.client_name,
            "address": list(invoice.address),
            "email": invoice.email,
        },
        "currency": money,
        "issued_on": invoice.issued_on.isoformat(),
        "due_on": invoice.due_on and invoice.due_on.isoformat(),
        "purchase_order": invoice.purchase_order,
        "references": dict(invoice.references),
        "memo": invoice.memo,
        "lines": [
            _line(line, percent, cents, money)
            for line, percent, cents in zip(invoice.lines, percents, tax, strict=True)
        ],
        "net": plain(invoice.total, money),
        "tax": plain(sum(tax), money),
        "total": plain(invoice.total + sum(tax), money),
        "stamp": invoice.stamp,
        "invoice": digest(invoice),
    }


def _percent(line: Line, taxes: Mapping[str, Decimal]) -> Decimal:
    if line.tax_code is None:
        return Decimal(0)
    if line.tax_code not in taxes:
        raise Refused(f"the tax code {line.tax_code!r} is not declared", hint="add it to the sink's taxes", sent=False)
    return taxes[line.tax_code]


def _line(line: Line, percent: Decimal, tax: int, currency: str) -> dict[str, Any]:
    own = "kind text quantity unit_price done_since done_on project person tax_code item purchase_order dimensions late"
    return {name: canonical(getattr(line, name)) for name in own.split()} | {
        "amount": plain(line.amount, currency),
        "tax": plain(tax, currency),
        "tax_percent": canonical(percent),
        "parts": [
            {
                "identity": part.identity,
                "amount": plain(part.amount, currency),
                "quantity": canonical(part.quantity),
                "because": list(part.because),
                "evidence": [{"record": str(piece.key), "version": piece.version} for piece in part.evidence],
            }
            for part in line.parts
        ],
    }


def gone(made: Document) -> Receipt:
    """The receipt of a document that a person took away, as it was made."""
    return replace(_receipt(str(made["number"]), made), status="deleted", balance=0)


def receipt_of(doc_number: str, document: Document, path: Path, content: bytes) -> Receipt:
    """The document as it stands. BadAnswer, KeyError, TypeError or ValueError: a hand has broken it."""
    return replace(
        _receipt(doc_number, document),
        updated_at=changed_at(path),
        revision=hashlib.sha256(content).hexdigest()[:16],
        url=path.with_suffix(".html").absolute().as_uri(),
    )


def with_payments(receipt: Receipt, payments: Payments) -> Receipt:
    """The receipt with what was paid; a document that is voided or unreadable keeps its status."""
    received = payments.get(receipt.number, ()) + payments.get(receipt.reference, ())
    if not received or receipt.status in ("voided", "unknown"):
        return replace(receipt, payments=received)
    paid = sum(payment.amount for payment in received)
    status: BookStatus = "paid" if abs(paid) >= abs(receipt.total) else "part_paid"
    return replace(receipt, payments=received, status=status, balance=receipt.total - paid)


def _receipt(doc_number: str, document: Document) -> Receipt:
    currency = str(document["currency"])
    total = exact_minor(dec(document["total"]), currency)
    status = _STATUS.get(str(document["status"]), "unknown")
    return Receipt(
        id=doc_number,
        number=doc_number,
        reference=str(document["reference"]),
        status=status,
        currency=currency,
        total=total,
        balance=0 if status == "voided" else total,
        tax=exact_minor(dec(document["tax"]), currency),
        kind="credit_memo" if document["kind"] == "credit_memo" else "invoice",
        customer=str(document["customer"]["id"]),
        issued_on=day_or_none(document["issued_on"]),
        line_amounts=tuple(exact_minor(dec(line["amount"]), currency) for line in document["lines"]),
        stamp=str(document["stamp"]),
    )


def changed_at(path: Path) -> datetime:
    """When the file changed, by either of its clocks: a restored copy keeps its old date of change."""
    found = path.stat()
    return datetime.fromtimestamp(max(found.st_mtime_ns, found.st_ctime_ns) // 1_000_000_000, UTC)
