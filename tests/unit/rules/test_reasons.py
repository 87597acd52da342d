"""What a line says of itself: whose work, where, why so much, by whose word."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billsync.model.contract import (
    Billing,
    Client,
    MilestoneMatch,
    Payer,
    ScheduleLine,
    Trigger,
)
from billsync.model.invoice import Line
from tests.unit.rules.given import contract
from tests.unit.rules.night import Firm, day, hours, milestone, project

T1 = "time/work/t1"


def one_line(of: Firm) -> Line:
    """The only line that is proposed tonight."""
    [line] = [line for draft in of.look().drafts for line in draft.lines]
    return line


def billed(**more: Any) -> Firm:
    of = Firm(contracts=[contract(**more)]).see(project(), hours("t1", "3.00", person_name="Ana Roe", task="Drawings"))
    of.night()
    return of


def test_a_line_says_whose_work_it_is_and_where() -> None:
    of = Firm(contracts=[contract()]).see(project(), hours("t1", "3.00", person_name="Ana Roe"))
    line = one_line(of)
    assert (line.person, line.project, line.quantity) == ("Ana Roe", "City Hall", Decimal(3))
    of = billed(after_billing="true_up")
    of.decide("credit", T1)
    line = one_line(of)
    assert (line.person, line.project, line.quantity, line.done_on) == ("Ana Roe", "City Hall", None, day("2026-03-02"))


def test_an_adjustment_says_what_changed_since() -> None:
    of = billed(after_billing="true_up")
    of.see(hours("t1", "4.00", person_name="Ana Roe", task="Drawings"))
    line = one_line(of)
    assert (line.kind, line.text) == ("adjustment", "Adjustment: Ana Roe, 2026-03-02, Drawings")
    assert line.parts[0].because[-1] == "100.00 USD since it was billed"
    assert line.quantity is None and line.parts[0].quantity is None


def test_what_is_billed_once_more_says_by_whose_word_and_bears_no_hours() -> None:
    of = billed()
    of.decide("credit", T1)
    of.night()
    made = of.decide("rebill", T1, person="ann", reason="the dispute is over")
    line = one_line(of)
    assert line.parts[0].because[-1] == "billed once more: ann, the dispute is over"
    assert (line.amount, line.quantity, line.parts[0].decision) == (30000, None, made.id)


def test_a_share_says_whose_it_is() -> None:
    payers = (Payer(client="acme", share=Decimal(1)), Payer(client="city", share=Decimal(2)))
    of = Firm(contracts=[contract(payers=payers)], clients=[Client(id="acme", name="A"), Client(id="city", name="C")])
    of.see(hours("t1", "3.00"))
    said = {draft.client: draft.lines[0].parts[0].because[-1] for draft in of.look().drafts}
    assert said == {"acme": "share of acme: 100.00 USD", "city": "share of city: 200.00 USD"}
    assert all(line.parts[0].quantity is None for draft in of.look().drafts for line in draft.lines)


def test_a_credit_bears_the_item_of_its_line_else_that_of_its_kind() -> None:
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    line = ScheduleLine(id="d", name="Design", amount=1000, trigger=trigger, item="DESIGN")
    billing = Billing(items={"time": "HOURS", "milestone": "FEE"})
    of = Firm(contracts=[contract(lines=(line,), billing=billing)])
    of.see(hours("t1", "1.00"), milestone("m", "Design", "2026-04-01"))
    of.night()
    of.decide("credit", of.postings[0].fact.invoice)
    [draft] = of.look().drafts
    assert {line.text.partition(":")[2].strip()[:6]: line.item for line in draft.lines} == {
        "Design": "DESIGN",
        "ana, 2": "HOURS",
    }
