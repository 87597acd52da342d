"""Nights in memory: facts from a few words, and a ledger of lists that keeps what an evaluation leaves behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from billsync.model.book import (
    BookDocument,
    Decision,
    DecisionKind,
    Facts,
    Intent,
    IntentState,
    NewPosting,
    Place,
    Posting,
    PostingKind,
)
from billsync.model.contract import Client, Contract
from billsync.model.invoice import Draft, Invoice, Receipt
from billsync.model.statement import Evaluation, StatementRow
from billsync.model.work import (
    KIND_OF,
    Acceptance,
    Approval,
    Expense,
    Milestone,
    Observation,
    Project,
    Record,
    SourceKey,
    TimeEntry,
    version_of,
)
from billsync.rules.engine import evaluate

APPROVED = Approval(state="approved", by="boss")
SUBMITTED = Approval(state="submitted")


def day(text: str) -> date:
    return date.fromisoformat(text)


def milestone(id: str, name: str, on: str | None = None, **more: Any) -> Milestone:
    fields: dict[str, Any] = {"project": "P-1", "status": "done" if on else "open", **more}
    return Milestone(id=id, name=name, completed_on=day(on) if on else None, **fields)


def hours(id: str, amount: str, on: str = "2026-03-02", **more: Any) -> TimeEntry:
    fields: dict[str, Any] = {
        "project": "P-1", "person": "ana", "billable": True, "approval": APPROVED, **more,
    }  # fmt: skip
    return TimeEntry(id=id, worked_on=day(on), hours=Decimal(amount), **fields)


def spent(id: str, amount: str, on: str = "2026-03-02", **more: Any) -> Expense:
    fields: dict[str, Any] = {
        "project": "P-1", "currency": "USD", "billable": True, "approval": APPROVED, **more,
    }  # fmt: skip
    return Expense(id=id, spent_on=day(on), amount=Decimal(amount), **fields)


def project(id: str = "P-1", name: str = "City Hall", **more: Any) -> Project:
    return Project(id=id, name=name, **more)


def accepted(on: str) -> Acceptance:
    return Acceptance(accepted=True, by="client", on=day(on))


@dataclass(slots=True)
class Firm:
    """A firm with one account ("work") unless said otherwise, and its ledger as plain lists."""

    contracts: list[Contract]
    today: date = date(2026, 5, 10)
    clients: list[Client] = field(default_factory=lambda: [Client(id="acme", name="Acme Inc")])
    sinks: Mapping[str, str] = field(default_factory=lambda: {"books": "draft"})
    records: dict[SourceKey, Observation] = field(default_factory=dict)
    history: dict[SourceKey, tuple[Observation, ...]] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    documents: list[BookDocument] = field(default_factory=list)
    facts_more: dict[str, Any] = field(default_factory=dict)
    clock: int = 0

    def now(self) -> datetime:
        """A new instant each time, on the firm's day."""
        self.clock += 1
        return datetime(self.today.year, self.today.month, self.today.day, 2, tzinfo=UTC) + timedelta(
            seconds=self.clock
        )

    def see(self, *records: Record, account: str = "work") -> Firm:
        """The source says this now."""
        for record in records:
            key = SourceKey(account=account, kind=KIND_OF[type(record)], id=record.id)
            now, version = self.now(), version_of(record)
            known = self.records.get(key)
            if known and known.version == version:
                self.records[key] = replace(known, last_seen=now, vanished=None)
                continue
            if known:
                self.history[key] = (*self.history.get(key, ()), known)
            self.records[key] = Observation(key=key, version=version, record=record, first_seen=now, last_seen=now)
        return self

    def vanish(self, id: str, kind: str = "time", account: str = "work") -> None:
        key = next(key for key in self.records if (key.account, key.kind, key.id) == (account, kind, id))
        self.records[key] = replace(self.records[key], vanished=self.now())

    def decide(self, kind: DecisionKind, subject: str, **more: Any) -> Decision:
        fields: dict[str, Any] = {"person": "eve", "reason": "because", "at": self.now(), **more}
        made = Decision(id=len(self.decisions) + 1, kind=kind, subject=subject, **fields)
        self.decisions.append(made)
        return made

    def facts(self, **more: Any) -> Facts:
        given: dict[str, Any] = {
            "now": self.now(),
            "today": self.today,
            "contracts": {contract.id: contract for contract in self.contracts},
            "clients": {client.id: client for client in self.clients},
            "records": tuple(self.records.values()),
            "history": self.history,
            "postings": tuple(self.postings),
            "intents": tuple(self.intents),
            "decisions": tuple(self.decisions),
            "places": self.places,
            "documents": tuple(self.documents),
            "sinks": self.sinks,
            "last_billed": {
                posting.fact.contract: posting.night for posting in self.postings if posting.fact.kind == "billed"
            },
            **self.facts_more,
            **more,
        }
        return Facts(**given)

    def look(self, **more: Any) -> Evaluation:
        """What the rules say, without keeping anything."""
        return evaluate(self.facts(**more))

    def night(self, *, push: bool = True) -> Evaluation:
        """A night: evaluate, keep, push everything that goes, look again and keep that too."""
        evaluation = self.look()
        self.keep(evaluation)
        if push:
            for draft in evaluation.drafts:
                self.confirm(draft)
        after = self.look()
        self.keep(after)
        return after

    def nights(self, until: str) -> None:
        while self.today < day(until):
            self.today += timedelta(days=1)
            self.night()

    def confirm(self, draft: Draft) -> None:
        """The books hold it: its lines become postings, as the ledger writes them."""
        for line in draft.lines:
            for part in line.parts:
                if part.amount:
                    kind, amount = _posting(line.kind, part.amount)
                    fact = NewPosting(
                        identity=part.identity,
                        contract=part.contract,
                        client=draft.client,
                        currency=draft.currency,
                        kind=kind,
                        amount=amount,
                        invoice=draft.reference,
                        quantity=part.quantity,
                        evidence=part.evidence,
                        fingerprint=part.fingerprint,
                        because=part.because,
                        decision=part.decision,
                    )
                    self.post(fact)
        self.intents = [intent for intent in self.intents if intent.reference != draft.reference]

    def intend(self, draft: Draft, state: IntentState) -> None:
        """The outbox holds it in this state."""
        now = self.now()
        invoice = Invoice(
            kind=draft.kind, reference=draft.reference, customer="1", client=draft.client, client_name=draft.client,
            currency=draft.currency, issued_on=self.today, due_on=None, lines=draft.lines, stamp="",
        )  # fmt: skip
        self.intents.append(
            Intent(
                reference=draft.reference, sink=draft.sink, key=draft.key, state=state, input_hash=draft.hash,
                draft=draft, invoice=invoice, planned_at=now, settled_at=now if state == "refused" else None,
            )
        )  # fmt: skip

    def read_back(self, reference: str, status: str, total: int, expected: int) -> None:
        receipt = Receipt(
            id=reference, number="1001", reference=reference, status=status, currency="USD", total=total,  # type: ignore[arg-type]
        )  # fmt: skip
        self.documents = [one for one in self.documents if one.receipt.reference != reference]
        self.documents.append(BookDocument(sink="books", receipt=receipt, read_at=self.now(), expected_total=expected))

    def let_go(self, reference: str) -> None:
        """The ledger's part of letting a voided document go: its postings are reversed."""
        made = self.decide("let_go", reference)
        reversed_already = {posting.reverses for posting in self.postings}
        for posting in list(self.postings):
            if posting.fact.invoice == reference and posting.reverses is None and posting.id not in reversed_already:
                fact = replace(posting.fact, amount=-posting.fact.amount, decision=made.id)
                self.post(fact, reverses=posting.id)

    def post(self, fact: NewPosting, reverses: int | None = None) -> None:
        """The ledger posts it tonight."""
        posting = Posting(id=len(self.postings) + 1, at=self.now(), night=self.today, fact=fact, reverses=reverses)
        self.postings.append(posting)

    def keep(self, evaluation: Evaluation) -> None:
        for identity in evaluation.left:
            self.places.pop(identity, None)
        for place in evaluation.places:
            self.places.setdefault(place.identity, place)
        for fact in evaluation.postings:
            self.post(fact)


