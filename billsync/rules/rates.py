"""Which rate an hour of work has: the most specific row in force on the date of work.

The contract's own rates are asked first, at all levels; then the card. Within one list the order is person and
project, person, role and project, role, task, project, default (billing.md 3.2; "project" alone is a default that one
project has). A row that names more than its level asks for (a task of one project) goes before one that does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Final

from billsync.model.contract import Origin, Rate, RateCard, TimeTerms
from billsync.rules import because

_LEVELS: Final[tuple[tuple[str, ...], ...]] = (
    ("person", "project"),
    ("person",),
    ("role", "project"),
    ("role",),
    ("task",),
    ("project",),
    (),
)
_NAMED: Final = ("person", "role", "task", "project")

_Level = tuple[int, tuple[str | None, ...]]
"""Number of the level and what its rows name at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRate:
    """A rate in major units of the card's currency an hour, why it is this one, and where it was written."""

    amount: Decimal
    because: str
    origin: Origin


class RateTable:
    """The rates of one contract, sorted once so that each question looks at few rows."""

    def __init__(self, time: TimeTerms) -> None:
        self._cards = [_by_level(card) for card in (time.rates, time.card) if card]

    def find(self, *, person: str, project: str, role: str | None, task: str | None, on: date) -> FoundRate | None:
        """The rate of this work on that date; None where no row matches. Dates are inclusive."""
        work = {"person": person, "project": project, "role": role, "task": task}
        for rows in self._cards:
            for number, names in enumerate(_LEVELS):
                candidates = rows.get((number, tuple(work[name] for name in names)), [])
                fitting = [rate for rate in candidates if _in_force(rate, on) and _matches(rate, work)]
                if fitting:
                    best = max(fitting, key=lambda rate: len(_names(rate)))
                    return FoundRate(amount=best.amount, because=_sentence(best), origin=best.origin)
        return None


def find_rate(
    time: TimeTerms, *, person: str, project: str, role: str | None, task: str | None, on: date
) -> FoundRate | None:
    """The rate of one piece of work; see `RateTable.find`."""
    return RateTable(time).find(person=person, project=project, role=role, task=task, on=on)


def overlapping(card: RateCard) -> list[tuple[Rate, Rate]]:
    """Pairs of rows, equally specific, that can match the same work on the same day: an error of the configuration."""
    return [
        pair
        for rows in _by_level(card).values()
        for pair in combinations(rows, 2)
        if _equally_specific(*pair) and _same_day(*pair)
    ]


def _by_level(card: RateCard) -> dict[_Level, list[Rate]]:
    rows: dict[_Level, list[Rate]] = defaultdict(list)
    for rate in card.rates:
        named = _names(rate)
        number = next(number for number, names in enumerate(_LEVELS) if named.keys() >= set(names))
        rows[number, tuple(named[name] for name in _LEVELS[number])].append(rate)
    return dict(rows)


def _equally_specific(one: Rate, other: Rate) -> bool:
    """For two rows of one level: as many names, and none that contradict."""
    mine, theirs = _names(one), _names(other)
    return len(mine) == len(theirs) and all(theirs.get(name, value) == value for name, value in mine.items())


def _same_day(one: Rate, other: Rate) -> bool:
    return _starts(one) <= _ends(other) and _starts(other) <= _ends(one)


def _names(rate: Rate) -> dict[str, str]:
    return dict(_named(rate))


def _named(rate: Rate) -> Iterator[tuple[str, str]]:
    for name in _NAMED:
        value = getattr(rate, name)
        if value is not None:
            yield name, value


def _matches(rate: Rate, work: dict[str, str | None]) -> bool:
    return all(work[name] == value for name, value in _named(rate))


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
    price = because.decimals(rate.amount)
    words = [f"rate {price} of {who}" if who else f"default rate {price}"]
    words += [f"on {project}"] if project else []
    words += [f"since {rate.since}"] if rate.since else []
    words += [f"until {rate.until}"] if rate.until else []
    return " ".join(words)
