from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from billsync.model.contract import Included, Increment, Minimum, Overtime, Prepaid, TimeTerms
from billsync.rules.hours import Slice, TimeWork, charge, rounded
from tests.unit.rules.build import D, day, entry, queue


def billable(time: TimeTerms, *entries: TimeWork) -> list[Decimal]:
    return [charged.billable_hours for charged in charge(time, queue(*entries)).values()]


def sources(time: TimeTerms, *entries: TimeWork) -> list[list[tuple[str, str, str]]]:
    """Per entry its slices as (hours, multiplier, source)."""
    return [
        [(str(part.hours), str(part.multiplier), part.source) for part in charged.slices]
        for charged in charge(time, queue(*entries)).values()
    ]


def reasons(time: TimeTerms, *entries: TimeWork) -> list[str]:
    """The sentences of the last entry."""
    return list(list(charge(time, queue(*entries)).values())[-1].because)


def quarter(per: Literal["entry", "person_day"] = "entry", mode: Literal["up", "nearest"] = "up") -> Increment:
    return Increment(hours=D("0.25"), per=per, mode=mode)


# Increments and minimums


@pytest.mark.parametrize(
    ("hours", "up", "nearest"),
    [
        ("0", "0", "0"),
        ("0.01", "0.25", "0"),
        ("0.125", "0.25", "0.25"),  # the half goes up
        ("0.25", "0.25", "0.25"),
        ("3.2", "3.25", "3.25"),
        ("3.26", "3.5", "3.25"),
        ("7.9999999999999999999999999999", "8", "8"),
    ],
)
def test_steps(hours: str, up: str, nearest: str) -> None:
    assert rounded(D(hours), quarter()) == D(up)
    assert rounded(D(hours), quarter(mode="nearest")) == D(nearest)


def test_without_terms_hours_are_as_worked() -> None:
    charged = charge(TimeTerms(), queue(entry("3.2")))["1"]
    assert (charged.billable_hours, charged.slices, charged.because) == (D("3.2"), (Slice(hours=D("3.2")),), ())


def test_no_hours_are_no_slices() -> None:
    charged = charge(TimeTerms(), queue(entry("0")))["1"]
    assert (charged.billable_hours, charged.slices, charged.because) == (D(0), (), ())


def test_each_entry_is_rounded_by_itself() -> None:
    time = TimeTerms(increment=quarter())
    assert billable(time, entry("0.1"), entry("0.1"), entry("0.1")) == [D("0.25")] * 3
    assert reasons(time, entry("3.20")) == ["3.20 h rounded up to 3.25 h (steps of 0.25 h)"]
    assert reasons(time, entry("3.25")) == []
    assert reasons(TimeTerms(increment=quarter(mode="nearest")), entry("3.3")) == [
        "3.30 h rounded to the nearest to 3.25 h (steps of 0.25 h)"
    ]


def test_the_running_total_of_the_day_is_rounded_and_each_entry_gets_the_difference() -> None:
    time = TimeTerms(increment=quarter("person_day"))
    # totals 0.1, 0.2, 0.3 -> 0.25, 0.25, 0.5: the entries get 0.25, 0, 0.25
    assert billable(time, entry("0.1"), entry("0.1"), entry("0.1")) == [D("0.25"), D(0), D("0.25")]
    assert reasons(time, entry("0.1"), entry("0.1")) == [
        "day of ana on 2026-03-02: 0.20 h rounded up to 0.25 h (steps of 0.25 h), this entry counts 0.00 h"
    ]


def test_a_day_is_one_persons_on_one_date() -> None:
    time = TimeTerms(increment=quarter("person_day"))
    assert billable(time, entry("0.1"), entry("0.1", person="bo"), entry("0.1", day("2026-03-03"))) == [D("0.25")] * 3
    # another project of the contract is the same day
    assert billable(time, entry("0.1"), entry("0.1", project="P-2")) == [D("0.25"), D(0)]


