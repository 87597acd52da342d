"""The audit files: their columns are a promise."""

from __future__ import annotations

import pytest

from billsync.ledger import export
from billsync.model.errors import UsageError
from tests.unit.ledger.conftest import bill, entry, invoice, line, observe, time_part


@pytest.mark.parametrize("table", export.COLUMNS)
def test_every_export_has_its_columns_in_order_and_plain_cells(ledger, world, table):
    observe(ledger, world.clock, entry("1"))
    bill(ledger, world.clock, invoice("BS-1", line("time", time_part(entry("1"), 20000))))
    ledger.decide("hold", "time/work/1", person="ana", reason="why", at=world.clock())
    beside(ledger, world)
    rows = list(ledger.export_rows(table))
    assert rows, f"{table} is empty"
    for row in rows:
        assert tuple(row) == export.COLUMNS[table]
        assert all(cell is None or isinstance(cell, str | int) for cell in row.values())


def beside(ledger, world):
    """A file at the document, and two marks, of which the source takes one."""
    ledger.attachments.add(
        "BS-1", "detail.csv", document="77", media_type="text/csv", size=9, sha256="ab" * 32, found=False,
        now=world.clock(),
    )  # fmt: skip
    ledger.marks.add("work", "time", ["1"], "BS-1", now=world.clock())
    ledger.marks.add("work", "time", ["2"], "BS-1", now=world.clock(), refused="closed")


def test_what_hangs_at_documents_and_what_is_marked_is_told(ledger, world):
    observe(ledger, world.clock, entry("1"), entry("2"))
    bill(ledger, world.clock, invoice("BS-1", line("time", time_part(entry("1"), 20000))))
    beside(ledger, world)
    [hangs] = ledger.export_rows("attachments")
    assert (hangs["reference"], hangs["document"], hangs["name"], hangs["sha256"], hangs["found"]) == (
        "BS-1", "77", "detail.csv", "ab" * 32, 0,
    )  # fmt: skip
    [posting] = ledger.export_rows("postings")
    assert [
        (row["account"], row["kind"], row["external_id"], row["reference"], row["night"], row["refused"])
        for row in ledger.export_rows("marks")
    ] == [
        ("work", "time", "1", "BS-1", posting["night"], ""),
        ("work", "time", "2", "BS-1", posting["night"], "closed"),
    ]
    events = {row["seq"]: row["event"] for row in ledger.export_rows("journal")}
    assert events[hangs["journal"]] == "attached", "`journal` leads to another row"


def test_figures_are_those_of_the_ledger(ledger, world):
    work = [entry("1"), entry("2")]
    observe(ledger, world.clock, *work)
    receipt = bill(ledger, world.clock, invoice("BS-1", line("time", *(time_part(one, 20000) for one in work))))
    [posting, _] = ledger.export_rows("postings")
    assert (posting["identity"], posting["amount"], posting["currency"], posting["invoice"]) == (
        "time/work/1", 20000, "USD", "BS-1",
    )  # fmt: skip
    [document] = ledger.export_rows("documents")
    assert (document["number"], document["total"], document["balance"]) == (receipt.number, 40000, 40000)
    [sent] = ledger.export_rows("invoices")
    assert (sent["reference"], sent["state"], sent["total"], sent["lines"], sent["attempts"]) == (
        "BS-1", "confirmed", 40000, 1, 1,
    )  # fmt: skip
    journal = list(ledger.export_rows("journal"))
    assert [row["hash"] for row in journal] == [row.hash for row in ledger.journal_rows()]
    assert next(ledger.export_rows("polls"))["complete"] == 1
    seen = list(ledger.export_rows("observations"))
    assert [(row["external_id"], row["newest"], row["vanished"]) for row in seen] == [("1", 1, None), ("2", 1, None)]


def test_what_is_not_exported_is_told_with_what_is(ledger):
    with pytest.raises(UsageError, match="secrets") as caught:
        list(ledger.export_rows("secrets"))
    assert "postings" in caught.value.hint