def _posting(line_kind: str, amount: int) -> tuple[PostingKind, int]:
    if line_kind == "holdback":
        return "withheld", -amount
    if line_kind == "release":
        return "released", amount
    if line_kind == "credit" or (line_kind == "adjustment" and amount < 0):
        return "credited", -amount
    return "billed", amount


def row(evaluation: Evaluation, contract: str = "C", client: str = "acme") -> StatementRow:
    """The statement of one contract; zeros where it has none."""
    for one in evaluation.statement:
        if (one.contract, one.client) == (contract, client):
            return one
    return StatementRow(currency="USD", client=client, contract=contract, earned=0)


def figures(one: StatementRow) -> dict[str, int]:
    """The figures that are not 0."""
    names = ("earned", "billed", "credited", "withheld", "capped", "written_off", "held", "ready", "in_flight")
    return {name: getattr(one, name) for name in names if getattr(one, name)}


def causes(evaluation: Evaluation, identity: str) -> list[tuple[str, str, int]]:
    """Bucket, cause and amount of an identity's items."""
    return [(item.bucket, item.cause, item.amount) for item in evaluation.items if item.identity == identity]


def codes(evaluation: Evaluation) -> list[str]:
    """Codes of the findings, sorted."""
    return sorted(finding.code for finding in evaluation.findings)


def lines(drafts: Iterable[Draft]) -> list[tuple[str, int]]:
    """Kind and amount of all lines of drafts."""
    return [(line.kind, line.amount) for draft in drafts for line in draft.lines]
