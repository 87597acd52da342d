"""Documents for tests of sinks: as the night would freeze them, with lines, stamp and dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billsync.model.invoice import Invoice, Line, Part

REFERENCE: Final = "BS-7KQ2M4XW9ABC"
STAMP: Final = "BS1:0f3c9a11:eNqrVkrOzytJzUvOz0ktKlayUrJSKkktLlGqBQBTIgdR."
ON: Final = date(2026, 3, 31)


def line(amount: int, text: str = "Schematic design", **more: Any) -> Line:
    """One line of one identity; minor units."""
    part = Part(identity=f"ACME-2026-01/line/{text}", contract="ACME-2026-01", amount=amount)
    return Line(**{"kind": "milestone", "text": text, "amount": amount, "parts": (part,), "done_on": ON, **more})


def invoice(*lines: Line, reference: str = REFERENCE, **more: Any) -> Invoice:
    """An invoice of a fee, an hour's work and holdback, unless lines are given."""
    usual: Sequence[Line] = lines or (
        line(2_750_000),
        line(125_000, "Advisory", kind="time", quantity=Decimal("12.5"), unit_price=Decimal(100)),
        line(-275_000, "Holdback 10 %", kind="holdback"),
    )
    members = {
        "kind": "invoice", "reference": reference, "customer": "1", "client": "acme", "client_name": "Acme Inc",
        "currency": "USD", "issued_on": ON, "due_on": date(2026, 4, 30), "lines": tuple(usual), "stamp": STAMP,
    }  # fmt: skip
    return Invoice(**{**members, **more})


def credit_memo(*lines: Line, **more: Any) -> Invoice:
    """A credit memo: its lines keep their negative signs."""
    return invoice(*(lines or (line(-50_000, "Credit", kind="credit"),)), kind="credit_memo", **more)
