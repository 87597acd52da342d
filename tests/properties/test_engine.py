"""What must hold for any firm on any nights: nothing is billed twice, nothing is lost, and the buckets sum to 0.00.

Hypothesis plays a firm: work is done, edited, re-opened, moved, deleted; people hold, exclude, credit and bill once
more; documents are sent, refused, lost on the way, voided and let go. After each night everything is counted anew.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billsync.model.book import Facts, Posting
from billsync.model.contract import (
    Cap,
    Client,
    Contract,
    Holdback,
    HoldbackRelease,
    Included,
    MilestoneMatch,
    Payer,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from billsync.model.statement import Evaluation
from billsync.rules.engine import evaluate
from tests.unit.rules.night import APPROVED, SUBMITTED, Firm, day, hours, milestone

RATE = 10000
LINE = 1000000
CLIENTS = [Client(id="acme", name="Acme Inc"), Client(id="city", name="City")]


def terms(
    *,
    id: str = "C",
    project: str = "P-1",
    after: str = "review",
    cap: int | None = None,
    payers: bool = False,
    holdback: bool = False,
    release: bool = False,
    included: bool = False,
) -> Contract:
    releases = (HoldbackRelease(id="R", trigger=Trigger(kind="dated", on=day("2026-05-20"))),) if release else ()
    return Contract(
        id=id,
        client="acme",
        currency="USD",
        projects=(ProjectRef(account="work", id=project),),
        lines=(
            ScheduleLine(
                id="m",
                name="Design",
                amount=LINE,
                trigger=Trigger(kind="milestone", match=MilestoneMatch(name="Design")),
            ),
        ),
        time=TimeTerms(
            rates=RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),)),
            included=Included(hours=Decimal(3)) if included else None,
        ),
        caps=(Cap(id="cap", amount=cap),) if cap is not None else (),
        payers=(Payer(client="acme", share=Decimal(2)), Payer(client="city", share=Decimal(1))) if payers else (),
        holdback=Holdback(percent=Decimal(10), kinds=frozenset({"milestone", "time"}), releases=releases)
        if holdback
        else None,
        after_billing=after,  # type: ignore[arg-type]
    )


contracts = st.builds(
    terms,
    after=st.sampled_from(["review", "true_up"]),
    cap=st.sampled_from([None, 50000, 70001]),
    payers=st.booleans(),
    holdback=st.booleans(),
    release=st.booleans(),
    included=st.booleans(),
)

entry_ids = st.sampled_from(["1", "2", "3"])
amounts = st.sampled_from(["1.00", "2.50", "3.33", "0.00"])
steps = st.one_of(
    st.tuples(st.just("work"), entry_ids, amounts),
    st.tuples(st.just("reopen"), entry_ids, amounts),
    st.tuples(st.just("vanish"), entry_ids),
    st.tuples(st.just("move"), entry_ids, amounts),
    st.tuples(st.just("unbillable"), entry_ids, amounts),
    st.tuples(st.just("done")),
    st.tuples(st.just("undone")),
    st.tuples(st.sampled_from(["hold", "release", "exclude"]), entry_ids),
    st.tuples(st.just("credit"), entry_ids, st.sampled_from([None, 1, 7777])),
    st.tuples(st.just("rebill"), entry_ids, st.sampled_from([None, 1, 5000])),
    st.tuples(st.just("credit_document"), st.integers(0, 5), st.sampled_from([None, 1, 9999])),
    st.tuples(st.just("void"), st.integers(0, 5)),
    st.tuples(st.just("lost"), st.integers(0, 1)),
    st.tuples(st.just("night")),
    st.tuples(st.just("night")),
)


class Play:
    """A firm in play, and what was delivered of each identity at most."""

    def __init__(self, contract: Contract) -> None:
        other = terms(id="D", project="P-2", after=contract.after_billing)
        self.firm = Firm(contracts=[contract, other], clients=CLIENTS, today=day("2026-05-10"))
        self.delivered: dict[str, int] = defaultdict(int)

    def step(self, what: str, *args: Any) -> None:
        getattr(self, f"_{what}")(*args)

    def _work(self, id: str, amount: str) -> None:
        self.firm.see(hours(id, amount, f"2026-03-0{id}", approval=APPROVED))
        self._deliver(id, amount)

    def _move(self, id: str, amount: str) -> None:
        """To the other contract's project, where an hour costs the same."""
        self.firm.see(hours(id, amount, f"2026-03-0{id}", project="P-2"))
        self._deliver(id, amount)

    def _deliver(self, id: str, amount: str) -> None:
        worth = int(Decimal(amount) * RATE)
        self.delivered[f"time/work/{id}"] = max(self.delivered[f"time/work/{id}"], worth)

    def _reopen(self, id: str, amount: str) -> None:
        self.firm.see(hours(id, amount, f"2026-03-0{id}", approval=SUBMITTED))

    def _unbillable(self, id: str, amount: str) -> None:
        self.firm.see(hours(id, amount, f"2026-03-0{id}", billable=False))

    def _vanish(self, id: str) -> None:
        if any(key.id == id and key.kind == "time" for key in self.firm.records):
            self.firm.vanish(id)

    def _done(self) -> None:
        self.firm.see(milestone("m", "Design", "2026-04-01"))
        self.delivered["C/line/m"] = LINE

    def _undone(self) -> None:
        self.firm.see(milestone("m", "Design"))

    def _hold(self, id: str) -> None:
        self.firm.decide("hold", f"time/work/{id}")

    def _release(self, id: str) -> None:
        self.firm.decide("release", f"time/work/{id}")

    def _exclude(self, id: str) -> None:
        self.firm.decide("exclude", f"time/work/{id}")

    def _credit(self, id: str, amount: int | None) -> None:
        self.firm.decide("credit", f"time/work/{id}", amount=amount)

    def _rebill(self, id: str, amount: int | None) -> None:
        self.firm.decide("rebill", f"time/work/{id}", amount=amount)

    def _void(self, number: int) -> None:
        """Void one of our documents and let it go, where nothing stands on it."""
        name = self._document(number)
        if name and self._free(name):
            self.firm.let_go(name)

    def _credit_document(self, number: int, amount: int | None) -> None:
        name = self._document(number)
        if name:
            self.firm.decide("credit", name, amount=amount)

    def _document(self, number: int) -> str:
        """One of our documents; "" where there is none."""
        names = sorted({posting.fact.invoice for posting in self.firm.postings if posting.fact.invoice})
        return names[number % len(names)] if names else ""

    def _free(self, name: str) -> bool:
        """No later credit or release stands on the document, and it was not let go."""
        mine = [one for one in self.firm.postings if one.fact.invoice == name]
        if any(one.reverses for one in mine) or self._moved_on(mine):
            return False
        gone = {one.reverses for one in self.firm.postings}
        last = {one.fact.identity: one.id for one in mine if one.fact.kind in ("billed", "withheld")}
        return not any(
            one.id > last.get(one.fact.identity, 10**9)
            and one.fact.invoice != name
            and one.fact.kind in ("credited", "released", "withheld")
            and one.reverses is None
            and one.id not in gone
            for one in self.firm.postings
        )

    def _moved_on(self, mine: list[Posting]) -> bool:
        """The document credits work that was billed under another contract since: voiding it is a person's double."""
        return any(
            one.fact.kind == "credited" and net(self.firm, {"C": "D", "D": "C"}[one.fact.contract])[one.fact.identity]
            for one in mine
        )

    def _lost(self, number: int) -> None:
        """A document is on its way; it is lost (0: it never arrived) or it did arrive (1)."""
        drafts = self.firm.look().drafts
        if not drafts:
            return
        self.firm.intend(drafts[0], "unknown")
        assert_sound(self)
        again = self.firm.look().drafts
        mine = {part.identity for line in drafts[0].lines for part in line.parts}
        theirs = {
            part.identity
            for draft in again
            if draft.client == drafts[0].client
            for line in draft.lines
            for part in line.parts
        }
        assert not mine & theirs, f"{mine & theirs} is on its way and was proposed again"
        if number:
            self.firm.confirm(drafts[0])
        else:
            self.firm.intents.clear()

    def _night(self) -> None:
        """A credit gives room under a cap back, which others take a night later; then all is quiet."""
        for _ in range(3):
            self.firm.today += timedelta(days=1)
            after = self.firm.night()
        assert after.drafts == (), f"billed twice and proposed again: {after.drafts}"


