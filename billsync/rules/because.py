"""Figures as the sentences of `because` write them: plain, short, the same on every machine."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from billsync.model.money import grouped, round_places


def decimals(value: Decimal, least: int = 2) -> str:
    """`180.00`, `0.125`, `1,200.00`: at least `least` decimals, never more than the number has."""
    spare = value.normalize()
    digits = max(least, -int(spare.as_tuple().exponent))
    return format(value, f",.{digits}f")


def hours(value: Decimal | Fraction) -> str:
    """`3.25 h`; a fraction that has no end is shown with four decimals."""
    return f"{decimals(round_places(value, 4) if isinstance(value, Fraction) else value)} h"


def percent(value: Decimal) -> str:
    """`12.5 %`"""
    return f"{decimals(value, 0)} %"


def amount(minor: int, currency: str) -> str:
    """`1,080.00 USD`"""
    return f"{grouped(minor, currency)} {currency}"
