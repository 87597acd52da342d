"""What a source says: records, their versions, and the receipt of a poll.

Dates of work are dates in the account's own zone, as the vendor prints them; instants are UTC. Quantities are
Decimal read from the vendor's text, amounts Decimal in major units with their currency.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

ApprovalState = Literal["approved", "submitted", "open", "rejected", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Approval of time or an expense. `none`: the vendor knows no approval, so the contract must decide."""

    state: ApprovalState
    by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The client's acceptance of a milestone: who, when, and where the evidence is (its hash if it was read)."""

    accepted: bool
    by: str | None = None
    on: date | None = None
    evidence: str | None = None
    evidence_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, job or engagement. `percent` is 0 to 100."""

    id: str
    name: str
    client: str | None = None
    status: str | None = None
    closed: bool = False
    ready_to_bill: str | None = None
    """The occurrence (a date, a number) of a project-level "ready for billing"; None while it is not."""
    percent: Decimal | None = None
    budget: Decimal | None = None
    budget_hours: Decimal | None = None
    currency: str | None = None
    manager: str | None = None
    url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A milestone, phase, deliverable, epic, card or row. `percent` is 0 to 100, `amount` in major units."""

    id: str
    project: str
    name: str
    status: str
    completed_on: date | None
    """None while it is open, by the source's own test; a contract may have another test (status, percent...)."""
    due_on: date | None = None
    percent: Decimal | None = None
    done: Decimal | None = None
    total: Decimal | None = None
    """`done` of `total`: modules assembled, shipped, installed."""
    amount: Decimal | None = None
    currency: str | None = None
    acceptance: Acceptance | None = None
    attachments: tuple[str, ...] = ()
    parent: str | None = None
    url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEntry:
    """Hours of one person on one day. `rate` is the source's own hint, in major units an hour."""

    id: str
    project: str
    person: str
    worked_on: date
    hours: Decimal
    billable: bool
    approval: Approval
    person_name: str | None = None
    task: str | None = None
    role: str | None = None
    notes: str | None = None
    rate: Decimal | None = None
    currency: str | None = None
    cost_centre: str | None = None
    purchase_order: str | None = None
    billed_at_source: bool = False
    milestone: str | None = None
    url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expense:
    """A cost to be passed on. `amount` in major units of `currency`, as spent."""

    id: str
    project: str
    spent_on: date
    amount: Decimal
    currency: str
    billable: bool
    approval: Approval
    person: str | None = None
    category: str | None = None
    notes: str | None = None
    receipt: str | None = None
    tax: Decimal | None = None
    purchase_order: str | None = None
    billed_at_source: bool = False
    url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsLine:
    """One line of a contract or change order as a source holds it."""

    id: str
    name: str
    amount: Decimal | None = None
    percent: Decimal | None = None
    milestone: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """A contract as a CRM, CLM or PSA holds it."""

    id: str
    client: str
    project: str | None
    value: Decimal
    currency: str
    signed_on: date | None
    lines: tuple[TermsLine, ...] = ()
    documents: tuple[str, ...] = ()
    url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    """A change to a contract. It counts from the day it is signed."""

    id: str
    contract: str
    name: str
    value: Decimal
    currency: str
    signed_on: date | None
    lines: tuple[TermsLine, ...] = ()
    effective_on: date | None = None
    """The first day it holds; None: the day it is signed."""
    documents: tuple[str, ...] = ()
    url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


Record = Project | Milestone | TimeEntry | Expense | ContractTerms | ChangeOrder
Kind = Literal["project", "milestone", "time", "expense", "contract", "change_order"]

RECORDS: Final[Mapping[Kind, type[Record]]] = {
    "project": Project,
    "milestone": Milestone,
    "time": TimeEntry,
    "expense": Expense,
    "contract": ContractTerms,
    "change_order": ChangeOrder,
}
KIND_OF: Final[Mapping[type[Record], Kind]] = {record: kind for kind, record in RECORDS.items()}

# Where a record is shown, not what it is worth or means.
_NOT_MEANING: Final = frozenset({"url"})


def canonical(value: Any) -> Any:
    """JSON-ready form with one spelling for each meaning: numbers without trailing zeros, text in NFC, UTC instants."""
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value
    if kind is str:
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    names = _members(kind)
    if names is not None:
        return {name: canonical(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    return _canonical_scalar(value)


def _members(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass, None for any other class; remembered: everything hashed comes by here."""
    if kind not in _MEMBERS:
        _MEMBERS[kind] = tuple(f.name for f in fields(kind)) if is_dataclass(kind) else None
    return _MEMBERS[kind]


_MEMBERS: Final[dict[type, tuple[str, ...] | None]] = {}


def _canonical_scalar(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(canonical(item) for item in value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float):
        raise TypeError("a float cannot be hashed: read it as Decimal from the vendor's text")
    return value


def canonical_bytes(value: Any) -> bytes:
    """The exact bytes that are hashed and stored: sorted keys, no spaces, UTF-8."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def version_of(record: Record) -> str:
    """The record's version: a hash of the fields that can change money or meaning (24 hex digits)."""
    meaning = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in _NOT_MEANING}
    return digest({"kind": KIND_OF[type(record)], **meaning})[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKey:
    """Which record of which account: stable for the record's whole life."""

    account: str
    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.account}/{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One version of one record, and when it was the truth. `seq` grows with each new version in a ledger."""

    key: SourceKey
    version: str
    record: Record
    first_seen: datetime
    last_seen: datetime
    vanished: datetime | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a poll asks for: dates of work `since`..`until` inclusive (account's zone), and for vendors that offer
    changes-since the instant `changed_since` (None: a full sweep)."""

    since: date
    until: date
    changed_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollReceipt:
    """The completeness receipt of one poll of one kind: without `complete` nothing may be called vanished."""

    account: str
    kind: Kind
    window: Window
    started: datetime
    finished: datetime
    pages: int
    records: int
    complete: bool
    full: bool
    """True where the poll saw every record of the window, so that absence means gone."""
    reason: str = ""
    findings: tuple[str, ...] = ()
