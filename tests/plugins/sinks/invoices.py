"""Invoices for the tests of sinks: small, complete, and the same every time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from billsync.model.invoice import Evidence, Invoice, Line, Part
from billsync.model.work import SourceKey


def line(kind: Any, text: str, amount: int, identity: str, **more: Any) -> Line:
    """A line of one part."""
    evidence = (Evidence(key=SourceKey(account="work", kind="time", id="E-1"), version="v1"),)
    part = Part(identity=identity, contract="acme-1", amount=amount, evidence=evidence, because=(f"{text}: as agreed",))
    return Line(kind=kind, text=text, amount=amount, parts=(part,), **more)


def invoice(reference: str = "BS-AAAABBBBCCCC", **changes: Any) -> Invoice:
    """Schematic design 27,500.00, 10 % kept back, 7.50 hours at 180.00."""
    members: dict[str, Any] = {
        "kind": "invoice",
        "reference": reference,
        "customer": "acme",
        "client": "acme",
        "client_name": "Acme <Homes> & Söhne",
        "currency": "USD",
        "issued_on": date(2026, 3, 31),
        "due_on": date(2026, 4, 30),
        "lines": (
            line("milestone", "Schematic design", 2_750_000, "acme-1/line/schematic", done_on=date(2026, 3, 13)),
            line("holdback", "Retainage 10 %", -275_000, "acme-1/line/schematic"),
            line("time", "Advice", 135_000, "time/work/E-1", quantity=Decimal("7.5"), unit_price=Decimal(180)),
        ),
        "stamp": "bs1:ledger:packed",
        "push": "approved",
        "purchase_order": "PO-7781",
        "address": ("1 Main Street", "Springfield"),
    }
    return Invoice(**members | changes)