def net(firm: Firm, contract: str = "") -> dict[str, int]:
    """Billed less credited by identity, under one contract or all."""
    total: dict[str, int] = defaultdict(int)
    for posting in firm.postings:
        if contract and posting.fact.contract != contract:
            continue
        sign = {"billed": 1, "opening": 1, "credited": -1}.get(posting.fact.kind, 0)
        total[posting.fact.identity] += sign * posting.fact.amount
    return total


def assert_sound(play: Play) -> Evaluation:
    """What holds whatever happened: the statement balances (evaluate raises else), no cent is billed above what was
    delivered, holdback is whole."""
    evaluation = play.firm.look()
    assert_lines_sum(evaluation)
    for identity, amount in net(play.firm).items():
        assert amount <= play.delivered[identity], (
            f"{identity}: billed {amount} of {play.delivered[identity]} delivered"
        )
        assert amount >= 0, f"{identity}: credited more than was billed"
    for contract in play.firm.contracts:
        assert_limits(play.firm, contract)
    return evaluation


def assert_lines_sum(evaluation: Evaluation) -> None:
    """Parts sum to lines, lines to totals, and what is ready to bill is on a draft to the cent."""
    drafted = 0
    for draft in evaluation.drafts:
        for line in draft.lines:
            assert line.amount == sum(part.amount for part in line.parts), f"a line of {draft.key} is not its parts"
            drafted += line.amount if line.kind in ("milestone", "time", "adjustment") else 0
        assert draft.total == sum(line.amount for line in draft.lines), f"{draft.key} is not the sum of its lines"
    held = sum(one.draft.total for one in evaluation.held_drafts)
    ready = sum(item.amount for item in evaluation.items if item.bucket == "ready")
    assert (drafted, held) == (ready, 0), f"{ready} is ready, and {drafted} is on drafts"


