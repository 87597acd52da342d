"""Smartsheet: the kit for six sheets, then hierarchies, cells of every type, vanished columns, marks."""

from decimal import Decimal
from typing import Any, cast

import pytest

from billsync.model.errors import BadAnswer, Missing, Refused, UsageError
from billsync.model.work import Kind
from billsync.sdk.row import Row
from billsync.testing.account_contract import AccountContract, wrong_guess
from billsync.testing.bench import days, poll
from billsync.testing.smartsheet import FakeSmartsheet, percentage
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import OpenApi, unread_examples
from billsync_plugins.sources._smartsheet_rows import Broken, cells_of
from billsync_plugins.sources.smartsheet import Smartsheet

SHEETS: dict[Kind, str] = {
    "project": "1",
    "milestone": "2",
    "time": "3",
    "expense": "4",
    "contract": "5",
    "change_order": "6",
}
MARCH = days("2026-03-01..2026-03-31")
OURS = {"project": "P-1"}
MONEY = {"currency": "EUR"}
COLUMNS = {
    "project": ["Project", "Client"],
    "milestone": ["Task", "Status", "Done on", "Fee", "% Done", "Region", "Invoice"],
    "time": ["Who", "Day", "Hours", "Approval"],
    "expense": ["What", "Day", "Cost"],
    "contract": ["Contract", "Client", "Value", "Signed"],
    "change_order": ["Name", "Value", "Signed"],
}
TABLES: dict[str, Any] = {
    "projects": {"sheet": "1"},
    "milestones": {
        "sheet": "2",
        "columns": {"complete": "Status", "status": "Status", "completed_on": "Done on", "amount": "2003"},
        "values": {"complete": {"complete": ["Complete"], "open": ["*"]}},
        "constants": {**OURS, **MONEY},
    },
    "time": {"sheet": "3", "columns": {"person": "Who", "date": "Day"}, "constants": OURS},
    "expenses": {"sheet": "4", "columns": {"date": "Day", "category": "What"}, "constants": {**OURS, **MONEY}},
    "contracts": {"sheet": "5", "constants": MONEY},
    "change_orders": {"sheet": "6", "constants": {"contract": "C-1", **MONEY}},
}


@wrong_guess("smartsheet", "at most 300 calls a minute", by="test_a_throttle_is_slept_to_the_second")
class TestSmartsheet(SourceContract):
    source = Smartsheet
    options = TABLES
    tables = {kind: f"sheet {sheet}" for kind, sheet in SHEETS.items()}
    lists = {kind: f"/sheets/{sheet}" for kind, sheet in SHEETS.items()}
    promised = dict.fromkeys(SHEETS, ("id", "rowNumber", "cells"))

    def cases(self):
        """A page that is short or empty before the end cannot be told from a broken list: see the test below."""
        return {**super().cases(), "manner": ["repeated", "shuffled"]}

    def vendor(self):
        vendor = FakeSmartsheet()
        for kind, sheet in SHEETS.items():
            vendor.add_sheet(sheet, COLUMNS[kind])
        return vendor

    def add(self, kind, number, on):
        values: dict[str, dict[str, Any]] = {
            "project": {"Project": f"Project {number}", "Client": "Acme"},
            "milestone": {"Task": f"Phase {number}", "Status": "In Progress", "Fee": Decimal("12500.0")},
            "time": {"Who": "ana@example.com", "Day": str(on), "Hours": Decimal("1.75"), "Approval": "approved"},
            "expense": {"What": "Travel", "Day": str(on), "Cost": Decimal("64.8")},
            "contract": {"Client": "Acme", "Value": 110000, "Signed": str(on)},
            "change_order": {"Name": f"CO {number}", "Value": 12000},
        }
        return self.tracker.add_row(SHEETS[kind], **values[kind])

    def change(self, kind, ident):
        changed: dict[str, dict[str, Any]] = {
            "project": {"Client": "Else"},
            "milestone": {"Fee": 9000},
            "time": {"Hours": 3},
        }
        other: dict[str, Any] = {"Cost": 1} if kind == "expense" else {"Value": 1}
        self.tracker.write(SHEETS[kind], ident, **changed.get(kind, other))

    def complete(self, ident, at):
        self.tracker.write("2", ident, Status="Complete", Done_on=str(at.date()))

    def reopen(self, ident):
        self.tracker.write("2", ident, Status="In Progress")

    def withdraw(self, ident):
        self.tracker.write("3", ident, Approval="submitted")

    def test_a_filter_that_is_ignored_is_noticed(self, dated):
        """None is sent: the whole sheet is read, and rows of other dates are left out here."""
        self.add(dated, 0, self.window.since)
        self.read(dated)
        assert self.bench.sent(self.lists[dated])[-1].query.keys() == {
            "level",
            "include",
            "exclude",
            "page",
            "pageSize",
        }

    @pytest.mark.parametrize("broken", ["short", "empty"])
    def test_rows_that_are_fewer_than_the_sheet_has_fail_the_list(self, broken, kind):
        self.fill(kind)
        self.tracker.misbehave(self.tables[kind], 2, broken)
        self.refused(BadAnswer, self.read, kind)


