"""Retainage: what is kept back of each identity's net amount, and what a release event pays out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from billsync.model.contract import Holdback
from billsync.model.money import Rounding, allocate, round_whole


def withheld_of(holdback: Holdback | None, kind: str, net_cumulative: int, rounding: Rounding = "half_up") -> int:
    """Minor units withheld of one identity in all: percent of its cumulative net amount, rounded once.

    A night's holdback is this less what was withheld before. 0 for kinds of line that the terms do not name."""
    if holdback is None or kind not in holdback.kinds:
        return 0
    return round_whole(net_cumulative * Fraction(holdback.percent) / 100, rounding)


def release_of(withheld: Mapping[str, int], percent: Decimal, rounding: Rounding = "half_up") -> dict[str, int]:
    """Minor units released by an event that pays `percent` of what is withheld tonight, by identity.

    The total is rounded once and split by largest remainder, so that no identity gives more than is withheld of it;
    what was withheld of deductions (negative) is released beside it in the same way."""
    released = dict.fromkeys(withheld, 0)
    for sign in (1, -1):
        side = {identity: sign * amount for identity, amount in withheld.items() if sign * amount > 0}
        if side:
            total = round_whole(sum(side.values()) * Fraction(percent) / 100, rounding)
            parts = allocate(total, list(side.values()))
            released |= {identity: sign * part for identity, part in zip(side, parts, strict=True)}
    return released
