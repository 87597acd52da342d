"""The firm's exports as its tools write them: CSV for projects and time, JSON for milestones, XLSX for expenses."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

Rows = Iterable[Mapping[str, Any]]


def write_csv(path: Path, rows: Rows) -> None:
    """A CSV file as Excel likes it: UTF-8 with its mark, CRLF."""
    listed = list(rows)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(listed[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(listed)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def write_time(folder: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """One file a month: time-2026-07.csv."""
    months: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in entries:
        months[entry["date"][:7]].append(entry)
    for month, rows in months.items():
        write_csv(folder / f"time-{month}.csv", rows)


def write_milestones(folder: Path, rows: Rows) -> None:
    """The planning tool's JSON."""
    text = json.dumps({"rows": list(rows)}, indent=1, ensure_ascii=False)
    (folder / "milestones.json").write_text(text + "\n", encoding="utf-8")


def expenses_name() -> str:
    """The expenses file: a workbook where it can be read again (the extra billsync[xlsx]), else CSV."""
    readable = all(importlib.util.find_spec(name) for name in ("xlsxwriter", "python_calamine"))
    return "expenses.xlsx" if readable else "expenses.csv"


def write_expenses(folder: Path, rows: Rows) -> None:
    """The bookkeeper's workbook: real dates, amounts as numbers of two decimals."""
    if expenses_name() == "expenses.csv":
        write_csv(folder / "expenses.csv", rows)
        return
    import xlsxwriter

    listed = list(rows)
    with xlsxwriter.Workbook(folder / "expenses.xlsx", {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Expenses")
        sheet.write_row(0, 0, list(listed[0]), book.add_format({"bold": True}))
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        money = book.add_format({"num_format": "#,##0.00"})
        for line, row in enumerate(listed, start=1):
            for column, (name, value) in enumerate(row.items()):
                if name == "date":
                    sheet.write_datetime(line, column, value, dates)
                elif name == "amount":
                    sheet.write_number(line, column, Decimal(value), money)
                else:
                    sheet.write_string(line, column, value)
        sheet.autofit()