class TestSmartsheetByLogin(AccountContract):
    logs_in = True
    options = {"projects": {"sheet": "1"}}

    def connector(self):
        return Smartsheet

    def vendor(self):
        vendor = FakeSmartsheet()
        vendor.add_sheet("1", COLUMNS["project"])
        return vendor


@pytest.fixture
def kit():
    kit = TestSmartsheet()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def milestones(kit, **changes):
    kit.bench.more = {"milestones": {**TABLES["milestones"], **changes}}
    return kit.read("milestone")


def mapped(**columns):
    return {**TABLES["milestones"]["columns"], **columns}


# ---- Which rows


def test_a_sheet_with_a_hierarchy_is_refused_until_somebody_says_which_rows_count(kit):
    """Parent rows roll their children up: whoever bills both bills twice."""
    phase = kit.tracker.add_row("2", Task="Design", Fee=300)
    parts = {kit.tracker.add_row("2", parent=phase, Task=f"Part {n}", Fee=100) for n in range(3)}
    alone = kit.tracker.add_row("2", Task="Permit", Fee=50)
    assert "hierarchy" in kit.refused(BadAnswer, milestones, kit).what
    assert milestones(kit, rows="leaves").keys() == parts | {alone}
    assert milestones(kit, rows="top").keys() == {phase, alone}
    found = milestones(kit, rows="leaves", columns=mapped(parent="@parent"))
    assert {found[part].parent for part in parts} == {phase}


def test_a_row_that_cannot_be_read_is_a_finding_and_the_others_count(kit):
    good = kit.add("milestone", 0, MARCH.since)
    kit.tracker.add_row("2", Task="Wrong", Status="Complete")
    kit.tracker.add_row("2", Task="Worse", Fee="about 5000")
    opened = kit.bench.open()
    rows = opened.milestones(MARCH)
    assert next(rows).id == good
    error = kit.refused(BadAnswer, next, rows)
    assert error.what.startswith("2 rows cannot be read, the first is row 2: completed_on: empty")
    assert [text.partition(":")[0] for text in opened.findings] == ["row 2", "row 3"]


def test_an_id_of_the_firms_own_may_not_stand_twice(kit):
    for _ in range(2):
        kit.tracker.add_row("2", Task="Design", Region="M-1")
    assert "'M-1' stands twice" in kit.refused(BadAnswer, lambda: milestones(kit, columns=mapped(id="Region"))).what


# ---- Columns


@wrong_guess("smartsheet", "lists of columns keep their old paging")
def test_columns_are_found_again_each_night_and_one_that_vanished_is_refused(kit):
    ident = kit.add("milestone", 0, MARCH.since)
    kit.tracker.columns["2"][3]["title"] = "Price"
    assert milestones(kit)[ident].amount == 12500, "a column that is mapped by id may be renamed"
    kit.tracker.columns["2"][1]["title"] = "State"
    assert "'Status' is gone" in kit.refused(BadAnswer, milestones, kit).what, "one that is mapped by title may not"
    del kit.tracker.columns["2"][3]
    kit.tracker.columns["2"][1]["title"] = "Status"
    assert "'2003' is gone" in kit.refused(BadAnswer, milestones, kit).what


