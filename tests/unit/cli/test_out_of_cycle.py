"""Billing one project at once: `sync --project`, and a person's word for the next sync."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.cli.conftest import FirmOnDisk

FIRM = """
firm: {{name: Roe, zone: UTC, currency: USD}}
sources:
  work: {{kind: files, path: data, projects: projects.csv, time: time.csv}}
sinks:
  books: {{kind: folder, path: invoices, push: draft}}
clients:
  - {{id: acme, name: Acme Holdings}}
contracts:
  - id: YEAR
    client: acme
    projects: [work/P-1, work/P-2]
    billing: {{period: monthly, day: {day}}}
    time: {{rates: {{default: 100}}}}
"""
PROJECTS = "id,name\nP-1,House\nP-2,Barn\n"
TIME = """id,project,person,date,hours,billable,approval
T-1,P-1,ana,{on},3.00,yes,approved
T-2,P-2,ana,{on},5.00,yes,approved
"""


@pytest.fixture
def firm(tmp_path: Path) -> FirmOnDisk:
    """Two projects on one contract that is billed monthly, on no day near today; nothing billed yet."""
    today = datetime.now(UTC).date()
    (tmp_path / "data").mkdir()
    for name, text in (
        ("billsync.yaml", FIRM.format(day=1 if today.day > 14 else 28)),
        ("data/projects.csv", PROJECTS),
        ("data/time.csv", TIME.format(on=today)),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    firm = FirmOnDisk(tmp_path)
    assert firm.json(0, "sync")["pushed"] == [], "the month is not over"
    return firm


def billed(firm: FirmOnDisk) -> dict[str, str]:
    """Where each entry stands."""
    return {name: firm.item(f"time/work/{name}")[0]["bucket"] for name in ("T-1", "T-2")}


def test_a_run_for_one_project_bills_it_at_once_and_nothing_else(firm: FirmOnDisk) -> None:
    words = ("sync", "--project", "work/P-1", "--reason", "handed over")
    tried = firm.json(0, *words, "--dry-run")["pushed"]
    assert [(one["outcome"], one["amount"]) for one in tried] == [("would_create", "300.00")]
    [pushed] = firm.json(0, *words)["pushed"]
    assert pushed["amount"] == "300.00"
    assert billed(firm) == {"T-1": "billed", "T-2": "ready"}
    assert "handed over" in firm.expect(0, "invoice", "show", pushed["number"]), (
        "nobody can tell why it was billed early"
    )


def test_a_person_lets_a_project_go_with_the_next_sync(firm: FirmOnDisk) -> None:
    firm.expect(0, "review", "bill", "project/work/P-2", "--reason", "moved out")
    assert [one["amount"] for one in firm.json(0, "sync")["pushed"]] == ["500.00"]
    assert billed(firm) == {"T-1": "ready", "T-2": "billed"}


def test_a_run_for_one_project_must_say_which_and_why(firm: FirmOnDisk) -> None:
    for words, said in (
        (("--project", "work/P-9", "--reason", "x"), "known: work/P-1, work/P-2"),
        (("--project", "work/P-1"), "needs a reason"),
        (("--project", "P-1", "--reason", "x"), "for example work/P-1"),
        (("--reason", "x"), "needs the account and the id"),
    ):
        run = firm.run("sync", *words)
        assert run.returncode == 2 and said in run.stderr, f"{words}: {run.stderr}"
    assert billed(firm) == {"T-1": "ready", "T-2": "ready"}
