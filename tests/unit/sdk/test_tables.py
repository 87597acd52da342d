"""Tables in files: encodings, dialects, caps; a broken row comes with its line, a moving file gives no half row."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from pydantic import ValidationError

from billsync.model.errors import BadAnswer, Missing, Unavailable
from billsync.sdk.exports import FileTable, find_files, wait_until_quiet
from billsync.sdk.formats import UNCALCULATED
from billsync.sdk.tables import Row, TableFormat, open_table

UMLAUTS = "id;Wer\r\n1;Jörg\r\n2;Zoë\r\n"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def write(content: bytes | str, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(path: Path, **form) -> list[Row]:
    with open_table(path, TableFormat(**form)) as table:
        return list(table.rows)


def cells(path: Path, **form) -> list[dict]:
    found = rows(path, **form)
    assert not [row for row in found if row.trouble], "no row should be in trouble"
    return [dict(row.cells) for row in found]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_each_encoding_gives_the_same_table(make, encoding):
    path = make(UMLAUTS.encode(encoding))
    found = cells(path, delimiter=";", encoding="cp1252" if encoding == "cp1252" else None)
    assert found == [{"id": "1", "Wer": "Jörg"}, {"id": "2", "Wer": "Zoë"}]


def test_an_undeclared_encoding_is_refused_and_nothing_is_replaced(make):
    with pytest.raises(BadAnswer, match="not in utf-8-sig") as caught:
        rows(make(UMLAUTS.encode("cp1252")), delimiter=";")
    assert "encoding: cp1252" in caught.value.hint and caught.value.where == "t.csv"
    with pytest.raises(ValidationError, match="is no encoding"):
        TableFormat(encoding="cp-nothing")


def test_excels_sep_line_wins_and_lines_are_counted_with_it(make):
    found = rows(make("sep=;\r\nid;h\r\n1;7,5\r\n\r\n2;8,0\r\n"))
    assert [(row.line, row.cells) for row in found] == [(3, {"id": "1", "h": "7,5"}), (5, {"id": "2", "h": "8,0"})]


def test_an_undeclared_delimiter_is_proposed_and_not_taken(make):
    with pytest.raises(BadAnswer) as caught:
        rows(make("id;hours\n1;7,5\n"))
    assert "declare delimiter: ';'" in caught.value.hint


def test_lines_are_those_where_a_row_begins_also_after_line_breaks_in_quotes(make):
    found = rows(make('id,note\n1,"two\nlines"\n2,x\n'))
    assert [(row.line, row.cells["id"]) for row in found] == [(2, "1"), (4, "2")]


def test_rows_of_another_width_and_open_quotes_are_trouble_with_their_line(make):
    found = rows(make('id,hours,who\n1,7,5,ana\n2,8,ben\n3,8\n4,8,"open\n'))
    assert [row.line for row in found if row.trouble] == [2, 4, 5]
    assert "4 cells under 3 headers" in found[0].trouble
    assert found[1].cells == {"id": "2", "hours": "8", "who": "ben"}


def test_rows_above_the_header_and_the_totals_below_are_left_out(make):
    text = "Report of March\n\nid,h\n1,7\nTotal,7\nprinted by,me\n"
    assert cells(make(text), skip_rows=2, stop_at="total") == [{"id": "1", "h": "7"}]


def test_a_table_without_header_has_numbered_columns(make):
    assert cells(make("1,7\n2,8\n"), header=False) == [{"1": "1", "2": "7"}, {"1": "2", "2": "8"}]


def test_columns_that_repeat_keep_their_place(make):
    with open_table(make("id,note,note,\n1,a,b,c\n"), TableFormat()) as table:
        assert dict(table.titles) == {"id": "id", "note (2)": "note", "note (3)": "note", "column 4": "column 4"}
        assert next(table.rows).cells == {"id": "1", "note (2)": "a", "note (3)": "b", "column 4": "c"}


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_no_empty_table(make, text):
    with pytest.raises(BadAnswer, match="not even a header"):
        rows(make(text))


def test_a_header_alone_is_an_empty_table(make):
    assert cells(make("id,h\n")) == []


def test_caps_are_kept(make):
    with pytest.raises(BadAnswer, match="more than 2 rows"):
        rows(make("id\n1\n2\n3\n"), max_rows=2)
    with pytest.raises(BadAnswer, match="larger than 1 MB"):
        rows(make("id\n" + "1\n" * 600_000), max_megabytes=1)


def test_a_missing_file_and_a_folder_in_its_place_are_named(tmp_path):
    with pytest.raises(Missing):
        rows(tmp_path / "nothing.csv")


def test_a_file_that_grows_while_it_is_read_keeps_its_last_row_back(make):
    path = make("id,h\n1,7\n2,8.2")
    got = []

    def read() -> None:
        with open_table(path, TableFormat()) as table:
            got.append(next(table.rows).cells["id"])
            with path.open("a", encoding="utf-8") as more:
                more.write("5\n3,1\n")
            for row in table.rows:
                got.append(row.cells["id"])

    with pytest.raises(Unavailable, match="changed while it was read"):
        read()
    assert got == ["1"], "the row 2,8.2 was half written and must not be given away"


def test_a_hundred_thousand_rows_stream(tmp_path):
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,project,person,date,hours\n")
        file.writelines(f"E-{number},P-1,ana,2026-03-01,7.5\n" for number in range(100_000))
    gc.collect()
    tracemalloc.start()
    with open_table(path, TableFormat()) as table:
        count = sum(1 for _ in table.rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak < path.stat().st_size / 2, f"{peak} bytes held for a file of {path.stat().st_size}: it does not stream"


# JSON


def test_json_numbers_are_exact_and_members_of_members_have_dotted_names(make):
    text = '{"rows": [{"id": 1, "amount": 0.1000000000000000055, "client": {"name": "Acme"}}, {"id": 2}]}'
    path = make(text, "m.json")
    assert cells(path) == [{"id": 1, "amount": Decimal("0.1000000000000000055"), "client.name": "Acme"}, {"id": 2}]
    with open_table(path, TableFormat()) as table:
        assert list(table.titles) == ["id", "amount", "client.name"]


def test_json_lists_are_found_at_the_top_and_where_they_are_declared(make):
    assert cells(make('[{"id": 1}]', "a.json")) == [{"id": 1}]
    assert cells(make('{"data": {"items": [{"id": 1}]}}', "b.json"), rows_at="data.items") == [{"id": 1}]
    assert rows(make('[{"id": 1}, 7]', "c.json"))[1].trouble == "not an object with named members"


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ('{"data": []}', "no list"), ("[NaN]", "not JSON")])
def test_json_that_holds_no_rows_is_no_empty_table(make, text, message):
    with pytest.raises(BadAnswer, match=message):
        rows(make(text, "x.json"))


# Workbooks


@pytest.fixture
def book(tmp_path: Path) -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Zeit & Geld"
    sheet["B3"], sheet["C3"], sheet["D3"], sheet["E3"] = "id", "hours", "date", "amount"
    sheet["B4"], sheet["C4"], sheet["E4"] = 17, 0.1 + 0.2, 14400
    sheet["D4"] = datetime.fromisoformat("2026-03-01")
    sheet["B6"], sheet["C6"], sheet["E6"] = "18", timedelta(hours=30), "=E4*2"
    sheet["C6"].number_format = "[h]:mm"
    workbook.create_sheet("Other")["A1"] = "nothing"
    path = tmp_path / "t.xlsx"
    workbook.save(path)
    return path


def test_a_sheet_is_read_with_its_rows_exact_numbers_and_dates(book):
    found = rows(book)
    assert [row.line for row in found] == [4, 6]
    first = found[0].cells
    assert (first["id"], first["hours"], first["amount"]) == (Decimal(17), Decimal("0.3"), Decimal(14400))
    assert str(first["date"])[:10] == "2026-03-01"
    assert found[1].cells["hours"] == timedelta(hours=30)


def test_a_formula_that_was_never_calculated_is_not_an_empty_cell(book):
    assert rows(book)[1].cells["amount"] is UNCALCULATED


def test_a_sheet_that_is_gone_is_named(book):
    assert rows(book, sheet="Zeit & Geld")
    with pytest.raises(BadAnswer, match="'Time' is gone") as caught:
        rows(book, sheet="Time")
    assert "Zeit & Geld, Other" in caught.value.hint


def test_damaged_and_bloated_workbooks_are_refused(book, tmp_path):
    damaged = tmp_path / "d.xlsx"
    damaged.write_bytes(book.read_bytes()[:-400])
    with pytest.raises(BadAnswer, match="not a workbook"):
        rows(damaged)
    damaged.write_bytes(b"id,hours\n1,2\n")
    with pytest.raises(BadAnswer, match="not a workbook"):
        rows(damaged)
    bloated = openpyxl.Workbook()
    sheet = bloated.active
    assert sheet is not None
    for line in range(1, 3000):
        sheet.append([line, "x" * 600])
    bloated.save(tmp_path / "b.xlsx")
    assert (tmp_path / "b.xlsx").stat().st_size < 1_000_000, "small when packed"
    with pytest.raises(BadAnswer, match="unpacks to"):
        rows(tmp_path / "b.xlsx", max_megabytes=1)


# Which files, and when


def test_half_written_hidden_and_lock_files_are_no_exports(make, tmp_path):
    for name in ("time-2.csv", "time-1.csv", ".time-3.csv", "~$time-4.csv", "time-5.csv.part", "time-6.csv.tmp"):
        make("x", name)
    assert [path.name for path in find_files(tmp_path, "*time-*")] == ["time-1.csv", "time-2.csv"]
    with pytest.raises(Missing, match="folder is not there"):
        find_files(tmp_path / "gone", "*.csv")


@pytest.mark.parametrize("file", ["../time.csv", "/etc/passwd", ""])
def test_files_lie_within_the_folder(file):
    with pytest.raises(ValidationError, match="within the folder"):
        FileTable(file=file)


def test_a_file_name_alone_is_a_table():
    assert FileTable.model_validate("time.csv") == FileTable(file="time.csv")


def test_a_warm_file_is_looked_at_twice(make):
    path = make("id\n1\n")
    changed = datetime.fromtimestamp(path.stat().st_mtime_ns // 1_000_000_000, UTC)
    naps: list[float] = []
    wait_until_quiet([path], 5, now=lambda: changed + timedelta(seconds=6), sleep=naps.append)
    assert naps == [], "an old file is not waited for"
    wait_until_quiet([path], 5, now=lambda: changed + timedelta(seconds=1), sleep=naps.append)
    assert naps == [5]

    def someone_writes(_: float) -> None:
        path.write_text("id\n1\n2\n", encoding="utf-8")

    with pytest.raises(Unavailable, match="still being written"):
        wait_until_quiet([path], 5, now=lambda: changed, sleep=someone_writes)


def test_json_round_trip_of_a_large_list(make):
    many = [{"id": number} for number in range(5000)]
    assert cells(make(json.dumps(many), "l.json")) == many
