"""What happens in one run, as plain data: the same script is the same run, byte for byte.

An event names what it is about by a number that is taken modulo what there is, so that a script from which others were
taken out still means something. docs/exactly-once.md lists the events.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happens. `what` is its name; `at` and `how` choose the victim and the manner."""

    what: str
    at: int = 0
    how: int = 0
    name: str = ""
    """The fault, the page's manner or the table, where the event has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """`wait` seconds after the last one: first the events of the day, then the run with the night's troubles armed."""

    wait: int
    day: tuple[Event, ...] = ()
    trouble: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One run. `shape` is the firm, `books` and `changes` the manners of the two vendors."""

    seed: int
    sink: str
    shape: int
    books: int
    changes: str
    nights: tuple[Night, ...]

    @property
    def events(self) -> int:
        """How many things happen in it, nights included."""
        return len(self.nights) + sum(len(night.day) + len(night.trouble) for night in self.nights)

    def without_night(self, number: int) -> Script:
        """The same without one night; what happened on its day moves to the next one."""
        nights = list(self.nights)
        gone = nights.pop(number)
        if number < len(nights):
            after = nights[number]
            nights[number] = replace(after, wait=after.wait + gone.wait, day=(*gone.day, *after.day))
        return replace(self, nights=tuple(nights))

    def with_night(self, number: int, night: Night) -> Script:
        """The same with another night in that place."""
        return replace(self, nights=(*self.nights[:number], night, *self.nights[number + 1 :]))

    def json(self) -> dict[str, Any]:
        """Plain JSON, without what stands at its default."""
        return {
            **{name: value for name, value in asdict(self).items() if name != "nights"},
            "nights": [
                {
                    "wait": night.wait,
                    "day": [_bare(one) for one in night.day],
                    "trouble": [_bare(e) for e in night.trouble],
                }
                for night in self.nights
            ],
        }

    @classmethod
    def read(cls, text: str) -> Script:
        """A script from its JSON. ValueError or KeyError where it is none."""
        raw = json.loads(text)
        nights = tuple(
            Night(
                wait=night["wait"],
                day=tuple(Event(**one) for one in night["day"]),
                trouble=tuple(Event(**one) for one in night["trouble"]),
            )
            for night in raw.pop("nights")
        )
        return cls(nights=nights, **raw)


def _bare(event: Event) -> dict[str, Any]:
    return {name: value for name, value in asdict(event).items() if value or name == "what"}
