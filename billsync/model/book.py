"""What the ledger knows, in the form the rules read: postings, intents, decisions, places, and all of them as Facts.

Amounts are minor units of the posting's currency; instants are UTC; `night` is the firm's date of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from billsync.model.contract import Client, Contract
from billsync.model.invoice import Draft, Evidence, Invoice, Receipt
from billsync.model.work import Observation, PollReceipt, SourceKey

PostingKind = Literal["billed", "withheld", "released", "credited", "written_off", "opening"]
IntentState = Literal["planned", "sending", "confirmed", "refused", "unknown", "abandoned"]
DecisionKind = Literal["approve", "hold", "release", "exclude", "map", "credit", "rebill", "let_go", "bill", "correct"]
LEARNT: Final = "learnt again from the books"
"""Target of a credit or rebill that a lost ledger had, as far as documents tell: it stands for what is on them, and
asks for nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPosting:
    """A fact about one identity, before the ledger gives it a number and a time. A correction is another posting with
    the opposite sign.

    billed: gross amount on a document · withheld: holdback kept back from it · released: holdback paid out ·
    credited: net amount given back · written_off: given up by a person's word · opening: billed before billsync
    """

    identity: str
    contract: str
    client: str
    """Who pays: the contract's client, or one of its payers."""
    currency: str
    kind: PostingKind
    amount: int
    invoice: str = ""
    """The reference of the document, or its number where a person mapped it by hand."""
    quantity: Decimal | None = None
    evidence: tuple[Evidence, ...] = ()
    fingerprint: str = ""
    """The contract's fingerprint under which the amount was worked out."""
    because: tuple[str, ...] = ()
    decision: int | None = None
    """The decision that asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A posting in the ledger: immutable. `night` is the firm's date of the run that wrote it."""

    id: int
    at: datetime
    night: date
    fact: NewPosting
    reverses: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One document on its way: the outbox row. `attempts` counts requests that may have reached the vendor."""

    reference: str
    sink: str
    key: str
    state: IntentState
    input_hash: str
    draft: Draft
    invoice: Invoice
    planned_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    attempts: int = 0
    reason: str = ""
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided: about an identity, a draft's hash or an invoice; why; until when (inclusive)."""

    id: int
    kind: DecisionKind
    subject: str
    """An identity; for `approve` a draft's hash; for `let_go` and `credit` an invoice reference or identity."""
    person: str
    reason: str
    at: datetime
    until: date | None = None
    amount: int | None = None
    target: str = ""
    """`map`: an invoice number, or a contract id; `correct`: the identity being corrected; LEARNT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The night an identity was first earned, and its rank that night: its place in every queue for room.

    Kept while it is earned or billed, even when it is worth 0 (billing.md 8, "Order")."""

    identity: str
    contract: str
    night: date
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDocument:
    """One of our documents as last read back from its sink."""

    sink: str
    receipt: Receipt
    read_at: datetime
    expected_total: int
    """What the sink's rounding model predicted (with tax); minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Totals of work at rest in one contract: billed, equal to its current version, untouched since."""

    contract: str
    client: str
    currency: str
    items: int
    amount: int
    withheld: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Records at rest that are not billable: count and hours by account and kind."""

    account: str
    kind: str
    records: int
    hours: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How current one account's records of one kind are. `last_complete` None: never read completely."""

    account: str
    kind: str
    last_complete: datetime | None
    last: PollReceipt | None
    stale_after_hours: int = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """One unit of `currency` is `rate` units of `into` on `on`; `source` says who published it."""

    currency: str
    into: str
    on: date
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a night's evaluation may look at. Same facts, same cents."""

    now: datetime
    today: date
    """The firm's date."""
    contracts: Mapping[str, Contract]
    clients: Mapping[str, Client]
    records: tuple[Observation, ...]
    """The newest version of every record that is not at rest, vanished ones included."""
    history: Mapping[SourceKey, tuple[Observation, ...]]
    """Earlier versions, oldest first, of records that have postings or a place."""
    postings: tuple[Posting, ...]
    """Of every identity that is not at rest, and of all schedule lines."""
    intents: tuple[Intent, ...]
    """planned, sending, unknown and refused ones."""
    decisions: tuple[Decision, ...]
    places: Mapping[str, Place]
    documents: tuple[BookDocument, ...] = ()
    """Read-backs of documents that differ from what was pushed, and those that postings here name."""
    settled: tuple[Settled, ...] = ()
    idle: tuple[Idle, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    exchange_rates: tuple[ExchangeRate, ...] = ()
    samples: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    """(client, line kind) -> amounts billed before, oldest first: what an outlier is measured against."""
    lookalikes: Mapping[SourceKey, tuple[SourceKey, ...]] = field(default_factory=dict)
    """Records on other accounts with the same person, date and hours (or date and amount) as one in `records`."""
    persons: Mapping[str, str] = field(default_factory=dict)
    """"account:person" -> the firm's own id of the person."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Cause or finding code -> whose move it is; the rules' default where a code is missing."""
    sinks: Mapping[str, str] = field(default_factory=dict)
    """Sink account -> its push mode; the first is the firm's default sink."""
    last_billed: Mapping[str, date] = field(default_factory=dict)
    """Contract -> the last night on which something of it was billed, work at rest included."""
    last_worked: Mapping[str, date] = field(default_factory=dict)
    """"account:person" -> the last date of work within six weeks, work at rest included."""
    former: Mapping[str, Contract] = field(default_factory=dict)
    """Fingerprint -> terms that are not in force any more, under which something in `postings` was billed."""
    contracts_from: str = ""
    """The account whose contracts the firm takes as they are; "": none."""
    needs_customer: frozenset[str] = frozenset()
    """Sinks that bill only customers of their own: a client needs its id there."""
    only_project: tuple[str, str] | None = None
    """Account and id: everything ready on this project goes at once, and nothing else; None: what is due goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTerms:
    """What the rules and reports must know of an account: which kinds it is asked for, when it counts as stale."""

    kinds: frozenset[str]
    stale_after_hours: int = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractsFrom:
    """The firm takes every contract of an account whose client is mapped.

    `clients`: the client as that account calls it -> the contract as it would be written, without what is told"""

    account: str
    clients: Mapping[str, Contract]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the configuration says, resolved: the half of Facts that does not come from the ledger."""

    zone: str
    """The firm's zone: its nights, invoice dates and holds."""
    contracts: Mapping[str, Contract]
    clients: Mapping[str, Client]
    sources: Mapping[str, AccountTerms]
    sinks: Mapping[str, str]
    """Sink account -> push mode; the first is the firm's default."""
    persons: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    exchange_rates: tuple[ExchangeRate, ...] = ()
    written: Mapping[str, Contract] = field(default_factory=dict)
    """Contracts that take terms from a source, as the configuration has them; in `contracts` they are merged with what
    the ledger knows to be told (merging.merged)."""
    contracts_from: ContractsFrom | None = None
    needs_customer: frozenset[str] = frozenset()
    """Sinks that bill only customers of their own; known where their connectors are."""
