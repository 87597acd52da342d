"""Retainage: what is kept back of each identity's net amount."""

from __future__ import annotations

from fractions import Fraction

from billsync.model.contract import Holdback
from billsync.model.money import Rounding, round_whole


def withheld_of(holdback: Holdback | None, kind: str, net_cumulative: int, rounding: Rounding = "half_up") -> int:
    """Minor units withheld of one identity in all: percent of its cumulative net amount, rounded once.

    A night's holdback is this less what was withheld before. 0 for kinds of line that the terms do not name."""
    if holdback is None or kind not in holdback.kinds:
        return 0
    return round_whole(net_cumulative * Fraction(holdback.percent) / 100, rounding)
