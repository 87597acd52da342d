"""One contract as it is written in the configuration: projects, schedule of values, changes, holdback, payers.

Three keys make a contract: `id`, `client`, `project`. Everything else is a term added.
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidatorFunctionWrapHandler, WrapValidator

from billsync.config.fields import (
    AccountName,
    Currency,
    Day,
    Id,
    NotNegative,
    Number,
    Percent,
    Positive,
    Section,
    Text,
    Texts,
    short,
)
from billsync.config.gates import BillingEntry, GatesEntry
from billsync.config.rates import NUMBER, CapEntry, ExpenseEntry, TimeEntry
from billsync.config.yaml import YamlMap

_TEXT: dict[str, Any] = {"type": "string"}


class ProjectEntry(Section):
    """A project at a source: `work/P-1`, or account and id."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (_TEXT,)

    account: AccountName = Field(description="A source of `sources`.")
    id: Text = Field(description="The project's id at the source.")
    feeds: tuple[Literal["time", "expense", "milestone", "project"], ...] = Field(
        default=(), description="Kinds of record this contract takes from the project; all unless given."
    )

    @classmethod
    def expanded(cls, value: Any) -> Any:
        if isinstance(value, str):
            account, slash, project = value.partition("/")
            if not slash or not project:
                raise ValueError("is no project: write ACCOUNT/ID")
            return {"account": account, "id": project}
        return value


