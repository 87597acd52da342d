"""Drafts, the documents that are pushed, and what the books answer.

A Draft is what the rules propose tonight; an Invoice is the frozen document of an intent: its canonical bytes are
stored before the request, so a retry next week sends the same document. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from billsync.model.contract import LineKind
from billsync.model.work import SourceKey

DocumentKind = Literal["invoice", "credit_memo"]
BookStatus = Literal["draft", "open", "sent", "part_paid", "paid", "voided", "deleted", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The version of a source record that stands behind a line."""

    key: SourceKey
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one identity contributes to a line: signed minor units, net of tax, and why (ordered steps)."""

    identity: str
    contract: str
    amount: int
    quantity: Decimal | None = None
    evidence: tuple[Evidence, ...] = ()
    because: tuple[str, ...] = ()
    fingerprint: str = ""
    """The contract's fingerprint under which the amount was worked out."""
    decision: int | None = None
    """The decision that asked for it: a credit, billing once more what was credited, a manual amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a document. `amount` is the sum of its parts; `quantity` x `unit_price` (major units) where it is
    time of one rate.

    holdback: negative, what is kept back of the identities in its parts · release: pays holdback out ·
    adjustment: a true-up, positive or negative, of billed work · credit: gives billed work back
    """

    kind: LineKind | Literal["holdback", "release", "adjustment", "credit"]
    text: str
    amount: int
    parts: tuple[Part, ...]
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    done_on: date | None = None
    project: str | None = None
    person: str | None = None
    tax_code: str | None = None
    item: str | None = None
    purchase_order: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    done_since: date | None = None
    """The first day of work, where the line holds several days; `done_on` is the last."""
    late: bool = False
    """Work dated in a period that is already closed: billed tonight, with a mark."""

    def __post_init__(self) -> None:
        if self.amount != sum(part.amount for part in self.parts):
            raise ValueError(f"the parts of {self.text!r} do not sum to the line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What would be billed on one document. `key` names the group and period; `hash` is what an approval is of."""

    kind: DocumentKind
    key: str
    client: str
    contracts: tuple[str, ...]
    currency: str
    sink: str
    lines: tuple[Line, ...]
    purchase_order: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    terms_days: int | None = None
    push: Literal["preview", "draft", "approved", "sent"] = "draft"
    hash: str = ""
    reference: str = ""

    @property
    def total(self) -> int:
        """Net of holdback, before tax, minor units; negative on a credit memo."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The document of an intent, complete: any sink can send it without asking the rules again.

    The lines of a credit memo keep their signs (their sum is negative); a sink turns them as its books want. `stamp`
    is the packed ledger id and
    identities that make a lost ledger learnable (design.md 5, forget-proof).
    """

    kind: DocumentKind
    reference: str
    customer: str
    """The sink's own customer id."""
    client: str
    client_name: str
    currency: str
    issued_on: date
    due_on: date | None
    lines: tuple[Line, ...]
    stamp: str
    push: Literal["draft", "approved", "sent"] = "draft"
    purchase_order: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    address: tuple[str, ...] = ()
    email: str | None = None
    memo: str = ""

    @property
    def total(self) -> int:
        """Sum of the lines, before tax, minor units."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money received against a document, minor units of the document's currency."""

    id: str
    amount: int
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A document as the books hold it now: the answer of `create`, `find` and `read_back`.

    `total` and `tax` in minor units (total includes tax); `reference` is "" for a document that is not ours.
    """

    id: str
    number: str
    reference: str
    status: BookStatus
    currency: str
    total: int
    balance: int | None = None
    tax: int = 0
    kind: DocumentKind = "invoice"
    customer: str = ""
    issued_on: date | None = None
    updated_at: datetime | None = None
    revision: str = ""
    """The vendor's own version token (SyncToken, ETag): a change by hand shows here first."""
    line_amounts: tuple[int, ...] = ()
    stamp: str = ""
    payments: tuple[Payment, ...] = ()
    url: str | None = None
    remarks: tuple[str, ...] = ()
    """What the books said beside it: a field they ignored, a mail that was not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that hangs at a document of ours. `found`: it was there already, after an answer that was lost.

    `size` in bytes, `sha256` of the content in hex, `at` when the ledger took note of it (UTC)."""

    reference: str
    name: str
    media_type: str
    size: int
    sha256: str
    found: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A customer in the books."""

    id: str
    name: str
    currency: str | None = None
    email: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxCode:
    """A tax code in the books; `percent` is the sum of its rates, None where the books compute it."""

    id: str
    name: str
    percent: Decimal | None = None
    active: bool = True
