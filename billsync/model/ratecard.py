"""Time and expenses as a contract rates them: rate cards, increments, overtime, included hours, caps.

Rates are Decimal in major units an hour, percentages 0 to 100, amounts minor units of the contract's currency.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Final, Literal

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

    Precedence (billing.md 3.2): person+project, person, role+project, role, task, project, default; "project" alone is
    a default that one project has.
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


LEVELS: Final[tuple[tuple[str, ...], ...]] = (
    ("person", "project"),
    ("person",),
    ("role", "project"),
    ("role",),
    ("task",),
    ("project",),
    (),
)
"""What a rate names, the most specific first."""

Level = tuple[int, tuple[str | None, ...]]
"""Number of the level and what its rows name at least."""


def named(rate: Rate) -> dict[str, str]:
    """What the rate names of person, role, task and project."""
    values = {name: getattr(rate, name) for name in ("person", "role", "task", "project")}
    return {name: value for name, value in values.items() if value is not None}


def by_level(card: RateCard) -> dict[Level, list[Rate]]:
    """The rows of a card by the first level whose names they have."""
    rows: dict[Level, list[Rate]] = defaultdict(list)
    for rate in card.rates:
        has = named(rate)
        number = next(number for number, names in enumerate(LEVELS) if has.keys() >= set(names))
        rows[number, tuple(has[name] for name in LEVELS[number])].append(rate)
    return dict(rows)


def in_force(rate: Rate, on: date) -> bool:
    """Whether the rate holds for work of that date."""
    return (rate.since or date.min) <= on <= (rate.until or date.max)


def overlapping(card: RateCard) -> list[tuple[Rate, Rate]]:
    """Pairs of rows, equally specific, that can match the same work on the same day: an error of the configuration."""
    return [
        pair
        for rows in by_level(card).values()
        for pair in combinations(rows, 2)
        if _equally_specific(*pair) and share_a_day((pair[0].since, pair[0].until), (pair[1].since, pair[1].until))
    ]


def _equally_specific(one: Rate, other: Rate) -> bool:
    """For two rows of one level: as many names, and none that contradict."""
    mine, theirs = named(one), named(other)
    return len(mine) == len(theirs) and all(theirs.get(name, value) == value for name, value in mine.items())


def share_a_day(one: tuple[date | None, date | None], other: tuple[date | None, date | None]) -> bool:
    """Whether two spans of days, both ends inclusive and open where None, share a day."""
    starts_in_time = (one[0] or date.min) <= (other[1] or date.max)
    return starts_in_time and (other[0] or date.min) <= (one[1] or date.max)


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
