"""The schedule of values: parts of a value in percent, the value in force, dated lines, progress.

Change orders count from the day they are signed; what is unsigned is told apart, never mixed in.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from billsync.model.contract import Contract, ContractChange, ScheduleLine, Trigger
from billsync.model.money import Rounding, allocate, round_whole

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def percent_lines(value: int, lines: Sequence[tuple[str, Decimal]]) -> dict[str, int]:
    """Minor units of each percent line of a value: largest remainder over all of them and the rest that no line has,
    ties to the earlier line. ValueError where the lines are more than 100 percent."""
    percents = [percent for _, percent in lines]
    rest = 100 - sum(percents, Decimal(0))
    if rest < 0:
        raise ValueError(f"the percent lines sum to {100 - rest} %, more than the contract value")
    parts = allocate(value, [*percents, rest])
    return {name: part for (name, _), part in zip(lines, parts, strict=False)}


def signed_by(contract: Contract, on: date | None) -> bool:
    """Whether the contract is in force on that day (None: at all)."""
    signature = contract.signature
    if not signature.required:
        return True
    return signature.on is not None and (on is None or signature.on <= on)


def counts_from(change: ContractChange) -> date | None:
    """The day from which a change order counts: its signature, or the later day it names; None while unsigned."""
    if change.signed_on is None:
        return None
    return max(change.signed_on, change.effective_on or change.signed_on)


def _change_signed(change: ContractChange, on: date | None) -> bool:
    first = counts_from(change)
    return first is not None and (on is None or first <= on)


def value_in_force(contract: Contract, on: date) -> int | None:
    """Minor units agreed by that day: the contract's value and the change orders signed until then. None where the
    contract states no value; an unsigned contract is worth nothing yet."""
    if contract.value is None:
        return None
    base = contract.value if signed_by(contract, on) else 0
    return base + sum(change.value for change in contract.change_orders if _change_signed(change, on))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLine:
    """A schedule line, the change order that brought it (None: the contract itself), and from when it counts.

    `since`: the day of the signature (None: signatures are not tracked, or it is unsigned) ·
    `removed_on`, `removed_by`: the change order that took it out."""

    line: ScheduleLine
    change: ContractChange | None = None
    since: date | None = None
    removed_on: date | None = None
    removed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesInForce:
    """The schedule sorted by what counts: `signed` lines, `removed` ones (what was done before still stands), and the
    `unsigned`, whose finished work is a finding."""

    signed: tuple[PlacedLine, ...]
    removed: tuple[PlacedLine, ...]
    unsigned: tuple[PlacedLine, ...]


def lines_in_force(contract: Contract, on: date | None = None) -> LinesInForce:
    """Sort the schedule lines by signature; `on` leaves out signatures after that day. Lines keep their order:
    the contract's own, then those of change orders as signed."""
    own = [PlacedLine(line=line, since=contract.signature.on) for line in contract.lines]
    signed, unsigned = (own, []) if signed_by(contract, on) else ([], own)
    removed: list[PlacedLine] = []
    for change in sorted(contract.change_orders, key=lambda change: counts_from(change) or date.max):
        if not _change_signed(change, on):
            unsigned = unsigned + [PlacedLine(line=line, change=change) for line in change.lines]
            continue
        removed += [_removed(placed, change) for placed in signed if placed.line.id in change.removes]
        signed = [placed for placed in signed if placed.line.id not in change.removes]
        signed += [PlacedLine(line=line, change=change, since=counts_from(change)) for line in change.lines]
    return LinesInForce(signed=tuple(signed), removed=tuple(removed), unsigned=tuple(unsigned))


def _removed(placed: PlacedLine, change: ContractChange) -> PlacedLine:
    return PlacedLine(
        line=placed.line,
        change=placed.change,
        since=placed.since,
        removed_on=counts_from(change),
        removed_by=change.id,
    )


def dated_occurrences(trigger: Trigger, until: date) -> list[date]:
    """The days of a dated line up to `until` inclusive: its day, then every month, quarter or year from it. Day 31 is
    the last day of a short month, 29 February the 28th where there is none. Empty where the line has no day yet."""
    if trigger.on is None:
        return []
    last = min(until, trigger.until or until)
    if trigger.every is None:
        return [trigger.on] if trigger.on <= until else []
    step = _MONTHS[trigger.every]
    months = (last.year - trigger.on.year) * 12 + last.month - trigger.on.month
    days = [months_after(trigger.on, number) for number in range(0, months + 1, step)]
    return [day for day in days if day <= last]


def months_after(start: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Cumulative earned minor units of a progress line, and finding codes."""

    earned: int
    findings: tuple[Literal["over_100_percent", "progress_backwards"], ...] = ()


def progress(value: int, percent: Decimal | Fraction, billed: int, rounding: Rounding = "half_up") -> Progress:
    """The larger of value x percent and what was billed; above 100 percent counts as 100, going back never credits."""
    findings: list[Literal["over_100_percent", "progress_backwards"]] = []
    if percent > 100:
        findings.append("over_100_percent")
    done = round_whole(value * min(Fraction(percent), Fraction(100)) / 100, rounding)
    if done < billed:
        findings.append("progress_backwards")
    return Progress(earned=max(done, billed), findings=tuple(findings))
