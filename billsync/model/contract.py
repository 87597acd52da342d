"""What a firm agreed with a client, as the rules read it.

The configuration (or a source that holds contracts) is turned into these dataclasses once; rules never see YAML.
Amounts are minor units of the contract's currency, rates and percentages Decimal (rates in major units an hour,
percentages 0 to 100), dates are dates of work in the account's zone or of the firm where the field says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from billsync.model.money import Rounding
from billsync.model.ratecard import (
    Cap,
    ExpenseTerms,
    Included,
    Increment,
    Minimum,
    Origin,
    Overtime,
    Per,
    Prepaid,
    Rate,
    RateCard,
    TimeTerms,
)
from billsync.model.sourced import TermsFrom, TermsTold
from billsync.model.work import digest

__all__ = [
    "COMPLETED",
    "AfterBilling",
    "Approver",
    "Billing",
    "Cap",
    "Client",
    "Condition",
    "Contract",
    "ContractChange",
    "EvidenceKind",
    "ExpenseTerms",
    "Gates",
    "Grouping",
    "Holdback",
    "HoldbackRelease",
    "Included",
    "Increment",
    "LineKind",
    "MilestoneMatch",
    "MilestoneTerms",
    "Minimum",
    "Origin",
    "Overtime",
    "Payer",
    "Per",
    "Period",
    "Prepaid",
    "ProjectRef",
    "Rate",
    "RateCard",
    "Rounding",
    "ScheduleLine",
    "Signature",
    "TimeTerms",
    "Trigger",
    "without_origins",
]

LineKind = Literal["milestone", "dated", "progress", "threshold", "time", "expense", "manual", "block"]
Grouping = Literal["contract", "project", "purchase_order", "consolidated"]
EvidenceKind = Literal["time_detail", "acceptance"]
Period = Literal["as_it_happens", "weekly", "monthly", "milestone"]
AfterBilling = Literal["review", "true_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRef:
    """A project at a source. `feeds`: which kinds of record this contract takes from it (empty: all)."""

    account: str
    id: str
    feeds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A test of a milestone. `all` and `any` combine `of`; the others look at one fact.

    completed: the source's own completion · status: one of `texts` · percent: at least `number` ·
    units: done of total at least `number` percent · document: an attachment whose name matches the glob `texts[0]` ·
    accepted: acceptance recorded · due: the due date has come · field: custom field `name` is one of `texts`
    """

    kind: Literal["completed", "status", "percent", "units", "document", "accepted", "due", "field", "all", "any"]
    texts: tuple[str, ...] = ()
    number: Decimal | None = None
    name: str = ""
    of: tuple[Condition, ...] = ()


