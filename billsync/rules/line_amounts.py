"""What a schedule line is worth: its own amount, its percent of a value, or the amount of its milestone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billsync.model.contract import Contract
from billsync.model.money import round_whole
from billsync.model.work import Milestone
from billsync.rules.milestones import own_amount
from billsync.rules.schedule import PlacedLine, percent_lines, value_in_force


def amount_of(contract: Contract, placed: PlacedLine, on: date, record: Milestone | None) -> int | None:
    """Minor units of a line done on a day; None where neither the contract nor the source says.

    A percent is of the value in force on that day, in a change order of the change's own value."""
    line, change = placed.line, placed.change
    if line.amount is not None:
        return line.amount
    if line.percent is None:
        return own_amount(contract, record) if record else None
    if change:
        return _share(contract, line.id, change.value, [(other.id, other.percent) for other in change.lines])
    value = value_in_force(contract, on)
    if value is None:
        return None
    return _share(contract, line.id, value, [(other.id, other.percent) for other in contract.lines])


def unsigned_amount(contract: Contract, placed: PlacedLine, today: date, record: Milestone | None) -> int | None:
    """What an unsigned line would be worth: a percent of a value that nobody signed yet is of that value."""
    if placed.line.percent is None or placed.change or contract.value is None:
        return amount_of(contract, placed, today, record)
    return _share(contract, placed.line.id, contract.value, [(line.id, line.percent) for line in contract.lines])


def _share(contract: Contract, line: str, value: int, lines: list[tuple[str, Decimal | None]]) -> int:
    """The line's part: largest remainder over all percent lines. Percents above 100 in all, which the configuration
    refuses, are rounded one by one: the contract value then stops what is too much."""
    shares = [(name, percent) for name, percent in lines if percent is not None]
    if sum(percent for _, percent in shares) > 100:
        return round_whole(value * dict(shares)[line] / 100, contract.rounding)
    return percent_lines(value, shares)[line]