def test_at_least_the_minimum_of_an_entry_but_nothing_stays_nothing() -> None:
    time = TimeTerms(minimum=Minimum(hours=D(1)))
    assert billable(time, entry("0.2"), entry("0"), entry("1"), entry("1.5")) == [D(1), D(0), D(1), D("1.5")]
    assert reasons(time, entry("0.2")) == ["an entry is at least 1.00 h, this entry counts 1.00 h"]
    assert reasons(time, entry("1")) == []


def test_the_minimum_of_a_day_is_topped_up_once() -> None:
    time = TimeTerms(minimum=Minimum(hours=D(2), per="person_day"))
    # totals 0, 0.5, 1.5, 3 -> at least 2 from the first worked hour on: 0, 2, 0, 1
    assert billable(time, entry("0"), entry("0.5"), entry("1"), entry("1.5")) == [D(0), D(2), D(0), D(1)]
    assert reasons(time, entry("0.5")) == ["the day of ana on 2026-03-02 is at least 2.00 h, this entry counts 2.00 h"]
    assert billable(time, entry("0.5"), entry("0.5", person="bo")) == [D(2), D(2)]


def test_increment_first_then_the_minimum() -> None:
    # 0.6 -> 0.75 by steps, which is above the minimum of 0.7; 0.1 -> 0.25 -> 0.7
    time = TimeTerms(increment=quarter(), minimum=Minimum(hours=D("0.7")))
    assert billable(time, entry("0.6"), entry("0.1")) == [D("0.75"), D("0.7")]
    # worked, though rounded to no step at all: the minimum holds
    nearest = TimeTerms(increment=quarter(mode="nearest"), minimum=Minimum(hours=D(1)))
    assert billable(nearest, entry("0.05"), entry("0")) == [D(1), D(0)]


def test_increment_and_minimum_of_a_day_together() -> None:
    time = TimeTerms(increment=quarter("person_day"), minimum=Minimum(hours=D(1), per="person_day"))
    # totals 0.1, 0.9, 1.1 -> steps 0.25, 1.0, 1.25 -> at least 1: 1, 1, 1.25
    assert billable(time, entry("0.1"), entry("0.8"), entry("0.2")) == [D(1), D(0), D("0.25")]


def test_increment_of_an_entry_and_minimum_of_a_day() -> None:
    time = TimeTerms(increment=quarter(), minimum=Minimum(hours=D(1), per="person_day"))
    # steps 0.25, 0.5, 0.5; totals 0.25, 0.75, 1.25 -> at least 1: 1, 1, 1.25
    assert billable(time, entry("0.2"), entry("0.3"), entry("0.4")) == [D(1), D(0), D("0.25")]


# Overtime

DAILY = Overtime(per="day", after=D(8), multiplier=D("1.5"))
DOUBLE = Overtime(per="day", after=D(12), multiplier=D(2))
WEEKLY = Overtime(per="week", after=D(40), multiplier=D("1.25"))


def test_the_entry_that_crosses_the_day_is_split() -> None:
    time = TimeTerms(overtime=(DAILY,))
    assert sources(time, entry("6"), entry("3"), entry("1")) == [
        [("6", "1", "rate")],
        [("2", "1", "rate"), ("1", "1.5", "rate")],
        [("1", "1.5", "rate")],
    ]
    assert reasons(time, entry("9")) == ["1.00 h overtime x 1.5 (above 8.00 h a day)"]
    assert reasons(time, entry("8")) == []


def test_steps_of_overtime() -> None:
    # 14 h: 8 plain, 4 at 1.5, 2 at 2; the highest rule reached counts, whatever the order they are written in
    expected = [[("8", "1", "rate"), ("4", "1.5", "rate"), ("2", "2", "rate")]]
    assert sources(TimeTerms(overtime=(DAILY, DOUBLE)), entry("14")) == expected
    assert sources(TimeTerms(overtime=(DOUBLE, DAILY)), entry("14")) == expected


def test_overtime_is_each_persons_own() -> None:
    time = TimeTerms(overtime=(DAILY,))
    assert sources(time, entry("8"), entry("8", person="bo")) == [[("8", "1", "rate")]] * 2


