"""Any sequence of nights, answers, decisions and crashes: the ledger is what its journal says, and what a model says.

A crash is a connection that is gone before the commit; the next step opens the file again.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from billsync.ledger import Ledger
from billsync.model.errors import UsageError
from billsync.model.invoice import Receipt
from tests.unit.ledger.conftest import (
    NIGHT,
    World,
    draft_of,
    entry,
    evaluation,
    facts,
    invoice,
    line,
    observe,
    part,
    place,
    receipt_of,
    rest_of,
    terms,
)  # fmt: skip

NAMES = st.sampled_from("abcd")
HOURS = st.integers(1, 3)


class Life(RuleBasedStateMachine):
    """The model: hours by record, who is gone, net postings by identity and kind, state by reference."""

    references = Bundle("references")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="billsync-"))
        self.world = World(self.folder / "billsync.db")
        self.ledger = self.world.open()
        self.hours: dict[str, int] = {}
        self.gone: set[str] = set()
        self.net: dict[tuple[str, str], int] = {}
        self.states: dict[str, str] = {}
        self.places: set[str] = set()
        self.books: dict[str, Receipt] = {}
        self.let_go: set[str] = set()
        self.seen: list[tuple[Any, dict[str, Any]]] = []

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self.world.open()

    def crashed(self, work: Any) -> None:
        """Do it, and be gone before it is committed."""
        self.ledger._conn.execute("BEGIN IMMEDIATE")
        work(self.ledger)
        self.reopen()

    def do(self, crash: bool, work: Any) -> bool:
        """Twice where the first one dies; True so that the model follows."""
        if crash:
            self.crashed(work)
        work(self.ledger)
        return True

    @rule(
        records=st.lists(st.tuples(NAMES, HOURS), max_size=4),
        complete=st.booleans(),
        full=st.booleans(),
        crash=st.booleans(),
    )
    def poll(self, records: list[tuple[str, int]], complete: bool, full: bool, crash: bool) -> None:
        work = [entry(name, hours=str(hours)) for name, hours in records]
        self.do(crash, lambda ledger: observe(ledger, self.world.clock, *work, complete=complete, full=full))
        seen = {name for name, _ in records}
        self.hours |= dict(records)
        self.gone = (self.gone - seen) | (self.hours.keys() - seen if complete and full else set())

    @rule(
        target=references,
        name=NAMES,
        amount=st.integers(-3, 5).filter(bool),
        kind=st.sampled_from(["time", "adjustment"]),
    )
    def plan(self, name: str, amount: int, kind: str) -> str:
        amount = abs(amount) if kind == "time" else amount
        reference = f"BS-{len(self.states)}"
        document = invoice(reference, line(kind, part(f"time/work/{name}", amount)))
        self.ledger.plan(draft_of(document), document, input_hash="h", now=self.world.clock())
        self.states[reference] = "planned"
        return reference

    @rule(reference=references, to=st.sampled_from(["sending", "unknown", "refused", "abandoned"]), crash=st.booleans())
    def move(self, reference: str, to: str, crash: bool) -> None:
        allowed = {
            "sending": {"planned", "sending", "unknown"}, "unknown": {"sending", "unknown"},
            "refused": {"planned", "sending", "unknown"}, "abandoned": {"planned", "refused"},
        }  # fmt: skip
        if self.states[reference] not in allowed[to]:
            return

        def work(ledger: Ledger) -> None:
            now = self.world.clock()
            if to == "sending":
                ledger.sending(reference, now)
            else:
                {"unknown": ledger.unsure, "refused": ledger.refuse, "abandoned": ledger.abandon}[to](
                    reference, "why", now
                )

        self.do(crash, work)
        self.states[reference] = to

    @rule(reference=references, crash=st.booleans(), twice=st.booleans())
    def confirm(self, reference: str, crash: bool, twice: bool) -> None:
        planned = self.ledger.intent(reference)
        assert planned is not None
        document = planned.invoice
        receipt = self.books.get(reference, receipt_of(document))

        def work(ledger: Ledger) -> None:
            for _ in range(1 + twice):
                ledger.confirm(reference, receipt, expected_total=receipt.total, now=self.world.clock(), night=NIGHT)

        self.do(crash, work)
        if self.states[reference] != "confirmed":
            [[only]] = [one.parts for one in document.lines]
            kind = "billed" if only.amount > 0 else "credited"
            self.net[kind, only.identity] = self.net.get((kind, only.identity), 0) + abs(only.amount)
            self.states[reference] = "confirmed"
            self.books[reference] = receipt

    @rule(reference=references, status=st.sampled_from(["paid", "voided", "deleted"]), crash=st.booleans())
    def edit(self, reference: str, status: Any, crash: bool) -> None:
        if reference in self.books and self.books[reference].status not in ("voided", "deleted"):
            changed = replace(self.books[reference], status=status)
            self.do(crash, lambda ledger: ledger.read_back("books", [changed], read_at=self.world.clock()))
            self.books[reference] = changed

    @rule(reference=references, crash=st.booleans())
    def release(self, reference: str, crash: bool) -> None:
        before = self.sums()

        def work(ledger: Ledger) -> None:
            ledger.let_go(reference, person="ana", reason="void", now=self.world.clock(), night=NIGHT)

        try:
            self.do(crash, work)
        except UsageError:
            self.reopen()
            assert self.sums() == before, "a refused wish changed something"
            return
        assert self.books[reference].status in ("voided", "deleted") and reference not in self.let_go
        self.let_go.add(reference)
        for one in facts(self.ledger, self.world.clock, everything=True).postings:
            if one.fact.invoice == reference and one.reverses is not None:
                self.net[one.fact.kind, one.fact.identity] += one.fact.amount

    @rule(name=NAMES, kind=st.sampled_from(["hold", "release", "exclude"]), crash=st.booleans())
    def decide(self, name: str, kind: Any, crash: bool) -> None:
        self.do(
            crash,
            lambda ledger: ledger.decide(kind, f"time/work/{name}", person="ana", reason="why", at=self.world.clock()),
        )

    @rule(placed=st.sets(NAMES), left=st.sets(NAMES), crash=st.booleans())
    def keep(self, placed: set[str], left: set[str], crash: bool) -> None:
        """Places as the rules ask, and to rest whatever is there and was not asked to stay awake."""
        present = {
            one.key.id: one.record for one in facts(self.ledger, self.world.clock).records if one.vanished is None
        }
        rests = tuple(
            rest_of(record, amount=self.balance(name)) for name, record in present.items() if name not in placed
        )
        night = evaluation(
            places=tuple(place(f"time/work/{name}") for name in sorted(placed)),
            left=tuple(f"time/work/{name}" for name in sorted(left)),
            resting=rests,
        )
        self.do(crash, lambda ledger: ledger.keep(night, terms=terms(), now=self.world.clock(), night=NIGHT))
        self.places = (self.places - left) | placed

    def balance(self, name: str) -> int:
        identity = f"time/work/{name}"
        return self.net.get(("billed", identity), 0) - self.net.get(("credited", identity), 0)

    @rule()
    def look(self) -> None:
        """Note the present, to be compared when it is the past."""
        self.seen.append((self.world.clock.at, self.view()))
        self.world.clock()

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        instant, was = data.draw(st.sampled_from(self.seen))
        now = self.view(as_of=instant)
        assert now == was, (
            f"as of {instant} {[name for name in was if now[name] != was[name]]} are not what was seen then"
        )

    def view(self, **more: Any) -> dict[str, Any]:
        found = facts(self.ledger, self.world.clock, everything=True, **more)
        names = ("postings", "intents", "decisions", "places", "documents", "history")
        records = [replace(one, last_seen=one.first_seen) for one in found.records]
        return {name: getattr(found, name) for name in names} | {"records": records}

    def sums(self) -> dict[tuple[str, str], int]:
        sums: dict[tuple[str, str], int] = {}
        for one in facts(self.ledger, self.world.clock, everything=True).postings:
            key = one.fact.kind, one.fact.identity
            sums[key] = sums.get(key, 0) + one.fact.amount
        return sums

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        found = facts(self.ledger, self.world.clock, everything=True)
        shown = {one.key.id: (int(one.record.hours), one.vanished is not None) for one in found.records}
        assert shown == {name: (hours, name in self.gone) for name, hours in self.hours.items()}
        assert self.sums() == self.net
        assert {one.reference: one.state for one in self.ledger.intents()} == self.states
        assert {identity.rpartition("/")[2] for identity in found.places} == self.places

    @invariant()
    def the_journal_gives_the_same_ledger(self) -> None:
        found = self.ledger.verify()
        assert found.ok, f"projection and journal differ: {found.problems[:3]}"

    @invariant()
    def rest_and_waking_lose_nothing(self) -> None:
        """What a night sees one by one, and its totals, are together all there is."""
        night = facts(self.ledger, self.world.clock)
        resting = sum(one.items for one in night.settled)
        assert len(night.records) + resting == len(self.hours)
        identities = {one.fact.identity for one in night.postings}
        open_net = sum(self.balance(identity.rpartition("/")[2]) for identity in identities)
        assert open_net + sum(one.amount for one in night.settled) == sum(map(self.balance, "abcd"))


TestLife = Life.TestCase
TestLife.settings = hypothesis.settings(max_examples=40, stateful_step_count=25)
