"""When a group is billed: as it happens, weekly, monthly on a day, or when a milestone is.

All dates are the firm's. A missed night is caught up by the next; day 31 is the last day of a short month.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billsync.model.contract import Billing


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Whether a group is billed tonight. `through`: work dated later stays ready (None: all goes); `cause`: why not."""

    go: bool
    through: date | None = None
    cause: Literal["", "waits_for_period"] = ""


def period_key(billing: Billing, on: date) -> str:
    """The name of the period that is billed on a night: the month or ISO week of its last billing day, else the night.

    A missed billing day caught up a night later keeps its name."""
    if billing.period == "monthly":
        return f"{billing_day(billing, on):%Y-%m}"
    if billing.period == "weekly":
        year, week, _ = billing_day(billing, on).isocalendar()
        return f"{year}-W{week:02d}"
    return on.isoformat()


def due(
    billing: Billing,
    today: date,
    last_billed: date | None,
    *,
    waiting_since: date | None = None,
    milestone_ready: bool = False,
) -> Due:
    """Whether the group is billed tonight.

    `last_billed`: the last night on which it was · `waiting_since`: the night on which the oldest of its ready work
    was first earned. A billing day was missed when it lies after the one and not before the other; without
    `waiting_since` when it lies after `last_billed`, and a group that was never billed waits for its day.
    `milestone_ready`: a milestone, percent or progress line of the group is ready (period `milestone`).
    """
    if billing.period == "as_it_happens":
        return Due(go=True)
    if billing.period == "milestone":
        return Due(go=True) if milestone_ready else Due(go=False, cause="waits_for_period")
    day = billing_day(billing, today)
    was_there = last_billed is not None if waiting_since is None else waiting_since <= day
    missed = was_there and (last_billed is None or last_billed < day)
    if day != today and not missed:
        return Due(go=False, cause="waits_for_period")
    return Due(go=True, through=_period_end(billing, day) if billing.through == "period_end" else None)


def billing_day(billing: Billing, today: date) -> date:
    """The latest billing day, of a weekly or monthly group, that is not after today."""
    if billing.period == "weekly":
        return today - timedelta(days=(today.isoweekday() - billing.day) % 7)
    this = _day_of_month(today, billing.day)
    return this if this <= today else _day_of_month(_month_before(today), billing.day)


def _day_of_month(month: date, day: int) -> date:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))


def _month_before(day: date) -> date:
    """The last day of the month before."""
    return day.replace(day=1) - timedelta(days=1)


def _period_end(billing: Billing, day: date) -> date:
    """The end of the last calendar week or month that is over on the evening of the billing day."""
    if billing.period == "weekly":
        return day - timedelta(days=day.isoweekday() % 7)
    closes_today = (day + timedelta(days=1)).month != day.month
    return day if closes_today else _month_before(day)
