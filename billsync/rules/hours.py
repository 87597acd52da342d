"""How many hours are charged, and at what multiple: increments, minimums, overtime, included hours, prepaid hours.

Work arrives in the order of its places (night first earned, then rank); each entry takes what those before it left,
so a later entry never changes an earlier one (billing.md 8, "Order"). Overtime and the day's minimum are a person's;
included and prepaid hours are the contract's. Negative hours are corrections: charged as they are, out of every queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

from billsync.model.contract import Included, Increment, Overtime, Prepaid, TimeTerms
from billsync.model.money import round_whole
from billsync.rules import because

# Enough digits that no sum of hours is rounded.
_EXACT: Final = Context(prec=60)

SliceSource = Literal["rate", "included", "prepaid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWork:
    """A time entry that is earned: whose, where, when, how long, and its place (night first earned, rank)."""

    identity: str
    person: str
    project: str
    role: str | None
    task: str | None
    on: date
    hours: Decimal
    place: tuple[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Hours of one entry with one multiplier, paid by the rate, by included hours, or by a prepaid block."""

    hours: Decimal
    multiplier: Decimal = Decimal(1)
    source: SliceSource = "rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What an entry counts: hours after increment and minimum, cut into slices that sum to them; and why."""

    billable_hours: Decimal
    slices: tuple[Slice, ...]
    because: tuple[str, ...] = ()


def charge(time: TimeTerms, work: Sequence[TimeWork]) -> dict[str, Charged]:
    """Charge entries of one contract, given in the order of their places; by identity."""
    days = _Days(time)
    overtime = _OvertimeClock(time.overtime)
    charged = {}
    with localcontext(_EXACT):
        pools = [*_included_pools(time.included, work), *_prepaid_pools(time.prepaid)]
        for entry in work:
            charged[entry.identity] = _correction(entry) if entry.hours < 0 else _charge(days, overtime, pools, entry)
    return charged


def _charge(days: _Days, overtime: _OvertimeClock, pools: Sequence[_Pool], entry: TimeWork) -> Charged:
    stepped, billable, why_hours = days.billable(entry)
    pieces, why_overtime = overtime.split(entry, stepped)
    slices, why_pools = _draw(pools, entry.on, _fitted(pieces, billable - stepped))
    return Charged(billable_hours=billable, slices=slices, because=(*why_hours, *why_overtime, *why_pools))


def _correction(entry: TimeWork) -> Charged:
    why = f"{because.hours(entry.hours)} is a correction: not rounded, no overtime, no included hours"
    return Charged(billable_hours=entry.hours, slices=(Slice(hours=entry.hours),), because=(why,))


