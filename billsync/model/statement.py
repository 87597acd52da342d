"""What an evaluation answers: items in buckets, findings, drafts, and the statement that balances to 0.00.

earned = billed - credited + withheld + capped + written_off + held + ready + in_flight
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from billsync.model.book import NewPosting, Place
from billsync.model.invoice import Draft
from billsync.model.work import SourceKey

Bucket = Literal["billed", "credited", "withheld", "capped", "written_off", "held", "ready", "in_flight"]
BUCKETS: Final[tuple[Bucket, ...]] = (
    "billed", "credited", "withheld", "capped", "written_off", "held", "ready", "in_flight",
)  # fmt: skip
NotValued = Literal["unmapped", "unrated", "not_billable"]
Verdict = Literal["balanced", "findings", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One identity's share in one bucket. `amount` minor units; `cause` and `owner` say why and whose move it is
    for everything that is not simply billed; `age_days` since the work was done."""

    identity: str
    key: SourceKey | None
    name: str
    project: str
    client: str
    contract: str
    done_on: date | None
    amount: int
    currency: str
    bucket: Bucket
    cause: str = ""
    owner: str = ""
    age_days: int = 0
    invoice: str = ""
    hours: Decimal | None = None
    person: str = ""
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unvalued:
    """A record without a value: not mapped to a contract, without a rate, or not billable. Counted in hours."""

    key: SourceKey
    name: str
    project: str
    why: NotValued
    cause: str
    owner: str
    done_on: date | None
    age_days: int
    hours: Decimal | None = None
    contract: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEarned:
    """Work that is not earned yet: open milestones, unapproved time, work dated in the future."""

    key: SourceKey | None
    identity: str
    name: str
    project: str
    contract: str
    cause: str
    owner: str
    due_on: date | None = None
    hours: Decimal | None = None
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know or decide. `amount` is its money effect in minor units, None if it has none."""

    code: str
    identity: str
    text: str
    owner: str
    age_days: int = 0
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One row per currency, client and contract; minor units."""

    currency: str
    client: str
    contract: str
    earned: int
    billed: int = 0
    credited: int = 0
    withheld: int = 0
    capped: int = 0
    written_off: int = 0
    held: int = 0
    ready: int = 0
    in_flight: int = 0

    @property
    def difference(self) -> int:
        """earned less the buckets: 0, always."""
        return self.earned - (
            self.billed - self.credited + self.withheld + self.capped
            + self.written_off + self.held + self.ready + self.in_flight
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An account whose last poll is incomplete, missing or stale: its part of the statement is not known."""

    account: str
    kind: str
    reason: str
    last_complete: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDraft:
    """A draft that a gate stops as a whole (release threshold, approval, preview): its lines are in `held`."""

    draft: Draft
    cause: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A record that needs no second look until it, its contract's terms, or a decision about it changes.

    billed: its current version is billed to the cent · not_billable: it never earns anything."""

    key: SourceKey
    version: str
    state: Literal["billed", "not_billable"]
    identity: str
    contract: str
    client: str
    fingerprint: str
    currency: str
    amount: int
    withheld: int
    hours: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The rules' whole answer for one night."""

    items: tuple[Item, ...]
    not_valued: tuple[Unvalued, ...]
    not_earned: tuple[NotEarned, ...]
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    statement: tuple[StatementRow, ...]
    drafts: tuple[Draft, ...]
    """Ready to be pushed tonight, in order."""
    held_drafts: tuple[HeldDraft, ...]
    places: tuple[Place, ...]
    """Places that are new tonight."""
    left: tuple[str, ...]
    """Identities that are neither earned nor billed any more and lose their place."""
    resting: tuple[Rest, ...]
    postings: tuple[NewPosting, ...] = ()
    """To be posted without a document of ours: opening balances, work mapped to invoices made by hand."""

    @property
    def verdict(self) -> Verdict:
        """unknown beats findings beats balanced: fine is only said when it is known."""
        if self.unknown:
            return "unknown"
        waits = any(item.bucket in ("held", "in_flight") for item in self.items)
        return "findings" if self.findings or waits else "balanced"
