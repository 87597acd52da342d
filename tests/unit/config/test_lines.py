"""Triggers and conditions, as they are written and as the rules read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billsync.model.contract import COMPLETED, Condition, Contract, MilestoneMatch, MilestoneTerms, Trigger
from tests.unit.config.firm import terms


def contract(folder: Path, more: str) -> Contract:
    text = "contracts:\n  - id: A\n    client: acme\n    project: work/P\n"
    return terms(folder, text + more).contracts["A"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on: 2026-01-31", Trigger(kind="dated", on=date(2026, 1, 31))),
        (
            "on: 2026-01-31, every: quarter, until: 2026-12-31",
            Trigger(kind="dated", on=date(2026, 1, 31), every="quarter", until=date(2026, 12, 31)),
        ),
        ("milestone: M", Trigger(kind="milestone", match=MilestoneMatch(name="M"))),
        (
            "milestone: {id: 7, account: work}",
            Trigger(kind="milestone", match=MilestoneMatch(id="7", account="work")),
        ),
        (
            "milestone: M, progress: percent",
            Trigger(kind="progress", match=MilestoneMatch(name="M"), progress_of="milestone"),
        ),
        (
            "milestone: M, progress: units",
            Trigger(kind="progress", match=MilestoneMatch(name="M"), progress_of="units"),
        ),
        ("progress: project", Trigger(kind="progress", progress_of="project")),
        ("progress: budget", Trigger(kind="progress", progress_of="budget")),
        ("threshold: {hours: 99.5}", Trigger(kind="threshold", at_hours=Decimal("99.5"))),
        ("threshold: {amount: 99.5}", Trigger(kind="threshold", at_amount=9950)),
        ("threshold: {percent: 50}", Trigger(kind="threshold", at_percent=Decimal(50))),
        ("manual: true", Trigger(kind="manual")),
    ],
)
def test_what_makes_a_line_due(written: str, meant: Trigger, tmp_path: Path) -> None:
    made = contract(tmp_path, f"    schedule:\n      - {{id: x, amount: 5, {written}}}\n")
    assert made.lines[0].trigger == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("completed", COMPLETED),
        ("{}", COMPLETED),
        ("accepted", Condition(kind="accepted")),
        ("{due: true}", Condition(kind="due")),
        ("{status: Done}", Condition(kind="status", texts=("Done",))),
        ("{status: [Done, Closed]}", Condition(kind="status", texts=("Done", "Closed"))),
        ("{percent: 99.5}", Condition(kind="percent", number=Decimal("99.5"))),
        ("{units: 50}", Condition(kind="units", number=Decimal(50))),
        ("{document: '*.pdf'}", Condition(kind="document", texts=("*.pdf",))),
        ("{field: {Phase: 7}}", Condition(kind="field", name="Phase", texts=("7",))),
        (
            "{percent: 100, document: x}",
            Condition(
                kind="all",
                of=(Condition(kind="percent", number=Decimal(100)), Condition(kind="document", texts=("x",))),
            ),
        ),
        (
            "{any: [accepted, {all: [due, completed]}]}",
            Condition(
                kind="any",
                of=(Condition(kind="accepted"), Condition(kind="all", of=(Condition(kind="due"), COMPLETED))),
            ),
        ),
    ],
)
def test_when_a_milestone_counts_as_complete(written: str, meant: Condition, tmp_path: Path) -> None:
    made = contract(tmp_path, f"    schedule:\n      - {{id: x, amount: 5, milestone: M, complete: {written}}}\n")
    assert made.lines[0].trigger.complete == meant
    loose = contract(tmp_path, f"    milestones: {{complete: {written}, requires: [document]}}\n")
    assert loose.milestones == MilestoneTerms(complete=meant, requires=frozenset({"document"}))
