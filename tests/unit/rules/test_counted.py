"""What thresholds count, what lost its rate, corrections, and releases of holdback: small figures, whole nights."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billsync.model.contract import (
    Contract,
    ExpenseTerms,
    Holdback,
    HoldbackRelease,
    Included,
    MilestoneMatch,
    Rate,
    RateCard,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from tests.unit.rules.given import HUNDRED, contract
from tests.unit.rules.night import Firm, causes, codes, day, hours, milestone, row, spent

CENT = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal("0.01")),))
T1 = "time/work/t1"
LINE = "C/line/l"


def at_hours(limit: str, **more: Any) -> Firm:
    """A firm with a fee of 1,000.00 from so many hours on."""
    trigger = Trigger(kind="threshold", at_hours=Decimal(limit))
    line = ScheduleLine(id="l", name="Fee", amount=100000, trigger=trigger)
    return Firm(contracts=[contract(lines=(line,), **more)])


def reached(of: Firm) -> bool:
    return bool(causes(of.look(), LINE))


# Thresholds


def test_hours_marked_as_not_billable_after_billing_count_no_more() -> None:
    of = at_hours("10.00").see(hours("t1", "6.00"))
    of.night()
    of.see(hours("t1", "6.00", billable=False), hours("t2", "5.00"))
    assert not reached(of)
    of.see(hours("t3", "5.00"))
    assert reached(of)


def test_included_hours_count_though_they_are_worth_nothing() -> None:
    of = at_hours("5.00", time=TimeTerms(rates=HUNDRED, included=Included(hours=Decimal(9)))).see(hours("t1", "5.00"))
    assert row(of.look()).earned == 100000 and reached(of)


def test_a_correction_takes_nothing_from_a_threshold() -> None:
    of = at_hours("5.00", time=TimeTerms(rates=CENT)).see(hours("t0", "-1.00", "2026-03-01"), hours("t1", "5.00"))
    assert reached(of), "negative hours wait for a person, and count nothing before"


def test_an_expense_is_no_hours() -> None:
    of = at_hours("5.00", expenses=ExpenseTerms()).see(spent("e", "10.00"), hours("t1", "4.00"))
    assert not reached(of)
    of.see(hours("t2", "1.00"))
    assert reached(of)


# Without a rate


def test_billed_work_that_has_no_rate_any_more_does_not_rest() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "1.00"))
    of.night()
    assert [rest.identity for rest in of.look().resting] == [T1]
    only = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100), person="bob"),))
    of.contracts = [contract(time=TimeTerms(rates=only))]
    now = of.look()
    assert now.resting == () and codes(now) == ["reopened"]


@pytest.mark.parametrize(("before", "code"), [("2026-03-02", "no_rate"), ("2026-03-03", "")])
def test_work_of_the_opening_day_itself_is_billsync_s(before: str, code: str) -> None:
    terms = contract(time=TimeTerms(), opening_before=day(before))
    of = Firm(contracts=[terms]).see(hours("t1", "1.00", "2026-03-02"))
    assert codes(of.look()) == ([code] if code else [])


# Corrections


def test_no_hours_are_no_correction() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms())]).see(hours("t1", "0.00"), spent("e", "0.00"))
    assert codes(of.look()) == []


def test_a_correction_counts_where_it_belongs_also_when_nothing_was_there() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "0.00"), hours("t2", "-1.00"))
    of.decide("correct", "time/work/t2", target=T1)
    [item] = [item for item in of.look().items if item.identity == T1]
    assert (item.hours, item.amount) == (Decimal(-1), -10000)


def test_an_expense_of_nobody_names_nobody() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms())]).see(spent("e", "7.00"))
    assert [item.person for item in of.look().items] == [""]


# Releases


def kept(*releases: HoldbackRelease, **more: Any) -> Contract:
    terms = Holdback(percent=Decimal(10), kinds=frozenset({"time", "milestone"}), releases=releases)
    return contract(holdback=terms, **more)


def on_done() -> HoldbackRelease:
    return HoldbackRelease(id="done", trigger=Trigger(kind="milestone", match=MilestoneMatch(name="Done")))


def test_the_milestone_of_a_release_is_no_work_that_nobody_bills() -> None:
    line = ScheduleLine(id="d", name="Design", amount=1, trigger=Trigger(kind="manual"))
    of = Firm(contracts=[kept(on_done(), lines=(line,))]).see(milestone("x", "Done", "2026-05-01"))
    assert codes(of.look()) == []


def test_a_release_names_itself_and_stands_for_later_work_once_it_paid() -> None:
    of = Firm(contracts=[kept(on_done())]).see(hours("t1", "1.00"))
    of.night()
    of.see(milestone("x", "Done", "2026-05-10"))
    [draft] = of.look().drafts
    assert [(line.kind, line.text, line.amount) for line in draft.lines] == [
        ("release", "Holdback released: done", 1000)
    ]
    assert draft.lines[0].parts[0].because == ("released: done",)
    of.night()
    of.today = day("2026-05-11")
    of.see(milestone("x", "Done"), hours("t2", "1.00", "2026-05-11"))
    [draft] = of.look().drafts
    assert [(line.kind, line.amount) for line in draft.lines] == [("time", 10000)], (
        "withheld again after it was released"
    )


@pytest.mark.parametrize(("rounding", "withheld"), [("half_up", -1), ("half_even", 0)])
def test_holdback_rounds_as_the_contract_says(rounding: Any, withheld: int) -> None:
    of = Firm(contracts=[kept(time=TimeTerms(rates=CENT), rounding=rounding)]).see(hours("t1", "5.00"))
    [draft] = of.look().drafts
    assert sum(line.amount for line in draft.lines if line.kind == "holdback") == withheld
