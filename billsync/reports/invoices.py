"""Our invoices: what was sent, what the books say of it now, and why each line is what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from billsync.model.book import BookDocument, Intent
from billsync.model.invoice import Attachment, Line
from billsync.model.money import Money, plain
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, under, whole

COLUMNS: Final = (
    "number", "reference", "kind", "sink", "client", "contracts", "issued_on", "due_on", "total", "balance",
    "currency", "status", "remark", "read_at", "url",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One invoice or credit memo. `status` is the books' word, or the intent's state while they have none;
    `remark` says where the books differ from what was sent."""

    reference: str
    number: str
    kind: str
    sink: str
    client: str
    client_name: str
    contracts: tuple[str, ...]
    issued_on: date | None
    due_on: date | None
    total: Money
    """With tax, as the books hold it; before tax where they have not answered yet."""
    balance: Money | None
    status: str
    remark: str
    read_at: datetime | None
    url: str | None
    lines: tuple[Line, ...]
    tax: Money | None = None


def build(intents: Iterable[Intent], documents: Iterable[BookDocument]) -> tuple[Document, ...]:
    """All documents of ours, the newest first; abandoned attempts are left out."""
    held = {(one.sink, one.receipt.reference): one for one in documents if one.receipt.reference}
    found = [
        _document(intent, held.get((intent.sink, intent.reference)))
        for intent in intents
        if intent.state not in ("abandoned", "planned")
    ]
    return tuple(sorted(found, key=lambda one: (one.issued_on or date.min, one.number, one.reference), reverse=True))


def find(text: str, documents: Sequence[Document]) -> tuple[Document, ...]:
    """By number or reference; else by the beginning of either."""
    exact = tuple(one for one in documents if text in (one.number, one.reference))
    if exact or len(text) < 4:
        return exact
    return tuple(one for one in documents if one.reference.startswith(text) or one.number.startswith(text))


def blocks(documents: Sequence[Document]) -> list[Block]:
    """The list for the screen."""
    if not documents:
        return [Words("No invoice yet: `billsync sync` drafts what is due.", "quiet")]
    rows: list[tuple[Cell, ...]] = [
        (
            one.number or "-",
            one.issued_on,
            one.client_name,
            ", ".join(one.contracts),
            one.total,
            one.balance,
            one.status,
            one.remark,
        )
        for one in documents
    ]
    columns = (
        whole("Number"), whole("Date"), column("Client"), under("Contract"), number("Total"), number("Open"),
        column("Status"), under("Remark"),
    )  # fmt: skip
    return [Table(columns=columns, rows=tuple(rows))]


def show_blocks(
    document: Document, attachments: Sequence[Attachment] = (), others: Iterable[Document] = ()
) -> list[Block]:
    """One document with its lines, their reasons, the versions of the work behind them, and what hangs at it.

    others: our documents; a credit memo names those among them that billed what it gives back.
    """
    title = "Credit memo" if document.kind == "credit_memo" else "Invoice"
    facts: list[tuple[Cell, ...]] = [
        ("reference", document.reference),
        ("client", document.client_name),
        ("contract", ", ".join(document.contracts)),
        ("gives back of", ", ".join(_given_back(document, others))),
        ("date", document.issued_on),
        ("due", document.due_on),
        ("status", f"{document.status} in {document.sink}" + (f", {document.remark}" if document.remark else "")),
        ("read back", f"{document.read_at:%Y-%m-%d %H:%M} UTC" if document.read_at else "not yet"),
        ("tax", document.tax),
        ("total", document.total),
        ("open", document.balance),
        ("url", document.url),
    ]
    known = tuple(fact for fact in facts if fact[1] not in (None, ""))
    currency = document.total.currency
    return [
        Words(f"{title} {document.number or 'without a number yet'}", "heading"),
        Table(columns=(whole(""), column("")), rows=known),
        *line_blocks(document.lines, currency),
        *_attached(attachments),
    ]


def _attached(attachments: Sequence[Attachment]) -> list[Block]:
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.size, f"{one.at:%Y-%m-%d %H:%M} UTC", one.sha256) for one in attachments
    ]
    columns = (column("File"), number("Bytes"), whole("Attached"), under("SHA-256"))
    return [Table(title="Evidence attached", columns=columns, rows=tuple(rows))] if rows else []


def _given_back(document: Document, others: Iterable[Document]) -> list[str]:
    """Numbers of the invoices that billed what a credit memo gives back, oldest first."""
    if document.kind != "credit_memo":
        return []
    back = {part.identity for line in document.lines if line.kind != "holdback" for part in line.parts}
    billed = [
        (one.issued_on or date.min, one.number or one.reference)
        for one in others
        if any(
            part.identity in back and part.amount > 0 and line.kind != "holdback"
            for line in one.lines
            for part in line.parts
        )
    ]
    return [number for _, number in sorted(billed)]


