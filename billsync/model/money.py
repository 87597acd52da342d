"""Money as integer minor units and a currency; rounding once; splitting without loss.

Exponents are ISO 4217's: two decimals unless the currency is listed here. No float is accepted anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, Literal

Rounding = Literal["half_up", "half_even"]

_NO_DECIMALS: Final = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_FOUR_DECIMALS: Final = frozenset("CLF UYW".split())
_CODE: Final = re.compile(r"[A-Z]{3}")
# Enough digits that no product of hours, rate and percentages is rounded before its one rounding.
_EXACT: Final = Context(prec=60)


def exponent(currency: str) -> int:
    """Decimal places of the currency's minor unit. Raises ValueError for what is no ISO code."""
    if not _CODE.fullmatch(currency):
        raise ValueError(f"{currency!r} is not a currency code of three capital letters")
    if currency in _NO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    return 4 if currency in _FOUR_DECIMALS else 2


def round_whole(value: Decimal | Fraction, rounding: Rounding = "half_up") -> int:
    """Round to a whole number, exactly. Half-up means away from zero at the half."""
    exact = Fraction(value)
    whole, rest = divmod(abs(exact.numerator), exact.denominator)
    twice = 2 * rest
    up = twice > exact.denominator or (twice == exact.denominator and (rounding == "half_up" or whole % 2 == 1))
    return (whole + up) * (1 if exact >= 0 else -1)


def to_minor(amount: Decimal | Fraction, currency: str, rounding: Rounding = "half_up") -> int:
    """Round an amount in major units once, to minor units. Half-up means away from zero at the half."""
    return round_whole(Fraction(amount) * 10 ** exponent(currency), rounding)


def exact_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount that must not need rounding; ValueError where it has too many decimals."""
    scaled = Fraction(amount) * 10 ** exponent(currency)
    if scaled.denominator != 1:
        raise ValueError(f"{amount} has more decimals than {currency} allows ({exponent(currency)})")
    return int(scaled.numerator)


def to_major(minor: int, currency: str) -> Decimal:
    """The amount in major units, with all decimals of the currency (`Decimal('12.50')`)."""
    return Decimal(minor).scaleb(-exponent(currency), _EXACT)


def plain(minor: int, currency: str) -> str:
    """`1234.50`: what JSON and CSV carry."""
    return format(to_major(minor, currency), "f")


def grouped(minor: int, currency: str) -> str:
    """`1,234.50`: what people read."""
    return format(to_major(minor, currency), ",f")


def allocate(total: int, weights: Sequence[Decimal | Fraction | int]) -> list[int]:
    """Split minor units in proportion to `weights` by largest remainder; parts always sum to `total`.

    Ties go to the earlier weight. ValueError when a weight is negative or all are zero.
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares)
    if whole <= 0 or any(share < 0 for share in shares):
        raise ValueError("weights must not be negative and not all zero")
    sign, size = (1, total) if total >= 0 else (-1, -total)
    exact = [size * share / whole for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def decimal_of(text: str) -> Decimal:
    """A finite Decimal from plain text; ValueError otherwise (no NaN, no infinity, no exponent tricks)."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return value


def round_places(value: Decimal | Fraction, places: int, rounding: Rounding = "half_up") -> Decimal:
    """Round to `places` decimals, exactly; used for quantities and by the sinks' rounding models."""
    return Decimal(round_whole(Fraction(value) * Fraction(10) ** places, rounding)).scaleb(-places, _EXACT)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency. Adding two currencies is a ValueError, never a guess."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")
        exponent(self.currency)

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """From major units that need no rounding, as text or Decimal."""
        value = decimal_of(amount) if isinstance(amount, str) else amount
        return cls(exact_minor(value, currency), currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")

    def __str__(self) -> str:
        return f"{self.currency} {grouped(self.minor, self.currency)}"

    @property
    def text(self) -> str:
        """The amount alone as JSON and CSV carry it."""
        return plain(self.minor, self.currency)
