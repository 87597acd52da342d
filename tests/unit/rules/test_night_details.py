"""Details that a night must get right to the cent and to the day: borders, sums over several things at once, names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from billsync.model.contract import (
    Billing,
    Cap,
    ContractChange,
    Gates,
    Holdback,
    HoldbackRelease,
    MilestoneMatch,
    ProjectRef,
    ScheduleLine,
    Trigger,
)
from billsync.model.work import SourceKey
from tests.unit.rules.given import contract
from tests.unit.rules.night import Firm, causes, codes, day, figures, hours, lines, milestone, row

T1, T2 = "time/work/t1", "time/work/t2"
DESIGN = MilestoneMatch(name="Design")


def net(of: Firm) -> int:
    found = row(of.look())
    return found.billed + found.withheld - found.credited


# Room


def test_what_was_billed_of_excluded_work_keeps_its_room() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", amount=100000),))]).see(hours("t1", "6.00"))
    of.night()
    of.decide("exclude", T1)
    of.see(hours("t1", "9.00"), hours("t2", "9.00", "2026-03-03"))
    after = of.night()
    assert causes(after, T1) == [("billed", "", 60000), ("written_off", "excluded", 30000)]
    assert causes(after, T2) == [("billed", "", 40000), ("capped", "cap_reached", 50000)]


def test_room_in_hours_is_what_a_credit_gave_back_and_no_more() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", hours=Decimal(10)),))])
    of.see(hours("t1", "8.00"), hours("t2", "8.00", "2026-03-03"))
    of.night()
    assert causes(of.look(), T2)[0] == ("billed", "", 20000)
    of.decide("credit", T1, amount=30000)
    of.night()
    assert causes(of.night(), T2)[0] == ("billed", "", 50000), "three hours came back"
    of.decide("rebill", T1, amount=20000)
    of.decide("rebill", T1, amount=10000)
    after = of.night()
    assert net(of) == 100000 and causes(after, T1)[-1] == ("held", "credited", 30000)
    of.contracts = [contract(caps=(Cap(id="cap", hours=Decimal(18)),))]
    assert causes(of.night(), T1) == [("billed", "", 110000), ("credited", "credited", 30000)]


def test_a_release_before_an_exclusion_is_not_its_end() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", amount=50000),))])
    of.decide("release", T1)
    of.see(hours("t1", "5.00"), hours("t2", "5.00", "2026-03-03"))
    of.decide("exclude", T2)
    assert causes(of.night(), T1) == [("billed", "", 50000)]


# Look-alikes and outliers


def test_a_twin_at_rest_on_an_account_of_no_project_of_the_contract_is_none() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00"))
    key = SourceKey(account="work", kind="time", id="t1")
    of.facts_more = {"lookalikes": {key: (SourceKey(account="other", kind="time", id="z"),)}}
    assert row(of.night()).billed == 10000


def test_a_twin_under_another_contract_is_none() -> None:
    other = contract(id="D", projects=(ProjectRef(account="other", id="P-1"),))
    of = Firm(contracts=[contract(), other]).see(hours("t1", "1.00"))
    of.see(hours("x", "1.00"), account="other")
    one, two = (SourceKey(account=a, kind="time", id=i) for a, i in (("work", "t1"), ("other", "x")))
    of.facts_more = {"lookalikes": {one: (two,), two: (one,)}}
    assert codes(of.night()) == [] and row(of.look(), "D").billed == 10000


def test_of_three_that_look_alike_one_stands() -> None:
    refs = tuple(ProjectRef(account=account, id="P-1") for account in ("a", "b", "c"))
    of = Firm(contracts=[contract(projects=refs)])
    for account in ("a", "b", "c"):
        of.see(hours("x", "1.00"), account=account)
    keys = [SourceKey(account=account, kind="time", id="x") for account in ("a", "b", "c")]
    of.facts_more = {"lookalikes": {key: tuple(other for other in keys if other != key) for key in keys}}
    found = [(item.identity, item.cause) for item in of.look().items]
    assert found == [("time/a/x", "next_sync"), ("time/b/x", "lookalike"), ("time/c/x", "lookalike")]


def test_an_outlier_is_measured_without_what_is_capped() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", amount=1010),))]).see(hours("t1", "10.00"))
    of.facts_more = {"samples": {("acme", "time"): (1000, 1100, 1050, 990, 1010, 1020, 980, 1000)}}
    assert "outlier" not in codes(of.look())


# Documents


def test_who_asked_may_approve_where_one_is_enough() -> None:
    of = Firm(contracts=[contract(gates=Gates(release_threshold=1))])
    of.decide("bill", "C", amount=5000, person="ann")
    [held] = of.look().held_drafts
    of.decide("approve", held.draft.hash, person="ann")
    assert len(of.look().drafts) == 1


def test_a_document_of_nothing_in_all_is_an_invoice() -> None:
    of = Firm(contracts=[contract(after_billing="true_up")]).see(hours("t1", "5.00"), hours("t2", "5.00"))
    of.night()
    of.see(hours("t1", "6.00"), hours("t2", "4.00"))
    [draft] = of.look().drafts
    assert (draft.kind, draft.total, len(draft.lines)) == ("invoice", 0, 2)
    assert of.night().drafts == () and figures(row(of.look())) == {
        "earned": 100000,
        "billed": 110000,
        "credited": 10000,
    }


def test_a_line_is_dated_with_its_last_day_and_late_on_the_border() -> None:
    of = Firm(contracts=[contract(gates=Gates(closed_through=day("2026-03-02")))])
    of.see(hours("t0", "1.00", "2026-03-01"), hours("t1", "1.00", "2026-03-02"), hours("t2", "1.00", "2026-03-03"))
    [draft] = of.look().drafts
    assert [(line.done_since, line.done_on, line.late, line.text) for line in draft.lines] == [
        (None, day("2026-03-03"), False, "ana, 2026-03-03"),
        (day("2026-03-01"), day("2026-03-02"), True, "ana, P-1, 2026-03-01 to 2026-03-02"),
    ]


def test_holdback_of_work_that_was_credited_in_part_and_billed_once_more() -> None:
    of = Firm(contracts=[contract(holdback=Holdback(percent=Decimal(10), kinds=frozenset({"time"})))])
    of.see(hours("t1", "10.00"))
    of.night()
    for kind, amount, withheld in (("credit", 50000, 5000), ("rebill", 20000, 7000), ("credit", 70000, 0)):
        of.decide(kind, T1, amount=amount)  # type: ignore[arg-type]
        assert row(of.night()).withheld == withheld, f"after {kind} {amount}"


def test_a_true_up_moves_its_holdback_along() -> None:
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"time"}))
    of = Firm(contracts=[contract(after_billing="true_up", holdback=kept)]).see(hours("t1", "10.00"))
    of.night()
    of.see(hours("t1", "8.00"))
    assert lines(of.look().drafts) == [("adjustment", -20000), ("holdback", 2000)]
    assert row(of.night()).withheld == 8000
    of.see(hours("t1", "9.00"))
    assert row(of.night()).withheld == 9000


def test_work_and_release_of_one_line_in_one_night() -> None:
    releases = (HoldbackRelease(id="half", trigger=Trigger(kind="dated", on=day("2026-05-12")), percent=Decimal(50)),)
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"progress"}), releases=releases)
    line = ScheduleLine(
        id="p", name="P", amount=100000, trigger=Trigger(kind="progress", match=DESIGN, progress_of="milestone")
    )
    of = Firm(contracts=[contract(lines=(line,), holdback=kept)])
    of.see(milestone("m", "Design", percent=Decimal(40)))
    assert row(of.night()).withheld == 4000
    of.today = day("2026-05-12")
    of.see(milestone("m", "Design", percent=Decimal(60)))
    assert lines(of.look().drafts) == [("progress", 20000), ("holdback", -1000), ("release", 2000)]
    assert row(of.night()).withheld == 3000


def test_a_release_that_was_undone_before_it_paid_waits_again_whatever_else_was_paid() -> None:
    releases = tuple(
        HoldbackRelease(id=id, trigger=Trigger(kind="milestone", match=MilestoneMatch(name=id)), percent=Decimal(50))
        for id in ("One", "Two")
    )
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=releases)
    other = contract(
        id="D",
        projects=(ProjectRef(account="work", id="P-2"),),
        holdback=replace(
            kept, releases=(HoldbackRelease(id="x", trigger=Trigger(kind="dated", on=day("2026-05-12"))),)
        ),
    )
    of = Firm(contracts=[contract(holdback=kept), other])
    of.see(hours("t1", "10.00"), hours("d", "10.00", project="P-2"), milestone("1", "One", "2026-05-01"))
    of.night()
    of.night()
    assert row(of.look()).withheld == 5000
    of.today = day("2026-05-12")
    of.see(milestone("2", "Two", "2026-05-12"))
    of.decide("hold", "C/release/Two")
    of.keep(of.look())
    of.decide("release", "C/release/Two")
    of.keep(of.look())
    of.see(milestone("2", "Two"))
    of.nights("2026-05-15")
    assert row(of.look()).withheld == 5000, "what D paid out, and what One paid out, says nothing about Two"
    assert row(of.look(), "D").withheld == 0


# Days


def test_the_oldest_ready_work_says_whether_a_billing_day_was_missed() -> None:
    of = Firm(contracts=[contract(billing=Billing(period="monthly", day=5))], today=day("2026-06-03"))
    of.see(hours("t1", "1.00", "2026-06-01"))
    of.night()
    of.today = day("2026-06-06")
    of.see(hours("t2", "1.00", "2026-06-06"))
    assert [draft.total for draft in of.look().drafts] == [20000]


def test_the_last_day_of_the_period_is_in_it() -> None:
    billing = Billing(period="monthly", day=5, through="period_end")
    of = Firm(contracts=[contract(billing=billing)], today=day("2026-06-04"))
    of.see(hours("t1", "1.00", "2026-05-31"), hours("t2", "2.00", "2026-06-01"))
    of.night()
    of.today = day("2026-06-05")
    assert [draft.total for draft in of.look().drafts] == [10000]


def test_out_of_cycle_lasts_the_next_night_or_until_its_day() -> None:
    for until, last in ((None, 1), (day("2026-05-20"), 10)):
        of = Firm(contracts=[contract(billing=Billing(period="monthly", day=5))]).see(hours("t1", "1.00"))
        of.decide("bill", "project/work/P-1", until=until)
        of.today = day("2026-05-10") + timedelta(days=last)
        assert len(of.look().drafts) == 1
        of.today += timedelta(days=1)
        assert of.look().drafts == ()


def test_work_dated_today_is_not_in_the_future_also_when_it_was_billed() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00", "2026-05-10"))
    assert row(of.night()).billed == 10000
    of.see(hours("t1", "2.00", "2026-05-10"))
    assert causes(of.look(), T1)[-1] == ("held", "drift", 10000)


def test_a_dated_line_taken_out_on_its_day_is_not_billed_and_the_day_before_is() -> None:
    change = ContractChange(id="CO", name="End", value=0, signed_on=day("2026-03-15"), removes=frozenset({"l", "t"}))
    monthly = ScheduleLine(
        id="l", name="Retainer", amount=100, trigger=Trigger(kind="dated", on=day("2026-02-15"), every="month")
    )
    reached = ScheduleLine(id="t", name="T", amount=7, trigger=Trigger(kind="threshold", at_hours=Decimal(1)))
    of = Firm(contracts=[contract(lines=(monthly, reached), change_orders=(change,))])
    of.see(hours("t1", "1.00", "2026-03-15"))
    assert [(item.name, item.amount) for item in of.look().items if item.amount < 1000] == [
        ("Retainer, 2026-02-15", 100)
    ]
    of.see(hours("t1", "1.00", "2026-03-14"))
    assert {item.amount for item in of.look().items if item.amount < 1000} == {100, 7}


def test_an_open_line_says_when_it_is_planned() -> None:
    trigger = Trigger(kind="milestone", match=DESIGN)
    for planned, due in ((None, "2026-07-01"), ("2026-06-01", "2026-06-01")):
        line = ScheduleLine(id="l", name="L", amount=100, trigger=trigger, planned_on=day(planned) if planned else None)
        of = Firm(contracts=[contract(lines=(line,))]).see(milestone("m", "Design", due_on=day("2026-07-01")))
        assert [one.due_on for one in of.look().not_earned] == [day(due)]


# Names and places


def test_the_milestone_that_was_billed_is_meant_though_another_bears_its_name_now() -> None:
    line = ScheduleLine(id="l", name="L", amount=100, trigger=Trigger(kind="milestone", match=DESIGN))
    of = Firm(contracts=[contract(lines=(line,))]).see(milestone("a", "Design", "2026-04-01"))
    of.night()
    of.see(milestone("b", "Design"))
    after = of.night()
    assert figures(row(after)) == {"earned": 100, "billed": 100} and codes(after) == []
    assert [one.name for one in after.not_earned] == ["Design"], "the other one is work of no line"


def test_a_vanished_namesake_is_nobody() -> None:
    line = ScheduleLine(id="l", name="L", amount=100, trigger=Trigger(kind="milestone", match=DESIGN))
    of = Firm(contracts=[contract(lines=(line,))])
    of.see(milestone("a", "Design", "2026-04-01"), milestone("b", "Design", "2026-04-02"))
    of.vanish("a", "milestone")
    assert row(of.night()).billed == 100


def test_a_later_run_of_the_night_ranks_behind_all_earlier_ones() -> None:
    of = Firm(contracts=[contract()], sinks={})
    for run in ("3", "2", "1"):
        of.see(hours(f"t{run}", "1.00", f"2026-03-0{run}"))
        of.keep(of.look())
    assert {place.identity: place.rank for place in of.places.values()} == {T1: 2, T2: 1, "time/work/t3": 0}


def test_corrected_hours_are_shown_corrected() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "5.00"), hours("t2", "-2.00", "2026-03-03"))
    of.decide("correct", T2, target=T1)
    [line] = of.look().drafts[0].lines
    assert (line.quantity, line.unit_price, line.amount) == (Decimal("3.00"), Decimal(100), 30000)


def test_a_manual_amount_bears_the_words_it_was_given() -> None:
    of = Firm(contracts=[contract()])
    of.decide("bill", "C", amount=100, reason="asked for", target="Printing")
    of.decide("bill", "C", amount=200, reason="Courier")
    assert [line.text for line in of.look().drafts[0].lines] == ["Courier", "Printing"]
