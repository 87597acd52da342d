"""Rate cards and the terms of time, expenses and caps, as they are written in the configuration.

Rates are major units an hour. A card may be written as a list of rates (with dates), as `{default: 180, roles: {...},
people: {...}, tasks: {...}}`, or as one number.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from billsync.config.fields import (
    AccountName,
    Count,
    Currency,
    Day,
    Flag,
    Id,
    NotNegative,
    Percent,
    Positive,
    Section,
    Text,
    Texts,
    short,
)
from billsync.config.yaml import YamlMap
from billsync.model.contract import Origin

NUMBER: dict[str, Any] = {"type": ["number", "string"]}
_BY_NAME = ("default", "roles", "people", "tasks")


class RateEntry(Section):
    """One rate for whoever matches, on dates of work `since` to `until` inclusive."""

    amount: NotNegative = Field(description="Major units an hour.")
    person: Id | None = Field(default=None, description="The firm's id of a person (`people`).")
    project: Text | None = Field(default=None, description="A project's id at its source.")
    role: Text | None = Field(default=None, description="The role that the entry carries.")
    task: Text | None = Field(default=None, description="The task that the entry carries.")
    since: Day | None = Field(default=None, description="First date of work with this rate.")
    until: Day | None = Field(default=None, description="Last date of work with this rate.")


class RatesByName(Section):
    """Rates without dates, written short: one for all, and by role, person and task."""

    default: NotNegative | None = Field(default=None, description="For whoever matches nothing else.")
    roles: dict[Text, NotNegative] = Field(default_factory=dict, description="Role -> rate.")
    people: dict[Id, NotNegative] = Field(default_factory=dict, description="Person -> rate.")
    tasks: dict[Text, NotNegative] = Field(default_factory=dict, description="Task -> rate.")


def _form(value: Any) -> str:
    return "[by name]" if isinstance(value, dict | RatesByName) else "[list]"


Rates = Annotated[
    Annotated[tuple[RateEntry, ...], Tag("[list]")] | Annotated[RatesByName, Tag("[by name]")], Discriminator(_form)
]


class RateCardEntry(Section):
    """A list of rates in one currency."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (
        NUMBER,
        {"type": "array", "items": {"$ref": "#/$defs/RateEntry"}},
        {"$ref": "#/$defs/RatesByName"},
    )

    currency: Currency | None = Field(default=None, description="Currency of the rates; the firm's unless given.")
    rates: Rates = Field(default=(), description="A list, or default, roles, people and tasks.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        if isinstance(value, YamlMap):
            return _with_rates(value)
        if isinstance(value, list):
            return {"rates": value}
        return value if value is None else {"rates": {"default": value}}

    def persons(self) -> Iterator[tuple[str, Origin]]:
        """Every person whom a rate names, and where."""
        if isinstance(self.rates, RatesByName):
            yield from ((person, self.rates.where("people", person)) for person in self.rates.people)
        else:
            yield from ((rate.person, rate.where("person")) for rate in self.rates if rate.person)


def _with_rates(card: YamlMap) -> YamlMap:
    """`{default: 180, currency: EUR}` is `{rates: {default: 180}, currency: EUR}`."""
    if "rates" in card or not any(key in card for key in _BY_NAME):
        return card
    rest, rates = YamlMap(card.origin), YamlMap(card.origin)
    for key, member in card.items():
        (rates if key in _BY_NAME else rest).put(key, member, card.origins[key])
    rest.put("rates", rates, card.origin)
    return rest


class IncrementEntry(Section):
    """Hours go in steps."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (NUMBER,)

    hours: Positive = Field(description="The step, in hours: 0.25 for a quarter of an hour.")
    per: Literal["entry", "person_day"] = Field(default="entry", description="Each entry, or the day of a person.")
    mode: Literal["up", "nearest"] = Field(default="up", description="Up, or to the nearest step.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "hours")


class MinimumEntry(Section):
    """At least so many hours; 0 h stays 0 h."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (NUMBER,)

    hours: Positive = Field(description="The least that is billed, in hours.")
    per: Literal["entry", "person_day"] = Field(default="entry", description="Each entry, or the day of a person.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "hours")


class OvertimeEntry(Section):
    """Hours above `after` are worth more."""

    per: Literal["day", "week"] = Field(description="The day, or the week from Monday to Sunday.")
    after: NotNegative = Field(description="Hours of the day or week at the plain rate.")
    multiplier: Positive = Field(description="What the rate is multiplied with: 1.5.")


class IncludedEntry(Section):
    """Hours of each month that a retainer pays for."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (NUMBER,)

    hours: Positive = Field(description="Hours of each calendar month.")
    roll_over: Count = Field(default=0, description="Months that unused hours live on.")
    since: Day | None = Field(default=None, description="First day of the arrangement.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "hours")


class PrepaidEntry(Section):
    """A block of hours or money bought in advance and drawn down."""

    id: Id = Field(description="Stable id of the block.")
    hours: Positive | None = Field(default=None, description="Hours bought; or `amount`.")
    amount: Positive | None = Field(default=None, description="Money bought, major units; or `hours`.")
    since: Day | None = Field(default=None, description="First date of work it pays for.")
    expires: Day | None = Field(default=None, description="Last date of work it pays for.")


class CapEntry(Section):
    """Not to exceed."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (NUMBER,)

    id: Id | None = Field(default=None, description="Stable id; by default where the cap stands.")
    amount: NotNegative | None = Field(default=None, description="Major units.")
    hours: NotNegative | None = Field(default=None, description="Hours.")
    currency: Currency | None = Field(default=None, description="The contract's; another one is an error.")
    per: Literal["contract", "month", "quarter", "year", "purchase_order"] = Field(
        default="contract", description="What the cap holds for."
    )
    on: tuple[Literal["time", "expense"], ...] | None = Field(
        default=None, description="Kinds of work it counts: both, unless it stands under time or expenses."
    )
    purchase_order: Text | None = Field(default=None, description="Only work under this purchase order.")
    warning: Percent | None = Field(default=None, description="Percent from which on a finding warns; 80.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "amount")


Approved = Literal["required", "not_required"]


class TimeEntry(Section):
    """Time and materials."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "string"},)

    rate_card: Id | None = Field(default=None, description="A card of `rate_cards`; the default card unless given.")
    rates: RateCardEntry | None = Field(default=None, description="The contract's own rates, asked before the card.")
    accounts: tuple[AccountName, ...] = Field(default=(), description="Accounts that feed time; all unless given.")
    approval: Approved = Field(default="required", description="Bill approved time only, or all.")
    source_rates: Flag = Field(default=False, description="Where no rate matches, the one on the entry.")
    increment: IncrementEntry | None = Field(default=None, description="Steps of hours.")
    minimum: MinimumEntry | None = Field(default=None, description="Least hours.")
    overtime: tuple[OvertimeEntry, ...] = Field(default=(), description="Dearer hours.")
    included: IncludedEntry | None = Field(default=None, description="Hours that a retainer pays for.")
    prepaid: tuple[PrepaidEntry, ...] = Field(default=(), description="Blocks bought in advance.")
    discount: Percent | None = Field(default=None, description="Percent off every amount.")
    cap: CapEntry | None = Field(default=None, description="Not to exceed, for time alone.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "rate_card")


class ExpenseEntry(Section):
    """Expenses passed on."""

    accounts: tuple[AccountName, ...] = Field(default=(), description="Accounts that feed expenses; all unless given.")
    approval: Approved = Field(default="required", description="Bill approved expenses only, or all.")
    markup: NotNegative | None = Field(default=None, description="Percent on top.")
    receipt_from: NotNegative | None = Field(default=None, description="From this amount on a receipt is demanded.")
    categories: Texts = Field(default=(), description="Only these are billable; all unless given.")
    cap: CapEntry | None = Field(default=None, description="Not to exceed, for expenses alone.")
