"""The files source on real files: the kit for six tables; good rows count, bad ones are named with file and line."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billsync.model.errors import BadAnswer, Missing, Unavailable, UsageError
from billsync.model.work import Approval, Kind, TimeEntry, Window
from billsync.sdk.mapped import TABLES
from billsync.testing.files import FakeFiles
from billsync.testing.source_contract import SourceContract
from billsync_plugins.sources.files import Files, FilesOptions, billsync_sources

YEAR = Window(since=date(2026, 1, 1), until=date(2026, 12, 31))
HEAD = "id,project,person,date,hours,billable,approval\n"


def source(folder: Path, **options) -> Files:
    """The source over a folder. Nothing writes while the tests read, so nothing needs to be looked at twice."""
    return Files("work", FilesOptions(**{"path": folder, "quiet": 0} | options))


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> None:
    (folder / name).write_bytes(text.encode(encoding))


def read(files: Files, window: Window = YEAR) -> tuple[list[TimeEntry], str]:
    """What was yielded, and the error that ended the poll."""
    found = []
    try:
        for entry in files.time_entries(window):
            found.append(entry)
    except BadAnswer as error:
        return found, error.what
    return found, ""


COLUMNS = {
    "projects": ("id", "name", "client"),
    "milestones": ("id", "project", "name", "status", "completed_on", "amount", "currency"),
    "time": ("id", "project", "person", "date", "hours", "billable", "approval"),
    "expenses": ("id", "project", "date", "amount", "currency", "approval"),
    "contracts": ("id", "client", "value", "currency", "signed_on"),
    "change_orders": ("id", "contract", "name", "value", "currency", "signed_on"),
}


class TestFiles(SourceContract):
    source = Files
    options = {"quiet": 0, **{table: f"{table}.csv" for table in COLUMNS}}
    tables = TABLES
    promised = {
        "project": ("id",),
        "milestone": ("id", "project", "name"),
        "time": ("id", "project", "person", "date", "hours", "billable"),
        "expense": ("id", "project", "date", "amount", "currency"),
        "contract": ("id", "client", "value", "currency"),
        "change_order": ("id", "contract", "name", "value", "currency"),
    }

    def vendor(self):
        return FakeFiles(COLUMNS)

    def add(self, kind, number, on):
        of_work = {"project": "P-1", "date": str(on), "approval": "approved"}
        money = {"currency": "EUR"}
        rows: dict[Kind, dict[str, Any]] = {
            "project": {"name": f"Project {number}", "client": "Acme"},
            "milestone": {"project": "P-1", "name": f"Phase {number}", "amount": "12500.00", **money},
            "time": {"person": "ana", "hours": "1.75", "billable": "yes", **of_work},
            "expense": {"amount": "64.80", **of_work, **money},
            "contract": {"client": "Acme", "value": "110000", "signed_on": str(on), **money},
            "change_order": {"contract": "C-1", "name": f"CO {number}", "value": "12000", **money},
        }
        return str(self.tracker.insert(self.tables[kind], {"id": f"R-{number:03}", **rows[kind]})["id"])

    def change(self, kind, ident):
        changed: dict[Kind, dict[str, Any]] = {
            "project": {"client": "Else"},
            "milestone": {"amount": "9000"},
            "time": {"hours": "3"},
            "expense": {"amount": "1.00"},
        }
        self.tracker.edit(self.tables[kind], ident, **changed.get(kind, {"value": "1"}))

    def complete(self, ident, at):
        self.tracker.edit("milestones", ident, completed_on=str(at.date()))

    def reopen(self, ident):
        self.tracker.edit("milestones", ident, completed_on="")

    def withdraw(self, ident):
        self.tracker.edit("time", ident, approval="submitted")

    def test_changes_while_it_reads_are_seen_or_told(self, kind):
        """A file that changes while it is read fails the poll: what was read of it may be half."""
        self.fill(kind)
        rows = iter(getattr(self.bench.open(), TABLES[kind] if kind != "time" else "time_entries")(self.window))
        first = next(rows)
        path = self.tracker.file(self.tables[kind])
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        self.refused(Unavailable, list, rows)
        assert first.id in self.read(kind), "the next poll reads the file as it is then"

    def test_a_filter_that_is_ignored_is_noticed(self, dated):
        """There is none: the whole file is read, and rows of other dates are left out here."""
        inside = self.add(dated, 0, self.window.since)
        self.add(dated, 1, self.window.until + timedelta(days=3))
        assert self.read(dated).keys() == {inside}


def test_a_plain_export_needs_no_mapping(tmp_path):
    put(tmp_path, "time.csv", HEAD + "E-1,P-1,ana,2026-03-02,7.50,yes,approved\nE-2,P-1,ben,2026-03-03,8,no,open\n")
    found, error = read(source(tmp_path, time="time.csv"))
    assert error == "" and [entry.id for entry in found] == ["E-1", "E-2"]
    assert found[0].hours == Decimal("7.50") and found[0].approval == Approval(state="approved")
    assert not found[1].billable


def test_a_german_export_of_cp1252_with_decimal_commas(tmp_path):
    text = (
        "Stundenliste\r\nNr;Projekt;Mitarbeiter;Datum;Std;abrechenbar;Freigabe;Bemerkung\r\n"
        "1;P-1;Jörg;02.03.2026;7,25;ja;freigegeben;Prüfung\r\n"
        "Summe;;;;7,25;;;\r\n"
    )
    put(tmp_path, "Stunden.csv", text, "cp1252")
    table = {
        "file": "Stunden.csv",
        "encoding": "cp1252",
        "delimiter": ";",
        "skip_rows": 1,
        "stop_at": "Summe",
        "decimal": ",",
        "dates": "DD.MM.YYYY",
        "columns": {
            "id": "Nr",
            "project": "Projekt",
            "person": "Mitarbeiter",
            "date": "Datum",
            "hours": "Std",
            "billable": "abrechenbar",
            "approval": "Freigabe",
            "notes": "Bemerkung",
        },
        "values": {"billable": {"billable": ["ja"], "not_billable": ["nein"]}, "approval": ["freigegeben"]},
    }
    found, error = read(source(tmp_path, time=table))
    assert error == ""
    assert (found[0].person, found[0].hours, found[0].notes) == ("Jörg", Decimal("7.25"), "Prüfung")
    assert found[0].worked_on == date(2026, 3, 2) and found[0].approval.state == "approved"


def test_bad_rows_are_findings_with_file_and_line_and_the_others_count(tmp_path):
    rows = [
        "E-1,P-1,ana,2026-03-02,7.5,yes,approved",
        "E-2,P-1,ana,2026-03-03,7.5x,yes,approved",
        "E-3,P-1,ana,2026-03-04,7,5,yes,approved",
        "E-4,P-1,ana,03/05/2026,7.5,yes,approved",
        "E-5,P-1,ana,2026-03-05,7.5,perhaps,approved",
        "E-1,P-1,ana,2026-03-06,7.5,yes,approved",
        ",P-1,ana,2026-03-06,7.5,yes,approved",
        "E-8,P-1,ana,2026-03-09,7.5,yes,approved",
    ]
    put(tmp_path, "time.csv", HEAD + "\n".join(rows) + "\n")
    files = source(tmp_path, time="time.csv")
    found, error = read(files)
    assert [entry.id for entry in found] == ["E-1", "E-8"], "good rows count though others are bad"
    assert files.findings == [
        "time.csv:3: hours: '7.5x' is not a number",
        "time.csv:4: 8 cells under 7 headers: a delimiter or a quote is astray",
        "time.csv:5: date: '03/05/2026' is not a date in the form YYYY-MM-DD",
        "time.csv:6: billable: 'perhaps' is not a known value",
        "time.csv:7: the id 'E-1' stands twice",
        "time.csv:8: id: empty",
    ]
    assert error.startswith("6 rows cannot be read, the first is time.csv:3"), "the poll is not complete"


def test_all_or_none_where_the_firm_wants_it(tmp_path):
    put(tmp_path, "time.csv", HEAD + "E-1,P-1,ana,2026-03-02,7.5,yes,approved\nE-2,P-1,ana,2026-03-03,x,yes,open\n")
    found, error = read(source(tmp_path, time="time.csv", partial=False))
    assert found == [] and error == "time.csv:3: hours: 'x' is not a number"


def test_a_missing_file_is_an_error_and_never_no_rows(tmp_path):
    with pytest.raises(Missing, match=r"no file 'time\.csv'"):
        list(source(tmp_path, time="time.csv").time_entries(YEAR))
    optional = source(tmp_path, time={"file": "time.csv", "optional": True})
    assert list(optional.time_entries(YEAR)) == []
    with pytest.raises(Missing, match="the folder is not there"):
        list(source(tmp_path / "unmounted", time={"file": "t.csv", "optional": True}).time_entries(YEAR))


def test_only_kinds_with_a_table_are_asked_for_and_deltas_prove_no_absence(tmp_path):
    files = source(tmp_path, time={"file": "t.csv", "mode": "delta"}, projects="p.csv")
    assert Files.kinds(files.options) == {"time", "project"}
    assert files.shows_absence("project") and not files.shows_absence("time")
    with pytest.raises(UsageError, match="offers no milestones"):
        list(files.milestones(YEAR))


def test_the_files_of_a_full_table_are_parts_and_an_id_in_two_of_them_is_bad(tmp_path):
    put(tmp_path, "time-1.csv", HEAD + "E-1,P-1,ana,2026-03-02,7.5,yes,open\n")
    put(tmp_path, "time-2.csv", HEAD + "E-2,P-1,ana,2026-03-03,7.5,yes,open\nE-1,P-1,ana,2026-03-02,8,yes,open\n")
    files = source(tmp_path, time="time-*.csv")
    found, _ = read(files)
    assert [entry.id for entry in found] == ["E-1", "E-2"]
    assert files.findings == ["time-2.csv:3: the id 'E-1' stands twice"]


def test_of_a_delta_the_last_file_is_right(tmp_path):
    put(tmp_path, "time-1.csv", HEAD + "E-1,P-1,ana,2026-03-02,7.5,yes,open\nE-2,P-1,ana,2026-03-03,7.5,yes,open\n")
    put(tmp_path, "time-2.csv", HEAD + "E-1,P-1,ana,2026-03-02,8,yes,approved\n")
    found, error = read(source(tmp_path, time={"file": "time-*.csv", "mode": "delta"}))
    assert error == ""
    assert {entry.id: entry.hours for entry in found} == {"E-1": 8, "E-2": Decimal("7.5")}


@given(st.dates(date(2025, 12, 1), date(2027, 1, 31)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_only_work_dated_within_the_window_is_given_bounds_included(tmp_path, worked):
    put(tmp_path, "time.csv", HEAD + f"E-1,P-1,ana,{worked},7.5,yes,approved\n")
    found, _ = read(source(tmp_path, time="time.csv"))
    assert bool(found) == (YEAR.since <= worked <= YEAR.until)


def test_every_kind_of_record_is_read(tmp_path):
    put(tmp_path, "p.csv", "id,name,client,status,percent complete\nP-1,Head office,Acme,active,60 %\n")
    put(
        tmp_path, "m.json", '[{"id": 3, "project": "P-1", "name": "Permit set", "completed": null, "amount": 33000.00}]'
    )
    put(tmp_path, "x.csv", "id,project,date,amount,currency,receipt,approved\nX-1,P-1,2026-03-01,64.80,USD,r.pdf,yes\n")
    put(tmp_path, "c.csv", "id,client,value,currency,signed\nC-1,Acme,110000,USD,2026-02-01\n")
    put(tmp_path, "o.csv", "id,contract,name,value,currency,signed\nCO-1,C-1,Garage,12000,USD,\n")
    files = source(
        tmp_path, projects="p.csv", milestones="m.json", expenses="x.csv", contracts="c.csv", change_orders="o.csv"
    )
    (project,) = files.projects(YEAR)
    (milestone,) = files.milestones(YEAR)
    (expense,) = files.expenses(YEAR)
    (contract,) = files.contracts(YEAR)
    (change,) = files.change_orders(YEAR)
    assert (project.name, project.percent, project.closed) == ("Head office", Decimal(60), False)
    assert (milestone.id, milestone.amount, milestone.completed_on, milestone.status) == (
        "3",
        Decimal(33000),
        None,
        "open",
    )
    assert (expense.amount, expense.receipt, expense.approval.state) == (Decimal("64.80"), "r.pdf", "approved")
    assert (contract.value, contract.signed_on) == (Decimal(110000), date(2026, 2, 1))
    assert change.signed_on is None, "an unsigned change order has no date"


def test_check_tells_what_each_rule_matches_and_which_rule_matches_nothing(tmp_path):
    put(tmp_path, "time.csv", HEAD + "E-1,P-1,ana,2026-03-02,7.5,yes,ok\nE-2,P-1,ana,2026-03-03,x,yes,ok\n")
    table = {"file": "time.csv", "values": {"approval": {"approved": ["ok"], "submitted": ["sent in"]}}}
    files = source(tmp_path, time=table)
    remarks = files.check().remarks
    assert "time: 1 records in time.csv" in remarks
    assert "time: time.csv:3: hours: 'x' is not a number" in remarks
    assert "time: approval = approved: 1 records" in remarks
    assert "time: approval = submitted: 0 records - does this rule still fit?" in remarks
    assert files.findings == [], "a check leaves no findings behind"
    with pytest.raises(UsageError, match="no table is declared"):
        source(tmp_path).check()


def test_a_renamed_column_stops_the_poll(tmp_path):
    put(tmp_path, "time.csv", HEAD.replace("hours", "hrs") + "E-1,P-1,ana,2026-03-02,7.5,yes,approved\n")
    found, error = read(source(tmp_path, time={"file": "time.csv", "columns": {"hours": "hours"}}))
    assert found == [] and error == "the mapped column 'hours' is gone"


def test_a_relative_path_is_meant_from_the_folder_of_the_configuration(tmp_path):
    options = FilesOptions.model_validate({"path": "exports"}, context={"folder": tmp_path})
    assert options.path == tmp_path / "exports"
    assert FilesOptions.model_validate({"path": str(tmp_path)}, context={"folder": Path("/else")}).path == tmp_path


def test_the_plugin_is_found_by_its_kind():
    assert [found.kind for found in billsync_sources()] == ["files"]