COMPLETED = Condition(kind="completed")


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneMatch:
    """Which milestone of the contract's projects a line means: by stable id, else by exact name (NFC, case kept)."""

    account: str | None = None
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What makes a schedule line billable.

    milestone: `match` fulfils `complete` · dated: on `on`, then every `every` until `until` (inclusive) ·
    progress: cumulative percent of `progress_of` · threshold: `at_amount` (minor), `at_hours` or `at_percent` of the
    budget reached · manual: only by a person's decision
    """

    kind: Literal["milestone", "dated", "progress", "threshold", "manual"]
    match: MilestoneMatch | None = None
    complete: Condition = COMPLETED
    on: date | None = None
    every: Literal["month", "quarter", "year"] | None = None
    until: date | None = None
    progress_of: Literal["milestone", "units", "project", "budget"] | None = None
    at_amount: int | None = None
    at_hours: Decimal | None = None
    at_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """One line of the schedule of values. Exactly one of `amount`, `percent` (of the contract value in force), or
    neither, which means: the amount of the milestone's own field at the source."""

    id: str
    name: str
    trigger: Trigger
    amount: int | None = None
    percent: Decimal | None = None
    requires: frozenset[str] = frozenset()
    """Gates of this line alone: "acceptance", "document", "purchase_order"."""
    purchase_order: str | None = None
    planned_on: date | None = None
    template: str | None = None
    item: str | None = None
    """The sink's product or service for this line; None: by mapping of its kind."""
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChange:
    """A change order. Unsigned (`signed_on` None) it is worth nothing yet: its finished work is a finding."""

    id: str
    name: str
    value: int
    signed_on: date | None
    effective_on: date | None = None
    lines: tuple[ScheduleLine, ...] = ()
    removes: frozenset[str] = frozenset()
    """Ids of earlier lines this change takes out of the schedule from the day it is signed."""
    document: str | None = None
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldbackRelease:
    """The event that releases retainage: a date or a milestone; `percent` of what is withheld that night."""

    id: str
    trigger: Trigger
    percent: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdback:
    """Retainage: `percent` of each identity's cumulative net amount on lines of `kinds`, withheld until released."""

    percent: Decimal
    kinds: frozenset[str] = frozenset({"milestone", "dated"})
    releases: tuple[HoldbackRelease, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Who may release: a person, for drafts up to `up_to` (minor units, None: any) of `clients` (empty: all)."""

    person: str
    role: str = ""
    up_to: int | None = None
    clients: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What must be true before anything of this contract leaves (billing.md 4)."""

    purchase_order: bool = False
    references: tuple[str, ...] = ()
    release_threshold: int | None = None
    """Drafts of at least this many minor units (net of holdback, before tax) wait for an approval."""
    approvals: int = 1
    """How many different persons must approve (2: four eyes)."""
    approvers: tuple[Approver, ...] = ()
    outlier_blocks: bool = False
    closed_through: date | None = None
    """Books are closed through this invoice date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """A client who pays `share` (any positive number, in proportion) of every line."""

    client: str
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """How drafts are grouped, when they leave and how they look."""

    group: Grouping = "contract"
    period: Period = "as_it_happens"
    day: int = 1
    """Weekly: 1 (Monday) to 7; monthly: day of the month, 31 meaning its last."""
    through: Literal["today", "period_end"] = "today"
    sink: str | None = None
    push: Literal["preview", "draft", "approved", "sent"] | None = None
    terms_days: int | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    """Line text by line kind, as sandboxed jinja2 text."""
    items: Mapping[str, str] = field(default_factory=dict)
    """The sink's product or service by line kind (or "holdback")."""
    tax: Mapping[str, str] = field(default_factory=dict)
    """Tax code by line kind, or "default"."""
    tax_evidence: str | None = None
    """Why a line is untaxed: the reverse-charge number, the exemption certificate."""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """Class, tracking category, cost centre: name -> the sink's value."""
    evidence: tuple[EvidenceKind, ...] = ()
    """What is attached to the documents that bill this contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneTerms:
    """Bill milestones that stand in no schedule line: at the amount of their own field at the source.

    A contract without any schedule has these terms by default (a contract may be three lines long)."""

    complete: Condition = COMPLETED
    requires: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`required` False: the firm does not track signatures for this contract, so nothing waits for one."""

    required: bool = False
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract with one client (or several payers) in one currency."""

    id: str
    client: str
    currency: str
    name: str = ""
    projects: tuple[ProjectRef, ...] = ()
    value: int | None = None
    signature: Signature = field(default_factory=Signature)
    starts_on: date | None = None
    ends_on: date | None = None
    purchase_order: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[ScheduleLine, ...] = ()
    milestones: MilestoneTerms | None = None
    change_orders: tuple[ContractChange, ...] = ()
    time: TimeTerms | None = None
    expenses: ExpenseTerms | None = None
    caps: tuple[Cap, ...] = ()
    holdback: Holdback | None = None
    payers: tuple[Payer, ...] = ()
    gates: Gates = field(default_factory=Gates)
    billing: Billing = field(default_factory=Billing)
    rounding: Rounding = "half_up"
    after_billing: AfterBilling = "review"
    opening_before: date | None = None
    """First run on a live firm: work dated before this day counts as billed elsewhere."""
    opening_items: frozenset[str] = frozenset()
    """Identities billed elsewhere, by list."""
    terms_from: TermsFrom | None = None
    """The sources that hold terms of this contract."""
    told: TermsTold | None = None
    """What they told; None where nothing was taken from them (yet)."""
    origin: Origin = field(default_factory=Origin, compare=False)

    def fingerprint(self) -> str:
        """Hash of every term (not of where it was written): another fingerprint means: rate everything anew."""
        return digest(without_origins(self))[:24]

    def independent(self) -> bool:
        """True where each time entry and expense is worth what it is worth whatever the others are.

        Then work that is billed and unchanged needs no second look at night (`Facts.settled`)."""
        time = self.time
        shared_hours = time is not None and bool(
            time.overtime
            or time.included
            or time.prepaid
            or (time.increment and time.increment.per == "person_day")
            or (time.minimum and time.minimum.per == "person_day")
        )
        schedule = (*self.lines, *(line for change in self.change_orders for line in change.lines))
        counted = any(line.trigger.kind == "threshold" or line.trigger.progress_of == "budget" for line in schedule)
        # A release pays out what is withheld of each of them, so each must be looked at until then.
        retained = self.holdback is not None and bool(self.holdback.kinds & {"time", "expense"})
        return not (self.caps or shared_hours or counted or retained)


def without_origins(contract: Contract) -> Contract:
    """The same terms with every `origin` blank, so that moving a line in a file changes no fingerprint."""

    def line(of: ScheduleLine) -> ScheduleLine:
        return replace(of, origin=Origin())

    def card(of: RateCard | None) -> RateCard | None:
        return of and replace(of, rates=tuple(replace(rate, origin=Origin()) for rate in of.rates))

    time = contract.time and replace(contract.time, rates=card(contract.time.rates), card=card(contract.time.card))
    changes = tuple(
        replace(change, origin=Origin(), lines=tuple(map(line, change.lines))) for change in contract.change_orders
    )
    source = contract.terms_from and replace(
        contract.terms_from,
        places={},
        sources=tuple(replace(one, origin=Origin()) for one in contract.terms_from.sources),
    )
    told = contract.told and replace(
        contract.told, troubles=tuple(replace(trouble, where=Origin()) for trouble in contract.told.troubles)
    )
    return replace(
        contract,
        origin=Origin(),
        terms_from=source,
        told=told,
        lines=tuple(map(line, contract.lines)),
        change_orders=changes,
        time=time,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who is billed: the customer at each sink by stable id, currency, what they demand."""

    id: str
    name: str
    customers: Mapping[str, str] = field(default_factory=dict)
    """Sink account -> the sink's own customer id."""
    email: str | None = None
    address: tuple[str, ...] = ()
    tax_number: str | None = None
    requires_purchase_order: bool = False
    origin: Origin = field(default_factory=Origin, compare=False)
