"""Sources of tables: one option a kind, rows that cannot be read are told, marks only where records are found again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

import pytest

from billsync.model.errors import BadAnswer, UsageError
from billsync.model.work import Window
from billsync.sdk import Identity, Offers
from billsync.sdk.mapped import EVERY_KIND, TABLES, Opened, RowSource, RowTable, TableOptions

MARCH = Window(since=date(2026, 3, 1), until=date(2026, 3, 31))
CELLS = {"@id": "1", "Who": "ana", "Day": "2026-03-05", "Hours": "1.5", "Job": "P-1"}
TIME = {"columns": {"person": "Who", "date": "Day", "project": "Job"}}


class Paper(RowSource[TableOptions[RowTable], RowTable]):
    """Rows on paper."""

    kind, title, docs = "paper", "Paper", "https://vendor.example"
    offers = Offers(kinds=EVERY_KIND, marks_billed=True)
    own: ClassVar = {"id": "@id", "url": "@url"}
    rows: ClassVar[list[dict[str, Any]]] = []
    titles: ClassVar[dict[str, str]] = {name: name for name in (*CELLS, "@url", "Invoice", "Ours")}

    def check(self) -> Identity:
        return Identity(account="paper", remarks=self.look())

    def open_table(self, table: RowTable) -> Opened:
        return Opened(self.titles, ((f"row {number}", cells) for number, cells in enumerate(self.rows, start=1)))

    def write_mark(self, table: RowTable, column: str, ids: list[str], reference: str) -> None:
        self.findings.append(f"{column}: {', '.join(ids)} = {reference}")


def paper(*rows: dict[str, Any], **tables: Any) -> Paper:
    made: type[Paper] = type("Made", (Paper,), {"rows": list(rows)})
    found: Paper = made("work", TableOptions[RowTable](**tables))
    return found


def read(source: Paper, kind: str = "time_entries") -> tuple[list[str], str]:
    """Ids of what came, and the error that ended it."""
    found, rows = [], getattr(source, kind)(MARCH)
    try:
        for record in rows:
            found.append(record.id)
    except BadAnswer as error:
        return found, f"{error.where}: {error.what}"
    return found, ""


def test_only_kinds_with_a_table_are_read():
    source = paper(CELLS, time=TIME)
    assert type(source).kinds(source.options) == {"time"}
    assert type(source).kinds(paper(**dict.fromkeys(TABLES.values(), TIME)).options) == EVERY_KIND
    with pytest.raises(UsageError, match="offers no expenses"):
        read(source, "expenses")


def test_every_kind_reads_its_own_table():
    """A table that is not declared names its option: so each method asks for the kind of its name."""
    for kind, method in {**TABLES, "time": "time_entries"}.items():
        with pytest.raises(UsageError, match=f"offers no {TABLES[kind]}"):
            read(paper(), method)


def test_the_vendors_own_columns_stand_for_what_the_firm_does_not_map():
    assert read(paper(CELLS, time=TIME)) == (["1"], "")
    mapped = {**TIME, "columns": {**TIME["columns"], "id": "Ours"}}
    assert read(paper({**CELLS, "Ours": "E-7"}, time=mapped)) == (["E-7"], "")
    hashed = {**TIME, "id_from": ["person", "date"]}
    [ident], _ = read(paper(CELLS, time=hashed))
    assert len(ident) == 20, "the id is a hash of the fields, not the row's"


def test_rows_of_other_dates_are_left_out():
    late = {**CELLS, "@id": "2", "Day": "2026-04-01"}
    assert read(paper(CELLS, late, time=TIME)) == (["1"], "")


def test_a_row_that_cannot_be_read_is_told_and_the_good_ones_come_first():
    bad, again = {**CELLS, "@id": "2", "Hours": "many"}, {**CELLS}
    source = paper(bad, CELLS, again, time=TIME)
    found, error = read(source)
    assert found == ["1"] and error.startswith("work: time: 2 rows cannot be read, the first is row 1: hours")
    assert [text[:5] for text in source.findings] == ["row 1", "row 3"] and "stands twice" in source.findings[1]


def test_check_tells_what_each_mapping_makes_of_its_table():
    table = {**TIME, "constants": {"approval": "yes"}, "values": {"approval": {"approved": ["yes"], "open": ["no"]}}}
    remarks = paper(CELLS, {**CELLS, "@id": "2", "Hours": "many"}, time=table).check().remarks
    assert remarks[0] == "time: 1 records" and remarks[1].startswith("time: row 2: hours")
    assert "time: approval = approved: 1 records" in remarks
    assert "time: approval = open: 0 records - does this rule still fit?" in remarks
    with pytest.raises(UsageError, match="no table is declared"):
        paper().check()


@pytest.mark.parametrize(
    ("table", "taken"),
    [
        ({**TIME, "mark_column": "Invoice"}, True),
        (TIME, False),
        ({**TIME, "mark_column": "Invoice", "id_from": ["person", "date"]}, False),
        ({"columns": {**TIME["columns"], "id": "Hours"}, "mark_column": "Invoice"}, False),
    ],
)
def test_a_mark_needs_a_column_and_ids_that_are_the_rows_own(table, taken):
    source = paper(CELLS, time=table)
    if not taken:
        with pytest.raises(UsageError, match="marks on time"):
            source.mark_billed("time", ["1"], "BS-1")
        return
    source.mark_billed("time", ["1"], "BS-1")
    assert source.findings == ["Invoice: 1 = BS-1"]


def rows_of(source: Paper) -> Iterator[Any]:
    return source.records("time", MARCH)


def test_reading_is_lazy():
    """A poll of a large table shows its progress: the first record comes before the last row is looked at."""

    def endless() -> Iterator[dict[str, Any]]:
        number = 0
        while True:
            yield {**CELLS, "@id": str(number)}
            number += 1

    source = paper(time=TIME)
    type(source).rows = endless()  # type: ignore[assignment]
    assert next(rows_of(source)).id == "0"