class MilestoneEntry(Section):
    """Which milestone of the contract's projects: by exact name, or by stable id."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (_TEXT,)

    name: Text | None = Field(default=None, description="The exact name; or `id`.")
    id: Text | None = Field(default=None, description="The id at the source; or `name`.")
    account: AccountName | None = Field(default=None, description="Only at this source.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "name")


class ConditionEntry(Section):
    """When a milestone counts as complete. Several keys: all of them."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"enum": ["completed", "accepted", "due"]},)

    completed: Literal[True] | None = Field(default=None, description="The source itself says so (the default).")
    accepted: Literal[True] | None = Field(default=None, description="The client's acceptance is recorded.")
    due: Literal[True] | None = Field(default=None, description="Its due date has come.")
    status: Texts = Field(default=(), description="One of these statuses.")
    percent: Percent | None = Field(default=None, description="At least this percent complete.")
    units: Percent | None = Field(default=None, description="At least this percent of its units done.")
    document: Text | None = Field(default=None, description="An attachment whose name fits: `*signed*.pdf`.")
    field: dict[Text, Texts] = Field(default_factory=dict, description="A field of the source: name -> value or list.")
    all: tuple["ConditionEntry", ...] = Field(default=(), description="All of these.")
    any: tuple["ConditionEntry", ...] = Field(default=(), description="At least one of these.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return {value: True} if value in ("completed", "accepted", "due") else value


class ThresholdEntry(Section):
    """Reached once: hours, money, or percent of the budget."""

    hours: Positive | None = Field(default=None, description="Approved billable hours.")
    amount: Positive | None = Field(default=None, description="Earned time and expenses, major units.")
    percent: Percent | None = Field(default=None, description="Percent of the project's budget.")


class TermsFromEntry(Section):
    """A contract as a source holds it: `crm/800XX`, or account and contract."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (_TEXT,)

    account: AccountName = Field(description="A source of `sources` that offers contracts.")
    contract: Text = Field(description="The contract's id there.")
    projects: AccountName | None = Field(
        default=None, description="The source whose project the contract names; the same account unless given."
    )
    lines: Literal["manual", "milestone_name"] = Field(
        default="manual",
        description="What its lines wait for that state no day and no milestone: a person's word, or the milestone of "
        "exactly their name.",
    )

    @classmethod
    def expanded(cls, value: Any) -> Any:
        if isinstance(value, str):
            account, slash, contract = value.partition("/")
            if not slash or not contract:
                raise ValueError("is no contract at a source: write ACCOUNT/ID")
            return {"account": account, "contract": contract}
        return value


def _several(value: Any) -> Any:
    """One source may stand for a list of one."""
    if value is None:
        raise ValueError("is empty: write ACCOUNT/ID or take the key out")
    return value if isinstance(value, list | tuple) else [value]


class LineEntry(Section):
    """A line of the schedule of values: what is paid, and what makes it due."""

    id: Id = Field(description="Stable id within the contract.")
    name: Text | None = Field(default=None, description="Words on the invoice; the milestone's unless given.")
    amount: Number | None = Field(default=None, description="Major units; or `percent`; neither: the source's amount.")
    percent: Percent | None = Field(default=None, description="Percent of the contract value in force.")
    milestone: MilestoneEntry | None = Field(default=None, description="Due when this milestone is complete.")
    complete: ConditionEntry | None = Field(default=None, description="The milestone's test; else the source's own.")
    on: Day | None = Field(default=None, description="Due on this date.")
    every: Literal["month", "quarter", "year"] | None = Field(default=None, description="And again, from `on` on.")
    until: Day | None = Field(default=None, description="The last date, inclusive.")
    progress: Literal["percent", "units", "project", "budget"] | None = Field(
        default=None, description="Due as far as the milestone, its units, the project or the budget is."
    )
    threshold: ThresholdEntry | None = Field(default=None, description="Due once, when this is reached.")
    manual: Literal[True] | None = Field(default=None, description="Due when a person says so.")
    requires: tuple[Literal["acceptance", "document", "purchase_order"], ...] = Field(
        default=(), description="What must be there before the line leaves."
    )
    purchase_order: Text | None = Field(default=None, description="Another purchase order than the contract's.")
    planned: Day | None = Field(default=None, description="Planned date: a finding once it has passed.")
    template: Text | None = Field(default=None, description="Text of the line (jinja2, sandboxed).")
    item: Text | None = Field(default=None, description="Product or service in the books.")


def _signed(value: Any) -> Any:
    if value == "pending" or value is None or type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("is neither a date (2026-02-01) nor `pending`") from None


Signed = Annotated[date | Literal["pending"] | None, BeforeValidator(_signed)]


class ChangeOrderEntry(Section):
    """A change order: worth nothing until it is signed."""

    id: Id = Field(description="Stable id within the contract.")
    name: Text | None = Field(default=None, description="Words for people.")
    value: Number = Field(description="What it adds to the contract value; negative: takes away.")
    signed: Signed = Field(default=None, description="The date, or `pending`.")
    effective: Day | None = Field(default=None, description="First day it holds; the signing unless given.")
    schedule: tuple[LineEntry, ...] = Field(default=(), description="Lines it adds; `percent` is of its own value.")
    removes: tuple[Id, ...] = Field(default=(), description="Ids of lines it takes out.")
    document: Text | None = Field(default=None, description="Where the signed document is.")


class MilestonesEntry(Section):
    """Bill milestones that stand in no line, at the amount of their own field at the source."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"enum": ["source_amount"]},)

    complete: ConditionEntry | None = Field(default=None, description="Their test; else the source's own.")
    requires: tuple[Literal["acceptance", "document", "purchase_order"], ...] = Field(
        default=(), description="What must be there before they leave."
    )

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return {} if value == "source_amount" else value


class ReleaseEntry(Section):
    """What releases holdback."""

    id: Id = Field(description="Stable id within the contract.")
    milestone: MilestoneEntry | None = Field(default=None, description="When this milestone is complete.")
    complete: ConditionEntry | None = Field(default=None, description="The milestone's test.")
    on: Day | None = Field(default=None, description="On this date.")
    manual: Literal[True] | None = Field(default=None, description="When a person says so.")
    percent: Percent | None = Field(default=None, description="Of what is withheld that night; 100.")


class HoldbackEntry(Section):
    """Retainage."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (NUMBER,)

    percent: Percent = Field(description="Percent of each line it applies to.")
    on: tuple[Literal["milestone", "dated", "progress", "threshold", "time", "expense", "manual"], ...] = Field(
        default=("milestone", "dated"), description="Kinds of line it applies to."
    )
    release: tuple[ReleaseEntry, ...] = Field(default=(), description="What releases it.")

    @classmethod
    def expanded(cls, value: Any) -> Any:
        return short(value, "percent")


class PayerEntry(Section):
    """A client who pays a part of every line."""

    client: Id = Field(description="A client of `clients`.")
    share: Positive = Field(description="In proportion to the other shares.")


def _payers(value: Any) -> Any:
    """`{acme: 60, city: 40}` as the list of payers."""
    if not isinstance(value, YamlMap):
        return value
    payers = []
    for client, share in value.items():
        payer = YamlMap(value.origins[client])
        payer.put("client", client, payer.origin)
        payer.put("share", share, payer.origin)
        payers.append(payer)
    return payers


class OpeningEntry(Section):
    """What was billed before billsync: by date, by list."""

    before: Day | None = Field(default=None, description="Work dated before this day counts as billed elsewhere.")
    items: tuple[Text, ...] = Field(default=(), description="Identities billed elsewhere.")


def _switched(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Terms may also be `true` (with nothing said) or `false` (none, where there would be some by default)."""
    if value is None:
        raise ValueError("is empty: write its terms, true or false")
    return None if value is False else handler({} if value is True else value)


class ContractEntry(Section):
    """One contract with one client (or several payers) in one currency."""

    id: Id = Field(description="Stable id.")
    client: Id = Field(description="A client of `clients`.")
    currency: Currency | None = Field(default=None, description="The firm's unless given.")
    terms_from: Annotated[
        tuple[TermsFromEntry, ...],
        BeforeValidator(_several, json_schema_input_type=TermsFromEntry | list[TermsFromEntry]),
    ] = Field(default=(), alias="from", description="Where value, signature, lines and change orders come from.")
    name: Text | None = Field(default=None, description="Words for people.")
    project: ProjectEntry | None = Field(default=None, description="The one project: ACCOUNT/ID.")
    projects: tuple[ProjectEntry, ...] = Field(default=(), description="Several projects.")
    value: NotNegative | None = Field(default=None, description="Contract value: what the schedule must sum to.")
    signed: Signed = Field(default=None, description="Date, or `pending`; not given: signatures are not tracked.")
    starts: Day | None = Field(default=None, description="First date of work.")
    ends: Day | None = Field(default=None, description="Last date of work.")
    purchase_order: Text | None = Field(default=None, description="The client's number.")
    references: dict[Text, Text] = Field(default_factory=dict, description="Other references: name -> value.")
    schedule: tuple[LineEntry, ...] = Field(default=(), description="Schedule of values.")
    milestones: Annotated[
        MilestonesEntry | None, WrapValidator(_switched, json_schema_input_type=MilestonesEntry | bool)
    ] = Field(default=None, description="Milestones at their own amount; on by default where there is no schedule.")
    change_orders: tuple[ChangeOrderEntry, ...] = Field(default=(), description="Changes, oldest first.")
    time: Annotated[TimeEntry | None, WrapValidator(_switched, json_schema_input_type=TimeEntry | bool)] = Field(
        default=None, description="Time and materials; at the default card where there is no schedule."
    )
    expenses: Annotated[ExpenseEntry | None, WrapValidator(_switched, json_schema_input_type=ExpenseEntry | bool)] = (
        Field(default=None, description="Expenses passed on.")
    )
    caps: tuple[CapEntry, ...] = Field(default=(), description="Not to exceed, over time and expenses.")
    holdback: HoldbackEntry | None = Field(default=None, description="Retainage.")
    payers: Annotated[tuple[PayerEntry, ...], BeforeValidator(_payers)] = Field(
        default=(), description="Several payers: client -> share."
    )
    gates: GatesEntry = Field(default_factory=GatesEntry, description="What must be true before anything leaves.")
    billing: BillingEntry = Field(default_factory=BillingEntry, description="Grouping, period, texts, taxes.")
    rounding: Literal["half_up", "half_even"] = Field(default="half_up", description="The one rounding of an amount.")
    after_billing: Literal["review", "true_up"] = Field(default="review", description="Edits of billed work.")
    opening: OpeningEntry | None = Field(default=None, description="Billed before billsync.")

    def off(self, terms: Literal["time", "expenses", "milestones"]) -> bool:
        """True where the file says `false`, so that no default applies."""
        return terms in self.model_fields_set and getattr(self, terms) is None