def line_blocks(lines: Sequence[Line], currency: str) -> list[Block]:
    """Lines of a document or a draft: first their amounts, then every step behind each."""
    rows: list[tuple[Cell, ...]] = [
        (index, line.text, line.quantity, line.unit_price, Money(line.amount, currency))
        for index, line in enumerate(lines, start=1)
    ]
    columns = (number("#"), column("Line"), number("Quantity"), number("Price"), number("Amount"))
    total = Money(sum(line.amount for line in lines), currency)
    found: list[Block] = [
        Table(title="Lines", columns=columns, rows=tuple(rows), note=f"sum of the lines, before tax: {total}"),
        Words("Why", "heading"),
    ]
    for index, line in enumerate(lines, start=1):
        for part in line.parts:
            found.append(Words(f"{index}. {part.identity}: {Money(part.amount, currency)}"))
            found.extend(Words(f"   - {step}", "quiet") for step in part.because)
            found.extend(Words(f"   - version {one.version[:12]} of {one.key}", "quiet") for one in part.evidence)
    return found


def row(one: Document) -> dict[str, Any]:
    """A document without its lines, for JSON and CSV."""
    return {
        "number": one.number or None,
        "reference": one.reference,
        "kind": one.kind,
        "sink": one.sink,
        "client": one.client,
        "contracts": list(one.contracts),
        "issued_on": one.issued_on,
        "due_on": one.due_on,
        "total": one.total.text,
        "balance": one.balance.text if one.balance else None,
        "currency": one.total.currency,
        "status": one.status,
        "remark": one.remark or None,
        "read_at": one.read_at,
        "url": one.url,
    }


def full_row(one: Document, attachments: Sequence[Attachment] = ()) -> dict[str, Any]:
    """A document with its lines, parts, reasons and versions, and what hangs at it."""
    currency = one.total.currency
    files = [
        {"name": file.name, "media_type": file.media_type, "size": file.size, "sha256": file.sha256, "at": file.at}
        for file in attachments
    ]
    return row(one) | {"lines": [line_row(line, currency) for line in one.lines], "attachments": files}


def line_row(line: Line, currency: str) -> dict[str, Any]:
    """A line of a document or draft."""
    return {
        "kind": line.kind,
        "text": line.text,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "amount": plain(line.amount, currency),
        "done_since": line.done_since,
        "done_on": line.done_on,
        "purchase_order": line.purchase_order,
        "tax_code": line.tax_code,
        "parts": [
            {
                "identity": part.identity,
                "contract": part.contract,
                "amount": plain(part.amount, currency),
                "quantity": part.quantity,
                "because": list(part.because),
                "evidence": [{"record": str(one.key), "version": one.version} for one in part.evidence],
            }
            for part in line.parts
        ],
    }


def _document(intent: Intent, held: BookDocument | None) -> Document:
    invoice = intent.invoice
    receipt = held.receipt if held else intent.receipt
    currency = receipt.currency if receipt else invoice.currency
    balance = receipt.balance if receipt else None
    return Document(
        reference=intent.reference,
        number=receipt.number if receipt else "",
        kind=invoice.kind,
        sink=intent.sink,
        client=invoice.client,
        client_name=invoice.client_name,
        contracts=intent.draft.contracts,
        issued_on=(receipt.issued_on if receipt else None) or invoice.issued_on,
        due_on=invoice.due_on,
        total=Money(receipt.total if receipt else invoice.total, currency),
        balance=None if balance is None else Money(balance, currency),
        status=receipt.status if receipt else intent.state,
        remark=_remark(intent, held),
        read_at=held.read_at if held else None,
        url=receipt.url if receipt else None,
        lines=invoice.lines,
        tax=Money(receipt.tax, currency) if receipt and receipt.tax else None,
    )


def _remark(intent: Intent, held: BookDocument | None) -> str:
    """Where the books and the ledger differ, or why a document is not in the books."""
    if intent.state in ("refused", "unknown"):
        return intent.reason
    if held is None:
        return ""
    if held.receipt.status in ("voided", "deleted"):
        return f"{held.receipt.status} in the books"
    if held.receipt.total != held.expected_total:
        expected = Money(held.expected_total, held.receipt.currency)
        return f"the books' total differs from what was sent ({expected})"
    return ""


def names(documents: Iterable[Document]) -> Mapping[str, str]:
    """Reference -> the number people know it by."""
    return {one.reference: one.number or one.reference for one in documents}
