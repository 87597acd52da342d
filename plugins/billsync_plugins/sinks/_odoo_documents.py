"""Odoo documents: an Invoice of ours as rows of `load`, and a row of account.move back as a Receipt."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from billsync.model.errors import BadAnswer
from billsync.model.invoice import BookStatus, DocumentKind, Invoice, Line, Payment, Receipt
from billsync.model.money import to_major
from billsync.model.work import digest
from billsync.sdk import Field, Options
from billsync.sdk.api import Json
from billsync.sdk.documents import in_our_sign, quantity_and_price, sign_of
from billsync.sdk.exact import exact_json
from billsync.sdk.parse import instant
from billsync.sdk.row import Row
from billsync_plugins._odoo import instant_text

TYPES: Final[Mapping[DocumentKind, str]] = {"invoice": "out_invoice", "credit_memo": "out_refund"}
KINDS: Final[Mapping[str, DocumentKind]] = {name: kind for kind, name in TYPES.items()}
MOVE: Final = (
    "name state payment_state move_type ref partner_id currency_id invoice_date invoice_date_due amount_tax "
    "amount_total amount_residual is_move_sent write_date invoice_payments_widget"
)
LINE: Final = "move_id name quantity price_unit price_subtotal tax_ids"
_LINES: Final = "invoice_line_ids"
_STATES: Final[Mapping[str, BookStatus]] = {"draft": "draft", "posted": "open", "cancel": "voided"}
_PAID: Final[Mapping[str, BookStatus]] = {
    "not_paid": "open", "blocked": "open", "partial": "part_paid", "in_payment": "paid", "paid": "paid",
    "reversed": "paid", "invoicing_legacy": "open",
}  # fmt: skip


class DocumentOptions(Options):
    """How our lines become lines of Odoo."""

    module: str = Field(default="billsync", pattern=r"[a-z_]+", description="First part of our External IDs.")
    journal: int | None = Field(default=None, description="Id of the journal; unset: Odoo's default for sales.")
    product: int | None = Field(default=None, description="Id of the product of a line that `products` does not name.")
    products: Mapping[str, int] = Field(default={}, description="Item of a contract, or kind of line -> product id.")
    analytic: Mapping[str, int] = Field(default={}, description="Value of a dimension -> id of an analytic account.")


def table_of(invoice: Invoice, options: DocumentOptions, company: int | None) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of `load`: the document in the first row, then one row for each further line.

    A column that is left out gets Odoo's default, an empty cell gets nothing: so no tax is no tax, and with a due date
    of ours no payment term may recompute it."""
    head = {
        "id": f"{options.module}.{invoice.reference}",
        "move_type": TYPES[invoice.kind],
        "partner_id/.id": invoice.customer,
        "invoice_date": str(invoice.issued_on),
        "ref": invoice.purchase_order or invoice.reference,
        "currency_id": invoice.currency,
    }
    if invoice.due_on and invoice.kind == "invoice":
        head |= {"invoice_payment_term_id/.id": "", "invoice_date_due": str(invoice.due_on)}
    if options.journal is not None:
        head["journal_id/.id"] = str(options.journal)
    if company is not None:
        head["company_id/.id"] = str(company)
    lines = [_line(line, sign_of(invoice.kind), invoice.currency, options) for line in invoice.lines]
    if not any(line[f"{_LINES}/analytic_distribution"] for line in lines):
        lines = [{name: cell for name, cell in line.items() if "analytic" not in name} for line in lines]
    first, blank = [*head.values()], [""] * len(head)
    return [*head, *lines[0]], [[*(blank if number else first), *line.values()] for number, line in enumerate(lines)]


def _line(line: Line, sign: int, currency: str, options: DocumentOptions) -> dict[str, str]:
    """Odoo cuts quantity and price to two decimals: they go along only where that still gives our amount."""
    alone = Decimal(1), to_major(sign * line.amount, currency)
    quantity, price = quantity_and_price(line, sign, currency, 2) or alone
    product = options.products.get(line.item or line.kind, options.product)
    accounts = [options.analytic[value] for value in line.dimensions.values() if value in options.analytic]
    cells = {
        "product_id/.id": "" if product is None else str(product),
        "name": line.text[:4000],
        "quantity": format(quantity, "f"),
        "price_unit": format(price, "f"),
        "tax_ids/.id": line.tax_code or "",
        "analytic_distribution": exact_json({str(one): 100 for one in accounts}).decode() if accounts else "",
    }
    return {f"{_LINES}/{name}": cell for name, cell in cells.items()}


def receipt_of(raw: Json, lines: Iterable[Json], external: str | None, stamp: str) -> Receipt:
    """A document as it stands in the books; `external` is its External ID of ours. Odoo has no version: `revision` is
    a hash of what an edit would change."""
    row = Row(raw, "account.move")
    kind, currency = row.one_of("move_type", KINDS), row.text("currency_id.1")
    cells = list(Row.each(lines, "account.move.line"))
    number, total, left = row.text("name"), row.minor("amount_total", currency), row.minor("amount_residual", currency)
    told = [[cell.maybe.text("name"), cell.minor("price_subtotal", currency), cell.raw["tax_ids"]] for cell in cells]
    due, partner, reference = row.maybe.day("invoice_date_due"), row.ident("partner_id.0"), row.maybe.text("ref")
    state = row.one_of("state", _STATES)
    status = state if state != "open" else row.one_of("payment_state", _PAID)
    widget = raw.get("invoice_payments_widget") or {}
    written = Receipt(
        id=row.ident("id"),
        number="" if number == "/" else number,
        reference=external.partition(".")[2] if external else "",
        status="sent" if status == "open" and row.flag("is_move_sent") else status,
        currency=currency,
        total=total,
        balance=None if state == "voided" else left,
        tax=row.minor("amount_tax", currency),
        kind=kind,
        customer=partner,
        issued_on=row.maybe.day("invoice_date"),
        updated_at=instant(instant_text(row.text("write_date"))),
        revision=digest([partner, reference, due, total, told])[:16],
        line_amounts=tuple(cell.minor("price_subtotal", currency) for cell in cells),
        stamp=stamp,
        payments=tuple(_payment(part, currency) for part in widget.get("content", []) if part["account_payment_id"]),
    )
    return in_our_sign(written)


def _payment(raw: Json, currency: str) -> Payment:
    row = Row(raw, "payment", "account_payment_id")
    return Payment(id=row.ident("account_payment_id"), amount=row.minor("amount", currency), on=row.day("date"))


def file_of(invoice: Invoice, number: int) -> dict[str, Any]:
    """The attachment that carries the stamp."""
    return attachment(number, f"billsync {invoice.reference}.txt", invoice.stamp.encode(), "text/plain")


def attachment(number: int, name: str, content: bytes, media_type: str) -> dict[str, Any]:
    """A file at a document."""
    data = base64.b64encode(content).decode()
    return {"name": name, "mimetype": media_type, "datas": data, "res_model": "account.move", "res_id": number}


def stamp_in(raw: Json) -> str:
    """The stamp in an attachment of ours."""
    try:
        return base64.b64decode(raw["datas"] or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        raise BadAnswer(f"attachment {raw['id']} is not the text that was attached") from None
