"""A schedule of values sums to the value of its contract, the lines of a change order to the change's value."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from typing import Final

from billsync.config.contracts import ContractEntry
from billsync.config.lines import Scope
from billsync.model.contract import Contract, Origin, ScheduleLine
from billsync.model.money import grouped

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def check_sums(contract: Contract, entry: ContractEntry, scope: Scope) -> None:
    """Note a schedule or a change order whose lines are worth another amount; unknown amounts are not compared."""
    if contract.value is None:
        for line in contract.lines:
            if line.percent is not None and line.amount is None and contract.terms_from is None:
                scope.mistake(
                    f"line {line.id!r} is a percentage, of no value", line.origin, "give the contract its `value`"
                )
    elif contract.lines:
        total = _sum(contract.lines, contract.value)
        _compare("the schedule", total, contract.value, entry.where("value"), scope)
    base = {line.id: line for line in contract.lines}
    for change, order in zip(contract.change_orders, entry.change_orders, strict=True):
        removed = [base[line] for line in sorted(change.removes) if line in base]
        if change.lines or removed:
            added, gone = _sum(change.lines, change.value), _sum(removed, contract.value or 0)
            net = None if added is None or gone is None else added - gone
            _compare(f"change order {order.id!r}", net, change.value, order.where("value"), scope)
        base |= {line.id: line for line in change.lines}


def _compare(what: str, total: Fraction | None, value: int, where: Origin, scope: Scope) -> None:
    if total is None or total == value:
        return
    difference = grouped(ceil(abs(total - value)), scope.currency)
    scope.mistake(
        f"{what} sums to {grouped(int(total), scope.currency)}, not to its value {grouped(value, scope.currency)}",
        where,
        f"{difference} too {'much' if total > value else 'little'}",
    )


def _sum(lines: Iterable[ScheduleLine], value: int) -> Fraction | None:
    """Minor units of all lines; None where one of them is not known beforehand (the source's amount, no end)."""
    total = Fraction(0)
    for line in lines:
        times = occurrences(line)
        if times is None or (line.amount is None and line.percent is None):
            return None
        share = Fraction(line.percent or 0) * value / 100
        total += times * (share if line.amount is None else line.amount)
    return total


def occurrences(line: ScheduleLine) -> int | None:
    """How often the line is billed; None for one that is repeated without an end."""
    trigger = line.trigger
    if trigger.kind != "dated" or trigger.every is None or trigger.on is None:
        return 1
    if trigger.until is None:
        return None
    first, last = trigger.on, trigger.until
    months = (last.year - first.year) * 12 + last.month - first.month
    steps = months // _MONTHS[trigger.every]
    falls_on = min(first.day, monthrange(last.year, last.month)[1])
    if months % _MONTHS[trigger.every] == 0 and falls_on > last.day:
        steps -= 1
    return steps + 1
