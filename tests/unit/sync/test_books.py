"""Which documents of ours stop a sink until they are learned, or a person has said what they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from billsync.ledger import Ledger, stamp
from billsync.model.errors import Fork
from billsync.model.invoice import Invoice, Line, Part, Receipt
from billsync.sync.books import read_back

NOW = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)
PART = Part(identity="time/a/1", contract="C", amount=10_000)
LINE = Line(kind="time", text="Design", amount=10_000, parts=(PART,))
SENT = Invoice(
    kind="invoice", reference="BS-LOST", customer="1", client="acme", client_name="Acme", currency="USD",
    issued_on=date(2026, 3, 30), due_on=None, lines=(LINE,), stamp="",
)  # fmt: skip
STAMPED = stamp.pack("another ledger", SENT)
STANDS = Receipt(
    id="7", number="1007", reference="BS-LOST", status="open", currency="USD", total=10_000, balance=10_000, tax=0,
    kind="invoice", customer="1", updated_at=NOW,
)  # fmt: skip


class Books:
    """Books with one document."""

    account, tells_deletions, deletions_told_for = "books", True, None

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self.asked: list[datetime | None] = []

    def read_back(self, changed_since: datetime | None) -> list[Receipt]:
        self.asked.append(changed_since)
        return [self.receipt]


class Firm:
    """The clock is all that is asked of it."""

    def now(self) -> datetime:
        return NOW


def passes(folder: Path, receipt: Receipt, *, mapped: str = "", released: bool = False) -> bool:
    """True where the sink may be pushed to."""
    books: Any = Books(receipt)
    firm: Any = Firm()
    with Ledger.open(folder / "l.db", now=firm.now, new_id=lambda: "new") as ledger:
        if mapped:
            ledger.decide("map", "time/a/1", person="ana", reason="it stands there", at=NOW, target=mapped)
        if released:
            ledger.decide("release", "time/a/1", person="ana", reason="it does not", at=NOW)
        try:
            read_back(firm, ledger, books)
        except Fork as error:
            assert "BS-LOST" in str(error) and "relearn" in error.hint
            assert ledger.last_read_back("books") is None, "the next night would not see it again"
            return False
        return True


@pytest.mark.parametrize(
    ("changed", "open_to_push"),
    [
        ({}, False),
        ({"stamp": STAMPED}, False),
        ({"stamp": STAMPED, "status": "voided"}, False),
        ({"status": "voided"}, True),
        ({"status": "deleted"}, True),
        ({"status": "deleted", "stamp": STAMPED}, True),
        ({"status": "voided", "stamp": STAMPED.replace("BS1:", "BS1:0")}, True),
        ({"status": "voided", "reference": "BS-COPY", "stamp": STAMPED, "number": "BS-LOST"}, True),
    ],
)
def test_a_document_that_can_be_learned_stops_and_one_that_is_gone_does_not(
    tmp_path: Path, changed: dict[str, Any], open_to_push: bool
) -> None:
    assert passes(tmp_path, replace(STANDS, **changed)) is open_to_push


@pytest.mark.parametrize("target", ["1007", "BS-LOST"])
def test_one_without_a_stamp_passes_once_a_person_has_said_what_stands_on_it(tmp_path: Path, target: str) -> None:
    assert passes(tmp_path, STANDS, mapped=target)


@pytest.mark.parametrize(
    ("mapped", "released", "receipt"),
    [("1008", False, STANDS), ("1007", True, STANDS), ("1007", False, replace(STANDS, stamp=STAMPED))],
)
def test_another_invoice_a_word_taken_back_and_one_that_can_be_learned_do_not(
    tmp_path: Path, mapped: str, released: bool, receipt: Receipt
) -> None:
    assert not passes(tmp_path, receipt, mapped=mapped, released=released)
