"""Rate cards and the terms of time, expenses and caps, as they are written in the configuration.

Rates are major units an hour. A card may be written as a list of rates (with dates), as `{default: 180, roles: {...},
people: {...}, tasks: {...}}`, or as one number.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

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
from billsync.config.yaml import YamlList, YamlMap

NUMBER: dict[str, Any] = {"type": ["number", "string"]}
_SHORT_RATES = {"default": None, "roles": "role", "people": "person", "tasks": "task"}
_BY_NAME: dict[str, Any] = {"type": "object", "additionalProperties": NUMBER}
_SHORT_SCHEMA: dict[str, Any] = {key: _BY_NAME if name else NUMBER for key, name in _SHORT_RATES.items()}


class RateEntry(Section):
    """One rate for whoever matches, on dates of work `since` to `until` inclusive."""

    amount: NotNegative = Field(description="Major units an hour.")
    person: Id | None = Field(default=None, description="The firm's id of a person (`people`).")
    project: Text | None = Field(default=None, description="A project's id at its source.")
    role: Text | None = Field(default=None, description="The role that the entry carries.")
    task: Text | None = Field(default=None, description="The task that the entry carries.")
    since: Day | None = Field(default=None, description="First date of work with this rate.")
    until: Day | None = Field(default=None, description="Last date of work with this rate.")


class RateCardEntry(Section):
    """A list of rates in one currency."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (
        NUMBER,
        {"type": "array", "items": {"$ref": "#/$defs/RateEntry"}},
        {
            "type": "object",
            "properties": {
                "currency": {"type": "string"},
                "rates": {"type": "object", "properties": _SHORT_SCHEMA, "additionalProperties": False},
                **_SHORT_SCHEMA,
            },
            "additionalProperties": False,
        },
    )

    currency: Currency | None = Field(default=None, description="Currency of the rates; the firm's unless given.")
    rates: tuple[RateEntry, ...] = Field(default=(), description="A list, or default, roles, people and tasks.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        if isinstance(value, YamlMap):
            rest = YamlMap(value.origin)
            rates = YamlMap(value.origin)
            for key, member in value.items():
                (rates if key in _SHORT_RATES else rest).put(key, member, value.origins[key])
            if rates:
                rest.put("rates", _listed(rates), value.origin)
            elif isinstance(rest.get("rates"), YamlMap):
                rest["rates"] = _listed(rest["rates"])
            return rest
        if isinstance(value, list) or value is None:
            return {"rates": value}
        return {"rates": [{"amount": value}]}


def _listed(rates: YamlMap) -> YamlList:
    """The rates of the short form, one by one, each with the place of its own line."""
    rows = YamlList(rates.origin)

    def add(amount: Any, name: str | None, value: str, shorthand: YamlMap) -> None:
        row = YamlMap(shorthand.origins[value])
        row.put("amount", amount, row.origin)
        if name:
            row.put(name, value, row.origin)
        rows.put(row, row.origin)

    for key, member in rates.items():
        if key == "default":
            add(member, None, key, rates)
        elif key in _SHORT_RATES and isinstance(member, YamlMap):
            for value, amount in member.items():
                add(amount, _SHORT_RATES[key], value, member)
        else:
            add(member, key, key, rates)
    return rows


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
