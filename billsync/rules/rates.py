"""Which rate an hour of work has: the most specific row in force on the date of work.

The contract's own rates are asked first, at all levels; then the card. Within one list the order is person and
project, person, role and project, role, task, project, default (billing.md 3.2; "project" alone is a default that one
project has). A row that names more than its level asks for (a task of one project) goes before one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billsync.model.contract import Origin, Rate, TimeTerms
from billsync.model.ratecard import LEVELS, by_level, in_force, named, overlapping
from billsync.rules import because

__all__ = ["FoundRate", "RateTable", "find_rate", "overlapping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRate:
    """A rate in major units of the card's currency an hour, why it is this one, and where it was written."""

    amount: Decimal
    because: str
    origin: Origin


class RateTable:
    """The rates of one contract, sorted once so that each question looks at few rows."""

    def __init__(self, time: TimeTerms) -> None:
        self._cards = [by_level(card) for card in (time.rates, time.card) if card]

    def find(self, *, person: str, project: str, role: str | None, task: str | None, on: date) -> FoundRate | None:
        """The rate of this work on that date; None where no row matches. Dates are inclusive."""
        work = {"person": person, "project": project, "role": role, "task": task}
        for rows in self._cards:
            for number, names in enumerate(LEVELS):
                candidates = rows.get((number, tuple(work[name] for name in names)), [])
                fitting = [rate for rate in candidates if in_force(rate, on) and _matches(rate, work)]
                if fitting:
                    best = max(fitting, key=lambda rate: len(named(rate)))
                    return FoundRate(amount=best.amount, because=_sentence(best), origin=best.origin)
        return None


def find_rate(
    time: TimeTerms, *, person: str, project: str, role: str | None, task: str | None, on: date
) -> FoundRate | None:
    """The rate of one piece of work; see `RateTable.find`."""
    return RateTable(time).find(person=person, project=project, role=role, task=task, on=on)


def _matches(rate: Rate, work: dict[str, str | None]) -> bool:
    return all(work[name] == value for name, value in named(rate).items())


def _sentence(rate: Rate) -> str:
    names = named(rate)
    project = names.pop("project", "")
    who = ", ".join(f"{name} {value}" for name, value in names.items())
    price = because.decimals(rate.amount)
    words = [f"rate {price} of {who}" if who else f"default rate {price}"]
    words += [f"on {project}"] if project else []
    words += [f"since {rate.since}"] if rate.since else []
    words += [f"until {rate.until}"] if rate.until else []
    return " ".join(words)
