"""The corners of a night: what is on its way both ways, what left the terms, what nobody can measure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import Settled
from billsync.model.contract import (
    Billing,
    Cap,
    Condition,
    ContractChange,
    ExpenseTerms,
    Holdback,
    HoldbackRelease,
    MilestoneMatch,
    MilestoneTerms,
    ProjectRef,
    ScheduleLine,
    Signature,
    TimeTerms,
    Trigger,
)
from billsync.model.errors import LedgerError
from billsync.rules.statement import statement
from tests.unit.rules.given import contract
from tests.unit.rules.night import (
    SUBMITTED,
    Firm,
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

T1 = "time/work/t1"


def line(kind: Any, **more: Any) -> ScheduleLine:
    fields: dict[str, Any] = {"id": "l", "name": "Line", "amount": 100000, **more}
    trigger = {name: fields.pop(name) for name in ("match", "on", "every", "at_hours", "progress_of") if name in fields}
    return ScheduleLine(trigger=Trigger(kind=kind, **trigger), **fields)


DESIGN = MilestoneMatch(name="Design")


# On the way, in both directions


def test_a_credit_on_its_way_is_in_flight_and_asked_for_once() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "10.00"))
    of.night()
    of.decide("credit", T1, amount=30000)
    of.intend(of.look().drafts[0], "sending")
    now = of.look()
    assert figures(row(now)) == {"earned": 100000, "billed": 100000, "in_flight": -30000, "held": 30000}
    assert now.drafts == ()


def test_a_true_up_on_its_way_is_not_proposed_again() -> None:
    of = Firm(contracts=[contract(after_billing="true_up")]).see(hours("t1", "10.00"))
    of.night()
    of.see(hours("t1", "8.00"))
    of.intend(of.look().drafts[0], "unknown")
    now = of.look()
    assert figures(row(now)) == {"earned": 80000, "billed": 100000, "in_flight": -20000} and now.drafts == ()


def test_holdback_on_its_way_out_stays_withheld_and_is_not_paid_twice() -> None:
    releases = (HoldbackRelease(id="r", trigger=Trigger(kind="manual")),)
    terms = contract(holdback=Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=releases))
    of = Firm(contracts=[terms]).see(hours("t1", "10.00"))
    of.night()
    assert of.look().drafts == ()
    of.decide("bill", "C/release/r")
    [draft] = of.look().drafts
    assert lines([draft]) == [("release", 10000)]
    of.intend(draft, "unknown")
    now = of.look()
    assert now.drafts == () and row(now).withheld == 10000
    assert [(one.code, one.identity, one.amount) for one in now.findings] == [
        ("unknown_outcome", draft.reference, 10000)
    ], "a release that may be in the books or not is called well"
    assert now.verdict == "findings"
    of.confirm(draft)
    assert of.look().findings == ()
    assert figures(row(of.look())) == {"earned": 100000, "billed": 100000}


def test_a_held_release_is_not_paid() -> None:
    releases = (HoldbackRelease(id="r", trigger=Trigger(kind="dated", on=day("2026-05-01"))),)
    terms = contract(holdback=Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=releases))
    of = Firm(contracts=[terms]).see(hours("t1", "10.00"))
    of.decide("hold", "C/release/r")
    assert row(of.night()).withheld == 10000
    of.decide("release", "C/release/r")
    assert row(of.night()).withheld == 0


def test_a_release_waits_for_the_day_of_its_contract() -> None:
    releases = (HoldbackRelease(id="r", trigger=Trigger(kind="dated", on=day("2026-06-10"))),)
    holdback = Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=releases)
    billing = Billing(period="monthly", day=5)
    of = Firm(contracts=[contract(holdback=holdback, billing=billing)], today=day("2026-05-05"))
    of.see(hours("t1", "10.00"))
    of.nights("2026-06-30")
    assert row(of.look()).withheld == 10000 and of.look().drafts == ()
    of.nights("2026-07-05")
    assert row(of.look()).withheld == 0


# Drift that has to wait


def drifted(now: str = "12.00", **more: Any) -> Firm:
    of = Firm(contracts=[contract(after_billing="true_up", **more)]).see(hours("t1", "10.00"))
    of.night()
    of.see(hours("t1", now))
    return of


def test_a_true_up_does_not_apply_to_what_was_deleted() -> None:
    of = drifted()
    of.vanish("t1")
    assert causes(of.night(), T1) == [("billed", "", 100000), ("held", "deleted", 20000)]


def test_a_hold_stops_a_true_up_both_ways() -> None:
    for amount, drift in (("12.00", 20000), ("8.00", -20000)):
        of = drifted(amount)
        of.decide("hold", T1)
        assert causes(of.night(), T1)[-1] == ("held", "hold", drift)


def test_more_work_on_credited_work_waits_with_the_credit() -> None:
    of = Firm(contracts=[contract(after_billing="true_up")]).see(hours("t1", "10.00"))
    of.night()
    of.decide("credit", T1, amount=1)
    of.night()
    of.see(hours("t1", "11.00"))
    after = of.night()
    assert after.drafts == () and causes(after, T1)[-1] == ("held", "credited", 10001)


def test_a_drift_is_not_billed_while_its_work_is_open_again() -> None:
    of = drifted()
    of.see(hours("t1", "12.00", approval=SUBMITTED))
    assert causes(of.night(), T1)[-1] == ("held", "reopened", 20000)


def test_a_cent_of_capped_work_edited_after_billing_is_drift_not_room() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", amount=50000),))]).see(hours("t1", "3.00"))
    of.night()
    of.see(hours("t1", "4.00"))
    assert causes(of.night(), T1)[-1] == ("held", "drift", 10000)


# Terms that have no amount, or end


def test_a_percent_of_no_value_is_said_for_every_trigger() -> None:
    none: dict[str, Any] = {"amount": None, "percent": Decimal(10)}
    dated = line("dated", id="a", on=day("2026-05-01"), **none)
    reached = line("threshold", id="b", at_hours=Decimal(1), **none)
    manual = line("manual", id="c", **none)
    of = Firm(contracts=[contract(lines=(dated, reached, manual))]).see(hours("t1", "2.00"))
    of.decide("bill", "C/line/c")
    now = of.look()
    assert codes(now) == ["amount_missing"] * 3
    assert [finding.identity for finding in now.findings] == ["C/line/a", "C/line/b", "C/line/c"]


def test_percents_above_a_hundred_stop_at_the_contract_value() -> None:
    half = {"amount": None, "percent": Decimal(60)}
    both = (line("dated", id="a", on=day("2026-05-01"), **half), line("dated", id="b", on=day("2026-05-02"), **half))
    after = Firm(contracts=[contract(value=1000, lines=both)]).night()
    assert figures(row(after)) == {"earned": 1200, "billed": 600, "held": 600}


def test_a_change_order_ends_repeated_progress_and_threshold_lines() -> None:
    repeated = line("dated", id="a", on=day("2026-01-01"), every="month")
    progress = line("progress", id="b", match=DESIGN, progress_of="milestone")
    reached = line("threshold", id="c", at_hours=Decimal(1))
    done = line("milestone", id="d", match=MilestoneMatch(name="Open"))
    of = Firm(contracts=[contract(lines=(repeated, progress, reached, done))], today=day("2026-03-10"))
    of.see(milestone("m", "Design", percent=Decimal(40)), milestone("o", "Open"))
    assert row(of.night()).billed == 300000 + 40000
    change = ContractChange(
        id="CO", name="End", value=0, signed_on=day("2026-03-15"), removes=frozenset({"a", "b", "c", "d"})
    )
    of.contracts = [replace(of.contracts[0], change_orders=(change,))]
    of.today = day("2026-06-01")
    of.see(milestone("m", "Design", percent=Decimal(90)), hours("t", "5.00", "2026-05-01"))
    after = of.night()
    assert row(after).earned == 300000 + 40000 + 50000
    assert after.not_earned == () and codes(after) == []


def test_an_unsigned_contract_says_what_its_finished_lines_would_be_worth() -> None:
    percent: dict[str, Any] = {"amount": None, "percent": Decimal(25)}
    done = line("milestone", id="a", match=DESIGN, **percent)
    dated = line("dated", id="b", on=day("2026-05-01"))
    later = line("dated", id="c", on=day("2026-08-01"))
    terms = contract(value=400000, signature=Signature(required=True), lines=(done, dated, later))
    now = Firm(contracts=[terms]).see(milestone("m", "Design", "2026-04-01")).look()
    assert [(one.identity, one.amount) for one in now.findings] == [("C/line/a", 100000), ("C/line/b", 100000)]
    assert [(one.identity, one.cause) for one in now.not_earned] == [
        ("C/line/a", "contract_unsigned"), ("C/line/b", "contract_unsigned"), ("C/line/c", "open_milestone"),
    ]  # fmt: skip


# Milestones at their own amount


def test_loose_milestones_wait_for_a_signature_stand_when_open_again_and_may_vanish() -> None:
    terms = contract(milestones=MilestoneTerms(), signature=Signature(required=True))
    of = Firm(contracts=[terms]).see(milestone("m", "Design", "2026-04-01", amount=Decimal(10)))
    now = of.look()
    assert codes(now) == ["contract_unsigned"] and [one.cause for one in now.not_earned] == ["contract_unsigned"]
    of.contracts = [replace(terms, signature=Signature())]
    assert row(of.night()).billed == 1000
    of.see(milestone("m", "Design", "2026-04-01"))  # the amount is gone: what was billed stands
    assert figures(row(of.night())) == {"earned": 1000, "billed": 1000}
    of.see(milestone("x", "Open"))
    of.vanish("x", "milestone")
    assert [(one.key.id, one.cause) for one in of.look().not_valued] == [("x", "deleted")]


def test_a_milestone_whose_earlier_versions_are_lost_stands_as_billed() -> None:
    of = Firm(contracts=[contract(milestones=MilestoneTerms())])
    of.see(milestone("m", "Design", "2026-04-01", amount=Decimal(10)))
    of.night()
    of.see(milestone("m", "Design", amount=Decimal(10)))
    of.history.clear()
    after = of.night()
    assert figures(row(after)) == {"earned": 1000, "billed": 1000} and codes(after) == ["reopened"]


def test_a_vanished_milestone_that_nobody_billed_is_gone() -> None:
    of = Firm(contracts=[contract(lines=(line("manual"),))]).see(milestone("m", "Design"))
    of.vanish("m", "milestone")
    assert [(one.why, one.cause) for one in of.look().not_valued] == [("not_billable", "deleted")]
    assert codes(of.look()) == []


def test_a_finished_milestone_of_no_contract_is_found() -> None:
    of = Firm(contracts=[]).see(milestone("m", "Design", "2026-04-01"), milestone("n", "Later"))
    now = of.look()
    assert codes(now) == ["unmapped"] and "no contract names project P-1" in now.findings[0].text
    assert [(one.name, one.contract) for one in now.not_earned] == [("Later", "")]


# What nobody measures


def test_a_finished_milestone_is_a_hundred_percent_done() -> None:
    progress = line("progress", match=DESIGN, progress_of="milestone")
    of = Firm(contracts=[contract(lines=(progress,))]).see(milestone("m", "Design", "2026-04-01"))
    assert row(of.look()).earned == 100000
    of.see(milestone("m", "Design"))
    assert row(of.look()).earned == 0


def test_nothing_done_is_nothing_earned() -> None:
    progress = line("progress", match=DESIGN, progress_of="milestone")
    now = Firm(contracts=[contract(lines=(progress,))]).see(milestone("m", "Design", percent=Decimal(0))).look()
    assert now.items == () and [one.cause for one in now.not_earned] == ["open_milestone"]


def test_a_budget_nobody_told_reaches_nothing() -> None:
    of = Firm(contracts=[contract(lines=(line("progress", progress_of="budget"), replace(line("threshold"), id="t")))])
    of.see(hours("t1", "10.00"), project(budget=Decimal(50), currency="EUR"))
    assert row(of.look()).earned == 100000
    half = ScheduleLine(id="h", name="Half", amount=5, trigger=Trigger(kind="threshold", at_percent=Decimal(50)))
    of = Firm(contracts=[contract(lines=(half,))]).see(hours("t1", "10.00"), project(budget_hours=Decimal(20)))
    assert row(of.look()).earned == 100005
    of.vanish("P-1", "project")
    assert row(of.look()).earned == 100000


def test_a_field_of_a_record_that_is_no_milestone_meets_nothing() -> None:
    complete = Condition(kind="any")
    terms = contract(
        lines=(
            ScheduleLine(
                id="l", name="L", amount=1, trigger=Trigger(kind="milestone", match=DESIGN, complete=complete)
            ),
        )
    )
    assert Firm(contracts=[terms]).see(milestone("m", "Design", "2026-04-01")).look().items == ()


def test_a_milestone_gone_from_the_ledger_leaves_its_line_standing() -> None:
    of = Firm(contracts=[contract(lines=(line("milestone", match=DESIGN),))])
    of.see(milestone("m", "Design", "2026-04-01"))
    of.night()
    of.records.clear()
    after = of.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000} and codes(after) == ["reopened"]


def test_a_project_that_feeds_time_alone_has_no_milestones() -> None:
    ref = ProjectRef(account="work", id="P-1", feeds=frozenset({"time"}))
    of = Firm(contracts=[contract(projects=(ref,), lines=(line("milestone", match=DESIGN),))])
    of.see(milestone("m", "Design", "2026-04-01"))
    assert row(of.look()).earned == 0 and [one.cause for one in of.look().not_earned] == ["open_milestone"]


def test_no_version_has_a_rate() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "9.00"), hours("t1", "10.00"))
    of.night()
    of.contracts = [contract(time=TimeTerms())]
    assert figures(row(of.night())) == {"earned": 100000, "billed": 100000}


def test_what_vanished_while_it_was_open_again_is_said_once() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00"))
    of.night()
    of.see(hours("t1", "1.00", approval=SUBMITTED))
    of.history.clear()
    of.vanish("t1")
    assert figures(row(of.night())) == {"earned": 10000, "billed": 10000}


def test_a_document_refused_before_its_work_was_billed_says_nothing_more() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00"))
    [draft] = of.look().drafts
    of.intend(draft, "refused")
    refused = list(of.intents)
    of.confirm(draft)
    of.intents = refused
    of.see(hours("t1", "1.00", notes="the same"), hours("t2", "1.00"))
    assert {(item.bucket, item.cause) for item in of.look().items} == {("billed", ""), ("ready", "next_sync")}


def test_a_credit_leaves_other_work_of_the_night_alone() -> None:
    of = Firm(contracts=[contract(after_billing="true_up")]).see(hours("t1", "1.00"), hours("t2", "1.00"))
    of.night()
    of.decide("credit", T1)
    of.see(hours("t1", "2.00"), hours("t2", "0.50"))
    drafts = {draft.key: draft.total for draft in of.look().drafts}
    assert drafts == {"C": -5000, "C/credit": -10000}


# Out of cycle, leftovers, corrections


def test_work_of_no_project_has_no_cycle_but_its_own() -> None:
    of = Firm(contracts=[contract(projects=(), billing=Billing(period="monthly", day=5))])
    of.decide("bill", "C")  # no amount: nothing to bill
    of.decide("bill", "C", amount=500)
    assert [(item.amount, item.cause) for item in of.look().items] == [(500, "waits_for_period")]


def test_an_expense_of_a_lost_contract_keeps_its_name() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms())]).see(spent("a", "5", category="Taxi"))
    made = of.decide("bill", "C", amount=500)
    of.night()
    of.contracts = []
    assert {item.identity for item in of.night().items} == {"expense/work/a", f"C/manual/{made.id}"}


def test_a_correction_of_nothing_we_know_stays_held() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", amount=50000),))]).see(hours("t1", "-1.00"), hours("t2", "2.00"))
    of.decide("correct", T1, target="time/work/nobody")
    assert causes(of.look(), T1) == [("held", "negative_quantity", -10000)]
    of.decide("correct", T1, target="time/work/t2")
    [draft] = of.look().drafts
    assert draft.total == 10000 and len(draft.lines[0].parts[0].evidence) == 2


# The statement


def test_what_rests_is_on_the_statement() -> None:
    rest = Settled(contract="C", client="acme", currency="USD", items=2, amount=1000, withheld=100)
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00"))
    of.facts_more = {"settled": (rest,)}
    assert figures(row(of.night())) == {"earned": 11000, "billed": 10900, "withheld": 100}


def test_a_statement_that_does_not_balance_is_refused() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00"))
    with pytest.raises(LedgerError, match="the statement of C does not balance: -10000 minor units of USD"):
        statement(of.look().items, (), ())


def test_work_billed_under_two_contracts_does_not_rest() -> None:
    other = contract(id="D", projects=(ProjectRef(account="work", id="P-2"),), after_billing="true_up")
    of = Firm(contracts=[contract(after_billing="true_up"), other]).see(hours("t1", "1.00"))
    of.night()
    of.see(hours("t1", "1.00", project="P-2"))
    of.nights("2026-05-14")
    assert figures(row(of.look(), "D")) == {"earned": 10000, "billed": 10000}
    assert of.look().resting == ()
