"""Our own mark at the source, read back: no edit, no drift, nothing held, and a later edit is still found."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.contract import Cap, Contract, ExpenseTerms, MilestoneTerms, ProjectRef, Rate, RateCard, TimeTerms
from tests.unit.rules.night import Firm, causes, codes, hours, milestone, row, spent

HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))
MARKED: dict[str, Any] = {
    "an attribute of time that Tempo shows": (hours("t1", "10.00"), {"billed_at_source": True}),
    "a field of an expense": (spent("e1", "80.00"), {"billed_at_source": True}),
    "a custom field of time": (hours("t1", "10.00"), {"custom": {"invoice": "BS-1"}}),
    "a custom field of a milestone": (
        milestone("m1", "Design", "2026-03-02", amount=Decimal(500), currency="USD"),
        {"custom": {"invoice": "BS-1"}},
    ),
}


def firm(**terms: Any) -> Firm:
    contract = Contract(
        id="C", client="acme", currency="USD", projects=(ProjectRef(account="work", id="P-1"),),
        time=TimeTerms(rates=HUNDRED), expenses=ExpenseTerms(), milestones=MilestoneTerms(), **terms,
    )  # fmt: skip
    return Firm(contracts=[contract])


@pytest.mark.parametrize("capped", [False, True], ids=["rests", "never rests"])
@pytest.mark.parametrize("case", MARKED)
def test_a_mark_of_ours_changes_no_cent_and_asks_nobody(case: str, capped: bool) -> None:
    record, mark = MARKED[case]
    of = firm(caps=(Cap(id="c", amount=10_000_000),) if capped else ()).see(record)
    billed = row(of.night()).billed
    assert billed > 0, "the test must bill something"
    of.see(replace(record, **mark))
    after = of.night()
    assert (row(after).billed, row(after).held, codes(after), after.drafts) == (billed, 0, [], ())


def test_an_edit_after_the_mark_is_still_told() -> None:
    record = hours("t1", "10.00")
    of = firm().see(record)
    of.night()
    of.see(replace(record, billed_at_source=True, hours=Decimal("12.00")))
    after = of.night()
    assert [cause for _, cause, _ in causes(after, "time/work/t1") if cause], "the two hours more are passed over"
    assert row(after).held == 20_000


def test_work_that_somebody_else_marked_waits_for_a_person() -> None:
    of = firm().see(replace(hours("t1", "10.00"), billed_at_source=True))
    assert causes(of.night(), "time/work/t1") == [("held", "billed_at_source", 100_000)]
