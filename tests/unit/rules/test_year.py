"""Two hours a day through a leap year: every day counts in its own week, month, quarter and year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from billsync.model.contract import Cap, Included, Overtime, Per, TimeTerms
from billsync.rules.caps import apply_caps, work_of
from billsync.rules.hours import TimeWork, charge
from billsync.rules.valuation import value_time
from tests.unit.rules.build import D, contract, entry, flat

DAYS = [date(2027, 12, 27) + timedelta(days=number) for number in range(375)]  # to 2029-01-04
WORK = [entry("2", on, id=on.isoformat(), place=(on, 0)) for on in DAYS]


def test_the_year_has_a_leap_day_and_two_year_ends() -> None:
    assert {"2027-12-31", "2028-01-01", "2028-02-29", "2028-12-31", "2029-01-01"} <= {work.identity for work in WORK}


def taken(work: list[TimeWork], terms: TimeTerms, wanted: str) -> Counter[str]:
    """Hours from one source, by month."""
    hours: Counter[str] = Counter()
    for identity, charged in charge(terms, work).items():
        hours[identity[:7]] += int(sum(part.hours for part in charged.slices if part.source == wanted))
    return hours


def test_each_month_has_its_own_included_hours() -> None:
    days = Counter(work.identity[:7] for work in WORK)
    free = taken(WORK, TimeTerms(included=Included(hours=D(57))), "included")
    # 57 of 2 x 31, 30, 29 hours; December 2027 has 5 days here, January 2029 has 4
    assert free == {month: min(57, 2 * count) for month, count in days.items()}
    assert taken(WORK, TimeTerms(included=Included(hours=D(57))), "rate")["2028-02"] == 1


def test_hours_roll_from_the_leap_month_into_the_next() -> None:
    terms = TimeTerms(included=Included(hours=D(60), roll_over=1, since=date(2028, 2, 1)))
    free = taken(WORK, terms, "included")
    # February 58 of 60; March 2 rolled and 60 of 62; April 60 of 60; May 60 of 62
    assert [free[f"2028-0{month}"] for month in (1, 2, 3, 4, 5)] == [0, 58, 62, 60, 60]


def test_each_week_from_monday_to_sunday_has_its_own_overtime() -> None:
    terms = TimeTerms(overtime=(Overtime(per="week", after=D(12), multiplier=D(2)),))
    late = {identity for identity, charged in charge(terms, WORK).items() if charged.slices[0].multiplier == 2}
    assert late == {on.isoformat() for on in DAYS if on.isoweekday() == 7}
    assert "2028-01-02" in late  # a week over the year's end
    assert "2028-12-31" in late


QUARTERS = {month: (month + 2) // 3 for month in range(1, 13)}


@pytest.mark.parametrize(
    ("per", "period"),
    [
        ("month", lambda on: (on.year, on.month)),
        ("quarter", lambda on: (on.year, QUARTERS[on.month])),
        ("year", lambda on: on.year),
        ("contract", lambda on: None),
    ],
)
def test_each_period_has_its_own_room(per: Per, period: Callable[[date], object]) -> None:
    """100.00 a day, room for 4 days a period: the first four days of each are billed, all others are capped."""
    terms = contract(TimeTerms(card=flat("50")), caps=(Cap(id="c", amount=40000, per=per),))
    valued = value_time(terms, WORK, source_rates={})
    works = [work_of(valued[w.identity], identity=w.identity, kind="time", on=w.on) for w in WORK]
    capped = apply_caps(terms, works).capped
    billed = {on for on in DAYS if on.isoformat() not in capped}
    days: dict[object, list[date]] = {}
    for on in DAYS:
        days.setdefault(period(on), []).append(on)
    assert billed == {on for group in days.values() for on in group[:4]}
