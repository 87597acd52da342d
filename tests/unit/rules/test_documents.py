"""What goes on which document, and when: grouping, periods, payers, lines and their order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.contract import (
    Billing,
    Client,
    Contract,
    ExpenseTerms,
    Gates,
    Holdback,
    HoldbackRelease,
    MilestoneMatch,
    Overtime,
    Payer,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from tests.unit.rules.night import Firm, causes, codes, day, figures, hours, milestone, project, row, spent

HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))
CITY = Client(id="city", name="City")


def contract(id: str = "C", *projects: str, **more: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": id,
        "client": "acme",
        "currency": "USD",
        "projects": tuple(ProjectRef(account="work", id=name) for name in projects or ("P-1",)),
        "time": TimeTerms(rates=HUNDRED),
        "expenses": ExpenseTerms(),
        **more,
    }
    return Contract(**fields)


# Grouping


@pytest.mark.parametrize(
    ("group", "documents"),
    [
        ("contract", [(10000, 20000, 50000), (40000,)]),
        ("project", [(10000, 20000), (40000,), (50000,)]),
        ("purchase_order", [(10000, 40000, 50000), (20000,)]),
        ("consolidated", [(10000, 20000, 40000, 50000)]),
    ],
)
def test_one_document_for_each(group: Any, documents: list[tuple[int, ...]]) -> None:
    billing = Billing(group=group)
    of = Firm(contracts=[contract("C", "P-1", "P-3", billing=billing), contract("D", "P-2", billing=billing)])
    of.see(
        hours("a", "1.00"),
        hours("b", "2.00", purchase_order="PO-1"),
        hours("c", "4.00", project="P-2"),
        hours("d", "5.00", project="P-3"),
    )
    found = sorted(tuple(sorted(line.amount for line in draft.lines)) for draft in of.look().drafts)
    assert found == sorted(documents)
    assert len({draft.reference for draft in of.look().drafts}) == len(documents)
    assert of.night().drafts == ()


def test_currencies_sinks_and_clients_never_share_a_document() -> None:
    billing = Billing(group="consolidated")
    euro = TimeTerms(rates=replace(HUNDRED, currency="EUR"))
    of = Firm(
        contracts=[
            contract("C", "P-1", billing=billing),
            contract("D", "P-2", billing=billing, currency="EUR", time=euro),
            contract("E", "P-3", billing=replace(billing, sink="other")),
            contract("F", "P-4", billing=billing, client="city"),
        ],
        clients=[Client(id="acme", name="Acme"), CITY],
        sinks={"books": "draft", "other": "sent"},
    )
    of.see(*(hours(str(number), "1.00", project=f"P-{number}") for number in range(1, 5)))
    found = [(draft.sink, draft.client, draft.currency, draft.push) for draft in of.look().drafts]
    assert found == [
        ("books", "acme", "EUR", "draft"),
        ("books", "acme", "USD", "draft"),
        ("books", "city", "USD", "draft"),
        ("other", "acme", "USD", "sent"),
    ]


def test_a_shared_document_takes_the_most_careful_mode_and_the_shortest_terms() -> None:
    careful = Billing(group="consolidated", push="draft", terms_days=30)
    bold = Billing(group="consolidated", push="sent", terms_days=14)
    of = Firm(contracts=[contract("C", "P-1", billing=careful), contract("D", "P-2", billing=bold)])
    of.see(hours("a", "1.00"), hours("b", "1.00", project="P-2"))
    [draft] = of.look().drafts
    assert (draft.push, draft.terms_days, draft.contracts) == ("draft", 14, ("C", "D"))


# Lines


def test_time_of_one_person_project_and_price_is_one_line_and_the_rest_one_by_one() -> None:
    rates = (Rate(amount=Decimal("100.00")), Rate(amount=Decimal("80.00"), person="bob"))
    of = Firm(contracts=[contract(time=TimeTerms(rates=replace(HUNDRED, rates=rates)))])
    of.see(
        project(),
        hours("a", "1.25", "2026-03-02", person_name="Ana Roe"),
        hours("b", "2.00", "2026-03-03", person_name="Ana Roe"),
        hours("c", "3.00", person="bob"),
        hours("d", "1.00", cost_centre="hull"),
        spent("x", "12.34", category="Travel"),
        spent("y", "1.00"),
    )
    [draft] = of.look().drafts
    found = [(line.kind, line.quantity, line.unit_price, line.amount, len(line.parts)) for line in draft.lines]
    assert sorted(found, key=str) == sorted(
        [
            ("time", Decimal("3.25"), Decimal("100.00"), 32500, 2),
            ("time", Decimal("3.00"), Decimal("80.00"), 24000, 1),
            ("time", Decimal("1.00"), Decimal("100.00"), 10000, 1),
            ("expense", None, None, 1234, 1),
            ("expense", None, None, 100, 1),
        ],
        key=str,
    )
    texts = {line.text for line in draft.lines}
    assert {"Ana Roe, City Hall, 2026-03-02 to 2026-03-03", "Travel, 2026-03-02", "expense, 2026-03-02"} <= texts
    assert {line.dimensions.get("cost_centre") for line in draft.lines} == {None, "hull"}


def test_a_price_is_shown_only_where_it_gives_the_amount_to_the_cent() -> None:
    rates = replace(HUNDRED, rates=(Rate(amount=Decimal("33.33")),))
    of = Firm(contracts=[contract(time=TimeTerms(rates=rates))])
    of.see(hours("a", "0.25"), hours("b", "0.25", "2026-03-03"))  # 8.3325 each: 8.33 + 8.33, not 16.665
    [line] = of.look().drafts[0].lines
    assert (line.amount, line.quantity, line.unit_price) == (1666, Decimal("0.50"), None)


def test_overtime_is_priced_apart() -> None:
    time = TimeTerms(rates=HUNDRED, overtime=(Overtime(per="day", after=Decimal(8), multiplier=Decimal("1.5")),))
    of = Firm(contracts=[contract(time=time)])
    of.see(hours("a", "8.00"), hours("b", "2.00"), hours("c", "9.00", "2026-03-03"))
    [draft] = of.look().drafts
    found = {(line.quantity, line.unit_price, line.amount) for line in draft.lines}
    assert found == {
        (Decimal("8.00"), Decimal(100), 80000),
        (Decimal("2.00"), Decimal("150.0"), 30000),
        (Decimal("9.00"), None, 95000),
    }


def test_codes_items_and_dimensions_come_from_the_mapping() -> None:
    billing = Billing(
        tax={"default": "STD", "expense": "ZERO"}, items={"time": "Consulting"}, dimensions={"class": "North"}
    )
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    line = ScheduleLine(id="d", name="Design", amount=100, trigger=trigger, item="Plans", purchase_order="PO-2")
    of = Firm(contracts=[contract(billing=billing, lines=(line,), purchase_order="PO-1")])
    of.see(hours("a", "1.00"), spent("b", "1.00"), milestone("m", "Design", "2026-04-01"))
    [draft] = of.look().drafts
    found = [(one.kind, one.tax_code, one.item, one.purchase_order, dict(one.dimensions)) for one in draft.lines]
    assert found == [
        ("milestone", "STD", "Plans", "PO-2", {"class": "North"}),
        ("time", "STD", "Consulting", "PO-1", {"class": "North"}),
        ("expense", "ZERO", None, "PO-1", {"class": "North"}),
    ]
    assert draft.purchase_order is None, "two orders on one document: each line bears its own"


def test_each_part_is_pinned_to_its_version_and_says_why() -> None:
    of = Firm(contracts=[contract()]).see(hours("a", "1.00"))
    [part] = of.look().drafts[0].lines[0].parts
    [seen] = of.records.values()
    assert [(proof.key, proof.version) for proof in part.evidence] == [(seen.key, seen.version)]
    assert part.because == ("default rate 100.00", "1.00 h x 100.00 = 100.00 USD")
    assert part.fingerprint == of.contracts[0].fingerprint()


# Periods


def monthly(**more: Any) -> Firm:
    of = Firm(contracts=[contract(billing=Billing(period="monthly", day=5, **more))], today=day("2026-05-10"))
    of.see(hours("a", "1.00", "2026-05-08"))
    return of


def test_until_its_day_work_is_ready_and_waits_and_on_the_day_everything_is_billed() -> None:
    of = monthly()
    of.nights("2026-06-04")
    assert causes(of.look(), "time/work/a") == [("ready", "waits_for_period", 10000)]
    of.see(hours("b", "2.00", "2026-06-03"))
    of.today = day("2026-06-05")
    [draft] = of.look().drafts
    assert draft.total == 30000 and draft.key == "C/2026-06"


def test_through_the_end_of_the_period_leaves_newer_work_out() -> None:
    of = monthly(through="period_end")
    of.night()
    of.see(hours("b", "2.00", "2026-06-03"))
    of.today = day("2026-06-05")
    assert [draft.total for draft in of.look().drafts] == [10000]
    assert causes(of.night(), "time/work/b") == [("ready", "waits_for_period", 20000)]


def test_a_missed_night_is_caught_up_by_the_next() -> None:
    of = monthly()
    of.night()
    of.today = day("2026-06-07")
    assert [draft.total for draft in of.look().drafts] == [10000]
    of.night()
    of.see(hours("b", "2.00", "2026-06-06"))
    assert of.night().drafts == (), "billed for June: the next day is in July"


def test_a_milestone_brings_everything_that_is_ready_with_it() -> None:
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    line = ScheduleLine(id="d", name="Design", amount=100, trigger=trigger)
    of = Firm(contracts=[contract(billing=Billing(period="milestone"), lines=(line,))])
    of.see(hours("a", "1.00"), milestone("m", "Design"))
    assert causes(of.night(), "time/work/a") == [("ready", "waits_for_period", 10000)]
    of.see(milestone("m", "Design", "2026-05-09"))
    assert [draft.total for draft in of.look().drafts] == [10100]


def test_ready_for_billing_lets_go_at_once_what_was_ready_then() -> None:
    of = monthly()
    of.see(project(ready_to_bill="2026-05"))
    assert [draft.total for draft in of.look().drafts] == [10000]
    of.night()
    of.today = day("2026-05-11")
    of.see(hours("b", "2.00", "2026-05-10"))
    assert causes(of.night(), "time/work/b") == [("ready", "waits_for_period", 20000)]
    of.see(project(ready_to_bill="2026-05b"))
    assert row(of.night()).billed == 30000


def test_a_person_bills_one_project_out_of_cycle() -> None:
    of = monthly()
    of.decide("bill", "project/work/P-1")
    assert [draft.total for draft in of.look().drafts] == [10000]
    of.today = day("2026-05-12")
    assert of.look().drafts == ()


def test_a_run_for_one_project_bills_what_is_ready_on_it_and_nothing_else() -> None:
    release = HoldbackRelease(id="R", trigger=Trigger(kind="dated", on=day("2026-05-11")))
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"time"}), releases=(release,))
    of = Firm(
        contracts=[
            contract("C", "P-1", "P-2", billing=Billing(period="monthly", day=5, group="consolidated"), holdback=kept),
            contract("D", "P-3", billing=Billing(group="consolidated")),
        ],
        today=day("2026-06-05"),
    )
    of.see(hours("old", "1.00"), hours("old2", "1.00", project="P-2"))
    of.facts_more["only_project"] = None
    of.today = day("2026-05-05")
    of.night()
    of.today = day("2026-05-12")
    of.see(hours("a", "2.00"), hours("b", "4.00", project="P-2"), hours("c", "8.00", project="P-3"))
    of.decide("bill", "C", amount=5)
    of.decide("credit", "time/work/old2")
    [credit, due] = sorted(of.look().drafts, key=lambda draft: draft.total)
    assert [line.parts[0].identity for line in due.lines] == ["time/work/c"], "the others wait for their month"
    assert credit.lines[0].parts[0].identity == "time/work/old2"
    [draft] = of.look(only_project=("work", "P-1")).drafts
    assert [(line.kind, line.amount) for line in draft.lines] == [("time", 20000), ("release", 1000)]
    assert [part.identity for line in draft.lines for part in line.parts] == ["time/work/a", "time/work/old"]
    after = of.look(only_project=("work", "P-1"))
    assert causes(after, "time/work/c") == [("ready", "waits_for_period", 80000)], "ready, and not of this run"
    assert causes(after, "C/manual/1") == [("ready", "waits_for_period", 5)], "of no project"


def test_who_asked_to_bill_out_of_cycle_stands_on_the_line() -> None:
    of = monthly()
    of.decide("bill", "project/work/P-1", reason="handed over", until=day("2026-05-10"))
    [draft] = of.look().drafts
    assert draft.lines[0].parts[0].because[-1] == "out of cycle: eve, handed over"
    of.today = day("2026-05-11")
    assert of.look().drafts == (), "the word was for its day"


# Several payers


def shared(**more: Any) -> Firm:
    payers = (Payer(client="acme", share=Decimal(2)), Payer(client="city", share=Decimal(1)))
    of = Firm(contracts=[contract(payers=payers, **more)], clients=[Client(id="acme", name="Acme"), CITY])
    return of


def test_each_payer_has_a_document_and_a_row_and_the_shares_sum_to_the_whole() -> None:
    of = shared()
    of.see(hours("a", "1.00"))
    now = of.look()
    assert [(draft.client, draft.total) for draft in now.drafts] == [("acme", 6667), ("city", 3333)]
    after = of.night()
    assert [(one.client, one.earned, one.billed) for one in after.statement] == [
        ("acme", 6667, 6667), ("city", 3333, 3333),
    ]  # fmt: skip
    assert after.drafts == ()


def test_what_stops_one_payer_does_not_stop_the_other() -> None:
    of = shared()
    of.clients = [Client(id="acme", name="Acme"), replace(CITY, requires_purchase_order=True)]
    of.see(hours("a", "1.00"))
    after = of.night()
    assert figures(row(after, client="acme")) == {"earned": 6667, "billed": 6667}
    assert figures(row(after, client="city")) == {"earned": 3333, "held": 3333}


def test_holdback_and_credits_of_shares() -> None:
    of = shared(holdback=Holdback(percent=Decimal(10), kinds=frozenset({"time"})))
    of.see(hours("a", "10.00"))
    of.night()
    of.decide("credit", "time/work/a", amount=30000)
    after = of.night()
    found = [(one.client, one.billed, one.credited, one.withheld, one.held) for one in after.statement]
    assert found == [("acme", 66667 - 4667, 20000, 4667, 20000), ("city", 33333 - 2333, 10000, 2333, 10000)]
    of.decide("rebill", "time/work/a", amount=25000)
    after = of.night()
    assert sum(one.held for one in after.statement) == 5000
    assert sum(one.billed + one.withheld - one.credited for one in after.statement) == 95000


@pytest.mark.parametrize("after_billing", ["review", "true_up"])
def test_a_new_payer_owes_nothing_before_the_old_one_got_it_back(after_billing: Any) -> None:
    of = Firm(contracts=[contract()], clients=[Client(id="acme", name="Acme"), CITY]).see(hours("a", "1.00"))
    of.night()
    of.contracts = [contract(client="city", after_billing=after_billing)]
    now = of.look()
    assert causes(now, "time/work/a")[0] == ("billed", "", 10000)
    assert figures(row(now, client="city")) == {"earned": 10000, "held": 10000}
    if after_billing == "review":
        assert figures(row(now, client="acme")) == {"billed": 10000, "held": -10000}
        assert set(codes(now)) == {"drift", "moved"}
        of.decide("credit", "time/work/a")
    assert [(draft.client, draft.total) for draft in of.look().drafts] == [("acme", -10000)]
    of.night()
    assert figures(row(of.night(), client="city")) == {"earned": 10000, "billed": 10000}
    assert figures(row(of.look(), client="acme")) == {"billed": 10000, "credited": 10000}


# The same again


def test_the_reference_depends_on_the_work_not_on_the_night_or_the_words() -> None:
    of = Firm(contracts=[contract()]).see(hours("a", "1.00"))
    [first] = of.look().drafts
    of.today = day("2026-06-01")
    of.contracts = [contract(name="Renamed", gates=Gates(closed_through=day("2026-03-31")))]
    [later] = of.look().drafts
    assert later.reference == first.reference and later.lines[0].late
    of.see(hours("a", "1.01"))
    assert of.look().drafts[0].reference != first.reference
