"""The rounding twin: what a sink's own arithmetic will make of a document, so that its answer can be compared.

A sink that is sent quantity and unit price multiplies them itself, with its own decimals. Where that does not give our
line amount to the minor unit, only the amount may be sent (`sendable`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billsync.model.money import exponent, round_places, round_whole
from billsync.sdk.sink import RoundingModel

TaxLine = tuple[int, Decimal | None, Decimal | None, Decimal]
"""Amount in minor units, quantity, unit price in major units, percent of tax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Minor units of the document as the sink will show it; `total` includes tax."""

    net: int
    tax: int
    total: int


def sendable(
    amount: int, quantity: Decimal | None, unit_price: Decimal | None, model: RoundingModel, currency: str
) -> bool:
    """Whether quantity and unit price may be sent: the sink's product of the two, after its decimals, is our amount."""
    if quantity is None or unit_price is None:
        return False
    sent_quantity = round_places(quantity, model.quantity_decimals, model.rounding)
    sent_price = round_places(unit_price, model.unit_price_decimals, model.rounding)
    product = Fraction(sent_quantity) * Fraction(sent_price) * 10 ** exponent(currency)
    return _cents(product, model, currency) == amount


def predict(lines: Sequence[TaxLine], model: RoundingModel, currency: str) -> Predicted:
    """Net, tax and total that the sink will compute, in minor units.

    Each line is sent with quantity and price where they give its amount, else by its amount. Tax is rounded per line,
    per rate or per document; with an inclusive model the amounts contain it."""
    amounts = [(_cents(Fraction(amount), model, currency), percent) for amount, _, _, percent in lines]
    sent = sum(amount for amount, _ in amounts)
    tax = _tax(amounts, model, currency)
    return (
        Predicted(net=sent - tax, tax=tax, total=sent)
        if model.inclusive
        else Predicted(net=sent, tax=tax, total=sent + tax)
    )


def _tax(amounts: Sequence[tuple[int, Decimal]], model: RoundingModel, currency: str) -> int:
    exact: dict[object, Fraction] = defaultdict(Fraction)
    for number, (amount, percent) in enumerate(amounts):
        together = {"line": number, "rate": percent, "document": None}[model.tax_per]
        base = 100 + Fraction(percent) if model.inclusive else Fraction(100)
        exact[together] += amount * Fraction(percent) / base
    return sum(_cents(part, model, currency) for part in exact.values())


def _cents(minor: Fraction, model: RoundingModel, currency: str) -> int:
    """Round exact minor units as the sink does: to its decimals, or the currency's where those are fewer."""
    spare = max(0, exponent(currency) - model.decimals)
    unit: int = 10**spare
    return round_whole(minor / unit, model.rounding) * unit
