"""Work lands in the right billing period, whatever clocks do: every transition of twelve zones in ten years.

Nights are instants, and their date is the firm's; dates of work stay as they are printed. Zones are chosen for their
manners: changes at midnight (Santiago, Beirut, Cairo), by half an hour (Lord Howe), four times a year (Casablanca), on
the other side of the date line (Auckland, Chatham, Apia).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billsync.model.contract import Billing, Contract, ProjectRef, TimeTerms
from billsync.rules.periods import billing_day, period_key
from billsync.sdk.parse import day_in_zone
from billsync.sync import Firm as OpenFirm
from tests.unit.rules.build import day, flat
from tests.unit.rules.night import Firm, hours

ZONES = (
    "America/New_York", "America/St_Johns", "America/Santiago", "Europe/London", "Europe/Berlin", "Asia/Beirut",
    "Africa/Cairo", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia",
)  # fmt: skip
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """The first instants of each new offset."""
    known, found, at = ZoneInfo(zone), [], FIRST
    while at < LAST:
        later = at + timedelta(days=1)
        if offset(known, at) != offset(known, later):
            low, high = at, later
            while high - low > SECOND:
                middle = low + (high - low) // 2
                low, high = (middle, high) if offset(known, middle) == offset(known, at) else (low, middle)
            found.append(high.replace(microsecond=0))
        at = later
    return tuple(found)


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    shift = at.astimezone(zone).utcoffset()
    assert shift is not None
    return shift


def firm_date(at: datetime, zone: str) -> date:
    """The date of a night, as an open firm says it."""
    today: Any = vars(OpenFirm)["today"]
    found: date = today.fget(SimpleNamespace(now=lambda: at, terms=SimpleNamespace(zone=zone)))
    return found


def sunday(on: date) -> date:
    return on + timedelta(days=6 - on.weekday())


def month_end(on: date) -> date:
    return on.replace(day=monthrange(on.year, on.month)[1])


def test_the_zones_change_their_clocks_often_enough_to_test_something() -> None:
    counts = {zone: len(transitions(zone)) for zone in ZONES}
    assert all(counts.values()) and sum(counts.values()) > 200, counts
    assert datetime(2026, 3, 29, 1, 0, tzinfo=UTC) in transitions("Europe/Berlin")
    assert datetime(2026, 4, 4, 15, 0, tzinfo=UTC) in transitions("Australia/Lord_Howe")


@pytest.mark.parametrize("zone", ZONES)
def test_a_firm_s_date_is_its_wall_clock_s_and_never_runs_backwards(zone: str) -> None:
    for at in transitions(zone):
        before = None
        for quarter in range(-30 * 4, 30 * 4 + 1):
            for moment in (at + timedelta(minutes=15 * quarter) - SECOND, at + timedelta(minutes=15 * quarter)):
                found = firm_date(moment, zone)
                assert found == (moment + offset(ZoneInfo(zone), moment)).date()
                assert day_in_zone(moment.isoformat(), zone) == found, "a source's instant is of another day"
                assert before is None or before <= found <= before + timedelta(days=1), f"{zone}: {before}, {found}"
                before = found


def billed(of: Firm) -> set[str]:
    return {posting.fact.identity.rpartition("/")[2] for posting in of.postings if posting.fact.kind == "billed"}


def firm(on: date) -> tuple[Firm, dict[str, date]]:
    """A firm that bills one contract by the week and one by the month, both to the period's end; and, for each entry,
    the date of the night that has to bill it. Each contract has work of the day, and of the first day after its
    period."""

    def contract(name: str, billing: Billing) -> Contract:
        refs = (ProjectRef(account="work", id=name),)
        return Contract(
            id=name, client="acme", currency="USD", projects=refs, time=TimeTerms(rates=flat()), billing=billing
        )

    weekly = contract("W", Billing(period="weekly", day=7, through="period_end"))
    monthly = contract("M", Billing(period="monthly", day=31, through="period_end"))
    of = Firm(contracts=[weekly, monthly])
    due = {}
    for name, end in (("W", sunday), ("M", month_end)):
        for worked in (on, end(on) + timedelta(days=1)):
            of.see(hours(f"{name}{worked}", "1.00", worked.isoformat(), project=name))
            due[f"{name}{worked}"] = end(worked)
    return of, due


def nights(of: Firm, due: dict[str, date], dates: Sequence[date]) -> None:
    """Run the nights; after each, exactly that is billed whose period is over on its evening."""
    for today in dates:
        of.today = today
        of.night()
        over = {name for name, last in due.items() if last <= today}
        assert billed(of) == over, f"night of {today}: {due}"


def noon(on: date, zone: str) -> datetime:
    return datetime.combine(on, time(12), ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_work_at_a_transition_is_billed_in_its_own_week_and_month(zone: str) -> None:
    for at in transitions(zone):
        on = firm_date(at, zone)
        of, due = firm(on)
        moments = {at - SECOND, at, *(noon(last, zone) for last in due.values())}
        nights(of, due, [firm_date(moment, zone) for moment in sorted(moments)])
        assert billed(of) == set(due)


def boundaries() -> Iterator[date]:
    """Leap days, ends of months, of years, of ISO weeks 52 and 53, each with the days around it."""
    for text in (
        "2024-02-29", "2028-02-29", "2026-02-28", "2100-02-28", "2026-12-31", "2027-12-31", "2020-12-31",
        "2026-01-04", "2026-05-31", "2026-04-30",
    ):  # fmt: skip
        yield from (day(text) + timedelta(days=shift) for shift in (-1, 0, 1))


@pytest.mark.parametrize("on", sorted(set(boundaries())), ids=str)
def test_weeks_months_leap_days_and_years_end_where_the_calendar_says(on: date) -> None:
    of, due = firm(on)
    nights(
        of, due, [on + timedelta(days=number) for number in range(max((last - on).days for last in due.values()) + 1)]
    )
    assert billed(of) == set(due)


def test_the_names_of_periods_around_a_year_s_end() -> None:
    weekly, monthly = Billing(period="weekly", day=7), Billing(period="monthly", day=31)
    assert period_key(weekly, day("2027-01-03")) == "2026-W53"
    assert period_key(weekly, day("2027-01-09")) == "2026-W53"
    assert period_key(weekly, day("2027-01-10")) == "2027-W01"
    assert period_key(monthly, day("2027-01-30")) == "2026-12"
    assert billing_day(monthly, day("2028-02-29")) == day("2028-02-29")
    assert billing_day(monthly, day("2027-02-28")) == day("2027-02-28")
    assert billing_day(monthly, day("2027-03-30")) == day("2027-02-28")