def test_a_week_is_monday_to_sunday() -> None:
    time = TimeTerms(overtime=(WEEKLY,))
    sunday_before, sunday, next_monday = day("2026-03-01"), day("2026-03-08"), day("2026-03-09")
    assert sources(time, entry("30", sunday_before), entry("39"), entry("2", sunday), entry("2", next_monday)) == [
        [("30", "1", "rate")],
        [("39", "1", "rate")],
        [("1", "1", "rate"), ("1", "1.25", "rate")],
        [("2", "1", "rate")],
    ]


def test_a_week_over_the_year_end_is_one_week() -> None:
    # Monday 2026-12-28 to Sunday 2027-01-03
    time = TimeTerms(overtime=(WEEKLY,))
    assert sources(time, entry("40", day("2026-12-28")), entry("1", day("2027-01-03")))[1] == [("1", "1.25", "rate")]


def test_day_and_week_together_do_not_multiply() -> None:
    # After 36 h in the week: 4 h until the week's limit; then 4 h at 1.25; above 8 h in the day 1.5 counts, not 1.875.
    time = TimeTerms(overtime=(DAILY, WEEKLY))
    week = [entry("9", day(f"2026-03-0{number}")) for number in (2, 3, 4, 5)]
    assert sources(time, *week, entry("10", day("2026-03-06")))[-1] == [
        ("4", "1", "rate"),
        ("4", "1.25", "rate"),
        ("2", "1.5", "rate"),
    ]


def test_overtime_counts_hours_after_increments() -> None:
    time = TimeTerms(increment=quarter(), overtime=(DAILY,))
    # 7.9 -> 8.0; 0.1 -> 0.25, all of it overtime
    assert sources(time, entry("7.9"), entry("0.1"))[1] == [("0.25", "1.5", "rate")]


def test_hours_that_a_minimum_adds_are_no_overtime() -> None:
    entries = TimeTerms(minimum=Minimum(hours=D(4)), overtime=(DAILY,))
    # worked 7 + 1 = 8 h: the 3 h that the minimum adds to the second entry cost the plain rate
    assert sources(entries, entry("7"), entry("1"))[1] == [("3", "1", "rate"), ("1", "1", "rate")]
    # the ninth hour is overtime, its padding is not
    assert sources(entries, entry("8"), entry("1"))[1] == [("3", "1", "rate"), ("1", "1.5", "rate")]


def test_what_the_days_minimum_charged_before_is_not_charged_again() -> None:
    time = TimeTerms(minimum=Minimum(hours=D(9), per="person_day"), overtime=(DAILY,))
    # 2 h are charged as 9; the next 8 h bring the day to 10, one more than charged: it is the last, an overtime hour
    assert sources(time, entry("2"), entry("8")) == [
        [("7", "1", "rate"), ("2", "1", "rate")],
        [("1", "1.5", "rate")],
    ]


# Included hours


def included(hours: str = "10", roll_over: int = 0, since: str | None = None) -> TimeTerms:
    return TimeTerms(included=Included(hours=D(hours), roll_over=roll_over, since=day(since) if since else None))


def test_included_hours_are_of_the_calendar_month_and_shared_by_all() -> None:
    entries = [entry("6"), entry("6", person="bo"), entry("1"), entry("3", day("2026-04-01"))]
    assert sources(included(), *entries) == [
        [("6", "1", "included")],
        [("4", "1", "included"), ("2", "1", "rate")],
        [("1", "1", "rate")],
        [("3", "1", "included")],
    ]
    assert reasons(included(), *entries[:2]) == ["4.00 h of the hours included in 2026-03 (0.00 h left)"]


@pytest.mark.parametrize(
    ("last", "first"),
    [("2026-03-31", "2026-04-01"), ("2028-02-29", "2028-03-01"), ("2026-12-31", "2027-01-01")],
)
def test_a_month_ends_on_its_last_day(last: str, first: str) -> None:
    assert sources(included("5"), entry("5", day(last)), entry("1", day(last)), entry("5", day(first))) == [
        [("5", "1", "included")],
        [("1", "1", "rate")],
        [("5", "1", "included")],
    ]


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("2026-03-31", "2026-04-01"),
        ("2028-02-29", "2028-03-01"),
        ("2026-11-30", "2026-12-01"),
        ("2026-12-31", "2027-01-01"),
    ],
)
def test_what_is_left_of_a_month_ends_with_it(last: str, first: str) -> None:
    assert sources(included("5"), entry("2", day(last)), entry("6", day(first)))[1] == [
        ("5", "1", "included"),
        ("1", "1", "rate"),
    ]


