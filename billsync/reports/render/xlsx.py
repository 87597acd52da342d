"""The reconciliation as a workbook: a sheet each for the statement, the items, what has no value yet, and findings.

Amounts are numbers with their currency's decimals, dates are dates, and no text is ever a formula or a link.
Needs the extra `xlsx`. Rows are written as they are read, so a long list does not need memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO, Final

from billsync.model.errors import UsageError
from billsync.model.money import exponent, to_major
from billsync.model.statement import BUCKETS
from billsync.reports.reconcile import Reconciliation
from billsync.reports.render.csv import ITEM_COLUMNS
from billsync.reports.render.json import finding_row, item_row, not_earned_row, not_valued_row, unknown_row

_ROWS_AT_MOST: Final = 1_048_575
"""A sheet holds 1,048,576 rows, one of them the header."""


def write_reconciliation(report: Reconciliation, out: BinaryIO) -> None:
    """Write the workbook. UsageError where the extra is not installed, or a sheet cannot hold the items."""
    workbook = _workbook(out)
    sheets = _Sheets(workbook)
    sheets.about(report)
    sheets.table("Statement", _STATEMENT, _statement(report))
    sheets.table("Items", ITEM_COLUMNS, map(item_row, _all_items(report)))
    sheets.table("Not earned", _NOT_EARNED, map(not_earned_row, report.not_earned))
    sheets.table("Not valued", _NOT_VALUED, map(not_valued_row, report.not_valued))
    sheets.table("Findings", _FINDINGS, map(finding_row, report.findings))
    workbook.close()


_STATEMENT: Final = ("client", "client_name", "contract", "currency", "earned", *BUCKETS, "difference")
_NOT_EARNED: Final = (
    "identity", "account", "kind", "external_id", "name", "project", "contract", "cause", "owner", "due_on", "hours",
    "amount", "currency",
)  # fmt: skip
_NOT_VALUED: Final = (
    "account", "kind", "external_id", "name", "project", "contract", "why", "cause", "owner", "done_on", "age_days",
    "hours",
)  # fmt: skip
_FINDINGS: Final = ("code", "text", "identity", "owner", "age_days", "amount", "currency")
_MONEY: Final = frozenset({"earned", *BUCKETS, "difference", "amount"})


def _workbook(out: BinaryIO) -> Any:
    try:
        import xlsxwriter
    except ImportError:
        raise UsageError(
            "XLSX needs a library that is not installed", hint="pip install 'billsync[xlsx]', or --format csv"
        ) from None
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    return xlsxwriter.Workbook(out, options)


class _Sheets:
    """The sheets of a workbook, with the formats they share."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._bold = workbook.add_format({"bold": True, "bottom": 1})
        self._day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._money: dict[str, Any] = {}

    def about(self, report: Reconciliation) -> None:
        """The first sheet: what this is, as of when, and what is not known."""
        sheet = self._workbook.add_worksheet("About")
        sheet.set_column(0, 0, 16)
        sheet.set_column(1, 1, 80)
        lines = [("firm", report.firm), ("as of", report.as_of), ("verdict", report.verdict)]
        lines += [("only client", report.only_client)] if report.only_client else []
        lines += [("not known", f"{one['account']}: {one['reason']}") for one in map(unknown_row, report.unknown)]
        for at, (name, value) in enumerate(lines):
            sheet.write_string(at, 0, name, self._bold)
            self._write(sheet, at, 1, value)

    def table(self, name: str, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
        """A sheet with a header that stays, a filter, and typed cells."""
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            wide = 34 if column in ("identity", "name", "text") else 14
            sheet.set_column(place, place, wide)
            sheet.write_string(0, place, column.replace("_", " "), self._bold)
        at = 0
        for at, row in enumerate(rows, start=1):
            if at > _ROWS_AT_MOST:
                raise UsageError(f"a sheet cannot hold the {name.lower()}", hint="--open, --client or --format csv")
            currency = row.get("currency")
            for place, column in enumerate(columns):
                value = row[column]
                if column in _MONEY and value is not None and currency:
                    sheet.write_number(at, place, Decimal(value), self._amount(currency))
                else:
                    self._write(sheet, at, place, value)
        sheet.autofilter(0, 0, at, len(columns) - 1)

    def _write(self, sheet: Any, at: int, place: int, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, date):
            sheet.write_datetime(at, place, value, self._day)
        elif isinstance(value, str):
            sheet.write_string(at, place, value)
        else:
            sheet.write_number(at, place, value)

    def _amount(self, currency: str) -> Any:
        if currency not in self._money:
            decimals = exponent(currency)
            shape = "#,##0" + ("." + "0" * decimals if decimals else "")
            self._money[currency] = self._workbook.add_format({"num_format": shape})
        return self._money[currency]


def _statement(report: Reconciliation) -> Iterable[Mapping[str, Any]]:
    for row in report.statement:
        amounts = {name: to_major(getattr(row, name), row.currency) for name in ("earned", *BUCKETS, "difference")}
        name = report.client_names.get(row.client, row.client)
        yield {"client": row.client, "client_name": name, "contract": row.contract, "currency": row.currency, **amounts}


def _all_items(report: Reconciliation) -> Iterable[Any]:
    for items in (report.items, report.settled):
        yield from items
