from __future__ import annotations

import csv as plain_csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.model.errors import UsageError
from billsync.model.statement import Item
from billsync.reports.blocks import Table, Words, column, number
from billsync.reports.reconcile import build
from billsync.reports.reconcile_blocks import blocks, headline
from billsync.reports.render import csv, html, text, xlsx
from billsync.reports.render import json as as_json
from tests.unit.reports import worked

HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>\x1b[2J'


def report(evaluation=None, **more):
    return build(evaluation or worked.evaluation(), as_of=worked.TODAY, terms=worked.TERMS, firm="Demo", **more)


def hostile():
    """The worked example with a name that wants to be a formula, a script and a terminal command."""
    items = tuple(replace(item, name=HOSTILE) for item in worked.ITEMS)
    return report(worked.evaluation(items=items))


def rendered(module, found) -> str:
    out = io.StringIO()
    module.write_reconciliation(found, out)
    return out.getvalue()


# JSON: the documented shape


def test_json_has_exactly_the_documented_keys_and_amounts_as_text():
    shape = json.loads(rendered(as_json, report(replace(worked.evaluation(), unknown=(worked.UNKNOWN,)))))
    assert list(shape) == [
        "schema", "as_of", "verdict", "statement", "not_valued", "not_earned", "unknown", "items", "findings",
    ]  # fmt: skip
    assert shape["schema"] == "billsync.reconcile/1"
    assert shape["as_of"] == "2026-05-10" and shape["verdict"] == "unknown"
    assert shape["statement"] == [
        {
            "currency": "USD",
            "client": "acme",
            "contract": "ACME-2026-01",
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
    ]
    assert shape["unknown"] == [
        {"account": "harvest", "reason": "time: page 2 of 3 failed", "last_complete": "2026-05-08T02:00:00Z"}
    ]
    permit = next(item for item in shape["items"] if item["bucket"] == "held")
    assert permit == {
        "identity": "ACME-2026-01/line/permit",
        "account": "work",
        "kind": "milestone",
        "external_id": "M-2",
        "name": "Permit set",
        "project": "P-1",
        "client": "acme",
        "contract": "ACME-2026-01",
        "done_on": "2026-04-10",
        "amount": "33000.00",
        "currency": "USD",
        "bucket": "held",
        "cause": "acceptance_missing",
        "owner": "project manager",
        "age_days": 30,
        "invoice": None,
    }
    assert shape["findings"] == [
        {
            "code": "change_order_unsigned",
            "identity": "ACME-2026-01/line/deck",
            "text": "Deck is complete, but change order CO-2 is not signed",
            "owner": "contract owner",
            "age_days": 12,
            "amount": "8000.00",
            "currency": "USD",
        }
    ]


def test_json_writes_settled_items_after_the_others_reading_them_once():
    read = []

    def settled():
        for at in range(3):
            read.append(at)
            yield worked.item(f"time/work/S-{at}", "settled", 100, "billed")

    shape = json.loads(rendered(as_json, report(settled=settled())))
    assert [item["identity"] for item in shape["items"]][-3:] == [f"time/work/S-{at}" for at in range(3)]
    assert read == [0, 1, 2]


def test_json_of_nothing_is_still_the_whole_shape():
    empty = worked.evaluation(items=(), not_valued=(), not_earned=(), findings=(), statement=())
    shape = json.loads(rendered(as_json, report(empty)))
    assert shape["verdict"] == "balanced"
    assert all(shape[name] == [] for name in ("statement", "items", "findings", "unknown"))


# CSV: machines read it, spreadsheets do not run it


def test_csv_has_a_row_for_each_item_settled_ones_included():
    settled = [worked.item("time/work/S-1", "settled", 100, "billed")]
    rows = list(plain_csv.DictReader(io.StringIO(rendered(csv, report(settled=iter(settled))))))
    assert len(rows) == len(worked.ITEMS) + 1
    assert rows[4]["amount"] == "33000.00" and rows[4]["cause"] == "acceptance_missing"
    assert tuple(rows[0]) == csv.ITEM_COLUMNS


def test_csv_disarms_what_a_spreadsheet_would_run_and_gives_it_back():
    written = rendered(csv, hostile())
    cells = [row["name"] for row in plain_csv.DictReader(io.StringIO(written))]
    assert set(cells) == {f"'{HOSTILE}"}
    assert {row["name"] for row in csv.read_rows(io.StringIO(written))} == {HOSTILE}


@given(st.text())
def test_disarming_loses_nothing_and_leaves_nothing_armed(words):
    disarmed = csv.disarm(words)
    assert csv.undo(disarmed) == words
    armed = disarmed[:1] in tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20") and disarmed != ""
    assert not armed or re.fullmatch(r"[+-]?\d+(\.\d+)?", disarmed), disarmed


@pytest.mark.parametrize("amount", ["-12.50", "+3", "0.00"])
def test_numbers_stay_numbers(amount):
    assert csv.disarm(amount) == amount


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, ""),
        (Decimal("1E+3"), "1000"),
        (date(2026, 7, 31), "2026-07-31"),
        (datetime(2026, 7, 31, 12, tzinfo=UTC), "2026-07-31T12:00:00Z"),
        (-5, "-5"),
    ],
)
def test_cells_have_one_spelling(cell, expected):
    assert csv.cell_text(cell) == expected


# XLSX