def test_the_order_of_places_takes_not_the_order_of_dates() -> None:
    # The later date was earned first; the earlier one, seen a night later, finds what is left.
    assert sources(included(), entry("8", day("2026-03-20")), entry("8", day("2026-03-05")))[1] == [
        ("2", "1", "included"),
        ("6", "1", "rate"),
    ]


def test_base_hours_take_included_hours_first_and_an_overtime_hour_takes_one() -> None:
    time = TimeTerms(overtime=(DAILY,), included=Included(hours=D(9)))
    # 10 h: 8 plain and 2 overtime; 9 included: the 8 plain and one of the overtime
    assert sources(time, entry("10")) == [
        [("8", "1", "included"), ("1", "1.5", "included"), ("1", "1.5", "rate")],
    ]


def test_unused_hours_do_not_roll_over_unless_the_contract_says_so() -> None:
    months = [entry("6", day("2026-01-10")), entry("12", day("2026-02-10"))]
    assert sources(included(), *months)[1] == [("10", "1", "included"), ("2", "1", "rate")]
    # with roll-over the 4 h of January go first, for they end first
    assert sources(included(roll_over=1), *months)[1] == [("4", "1", "included"), ("8", "1", "included")]


def test_rolled_hours_live_as_many_months_as_agreed() -> None:
    months = [entry("6", day("2026-01-10")), entry("30", day("2026-03-10"))]
    # One month: January's 4 h are gone in March, February's 10 h are there.
    assert sources(included(roll_over=1), *months)[1] == [
        ("10", "1", "included"),
        ("10", "1", "included"),
        ("10", "1", "rate"),
    ]
    # Two months: 4 + 10 + 10
    assert sources(included(roll_over=2), *months)[1] == [
        ("4", "1", "included"),
        ("10", "1", "included"),
        ("10", "1", "included"),
        ("6", "1", "rate"),
    ]


def test_roll_over_begins_with_the_terms() -> None:
    late = entry("50", day("2026-03-10"))
    # From 15 January: January, February and March, 30 h.
    assert sum(D(part[0]) for part in sources(included(roll_over=12, since="2026-01-15"), late)[0][:-1]) == 30
    # Untold: from the month of the first entry.
    assert sources(included(roll_over=12), late)[0] == [("10", "1", "included"), ("40", "1", "rate")]
    before = entry("1", day("2026-01-14"))
    assert sources(included(since="2026-01-15"), before, entry("1", day("2026-01-15"))) == [
        [("1", "1", "rate")],
        [("1", "1", "included")],
    ]


def test_older_work_seen_later_has_its_own_month_only_and_changes_nothing_placed_before() -> None:
    entries = [entry("30", day("2026-03-10")), entry("12", day("2026-01-10"))]
    assert sources(included(roll_over=3), entries[0]) == sources(included(roll_over=3), *entries)[:1]
    assert sources(included(roll_over=3), *entries)[1] == [("10", "1", "included"), ("2", "1", "rate")]


def test_older_work_hands_nothing_on() -> None:
    entries = [entry("1", day("2026-03-10")), entry("6", day("2026-01-10")), entry("12", day("2026-02-10"))]
    assert sources(included(roll_over=3), *entries)[2] == [("10", "1", "included"), ("2", "1", "rate")]


def test_the_oldest_hours_go_first_in_any_part_of_the_year() -> None:
    months = [entry("1", day("2026-07-10")), entry("25", day("2026-09-10")), entry("1", day("2026-10-10"))]
    # September takes 9 of July, 10 of August and 6 of its own; October has September's 4 left
    assert reasons(included(roll_over=2), *months[:2]) == [
        "9.00 h of the hours included in 2026-07 (0.00 h left)",
        "10.00 h of the hours included in 2026-08 (0.00 h left)",
        "6.00 h of the hours included in 2026-09 (4.00 h left)",
    ]
    assert reasons(included(roll_over=2), *months) == ["1.00 h of the hours included in 2026-09 (3.00 h left)"]