def rounded(hours: Decimal, step: Increment) -> Decimal:
    """Hours in whole steps: up, or to the nearest with the half up."""
    count = Fraction(hours) / Fraction(step.hours)
    whole = -(-count.numerator // count.denominator) if step.mode == "up" else round_whole(count)
    return whole * step.hours


@dataclass(slots=True)
class _Day:
    """Running totals of one person's day: as worked, after increments, after the minimum."""

    worked: Decimal = Decimal(0)
    stepped: Decimal = Decimal(0)
    charged: Decimal = Decimal(0)


class _Days:
    """Increment first, then at least the minimum; per day, each entry gets what it adds to the day's total."""

    def __init__(self, time: TimeTerms) -> None:
        self._increment = time.increment
        self._minimum = time.minimum
        self._days: dict[tuple[str, date], _Day] = defaultdict(_Day)

    def billable(self, entry: TimeWork) -> tuple[Decimal, Decimal, list[str]]:
        """Hours after the increment, hours after the minimum, and why."""
        day = self._days[entry.person, entry.on]
        day.worked += entry.hours
        stepped, why_step = self._step(day, entry)
        day.stepped += stepped
        billable, why_least = self._at_least(day, entry, stepped)
        day.charged += billable
        return stepped, billable, why_step + why_least

    def _step(self, day: _Day, entry: TimeWork) -> tuple[Decimal, list[str]]:
        step = self._increment
        if step is None:
            return entry.hours, []
        daily = step.per == "person_day"
        total = day.worked if daily else entry.hours
        result = rounded(total, step)
        mine = result - day.stepped if daily else result
        how = f"{'up' if step.mode == 'up' else 'to the nearest'} to {because.hours(result)}"
        why = f"{because.hours(total)} rounded {how} (steps of {because.hours(step.hours)})"
        if daily:
            why = f"day of {entry.person} on {entry.on}: {why}, this entry counts {because.hours(mine)}"
        return mine, [why] if mine != entry.hours else []

    def _at_least(self, day: _Day, entry: TimeWork, stepped: Decimal) -> tuple[Decimal, list[str]]:
        minimum = self._minimum
        if minimum is None or entry.hours == 0:
            return stepped, []
        if minimum.per == "entry":
            mine, whose = max(stepped, minimum.hours), "an entry"
        else:
            mine, whose = max(day.stepped, minimum.hours) - day.charged, f"the day of {entry.person} on {entry.on}"
        why = f"{whose} is at least {because.hours(minimum.hours)}, this entry counts {because.hours(mine)}"
        return mine, [why] if mine != stepped else []


Piece = tuple[Decimal, Decimal]
"""Hours and their multiplier."""


def _fitted(pieces: Sequence[Piece], more: Decimal) -> list[Piece]:
    """Pieces, base hours first, with the hours a minimum adds (at the plain rate: nobody worked them), or without
    those an earlier entry of the day was charged for already."""
    if more >= 0:
        return [*([(more, Decimal(1))] if more else []), *pieces]
    fitted = []
    for hours, multiplier in pieces:
        dropped = min(hours, -more)
        more += dropped
        if hours > dropped:
            fitted.append((hours - dropped, multiplier))
    return fitted


class _OvertimeClock:
    """Counts a person's hours, after increments, per day and per week (Monday to Sunday).

    Of several rules an hour is above, the highest multiplier counts; multipliers are never multiplied."""

    def __init__(self, rules: Sequence[Overtime]) -> None:
        self._rules = rules
        self._counts: dict[tuple[str, str, date], Decimal] = defaultdict(Decimal)

    def split(self, entry: TimeWork, hours: Decimal) -> tuple[list[Piece], list[str]]:
        monday = entry.on - timedelta(days=entry.on.weekday())
        starts = {"day": entry.on, "week": monday}
        left = [(rule, rule.after - self._counts[rule.per, entry.person, starts[rule.per]]) for rule in self._rules]
        for per in {rule.per for rule in self._rules}:
            self._counts[per, entry.person, starts[per]] += hours
        cuts = sorted({Decimal(0), hours, *(room for _, room in left if 0 < room < hours)})
        pieces, why = [], []
        for begin, end in pairwise(cuts):
            reached = [rule for rule, room in left if room <= begin]
            best = max(reached, key=lambda rule: rule.multiplier, default=None)
            pieces.append((end - begin, best.multiplier if best else Decimal(1)))
            why += [_overtime_sentence(end - begin, best)] if best else []
        return pieces, why


def _overtime_sentence(hours: Decimal, rule: Overtime) -> str:
    above = f"(above {because.hours(rule.after)} a {rule.per})"
    return f"{because.hours(hours)} overtime x {because.decimals(rule.multiplier, 1)} {above}"


@dataclass(slots=True, kw_only=True)
class _Pool:
    """Hours that are already paid for, to be taken by work dated `since`..`until`."""

    name: str
    source: SliceSource
    left: Decimal
    since: date = date.min
    until: date = date.max


def _draw(pools: Sequence[_Pool], on: date, pieces: Sequence[Piece]) -> tuple[tuple[Slice, ...], list[str]]:
    """Base hours take first, an overtime hour takes one hour; what no pool holds is paid at the rate."""
    slices: list[Slice] = []
    taken: dict[str, Decimal] = defaultdict(Decimal)
    open_pools = [pool for pool in pools if pool.since <= on <= pool.until]
    for wanted, multiplier in pieces:
        for pool in open_pools:
            took = min(wanted, pool.left)
            if took > 0:
                pool.left -= took
                wanted -= took
                taken[pool.name] += took
                slices.append(Slice(hours=took, multiplier=multiplier, source=pool.source))
        if wanted > 0:
            slices.append(Slice(hours=wanted, multiplier=multiplier))
    left = {pool.name: pool.left for pool in open_pools}
    why = [f"{because.hours(took)} of {name} ({because.hours(left[name])} left)" for name, took in taken.items()]
    return tuple(slices), why


def _included_pools(included: Included | None, work: Sequence[TimeWork]) -> Iterator[_Pool]:
    """One pool a calendar month, from the month the terms (or, untold, the first placed entry) begin; oldest first,
    because they end first."""
    if included is None or not work:
        return
    begin = _month(included.since or work[0].on)
    months = {_month(entry.on) for entry in work if included.since is None or entry.on >= included.since}
    needed = {earlier for month in months for earlier in range(month - included.roll_over, month + 1)}
    for month in sorted(needed):
        first = date(month // 12, month % 12 + 1, 1)
        yield _Pool(
            name=f"the hours included in {first:%Y-%m}",
            source="included",
            left=included.hours,
            since=max(first, included.since or first),
            until=_last_day(month + (included.roll_over if month >= begin else 0)),
        )


def _month(on: date) -> int:
    return on.year * 12 + on.month - 1


def _last_day(month: int) -> date:
    return date((month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)


def by_expiry(blocks: Sequence[Prepaid]) -> list[Prepaid]:
    """Blocks in the order they are drawn: what expires first goes first, then as written."""
    return sorted(blocks, key=lambda block: block.expires or date.max)


def _prepaid_pools(blocks: Sequence[Prepaid]) -> Iterator[_Pool]:
    for block in by_expiry(blocks):
        if block.hours is not None:
            yield _Pool(
                name=f"prepaid block {block.id}",
                source="prepaid",
                left=block.hours,
                since=block.since or date.min,
                until=block.expires or date.max,
            )
