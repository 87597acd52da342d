"""Schedule lines of every trigger, as work: when they are earned, what they are worth, what is said while they wait."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.contract import (
    Condition,
    Contract,
    ContractChange,
    ExpenseTerms,
    MilestoneMatch,
    MilestoneTerms,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    Signature,
    TimeTerms,
    Trigger,
)
from billsync.model.statement import Evaluation
from tests.unit.rules.night import (
    SUBMITTED,
    Firm,
    accepted,
    causes,
    codes,
    day,
    figures,
    hours,
    lines,
    milestone,
    project,
    row,
    spent,
)

HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))


def contract(*of: ScheduleLine, **more: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": "C",
        "client": "acme",
        "currency": "USD",
        "projects": (ProjectRef(account="work", id="P-1"),),
        "lines": of,
        **more,
    }
    return Contract(**fields)


def on_milestone(
    name: str = "Design", *, id: str = "d", match: MilestoneMatch | None = None, **more: Any
) -> ScheduleLine:
    complete = more.pop("complete", Condition(kind="completed"))
    trigger = Trigger(kind="milestone", match=match or MilestoneMatch(name=name), complete=complete)
    fields: dict[str, Any] = {"amount": 100000, **more}
    return ScheduleLine(id=id, name=name, trigger=trigger, **fields)


def on(trigger: Trigger, **more: Any) -> ScheduleLine:
    fields: dict[str, Any] = {"id": "l", "name": "Line", "amount": 100000, "trigger": trigger, **more}
    return ScheduleLine(**fields)


def play(terms: Contract, *records: Any, today: str = "2026-05-10") -> Firm:
    return Firm(contracts=[terms], today=day(today)).see(*records)


def earned(of: Firm) -> int:
    return row(of.look()).earned


def waiting(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(one.name, one.cause) for one in evaluation.not_earned]


# Matching


def test_a_milestone_is_meant_by_id_or_by_exact_name_in_nfc() -> None:
    composed, decomposed = "Entwürfe", "Entwu\u0308rfe"
    assert earned(play(contract(on_milestone(composed)), milestone("m", decomposed, "2026-04-01"))) == 100000
    assert earned(play(contract(on_milestone("design")), milestone("m", "Design", "2026-04-01"))) == 0
    by_id = on_milestone(match=MilestoneMatch(id="m", account="work"))
    assert earned(play(contract(by_id), milestone("m", "Anything", "2026-04-01"))) == 100000
    elsewhere = on_milestone(match=MilestoneMatch(name="Design", account="other"))
    assert earned(play(contract(elsewhere), milestone("m", "Design", "2026-04-01"))) == 0


def test_two_milestones_of_one_name_are_nobodys_guess() -> None:
    of = play(contract(on_milestone()), milestone("a", "Design", "2026-04-01"), milestone("b", "Design", "2026-04-01"))
    now = of.look()
    assert now.drafts == () and codes(now) == ["lookalike"] and waiting(now) == [("Design", "open_milestone")]


def test_deleted_and_made_again_under_the_same_name_it_is_billed_once() -> None:
    of = play(contract(on_milestone()), milestone("a", "Design", "2026-04-01"))
    of.night()
    of.vanish("a", "milestone")
    of.see(milestone("b", "Design", "2026-05-09"))
    of.nights("2026-05-14")
    assert figures(row(of.look())) == {"earned": 100000, "billed": 100000}


def test_a_milestone_of_another_project_is_not_meant() -> None:
    of = play(contract(on_milestone()), milestone("m", "Design", "2026-04-01", project="P-2"))
    now = of.look()
    assert row(now).earned == 0 and codes(now) == ["unmapped"]
    assert [(one.why, one.name) for one in now.not_valued] == [("unmapped", "Design")]


def test_finished_work_that_no_line_names_is_found() -> None:
    of = play(contract(on_milestone()), milestone("x", "Extra drawings", "2026-04-01"), milestone("y", "Later"))
    now = of.look()
    assert codes(now) == ["unmapped"] and "no line of C names it" in now.findings[0].text
    assert ("Later", "open_milestone") in waiting(now)


# Conditions


DONE = milestone("m", "Design", "2026-04-01")


@pytest.mark.parametrize(
    ("complete", "record", "done_on"),
    [
        (Condition(kind="status", texts=("Approved",)), milestone("m", "Design", status="Approved"), "2026-05-10"),
        (Condition(kind="percent", number=Decimal(90)), milestone("m", "Design", percent=Decimal(90)), "2026-05-10"),
        (
            Condition(kind="units", number=Decimal(50)),
            milestone("m", "Design", done=Decimal(2), total=Decimal(4)),
            "2026-05-10",
        ),
        (
            Condition(kind="document", texts=("*signed*.pdf",)),
            replace(DONE, attachments=("A signed.pdf",)),
            "2026-04-01",
        ),
        (Condition(kind="accepted"), milestone("m", "Design", acceptance=accepted("2026-04-09")), "2026-04-09"),
        (Condition(kind="due"), milestone("m", "Design", due_on=day("2026-05-01")), "2026-05-01"),
        (
            Condition(kind="field", name="Gate", texts=("3",)),
            milestone("m", "Design", custom={"Gate": "3"}),
            "2026-05-10",
        ),
        (
            Condition(kind="all", of=(Condition(kind="completed"), Condition(kind="accepted"))),
            replace(DONE, acceptance=accepted("2026-04-20")),
            "2026-04-20",
        ),
        (Condition(kind="any", of=(Condition(kind="completed"), Condition(kind="accepted"))), DONE, "2026-04-01"),
    ],
)
def test_the_contracts_own_test_of_completion(complete: Condition, record: Any, done_on: str) -> None:
    of = play(contract(on_milestone(complete=complete)), record)
    [item] = of.look().items
    assert (item.amount, item.done_on) == (100000, day(done_on))


@pytest.mark.parametrize(
    ("complete", "record"),
    [
        (Condition(kind="status", texts=("Approved",)), replace(DONE, status="approved")),
        (Condition(kind="percent", number=Decimal(90)), replace(DONE, percent=Decimal("89.9"))),
        (Condition(kind="percent"), replace(DONE, percent=None)),
        (Condition(kind="units"), replace(DONE, done=Decimal(3), total=Decimal(4))),
        (Condition(kind="units"), replace(DONE, done=Decimal(3), total=Decimal(0))),
        (Condition(kind="document", texts=("*.pdf",)), replace(DONE, attachments=("a.doc",))),
        (Condition(kind="accepted"), DONE),
        (Condition(kind="due"), replace(DONE, due_on=day("2026-05-11"))),
        (Condition(kind="field", name="Gate", texts=("3",)), DONE),
        (Condition(kind="all", of=(Condition(kind="completed"), Condition(kind="accepted"))), DONE),
        (Condition(kind="any", of=(Condition(kind="due"), Condition(kind="accepted"))), DONE),
    ],
)
def test_short_of_its_test_a_line_is_open(complete: Condition, record: Any) -> None:
    now = play(contract(on_milestone(complete=complete)), record).look()
    assert now.items == () and waiting(now) == [("Design", "open_milestone")]


def test_the_day_is_when_the_test_was_first_seen_to_be_met() -> None:
    complete = Condition(kind="status", texts=("Done",))
    of = play(contract(on_milestone(complete=complete)), milestone("m", "Design", status="Doing"), today="2026-05-01")
    of.today = day("2026-05-03")
    of.see(milestone("m", "Design", status="Done"))
    of.today = day("2026-05-05")
    of.see(milestone("m", "Design", status="Done", percent=Decimal(100)))
    assert [item.done_on for item in of.look().items] == [day("2026-05-03")]


def test_completed_on_a_day_to_come_is_not_earned_before_it() -> None:
    of = play(contract(on_milestone()), milestone("m", "Design", "2026-05-11"))
    assert waiting(of.look()) == [("Design", "future")]
    of.today = day("2026-05-11")
    assert earned(of) == 100000


# Amounts


def test_percent_lines_are_parts_of_the_value_in_force_on_the_day() -> None:
    third: dict[str, Any] = {"percent": Decimal("33.33"), "amount": None}
    terms = contract(
        *(on_milestone(name, id=name, **third) for name in ("A", "B", "C")),
        value=10000,
        change_orders=(ContractChange(id="CO", name="More", value=5000, signed_on=day("2026-04-10")),),
    )
    of = play(terms, milestone("a", "A", "2026-04-01"), milestone("b", "B", "2026-04-10"))
    amounts = {item.name: item.amount for item in of.look().items}
    assert amounts == {"A": 3333, "B": 5000}, "the change counts from the day it was signed, and moves nothing earned"


def test_a_percent_is_of_the_value_on_the_later_of_completion_and_signature() -> None:
    line = on_milestone(percent=Decimal(50), amount=None)
    terms = contract(line, value=10000, signature=Signature(required=True, on=day("2026-04-15")))
    assert earned(play(terms, milestone("m", "Design", "2026-04-01"))) == 5000


def test_a_change_orders_percent_is_of_its_own_value() -> None:
    line = on_milestone(percent=Decimal(25), amount=None)
    change = ContractChange(id="CO", name="More", value=8000, signed_on=day("2026-04-01"), lines=(line,))
    assert earned(play(contract(value=50000, change_orders=(change,)), DONE)) == 2000


def test_the_sources_own_amount() -> None:
    line = on_milestone(amount=None)
    assert earned(play(contract(line), replace(DONE, amount=Decimal("1234.565")))) == 123457
    for broken in (DONE, replace(DONE, amount=Decimal(5), currency="EUR")):
        now = play(contract(line), broken).look()
        assert codes(now) == ["amount_missing"] and [one.why for one in now.not_valued] == ["unrated"]


def test_without_a_schedule_milestones_bill_their_own_amount() -> None:
    terms = contract(milestones=MilestoneTerms(requires=frozenset({"acceptance"})))
    of = play(
        terms,
        milestone("a", "One", "2026-04-01", amount=Decimal(500), acceptance=accepted("2026-04-02")),
        milestone("b", "Two", "2026-04-01", amount=Decimal(700)),
        milestone("c", "Three", amount=Decimal(900)),
        milestone("d", "Four", "2026-04-01"),
    )
    after = of.night()
    assert figures(row(after)) == {"earned": 120000, "billed": 50000, "held": 70000}
    assert causes(after, "C/milestone/work/b") == [("held", "acceptance_missing", 70000)]
    assert [(one.name, one.amount) for one in after.not_earned] == [("Three", 90000)]
    assert codes(after) == ["acceptance_missing", "amount_missing"]
    of.see(milestone("a", "One", amount=Decimal(500)))
    after = of.night()
    assert causes(after, "C/milestone/work/a") == [("billed", "", 50000)] and "reopened" in codes(after)


def test_milestones_of_a_contract_for_time_alone_say_nothing() -> None:
    now = play(contract(time=TimeTerms(rates=HUNDRED)), DONE, milestone("x", "Open")).look()
    assert codes(now) == [] and [one.why for one in now.not_valued] == ["not_billable", "not_billable"]


# Change orders


def test_a_change_order_takes_lines_out_and_what_was_done_before_stands() -> None:
    removal = ContractChange(
        id="CO", name="Less", value=-100000, signed_on=day("2026-04-10"), removes=frozenset({"a", "b"})
    )
    terms = contract(on_milestone("A", id="a"), on_milestone("B", id="b"), change_orders=(removal,))
    of = play(terms, milestone("1", "A", "2026-04-09"), milestone("2", "B", "2026-04-10"))
    assert {item.name: item.amount for item in of.look().items} == {"A": 100000}
    assert [(one.name, one.why) for one in of.look().not_valued] == [("B", "not_billable")]


def test_a_change_order_counts_from_its_signature_or_from_the_later_day_it_names() -> None:
    for effective, today, worth in (
        (None, "2026-05-09", 0),
        (None, "2026-05-10", 100000),
        ("2026-05-01", "2026-05-10", 100000),
        ("2026-05-12", "2026-05-11", 0),
        ("2026-05-12", "2026-05-12", 100000),
    ):
        change = ContractChange(
            id="CO",
            name="More",
            value=100000,
            signed_on=day("2026-05-10"),
            effective_on=day(effective) if effective else None,
            lines=(on_milestone(),),
        )
        now = play(contract(change_orders=(change,)), DONE, today=today).look()
        assert row(now).earned == worth, f"effective {effective}, on {today}"
        if not worth:
            assert waiting(now) == [("Design", "future")] and codes(now) == []


# Dated lines


def test_a_dated_line_every_month_bills_each_day_once() -> None:
    retainer = on(Trigger(kind="dated", on=day("2026-01-31"), every="month", until=day("2026-06-30")))
    of = play(contract(retainer), today="2026-03-30")
    of.nights("2026-08-01")
    after = of.look()
    assert figures(row(after)) == {"earned": 600000, "billed": 600000}
    assert [item.done_on for item in after.items] == [
        day(text) for text in ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30")
    ]
    assert [item.identity for item in after.items][1] == "C/line/l/2026-02-28"
    assert after.not_earned == ()


def test_the_next_day_of_a_dated_line_is_not_earned_yet() -> None:
    of = play(contract(on(Trigger(kind="dated", on=day("2026-05-15"), every="quarter"))))
    assert [(one.cause, one.due_on, one.amount) for one in of.look().not_earned] == [
        ("future", day("2026-05-15"), 100000)
    ]


# Progress


def measured(of: str, **more: Any) -> ScheduleLine:
    match = MilestoneMatch(name="Design") if of in ("milestone", "units") else None
    trigger = Trigger(kind="progress", match=match, progress_of=of)  # type: ignore[arg-type]
    return on(trigger, name="Progress", **more)


def test_progress_is_cumulative_and_never_goes_back_by_itself() -> None:
    of = play(contract(measured("milestone")))
    billed = []
    for percent in ("25", "62.5", "40", "62.5", "104"):
        of.see(milestone("m", "Design", percent=Decimal(percent)))
        of.today += day("2026-01-02") - day("2026-01-01")
        after = of.night()
        billed.append((row(after).billed, codes(after)))
        assert row(after).earned == row(after).billed
    assert billed == [
        (25000, []), (62500, []), (62500, ["progress_backwards"]), (62500, []), (100000, ["over_100_percent"]),
    ]  # fmt: skip
    assert {posting.fact.identity for posting in of.postings} == {"C/line/l"}


def test_n_of_m_is_the_exact_fraction() -> None:
    of = play(contract(measured("units")), milestone("m", "Design", done=Decimal(1), total=Decimal(3)))
    assert earned(of) == 33333
    of.see(milestone("m", "Design", done=Decimal(3), total=Decimal(3)))
    assert earned(of) == 100000


def test_progress_of_the_project_and_of_the_budget() -> None:
    of = play(contract(measured("project")), project(percent=Decimal(30)))
    assert earned(of) == 30000
    spending = contract(measured("budget"), time=TimeTerms(rates=HUNDRED))
    of = play(spending, project(budget=Decimal(1000)), hours("t", "2.50"))
    assert earned(of) == 25000 + 25000
    of = play(spending, project(budget_hours=Decimal(10)), hours("t", "2.50"))
    assert earned(of) == 25000 + 25000


@pytest.mark.parametrize("record", [milestone("m", "Design"), milestone("x", "Other"), project(percent=Decimal(9))])
def test_progress_that_nobody_measures_is_open(record: Any) -> None:
    now = play(contract(measured("units")), record).look()
    assert row(now).earned == 0 and ("Progress", "open_milestone") in waiting(now)


# Thresholds


@pytest.mark.parametrize(
    ("trigger", "below", "at"),
    [
        (Trigger(kind="threshold", at_hours=Decimal(10)), "9.99", "10.00"),
        (Trigger(kind="threshold", at_amount=100000), "9.99", "10.00"),
        (Trigger(kind="threshold", at_percent=Decimal(50)), "9.99", "10.00"),
    ],
)
def test_a_threshold_bills_once_when_it_is_reached_and_stands(trigger: Trigger, below: str, at: str) -> None:
    of = play(contract(on(trigger), time=TimeTerms(rates=HUNDRED)), project(budget=Decimal(2000)))
    of.see(hours("t1", below), hours("t2", "50.00", approval=SUBMITTED), hours("t3", "50.00", billable=False))
    assert causes(of.night(), "C/line/l") == [] and ("Line", "open_milestone") in waiting(of.look())
    of.see(hours("t1", at))
    assert causes(of.night(), "C/line/l") == [("billed", "", 100000)]
    of.see(hours("t1", below))
    after = of.night()
    assert causes(after, "C/line/l") == [("billed", "", 100000)]


def test_a_threshold_of_money_counts_expenses_and_what_a_cap_trims() -> None:
    terms = contract(
        on(Trigger(kind="threshold", at_amount=50000)),
        expenses=ExpenseTerms(markup=Decimal(10)),
    )
    assert earned(play(terms, spent("a", "454.54"))) == 49999
    assert earned(play(terms, spent("a", "454.55"))) == 50001 + 100000


# Manual


def test_a_manual_line_waits_for_a_person() -> None:
    of = play(contract(on(Trigger(kind="manual"))))
    assert waiting(of.look()) == [("Line", "open_milestone")]
    of.decide("bill", "C/line/l", person="ann", reason="agreed by phone")
    [item] = of.night().items
    assert (item.bucket, item.amount) == ("billed", 100000) and "ann: agreed by phone" in item.because


def test_an_amount_of_its_own() -> None:
    of = play(contract())
    made = of.decide("bill", "C", amount=12345, reason="Copies")
    [draft] = of.look().drafts
    assert lines([draft]) == [("manual", 12345)] and draft.lines[0].parts[0].identity == f"C/manual/{made.id}"
    assert figures(row(of.night())) == {"earned": 12345, "billed": 12345}
    assert of.look().drafts == ()


def test_a_line_that_left_the_contract_stands_as_billed() -> None:
    of = play(contract(on_milestone()), DONE)
    of.night()
    of.contracts = [contract(time=TimeTerms(rates=HUNDRED))]
    after = of.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000} and codes(after) == ["moved"]
