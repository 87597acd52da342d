"""After billing: edits, deletions, moves, credits, voids, maps. In cents, and never by itself what a person decides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import NewPosting
from billsync.model.contract import (
    Cap,
    Contract,
    Holdback,
    HoldbackRelease,
    MilestoneMatch,
    ProjectRef,
    Rate,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from tests.unit.rules.given import HUNDRED, contract
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
    row,
)

T1 = "time/work/t1"


def billed(amount: str = "10.00", **more: Any) -> Firm:
    """A firm that billed one entry at 100.00 an hour."""
    firm = Firm(contracts=[contract(**more)])
    firm.see(hours("t1", amount))
    firm.night()
    assert row(firm.look()).ready == 0
    return firm


# Drift


@pytest.mark.parametrize(("now", "drift"), [("12.00", 20000), ("7.50", -25000)])
def test_an_edit_of_billed_work_is_held_for_a_person(now: str, drift: int) -> None:
    firm = billed()
    firm.see(hours("t1", now))
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000 + drift, "billed": 100000, "held": drift}
    assert causes(after, T1) == [("billed", "", 100000), ("held", "drift", drift)]
    assert codes(after) == ["drift"] and after.findings[0].amount == drift
    assert after.drafts == ()


def test_true_up_bills_exactly_what_was_added() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t1", "12.00"))
    [draft] = firm.look().drafts
    assert (draft.kind, lines([draft])) == ("invoice", [("adjustment", 20000)])
    assert causes(firm.look(), T1)[-1] == ("ready", "drift", 20000)
    assert figures(row(firm.night())) == {"earned": 120000, "billed": 120000}


def test_true_up_below_zero_is_a_credit_memo_and_credited_on_the_statement() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t1", "7.50"))
    [draft] = firm.look().drafts
    assert (draft.kind, draft.total) == ("credit_memo", -25000)
    after = firm.night()
    assert figures(row(after)) == {"earned": 75000, "billed": 100000, "credited": 25000}
    assert after.drafts == () and after.verdict == "balanced"


def test_a_negative_true_up_joins_what_is_billed_that_night() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t1", "9.00"), hours("t2", "5.00", "2026-03-03"))
    [draft] = firm.look().drafts
    assert (draft.kind, lines([draft])) == ("invoice", [("time", 50000), ("adjustment", -10000)])


def test_up_again_after_a_true_up_down_bills_the_difference_once() -> None:
    firm = billed(after_billing="true_up")
    for amount, total in (("7.50", 75000), ("10.00", 100000), ("10.00", 100000)):
        firm.see(hours("t1", amount))
        found = row(firm.night())
        assert found.billed - found.credited == found.earned == total


def test_a_person_lets_a_drift_go_under_review() -> None:
    firm = billed()
    firm.see(hours("t1", "12.00"))
    firm.decide("release", T1)
    assert figures(row(firm.night())) == {"earned": 120000, "billed": 120000}
    firm.see(hours("t1", "13.00"))
    assert causes(firm.night(), T1)[-1] == ("held", "drift", 10000), "the word was about the edit before"


def test_not_billable_any_more_is_an_edit_to_nothing() -> None:
    firm = billed()
    firm.see(hours("t1", "10.00", billable=False))
    assert causes(firm.night(), T1) == [("billed", "", 100000), ("held", "drift", -100000)]


def test_billed_work_that_is_open_again_stands_and_is_measured_when_it_is_good() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t1", "12.00", approval=SUBMITTED))
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}
    assert codes(after) == ["reopened"] and after.not_earned == ()
    firm.see(hours("t1", "12.00"))
    assert row(firm.night()).billed == 120000


def test_billed_work_that_is_open_again_and_then_gone_is_told_once_as_vanished() -> None:
    of = Firm(contracts=[contract()])
    of.see(hours("a", "2.00"))
    of.night()
    of.see(hours("a", "2.00", approval=SUBMITTED))
    assert codes(of.night()) == ["reopened"]
    of.vanish("a")
    after = of.night()
    assert codes(after) == ["vanished"]
    assert figures(row(after)) == {"earned": 20000, "billed": 20000}


def test_billed_work_without_a_rate_stands() -> None:
    firm = billed()
    firm.contracts = [contract(time=TimeTerms(rates=replace(HUNDRED, rates=(Rate(amount=Decimal(1), person="bob"),))))]
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}
    assert codes(after) == ["reopened"] and after.not_valued == ()


def test_the_last_version_with_a_rate_stands() -> None:
    firm = billed(time=TimeTerms(rates=replace(HUNDRED, rates=(Rate(amount=Decimal(100), person="ana"),))))
    firm.see(hours("t1", "12.00"))
    firm.see(hours("t1", "13.00", person="bob"))
    assert figures(row(firm.night())) == {"earned": 120000, "billed": 100000, "held": 20000}


def test_a_milestone_re_opened_and_done_again_bills_nothing_more() -> None:
    line = ScheduleLine(
        id="d", name="Design", amount=500000, trigger=Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    )
    firm = Firm(contracts=[contract(lines=(line,), time=None)])
    firm.see(milestone("m", "Design", "2026-04-01"))
    assert row(firm.night()).billed == 500000
    firm.see(milestone("m", "Design"))
    after = firm.night()
    assert figures(row(after)) == {"earned": 500000, "billed": 500000} and codes(after) == ["reopened"]
    firm.see(milestone("m", "Sketches"))
    assert figures(row(firm.night())) == {"earned": 500000, "billed": 500000}
    firm.see(milestone("m", "Design", "2026-05-09"))
    after = firm.night()
    assert figures(row(after)) == {"earned": 500000, "billed": 500000} and codes(after) == []


# Deletions


def test_deleted_after_billing_stands_and_is_a_finding() -> None:
    firm = billed(after_billing="true_up")
    firm.vanish("t1")
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}
    assert codes(after) == ["vanished"] and after.findings[0].amount == 100000
    firm.decide("release", T1)
    assert codes(firm.night()) == [], "a person keeps it"


def test_deleted_before_billing_is_held_until_a_person_excludes_it() -> None:
    firm = Firm(contracts=[contract()], sinks={"books": "preview"})
    firm.see(hours("t1", "10.00"))
    firm.night()
    firm.vanish("t1")
    assert causes(firm.look(), T1) == [("held", "deleted", 100000)]
    firm.decide("exclude", T1)
    assert figures(row(firm.look())) == {"earned": 100000, "written_off": 100000}


def test_deleted_before_billing_and_back_again_is_billed() -> None:
    firm = Firm(contracts=[contract()])
    firm.see(hours("t1", "10.00"))
    firm.vanish("t1")
    assert firm.night().drafts == ()
    firm.see(hours("t1", "10.00"))
    assert row(firm.night()).billed == 100000


def test_deleted_before_it_was_ever_earned_counts_as_not_billable() -> None:
    firm = Firm(contracts=[contract()])
    firm.see(hours("t1", "10.00", approval=SUBMITTED))
    firm.vanish("t1")
    after = firm.night()
    assert [(one.why, one.cause) for one in after.not_valued] == [("not_billable", "deleted")]


# Moves


def two(after_old: str = "review", after_new: str = "review") -> Firm:
    other = contract(id="D", after_billing=after_new, projects=(ProjectRef(account="work", id="P-2"),))
    firm = billed(after_billing=after_old)
    firm.contracts.append(other)
    return firm


def test_moved_after_billing_is_a_finding_on_both() -> None:
    firm = two()
    firm.see(hours("t1", "10.00", project="P-2"))
    after = firm.night()
    assert figures(row(after)) == {"billed": 100000, "held": -100000}
    assert figures(row(after, "D")) == {"earned": 100000, "held": 100000}
    assert codes(after) == ["moved", "moved"] and after.drafts == ()


def test_moved_work_is_billed_anew_once_a_person_credited_the_old_contract() -> None:
    firm = two()
    firm.see(hours("t1", "10.00", project="P-2"))
    firm.night()
    firm.decide("credit", T1)
    firm.night()
    after = firm.night()
    assert figures(row(after)) == {"billed": 100000, "credited": 100000}
    assert figures(row(after, "D")) == {"earned": 100000, "billed": 100000}
    assert codes(after) == []


def test_moved_with_true_up_on_both_is_credited_first_and_billed_the_night_after() -> None:
    firm = two("true_up", "true_up")
    firm.see(hours("t1", "10.00", project="P-2"))
    [draft] = firm.look().drafts
    assert (draft.kind, draft.contracts, draft.total) == ("credit_memo", ("C",), -100000)
    assert causes(firm.look(), T1)[:2] == [("billed", "", 100000), ("ready", "moved", -100000)]
    firm.night()
    [draft] = firm.look().drafts
    assert (draft.kind, draft.contracts, draft.total) == ("invoice", ("D",), 100000)
    after = firm.night()
    assert row(after, "D").billed == 100000 and after.drafts == () and codes(after) == []


def test_moved_work_is_not_billed_anew_while_its_credit_is_on_the_way() -> None:
    firm = two("true_up", "true_up")
    firm.see(hours("t1", "10.00", project="P-2"))
    firm.intend(firm.look().drafts[0], "unknown")
    assert firm.look().drafts == () and row(firm.look(), "D").held == 100000


def test_moved_with_true_up_on_one_side_only_waits() -> None:
    firm = two("true_up", "review")
    firm.see(hours("t1", "10.00", project="P-2"))
    assert firm.look().drafts == ()


def test_moved_to_no_contract_stands() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t1", "10.00", project="P-9"))
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}
    assert codes(after) == ["reopened"], "its last version that was mapped stands"


def test_a_contract_that_left_the_configuration_keeps_its_postings() -> None:
    firm = billed()
    firm.contracts = []
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}
    assert codes(after) == ["moved"]


# Credits


def test_a_credit_is_held_until_a_person_has_it_billed_again() -> None:
    firm = billed()
    firm.decide("credit", T1, amount=30000)
    [draft] = firm.look().drafts
    assert (draft.kind, lines([draft])) == ("credit_memo", [("credit", -30000)])
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000, "credited": 30000, "held": 30000}
    assert causes(after, T1)[-1] == ("held", "credited", 30000) and after.drafts == ()
    firm.decide("rebill", T1)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("time", 30000)]
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 130000, "credited": 30000}
    assert after.drafts == ()


def test_each_credited_cent_is_billed_again_at_most_once() -> None:
    firm = billed()
    firm.decide("credit", T1, amount=30000)
    firm.night()
    for amount in (20000, 20000, None, None):
        firm.decide("rebill", T1, amount=amount)
        firm.night()
    assert figures(row(firm.look())) == {"earned": 100000, "billed": 130000, "credited": 30000}
    firm.decide("credit", T1, amount=1000)
    assert causes(firm.night(), T1)[-1] == ("held", "credited", 1000)


def test_a_credit_written_off() -> None:
    firm = billed()
    firm.decide("credit", T1)
    firm.night()
    firm.decide("exclude", T1)
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000, "credited": 100000, "written_off": 100000}


def test_a_credit_settles_a_drift_down() -> None:
    firm = billed()
    firm.see(hours("t1", "8.00"))
    firm.night()
    firm.decide("credit", T1, amount=20000)
    after = firm.night()
    assert figures(row(after)) == {"earned": 80000, "billed": 100000, "credited": 20000}
    assert codes(after) == []


def test_a_credit_of_a_whole_invoice_gives_each_of_its_items_back() -> None:
    firm = Firm(contracts=[contract()])
    firm.see(hours("t1", "1.00"), hours("t2", "2.00"))
    firm.night()
    reference = firm.postings[0].fact.invoice
    firm.decide("credit", reference, amount=15000)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("credit", -5000), ("credit", -10000)]
    after = firm.night()
    assert row(after).credited == 15000 and after.drafts == ()
    firm.decide("credit", reference)
    assert row(firm.night()).credited == 30000


def test_a_credit_of_one_invoice_leaves_what_is_on_another_alone() -> None:
    firm = billed(after_billing="true_up")
    first = firm.postings[0].fact.invoice
    firm.see(hours("t1", "13.00"), hours("t2", "1.00"))
    firm.night()
    firm.decide("credit", first)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("credit", -100000)]
    second = firm.postings[1].fact.invoice
    firm.decide("credit", second, amount=20000)
    after = [line.amount for draft in firm.look().drafts for line in draft.lines]
    assert sorted(after) == [-100000, -15000, -5000]
    firm.night()
    firm.decide("credit", second)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("credit", -15000), ("credit", -5000)]


def test_nothing_on_its_way_is_credited_before_it_is_known() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t1", "13.00"))
    firm.intend(firm.look().drafts[0], "unknown")
    firm.decide("credit", T1)
    assert firm.look().drafts == ()
    firm.intents.clear()
    assert [draft.kind for draft in firm.look().drafts] == ["credit_memo"]


def test_a_credit_means_what_stood_when_it_was_decided() -> None:
    firm = billed()
    firm.decide("credit", T1)
    firm.let_go(firm.postings[0].fact.invoice)
    firm.night()
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}, "what was billed since was not meant"
    firm.decide("credit", T1, amount=40000)
    firm.see(hours("t1", "12.00"))
    assert causes(firm.look(), T1)[-1] == ("held", "drift", 20000)
    firm.decide("release", T1)
    assert causes(firm.look(), T1)[-1] == ("held", "credited", 20000), "the credit goes first"
    firm.night()
    assert row(firm.look()).credited == 40000


def test_an_item_names_the_documents_it_stands_on() -> None:
    firm = billed()
    first = firm.postings[0].fact.invoice
    firm.let_go(first)
    after = firm.night()
    [item] = after.items
    assert item.invoice == firm.postings[-1].fact.invoice != first
    firm.contracts = []
    firm.today = day("2026-05-30")
    [found] = firm.look().findings
    assert (found.code, found.age_days) == ("moved", 20), "its age counts from the night it was billed last"


def test_a_voided_credit_memo_is_due_again() -> None:
    firm = billed()
    firm.decide("credit", T1, amount=40000)
    firm.night()
    first = firm.postings[-1].fact.invoice
    firm.let_go(first)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("credit", -40000)] and draft.reference != first


def test_no_more_is_credited_than_was_billed() -> None:
    firm = billed()
    firm.decide("credit", T1, amount=999999)
    firm.decide("credit", T1)
    assert row(firm.night()).credited == 100000
    assert firm.night().drafts == ()


def test_billed_again_bears_another_reference() -> None:
    firm = billed()
    first = firm.postings[0].fact.invoice
    firm.decide("credit", T1)
    firm.night()
    firm.decide("rebill", T1)
    firm.night()
    references = [posting.fact.invoice for posting in firm.postings]
    assert len(set(references)) == 3 and references[0] == first


@pytest.mark.parametrize(
    ("now", "figure"),
    [
        ("8.00", {"earned": 80000, "billed": 130000, "credited": 50000}),
        ("5.00", {"earned": 50000, "billed": 100000, "credited": 50000}),
        ("2.00", {"earned": 20000, "billed": 100000, "credited": 50000, "held": -30000}),
    ],
)
def test_what_is_worth_less_now_is_not_billed_once_more(now: str, figure: dict[str, int]) -> None:
    firm = billed()
    firm.decide("credit", T1, amount=50000)
    firm.night()
    firm.decide("rebill", T1)
    firm.see(hours("t1", now))
    assert figures(row(firm.night())) == figure


def test_what_was_mapped_and_changes_is_drift() -> None:
    firm = Firm(contracts=[contract()]).see(hours("t1", "10.00"))
    firm.decide("map", T1, target="INV-7")
    firm.night()
    firm.see(hours("t1", "11.00"))
    assert causes(firm.night(), T1) == [("billed", "", 100000), ("held", "drift", 10000)]


def test_an_exclusion_writes_off_what_was_to_be_billed_once_more_too() -> None:
    firm = billed()
    firm.decide("credit", T1, amount=50000)
    firm.night()
    firm.decide("rebill", T1, amount=20000)
    firm.decide("exclude", T1)
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000, "credited": 50000, "written_off": 50000}


def test_what_a_posting_wrote_off_is_neither_open_nor_billed() -> None:
    firm = Firm(contracts=[contract()]).see(hours("t1", "10.00"))
    firm.post(
        NewPosting(
            identity=T1, contract="C", client="acme", currency="USD", kind="written_off", amount=40000, invoice=""
        )
    )
    assert figures(row(firm.night())) == {"earned": 100000, "written_off": 40000, "billed": 60000}


def test_a_threshold_that_stands_keeps_its_credit_held() -> None:
    reached = ScheduleLine(id="t", name="T", amount=50000, trigger=Trigger(kind="threshold", at_hours=Decimal(5)))
    firm = billed(lines=(reached,))
    firm.decide("credit", "C/line/t", amount=20000)
    firm.see(hours("t1", "10.00", approval=SUBMITTED))
    firm.night()
    after = firm.night()
    assert causes(after, "C/line/t") == [
        ("billed", "", 50000), ("credited", "credited", 20000), ("held", "credited", 20000),
    ]  # fmt: skip
    assert codes(after) == ["credited", "reopened"]


# Voids


def test_a_voided_document_is_a_finding_and_nothing_is_billed_again_by_itself() -> None:
    firm = billed()
    reference = firm.postings[0].fact.invoice
    firm.read_back(reference, "voided", 0, 100000)
    after = firm.night()
    assert codes(after) == ["voided"] and after.findings[0].amount == 100000
    assert causes(after, T1) == [("billed", "voided", 100000)] and after.drafts == ()
    firm.let_go(reference)
    again = firm.look()
    assert codes(again) == []
    [draft] = again.drafts
    assert draft.total == 100000 and draft.reference != reference


def test_after_a_void_is_let_go_work_is_billed_at_its_value_now() -> None:
    firm = billed()
    firm.see(hours("t1", "11.00"))
    firm.let_go(firm.postings[0].fact.invoice)
    assert figures(row(firm.night())) == {"earned": 110000, "billed": 110000}


@pytest.mark.parametrize(
    ("status", "total", "code", "effect"),
    [("deleted", 0, "deleted_in_books", 100000), ("open", 99000, "edited_in_books", -1000)],
)
def test_what_happened_in_the_books_is_a_finding(status: str, total: int, code: str, effect: int) -> None:
    firm = billed()
    firm.read_back(firm.postings[0].fact.invoice, status, total, 100000)
    [found] = firm.night().findings
    assert (found.code, found.amount, found.owner) == (code, effect, "accountant")


# Maps and opening


def test_mapped_work_counts_as_billed_on_that_invoice_without_holdback() -> None:
    firm = Firm(contracts=[contract(holdback=Holdback(percent=Decimal(10), kinds=frozenset({"time"})))])
    firm.see(hours("t1", "10.00"))
    firm.decide("map", T1, target="INV-7")
    tonight = firm.look()
    assert causes(tonight, T1) == [("billed", "mapped", 100000)] and tonight.drafts == ()
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000}
    assert [item.invoice for item in after.items] == ["INV-7"] and after.postings == ()


def test_opening_by_date_and_by_list() -> None:
    firm = Firm(contracts=[contract(opening_before=day("2026-03-05"), opening_items=frozenset({"time/work/t3"}))])
    firm.see(hours("t1", "1.00", "2026-03-04"), hours("t2", "2.00", "2026-03-05"), hours("t3", "4.00", "2026-03-06"))
    [draft] = firm.look().drafts
    assert draft.total == 20000
    after = firm.night()
    assert figures(row(after)) == {"earned": 70000, "billed": 70000}
    kinds = {posting.fact.identity: posting.fact.kind for posting in firm.postings}
    assert kinds == {"time/work/t1": "opening", "time/work/t2": "billed", "time/work/t3": "opening"}
    firm.see(hours("t1", "9.00", "2026-03-04"))
    assert firm.night().drafts == (), "nothing old is billed, whatever is edited there"
    assert figures(row(firm.look())) == {"earned": 150000, "billed": 150000}


def test_what_we_billed_ourselves_is_not_opened_afterwards() -> None:
    firm = billed()
    firm.contracts = [contract(opening_before=day("2026-04-01"), opening_items=frozenset({T1}))]
    firm.see(hours("t1", "12.00"))
    assert causes(firm.night(), T1)[-1] == ("held", "drift", 20000)


def test_corrections_wait_for_a_person_who_says_what_they_correct() -> None:
    firm = billed(after_billing="true_up")
    firm.see(hours("t2", "-4.00", "2026-03-03"))
    after = firm.night()
    assert causes(after, "time/work/t2") == [("held", "negative_quantity", -40000)]
    assert "negative_quantity" in codes(after)
    firm.decide("correct", "time/work/t2", target=T1)
    after = firm.night()
    assert figures(row(after)) == {"earned": 60000, "billed": 100000, "credited": 40000}
    assert codes(after) == []


# Holdback after billing


def retained(**more: Any) -> Contract:
    terms = Holdback(percent=Decimal(10), kinds=frozenset({"time"}), **more)
    return contract(holdback=terms)


def test_a_credit_gives_its_holdback_back_too() -> None:
    firm = Firm(contracts=[retained()])
    firm.see(hours("t1", "10.00"))
    firm.night()
    firm.decide("credit", T1, amount=50000)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("credit", -50000), ("holdback", 5000)]
    after = firm.night()
    assert figures(row(after)) == {
        "earned": 100000, "billed": 95000, "credited": 50000, "withheld": 5000, "held": 50000,
    }  # fmt: skip


def test_a_release_pays_everything_out_and_nothing_is_withheld_any_more() -> None:
    on = Trigger(kind="dated", on=day("2026-05-12"))
    firm = Firm(contracts=[retained(releases=(HoldbackRelease(id="final", trigger=on),))])
    firm.see(hours("t1", "10.00"))
    assert figures(row(firm.night())) == {"earned": 100000, "billed": 90000, "withheld": 10000}
    firm.today = day("2026-05-12")
    firm.see(hours("t2", "5.00", "2026-05-11"))
    [draft] = firm.look().drafts
    assert lines([draft]) == [("time", 50000), ("release", 10000)]
    after = firm.night()
    assert figures(row(after)) == {"earned": 150000, "billed": 150000}
    firm.see(hours("t3", "1.00", "2026-05-12"))
    assert row(firm.night()).withheld == 0


def test_holdback_on_its_way_is_not_kept_back_twice() -> None:
    trigger = Trigger(kind="progress", match=MilestoneMatch(name="Design"), progress_of="milestone")
    line = ScheduleLine(id="p", name="Progress", amount=100000, trigger=trigger)
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"progress"}))
    firm = Firm(contracts=[contract(lines=(line,), holdback=kept)])
    firm.see(milestone("m", "Design", percent=Decimal(40)))
    firm.intend(firm.look().drafts[0], "unknown")
    firm.see(milestone("m", "Design", percent=Decimal(60)))
    [draft] = firm.look().drafts
    assert lines([draft]) == [("progress", 20000), ("holdback", -2000)]
    assert figures(row(firm.look())) == {"earned": 60000, "in_flight": 40000, "ready": 20000}


def test_a_release_waits_for_a_credit_of_the_same_night() -> None:
    on = Trigger(kind="dated", on=day("2026-05-12"))
    firm = Firm(contracts=[retained(releases=(HoldbackRelease(id="final", trigger=on),))])
    firm.see(hours("t1", "10.00"))
    firm.night()
    firm.today = day("2026-05-12")
    firm.decide("credit", T1, amount=40000)
    [draft] = firm.look().drafts
    assert lines([draft]) == [("credit", -40000), ("holdback", 10000)]
    assert figures(row(firm.night())) == {"earned": 100000, "billed": 100000, "credited": 40000, "held": 40000}


def test_a_release_in_part_happens_once() -> None:
    on = Trigger(kind="dated", on=day("2026-05-12"))
    firm = Firm(contracts=[retained(releases=(HoldbackRelease(id="half", trigger=on, percent=Decimal(50)),))])
    firm.see(hours("t1", "10.00"))
    firm.night()
    firm.nights("2026-05-20")
    found = row(firm.look())
    assert (found.billed, found.withheld) == (95000, 5000)
    assert [posting.fact.amount for posting in firm.postings if posting.fact.kind == "released"] == [5000]


def test_a_release_by_a_milestone_stands_when_it_is_re_opened() -> None:
    event = Trigger(kind="milestone", match=MilestoneMatch(name="Handover"))
    firm = Firm(contracts=[retained(releases=(HoldbackRelease(id="final", trigger=event),))])
    firm.see(hours("t1", "10.00"), milestone("h", "Handover"))
    assert row(firm.night()).withheld == 10000
    firm.see(milestone("h", "Handover", "2026-05-10"))
    assert row(firm.night()).withheld == 0
    firm.see(milestone("h", "Handover"))
    posted = len(firm.postings)
    firm.nights("2026-05-15")
    assert len(firm.postings) == posted and row(firm.look()).withheld == 0


# Room that comes back


def test_room_that_comes_back_is_taken_by_itself_in_order() -> None:
    firm = Firm(contracts=[contract(caps=(Cap(id="cap", amount=150000),))])
    firm.see(hours("t1", "10.00"), hours("t2", "10.00", "2026-03-03"), hours("t3", "10.00", "2026-03-04"))
    assert figures(row(firm.night())) == {"earned": 300000, "billed": 150000, "capped": 150000}
    firm.decide("credit", T1, amount=70000)
    firm.night()
    after = firm.night()
    assert causes(after, "time/work/t2") == [("billed", "", 100000)]
    assert causes(after, "time/work/t3") == [("billed", "", 20000), ("capped", "cap_reached", 80000)]
    firm.decide("rebill", T1)
    again = firm.night()
    assert again.drafts == (), "others took the room: nothing is billed above the cap"
    found = row(again)
    assert found.billed - found.credited == 150000
    assert causes(again, T1)[-1] == ("held", "credited", 70000)
    firm.contracts = [contract(caps=(Cap(id="cap", amount=230001),))]
    assert causes(firm.night(), T1)[-1] == ("held", "credited", 69999), "one cent found room behind the others"


def test_excluded_work_takes_no_room_and_is_written_off_whole() -> None:
    firm = Firm(contracts=[contract(caps=(Cap(id="cap", amount=100000),))])
    firm.see(hours("t1", "10.00"), hours("t2", "10.00", "2026-03-03"))
    firm.decide("exclude", T1)
    assert figures(row(firm.night())) == {"earned": 200000, "written_off": 100000, "billed": 100000}
    firm.decide("release", T1)
    assert figures(row(firm.night())) == {"earned": 200000, "billed": 100000, "capped": 100000}


# On the way


def test_what_is_on_its_way_is_in_flight_and_not_proposed_again() -> None:
    firm = Firm(contracts=[retained()])
    firm.see(hours("t1", "10.00"))
    [draft] = firm.look().drafts
    firm.intend(draft, "unknown")
    after = firm.look()
    assert figures(row(after)) == {"earned": 100000, "in_flight": 100000}
    assert causes(after, T1) == [("in_flight", "unknown_outcome", 100000)] and after.drafts == ()
    assert [item.invoice for item in after.items] == [draft.reference]


def test_a_refused_document_is_held_and_proposed_again() -> None:
    firm = Firm(contracts=[contract()])
    firm.see(hours("t1", "10.00"))
    [draft] = firm.look().drafts
    firm.intend(draft, "refused")
    after = firm.look()
    assert causes(after, T1) == [("held", "refused", 100000)]
    assert [again.reference for again in after.drafts] == [draft.reference]
    firm.confirm(draft)
    assert codes(firm.look()) == []


def test_a_planned_document_counts_as_nothing() -> None:
    firm = Firm(contracts=[contract()])
    firm.see(hours("t1", "10.00"))
    [draft] = firm.look().drafts
    firm.intend(draft, "planned")
    assert figures(row(firm.look())) == {"earned": 100000, "ready": 100000}
