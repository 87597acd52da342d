"""Time and expenses as a contract rates them: rate cards, increments, overtime, included hours, caps.

Rates are Decimal in major units an hour, percentages 0 to 100, amounts minor units of the contract's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Per = Literal["contract", "month", "quarter", "year", "purchase_order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a term was written, for errors: a file and a line, or an account and a record."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One row of a rate card: major units an hour for whoever matches, on dates of work `since`..`until` inclusive.

    Precedence (billing.md 3.2): person+project, person, role+project, role, task, default.
    """

    amount: Decimal
    person: str | None = None
    project: str | None = None
    role: str | None = None
    task: str | None = None
    since: date | None = None
    until: date | None = None
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """A named list of rates in one currency."""

    id: str
    currency: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """Hours are rounded to steps of `hours`, per entry or over the running total of a person's day."""

    hours: Decimal
    per: Literal["entry", "person_day"] = "entry"
    mode: Literal["up", "nearest"] = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """At least this many hours, per entry or per person and day. 0 h stays 0 h."""

    hours: Decimal
    per: Literal["entry", "person_day"] = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtime:
    """Hours above `after` in the day or in the week (Monday to Sunday) on this contract, times `multiplier`."""

    per: Literal["day", "week"]
    after: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """Hours of each calendar month that a retainer already pays for; the rest is overage.

    `roll_over`: how many months unused hours live on (0: none).
    """

    hours: Decimal
    roll_over: int = 0
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepaid:
    """A block of hours or money bought in advance and drawn down; what exceeds it is overage at the rate.

    The block itself is billed by a schedule line; drawn hours are worth 0 on top of it.
    """

    id: str
    hours: Decimal | None = None
    amount: int | None = None
    since: date | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Not to exceed: minor units and/or hours, per contract, period or purchase order. `warning` in percent."""

    id: str
    amount: int | None = None
    hours: Decimal | None = None
    per: Per = "contract"
    kinds: frozenset[str] = frozenset({"time", "expense"})
    purchase_order: str | None = None
    warning: Decimal = Decimal(80)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTerms:
    """Time and materials: which accounts feed it, at which rates, rounded and limited how.

    `rates` are the contract's own and are asked (all levels) before `card`.
    """

    accounts: frozenset[str] = frozenset()
    rates: RateCard | None = None
    card: RateCard | None = None
    source_rates: bool = False
    """Use the rate the source carries on the entry where no card matches."""
    approval: Literal["required", "not_required"] = "required"
    increment: Increment | None = None
    minimum: Minimum | None = None
    overtime: tuple[Overtime, ...] = ()
    included: Included | None = None
    prepaid: tuple[Prepaid, ...] = ()
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpenseTerms:
    """Expenses passed on with `markup` percent; a receipt may be demanded from an amount on (minor units)."""

    accounts: frozenset[str] = frozenset()
    approval: Literal["required", "not_required"] = "required"
    markup: Decimal = Decimal(0)
    receipt_from: int | None = None
    categories: frozenset[str] = frozenset()
    """Only these categories are billable; empty: all."""
