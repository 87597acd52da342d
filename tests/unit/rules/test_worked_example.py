"""The worked example of the concepts page, figure by figure: contract ACME-2026-01."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billsync.model.contract import (
    Cap,
    Contract,
    ContractChange,
    Holdback,
    MilestoneMatch,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    Signature,
    TimeTerms,
    Trigger,
)
from billsync.model.statement import Evaluation
from tests.unit.rules.night import SUBMITTED, Firm, accepted, causes, codes, day, figures, hours, lines, milestone, row

C = "ACME-2026-01"


def done(id: str, name: str, amount: int, **more: object) -> ScheduleLine:
    return ScheduleLine(
        id=id,
        name=name,
        amount=amount,
        trigger=Trigger(kind="milestone", match=MilestoneMatch(name=name)),
        **more,  # type: ignore[arg-type]
    )


def contract() -> Contract:
    return Contract(
        id=C,
        client="acme",
        currency="USD",
        projects=(ProjectRef(account="work", id="P-1"),),
        value=11000000,
        signature=Signature(required=True, on=day("2026-02-01")),
        lines=(
            ScheduleLine(
                id="mobilisation",
                name="Mobilisation",
                percent=Decimal(20),
                trigger=Trigger(kind="dated", on=day("2026-02-01")),
            ),
            done("schematic", "Schematic design", 2750000),
            done("permit", "Permit set", 3300000, requires=frozenset({"acceptance"})),
            done("final", "Final completion", 2750000),
        ),
        change_orders=(
            ContractChange(
                id="CO-1", name="Garage", value=1200000, signed_on=day("2026-05-02"),
                lines=(done("garage", "Garage", 1200000),),
            ),
            ContractChange(
                id="CO-2", name="Deck", value=800000, signed_on=None, lines=(done("deck", "Deck", 800000),)
            ),
        ),
        time=TimeTerms(rates=RateCard(id="advisory", currency="USD", rates=(Rate(amount=Decimal("180.00")),))),
        caps=(Cap(id="advisory", amount=500000),),
        holdback=Holdback(percent=Decimal(10)),
    )  # fmt: skip


@pytest.fixture
def firm() -> Firm:
    firm = Firm(contracts=[contract()])
    firm.see(
        milestone("1", "Schematic design", "2026-03-13"),
        milestone("2", "Permit set", "2026-04-10"),
        milestone("3", "Final completion"),
        milestone("4", "Garage"),
        milestone("5", "Deck", "2026-05-04"),
        hours("t1", "12.00", "2026-04-01"),
        hours("t2", "18.00", "2026-04-02"),
        hours("t3", "4.00", "2026-04-03", approval=SUBMITTED),
    )
    return firm


def test_before_anything_is_billed_held_and_ready_are_gross_of_holdback(firm: Firm) -> None:
    assert figures(row(firm.look(), C)) == {
        "earned": 8790000,
        "ready": 2200000 + 2750000 + 500000,
        "held": 3300000,
        "capped": 40000,
    }


def test_the_draft_bills_every_cent_that_is_due(firm: Firm) -> None:
    [draft] = firm.look().drafts
    assert draft.kind == "invoice" and draft.reference.startswith("BS-") and len(draft.reference) == 15
    assert lines([draft]) == [
        ("milestone", 2750000),
        ("dated", 2200000),
        ("time", 216000),
        ("time", 284000),
        ("holdback", -495000),
    ]
    assert draft.total == 4955000


@pytest.fixture
def billed(firm: Firm) -> Evaluation:
    return firm.night()


def test_each_figure(billed: Evaluation) -> None:
    found = row(billed, C)
    assert found.earned == 2200000 + 2750000 + 3300000 + 540000 == 8790000
    assert found.billed == 2200000 - 220000 + 2750000 - 275000 + 500000 == 4955000
    assert (found.withheld, found.held, found.capped) == (495000, 3300000, 40000)
    assert (found.credited, found.written_off, found.ready, found.in_flight) == (0, 0, 0, 0)
    assert found.difference == 8790000 - (4955000 + 495000 + 3300000 + 40000) == 0


def test_findings(billed: Evaluation) -> None:
    assert codes(billed) == ["acceptance_missing", "cap_reached", "change_order_unsigned"]
    found = {finding.code: finding for finding in billed.findings}
    assert found["acceptance_missing"].identity == f"{C}/line/permit"
    assert found["acceptance_missing"].amount == 3300000
    assert found["acceptance_missing"].owner == "project manager"
    assert found["acceptance_missing"].age_days == 30  # from 10 April to 10 May
    assert found["change_order_unsigned"].identity == f"{C}/line/deck"
    assert found["change_order_unsigned"].amount == 800000
    assert found["change_order_unsigned"].owner == "contract owner"
    assert "5,000.00 USD of 5,000.00 USD used, 400.00 USD capped" in found["cap_reached"].text
    assert billed.verdict == "findings"


def test_what_is_not_earned(billed: Evaluation) -> None:
    waiting = {(one.name, one.cause) for one in billed.not_earned}
    assert ("Final completion", "open_milestone") in waiting
    assert ("Garage", "open_milestone") in waiting
    assert ("Deck", "change_order_unsigned") in waiting
    [submitted] = [one for one in billed.not_earned if one.cause == "unapproved"]
    assert (submitted.identity, submitted.hours) == ("time/work/t3", Decimal("4.00"))
    assert len(billed.not_earned) == 4
    assert billed.not_valued == ()


def test_nothing_is_billed_twice(firm: Firm, billed: Evaluation) -> None:
    assert billed.drafts == () and billed.held_drafts == ()
    posted = len(firm.postings)
    firm.nights("2026-05-20")
    assert len(firm.postings) == posted, "a later night posted something although nothing had changed"


def test_the_item_says_where_each_cent_is(billed: Evaluation) -> None:
    assert causes(billed, f"{C}/line/permit") == [("held", "acceptance_missing", 3300000)]
    assert causes(billed, f"{C}/line/schematic") == [("billed", "", 2475000), ("withheld", "withheld", 275000)]
    assert causes(billed, "time/work/t2") == [("billed", "", 284000), ("capped", "cap_reached", 40000)]


def test_acceptance_lets_the_permit_set_go(firm: Firm, billed: Evaluation) -> None:
    firm.see(milestone("2", "Permit set", "2026-04-10", acceptance=accepted("2026-05-09")))
    after = firm.night()
    assert row(after, C).billed == 4955000 + 3300000 - 330000
    assert row(after, C).withheld == 495000 + 330000
    assert codes(after) == ["cap_reached", "change_order_unsigned"]
