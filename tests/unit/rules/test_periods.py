from __future__ import annotations

from datetime import date, timedelta

import pytest

from billsync.model.contract import Billing
from billsync.rules.periods import Due, due, period_key
from tests.unit.rules.build import day

WAITS = Due(go=False, cause="waits_for_period")
FIRST = Billing(period="monthly", day=1)
LAST = Billing(period="monthly", day=31)
FRIDAY = Billing(period="weekly", day=5)


def test_as_it_happens_is_every_night() -> None:
    assert due(Billing(through="period_end"), day("2026-05-13"), None) == Due(go=True)
    assert period_key(Billing(), day("2026-05-13")) == "2026-05-13"


def test_a_milestone_takes_all_that_is_ready_along() -> None:
    billing = Billing(period="milestone")
    assert due(billing, day("2026-05-13"), None) == WAITS
    assert due(billing, day("2026-05-13"), None, milestone_ready=True) == Due(go=True)
    assert period_key(billing, day("2026-05-13")) == "2026-05-13"
    # a milestone hurries no other period
    assert due(FIRST, day("2026-05-13"), day("2026-05-01"), milestone_ready=True) == WAITS


@pytest.mark.parametrize(
    ("billing", "days"),
    [
        (FIRST, ["2026-01-01", "2026-02-01", "2026-03-01"]),
        (LAST, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (Billing(period="monthly", day=30), ["2026-01-30", "2026-02-28", "2026-03-30"]),
        (Billing(period="monthly", day=15), ["2026-01-15", "2026-02-15", "2026-03-15"]),
        (Billing(period="weekly", day=1), [f"2026-{rest}" for rest in "01-05 01-12 01-19 01-26".split()]),
        (Billing(period="weekly", day=7), [f"2026-{rest}" for rest in "01-04 01-11 01-18 01-25".split()]),
    ],
)
def test_run_each_night_it_is_due_on_its_days_and_no_other(billing: Billing, days: list[str]) -> None:
    nights = [day("2026-01-01") + timedelta(days=number) for number in range(90 if billing.period == "monthly" else 31)]
    gone, last = [], None
    for night in nights:
        if due(billing, night, last).go:
            gone.append(str(night))
            last = night
    assert gone == days


def test_the_last_day_of_february_in_a_leap_year() -> None:
    assert due(LAST, day("2028-02-28"), day("2028-01-31")) == WAITS
    assert due(LAST, day("2028-02-29"), day("2028-01-31")).go


def test_a_missed_night_is_caught_up_by_the_next() -> None:
    assert due(FIRST, day("2026-05-02"), day("2026-04-01")).go
    assert due(FIRST, day("2026-05-20"), day("2026-04-01")).go
    assert due(FIRST, day("2026-05-03"), day("2026-05-02")) == WAITS  # caught up already
    assert due(FRIDAY, day("2026-05-11"), day("2026-05-01")).go  # Monday after the missed Friday the 8th
    assert due(FRIDAY, day("2026-05-11"), day("2026-05-07")).go  # billed by hand on Thursday, missed on Friday
    assert due(FRIDAY, day("2026-05-11"), day("2026-05-08")) == WAITS


def test_a_group_that_was_never_billed_waits_for_its_day() -> None:
    assert due(FIRST, day("2026-05-15"), None) == WAITS
    assert due(FIRST, day("2026-06-01"), None).go


def test_work_that_was_ready_before_its_day_shows_that_the_day_was_missed() -> None:
    assert due(FIRST, day("2026-05-02"), None, waiting_since=day("2026-04-30")).go
    assert due(FIRST, day("2026-05-02"), None, waiting_since=day("2026-05-01")).go
    assert due(FIRST, day("2026-05-02"), None, waiting_since=day("2026-05-02")) == WAITS
    # Nothing was ready on 1 May; what is ready since waits for June, however long ago the last invoice was.
    assert due(FIRST, day("2026-05-15"), day("2026-03-01"), waiting_since=day("2026-05-10")) == WAITS
    # Released from a hold after the day was honoured: June.
    assert due(FIRST, day("2026-05-15"), day("2026-05-01"), waiting_since=day("2026-04-10")) == WAITS
    # On its day everything goes.
    assert due(FIRST, day("2026-05-01"), None, waiting_since=day("2026-05-01")).go


@pytest.mark.parametrize(
    ("billing_day", "period", "today", "through"),
    [
        (1, "monthly", "2026-05-01", "2026-04-30"),
        (5, "monthly", "2026-01-05", "2025-12-31"),
        (5, "monthly", "2028-03-07", "2028-02-29"),  # caught up two nights late
        (31, "monthly", "2026-04-30", "2026-04-30"),  # the month is over this evening
        (31, "monthly", "2026-05-02", "2026-04-30"),
        (28, "monthly", "2026-02-28", "2026-02-28"),
        (28, "monthly", "2026-03-28", "2026-02-28"),
        (30, "monthly", "2026-03-30", "2026-02-28"),  # the month has one more day
        (1, "weekly", "2026-05-04", "2026-05-03"),
        (7, "weekly", "2026-05-03", "2026-05-03"),
        (5, "weekly", "2026-05-08", "2026-05-03"),
        (5, "weekly", "2026-05-11", "2026-05-03"),  # Friday's bill on Monday
    ],
)
def test_work_after_the_closed_period_is_left_out(billing_day: int, period: str, today: str, through: str) -> None:
    billing = Billing(period=period, day=billing_day, through="period_end")  # type: ignore[arg-type]
    assert due(billing, day(today), day("2025-01-01")) == Due(go=True, through=day(through))
    everything = Billing(period=period, day=billing_day)  # type: ignore[arg-type]
    assert due(everything, day(today), day("2025-01-01")) == Due(go=True)


@pytest.mark.parametrize(
    ("billing", "on", "key"),
    [
        (FIRST, "2026-05-01", "2026-05"),
        (FIRST, "2026-04-30", "2026-04"),
        (LAST, "2026-04-30", "2026-04"),
        (LAST, "2026-05-02", "2026-04"),  # a night or two late, the same period
        (LAST, "2026-01-30", "2025-12"),
        (FRIDAY, "2026-05-08", "2026-W19"),
        (FRIDAY, "2026-05-11", "2026-W19"),
        (FRIDAY, "2027-01-01", "2026-W53"),
        (FRIDAY, "2026-01-09", "2026-W02"),
    ],
)
def test_periods_have_the_name_of_their_day(billing: Billing, on: str, key: str) -> None:
    assert period_key(billing, day(on)) == key


def test_every_night_of_ten_years_has_one_period() -> None:
    nights = [date(2024, 1, 1) + timedelta(days=number) for number in range(3653)]
    for billing in (FIRST, LAST):
        assert len({period_key(billing, night) for night in nights}) in (120, 121)
    assert len({period_key(FRIDAY, night) for night in nights}) == 523  # 522 Fridays, and the one before
