"""Tables as CSV: UTF-8, one header, amounts as plain decimals; text that a spreadsheet would run is disarmed.

A cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return (or their full-width forms) gets an apostrophe
before it, so that opening the file runs nothing; `undo` takes it away again, so a reader loses nothing. Numbers
stay numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TextIO

from billsync.model.money import Money
from billsync.model.statement import Item
from billsync.reports.reconcile import Reconciliation
from billsync.reports.render.json import item_row

_RUNS: Final = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?")

ITEM_COLUMNS: Final = (
    "identity", "account", "kind", "external_id", "name", "project", "client", "contract", "done_on", "amount",
    "currency", "bucket", "cause", "owner", "age_days", "invoice",
)  # fmt: skip


def write_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    """A header and one record a row, in the order given."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell_text(cell) for cell in row])


def write_reconciliation(report: Reconciliation, out: TextIO) -> None:
    """Every item of the reconciliation, settled ones included."""
    write_rows(ITEM_COLUMNS, _item_cells(report), out)


def read_rows(file: TextIO) -> Iterator[dict[str, str]]:
    """Rows as they were before they were disarmed."""
    for row in csv.DictReader(file):
        yield {name: undo(text) for name, text in row.items()}


def cell_text(cell: Any) -> str:
    """A cell as text: nothing for None, plain decimals, ISO dates, and disarmed text."""
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return cell.text
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        return cell.isoformat().replace("+00:00", "Z")
    if isinstance(cell, date | int):
        return cell.isoformat() if isinstance(cell, date) else str(cell)
    return disarm(str(cell))


def disarm(text: str) -> str:
    """Text with an apostrophe before it where a spreadsheet would run it."""
    return f"'{text}" if _RUNS.match(text) and not _NUMBER.fullmatch(text) else text


def undo(text: str) -> str:
    """The text that `disarm` was given."""
    return text[1:] if text.startswith("'") and _RUNS.match(text) else text


def _item_cells(report: Reconciliation) -> Iterator[list[Any]]:
    items: Iterable[Iterable[Item]] = (report.items, report.settled)
    for some in items:
        for item in some:
            row = item_row(item)
            yield [row[name] for name in ITEM_COLUMNS]
