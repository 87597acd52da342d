"""Nothing leaves that should not: each gate by its cause, approvals of drafts, look-alikes and outliers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import ExchangeRate
from billsync.model.contract import (
    Approver,
    Billing,
    Client,
    Contract,
    ExpenseTerms,
    Gates,
    MilestoneMatch,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    Signature,
    TimeTerms,
    Trigger,
)
from billsync.model.invoice import Draft
from billsync.model.work import SourceKey
from tests.unit.rules.night import (
    Firm,
    accepted,
    causes,
    codes,
    day,
    figures,
    hours,
    lines,
    milestone,
    row,
    spent,
)

HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))
T1 = "time/work/t1"


def contract(**more: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": "C",
        "client": "acme",
        "currency": "USD",
        "projects": (ProjectRef(account="work", id="P-1"), ProjectRef(account="other", id="P-1")),
        "time": TimeTerms(rates=HUNDRED),
        **more,
    }
    return Contract(**fields)


def firm(**more: Any) -> Firm:
    return Firm(contracts=[contract(**more)]).see(hours("t1", "10.00"))


def design(**more: Any) -> ScheduleLine:
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    return ScheduleLine(id="d", name="Design", amount=500000, trigger=trigger, **more)


def only_draft(of: Firm) -> Draft:
    [held] = of.look().held_drafts
    return held.draft


# Holds and exclusions


def test_a_hold_ends_with_its_last_day_inclusive() -> None:
    of = firm()
    of.decide("hold", T1, until=of.today)
    assert causes(of.look(), T1) == [("held", "hold", 100000)] and of.look().drafts == ()
    of.today += timedelta(days=1)
    assert len(of.look().drafts) == 1


def test_a_hold_without_an_end_waits_for_its_release() -> None:
    of = firm()
    of.decide("hold", T1)
    of.nights("2026-06-10")
    assert causes(of.look(), T1) == [("held", "hold", 100000)]
    of.decide("release", T1)
    assert len(of.look().drafts) == 1


def test_a_contract_can_be_held_as_a_whole() -> None:
    of = firm()
    of.decide("hold", "C")
    assert figures(row(of.look())) == {"earned": 100000, "held": 100000}


def test_excluded_work_is_written_off_and_stays_so() -> None:
    of = firm()
    of.decide("exclude", T1)
    after = of.night()
    assert causes(after, T1) == [("written_off", "excluded", 100000)] and after.verdict == "balanced"
    of.see(hours("t1", "12.00"))
    assert figures(row(of.night())) == {"earned": 120000, "written_off": 120000}


# What the contract or the client demands


@pytest.mark.parametrize(
    ("need", "there", "cause"),
    [
        ("acceptance", {"acceptance": accepted("2026-05-01")}, "acceptance_missing"),
        ("document", {"attachments": ("report.pdf",)}, "document_missing"),
    ],
)
def test_what_a_line_requires_holds_it_until_it_is_there(need: str, there: dict[str, Any], cause: str) -> None:
    of = Firm(contracts=[contract(lines=(design(requires=frozenset({need})),))])
    of.see(milestone("m", "Design", "2026-04-01"))
    after = of.night()
    assert causes(after, "C/line/d") == [("held", cause, 500000)] and codes(after) == [cause]
    of.see(milestone("m", "Design", "2026-04-01", **there))
    assert row(of.night()).billed == 500000


@pytest.mark.parametrize(
    ("terms", "clients"),
    [
        ({"gates": Gates(purchase_order=True)}, None),
        ({}, [Client(id="acme", name="Acme", requires_purchase_order=True)]),
        ({"lines": (design(requires=frozenset({"purchase_order"})),), "time": None}, None),
    ],
)
def test_no_purchase_order_no_invoice(terms: dict[str, Any], clients: list[Client] | None) -> None:
    of = Firm(contracts=[contract(**terms)])
    of.clients = clients or of.clients
    of.see(hours("t1", "10.00"), milestone("m", "Design", "2026-04-01"))
    after = of.night()
    assert "purchase_order_missing" in codes(after) and after.drafts == ()
    of.contracts = [contract(purchase_order="PO-7", **terms)]
    [draft] = of.look().drafts
    assert draft.purchase_order == "PO-7"


def test_a_reference_the_client_wants() -> None:
    of = firm(gates=Gates(references=("cost code",)))
    assert codes(of.night()) == ["reference_missing"]
    of.contracts = [contract(gates=Gates(references=("cost code",)), references={"cost code": "77"})]
    [draft] = of.look().drafts
    assert draft.references == {"cost code": "77"}


def test_a_payer_nobody_configured() -> None:
    of = firm(client="nobody")
    assert codes(of.night()) == ["customer_missing"] and of.look().drafts == ()


def test_a_client_who_is_no_customer_of_the_books_that_need_one() -> None:
    of = firm()
    of.facts_more["needs_customer"] = frozenset({"books"})
    after = of.night()
    assert codes(after) == ["customer_missing"] and after.drafts == ()
    assert [(one.cause, one.owner) for one in after.items] == [("customer_missing", "accountant")]
    assert "no customer in the books books" in after.findings[0].text, after.findings
    of.clients = [Client(id="acme", name="Acme Inc", customers={"other": "7"})]
    assert codes(of.night()) == ["customer_missing"], "of other books"
    of.clients = [Client(id="acme", name="Acme Inc", customers={"books": "7"})]
    assert len(of.look().drafts) == 1


def test_books_that_take_any_client_need_no_customer() -> None:
    of = firm(billing=Billing(sink="second"))
    of.sinks = {"books": "draft", "second": "draft"}
    of.facts_more["needs_customer"] = frozenset({"books"})
    assert len(of.look().drafts) == 1, "the contract goes to other books than the first"


def test_a_receipt_is_wanted_from_an_amount_on() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms(receipt_from=5000))])
    of.see(spent("a", "49.99"), spent("b", "50.00"), spent("c", "80.00", receipt="r.pdf"))
    after = of.night()
    assert causes(after, "expense/work/b") == [("held", "receipt_missing", 5000)]
    assert row(after).billed == 4999 + 8000


def test_a_receipt_is_wanted_for_what_was_spent_not_for_the_mark_up_nor_for_another_currency_s_figure() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms(receipt_from=7500, markup=Decimal(20)))])
    yen = ExchangeRate(currency="JPY", into="USD", on=day("2026-03-01"), rate=Decimal("0.0067"), source="ECB")
    of.facts_more["exchange_rates"] = (yen,)
    of.see(spent("a", "74.99"), spent("b", "9000", currency="JPY"), spent("c", "12000", currency="JPY"))
    after = of.night()
    # 74.99 x 1.2 = 89.988, 9,000 x 0.0067 = 60.30 x 1.2 = 72.36, 12,000 x 0.0067 = 80.40 x 1.2 = 96.48
    assert causes(after, "expense/work/a") == [("billed", "", 8999)]
    assert causes(after, "expense/work/b") == [("billed", "", 7236)]
    assert causes(after, "expense/work/c") == [("held", "receipt_missing", 9648)]


def test_the_books_must_be_open_on_the_day_of_the_invoice_and_late_work_is_marked() -> None:
    of = firm(gates=Gates(closed_through=day("2026-05-10")))
    assert causes(of.look(), T1) == [("held", "period_closed", 100000)]
    of.today = day("2026-05-11")
    of.see(hours("t2", "1.00", "2026-05-11"))
    [draft] = of.look().drafts
    assert [(line.late, line.amount) for line in draft.lines] == [(True, 100000), (False, 10000)]


def test_work_that_the_source_calls_billed_waits_for_a_word() -> None:
    of = Firm(contracts=[contract()]).see(hours("t1", "10.00", billed_at_source=True))
    after = of.night()
    assert causes(after, T1) == [("held", "billed_at_source", 100000)] and codes(after) == ["billed_at_source"]
    of.decide("release", T1)
    assert row(of.night()).billed == 100000


def test_only_whole_lines_within_the_contract_value() -> None:
    more = ScheduleLine(id="x", name="Extra", amount=200000, trigger=Trigger(kind="dated", on=day("2026-04-02")))
    less = ScheduleLine(id="y", name="Small", amount=100000, trigger=Trigger(kind="dated", on=day("2026-04-03")))
    of = Firm(contracts=[contract(value=600000, lines=(design(), more, less))])
    of.see(milestone("m", "Design", "2026-04-01"), hours("t1", "99.00"))
    after = of.night()
    assert causes(after, "C/line/x") == [("held", "over_contract_value", 200000)]
    assert row(after).billed == 500000 + 100000 + 990000, "time is bound by its caps, not by the contract value"
    [found] = after.findings
    assert "7,000.00 of a contract value of 6,000.00" in found.text


# Look-alikes and outliers


def alike(of: Firm, *, decide: str = "") -> Firm:
    of.see(hours("x1", "10.00"), account="other")
    one, other = (SourceKey(account=a, kind="time", id=i) for a, i in (("work", "t1"), ("other", "x1")))
    of.facts_more = {"lookalikes": {one: (other,), other: (one,)}}
    return of


def test_of_two_that_look_alike_the_first_earned_stands_and_the_other_is_held() -> None:
    of = firm()
    of.night()
    after = alike(of).night()
    assert causes(after, T1) == [("billed", "", 100000)]
    assert causes(after, "time/other/x1") == [("held", "lookalike", 100000)]
    [found] = after.findings
    assert found.code == "lookalike" and "work/time/t1" in found.text
    of.decide("release", "time/other/x1")
    assert row(of.night()).billed == 200000


def test_an_excluded_twin_holds_nobody() -> None:
    of = alike(firm())
    of.decide("exclude", "time/other/x1")
    assert row(of.night()).billed == 100000
    assert causes(of.look(), T1) == [("billed", "", 100000)]


def test_an_account_that_does_not_feed_the_contract_has_no_twins_in_it() -> None:
    of = Firm(contracts=[contract(time=TimeTerms(rates=HUNDRED, accounts=frozenset({"work"})))]).see(hours("t1", "10"))
    after = alike(of).night()
    assert row(after).billed == 100000 and codes(after) == []
    assert [(one.why, one.key.account) for one in after.not_valued] == [("not_billable", "other")]


def test_a_twin_at_rest_was_billed_before() -> None:
    of = firm()
    of.facts_more = {
        "lookalikes": {
            SourceKey(account="work", kind="time", id="t1"): (SourceKey(account="other", kind="time", id="z"),)
        }
    }
    assert causes(of.look(), T1) == [("held", "lookalike", 100000)]


@pytest.mark.parametrize(("blocks", "bucket"), [(False, "ready"), (True, "held")])
def test_an_outlier_is_a_finding_and_blocks_only_where_configured(blocks: bool, bucket: str) -> None:
    of = firm(gates=Gates(outlier_blocks=blocks))
    of.facts_more = {"samples": {("acme", "time"): (1000, 1100, 1050, 990, 1010, 1020, 980, 1000)}}
    now = of.look()
    assert codes(now) == ["outlier"] and "1,000.00 USD" in now.findings[0].text
    assert [item.bucket for item in now.items] == [bucket]
    of.facts_more = {"samples": {("acme", "time"): (1000, 1100, 1050, 990, 1010, 1020, 980)}}
    assert codes(of.look()) == [], "seven samples say nothing"


# Drafts


def test_from_the_release_threshold_on_a_draft_waits_for_an_approval() -> None:
    gates = Gates(release_threshold=100000)
    of = firm(gates=gates)
    of.see(hours("t1", "9.99"))
    assert len(of.look().drafts) == 1, "a cent below goes"
    of.see(hours("t1", "10.00"))
    now = of.look()
    assert now.drafts == () and [held.cause for held in now.held_drafts] == ["needs_approval"]
    assert causes(now, T1) == [("held", "needs_approval", 100000)]
    of.decide("approve", only_draft(of).hash)
    assert len(of.look().drafts) == 1


def test_a_draft_that_changes_loses_its_approval_and_one_that_does_not_keeps_it_for_days() -> None:
    of = firm(gates=Gates(release_threshold=1))
    approved = only_draft(of)
    of.today += timedelta(days=9)
    assert only_draft(of).hash == approved.hash and only_draft(of).reference == approved.reference
    of.decide("approve", approved.hash)
    of.see(hours("t2", "0.01"))
    now = of.look()
    assert now.drafts == () and now.held_drafts[0].draft.hash != approved.hash


def test_two_persons_where_two_are_demanded_and_not_the_one_who_asked() -> None:
    of = firm(gates=Gates(release_threshold=1, approvals=2))
    of.decide("bill", "C", amount=5000, reason="extra print", person="ann")
    draft = only_draft(of)
    assert ("manual", 5000) in lines([draft])
    for person in ("ann", "bob", "bob"):
        of.decide("approve", draft.hash, person=person)
    assert of.look().drafts == ()
    of.decide("approve", draft.hash, person="eve")
    assert len(of.look().drafts) == 1


def test_the_approval_matrix_says_who_may() -> None:
    matrix = (
        Approver(person="small", up_to=99999),
        Approver(person="elsewhere", clients=frozenset({"city"})),
        Approver(person="boss", up_to=100000, clients=frozenset({"acme"})),
    )
    of = firm(gates=Gates(release_threshold=1, approvers=matrix))
    draft = only_draft(of)
    for person in ("small", "elsewhere", "stranger"):
        of.decide("approve", draft.hash, person=person)
        assert of.look().drafts == (), f"{person} may not approve this"
    of.decide("approve", draft.hash, person="boss")
    assert len(of.look().drafts) == 1


def test_the_threshold_looks_at_the_whole_document() -> None:
    of = firm(gates=Gates(release_threshold=150000))
    of.see(hours("t2", "5.00", "2026-03-03"))
    assert [held.cause for held in of.look().held_drafts] == ["needs_approval"]


def test_a_draft_can_be_held() -> None:
    of = firm()
    of.decide("hold", of.look().drafts[0].hash)
    now = of.look()
    assert [held.cause for held in now.held_drafts] == ["hold"] and causes(now, T1) == [("held", "hold", 100000)]


@pytest.mark.parametrize("sinks", [{"books": "preview"}, {}])
def test_nothing_leaves_in_preview_or_without_books(sinks: dict[str, str]) -> None:
    of = firm()
    of.sinks = sinks
    now = of.look()
    assert [held.cause for held in now.held_drafts] == ["preview"] and now.drafts == ()
    assert causes(now, T1) == [("held", "preview", 100000)]


# Signature


def test_nobody_signed_nothing_is_earned() -> None:
    of = Firm(contracts=[contract(signature=Signature(required=True), lines=(design(),))])
    of.see(hours("t1", "10.00"), milestone("m", "Design", "2026-04-01"))
    after = of.night()
    assert after.statement == () and after.drafts == ()
    assert codes(after) == ["contract_unsigned", "contract_unsigned"]
    assert [(one.why, one.cause) for one in after.not_valued] == [("unmapped", "contract_unsigned")]


def test_time_before_the_signature_is_unmapped_and_milestones_become_billable_once_signed() -> None:
    of = Firm(contracts=[contract(signature=Signature(required=True, on=day("2026-04-15")), lines=(design(),))])
    of.see(hours("t1", "10.00", "2026-04-14"), hours("t2", "1.00", "2026-04-15"))
    of.see(milestone("m", "Design", "2026-04-01"))
    after = of.night()
    assert row(after).billed == 500000 + 10000
    assert [(one.why, one.cause) for one in after.not_valued] == [("unmapped", "no_contract_in_force")]