def assert_limits(firm: Firm, contract: Contract) -> None:
    """Caps hold over what is billed; holdback is what was withheld less what was released, and never above the work."""
    totals = net(firm, contract.id)
    timed = sum(amount for identity, amount in totals.items() if identity.startswith("time/"))
    for cap in contract.caps:
        assert cap.amount is None or timed <= cap.amount, f"billed {timed} under a cap of {cap.amount}"
    kept: dict[str, int] = defaultdict(int)
    for posting in firm.postings:
        if posting.fact.contract == contract.id:
            sign = {"withheld": 1, "released": -1}.get(posting.fact.kind, 0)
            kept[posting.fact.identity] += sign * posting.fact.amount
    for identity, amount in kept.items():
        assert 0 <= amount <= totals[identity], f"{identity}: {amount} withheld of {totals[identity]}"
    row = next((row for row in firm.look().statement if row.contract == contract.id), None)
    if row is not None and not contract.payers:
        assert row.withheld == sum(kept.values()), "the statement withholds another amount than the postings"


def shuffled(facts: Facts, seed: int) -> Facts:
    """The same facts in another order."""
    mix = random.Random(seed)

    def any_order(values: Any) -> Any:
        listed = list(values.items() if isinstance(values, dict) else values)
        mix.shuffle(listed)
        return dict(listed) if isinstance(values, dict) else tuple(listed)

    return replace(
        facts,
        records=any_order(facts.records),
        postings=any_order(facts.postings),
        intents=any_order(facts.intents),
        decisions=any_order(facts.decisions),
        places=any_order(dict(facts.places)),
        contracts=any_order(dict(facts.contracts)),
    )


PROFILE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PROFILE
@given(contract=contracts, played=st.lists(steps, max_size=12))
@example(  # a person credits what a true-up takes back the same night
    contract=terms(after="true_up"),
    played=[("work", "1", "1.00"), ("lost", 1), ("work", "1", "0.00"), ("credit", "1", None)],
)
@example(  # what a credit gives back of a cap, others take; billed once more it must not go above
    contract=terms(cap=50000),
    played=[("work", "3", "3.33"), ("night",), ("work", "1", "2.50"), ("credit", "3", None), ("night",),
            ("rebill", "3", None), ("night",)],
)  # fmt: skip
@example(  # what a credit on its way leaves of moved work waits until it is known
    contract=terms(after="true_up"),
    played=[("move", "1", "1.00"), ("lost", 1), ("work", "1", "1.00"), ("credit", "1", 1), ("lost", 0)],
)
@example(  # an exclusion taken back does not push out what was billed in its room
    contract=terms(cap=50000),
    played=[("work", "1", "3.33"), ("work", "2", "3.33"), ("exclude", "1"), ("night",), ("release", "1"), ("night",)],
)
def test_no_sequence_bills_more_than_was_delivered(contract: Contract, played: list[Any]) -> None:
    play = Play(contract)
    for what, *args in played:
        play.step(what, *args)
        assert_sound(play)
    play.step("night")
    assert_sound(play)


