"""When a milestone fulfils its contract's own test, and on which day it did.

The day is the source's where it says one (completed, accepted, due); else the day on which the version that fulfils the
test was first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction

from billsync.model.contract import Condition
from billsync.model.work import Milestone, Observation


def met_on(condition: Condition, versions: Sequence[Observation], today: date) -> date | None:
    """The day on which the newest of these versions (oldest first) came to fulfil the condition; None: it does not.

    Days in the future are given as they are: the work is not done before them."""
    newest = versions[-1]
    day = _met(condition, newest, today)
    if day is None or day != _seen(newest):
        return day
    for earlier in reversed(versions[:-1]):
        if _met(condition, earlier, today) is None:
            break
        day = min(day, _seen(earlier))
    return day


def _seen(version: Observation) -> date:
    return version.first_seen.date()


def _met(condition: Condition, seen: Observation, today: date) -> date | None:
    milestone = seen.record
    assert isinstance(milestone, Milestone)  # noqa: S101  only milestones have conditions
    if condition.kind in ("all", "any"):
        days = [_met(part, seen, today) for part in condition.of]
        known = [day for day in days if day is not None]
        if condition.kind == "all":
            return max(known) if known and len(known) == len(days) else None
        return min(known, default=None)
    if condition.kind == "completed":
        return milestone.completed_on
    if condition.kind == "accepted":
        acceptance = milestone.acceptance
        return (acceptance.on or _done(milestone, seen)) if acceptance and acceptance.accepted else None
    if condition.kind == "due":
        return milestone.due_on if milestone.due_on and milestone.due_on <= today else None
    return _done(milestone, seen) if _holds(condition, milestone) else None


def _done(milestone: Milestone, seen: Observation) -> date:
    return milestone.completed_on or _seen(seen)


def _holds(condition: Condition, milestone: Milestone) -> bool:
    number = condition.number if condition.number is not None else Decimal(100)
    if condition.kind == "status":
        return milestone.status in condition.texts
    if condition.kind == "percent":
        return milestone.percent is not None and milestone.percent >= number
    if condition.kind == "units":
        done = units_percent(milestone)
        return done is not None and done >= Fraction(number)
    if condition.kind == "document":
        pattern = condition.texts[0] if condition.texts else "*"
        return any(fnmatchcase(name, pattern) for name in milestone.attachments)
    return milestone.custom.get(condition.name) in condition.texts


def units_percent(milestone: Milestone) -> Fraction | None:
    """Done of total as an exact percentage; None where the source does not count."""
    if milestone.done is None or not milestone.total:
        return None
    return Fraction(milestone.done) * 100 / Fraction(milestone.total)
