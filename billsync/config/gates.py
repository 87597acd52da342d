"""Gates (what must be true before a draft leaves) and billing (how drafts are grouped and look), as written.

Both may stand for the whole firm (`approvals`, `billing`) and for one contract (`gates`, `billing`): the contract's
keys win, one by one.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, StrictInt

from billsync.config.fields import AccountName, Count, Day, Flag, Id, NotNegative, Section, Text, Texts
from billsync.model.money import exponent

S = TypeVar("S", bound=Section)


def _by_currency(value: Any) -> Any:
    """A bare amount is in the firm's currency, which stands as "" until that is known."""
    if not isinstance(value, dict):
        return {"": value}
    for currency in value:
        exponent(currency)
    return value


PerCurrency = Annotated[
    dict[str, NotNegative], BeforeValidator(_by_currency, json_schema_input_type=dict[str, NotNegative] | NotNegative)
]


class ApproverEntry(Section):
    """Who may release."""

    person: Text = Field(description="The name under which the person works (`--person`).")
    role: Text = Field(default="", description="Words for people.")
    up_to: PerCurrency | None = Field(default=None, description="Drafts up to this amount; any unless given.")
    clients: tuple[Id, ...] = Field(default=(), description="Only drafts of these clients; all unless given.")


class GatesEntry(Section):
    """What must be true before anything leaves."""

    purchase_order: Flag = Field(default=False, description="The contract must have a purchase order.")
    references: Texts = Field(default=(), description="Names of references that must be there.")
    release_threshold: PerCurrency | None = Field(
        default=None, description="Drafts of at least this amount wait for an approval: a number, or by currency."
    )
    approvals: Annotated[StrictInt, Field(ge=1, le=9)] = Field(default=1, description="How many persons must approve.")
    approvers: tuple[ApproverEntry, ...] = Field(default=(), description="Who may release.")
    outlier_blocks: Flag = Field(default=False, description="An outlier waits for a person.")
    closed_through: Day | None = Field(default=None, description="Books are closed through this invoice date.")


class BillingEntry(Section):
    """How drafts are grouped, when they leave and how they look."""

    group: Literal["contract", "project", "purchase_order", "consolidated"] = Field(
        default="contract", description="One document for each of these."
    )
    period: Literal["as_it_happens", "weekly", "monthly", "milestone"] = Field(
        default="as_it_happens", description="When a draft leaves."
    )
    day: Annotated[StrictInt, Field(ge=1, le=31)] = Field(
        default=1, description="Weekly: 1 (Monday) to 7; monthly: day of the month, 31 its last."
    )
    through: Literal["today", "period_end"] = Field(default="today", description="period_end leaves newer work out.")
    sink: AccountName | None = Field(default=None, description="A sink of `sinks`; the default one unless given.")
    push: Literal["preview", "draft", "approved", "sent"] | None = Field(
        default=None, description="How far it goes; the sink's unless given."
    )
    terms_days: Count | None = Field(default=None, description="Days until it is due.")
    templates: dict[Text, Text] = Field(default_factory=dict, description="Line text by kind (jinja2, sandboxed).")
    items: dict[Text, Text] = Field(default_factory=dict, description="Product or service in the books by line kind.")
    tax: dict[Text, Text] = Field(default_factory=dict, description="Tax code by line kind, or `default`.")
    tax_evidence: Text | None = Field(default=None, description="Why it is untaxed: reverse charge, certificate.")
    dimensions: dict[Text, Text] = Field(default_factory=dict, description="Class, tracking category, cost centre.")
    evidence: tuple[Literal["time_detail", "acceptance"], ...] = Field(
        default=(), description="What is attached to each document, once it is in the books."
    )


def winner(own: S, firm: S, key: str) -> S:
    """The contract's section where it says `key`, else the firm's."""
    return own if key in own.model_fields_set else firm
