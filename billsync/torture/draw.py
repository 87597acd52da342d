"""From a seed to a script. Half of the runs are mild, so that what a fault does is not hidden by the next one."""

from __future__ import annotations

from random import Random
from typing import Final

from billsync.testing.faults import FAULTS
from billsync.torture.script import Event, Night, Script
from billsync.torture.shapes import SHAPES

TABLES: Final = ("time", "time", "time", "expenses", "milestones", "milestones")
DECISIONS: Final = ("hold", "release", "exclude", "credit", "credit", "rebill", "rebill", "map")
HANDS: Final = ("void", "void", "delete", "edit", "pay", "pay", "enter")
PAGES: Final = ("repeated", "short", "empty", "shuffled", "loop")
CHANGES: Final = ("since", "since", "window", "whole")
WAITS: Final = (86_400, 86_400, 86_400, 86_400, 3_456_000, 259_200, 604_800, 14_400, 600, 30)
"""Seconds between two runs: nights mostly, sometimes a person who tries again at once, or forty days of nobody."""
LARGEST: Final = 1_000_000
_LAST_EDGE: Final = 60
_LAST_EDGE_OF_FILES: Final = 240
"""Each call that changes the disk is an edge."""


def draw(seed: int, *, sink: str = "plain") -> Script:
    """The script of a seed, for books of a kind."""
    random = Random(f"billsync torture {seed}")  # noqa: S311  nothing secret is drawn
    wild = random.random() < 0.5
    last = _LAST_EDGE_OF_FILES if sink == "folder" else _LAST_EDGE
    nights = tuple(_night(random, number, wild=wild, last=last) for number in range(random.randint(2, 8)))
    return Script(
        seed=seed,
        sink=sink,
        shape=random.randrange(SHAPES),
        books=random.randrange(LARGEST),
        changes=random.choice(CHANGES),
        nights=nights,
    )


def _night(random: Random, number: int, *, wild: bool, last: int) -> Night:
    day = [_work(random) for _ in range(random.randint(3, 8) if number == 0 else random.randint(0, 3))]
    if number:
        day += [_change(random) for _ in range(random.randint(0, 2))]
        day += [_person(random) for _ in range(random.randint(0, 2))]
        if random.random() < (0.3 if wild else 0.1):
            day.append(_computer(random))
    trouble = [_trouble(random, last) for _ in range(random.randint(0, 3 if wild else 1))]
    return Night(wait=random.choice(WAITS) if number else 0, day=tuple(day), trouble=tuple(trouble))


def _event(random: Random, what: str, name: str = "") -> Event:
    return Event(what=what, at=random.randrange(LARGEST), how=random.randrange(1000), name=name)


def _work(random: Random) -> Event:
    return _event(random, "insert", random.choice(TABLES))


def _change(random: Random) -> Event:
    what = random.choice(("edit", "edit", "turn", "turn", "turn", "delete"))
    return _event(random, what, random.choice(TABLES))


def _person(random: Random) -> Event:
    match random.randrange(6):
        case 0 | 1 | 2:
            return _event(random, "decide", random.choice(DECISIONS))
        case 3 | 4:
            return _event(random, "hand", random.choice(HANDS))
        case _:
            return _event(random, "let_go")


def _computer(random: Random) -> Event:
    what = random.choice(("jump", "jump", "backup", "backup", "restore", "restore", "lose", "relearn", "token"))
    return _event(random, what)


def _trouble(random: Random, last: int) -> Event:
    match random.randrange(12):
        case 0 | 1 | 2 | 3:
            return _event(random, "sink", random.choice(sorted(FAULTS)))
        case 4:
            return _event(random, "source", random.choice(sorted(FAULTS)))
        case 5:
            return _event(random, "page", random.choice(PAGES))
        case 6:
            return _event(random, "under_way", random.choice(TABLES))
        case 7:
            return _event(random, "disk")
        case _:
            return Event(what="crash", at=1 + random.randrange(last))