def test_columns_that_change_while_the_rows_are_read_are_noticed(kit):
    kit.add("milestone", 0, MARCH.since)
    kit.tracker.after_columns["2"] = lambda: kit.tracker.columns["2"].pop()
    assert "columns changed" in kit.refused(BadAnswer, milestones, kit).what


def test_a_sheet_that_is_not_shared_any_more_is_refused(kit):
    del kit.tracker.columns["2"]
    kit.refused(Missing, milestones, kit)


# ---- Cells


@wrong_guess("smartsheet", "percentages are fractions")
def test_percentages_are_fractions_of_what_is_shown(kit):
    """Remembered, not documented: 0.5 is shown as 50%."""
    found = {}
    for fraction in ("0.5", "0.335", "1", "0"):
        found[fraction] = kit.tracker.add_row("2", Task="x", **{"%_Done": percentage(fraction)})
    records = milestones(kit, columns=mapped(percent="% Done"))
    assert [records[ident].percent for ident in found.values()] == [50, Decimal("33.5"), 100, 0]
    kit.tracker.write("2", found["1"], **{"%_Done": {"value": 50, "displayValue": "50%"}})
    refused = kit.refused(BadAnswer, lambda: milestones(kit, columns=mapped(percent="% Done")))
    assert "no fraction of '50%'" in refused.what


def test_decimal_commas_of_the_users_locale_are_understood(kit):
    shown = {"value": Decimal("0.335"), "displayValue": "33,5%"}
    ident = kit.tracker.add_row("2", Task="x", **{"%_Done": shown})
    assert milestones(kit, columns=mapped(percent="% Done"))[ident].percent == Decimal("33.5")


@pytest.mark.parametrize("text", ["#REF", "#INVALID OPERATION", "#UNPARSEABLE", "#NO MATCH"])
def test_the_error_of_a_formula_is_no_value(kit, text):
    kit.tracker.add_row("2", Task="x", Fee={"value": text, "formula": "=X"})
    assert f"formula failed: {text}" in kit.refused(BadAnswer, milestones, kit).what
    kit.tracker.columns["2"][5]["title"] = "Unread"
    good = kit.tracker.add_row("2", Task="x", Unread={"value": text})
    kit.tracker.delete("sheet 2", sorted(kit.tracker.tables["sheet 2"])[0])
    assert milestones(kit).keys() == {good}, "a column that nobody maps may hold what it likes"


def test_contacts_and_choices_are_lists_and_attachments_are_read_where_they_are_mapped(kit):
    several = {"objectValue": {"objectType": "MULTI_PICKLIST", "values": ["West", "East"]}}
    ident = kit.tracker.add_row("2", files=["b.pdf", "a.pdf"], Task="x", Region=several)
    assert milestones(kit)[ident].attachments == ()
    found = milestones(kit, columns=mapped(attachments="@attachments"))[ident]
    assert set(found.attachments) == {"a.pdf", "b.pdf"} and found.url.endswith(ident)
    assert milestones(kit, columns=mapped(attachments="Region"))[ident].attachments == ("West", "East")
    people = [{"name": "Ana", "email": "ana@example.com"}, {"name": "Ben"}]
    row = Row({"id": 1, "cells": [{"columnId": 5, "objectValue": {"values": people}}]}, "row")
    assert cells_of(row, "")["5"] == ["ana@example.com", "Ben"]


def test_numbers_typed_as_text_are_read_and_ambiguous_ones_refused(kit):
    ident = kit.tracker.add_row("2", Task="x", Fee="$12,500.00")
    assert milestones(kit)[ident].amount == 12500
    kit.tracker.write("2", ident, Fee="12,500")
    assert "12.5" in kit.refused(BadAnswer, milestones, kit).what