def test_without_work_there_is_nothing_to_charge() -> None:
    assert charge(included(), []) == {}


# Prepaid blocks


def test_a_block_is_drawn_down_and_the_rest_is_overage() -> None:
    time = TimeTerms(prepaid=(Prepaid(id="B-1", hours=D(10)),))
    assert sources(time, entry("7"), entry("4"), entry("1")) == [
        [("7", "1", "prepaid")],
        [("3", "1", "prepaid"), ("1", "1", "rate")],
        [("1", "1", "rate")],
    ]
    assert reasons(time, entry("7")) == ["7.00 h of prepaid block B-1 (3.00 h left)"]


def test_the_block_that_expires_first_goes_first() -> None:
    blocks = (
        Prepaid(id="open", hours=D(10)),
        Prepaid(id="june", hours=D(2), expires=day("2026-06-30")),
        Prepaid(id="money", amount=100),
    )
    assert reasons(TimeTerms(prepaid=blocks), entry("3")) == [
        "2.00 h of prepaid block june (0.00 h left)",
        "1.00 h of prepaid block open (9.00 h left)",
    ]


@pytest.mark.parametrize(
    ("on", "source"),
    [("2026-02-28", "rate"), ("2026-03-01", "prepaid"), ("2026-06-30", "prepaid"), ("2026-07-01", "rate")],
)
def test_a_block_serves_work_of_its_dates(on: str, source: str) -> None:
    block = Prepaid(id="B-1", hours=D(10), since=day("2026-03-01"), expires=day("2026-06-30"))
    assert sources(TimeTerms(prepaid=(block,)), entry("1", day(on))) == [[("1", "1", source)]]


def test_included_hours_go_before_prepaid_ones() -> None:
    time = TimeTerms(included=Included(hours=D(2)), prepaid=(Prepaid(id="B-1", hours=D(2)),))
    assert sources(time, entry("5")) == [[("2", "1", "included"), ("2", "1", "prepaid"), ("1", "1", "rate")]]


def test_negative_hours_pass_by_every_queue() -> None:
    time = TimeTerms(
        increment=quarter("person_day"),
        minimum=Minimum(hours=D(1)),
        overtime=(DAILY,),
        included=Included(hours=D(4)),
    )
    assert sources(time, entry("-0.6"), entry("4.1")) == [
        [("-0.6", "1", "rate")],
        [("4", "1", "included"), ("0.25", "1", "rate")],
    ]
    assert reasons(time, entry("-0.6")) == ["-0.60 h is a correction: not rounded, no overtime, no included hours"]


def test_sums_of_long_hours_lose_no_digit() -> None:
    third = "0.3333333333333333333333333333"
    charged = charge(TimeTerms(overtime=(DAILY,)), queue(entry("7.7"), entry(third), entry(third)))
    for work in charged.values():
        assert sum(part.hours for part in work.slices) == work.billable_hours
    assert charged["2"].slices[0].hours == D("0.3")


def test_half_an_hour_that_a_minimum_adds_is_no_overtime_either() -> None:
    time = TimeTerms(minimum=Minimum(hours=D(1)), overtime=(Overtime(per="day", after=D(0), multiplier=D(2)),))
    [answer] = charge(time, queue(entry("0.5"))).values()
    assert answer.slices == (Slice(hours=D("0.5")), Slice(hours=D("0.5"), multiplier=D(2)))
    assert "0.50 h overtime x 2.0 (above 0.00 h a day)" in answer.because


def test_a_quarter_of_an_hour_that_the_days_minimum_paid_is_no_slice() -> None:
    time = TimeTerms(minimum=Minimum(hours=D(1), per="person_day"))
    first, second = charge(time, queue(entry("0.5"), entry("0.25"))).values()
    assert (first.billable_hours, second.billable_hours, second.slices) == (D(1), D(0), ())
