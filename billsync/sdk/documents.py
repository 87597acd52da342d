"""What all books ask of our documents: their own signs, quantity times price that is the amount, no nulls.

Books write credit notes positive, ours are negative. Books multiply quantity and price with decimals of their own: the
two go along only where that comes to our amount, to the minor unit; else the amount stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from billsync.model.invoice import DocumentKind, Line, Receipt
from billsync.model.money import round_places, to_minor


def sign_of(kind: DocumentKind) -> int:
    """What turns our amounts into the books', and theirs into ours."""
    return -1 if kind == "credit_memo" else 1


def in_our_sign(receipt: Receipt) -> Receipt:
    """A receipt with the amounts of the books as they are written there, in our sign."""
    if sign_of(receipt.kind) == 1:
        return receipt
    return replace(
        receipt,
        total=-receipt.total,
        balance=None if receipt.balance is None else -receipt.balance,
        tax=-receipt.tax,
        line_amounts=tuple(-amount for amount in receipt.line_amounts),
    )


def quantity_and_price(line: Line, sign: int, currency: str, places: int | None) -> tuple[Decimal, Decimal] | None:
    """What a line's amount is the product of, cut to the decimals of the books (None: they cut nothing).

    None where it has no quantity, or where the product, rounded, is not its amount times `sign`."""
    if line.quantity is None or line.unit_price is None:
        return None
    quantity, price = sign * line.quantity, line.unit_price
    if places is not None:
        quantity, price = round_places(quantity, places), round_places(price, places)
    return (quantity, price) if to_minor(quantity * price, currency) == sign * line.amount else None


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that have a value: what is left out keeps the books' default, null might not."""
    return {name: value for name, value in members.items() if value is not None}