# ---- Check and marks


def test_check_tells_what_each_rule_matches(kit):
    ident = kit.add("milestone", 0, MARCH.since)
    kit.tracker.write("2", ident, Status="Complete", Done_on="2026-03-05")
    kit.tracker.add_row("2", Task="Wrong", Status="Complete")
    identity = kit.bench.open().check()
    assert (identity.account, identity.user) == ("Acme", "ana@example.com")
    assert {"milestones: 1 records", "milestones: complete = complete: 1 records"} <= set(identity.remarks)
    assert "milestones: row 2: completed_on: empty, though the milestone is complete" in identity.remarks
    assert "milestones: complete = open: 0 records - does this rule still fit?" in identity.remarks
    kit.bench.more = {}
    with pytest.raises(UsageError, match="no table"):
        kit.bench.open().check()


def test_only_kinds_with_a_sheet_are_asked_for():
    options: Any = cast(Any, Smartsheet.options_class)(token="t", time=TABLES["time"])
    assert Smartsheet.kinds(options) == {"time"}
    with pytest.raises(UsageError, match="offers no milestones"):
        list(Smartsheet("a", options).milestones(MARCH))


def test_our_reference_is_written_into_a_column(kit):
    idents = [kit.add("milestone", number, MARCH.since) for number in range(3)]
    kit.bench.more = {"milestones": {**TABLES["milestones"], "mark_column": "2006"}}
    opened = kit.bench.open()
    opened.mark_billed("milestone", idents[:2], "BS-1")
    rows = kit.tracker.tables["sheet 2"]
    marked = {ident for ident, row in rows.items() if any(cell["columnId"] == 2006 for cell in row["cells"])}
    assert marked == set(idents[:2])
    kit.refused(Missing, opened.mark_billed, "milestone", ["999"], "BS-1")
    kit.bench.more = {"milestones": {**TABLES["milestones"], "mark_column": "2999"}}
    kit.refused(Refused, kit.bench.open().mark_billed, "milestone", idents, "BS-1")


@pytest.mark.parametrize("table", [{}, {"mark_column": "2006", "columns": mapped(id="Region")}])
def test_no_mark_without_a_column_or_by_ids_that_are_not_the_rows_own(kit, table):
    kit.bench.more = {"milestones": {**TABLES["milestones"], **table}}
    with pytest.raises(UsageError, match="offers no marks"):
        kit.bench.open().mark_billed("milestone", ["1"], "BS-1")


# ---- The vendor's own contract


def test_what_is_sent_fits_the_vendors_contract(kit, contracts):
    for kind in kit.tables:
        kit.fill(kind)
    kit.bench.more = {**TABLES, "milestones": {**TABLES["milestones"], "mark_column": "2006"}}
    opened = kit.bench.open()
    opened.check()
    for kind in kit.tables:
        poll(opened, kind, MARCH)
    opened.mark_billed("milestone", sorted(kit.tracker.tables["sheet 2"])[:1], "BS-1")
    listed = {"include=objectValue,rowPermalink": "a list with commas, as its description says"}
    assert OpenApi(contracts / "smartsheet.openapi.json", listed).problems(kit.tracker.log) == []


def test_published_examples_are_read(contracts):
    def sheet(body):
        return [cells_of(Row(raw, "row"), "234") for raw in body["rows"]]

    def rows(body):
        """Rows that were written come back as they are read; refusals and single rows have no list."""
        result = body.get("result", [])
        found = [cells_of(Row(raw, "row"), "101") for raw in (result if isinstance(result, list) else [result])]
        assert not any(isinstance(cell, Broken) for row in found for cell in row.values())
        return found or [body]

    readers = {"GET /sheets/123": sheet, "PUT /sheets/1/rows": rows, "POST /sheets/1/rows": rows}
    others = ("GET /", "POST /", "DELETE /")
    excused = dict.fromkeys(others, "not a record that is read")
    assert unread_examples(contracts / "smartsheet.examples.json", readers, excused) == []
