"""What people wrote down: about 1,100 time entries, the same ones every time; only their dates hang on the day.

Working days are counted backwards from the day of the story, so that the same work falls on the same working day
whatever the calendar says. Choices come from hashes of who, when and which entry: no randomness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

WORKING_DAYS: Final = 85
APPROVED_BEFORE: Final = 5
"""Working days after which an entry is approved; the morning brings it down to one."""
_EDITED: Final = "P-108"
"""The project with an entry that is an hour longer in the morning, after it was billed."""

ROLES: Final[Mapping[str, str]] = {"ines": "principal", "theo": "architect", "priya": "designer", "jonas": "intern"}
NAMES: Final[Mapping[str, str]] = {
    "ines": "Ines Marlow", "theo": "Theo Finch", "priya": "Priya Nand", "jonas": "Jonas Weir",
}  # fmt: skip

# Person -> the projects they work on, as often as they stand here.
_WORK: Final[Mapping[str, Sequence[str]]] = {
    "ines": (
        "P-101 P-101 P-102 P-103 P-103 P-106 P-106 P-107 P-101 P-108 P-108 P-112 P-115 P-000 P-000".split()
    ),
    "theo": (
        "P-101 P-101 P-102 P-102 P-103 P-104 P-105 P-105 P-108 P-109 P-109 P-110 P-113 P-113 P-000".split()
    ),
    "priya": (
        "P-101 P-102 P-103 P-103 P-104 P-105 P-107 P-108 P-109 P-111 P-111 P-113 P-114 P-114 P-115 P-000".split()
    ),
}  # fmt: skip
# Project -> days before the story when its work began; the others are older than four months.
_BEGAN: Final[Mapping[str, int]] = {"P-106": 92, "P-109": 98, "P-111": 75, "P-112": 40, "P-114": 58, "P-115": 30}
_FIXED_FEE: Final = frozenset("P-101 P-102 P-104 P-105 P-106 P-110 P-000".split())
_TASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "principal": ("Client meeting", "Design review", "Permit hearing", "Consultant coordination"),
    "architect": ("Drawings", "Site visit", "Consultant coordination", "Specifications", "Code research"),
    "designer": ("Drawings", "Model", "Material research", "Site visit", "Presentation"),
    "intern": ("Model", "Measuring"),
}
_QUARTERS: Final = (4, 6, 6, 8, 8, 9, 10, 12, 14)


def working_days(today: date) -> list[date]:
    """The last working days before today, the oldest first."""
    days: list[date] = []
    day = today
    while len(days) < WORKING_DAYS:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            days.append(day)
    return days[::-1]


def time_entries(today: date, *, morning: bool) -> Iterator[dict[str, Any]]:
    """Rows of the time exports, the oldest first."""
    number = 0
    edited = False
    for place, day in enumerate(working_days(today)):
        back = WORKING_DAYS - place
        for person in ROLES:
            for project, task, quarters in _day_of(person, back, (today - day).days):
                number += 1
                if morning and not edited and project == _EDITED and back <= 4 * APPROVED_BEFORE:
                    quarters, edited = quarters + 4, True
                yield {
                    "id": f"T-{number:04d}",
                    "project": project,
                    "person": person,
                    "person_name": NAMES[person],
                    "role": ROLES[person],
                    "date": day.isoformat(),
                    "hours": _hours(quarters),
                    "billable": "no" if project in _FIXED_FEE else "yes",
                    "approval": _approval(back, morning=morning),
                    "task": task,
                }


def _day_of(person: str, back: int, days_ago: int) -> Iterator[tuple[str, str, int]]:
    """Projects, tasks and quarters of an hour that make a person's day; the intern came two weeks ago."""
    if person == "jonas":
        if back <= 9:
            yield ("P-108" if back % 2 else "P-109"), _TASKS["intern"][back % 2], 12
        return
    left = 28 + _choice(f"{person}/{back}/day", 7)
    slot = 0
    while left > 0:
        slot += 1
        key = f"{person}/{back}/{slot}"
        project = _WORK[person][_choice(f"{key}/project", len(_WORK[person]))]
        if days_ago > _BEGAN.get(project, 1000):
            project = "P-101"
        tasks = _TASKS[ROLES[person]]
        quarters = min(left, _QUARTERS[_choice(f"{key}/hours", len(_QUARTERS))])
        yield project, tasks[_choice(f"{key}/task", len(tasks))], quarters
        left -= quarters


def _choice(key: str, of: int) -> int:
    return int.from_bytes(hashlib.sha256(f"marlow-finch/{key}".encode()).digest()[:4]) % of


def _hours(quarters: int) -> str:
    return f"{quarters // 4}.{quarters % 4 * 25:02d}"


def _approval(back: int, *, morning: bool) -> str:
    if back > (1 if morning else APPROVED_BEFORE):
        return "approved"
    return "submitted" if back > 1 else "open"
