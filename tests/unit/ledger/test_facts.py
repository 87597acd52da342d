"""What a night gets to see: everything that is awake, totals of the rest, and the past as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billsync.ledger import Ledger
from billsync.model.book import Facts, Idle, Settled
from billsync.model.contract import ProjectRef
from billsync.model.work import Approval, Expense, Project, Record, SourceKey
from tests.unit.ledger.conftest import (
    CONTRACT,
    NIGHT,
    Clock,
    World,
    assert_sound,
    bill,
    draft_of,
    entry,
    evaluation,
    facts,
    invoice,
    line,
    milestone,
    observe,
    opening,
    part,
    place,
    rest_of,
    terms,
    time_part,
)  # fmt: skip

WORK = [entry(str(number), hours=f"{number}.5") for number in range(4)]
OTHER = replace(CONTRACT, id="C-2", projects=(ProjectRef(account="work", id="P-2"),))


def key(number: str, account: str = "work", kind: Any = "time") -> SourceKey:
    return SourceKey(account=account, kind=kind, id=number)


def keep(ledger: Ledger, clock: Clock, given: Any = None, **more: Any) -> None:
    ledger.keep(evaluation(**more), terms=given or terms(), now=clock(), night=NIGHT)


def awake(ledger: Ledger, clock: Clock, *args: Any, **more: Any) -> list[str]:
    return [one.key.id for one in facts(ledger, clock, *args, **more).records]


@pytest.fixture
def resting(ledger: Ledger, world: World) -> Ledger:
    """Entries 0 to 3; 0, 1 and 2 are billed and at rest."""
    observe(ledger, world.clock, *WORK)
    bill(ledger, world.clock, invoice("BS-1", *(line("time", time_part(one, 20000)) for one in WORK[:3])))
    keep(ledger, world.clock, places=tuple(place(f"time/work/{number}", number) for number in range(4)))
    keep(ledger, world.clock, resting=tuple(map(rest_of, WORK[:3])))
    return ledger


def test_what_rests_comes_as_a_total(resting, world):
    found = facts(resting, world.clock)
    assert [one.key for one in found.records] == [key("3")]
    assert found.settled == (Settled(contract="C-1", client="acme", currency="USD", items=3, amount=60000, withheld=0),)
    assert found.postings == () and list(found.places) == ["time/work/3"]
    assert [(one.identity, one.bucket, one.amount, one.invoice) for one in resting.settled_items(terms())] == [
        (f"time/work/{number}", "billed", 20000, "BS-1") for number in range(3)
    ]
    assert_sound(resting)


def test_everything_can_be_looked_at_one_by_one(resting, world):
    found = facts(resting, world.clock, everything=True)
    assert len(found.records) == 4 and len(found.postings) == 3 and len(found.places) == 4 and found.settled == ()


def change_version(ledger, clock):
    observe(ledger, clock, replace(WORK[0], hours=Decimal(9)), *WORK[1:])


def vanish(ledger, clock):
    observe(ledger, clock, *WORK[1:])


def decide(ledger, clock):
    ledger.decide("hold", "time/work/0", person="ana", reason="why", at=clock())


def decide_on_the_document(ledger, clock):
    ledger.decide("credit", "BS-1", person="ana", reason="why", at=clock())


def post(ledger, clock):
    keep(ledger, clock, postings=(opening("time/work/0"),))


def credit(ledger, clock):
    bill(ledger, clock, invoice("BS-2", line("credit", part("time/work/0", -5))))


@pytest.mark.parametrize("happen", [change_version, vanish, decide, post, credit])
def test_whatever_happens_to_it_wakes_a_record(resting, world, happen):
    happen(resting, world.clock)
    found = facts(resting, world.clock)
    assert [one.key.id for one in found.records] == ["0", "3"]
    assert "time/work/0" in {one.fact.identity for one in found.postings}, "it woke without its postings"
    assert "time/work/0" in found.places, "it woke without its place"
    [settled] = found.settled
    assert (settled.items, settled.amount) == (2, 40000)
    assert_sound(resting)


def test_a_decision_on_a_document_wakes_all_that_stands_on_it(resting, world):
    decide_on_the_document(resting, world.clock)
    assert awake(resting, world.clock) == ["0", "1", "2", "3"]


def test_a_record_that_comes_back_wakes(ledger, world):
    idle = replace(rest_of(WORK[0], state="not_billable", amount=0), hours=WORK[0].hours)
    observe(ledger, world.clock, WORK[0])
    keep(ledger, world.clock, resting=(idle,))
    assert awake(ledger, world.clock) == []
    observe(ledger, world.clock)
    observe(ledger, world.clock, WORK[0])
    assert awake(ledger, world.clock) == ["0"]


def test_seeing_it_again_unchanged_lets_it_sleep(resting, world):
    observe(resting, world.clock, *WORK)
    assert awake(resting, world.clock) == ["3"]


def test_other_terms_wake_a_contract_and_the_old_ones_let_it_sleep(resting, world):
    changed = terms(replace(CONTRACT, after_billing="true_up"))
    found = facts(resting, world.clock, changed)
    assert [one.key.id for one in found.records] == ["0", "1", "2", "3"] and found.settled == ()
    assert len(found.postings) == 3 and len(found.places) == 4
    assert list(resting.settled_items(changed)) == []
    assert awake(resting, world.clock) == ["3"]


def test_a_contract_that_is_gone_wakes_its_work(resting, world):
    assert awake(resting, world.clock, terms(OTHER)) == ["0", "1", "2", "3"]


def test_work_of_no_contract_rests_under_no_terms(ledger, world):
    observe(ledger, world.clock, WORK[0])
    nobody = replace(rest_of(WORK[0], state="not_billable", amount=0), contract="", fingerprint="", client="")
    keep(ledger, world.clock, resting=(nobody,))
    found = facts(ledger, world.clock, terms(OTHER))
    assert found.records == () and found.idle == (Idle(account="work", kind="time", records=1, hours=Decimal("0.5")),)
    assert list(ledger.settled_items(terms())) == []


def test_only_the_version_that_was_looked_at_is_put_to_rest(ledger, world):
    observe(ledger, world.clock, WORK[0])
    keep(ledger, world.clock, resting=(rest_of(replace(WORK[0], hours=Decimal(7))),))
    assert awake(ledger, world.clock) == ["0"], "a version that nobody looked at went to sleep"


def test_hours_at_rest_sum_exactly(ledger, world):
    third = Decimal(1) / Decimal(3)
    work = [entry(str(number), hours=str(third)) for number in range(30)]
    observe(ledger, world.clock, *work)
    keep(ledger, world.clock, resting=tuple(rest_of(one, state="not_billable", amount=0) for one in work))
    [idle] = facts(ledger, world.clock).idle
    assert idle.hours == third * 30
    observe(ledger, world.clock, *work[:10])
    assert facts(ledger, world.clock).idle[0].hours == third * 10


def test_withheld_work_at_rest_is_two_items(ledger, world):
    observe(ledger, world.clock, WORK[0])
    document = invoice("BS-1", line("time", time_part(WORK[0], 1000)), line("holdback", part("time/work/0", -100)))
    bill(ledger, world.clock, document)
    keep(ledger, world.clock, resting=(replace(rest_of(WORK[0], amount=1000), withheld=100),))
    assert [(one.bucket, one.amount) for one in ledger.settled_items(terms())] == [("billed", 900), ("withheld", 100)]
    assert facts(ledger, world.clock).settled[0].withheld == 100
    assert_sound(ledger)


def test_items_at_rest_are_named_as_the_rules_name_them(ledger, world):
    records: dict[str, list[Record]] = {
        "time": [entry("1", person_name="Ana Roe", task="Drawings"), entry("2", notes="Site visit")],
        "expense": [expense("3", category="Travel", person="ana"), expense("4")],
        "milestone": [milestone("5")],
        "project": [Project(id="P-1", name="Annex")],
    }
    for kind, some in records.items():
        observe(ledger, world.clock, *some, kind=kind)
    known = replace(terms(), persons={"work:ana": "a.roe"})
    seen = [one for one in facts(ledger, world.clock).records if one.key.kind != "project"]
    rests = tuple(
        replace(
            rest_of(WORK[0], amount=0), key=one.key, version=one.version, identity=f"{one.key.kind}/work/{one.key.id}"
        )
        for one in seen
    )
    keep(ledger, world.clock, resting=rests)
    told = [(one.name, one.person, one.project, one.done_on) for one in ledger.settled_items(known)]
    day = date(2026, 2, 1)
    assert told == [
        ("Ana Roe, 2026-02-01, Drawings", "Ana Roe", "Annex", day),
        ("a.roe, 2026-02-01, Site visit", "a.roe", "Annex", day),
        ("Travel, 2026-02-01", "a.roe", "Annex", day),
        ("expense, 2026-02-01", "", "Annex", day),
        ("Phase 5", "", "Annex", day),
    ]


def test_schedule_lines_and_hand_made_postings_are_always_there(ledger, world):
    observe(ledger, world.clock, milestone("m"), kind="milestone")
    identities = ("C-1/line/sd", "C-1/milestone/work/m", "C-1/manual/1", "C-1/release/end")
    keep(ledger, world.clock, postings=tuple(map(opening, identities)), places=tuple(map(place, identities)))
    rest = replace(rest_of(WORK[0]), key=key("m", kind="milestone"), identity="C-1/milestone/work/m", hours=None)
    version = facts(ledger, world.clock).records[0].version
    keep(ledger, world.clock, resting=(replace(rest, version=version, amount=100),))
    found = facts(ledger, world.clock)
    assert found.records == () and tuple(one.fact.identity for one in found.postings) == identities
    assert set(found.places) == set(identities)
    assert_sound(ledger)


def test_postings_of_work_that_no_source_has_shown_yet_are_there(ledger, world):
    bill(ledger, world.clock, invoice("BS-1", line("time", time_part(WORK[0], 5))))
    assert [one.fact.identity for one in facts(ledger, world.clock).postings] == ["time/work/0"]


def test_places_are_kept_until_they_are_left(ledger, world):
    first, second = place("time/work/0", 1), place("time/work/1", 2)
    keep(ledger, world.clock, places=(first, second))
    keep(ledger, world.clock, places=(replace(first, rank=9),), left=("time/work/1", "time/work/7"))
    assert facts(ledger, world.clock).places == {"time/work/0": first}, "a place once taken is kept"
    keep(ledger, world.clock, places=(replace(second, rank=5),))
    assert facts(ledger, world.clock).places["time/work/1"].rank == 5
    assert_sound(ledger)


def test_earlier_versions_come_where_something_was_billed(ledger, world):
    first, second, third = (replace(WORK[0], hours=Decimal(hours)) for hours in (1, 2, 3))
    for version in (first, second):
        observe(ledger, world.clock, version, WORK[1])
    bill(ledger, world.clock, invoice("BS-1", line("time", time_part(second, 5))))
    observe(ledger, world.clock, third, replace(WORK[1], hours=Decimal(8)))
    history = facts(ledger, world.clock).history
    assert list(history) == [key("0")], "history is only for work that has postings or a place"
    assert [one.record.hours for one in history[key("0")]] == [1, 2]
    assert [one.seq for one in history[key("0")]] == sorted(one.seq for one in history[key("0")])


def test_samples_are_what_was_billed_before_by_client_and_kind(ledger, world):
    for number in range(205):
        bill(ledger, world.clock, invoice(f"BS-{number}", line("time", part(f"time/work/{number}", number + 1))))
    mixed = invoice("BS-x", line("expense", part("expense/work/1", 7)), line("holdback", part("expense/work/1", -1)))
    voided = bill(ledger, world.clock, mixed)
    found = facts(ledger, world.clock).samples
    assert found["acme", "time"] == tuple(range(6, 206)) and found["acme", "expense"] == (7,)
    ledger.read_back("books", [replace(voided, status="voided")], read_at=world.clock())
    ledger.let_go("BS-x", person="ana", reason="void", now=world.clock(), night=NIGHT)
    assert set(facts(ledger, world.clock).samples) == {("acme", "time")}, "what was taken back is no measure"


def expense(number: str, **more: Any) -> Expense:
    given: dict[str, Any] = {
        "amount": Decimal("9.90"),
        "currency": "USD",
        "billable": True,
        "approval": Approval(state="approved"),
    } | more
    return Expense(id=number, project="P-1", spent_on=date(2026, 2, 1), **given)


def test_lookalikes_are_found_on_other_accounts_only(resting, world):
    twin = replace(WORK[0], id="x", person="ANA-7", hours=Decimal("0.50"))
    strangers = (replace(twin, id="y", hours=Decimal(3)), replace(twin, id="z", worked_on=date(2026, 2, 2)))
    observe(resting, world.clock, twin, *strangers, replace(WORK[3], id="w", person="bob"), account="tempo")
    same = replace(terms(accounts=("work", "tempo")), persons={"work:ana": "ana", "tempo:ANA-7": "ana"})
    found = facts(resting, world.clock, same).lookalikes
    assert found == {key("x", "tempo"): (key("0"),)}, "a resting twin must be found, other people's hours must not"
    assert facts(resting, world.clock).lookalikes == {}, "two names that nobody equates are two persons"


def test_lookalikes_among_open_work_name_each_other(ledger, world):
    observe(ledger, world.clock, expense("1"), kind="expense")
    observe(
        ledger,
        world.clock,
        expense("2", amount=Decimal("9.9")),
        expense("3", currency="EUR"),
        kind="expense",
        account="cards",
    )
    found = facts(ledger, world.clock).lookalikes
    one, two = key("1", kind="expense"), key("2", "cards", "expense")
    assert found == {one: (two,), two: (one,)}
    observe(ledger, world.clock, kind="expense", account="cards")
    assert facts(ledger, world.clock).lookalikes == {two: (one,)}, "what vanished holds nothing up"


def test_only_what_explains_one_item(resting, world):
    observe(resting, world.clock, entry("far", project="P-2"), account="work", full=False)
    observe(resting, world.clock, milestone("m"), milestone("n", project="P-2"), kind="milestone")
    observe(resting, world.clock, Project(id="P-1", name="Annex"), Project(id="P-2", name="Barn"), kind="project")
    both = terms(CONTRACT, OTHER)
    for name in ("time/work/1", "work/time/1"):
        found = facts(resting, world.clock, both, only=name)
        assert {str(one.key) for one in found.records} == {
            "work/time/1", "work/time/3", "work/milestone/m", "work/project/P-1",
        }, name  # fmt: skip
        assert found.settled[0].items == 2, "the item that is looked at is in the total as well"
    found = facts(resting, world.clock, both, only="C-2/line/sd")
    assert {str(one.key) for one in found.records} == {"work/time/far", "work/milestone/n", "work/project/P-2"}


def view(found: Facts) -> dict[str, Any]:
    """Facts without what names the moment of asking. `last_seen` is not kept for every instant."""
    names = ("contracts", "history", "postings", "intents", "decisions", "places", "documents", "samples", "lookalikes")
    told = {name: getattr(found, name) for name in names}
    records = [replace(one, last_seen=one.first_seen) for one in found.records]
    told["covered"] = [(one.account, one.kind, one.last) for one in found.coverage]
    return told | {"records": records}


def days(ledger: Ledger, clock: Clock) -> dict[datetime, dict[str, Any]]:
    """A few nights; what each saw, by its instant."""
    seen: dict[datetime, dict[str, Any]] = {}

    def note() -> None:
        seen[clock.at] = view(facts(ledger, clock, everything=True))
        clock.at += timedelta(hours=12)

    observe(ledger, clock, *WORK)
    observe(ledger, clock, *(replace(one, id=f"t{one.id}") for one in WORK[:2]), account="tempo")
    keep(ledger, clock, places=(place("time/work/0"), place("time/work/1", 1)))
    note()
    receipt = bill(ledger, clock, invoice("BS-1", line("time", time_part(WORK[0], 5), time_part(WORK[1], 6))))
    refused = invoice("BS-2", line("time", time_part(WORK[2], 5)))
    ledger.decide("hold", "time/work/2", person="ana", reason="why", at=clock())
    note()
    observe(ledger, clock, replace(WORK[0], hours=Decimal(7)), *WORK[1:3])
    keep(ledger, clock, terms(replace(CONTRACT, after_billing="true_up")), left=("time/work/1",))
    plan_and_refuse(ledger, clock, refused)
    seen[clock.at] = view(facts(ledger, clock, terms(replace(CONTRACT, after_billing="true_up")), everything=True))
    clock.at += timedelta(hours=12)
    observe(ledger, clock, *WORK)
    ledger.read_back("books", [replace(receipt, status="voided")], read_at=clock())
    ledger.let_go("BS-1", person="ana", reason="void", now=clock(), night=NIGHT)
    keep(ledger, clock, terms(OTHER), places=(place("time/work/1", 8),))
    seen[clock.at] = view(facts(ledger, clock, terms(OTHER), everything=True))
    return seen


def plan_and_refuse(ledger: Ledger, clock: Clock, document: Any) -> None:
    ledger.plan(draft_of(document), document, input_hash="h", now=clock())
    ledger.sending(document.reference, clock())
    ledger.refuse(document.reference, "no", clock())


def test_the_past_is_shown_as_it_was(ledger, world):
    for instant, was in days(ledger, world.clock).items():
        now = view(facts(ledger, world.clock, as_of=instant, everything=True))
        for name in was:
            assert now[name] == was[name], f"{name} as of {instant} is not what was seen then"


def test_the_past_needs_no_second_look_at_what_rests_since(resting, world):
    then = world.clock.at
    before = facts(resting, world.clock)
    observe(resting, world.clock, replace(WORK[1], hours=Decimal(8)), *WORK[2:])
    found = facts(resting, world.clock, as_of=then)
    assert [one.key.id for one in found.records] == ["0", "1", "3"] and found.settled[0].items == 1
    assert [one.record.hours for one in found.records] == [WORK[0].hours, WORK[1].hours, WORK[3].hours]
    assert {one.vanished for one in found.records} == {None}
    assert before.settled[0].items == 3
    early = facts(resting, world.clock, as_of=then - timedelta(days=1))
    assert (early.records, early.postings, early.settled) == ((), (), ())


def test_before_any_terms_were_kept_the_given_ones_stand(ledger, world):
    observe(ledger, world.clock, WORK[0])
    assert facts(ledger, world.clock, as_of=world.clock.at).contracts == terms().contracts


def test_what_the_configuration_says_comes_through(ledger, world):
    given = replace(terms(), owners={"unmapped": "ana"}, persons={"work:a": "ana"})
    found = facts(ledger, world.clock, given)
    assert (found.now, found.today, found.owners, found.persons) == (world.clock.at, NIGHT, given.owners, given.persons)
    assert (found.clients, found.sinks, found.contracts) == (given.clients, given.sinks, given.contracts)
