"""The last day and the last cent: what is just in, and what is just out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.contract import (
    Billing,
    Cap,
    Client,
    Condition,
    Gates,
    Holdback,
    HoldbackRelease,
    MilestoneMatch,
    Payer,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    Signature,
    TimeTerms,
    Trigger,
)
from billsync.rules.findings import age_of
from tests.unit.rules.given import contract
from tests.unit.rules.night import Firm, causes, codes, day, figures, hours, lines, milestone, project, row

CENT = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal("0.01")),))
T1 = "time/work/t1"


def firm(**more: Any) -> Firm:
    return Firm(contracts=[contract(**more)])


def design(complete: Condition, **record: Any) -> Firm:
    """A firm with one milestone line and its milestone."""
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"), complete=complete)
    line = ScheduleLine(id="d", name="Design", amount=1000, trigger=trigger)
    return firm(lines=(line,)).see(milestone("m", "Design", **record))


# What should have happened


def test_what_is_planned_for_today_is_not_late() -> None:
    of = design(Condition(kind="completed"), due_on=day("2026-05-10"))
    assert codes(of.look()) == []
    of.today = day("2026-05-11")
    assert codes(of.look()) == ["planned_date_passed"]


def test_hours_that_came_with_the_closed_project_are_not_after_it() -> None:
    of = firm().see(project(closed=True), hours("t1", "1.00"))
    assert codes(of.look()) == ["hours_on_closed_project"]
    at = {seen.first_seen for seen in of.records.values()}
    of.records = {key: replace(seen, first_seen=min(at)) for key, seen in of.records.items()}
    assert codes(of.look()) == [], "the source told both at once"


@pytest.mark.parametrize(("last", "found"), [("2026-04-30", []), ("2026-04-29", ["person_silent"])])
def test_a_person_is_silent_after_ten_days(last: str, found: list[str]) -> None:
    of = firm()
    of.facts_more = {"last_worked": {"work:ana": day(last)}}
    assert codes(of.look()) == found


def test_a_monthly_client_is_missed_from_the_day_after_the_billing_day() -> None:
    of = firm(billing=Billing(period="monthly", day=5))
    of.facts_more = {"last_billed": {"C": day("2026-04-05")}}
    of.today = day("2026-05-05")
    assert codes(of.look()) == [], "the day is not over"
    of.today = day("2026-05-06")
    assert codes(of.look()) == ["client_not_billed"]
    of.contracts = [contract(billing=Billing(period="monthly", day=5), ends_on=day("2026-05-06"))]
    assert codes(of.look()) == ["client_not_billed"], "the contract ends today: it runs still"


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({}, []),
        ({"starts_on": day("2026-05-04")}, ["client_not_billed"]),
        ({"starts_on": day("2026-01-01"), "opening_before": day("2026-05-05")}, []),
        ({"starts_on": day("2026-05-05")}, []),
    ],
    ids=["nobody knows since when", "begun before the day", "opened after it", "begun on it"],
)
def test_a_client_never_billed_is_missed_from_when_billsync_answers_for_it(terms: Any, found: list[str]) -> None:
    assert codes(firm(billing=Billing(period="monthly", day=5), **terms).look()) == found


# Caps


def test_work_worth_nothing_reaches_no_cap() -> None:
    of = firm(time=TimeTerms(rates=CENT), caps=(Cap(id="cap", amount=0),))
    of.see(hours("t1", "0.00"))
    assert codes(of.look()) == []
    of.see(hours("t1", "1.00"))
    assert causes(of.look(), T1) == [("capped", "cap_reached", 1)] and codes(of.look()) == ["cap_reached"]


# Conditions


def test_a_day_the_source_says_stands_though_it_was_seen_before() -> None:
    of = design(Condition(kind="completed"))
    of.today = day("2026-05-05")
    of.see(milestone("m", "Design", "2026-05-08"))
    of.today = day("2026-05-10")
    of.see(milestone("m", "Design", "2026-05-08", percent=Decimal(90)))
    assert [item.done_on for item in of.look().items] == [day("2026-05-08")]


def test_any_of_two_tests_is_met_on_the_earlier_day() -> None:
    either = Condition(kind="any", of=(Condition(kind="completed"), Condition(kind="due")))
    of = design(either, on="2026-05-08", due_on=day("2026-05-03"))
    assert [item.done_on for item in of.look().items] == [day("2026-05-03")]


def test_what_is_due_today_is_due() -> None:
    of = design(Condition(kind="due"), due_on=day("2026-05-10"))
    assert row(of.look()).earned == 1000
    of.today = day("2026-05-09")
    assert row(of.look()).earned == 0


@pytest.mark.parametrize(("percent", "earned"), [("99.99", 0), ("100", 1000)])
def test_a_percent_without_a_number_is_all_of_it(percent: str, earned: int) -> None:
    assert row(design(Condition(kind="percent"), percent=Decimal(percent)).look()).earned == earned


def test_one_document_of_several_is_enough() -> None:
    of = design(Condition(kind="document", texts=("*permit*.pdf",)), attachments=("photo.jpg", "the permit 7.pdf"))
    assert row(of.look()).earned == 1000


# Credits


def credits(of: Firm) -> list[int]:
    """Amounts of the credit lines proposed tonight."""
    return [amount for kind, amount in lines(of.look().drafts) if kind == "credit"]


def test_work_that_was_never_billed_has_nothing_to_give_back() -> None:
    of = firm().see(hours("t1", "1.00"))
    of.decide("hold", T1)
    of.decide("credit", T1)
    of.decide("credit", "BS-UNKNOWN")
    assert credits(of) == []


def test_a_cent_can_be_credited() -> None:
    of = firm(time=TimeTerms(rates=CENT)).see(hours("t1", "1.00"))
    of.night()
    of.decide("credit", T1)
    assert credits(of) == [-1]


def test_nothing_is_credited_while_one_payer_s_document_is_on_its_way() -> None:
    payers = (Payer(client="acme", share=Decimal(1)), Payer(client="city", share=Decimal(1)))
    of = firm(payers=payers, after_billing="true_up").see(hours("t1", "1.00"))
    of.clients.append(Client(id="city", name="City"))
    of.night()
    of.see(hours("t1", "2.00"))
    of.intend(of.look().drafts[0], "unknown")
    of.decide("credit", T1)
    assert credits(of) == []
    of.intents.clear()
    assert credits(of) == [-5000, -5000]


def test_what_an_invoice_bore_is_credited_once_though_the_work_stands_on_another_too() -> None:
    of = firm(after_billing="true_up").see(hours("t1", "1.00"))
    of.night()
    of.see(hours("t1", "1.50"))
    of.night()
    first = of.postings[0].fact.invoice
    of.decide("credit", first)
    assert credits(of) == [-10000]
    of.night()
    of.decide("credit", first)
    assert credits(of) == [], "the invoice bears nothing any more; what stands is on the other"


def test_a_posting_of_the_instant_of_a_decision_counts() -> None:
    of = firm().see(hours("t1", "1.00"))
    of.night()
    of.decide("credit", T1, at=of.postings[0].at)
    assert credits(of) == [-10000]


def test_a_part_of_an_invoice_is_taken_from_what_still_stands_on_it() -> None:
    of = firm().see(hours("t1", "1.00"), hours("t2", "0.50"))
    of.night()
    of.decide("credit", "time/work/t2")
    of.night()
    of.decide("credit", of.postings[0].fact.invoice, amount=9999)
    assert credits(of) == [-9999]


def test_a_credit_of_the_whole_gives_back_what_was_billed_before_holdback() -> None:
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"time"}))
    of = firm(holdback=kept).see(hours("t1", "1.00"))
    of.night()
    of.decide("credit", T1)
    after = of.night()
    assert figures(row(after)) == {"earned": 10000, "billed": 10000, "credited": 10000, "held": 10000}


def test_a_cent_that_was_let_go_is_not_credited() -> None:
    of = firm(time=TimeTerms(rates=CENT)).see(hours("t1", "1.00"))
    of.night()
    of.decide("credit", T1)
    of.let_go(of.postings[0].fact.invoice)
    assert credits(of) == []


def test_a_cent_more_waits_with_the_credit() -> None:
    of = firm(time=TimeTerms(rates=CENT), after_billing="true_up").see(hours("t1", "5.00"))
    of.night()
    of.see(hours("t1", "6.00"))
    of.decide("credit", T1, amount=1)
    assert causes(of.look(), T1)[-1] == ("held", "credited", 1)


# Holdback


@pytest.mark.parametrize(("worked", "kept"), [("4.00", []), ("5.00", [-1])])
def test_holdback_of_cents_is_rounded_once_half_up(worked: str, kept: list[int]) -> None:
    terms = Holdback(percent=Decimal(10), kinds=frozenset({"time"}))
    of = firm(time=TimeTerms(rates=CENT), holdback=terms).see(hours("t1", worked))
    [draft] = of.look().drafts
    assert [line.amount for line in draft.lines if line.kind == "holdback"] == kept
    assert [line.text for line in draft.lines if line.kind == "holdback"] == ["Holdback 10 %"] * len(kept)


# Documents in the books


def test_a_voided_document_carries_what_it_billed_less_what_it_withheld() -> None:
    releases = (HoldbackRelease(id="R", trigger=Trigger(kind="dated", on=day("2026-05-12"))),)
    of = firm(holdback=Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=releases))
    of.see(hours("t1", "1.00"))
    of.night()
    of.today = day("2026-05-11")
    of.decide("credit", T1, amount=4000)
    of.night()
    of.today = day("2026-05-12")
    of.night()
    names = list(dict.fromkeys(posting.fact.invoice for posting in of.postings))
    for name in names:
        of.read_back(name, "voided", 0, 1)
    found = {one.identity: one.amount for one in of.look().findings if one.code == "voided"}
    assert [found[name] for name in names] == [10000 - 1000, -4000 + 400, 600]
    of.read_back(names[0], "deleted", 0, 1)
    said = {one.identity: one.text for one in of.look().findings}
    assert said[names[0]] == "1001: deleted in the books, 90.00 USD of work stands on it"
    assert said[names[2]] == "1001: voided in the books, 6.00 USD of work stands on it"


def test_work_on_no_invoice_of_ours_is_on_no_document() -> None:
    of = firm(opening_before=day("2026-05-01")).see(hours("t1", "1.00"))
    of.night()
    of.read_back("", "voided", 0, 700)
    assert [(one.code, one.amount) for one in of.look().findings] == [("voided", 700)]


# Drafts


def test_terms_of_holdback_that_came_after_billing_pay_nothing_out() -> None:
    of = firm().see(hours("t1", "1.00"))
    of.night()
    half = HoldbackRelease(id="R", trigger=Trigger(kind="dated", on=day("2026-05-10")), percent=Decimal(50))
    terms = Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=(half,))
    of.contracts = [contract(holdback=terms)]
    assert of.look().drafts == (), "nothing was withheld of it"


def test_a_shared_document_needs_the_approval_that_one_of_its_contracts_wants() -> None:
    shared = {"billing": Billing(group="consolidated")}
    other = contract(id="D", projects=(ProjectRef(account="work", id="P-2"),), **shared)
    of = Firm(contracts=[contract(gates=Gates(release_threshold=1), **shared), other])
    of.see(hours("t1", "1.00"), hours("t2", "1.00", project="P-2"))
    assert [held.cause for held in of.look().held_drafts] == ["needs_approval"]
    assert of.look().drafts == ()


def test_a_cent_to_give_back_is_a_credit_memo() -> None:
    of = firm(time=TimeTerms(rates=CENT), after_billing="true_up").see(hours("t1", "5.00"))
    of.night()
    of.see(hours("t1", "4.00"))
    assert [(draft.kind, draft.total) for draft in of.look().drafts] == [("credit_memo", -1)]


def test_an_approval_is_of_whose_word_asked_for_it() -> None:
    of = firm().see(hours("t1", "1.00"))
    plain = of.look().drafts[0].hash
    of.decide("bill", "project/work/P-1")
    assert of.look().drafts[0].hash == plain, "a word on the project changes no document"
    of.night()
    of.decide("credit", T1)
    first = of.look().drafts[0].hash
    of.decisions[-1] = replace(of.decisions[-1], id=7)
    assert of.look().drafts[0].hash != first, "another decision asks for it: the approval was not of that"


# Moves, payers, and what is billed once more


def test_a_new_payer_need_not_wait_for_an_old_one_who_owes_more() -> None:
    of = firm(after_billing="true_up").see(hours("t1", "1.00"))
    of.clients.append(Client(id="city", name="City"))
    of.night()
    payers = (Payer(client="acme", share=Decimal(1)), Payer(client="city", share=Decimal(1)))
    of.contracts = [contract(after_billing="true_up", payers=payers)]
    of.see(hours("t1", "4.00"))
    assert {draft.client: draft.total for draft in of.look().drafts} == {"acme": 10000, "city": 20000}


def test_work_that_came_back_waits_until_the_other_contract_gave_it_back() -> None:
    other = contract(id="D", projects=(ProjectRef(account="work", id="P-2"),), after_billing="true_up")
    of = Firm(contracts=[contract(after_billing="true_up"), other]).see(hours("t1", "1.00"))
    of.night()
    of.see(hours("t1", "1.00", project="P-2"))
    of.night()
    of.night()
    assert [row(of.look(), name).billed - row(of.look(), name).credited for name in ("C", "D")] == [0, 10000]
    of.see(hours("t1", "1.00"))
    of.intend(of.look().drafts[0], "unknown")
    assert [part for part in causes(of.look(), T1) if part[0] == "held"] == [("held", "moved", 10000)]


def test_a_second_word_to_bill_once_more_takes_no_more_room() -> None:
    of = firm(caps=(Cap(id="cap", amount=10000),)).see(hours("t1", "1.00"))
    of.night()
    of.decide("credit", T1)
    of.night()
    of.decide("rebill", T1)
    of.decide("rebill", T1)
    assert [draft.total for draft in of.look().drafts] == [10000]
    of.night()
    assert figures(row(of.look())) == {"earned": 10000, "billed": 20000, "credited": 10000}


def test_a_new_payer_waits_for_a_cent_that_the_old_one_gets_back() -> None:
    of = firm(time=TimeTerms(rates=CENT), after_billing="true_up").see(hours("t1", "1.00"))
    of.clients.append(Client(id="city", name="City"))
    of.night()
    payers = (Payer(client="city", share=Decimal(1)),)
    of.contracts = [contract(time=TimeTerms(rates=CENT), after_billing="true_up", payers=payers)]
    assert {draft.client: draft.total for draft in of.look().drafts} == {"acme": -1}
    of.night()
    assert row(of.night(), client="city").billed == 1


def test_a_cent_that_was_credited_settles_a_cent_that_is_worth_less() -> None:
    of = firm(time=TimeTerms(rates=CENT)).see(hours("t1", "5.00"))
    of.night()
    of.decide("credit", T1, amount=1)
    of.night()
    of.see(hours("t1", "4.00"))
    assert figures(row(of.look())) == {"earned": 4, "billed": 5, "credited": 1}


# Ages, outliers, and what left the terms


@pytest.mark.parametrize(("on", "age"), [("2026-05-09", 1), ("2026-05-10", 0)])
def test_work_of_today_is_nought_days_old(on: str, age: int) -> None:
    of = firm().see(hours("t1", "1.00", on))
    of.decide("hold", T1)
    assert [item.age_days for item in of.look().items] == [age]
    assert age_of(of.facts(), day("2026-05-11")) == 0, "work of tomorrow has no age"


def test_an_outlier_is_said_though_something_of_the_line_was_credited() -> None:
    trigger = Trigger(kind="progress", match=MilestoneMatch(name="Design"), progress_of="milestone")
    of = firm(lines=(ScheduleLine(id="l", name="Design", amount=100000, trigger=trigger),))
    of.see(milestone("m", "Design", percent=Decimal(25)))
    of.night()
    of.decide("credit", "C/line/l", amount=5000)
    of.night()
    of.see(milestone("m", "Design", percent=Decimal(90)))
    of.facts_more = {"samples": {("acme", "progress"): (1000, 1100, 1050, 990, 1010, 1020, 980, 1000)}}
    assert "outlier" in codes(of.look())


def test_what_left_the_terms_is_as_old_as_what_was_billed_of_it_last() -> None:
    payers = (Payer(client="acme", share=Decimal(1)), Payer(client="city", share=Decimal(1)))
    of = firm(payers=payers).see(hours("t1", "1.00"))
    of.night()
    of.today = day("2026-05-11")
    of.clients.append(Client(id="city", name="City"))
    of.night()
    of.contracts, of.records = [], {}
    assert {item.done_on for item in of.look().items} == {day("2026-05-11")}


def test_what_we_billed_ourselves_drifts_and_is_not_opened() -> None:
    of = firm().see(hours("t1", "1.00"))
    of.night()
    of.contracts = [contract(opening_before=day("2026-05-01"))]
    of.see(hours("t1", "2.00"))
    assert causes(of.look(), T1)[-1] == ("held", "drift", 10000)


# Dated lines


def test_a_dated_percent_line_from_before_the_signature_is_of_the_value_that_was_signed() -> None:
    trigger = Trigger(kind="dated", on=day("2026-02-01"))
    line = ScheduleLine(id="l", name="Mobilisation", amount=None, percent=Decimal(20), trigger=trigger)
    of = firm(lines=(line,), value=50000, signature=Signature(required=True, on=day("2026-03-01")))
    assert figures(row(of.look())) == {"earned": 10000, "ready": 10000}


def test_a_line_of_today_is_not_also_to_come() -> None:
    line = ScheduleLine(id="l", name="Fee", amount=7, trigger=Trigger(kind="dated", on=day("2026-05-10")))
    of = firm(lines=(line,))
    assert row(of.look()).earned == 7 and of.look().not_earned == ()


def test_a_cent_of_room_that_came_back_is_taken_by_itself() -> None:
    of = firm(time=TimeTerms(rates=CENT), caps=(Cap(id="cap", amount=6),))
    of.see(hours("t1", "5.00", "2026-03-01"), hours("t2", "2.00", "2026-03-02"))
    of.night()
    of.decide("credit", "time/work/t1", amount=1)
    of.night()
    after = of.night()
    assert causes(after, "time/work/t2") == [("billed", "", 2)]


def test_what_nobody_mapped_never_rests() -> None:
    of = firm().see(hours("t1", "1.00", project="P-9"), hours("t2", "1.00", billable=False), milestone("m", "Loose"))
    assert [rest.key.id for rest in of.look().resting] == ["t2"]


# What stands, also on its way and by hand


def test_what_vanished_is_worth_what_stands_of_it_on_its_way_too() -> None:
    of = firm(after_billing="true_up").see(hours("t1", "1.00"))
    of.night()
    of.see(hours("t1", "1.50"))
    of.intend(of.look().drafts[0], "unknown")
    of.vanish("t1")
    assert [(one.code, one.amount) for one in of.look().findings] == [("vanished", 15000)]
    of.intents.clear()
    of.decide("map", T1, target="INV-7")
    of.see(hours("t1", "1.50"))
    of.night()
    of.vanish("t1")
    assert [(one.code, one.amount) for one in of.look().findings] == [("vanished", 15000)], "billed by hand in part"


def test_a_credit_of_the_instant_of_the_word_may_be_billed_once_more() -> None:
    of = firm().see(hours("t1", "1.00"))
    of.night()
    of.decide("credit", T1)
    of.night()
    of.decide("rebill", T1, at=of.postings[-1].at)
    assert [draft.total for draft in of.look().drafts] == [10000]


# What nobody bills


def test_unmapped_work_says_its_project_and_its_account() -> None:
    of = firm().see(hours("t1", "1.00", project="P-9"))
    assert [one.text for one in of.look().findings] == ["ana, 2026-03-02: no contract names project P-9 of work"]


def test_a_milestone_that_no_line_names_is_told_with_its_contract() -> None:
    line = ScheduleLine(id="l", name="Fee", amount=7, trigger=Trigger(kind="manual"))
    of = firm(lines=(line,)).see(milestone("m", "Garage", "2026-05-01"))
    assert [(one.contract, one.cause) for one in of.look().not_valued] == [("C", "unmapped")]
    assert [one.text for one in of.look().findings] == ["Garage: done, and no line of C names it"]


def test_percents_just_below_the_whole_are_split_and_lose_nothing() -> None:
    trigger = Trigger(kind="dated", on=day("2026-05-01"))
    third: dict[str, Any] = {"amount": None, "percent": Decimal("33.33"), "trigger": trigger}
    of = firm(value=1, lines=tuple(ScheduleLine(id=name, name=name, **third) for name in "abc"))
    assert {item.name: item.amount for item in of.look().items} == {"a": 1, "b": 0, "c": 0}


def test_work_done_today_on_an_unsigned_contract_is_told_today() -> None:
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    line = ScheduleLine(id="d", name="Design", amount=7, trigger=trigger)
    of = firm(lines=(line,), signature=Signature(required=True)).see(milestone("m", "Design", "2026-05-10"))
    assert codes(of.look()) == ["contract_unsigned"]
