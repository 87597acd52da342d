"""The made-up firm: the same every time, readable by the ordinary files source, with its usual troubles on any day."""

from __future__ import annotations

import importlib.util
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billsync.config import build_options, load, resolve
from billsync.demo import second_day, write_firm
from billsync.model.work import Milestone, Record, TimeEntry, Window
from billsync_plugins.sources.files import Files, FilesOptions

TODAY = date(2026, 11, 25)
EVER = Window(since=date(2000, 1, 1), until=date(2099, 12, 31))


def records(folder: Path) -> dict[str, dict[str, Record]]:
    """Every record of the firm by kind and id, read as the night reads it; a bad row would raise."""
    config = load(folder / "billsync.yaml", environ={})
    source = Files("office", build_options(config.accounts["office"], FilesOptions, lambda *_: ""))
    kinds: dict[str, Iterator[Record]] = {
        "project": source.projects(EVER),
        "milestone": source.milestones(EVER),
        "time": source.time_entries(EVER),
        "expense": source.expenses(EVER),
    }
    found: dict[str, dict[str, Record]] = {kind: {one.id: one for one in rows} for kind, rows in kinds.items()}
    assert not source.findings, "the firm's own exports have no bad rows"
    return found


def content(folder: Path) -> dict[str, bytes]:
    """Every text file of the firm; a workbook bears the time at which it was written."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".xlsx"
    }


def test_the_same_day_gives_the_same_firm_to_the_byte(tmp_path):
    for name in ("a", "b"):
        write_firm(tmp_path / name, today=TODAY)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    for name in ("a", "b"):
        second_day(tmp_path / name)
    second_day(tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b"), "the morning can be written twice"


@given(st.dates(date(2024, 1, 1), date(2031, 12, 31)))
@example(date(2028, 2, 29))
@example(date(2027, 1, 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
def test_on_any_day_the_configuration_resolves_and_the_story_is_told(tmp_path, today):
    folder = tmp_path / "firm"
    shutil.rmtree(folder, ignore_errors=True)
    write_firm(folder, today=today)
    terms = resolve(load(folder / "billsync.yaml", environ={}))
    before = records(folder)
    second_day(folder)
    after = records(folder)
    assert len(terms.contracts) == 14 and len(before["project"]) == 16
    assert 1_000 <= len(before["time"]) <= 1_500, "about three people's four months"
    assert len({entry.person for entry in before["time"].values() if isinstance(entry, TimeEntry)}) == 4
    dates = [entry.worked_on for entry in before["time"].values() if isinstance(entry, TimeEntry)]
    assert timedelta(110) < today - min(dates) < timedelta(130) and max(dates) < today
    mapped = {project.id for contract in terms.contracts.values() for project in contract.projects}
    assert before["project"].keys() - mapped == {"P-115", "P-000"}, "one project without a contract, and the office"
    edited = [key for key, entry in before["time"].items() if hours(entry) != hours(after["time"][key])]
    assert len(edited) == 1, "one entry is changed in the morning"
    (entry,) = (before["time"][key] for key in edited)
    assert isinstance(entry, TimeEntry) and entry.project == "P-108" and entry.approval.state == "approved"
    finished = [key for key in before["milestone"] if done(before["milestone"][key]) != done(after["milestone"][key])]
    assert finished == ["M-1053"] and done(after["milestone"]["M-1053"]), "the late phase is told in the morning"
    assert before["time"].keys() == after["time"].keys()


def hours(record: Record) -> object:
    return record.hours if isinstance(record, TimeEntry) else None


def done(record: Record) -> object:
    return record.completed_on if isinstance(record, Milestone) else None


def test_nobody_overworks_and_the_intern_has_no_rate(tmp_path):
    write_firm(tmp_path, today=TODAY)
    days: Counter[tuple[str, date]] = Counter()
    for entry in records(tmp_path)["time"].values():
        assert isinstance(entry, TimeEntry)
        assert entry.hours > 0 and entry.worked_on.weekday() < 5
        days[entry.person, entry.worked_on] += int(entry.hours * 4)
    assert max(days.values()) <= 9 * 4
    card = (tmp_path / "billsync.yaml").read_text(encoding="utf-8").split("rate_cards:")[1].split("approvals:")[0]
    assert "intern" not in card and "default: 1" not in card


def test_a_firm_is_never_written_over_another(tmp_path):
    (tmp_path / "billsync.yaml").write_text("firm: {name: Mine}\n", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_firm(tmp_path, today=TODAY)
    assert not (tmp_path / "data").exists()


def test_expenses_are_a_workbook_where_it_can_be_read_and_csv_elsewhere(tmp_path, monkeypatch):
    write_firm(tmp_path / "with", today=TODAY)
    assert (tmp_path / "with" / "data" / "expenses.xlsx").exists()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    write_firm(tmp_path / "without", today=TODAY)
    assert (tmp_path / "without" / "data" / "expenses.csv").exists()
    assert records(tmp_path / "with")["expense"] == records(tmp_path / "without")["expense"]