@PROFILE
@given(contract=contracts, played=st.lists(steps, max_size=8), seed=st.integers(0, 99))
def test_any_order_of_facts_gives_the_same_evaluation(contract: Contract, played: list[Any], seed: int) -> None:
    play = Play(contract)
    for what, *args in played:
        play.step(what, *args)
    facts = play.firm.facts()
    assert evaluate(shuffled(facts, seed)) == evaluate(facts)


# Any order of arrival

arrivals = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["0.25", "1.00", "2.50", "3.33"]), st.integers(1, 9)),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row[0],
)


def arrive(firm: Firm, row: tuple[str, str, int]) -> None:
    id, amount, on = row
    firm.see(hours(id, amount, f"2026-03-0{on}"))


@PROFILE
@given(contract=contracts, rows=arrivals, mix=st.randoms(use_true_random=False))
def test_any_order_of_arrival_in_a_night_gives_the_same_statement(contract: Contract, rows: Any, mix: Any) -> None:
    """Within a night places go by date worked and id: whatever the source told first, the same cents are billed."""
    told = []
    for _ in range(2):
        firm = Firm(contracts=[contract], clients=CLIENTS, today=day("2026-05-10"))
        for row in rows:
            arrive(firm, row)
        drafts = [(draft.key, draft.reference, draft.lines) for draft in firm.look().drafts]
        after = firm.night()
        told.append((drafts, after.statement, after.items, sorted(firm.places)))
        mix.shuffle(rows)
    assert told[0] == told[1]


@PROFILE
@given(limit=st.integers(0, 120000), rows=arrivals, nights=st.lists(st.booleans(), min_size=6, max_size=6))
def test_caps_hold_on_the_books_under_any_order_of_arrival(limit: int, rows: Any, nights: list[bool]) -> None:
    """However work comes in, over however many nights: billed is the smaller of the cap and the work, never more."""
    firm = Firm(contracts=[terms(cap=limit)], clients=CLIENTS, today=day("2026-05-10"))
    for row, night in zip(rows, nights, strict=False):
        arrive(firm, row)
        if night:
            firm.night()
            assert sum(net(firm).values()) <= limit, "billed above the cap"
        firm.today += timedelta(days=1)
    firm.night()
    work = sum(int(Decimal(amount) * RATE) for _, amount, _ in rows)
    [row] = firm.look().statement
    assert (row.billed, row.capped) == (min(limit, work), max(0, work - limit))


# Retainage

released = st.sampled_from([None, ("half", "50"), ("most", "90"), ("all", "100")])
work_steps = st.one_of(
    st.tuples(st.just("work"), entry_ids, amounts),
    st.tuples(st.just("credit"), entry_ids, st.sampled_from([None, 1, 7777])),
    st.tuples(st.just("done")),
    st.tuples(st.just("night")),
)


@PROFILE
@given(
    played=st.lists(work_steps, max_size=8),
    first=released,
    percent=st.sampled_from(["10", "7.5", "33.33"]),
    wait=st.integers(0, 5),
)
def test_what_was_withheld_is_released_or_outstanding(played: list[Any], first: Any, percent: str, wait: int) -> None:
    """Withheld in all = released + outstanding, each night, whatever is billed, credited and released; and after a
    release of the whole nothing is outstanding."""
    base = terms(holdback=True, after="true_up")
    assert base.holdback is not None
    dated = Trigger(kind="dated", on=day("2026-05-10") + timedelta(days=wait))
    releases = (HoldbackRelease(id=first[0], trigger=dated, percent=Decimal(first[1])),) if first else ()
    kept = replace(base.holdback, percent=Decimal(percent), releases=releases)
    play = Play(replace(base, holdback=kept))
    for what, *args in [*played, ("night",), ("night",), ("night",)]:
        play.step(what, *args)
        total: dict[str, int] = defaultdict(int)
        for posting in play.firm.postings:
            total[posting.fact.kind] += posting.fact.amount
        outstanding = sum(row.withheld for row in play.firm.look().statement)
        assert total["withheld"] == total["released"] + outstanding
        assert 0 <= outstanding
    if first and first[1] == "100":
        assert outstanding == 0, "the whole was released, and something is still withheld"
