"""Which contract takes a record, and every record in exactly one place: earned, not earned, or without a value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import Coverage, ExchangeRate
from billsync.model.contract import (
    Billing,
    Contract,
    ExpenseTerms,
    Included,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    Signature,
    TimeTerms,
    Trigger,
)
from billsync.model.statement import Evaluation
from billsync.model.work import Approval, PollReceipt, Window
from tests.unit.rules.night import SUBMITTED, Firm, codes, day, figures, hours, milestone, project, row, spent

HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))


def contract(id: str = "C", *refs: ProjectRef, **more: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": id,
        "client": "acme",
        "currency": "USD",
        "projects": refs or (ProjectRef(account="work", id="P-1"),),
        "time": TimeTerms(rates=HUNDRED),
        **more,
    }
    return Contract(**fields)


def without_value(now: Evaluation) -> list[tuple[str, str, str]]:
    return [(one.key.id, one.why, one.cause) for one in now.not_valued]


def not_yet(now: Evaluation) -> list[tuple[str, str]]:
    return [(one.key.id if one.key else "", one.cause) for one in now.not_earned]


# Where a record goes


def test_every_record_is_in_exactly_one_place() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms(categories=frozenset({"travel"})))])
    of.see(
        hours("ready", "1.00"),
        hours("submitted", "1.00", approval=SUBMITTED),
        hours("rejected", "1.00", approval=Approval(state="rejected")),
        hours("unknown", "1.00", approval=Approval(state="none")),
        hours("future", "1.00", "2026-05-11"),
        hours("internal", "1.00", billable=False),
        hours("lost", "1.00", project="P-9"),
        hours("nothing", "0.00"),
        spent("trip", "10", category="travel"),
        spent("lunch", "10", category="meals"),
        milestone("later", "Later"),
    )
    now = of.look()
    places = (
        [item.key.id for item in now.items if item.key]
        + [key for key, _, _ in without_value(now)]
        + [key for key, _ in not_yet(now)]
    )
    assert sorted(places) == sorted(key.id for key in of.records)
    assert not_yet(now) == [
        ("future", "future"), ("rejected", "unapproved"), ("submitted", "unapproved"), ("unknown", "unapproved"),
    ]  # fmt: skip
    assert ("lost", "unmapped", "unmapped") in without_value(now)
    assert {key for key, why, _ in without_value(now) if why == "not_billable"} == {"internal", "lunch", "later"}
    assert [item.amount for item in now.items if item.key and item.key.id == "nothing"] == [0]


def test_no_approval_is_needed_where_the_contract_says_so() -> None:
    terms = TimeTerms(rates=HUNDRED, approval="not_required")
    of = Firm(contracts=[contract(time=terms)]).see(hours("a", "1.00", approval=Approval(state="none")))
    assert row(of.look()).earned == 10000


def test_mapping_is_by_account_and_id_never_by_name() -> None:
    of = Firm(contracts=[contract()])
    of.see(hours("a", "1.00", project="p-1"), project("P-9", name="P-1"), hours("b", "1.00", project="P-9"))
    of.see(hours("c", "1.00"), account="other")
    now = of.look()
    assert now.items == () and codes(now) == ["unmapped", "unmapped", "unmapped"]


def test_the_contract_names_what_feeds_it() -> None:
    refs = (
        ProjectRef(account="work", id="P-1", feeds=frozenset({"milestone"})),
        ProjectRef(account="clock", id="P-1", feeds=frozenset({"time"})),
    )
    of = Firm(contracts=[contract("C", *refs)])
    of.see(hours("a", "1.00"))
    of.see(hours("b", "2.00"), account="clock")
    now = of.look()
    assert [item.identity for item in now.items] == ["time/clock/b"]
    assert without_value(now) == [("a", "not_billable", "not_billable")] and codes(now) == []


def test_time_on_a_contract_that_bills_none_is_not_billable() -> None:
    line = ScheduleLine(id="l", name="Fee", amount=1, trigger=Trigger(kind="dated", on=day("2026-05-01")))
    of = Firm(contracts=[contract(time=None, lines=(line,))]).see(hours("a", "1.00"), spent("b", "5"))
    assert [why for _, why, _ in without_value(of.look())] == ["not_billable", "not_billable"]


def test_contracts_that_follow_each_other_share_a_project() -> None:
    of = Firm(
        contracts=[
            contract("C", ends_on=day("2026-03-31")),
            contract("D", starts_on=day("2026-04-01"), ends_on=day("2026-04-30")),
        ]
    )
    of.see(hours("a", "1.00", "2026-03-31"), hours("b", "1.00", "2026-04-01"), hours("c", "1.00", "2026-05-01"))
    now = of.look()
    assert [(item.identity, item.contract) for item in now.items] == [("time/work/a", "C"), ("time/work/b", "D")]
    assert without_value(now) == [("c", "unmapped", "no_contract_in_force")]


def test_two_contracts_at_once_are_nobodys_guess() -> None:
    of = Firm(contracts=[contract("C"), contract("D")]).see(hours("a", "1.00"))
    now = of.look()
    assert without_value(now) == [("a", "unmapped", "unmapped")] and "C, D" in now.findings[0].text


@pytest.mark.parametrize("subject", ["time/work/a", "project/work/P-9"])
def test_a_person_maps_a_record_or_a_project_to_a_contract(subject: str) -> None:
    of = Firm(contracts=[contract()]).see(hours("a", "1.00", project="P-9"))
    of.decide("map", subject, target="C")
    assert figures(row(of.night())) == {"earned": 10000, "billed": 10000}


def test_persons_are_known_by_the_firms_own_id() -> None:
    rates = replace(HUNDRED, rates=(Rate(amount=Decimal(70), person="ana"),))
    of = Firm(contracts=[contract(time=TimeTerms(rates=rates))]).see(hours("a", "1.00", person="u-17"))
    assert codes(of.look()) == ["no_rate"]
    of.facts_more = {"persons": {"work:u-17": "ana"}}
    assert row(of.look()).earned == 7000


# Without a rate


def test_without_a_rate_hours_are_counted_and_not_valued() -> None:
    of = Firm(contracts=[contract(time=TimeTerms())]).see(hours("a", "1.50"))
    now = of.look()
    assert without_value(now) == [("a", "unrated", "no_rate")] and now.not_valued[0].hours == Decimal("1.50")
    assert codes(now) == ["no_rate"] and now.places == (), "unrated work is not earned yet"


def test_the_sources_rate_counts_where_the_contract_allows_it_and_the_currency_is_the_same() -> None:
    of = Firm(contracts=[contract(time=TimeTerms(source_rates=True))])
    of.see(
        hours("a", "1.00", rate=Decimal(50)),
        hours("b", "1.00", rate=Decimal(50), currency="USD"),
        hours("c", "1.00", rate=Decimal(50), currency="EUR"),
    )
    now = of.look()
    assert row(now).earned == 10000 and without_value(now) == [("c", "unrated", "no_rate")]


def test_an_exchange_rate_of_the_day_or_the_last_before_it() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms())])
    of.see(spent("a", "100", "2026-03-05", currency="EUR"), spent("b", "100", "2026-02-28", currency="EUR"))
    rate = ExchangeRate(currency="EUR", into="USD", on=day("2026-03-01"), rate=Decimal("1.1"), source="ECB")
    of.facts_more = {"exchange_rates": (rate,)}
    now = of.look()
    assert row(now).earned == 11000 and without_value(now) == [("b", "unrated", "no_fx_rate")]


def test_old_work_without_a_rate_is_no_finding_on_the_first_run() -> None:
    of = Firm(contracts=[contract(time=TimeTerms(), opening_before=day("2026-03-05"))]).see(hours("a", "1.50"))
    assert without_value(of.look()) == [("a", "not_billable", "opening")] and codes(of.look()) == []


# Places


def test_included_hours_go_to_what_was_earned_first() -> None:
    of = Firm(contracts=[contract(time=TimeTerms(rates=HUNDRED, included=Included(hours=Decimal(2))))])
    of.see(hours("late", "2.00", "2026-03-20"), hours("open", "2.00", "2026-03-01", approval=SUBMITTED))
    of.night()
    assert {item.identity: item.amount for item in of.look().items} == {"time/work/late": 0}
    of.today += timedelta(days=1)
    of.see(hours("open", "2.00", "2026-03-01"))
    after = of.night()
    assert {item.identity: item.amount for item in after.items} == {"time/work/late": 0, "time/work/open": 20000}
    assert after.places == () and after.left == ()


def test_new_places_are_ranked_by_date_worked_and_id_behind_those_of_an_earlier_run() -> None:
    of = Firm(contracts=[contract()], sinks={})
    of.see(hours("b", "1.00", "2026-03-02"), hours("a", "1.00", "2026-03-02"), hours("c", "1.00", "2026-03-01"))
    of.night()
    of.see(hours("0", "1.00", "2026-01-01"))
    of.night()
    ranked = sorted(of.places.values(), key=lambda place: place.rank)
    assert [(place.identity[-1], place.rank) for place in ranked] == [("c", 0), ("a", 1), ("b", 2), ("0", 3)]


def test_a_place_is_left_when_work_is_neither_earned_nor_billed() -> None:
    of = Firm(contracts=[contract()], sinks={})
    of.see(hours("a", "1.00"), hours("b", "1.00"))
    of.night()
    of.see(hours("a", "1.00", approval=SUBMITTED))
    assert of.look().left == ("time/work/a",)
    of.sinks = {"books": "draft"}
    of.night()
    of.see(hours("b", "1.00", approval=SUBMITTED))
    assert of.night().left == () and "time/work/b" in of.places


# Rest


def resting(of: Firm) -> list[tuple[str, str, int]]:
    return [(one.key.id, one.state, one.amount) for one in of.look().resting]


def test_what_is_billed_to_the_cent_or_never_billable_may_rest() -> None:
    of = Firm(contracts=[contract()]).see(hours("a", "1.00"), hours("b", "1.00", billable=False))
    assert resting(of) == [("b", "not_billable", 0)]
    of.night()
    assert resting(of) == [("a", "billed", 10000), ("b", "not_billable", 0)]


def test_what_the_source_marks_as_billed_after_we_billed_it_may_rest() -> None:
    of = Firm(contracts=[contract()]).see(hours("a", "1.00"))
    of.night()
    of.see(hours("a", "1.00", billed_at_source=True))
    assert resting(of) == [("a", "billed", 10000)] and codes(of.look()) == []


@pytest.mark.parametrize("what", ["edit", "vanish", "decide", "void", "capped"])
def test_what_somebody_should_see_never_rests(what: str) -> None:
    terms = (
        contract(time=TimeTerms(rates=HUNDRED, included=Included(hours=Decimal(1)))) if what == "capped" else contract()
    )
    of = Firm(contracts=[terms]).see(hours("a", "3.00"))
    of.night()
    if what == "edit":
        of.see(hours("a", "4.00"))
    elif what == "vanish":
        of.vanish("a")
    elif what == "decide":
        of.decide("hold", "time/work/a")
    elif what == "void":
        of.read_back(of.postings[0].fact.invoice, "voided", 0, 30000)
    assert resting(of) == []


# What is not known, what is missing


def receipt(*, complete: bool) -> PollReceipt:
    at = datetime(2026, 5, 9, tzinfo=UTC)
    window = Window(since=day("2026-01-01"), until=day("2026-05-09"))
    return PollReceipt(
        account="work", kind="time", window=window, started=at, finished=at, pages=1, records=1, complete=complete,
        full=True, reason="" if complete else "page 2: 503",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("last_complete", "complete", "reason"),
    [
        (None, True, "never read"),
        (datetime(2026, 5, 9, tzinfo=UTC), False, "did not finish: page 2: 503"),
        (datetime(2026, 5, 8, 23, tzinfo=UTC), True, "last read completely on 2026-05-08 23:00 UTC"),
        (datetime(2026, 5, 9, 1, tzinfo=UTC), True, ""),
    ],
)
def test_an_account_that_is_not_current_makes_the_statement_unknown(
    last_complete: datetime | None, complete: bool, reason: str
) -> None:
    of = Firm(contracts=[contract()]).see(hours("a", "1.00"))
    coverage = Coverage(account="work", kind="time", last_complete=last_complete, last=receipt(complete=complete))
    now = of.look(coverage=(coverage,))
    assert len(now.drafts) == 1, "what was read is billed as usual"
    if reason:
        assert now.verdict == "unknown" and reason in now.unknown[0].reason
    else:
        assert now.unknown == ()


def test_planned_dates_that_passed() -> None:
    late = ScheduleLine(id="l", name="Survey", amount=100, planned_on=day("2026-05-01"), trigger=Trigger(kind="manual"))
    of = Firm(contracts=[contract(lines=(late,))])
    [found] = of.look().findings
    assert (found.code, found.age_days, found.amount) == ("planned_date_passed", 9, 100)


def test_hours_that_came_in_after_the_project_was_closed() -> None:
    of = Firm(contracts=[contract()]).see(hours("before", "1.00"), project(closed=True), hours("after", "2.00"))
    assert [(one.code, one.identity) for one in of.look().findings] == [("hours_on_closed_project", "time/work/after")]


def test_a_person_who_logs_nothing_any_more() -> None:
    of = Firm(contracts=[contract()])
    worked = {"work:ana": day("2026-04-28"), "clock:a.roe": day("2026-05-08"), "work:bob": day("2026-04-29")}
    of.facts_more = {"last_worked": worked, "persons": {"clock:a.roe": "ana"}}
    [found] = of.look().findings
    assert (found.code, found.identity, found.age_days) == ("person_silent", "bob", 11)
    stale = Coverage(account="work", kind="time", last_complete=None, last=None)
    assert codes(of.look(coverage=(stale,))) == [], "nobody is silent where we do not know what was said"


@pytest.mark.parametrize(("last", "found"), [("2026-04-05", ["client_not_billed"]), ("2026-05-05", [])])
def test_a_client_who_is_billed_monthly_and_was_not(last: str, found: list[str]) -> None:
    of = Firm(contracts=[contract(billing=Billing(period="monthly", day=5))])
    of.facts_more = {"last_billed": {"C": day(last)}}
    assert codes(of.look()) == found
    of.contracts = [contract(billing=Billing(period="monthly", day=5), ends_on=day("2026-05-01"))]
    assert codes(of.look()) == []


def test_owners_are_the_firms_where_it_says_so() -> None:
    of = Firm(contracts=[contract(signature=Signature())]).see(hours("a", "1.00", project="P-9"))
    assert of.look().findings[0].owner == "billing coordinator"
    of.facts_more = {"owners": {"unmapped": "Eve"}}
    assert (of.look().findings[0].owner, of.look().not_valued[0].owner) == ("Eve", "Eve")
