"""The commands as a user runs them, on the worked example of the documentation."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest

CONTRACT = "ACME-2026-01"
PERMIT = f"{CONTRACT}/line/permit"


# The night


def test_the_first_night_bills_what_is_due_and_says_so(new_firm):
    said = new_firm.expect(1, "sync")
    assert "Night of" in said and "Read" in said and "To the books" in said
    assert "billed" in said and "acme" in said
    assert "FINDINGS" in said.splitlines()[-2]


def test_the_second_night_bills_nothing(firm):
    told = firm.json(1, "sync")
    assert told["schema"] == "billsync.sync/1"
    assert told["pushed"] == [] and told["troubles"] == []
    assert all(poll["complete"] for poll in told["polls"])


def test_a_dry_run_shows_the_lines_and_the_request_and_writes_nothing(new_firm):
    said = new_firm.expect(1, "sync", "--dry-run")
    assert "dry run: nothing was written anywhere" in said
    assert "Schematic design" in said and "The request" in said
    assert not (new_firm.folder / "invoices").exists() or not list((new_firm.folder / "invoices").glob("*.json"))
    pushed = new_firm.json(1, "sync", "--dry-run")["pushed"]
    assert [one["outcome"] for one in pushed] == ["would_create"]
    assert "Schematic design" in pushed[0]["request"]["body"]
    assert pushed[0]["lines"]


def test_an_account_that_does_not_exist_is_named(new_firm):
    run = new_firm.run("sync", "--account", "wrok")
    assert run.returncode == 2 and "'wrok'" in run.stderr and "work" in run.stderr.splitlines()[-1]


def test_piped_output_has_no_colour_and_no_progress(firm):
    run = firm.run("sync")
    assert "\x1b" not in run.stdout and run.stderr == ""


# The report


def test_each_figure_of_the_worked_example(firm):
    told = firm.json(1, "reconcile")
    assert told["verdict"] == "findings"
    [row] = told["statement"]
    figures = {name: row[name] for name in row if name not in ("currency", "client", "contract")}
    assert figures == {
        "earned": "87900.00",
        "billed": "49550.00",
        "credited": "0.00",
        "withheld": "4950.00",
        "capped": "400.00",
        "written_off": "0.00",
        "held": "33000.00",
        "ready": "0.00",
        "in_flight": "0.00",
        "difference": "0.00",
    }
    codes = {finding["code"] for finding in told["findings"]}
    assert {"change_order_unsigned", "cap_reached"} <= codes
    early = {(one["cause"], one["name"]) for one in told["not_earned"]}
    assert ("open_milestone", "Final completion") in {(cause, name) for cause, name in early}
    assert any(one["cause"] == "unapproved" and Decimal(one["hours"] or 0) == 4 for one in told["not_earned"])


def test_the_items_sum_to_the_statement(firm):
    told = firm.json(1, "reconcile")
    sums: dict[str, int] = {}
    for item in told["items"]:
        sums[item["bucket"]] = sums.get(item["bucket"], 0) + int(item["amount"].replace(".", ""))
    [row] = told["statement"]
    for bucket, minor in sums.items():
        assert minor == int(row[bucket].replace(".", "")), f"{bucket} of the items is not that of the statement"


def test_all_formats_tell_the_same(firm):
    items = firm.json(1, "reconcile")["items"]
    rows = list(csv.DictReader(io.StringIO(firm.expect(1, "reconcile", "--format", "csv"))))
    assert [(row["identity"], row["bucket"], row["amount"]) for row in rows] == [
        (item["identity"], item["bucket"], item["amount"]) for item in items
    ]
    firm.expect(1, "reconcile", "--format", "xlsx", "--out", "report.xlsx")
    sheet = openpyxl.load_workbook(firm.folder / "report.xlsx")["Items"]
    assert sheet.max_row == len(items) + 1
    firm.expect(1, "reconcile", "--format", "html", "--out", "report.html")
    page = HTMLParser()
    page.feed((firm.folder / "report.html").read_text(encoding="utf-8"))
    assert "33,000.00" in (firm.folder / "report.html").read_text(encoding="utf-8")
    text = firm.expect(1, "reconcile")
    assert text.startswith("FINDINGS:") and "USD 87,900.00" in text and "acceptance missing" in text


def test_open_leaves_out_what_is_billed(firm):
    assert {item["bucket"] for item in firm.json(1, "reconcile", "--open")["items"]} == {"held", "withheld", "capped"}


def test_as_of_before_the_first_night_knows_nothing(firm):
    told = firm.json(3, "reconcile", "--as-of", "2026-02-15")
    assert told["as_of"] == "2026-02-15" and told["verdict"] == "unknown"
    assert all(item["bucket"] != "billed" for item in told["items"])


def test_a_client_that_does_not_exist_is_named_with_the_nearest(firm):
    run = firm.run("reconcile", "--client", "acmee")
    assert run.returncode == 2 and "did you mean 'acme'?" in run.stderr


def test_without_a_ledger_the_report_says_what_to_do(new_firm):
    run = new_firm.run("reconcile")
    assert run.returncode == 5
    assert run.stderr.splitlines()[0] == "there is no ledger yet" and "billsync sync" in run.stderr


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(firm):
    run = firm.run("reconcile", "--format", "csv", "--out", "nowhere/report.csv")
    assert run.returncode == 2 and "cannot write" in run.stderr and "nowhere" in run.stderr


# One item, one invoice


@pytest.mark.parametrize("name", [PERMIT, "Permit set", "M-2", "ACME-2026-01/line/per"])
def test_an_item_is_explained_by_any_of_its_names(firm, name):
    said = firm.expect(0, "explain", name)
    assert PERMIT in said and "acceptance missing" in said and "33,000.00" in said


def test_billed_time_is_explained_to_the_cent(firm):
    told = firm.json(0, "explain", "T-4")
    assert told["identity"] == "time/work/T-4"
    assert told["because"], "the steps of its amount are missing"
    assert {state["bucket"] for state in told["states"]} == {"billed", "capped"}
    assert any("first seen at work" in event["what"] for event in told["events"])
    assert any(event["what"].startswith("billed USD") for event in told["events"])
    assert told["invoices"], "the invoice it is on is missing"


def test_what_fits_several_things_is_an_error_that_names_them(firm):
    run = firm.run("explain", f"{CONTRACT}/line")
    assert run.returncode == 2
    assert "fits" in run.stderr and PERMIT in run.stderr


def test_what_does_not_exist_is_named_with_the_nearest(firm):
    run = firm.run("explain", "ACME-2026-01/line/permitt")
    assert run.returncode == 2 and PERMIT in run.stderr


def test_invoices_are_listed_and_shown_with_their_reasons(firm):
    [listed] = firm.json(0, "invoice", "list")
    assert listed["total"] == "49550.00" and listed["client"] == "acme" and listed["reference"].startswith("BS-")
    for name in (listed["number"], listed["reference"]):
        shown = firm.json(0, "invoice", "show", name)
        assert sum(int(line["amount"].replace(".", "")) for line in shown["lines"]) == 4_955_000
    said = firm.expect(0, "invoice", "show", listed["reference"])
    assert "Schematic design" in said and "Why" in said
    assert listed["reference"] in firm.expect(0, "explain", listed["reference"])


# The queue


def test_the_queue_is_the_answer_of_review_alone(firm):
    assert firm.expect(1, "review") == firm.expect(1, "review", "list")
    rows = firm.json(1, "review", "list")
    assert {"acceptance_missing", "change_order_unsigned"} <= {row["cause"] for row in rows}
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))


def number_of(firm, cause: str) -> str:
    return str(next(row["number"] for row in firm.json(1, "review", "list") if row["cause"] == cause))


def test_an_item_is_written_off_by_its_number_and_stays_so(firm):
    said = firm.expect(
        0, "review", "exclude", number_of(firm, "acceptance_missing"), "--reason", "waived", "--person", "ana"
    )
    assert f"written off: {PERMIT}" in said
    assert [item["bucket"] for item in firm.item(PERMIT)] == ["written_off"]
    firm.run("sync")
    assert [item["bucket"] for item in firm.item(PERMIT)] == ["written_off"]
    assert "ana: exclude, because waived" in firm.expect(0, "explain", PERMIT)


def test_a_hold_is_released_again(firm):
    firm.expect(0, "review", "hold", PERMIT, "--reason", "client disputes it", "--until", "2099-12-31")
    assert "hold" in {item["cause"] for item in firm.item(PERMIT)}
    firm.expect(0, "review", "release", PERMIT, "--reason", "settled")
    assert "hold" not in {item["cause"] for item in firm.item(PERMIT)}


def test_an_item_billed_by_hand_is_mapped_to_that_invoice(firm):
    firm.expect(0, "review", "map", PERMIT, "--invoice", "OLD-77", "--reason", "billed in March")
    firm.run("sync")
    assert {(item["bucket"], item["invoice"]) for item in firm.item(PERMIT)} == {("billed", "OLD-77")}


def test_a_credit_gives_back_and_the_item_waits(firm):
    identity = f"{CONTRACT}/line/schematic"
    firm.expect(0, "review", "credit", identity, "--reason", "wrong phase")
    firm.run("sync")
    [memo] = [one for one in firm.json(0, "invoice", "list") if one["kind"] == "credit_memo"]
    assert memo["total"].startswith("-")
    told = json.loads(firm.run("reconcile", "--format", "json").stdout)
    assert told["statement"][0]["difference"] == "0.00"
    assert "credited" in {item["cause"] for item in firm.item(identity)}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("exclude", "999", "--reason", "x"), "no item, draft or row of the last list called '999'"),
        (("exclude", f"{CONTRACT}/line/", "--reason", "x"), "fits"),
        (("approve", PERMIT, "--reason", "x"), "only a draft can be approved"),
        (("map", PERMIT, "--reason", "x"), "one of --invoice and --contract"),
        (("map", PERMIT, "--contract", "ACME", "--reason", "x"), "no contract called 'ACME'"),
        (("credit", f"{CONTRACT}/line/schematic", "--amount", "1.234", "--reason", "x"), "more decimals"),
        (("exclude", PERMIT, "--reason", " "), "needs a subject, a person and a reason"),
        (("let-go", "BS-NOTHING", "--reason", "x"), "no invoice called 'BS-NOTHING'"),
    ],
)
def test_a_decision_that_cannot_be_meant_is_refused(firm, words, complaint):
    run = firm.run("review", *words)
    assert run.returncode == 2, run.stdout
    assert complaint in run.stderr and len(run.stderr.splitlines()) <= 3, run.stderr


def test_the_person_is_the_computers_user_unless_said(firm):
    firm.run("review", "hold", PERMIT, "--reason", "x", LOGNAME="carla", USER="carla", USERNAME="carla")
    firm.run("review", "release", PERMIT, "--reason", "y", BILLSYNC_PERSON="dana")
    said = firm.expect(0, "explain", PERMIT)
    assert "carla: hold" in said and "dana: release" in said


# Afterwards


def test_the_journal_verifies_and_a_changed_row_is_named(firm):
    assert "none changed" in firm.expect(0, "audit", "verify")
    with closing(sqlite3.connect(firm.folder / "billsync.db", isolation_level=None)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'journal'"):
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE journal SET reason = 'because' WHERE seq = 3")
    told = firm.json(5, "audit", "verify")
    assert told["ok"] is False and 3 in {problem["seq"] for problem in told["problems"]}
    assert "NOT WHOLE" in firm.expect(5, "audit", "verify")


def test_the_audit_files_are_complete_and_sealed(firm):
    from billsync.reports.audit_export import check

    said = firm.expect(0, "audit", "export", "--dir", "audit")
    assert check(firm.folder / "audit") == []
    files = {path.name for path in (firm.folder / "audit").iterdir()}
    assert "SHA256SUMS" in files and all(name in said for name in files - {"SHA256SUMS"})
    assert "exists already" in firm.run("audit", "export", "--dir", "audit").stderr


def test_a_backup_is_restored_but_never_over_newer_facts_by_itself(firm):
    firm.expect(0, "ledger", "backup", "copy.db")
    before = firm.json(1, "reconcile")
    firm.expect(0, "review", "exclude", PERMIT, "--reason", "waived")
    run = firm.run("ledger", "restore", "copy.db")
    assert run.returncode == 5 and "--force" in run.stderr
    assert "is kept as" in firm.expect(0, "ledger", "restore", "copy.db", "--force")
    assert firm.json(1, "reconcile") == before


def test_status_says_what_was_read_and_what_is_on_its_way(firm):
    told = firm.json(0, "ledger", "status")
    assert {entry["account"] for entry in told["accounts"]} == {"work"}
    assert all(entry["current"] for entry in told["accounts"])
    assert told["documents"] == {"confirmed": 1}
    assert "billsync.db" in firm.expect(0, "ledger", "status")


def test_plugins_are_listed_with_the_documented_keys(firm):
    listed = firm.json(0, "plugins", "list")
    assert {tuple(one) for one in listed} == {("kind", "role", "title", "quality", "distribution", "version")}
    assert ("files", "source") in {(one["kind"], one["role"]) for one in listed}


def test_the_configuration_is_shown_without_its_options(firm):
    firm.edit("billsync.yaml", "path: data", "path: ./data")
    told = firm.expect(0, "config", "show", "--format", "json")
    assert "./data" not in told and json.loads(told)["contracts"][0]["id"] == CONTRACT


def test_the_schema_is_a_json_schema_that_knows_the_contracts(firm):
    schema = json.loads(firm.expect(0, "config", "schema"))
    assert schema["$schema"].startswith("https://json-schema.org/") and "contracts" in schema["properties"]


def test_init_writes_a_file_that_loads_and_never_over_one(tmp_path):
    from tests.unit.cli.run import billsync

    first = billsync("init", "--name", 'Zed: "GmbH" #1', "--zone", "Europe/Berlin", "--currency", "eur", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    written = (tmp_path / "billsync.yaml").read_text(encoding="utf-8")
    shown = json.loads(billsync("config", "show", "--format", "json", cwd=tmp_path).stdout)
    assert shown["firm"] == {"name": 'Zed: "GmbH" #1', "zone": "Europe/Berlin"}
    assert shown["contracts"][0]["currency"] == "EUR"
    again = billsync("init", cwd=tmp_path)
    assert again.returncode == 2 and "there already" in again.stderr
    assert (tmp_path / "billsync.yaml").read_text(encoding="utf-8") == written


def test_init_refuses_a_zone_that_does_not_exist_and_leaves_nothing(tmp_path):
    from tests.unit.cli.run import billsync

    run = billsync("init", "--zone", "Europe/Berln", "--dir", "firm", cwd=tmp_path)
    assert run.returncode == 2 and "Europe/Berln" in run.stderr
    assert list((tmp_path / "firm").iterdir()) == []


# What is not known


def test_a_source_that_fails_reads_unknown_and_never_as_nothing_to_bill(firm):
    (firm.folder / "data" / "time.csv").rename(firm.folder / "data" / "gone.csv")
    run = firm.run("sync")
    assert run.returncode == 3, run.stdout
    assert "time.csv" in run.stderr and "NOT KNOWN: work" in run.stdout
    told = firm.json(3, "reconcile")
    assert told["verdict"] == "unknown"
    assert [one["account"] for one in told["unknown"]] == ["work"] and told["unknown"][0]["last_complete"]
    assert told["statement"][0]["billed"] == "49550.00", "what is known stays"
    assert firm.expect(3, "reconcile").startswith("NOT KNOWN: work")


def test_an_account_that_was_never_read_is_not_known(firm):
    firm.edit("billsync.yaml", "sinks:", "  more: {kind: files, path: more, time: time.csv}\n\nsinks:")
    told = firm.json(3, "reconcile")
    assert [(one["account"], one["last_complete"]) for one in told["unknown"]] == [("more", None)]


def test_a_second_run_leaves_at_once_with_its_own_code(firm):
    from filelock import FileLock

    with FileLock(firm.folder / "billsync.db.lock"):
        for words in (("sync",), ("review", "exclude", PERMIT, "--reason", "x")):
            run = firm.run(*words)
            assert run.returncode == 6 and "another billsync run" in run.stderr, run.stderr
    firm.expect(1, "sync")


def test_check_tests_accounts_and_rules_without_writing(new_firm):
    told = new_firm.json(0, "check")
    assert [(one["account"], one["ok"]) for one in told["accounts"]] == [("work", True), ("books", True)]
    assert {rule["rule"]: rule["records"] for rule in told["rules"]}["time entries"] == 5
    assert not (new_firm.folder / "billsync.db").exists()
    new_firm.edit("billsync.yaml", "milestone: Permit set", "milestone: Permitt set")
    assert "need a look" in new_firm.expect(1, "check")


def test_check_says_which_account_cannot_be_used(new_firm):
    new_firm.edit("billsync.yaml", "path: data", "path: nowhere")
    run = new_firm.run("check")
    assert run.returncode == 2
    assert "FAILED" in run.stdout and "nowhere" in run.stderr
    new_firm.edit("billsync.yaml", "kind: files", "kind: fils")
    assert "did you mean 'files'?" in new_firm.run("check").stderr


# The demonstration


def test_the_demo_bills_a_firm_and_bills_nothing_the_second_time(tmp_path):
    from tests.unit.cli.run import billsync

    first = billsync("demo", "--dir", "firm", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "In the morning" in first.stdout and "Statement in USD" in first.stdout
    commands = [line.strip() for line in first.stdout.split("Try these")[1].splitlines() if line.strip()]
    assert len(commands) == 3 and first.stderr == ""
    for command in commands:
        words = command.removeprefix("python -m billsync ").split()
        assert billsync(*words, cwd=tmp_path).returncode in (0, 1), command
    second = billsync("demo", "--dir", "firm", cwd=tmp_path)
    assert second.returncode == 0 and "Nothing was due." in second.stdout


def test_a_draft_over_the_threshold_leaves_when_somebody_who_may_approves_it(new_firm):
    gates = "approvals: {release_threshold: 40000, approvers: [{person: ines}]}\n\nclients:"
    new_firm.edit("billsync.yaml", "clients:", gates)
    new_firm.expect(1, "sync")
    assert new_firm.json(0, "invoice", "list") == []
    [draft] = [row for row in new_firm.json(1, "review", "list") if row["what"] == "draft"]
    assert draft["cause"] == "needs_approval" and draft["amount"] == "49550.00"
    assert "Schematic design" in new_firm.expect(0, "explain", draft["subject"][:12])
    said = new_firm.expect(0, "review", "approve", draft["subject"][:12], "--reason", "seen", "--person", "bo")
    assert "still held" in said and "ines" in said
    said = new_firm.expect(0, "review", "approve", str(draft["number"]), "--reason", "seen", "--person", "ines")
    assert "the next sync bills it" in said
    new_firm.expect(1, "sync")
    assert [one["total"] for one in new_firm.json(0, "invoice", "list")] == ["49550.00"]
