"""What must hold for any terms of time and any work: nothing lost, nothing twice, same places, same answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from billsync.model.contract import (
    Contract,
    Included,
    Increment,
    Minimum,
    Overtime,
    Prepaid,
    Rate,
    RateCard,
    TimeTerms,
)
from billsync.model.money import exponent
from billsync.rules.hours import TimeWork, charge, rounded
from billsync.rules.rates import find_rate, overlapping
from billsync.rules.valuation import value_time

# A leap day, a year's end, weeks over both; narrow enough that entries share days, weeks and months.
FIRST, LAST = date(2027, 12, 27), date(2028, 3, 5)
DAYS = st.dates(FIRST, LAST)
PERSONS = st.sampled_from(["ana", "bo"])


def numbers(low: str, high: str, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


@st.composite
def work_lists(draw: st.DrawFn, days: st.SearchStrategy[date] = DAYS, least: int = 0) -> list[TimeWork]:
    """Entries in the order of their places."""
    shape = st.tuples(PERSONS, days, numbers("0", "14"))
    return [
        TimeWork(
            identity=f"time/a/{number}",
            person=person,
            project="P",
            role=None,
            task=None,
            on=on,
            hours=hours,
            place=(LAST, number),
        )
        for number, (person, on, hours) in enumerate(draw(st.lists(shape, min_size=least, max_size=14)))
    ]


INCREMENTS = st.builds(
    Increment,
    hours=st.sampled_from([Decimal("0.1"), Decimal("0.25"), Decimal("0.3"), Decimal(1)]),
    per=st.sampled_from(["entry", "person_day"]),
    mode=st.sampled_from(["up", "nearest"]),
)
MINIMUMS = st.builds(Minimum, hours=numbers("0", "4"), per=st.sampled_from(["entry", "person_day"]))
OVERTIMES = st.builds(
    Overtime, per=st.sampled_from(["day", "week"]), after=numbers("1", "20", 1), multiplier=numbers("1", "3", 1)
)
INCLUDED = st.builds(
    Included, hours=numbers("0", "20"), roll_over=st.integers(0, 3), since=st.none() | st.dates(FIRST, LAST)
)
PREPAID = st.lists(
    st.builds(
        Prepaid,
        id=st.uuids().map(str),
        hours=st.none() | numbers("0", "20"),
        amount=st.none() | st.integers(0, 200000),
        since=st.none() | DAYS,
        expires=st.none() | DAYS,
    ),
    max_size=3,
)


@st.composite
def time_terms(draw: st.DrawFn) -> TimeTerms:
    return TimeTerms(
        card=RateCard(id="card", currency="USD", rates=(Rate(amount=draw(numbers("0", "300"))),)),
        increment=draw(st.none() | INCREMENTS),
        minimum=draw(st.none() | MINIMUMS),
        overtime=tuple(draw(st.lists(OVERTIMES, max_size=3))),
        included=draw(st.none() | INCLUDED),
        prepaid=tuple(draw(PREPAID)),
        discount=draw(numbers("0", "100")),
    )


def contract(time: TimeTerms) -> Contract:
    return Contract(id="C", client="acme", currency="USD", time=time)


# Hours


@given(time_terms(), work_lists())
def test_slices_sum_to_the_billable_hours(time: TimeTerms, work: list[TimeWork]) -> None:
    charged = charge(time, work)
    assert list(charged) == [entry.identity for entry in work]
    for entry in work:
        answer = charged[entry.identity]
        assert sum(Fraction(part.hours) for part in answer.slices) == Fraction(answer.billable_hours)
        assert all(part.hours > 0 for part in answer.slices)
        if entry.hours == 0 and not (time.increment and time.increment.per == "person_day"):
            assert answer.billable_hours == 0, "no hours became some"


@given(time_terms(), work_lists(least=2), st.data())
def test_a_later_entry_changes_none_before_it(time: TimeTerms, work: list[TimeWork], data: st.DataObject) -> None:
    kept = work[: data.draw(st.integers(1, len(work)))]
    assert charge(time, kept) == {entry.identity: charge(time, work)[entry.identity] for entry in kept}
    whole = value_time(contract(time), work, source_rates={})
    assert value_time(contract(time), kept, source_rates={}) == {
        entry.identity: whole[entry.identity] for entry in kept
    }


@given(time_terms(), work_lists(), st.randoms(use_true_random=False))
def test_the_order_of_observation_does_not_matter_where_places_are_the_same(
    time: TimeTerms, work: list[TimeWork], random: object
) -> None:
    seen = list(work)
    random.shuffle(seen)  # type: ignore[attr-defined]
    again = sorted(seen, key=lambda entry: (entry.place, entry.identity))
    first, second = (value_time(contract(time), entries, source_rates={}) for entries in (work, again))
    assert repr(first) == repr(second), "the same facts gave another answer"


def by_day(work: Sequence[TimeWork], hours: Callable[[TimeWork], Decimal]) -> dict[tuple[str, date], Decimal]:
    totals: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for entry in work:
        totals[entry.person, entry.on] += hours(entry)
    return totals


@given(INCREMENTS, numbers("0", "4"), work_lists(), st.randoms(use_true_random=False))
def test_the_day_of_a_person_is_its_rounded_total_in_any_order(
    step: Increment, least: Decimal, work: list[TimeWork], random: object
) -> None:
    time = TimeTerms(increment=replace(step, per="person_day"), minimum=Minimum(hours=least, per="person_day"))
    random.shuffle(work)  # type: ignore[attr-defined]
    charged = charge(time, work)
    worked = by_day(work, lambda entry: entry.hours)
    for day, total in by_day(work, lambda entry: charged[entry.identity].billable_hours).items():
        assert total == (max(rounded(worked[day], step), least) if worked[day] else 0)
    assert all(answer.billable_hours >= 0 for answer in charged.values())


@given(INCREMENTS, numbers("0", "24", 3))
def test_steps_are_whole_and_near(step: Increment, hours: Decimal) -> None:
    result = rounded(hours, step)
    assert (Fraction(result) / Fraction(step.hours)).denominator == 1
    if step.mode == "up":
        assert 0 <= result - hours < step.hours
    else:
        assert -step.hours / 2 < result - hours <= step.hours / 2


@given(OVERTIMES, work_lists(), st.randoms(use_true_random=False))
def test_overtime_of_a_day_or_week_is_what_is_above_the_limit_in_any_order(
    rule: Overtime, work: list[TimeWork], random: object
) -> None:
    assume(rule.multiplier != 1)
    random.shuffle(work)  # type: ignore[attr-defined]
    charged = charge(TimeTerms(overtime=(rule,)), work)
    worked: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    late: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for entry in work:
        monday = next(day for n in range(7) if (day := entry.on - timedelta(days=n)).isoweekday() == 1)
        span = (entry.person, entry.on if rule.per == "day" else monday)
        worked[span] += entry.hours
        late[span] += sum(part.hours for part in charged[entry.identity].slices if part.multiplier != 1)
    assert late == {span: max(Decimal(0), hours - rule.after) for span, hours in worked.items()}


@given(numbers("0", "30"), work_lists())
def test_included_hours_are_used_up_month_by_month(hours: Decimal, work: list[TimeWork]) -> None:
    charged = charge(TimeTerms(included=Included(hours=hours)), work)
    worked: dict[str, Decimal] = defaultdict(Decimal)
    free: dict[str, Decimal] = defaultdict(Decimal)
    for entry in work:
        month = entry.on.isoformat()[:7]
        worked[month] += entry.hours
        free[month] += sum(part.hours for part in charged[entry.identity].slices if part.source == "included")
    assert free == {month: min(hours, total) for month, total in worked.items()}


@given(INCLUDED, work_lists())
def test_rolled_hours_are_never_more_than_the_months_held(included: Included, work: list[TimeWork]) -> None:
    charged = charge(TimeTerms(included=included), work)
    months = {(entry.on.year * 12 + entry.on.month) for entry in work}
    free = sum(part.hours for entry in work for part in charged[entry.identity].slices if part.source == "included")
    held = {month - back for month in months for back in range(included.roll_over + 1)}
    assert free <= included.hours * len(held)
    before = [entry for entry in work if included.since and entry.on < included.since]
    assert all(part.source == "rate" for entry in before for part in charged[entry.identity].slices)


@given(PREPAID, work_lists())
def test_blocks_give_no_more_than_they_hold_and_only_in_their_time(blocks: list[Prepaid], work: list[TimeWork]) -> None:
    charged = charge(TimeTerms(prepaid=tuple(blocks)), work)
    paid = {
        entry: sum(part.hours for part in charged[entry.identity].slices if part.source == "prepaid") for entry in work
    }
    assert sum(paid.values()) <= sum(block.hours or 0 for block in blocks)
    for entry, hours in paid.items():
        open_blocks = [b for b in blocks if (b.since or entry.on) <= entry.on <= (b.expires or entry.on) and b.hours]
        assert hours == 0 or open_blocks, "a block paid for work outside its dates"


# Value


@given(time_terms(), work_lists())
def test_an_entry_is_worth_its_priced_hours_within_half_a_cent(time: TimeTerms, work: list[TimeWork]) -> None:
    assert time.card is not None
    rate = Fraction(time.card.rates[0].amount) * (1 - Fraction(time.discount) / 100)
    valued = value_time(contract(time), work, source_rates={})
    for answer in valued.values():
        assert answer.earned is not None
        hours = sum(
            (Fraction(p.hours) * Fraction(p.multiplier) for p in answer.slices if p.source == "rate"), Fraction(0)
        )
        exact = hours * rate
        assert abs(answer.earned + answer.drawn - exact * 100) <= Fraction(1, 2)
        assert answer.earned >= 0
        if answer.unit_price is not None and not answer.drawn:
            assert Fraction(answer.priced_hours) * Fraction(answer.unit_price) == exact
    money = [block.amount for block in time.prepaid if block.amount is not None and block.hours is None]
    assert sum(answer.drawn for answer in valued.values()) <= sum(money)


@given(work_lists(), numbers("0", "300"), st.sampled_from(["USD", "JPY", "KWD"]), st.randoms(use_true_random=False))
def test_where_nothing_is_shared_each_entry_is_worth_the_same_in_any_order(
    work: list[TimeWork], rate: Decimal, currency: str, random: object
) -> None:
    card = RateCard(id="card", currency=currency, rates=(Rate(amount=rate),))
    terms = Contract(id="C", client="acme", currency=currency, time=TimeTerms(card=card, minimum=Minimum(hours=rate)))
    assert terms.independent()
    first = value_time(terms, work, source_rates={})
    random.shuffle(work)  # type: ignore[attr-defined]
    assert value_time(terms, work, source_rates={}) == first
    for answer in first.values():
        assert answer.earned is not None
        assert abs(answer.earned - answer.priced_hours * rate * 10 ** exponent(currency)) <= Fraction(1, 2)


# Rates

NAMES = st.none() | st.sampled_from(["a", "b"])
ROWS = st.lists(
    st.builds(
        Rate,
        amount=st.integers(1, 10**6).map(Decimal),
        person=NAMES,
        project=NAMES,
        role=NAMES,
        task=NAMES,
        since=st.none() | DAYS,
        until=st.none() | DAYS,
    ),
    max_size=8,
    unique_by=lambda rate: rate.amount,
)
LEVELS = ("person project", "person", "role project", "role", "task", "project", "")


@given(ROWS, st.randoms(use_true_random=False), NAMES, NAMES, DAYS)
def test_on_a_card_without_overlaps_the_order_of_rows_does_not_matter(
    rows: list[Rate], random: object, role: str | None, task: str | None, on: date
) -> None:
    kept: list[Rate] = []
    for row in rows:
        if not overlapping(RateCard(id="", currency="USD", rates=(*kept, row))):
            kept.append(row)

    def answer() -> Decimal | None:
        time = TimeTerms(card=RateCard(id="card", currency="USD", rates=tuple(kept)))
        found = find_rate(time, person="a", project="a", role=role, task=task, on=on)
        return found.amount if found else None

    first = answer()
    random.shuffle(kept)  # type: ignore[attr-defined]
    assert answer() == first
    # None of a higher level matches, and where one of the level is found it is one that matches.
    work = {"person": "a", "project": "a", "role": role, "task": task}
    fitting = {
        row.amount: next(i for i, level in enumerate(LEVELS) if all(getattr(row, name) for name in level.split()))
        for row in kept
        if all(getattr(row, name) in (None, value) for name, value in work.items())
        and (row.since or on) <= on <= (row.until or on)
    }
    assert (first is None) == (not fitting)
    assert first is None or fitting[first] == min(fitting.values())
