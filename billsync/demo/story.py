"""What the firm works on: its projects and milestones, in days before (negative) and after the day of the story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Phase:
    """A milestone of a project. `done`: days from today, None while it is open; `morning`: told in the morning."""

    id: str
    project: str
    name: str
    due: int
    done: int | None = None
    amount: str = ""
    accepted: int | None = None
    percent: int | None = None
    percent_in_the_morning: int | None = None
    morning: bool = False


PROJECTS: Final = (
    ("P-101", "Harbor Street Lofts", "Harbor Street Development LLC", "theo"),
    ("P-102", "Library annex", "City of Westbrook Falls", "theo"),
    ("P-103", "Ellison house, alterations", "Ruth and Paul Ellison", "ines"),
    ("P-104", "Clinic refit", "Tidewater Family Clinic", "theo"),
    ("P-105", "Taproom", "Northlight Brewing Co.", "theo"),
    ("P-106", "School hall, feasibility study", "St. Brendan School", "ines"),
    ("P-107", "Advice to the trust", "Pinecrest Housing Trust", "ines"),
    ("P-108", "House at Ferry Landing", "Okafor & Lund", "ines"),
    ("P-109", "Parking study", "Harbor Street Development LLC", "theo"),
    ("P-110", "Bus shelters", "City of Westbrook Falls", "theo"),
    ("P-111", "Brewery signage", "Northlight Brewing Co.", "priya"),
    ("P-112", "Pharmacy kiosk", "Tidewater Family Clinic", "ines"),
    ("P-113", "Chapel roof", "St. Brendan School", "theo"),
    ("P-114", "Condition survey, Birch Court", "Pinecrest Housing Trust", "priya"),
    ("P-115", "Lakeside pavilion", "Lakeside Association", "ines"),
    ("P-000", "Office and learning", "", "ines"),
)
"""The last one is the firm's own: its hours are never billable. P-115 has no contract."""

PHASES: Final = (
    Phase("M-1011", "P-101", "Schematic design", due=-84, done=-80),
    Phase("M-1012", "P-101", "Design development", due=-35, done=-33),
    Phase("M-1013", "P-101", "Permit set", due=25),
    Phase("M-1014", "P-101", "Construction administration", due=210),
    Phase("M-1015", "P-101", "Roof terrace drawings", due=-10, done=-12),
    Phase("M-1016", "P-101", "Bike pavilion concept", due=-15, done=-16),
    Phase("M-1017", "P-101", "Certificate of occupancy", due=400),
    Phase("M-1021", "P-102", "Schematic design", due=-75, done=-74, accepted=-69),
    Phase("M-1022", "P-102", "Design development", due=-20, done=-19),
    Phase("M-1023", "P-102", "Construction documents", due=60),
    Phase("M-1041", "P-104", "Schematic design", due=-70, done=-68),
    Phase("M-1042", "P-104", "Permit drawings", due=-21),
    Phase("M-1043", "P-104", "Construction documents", due=45),
    Phase("M-1051", "P-105", "Concept", due=-90, done=-91),
    Phase("M-1052", "P-105", "Design development", due=-58, done=-52),
    Phase("M-1053", "P-105", "Construction documents", due=-30, morning=True),
    Phase("M-1061", "P-106", "Feasibility study", due=20, percent=60, percent_in_the_morning=75),
    Phase("M-1101", "P-110", "Concept", due=-40, done=-41, amount="4800.00"),
    Phase("M-1102", "P-110", "Drawings", due=15, amount="6200.00"),
    Phase("M-1111", "P-111", "Design", due=-45, done=-44, amount="3600.00"),
    Phase("M-1112", "P-111", "Fabrication drawings", due=-6, done=-7, amount="2750.00"),
)

_EXPENSES: Final = (
    # days before today, project, person, category, what, amount, receipt
    (-88, "P-109", "theo", "Travel", "Traffic count, mileage", "64.80", "r-201.pdf"),
    (-81, "P-109", "priya", "Printing", "Base plans, 12 sheets", "118.40", "r-204.pdf"),
    (-74, "P-108", "ines", "Permit fees", "Zoning application", "350.00", "r-207.pdf"),
    (-66, "P-109", "theo", "Travel", "Site visit, mileage", "22.10", ""),
    (-59, "P-108", "theo", "Printing", "Client set", "47.25", "r-213.pdf"),
    (-52, "P-109", "priya", "Survey", "Drone survey", "890.00", "r-219.pdf"),
    (-45, "P-108", "ines", "Travel", "Quarry, stone samples", "71.60", "r-222.pdf"),
    (-38, "P-109", "theo", "Printing", "Boards for the hearing", "206.75", ""),
    (-30, "P-108", "priya", "Models", "Model materials", "134.90", "r-230.pdf"),
    (-23, "P-109", "theo", "Travel", "Site visit, mileage", "22.10", ""),
    (-16, "P-108", "ines", "Permit fees", "Shoreland permit", "500.00", "r-236.pdf"),
    (-9, "P-109", "priya", "Printing", "Final report, 6 copies", "162.00", "r-239.pdf"),
)


def projects() -> Iterator[dict[str, Any]]:
    """Rows of projects.csv."""
    for project, name, client, manager in PROJECTS:
        yield {"id": project, "name": name, "client": client, "status": "active", "manager": manager}


def milestones(today: date, *, morning: bool) -> Iterator[dict[str, Any]]:
    """Rows of milestones.json; amounts as numbers of two decimals."""
    for phase in PHASES:
        # Yesterday's date: what was finished in the evening is written down in the morning.
        done = _day(today, -1 if phase.morning and morning else phase.done)
        percent = phase.percent_in_the_morning if morning and phase.percent_in_the_morning else phase.percent
        yield {
            "id": phase.id,
            "project": phase.project,
            "name": phase.name,
            "status": "Done" if done else "Doing" if phase.due < 0 or percent else "Planned",
            "due_on": str(_day(today, phase.due)),
            "completed_on": str(done) if done else None,
            "percent": percent,
            "amount": phase.amount or None,
            "accepted_on": str(_day(today, phase.accepted)) if phase.accepted else None,
            "accepted_by": "R. Duval, City Architect" if phase.accepted else None,
        }


def expenses(today: date) -> Iterator[dict[str, Any]]:
    """Rows of the expenses workbook; all of them are approved but the last."""
    for place, (days, project, person, category, notes, amount, receipt) in enumerate(_EXPENSES, start=1):
        yield {
            "id": f"X-{place:03d}",
            "project": project,
            "person": person,
            "date": _day(today, days),
            "category": category,
            "notes": notes,
            "amount": amount,
            "currency": "USD",
            "receipt": receipt,
            "approval": "approved" if place < len(_EXPENSES) else "submitted",
        }


def _day(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)