def test_xlsx_holds_numbers_dates_and_no_formula(tmp_path):
    path = tmp_path / "report.xlsx"
    with path.open("wb") as file:
        xlsx.write_reconciliation(hostile(), file)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["About", "Statement", "Items", "Not earned", "Not valued", "Findings"]
    items = list(book["Items"].iter_rows(values_only=True))
    head = dict(zip(items[0], items[5], strict=True))
    assert head["amount"] == 33000 and head["done on"] == datetime(2026, 4, 10)  # noqa: DTZ001  as Excel has it
    assert head["name"] == HOSTILE.replace("\x1b", "_x001B_") or head["name"] == HOSTILE
    kinds = {cell.data_type for row in book["Items"].iter_rows() for cell in row}
    assert "f" not in kinds, "a record's name became a formula"
    statement = list(book["Statement"].iter_rows(values_only=True))
    assert dict(zip(statement[0], statement[1], strict=True))["difference"] == 0


def test_without_the_library_xlsx_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        xlsx.write_reconciliation(report(), io.BytesIO())
    assert "pip install 'billsync[xlsx]'" in caught.value.hint


def test_a_sheet_that_cannot_hold_the_items_is_an_error(monkeypatch):
    monkeypatch.setattr(xlsx, "_ROWS_AT_MOST", 3)
    with pytest.raises(UsageError, match="cannot hold the items"):
        xlsx.write_reconciliation(report(), io.BytesIO())


# HTML


class Page(HTMLParser):
    """What a browser would see: tags, attributes, text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data):
        self.words += data


def test_html_is_one_file_without_script_that_fetches_nothing():
    page = Page(rendered(html, hostile()))
    assert "script" not in page.tags and "link" not in page.tags and "img" not in page.tags
    addresses = [value for name, value in page.attributes if name in ("src", "href", "action")]
    assert addresses == []
    assert "default-src 'none'" in rendered(html, hostile())
    assert "<script>alert(1)</script>" in page.words, "hostile words are shown as words"


def test_html_shows_the_figures_of_the_statement():
    page = Page(rendered(html, report()))
    for amount in ("87,900.00", "49,550.00", "4,950.00", "33,000.00", "400.00", "USD 0.00"):
        assert amount in page.words
    assert "@media print" in rendered(html, report())


def test_the_bar_is_as_long_as_its_parts():
    found = rendered(html, report())
    lengths = [int(width) for width in re.findall(r'<rect class="\w+" x="\d+" y="0" width="(\d+)"', found)]
    assert sum(lengths) == 1000 and len(lengths) == 4


def test_html_says_first_what_is_not_known():
    words = Page(rendered(html, report(replace(worked.evaluation(), unknown=(worked.UNKNOWN,))))).words
    assert words.index("NOT KNOWN") < words.index("earned")


# Text


def test_text_begins_with_the_verdict():
    unknown = report(replace(worked.evaluation(), unknown=(worked.UNKNOWN,)))
    assert rendered(text, unknown).startswith("NOT KNOWN: harvest")
    assert rendered(text, report()).startswith(
        "FINDINGS: 1 item (USD 33,000.00) not billed, 1 record without a value and 1 finding, "
    )
    done = worked.evaluation(items=worked.ITEMS[:2], findings=())
    assert headline(report(done)).text.startswith("BALANCED")


def test_text_has_each_figure_of_the_worked_example_and_cuts_nothing():
    told = rendered(text, report())
    for name, amount in {
        "earned": "87,900.00",
        "billed": "49,550.00",
        "withheld": "4,950.00",
        "capped": "400.00",
        "held": "33,000.00",
        "difference": "0.00",
    }.items():
        assert re.search(rf"^{name}\s+[=+-]?\s*USD {re.escape(amount)}$", told, re.MULTILINE), f"{name} {amount}"
    assert "ACME-2026-01/line/permit" in told and "change order CO-2 is not signed" in told


def test_time_of_one_cause_and_contract_stands_in_one_row():
    entries: tuple[Item, ...] = tuple(
        worked.item(
            f"time/work/T-{at}", "Design", 18_000, "held", key=worked.key("time", f"T-{at}"), cause="hold",
            hours=Decimal("1.00"), age_days=at,
        )
        for at in range(40)
    )  # fmt: skip
    told = rendered(text, report(worked.evaluation(items=entries)))
    assert "40 time entries, 40.00 h" in told and "time/work/T-7" not in told
    assert "USD 7,200.00" in told and "39 d" in told


def test_a_records_words_cannot_draw_on_the_screen():
    assert "\x1b" not in rendered(text, hostile())
    assert text.one_line("a\x1b[2J\nb\u202ec") == "a [2J b c"
    assert text.plain([Words("  1. \x1b[31mred")]) == "  1. [31mred\n"


def test_columns_align_and_numbers_stand_right():
    table = Table(columns=(column("a"), number("b")), rows=(("x", 1), ("longer", 1000)), title="T", note="n")
    assert text.plain([Words("first"), table]) == "first\n\nT\na          b\nx          1\nlonger  1000\nn\n"


def test_many_buckets_fold_into_other_and_still_sum():
    row = replace(worked.STATEMENT[0], contract="B", ready=5, earned=worked.STATEMENT[0].earned + 5)
    told = text.plain(blocks(report(worked.evaluation(statement=(worked.STATEMENT[0], row)))))
    line = next(line for line in told.splitlines() if line.startswith("B "))
    earned, *parts = [int(figure.replace(",", "").replace(".", "")) for figure in re.findall(r"[\d,]+\.\d\d", line)]
    assert earned == sum(parts), line
