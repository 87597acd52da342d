"""The folder's index of all documents, as a page and as CSV; derived from the documents."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from html import escape
from typing import Final

from billsync.model.invoice import Receipt
from billsync.model.money import plain
from billsync_plugins.sinks._folder_page import fill, money_text

_COLUMNS: Final = "number reference kind issued_on customer name currency total balance status".split()
# Text that begins like this runs as a formula in spreadsheets, also in its full-width forms.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def index_page(rows: Iterable[tuple[Receipt, str]], *, paper: str) -> bytes:
    """All documents with their state, newest first, and per currency what is outstanding and what is a draft."""
    listed = list(rows)
    body = [
        '<header><div class="seller"><strong>Invoices</strong></div><h1>Index</h1></header>',
        f'<p class="to">{"<br>".join(_sums(receipt for receipt, _ in listed))}</p>',
        '<table class="lines index"><thead><tr><th>Number<th>Date<th>Client<th>State',
        '<th class="n">Total<th class="n">Open</thead>',
        *(_row(receipt, name) for receipt, name in reversed(listed)),
        "</table>",
    ]
    return fill("Invoices", paper, "\n".join(body))


def _sums(receipts: Iterable[Receipt]) -> list[str]:
    """A draft is nobody's debt yet."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for receipt in receipts:
        sums["Drafts" if receipt.status == "draft" else "Outstanding", receipt.currency] += receipt.balance or 0
    return [f"{name} {money} {money_text(plain(total, money), money)}" for (name, money), total in sorted(sums.items())]


def _row(receipt: Receipt, name: str) -> str:
    money = receipt.currency
    number = escape(receipt.number)
    return (
        f'<tr><td><a href="{number}.html">{number}</a><td>{receipt.issued_on or ""}<td>{escape(name)}'
        f"<td>{receipt.status.replace('_', ' ')}"
        f'<td class="n">{money} {money_text(plain(receipt.total, money), money)}'
        f'<td class="n">{money_text(plain(receipt.balance or 0, money), money)}'
    )


def index_csv(rows: Iterable[tuple[Receipt, str]]) -> bytes:
    """All documents for a spreadsheet: UTF-8 with its mark; text that would run as a formula is quoted by a '."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for receipt, name in rows:
        money = receipt.currency
        amounts = (plain(receipt.total, money), plain(receipt.balance or 0, money))
        texts = (
            receipt.number,
            receipt.reference,
            receipt.kind,
            receipt.issued_on or "",
            receipt.customer,
            name,
            money,
        )
        writer.writerow([*(_harmless(str(value)) for value in texts), *amounts, receipt.status])
    return text.getvalue().encode("utf-8-sig")


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
