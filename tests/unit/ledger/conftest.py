"""A ledger with a clock of its own, and the small pieces that tests put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from billsync.ledger import Ledger, stamp
from billsync.model.book import AccountTerms, NewPosting, Place, Terms
from billsync.model.contract import Client, Contract, ProjectRef
from billsync.model.invoice import Draft, Evidence, Invoice, Line, Part, Receipt
from billsync.model.statement import Evaluation, Rest
from billsync.model.work import (
    Approval,
    Milestone,
    PollReceipt,
    Record,
    SourceKey,
    TimeEntry,
    Window,
    digest,
    version_of,
)

NIGHT = date(2026, 3, 2)
WINDOW = Window(since=date(2026, 1, 1), until=date(2026, 12, 31))


@dataclass
class Clock:
    """A clock that goes one second at every look."""

    at: datetime = datetime(2026, 3, 2, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@dataclass
class World:
    """A ledger file that can be closed and opened again, and its clock."""

    path: Path
    clock: Clock = field(default_factory=Clock)
    ids: Iterator[int] = field(default_factory=count)

    def open(self, *, read_only: bool = False) -> Ledger:
        return Ledger.open(self.path, now=self.clock, new_id=self.new_id, read_only=read_only)

    def new_id(self) -> str:
        return f"ledger-{next(self.ids)}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "billsync.db")


@pytest.fixture
def ledger(world: World) -> Iterator[Ledger]:
    with world.open() as opened:
        yield opened


def entry(number: str, *, hours: str = "2", on: date = date(2026, 2, 1), **more: Any) -> TimeEntry:
    given: dict[str, Any] = {
        "project": "P-1",
        "person": "ana",
        "billable": True,
        "approval": Approval(state="approved"),
    } | more
    return TimeEntry(id=number, worked_on=on, hours=Decimal(hours), **given)


def milestone(number: str, **more: Any) -> Milestone:
    given: dict[str, Any] = {
        "project": "P-1",
        "name": f"Phase {number}",
        "status": "done",
        "completed_on": date(2026, 2, 1),
    } | more
    return Milestone(id=number, **given)


def poll(
    clock: Callable[[], datetime], kind: str = "time", *, account: str = "work", complete: bool = True,
    full: bool = True, window: Window = WINDOW,
) -> PollReceipt:  # fmt: skip
    return PollReceipt(
        account=account, kind=kind, window=window, started=clock(), finished=clock(), pages=1, records=0,  # type: ignore[arg-type]
        complete=complete, full=full, reason="" if complete else "page 2 of 3: 503",
    )  # fmt: skip


def observe(ledger: Ledger, clock: Clock, *records: Record, kind: str = "time", **more: Any) -> Any:
    return ledger.observe(poll(clock, kind, **more), records, night=NIGHT)


CONTRACT = Contract(id="C-1", client="acme", currency="USD", projects=(ProjectRef(account="work", id="P-1"),))


def terms(*contracts: Contract, accounts: tuple[str, ...] = ("work",)) -> Terms:
    kinds = frozenset({"project", "milestone", "time", "expense"})
    return Terms(
        zone="America/New_York",
        contracts={contract.id: contract for contract in contracts or (CONTRACT,)},
        clients={"acme": Client(id="acme", name="Acme")},
        sources={name: AccountTerms(kinds=kinds) for name in accounts},
        sinks={"books": "draft"},
    )


def facts(ledger: Ledger, clock: Clock, given: Terms | None = None, **more: Any) -> Any:
    return ledger.facts(given or terms(), now=clock.at, today=NIGHT, **more)


def evaluation(**more: Any) -> Evaluation:
    nothing: dict[str, Any] = dict.fromkeys(
        ("items", "not_valued", "not_earned", "unknown", "findings", "statement", "drafts", "held_drafts", "places",
         "left", "resting", "postings"), (),
    )  # fmt: skip
    return Evaluation(**(nothing | more))


def place(identity: str, rank: int = 0) -> Place:
    return Place(identity=identity, contract="C-1", night=NIGHT, rank=rank)


def rest_of(one: TimeEntry, *, amount: int = 20000, state: str = "billed", contract: Contract = CONTRACT) -> Rest:
    return Rest(
        key=SourceKey(account="work", kind="time", id=one.id),
        version=version_of(one),
        state=state,  # type: ignore[arg-type]
        identity=f"time/work/{one.id}",
        contract=contract.id,
        client="acme",
        fingerprint=contract.fingerprint(),
        currency="USD",
        amount=amount,
        withheld=0,
        hours=one.hours,
    )


def part(identity: str, amount: int, **more: Any) -> Part:
    return Part(identity=identity, contract="C-1", amount=amount, **more)


def time_part(one: TimeEntry, amount: int) -> Part:
    key = SourceKey(account="work", kind="time", id=one.id)
    return part(
        f"time/work/{one.id}", amount, quantity=one.hours, evidence=(Evidence(key=key, version=version_of(one)),),
        because=(f"{one.hours} h at 100.00",), fingerprint=CONTRACT.fingerprint(),
    )  # fmt: skip


def line(kind: str, *parts: Part) -> Line:
    return Line(kind=kind, text=f"{kind} work", amount=sum(one.amount for one in parts), parts=parts)  # type: ignore[arg-type]


def invoice(reference: str, *lines: Line, ledger_id: str = "", **more: Any) -> Invoice:
    total = sum(one.amount for one in lines)
    given: dict[str, Any] = {
        "kind": "invoice" if total >= 0 else "credit_memo", "customer": "21", "client": "acme", "client_name": "Acme",
        "currency": "USD", "issued_on": NIGHT, "due_on": None, "stamp": "",
    } | more  # fmt: skip
    made = Invoice(reference=reference, lines=lines, **given)
    return Invoice(reference=reference, lines=lines, **(given | {"stamp": stamp.pack(ledger_id or "ledger-0", made)}))


def draft_of(document: Invoice) -> Draft:
    return Draft(
        kind=document.kind, key="C-1/2026-03", client="acme", contracts=("C-1",), currency="USD", sink="books",
        lines=document.lines, hash=digest(document.lines), reference=document.reference,
    )  # fmt: skip


def receipt_of(document: Invoice, number: str = "", **more: Any) -> Receipt:
    given: dict[str, Any] = {
        "id": f"id-{document.reference}", "number": number or f"N-{document.reference}", "status": "open",
        "currency": document.currency, "total": document.total, "balance": document.total, "customer": "21",
        "revision": "0", "stamp": document.stamp, "issued_on": document.issued_on, "kind": document.kind,
        "line_amounts": tuple(one.amount for one in document.lines),
    } | more  # fmt: skip
    return Receipt(reference=document.reference, **given)


def bill(ledger: Ledger, clock: Clock, document: Invoice, **more: Any) -> Receipt:
    """Plan, send and confirm."""
    ledger.plan(draft_of(document), document, input_hash=digest(document.lines), now=clock())
    ledger.sending(document.reference, clock())
    receipt = receipt_of(document, **more)
    ledger.confirm(document.reference, receipt, expected_total=receipt.total, now=clock(), night=NIGHT)
    return receipt


def opening(identity: str, amount: int = 100) -> NewPosting:
    return NewPosting(identity=identity, contract="C-1", client="acme", currency="USD", kind="opening", amount=amount)


def assert_sound(ledger: Ledger) -> None:
    found = ledger.verify()
    assert found.ok, f"the ledger is not what its journal says: {found.problems[:5]}"
