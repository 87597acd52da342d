"""Which rate an hour of work has: the most specific row in force on the date of work.

The contract's own rates are asked first, at all levels; then the card. Within one list the order is person and
project, person, role and project, role, task, project, default (billing.md 3.2; "project" alone is a default that one
project has). A row that names more than its level asks for (a task of one project) goes before one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Final

from billsync.model.contract import Origin, Rate, RateCard, TimeTerms
from billsync.rules import because

_LEVELS: Final = (
    frozenset({"person", "project"}),
    frozenset({"person"}),
    frozenset({"role", "project"}),
    frozenset({"role"}),
    frozenset({"task"}),
    frozenset({"project"}),
    frozenset[str](),
)
_NAMED: Final = ("person", "role", "task", "project")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRate:
    """A rate in major units of the card's currency an hour, why it is this one, and where it was written."""

    amount: Decimal
    because: str
    origin: Origin


def find_rate(
    time: TimeTerms, *, person: str, project: str, role: str | None, task: str | None, on: date
) -> FoundRate | None:
    """The rate of this work on that date; None where no row matches. Dates are inclusive."""
    work = {"person": person, "project": project, "role": role, "task": task}
    for card in (time.rates, time.card):
        rows = [rate for rate in card.rates if _in_force(rate, on) and _matches(rate, work)] if card else []
        if rows:
            best = min(rows, key=_specificity)
            return FoundRate(amount=best.amount, because=_sentence(best), origin=best.origin)
    return None


def overlapping(card: RateCard) -> list[tuple[Rate, Rate]]:
    """Pairs of rows, equally specific, that can match the same work on the same day: an error of the configuration."""
    return [pair for pair in combinations(card.rates, 2) if _ambiguous(*pair)]


def _ambiguous(one: Rate, other: Rate) -> bool:
    if _specificity(one) != _specificity(other):
        return False
    mine, theirs = _names(one), _names(other)
    compatible = all(theirs.get(name, value) == value for name, value in mine.items())
    return compatible and _starts(one) <= _ends(other) and _starts(other) <= _ends(one)


def _names(rate: Rate) -> dict[str, str]:
    return {name: value for name in _NAMED if (value := getattr(rate, name)) is not None}


def _matches(rate: Rate, work: dict[str, str | None]) -> bool:
    return all(work[name] == value for name, value in _names(rate).items())


def _specificity(rate: Rate) -> tuple[int, int]:
    """Level first, then how much the row names beyond it; smaller is more specific."""
    named = _names(rate).keys()
    level = next(number for number, needs in enumerate(_LEVELS) if needs <= named)
    return level, -len(named)


def _starts(rate: Rate) -> date:
    return rate.since or date.min


def _ends(rate: Rate) -> date:
    return rate.until or date.max


def _in_force(rate: Rate, on: date) -> bool:
    return _starts(rate) <= on <= _ends(rate)


def _sentence(rate: Rate) -> str:
    names = _names(rate)
    project = names.pop("project", "")
    who = ", ".join(f"{name} {value}" for name, value in names.items())
    words = [
        f"rate {because.decimals(rate.amount)} of {who}" if who else f"default rate {because.decimals(rate.amount)}"
    ]
    words += [f"on {project}"] if project else []
    words += [f"since {rate.since}"] if rate.since else []
    words += [f"until {rate.until}"] if rate.until else []
    return " ".join(words)
