"""The folder's page of one document, to read and to print; derived from the document and its receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from billsync.model.invoice import Receipt
from billsync.model.money import exact_minor, exponent, grouped, plain

_TEMPLATE: Final = Path(__file__).with_name("_folder_page.html")
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip


def page(document: Mapping[str, Any], receipt: Receipt, attached: Sequence[str], *, paper: str, detail: bool) -> bytes:
    """The document as a page to print."""
    title = "Credit memo" if document["kind"] == "credit_memo" else "Invoice"
    parts = [
        _head(document, receipt, title),
        _to(document["customer"]),
        _lines(document),
        _totals(document, receipt),
        f'<p class="note">{escape(document["memo"])}</p>' if document["memo"] else "",
        _attachments(receipt.number, attached),
        f"<footer><span>{escape(document['seller'].get('footer', ''))}</span>"
        f'<span class="once">Reference {escape(document["reference"])}</span></footer>',
        _detail(document) if detail else "",
    ]
    return fill(f"{title} {receipt.number}", paper, "\n".join(parts))


def fill(title: str, paper: str, body: str) -> bytes:
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), paper=paper, body=body).encode()


def _head(document: Mapping[str, Any], receipt: Receipt, title: str) -> str:
    seller = document["seller"]
    facts = [
        ("Number", receipt.number),
        ("Date", day_text(document["issued_on"])),
        ("Due", day_text(document["due_on"])),
        ("Purchase order", document["purchase_order"]),
        *document["references"].items(),
    ]
    meta = "".join(f"<tr><td>{escape(name)}<td>{escape(str(value))}" for name, value in facts if value)
    state = {"draft": "Draft", "voided": "Void", "paid": "Paid", "part_paid": "Part paid"}.get(receipt.status, "")
    stamp = f'<span class="state">{state}</span>' if state else ""
    address = "<br>".join(escape(line) for line in seller.get("address", ()))
    return (
        f'<header><div class="seller"><strong>{escape(seller.get("name", ""))}</strong>{address}</div>'
        f'<div><h1>{title}</h1><table class="meta">{meta}</table>{stamp}</div></header>'
    )


def _to(customer: Mapping[str, Any]) -> str:
    address = "".join(f"<br>{escape(line)}" for line in customer["address"])
    return f'<div class="to"><small>Bill to</small><br><strong>{escape(customer["name"])}</strong>{address}</div>'


def _lines(document: Mapping[str, Any]) -> str:
    rows = []
    for line in document["lines"]:
        facts = [
            line["project"], line["person"], line["purchase_order"] and f"PO {line['purchase_order']}",
            _days(line), "late: work of an earlier period" if line["late"] else "",
        ]  # fmt: skip
        small = " · ".join(escape(str(fact)) for fact in facts if fact and str(fact) not in line["text"])
        kept = ' class="kept"' if line["kind"] == "holdback" else ""
        price = line["unit_price"] and _rate(Decimal(line["unit_price"]), document["currency"])
        rows.append(
            f'<tr{kept}><td>{escape(line["text"])}<span class="small">{small}</span>'
            f'<td class="n">{line["quantity"] or ""}<td class="n">{price or ""}'
            f'<td class="n">{money_text(line["amount"], document["currency"])}'
        )
    head = '<thead><tr><th>Description<th class="n">Quantity<th class="n">Rate<th class="n">Amount</thead>'
    return f'<table class="lines">{head}{"".join(rows)}</table>'


def _days(line: Mapping[str, Any]) -> str:
    """The day of the work; nothing where the text says the first and the last of several."""
    since = line.get("done_since")
    if since and since in line["text"]:
        return ""
    return f"{day_text(since)} to {day_text(line['done_on'])}" if since else day_text(line["done_on"])


def _totals(document: Mapping[str, Any], receipt: Receipt) -> str:
    money = document["currency"]
    kept = sum(exact_minor(Decimal(line["amount"]), money) for line in document["lines"] if line["kind"] == "holdback")
    net = exact_minor(Decimal(document["net"]), money)
    rows = [("Work", plain(net - kept, money)), ("Less holdback", plain(kept, money))] if kept else []
    rows += [("Net", document["net"]), ("Tax", document["tax"])] if receipt.tax else []
    paid = sum(payment.amount for payment in receipt.payments)
    rows += [("Total", document["total"]), ("Received", plain(-paid, money))] if paid else []
    due = f"Total {money}" if not paid else f"Open {money}"
    body = "".join(f"<tr><td>{name}<td>{money_text(amount, money)}" for name, amount in rows)
    last = plain(receipt.total - paid, money)
    return f'<table class="totals">{body}<tr class="due"><td>{due}<td>{money_text(last, money)}</table>'


def _attachments(number: str, names: Sequence[str]) -> str:
    links = ", ".join(f'<a href="{escape(number)}/{escape(name)}">{escape(name)}</a>' for name in names)
    return f'<p class="note"><small>Attached: {links}</small></p>' if links else ""


def _detail(document: Mapping[str, Any]) -> str:
    """How each amount came about: the steps behind every line, in small print on a page of their own."""
    blocks = []
    for line in document["lines"]:
        items = [
            f"<li><b>{escape(part['identity'])}</b> {money_text(part['amount'], document['currency'])}<br>"
            + "; ".join(map(escape, part["because"]))
            for part in line["parts"]
        ]
        blocks.append(f"<h3>{escape(line['text'])}</h3><ol>{''.join(items)}</ol>")
    return f'<section class="detail"><h2>How these amounts were worked out</h2>{"".join(blocks)}</section>'


def _rate(price: Decimal, currency: str) -> str:
    """A price an hour with at least the decimals of the currency."""
    shown = format(price, "f")
    decimals = max(exponent(currency), len(shown.partition(".")[2]))
    return format(price, f",.{decimals}f")


def money_text(amount: str, currency: str) -> str:
    return grouped(exact_minor(Decimal(amount), currency), currency).replace("-", "−")


def day_text(iso: str | None) -> str:
    if not iso:
        return ""
    day = date.fromisoformat(iso)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
