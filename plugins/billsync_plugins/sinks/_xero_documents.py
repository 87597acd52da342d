"""Xero documents: an Invoice of ours as the JSON of an invoice or credit note, and back as a Receipt."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from billsync.model.invoice import BookStatus, DocumentKind, Invoice, Line, Payment, Receipt
from billsync.model.money import to_major
from billsync.model.work import digest
from billsync.sdk import Field, Options
from billsync.sdk.api import Json
from billsync.sdk.documents import given, in_our_sign, quantity_and_price, sign_of
from billsync.sdk.row import Row
from billsync_plugins._xero import day_of

TEXT: Final = 4000
# In a note of the history: our reference, then the stamp.
_NOTE: Final = re.compile(r"billsync (BS-\S+)\s+(.*)", re.DOTALL)
_STATUS: Final[Mapping[str, BookStatus]] = {
    "DRAFT": "draft", "SUBMITTED": "draft", "AUTHORISED": "open", "PAID": "paid", "VOIDED": "voided",
    "DELETED": "deleted",
}  # fmt: skip


class Entity:
    """What Xero calls a kind of document: list, type, and the members of its id, number and balance."""

    def __init__(self, path: str, name: str, kind: str, balance: str) -> None:
        self.path, self.type, self.balance = path, kind, balance
        self.id, self.number = f"{name}ID", f"{name}Number"


ENTITIES: Final[Mapping[DocumentKind, Entity]] = {
    "invoice": Entity("Invoices", "Invoice", "ACCREC", "AmountDue"),
    "credit_memo": Entity("CreditNotes", "CreditNote", "ACCRECCREDIT", "RemainingCredit"),
}


class DocumentOptions(Options):
    """How our lines become lines of Xero."""

    revenue_account: str = Field(description="Code of the account of a line that `accounts` does not name.")
    accounts: Mapping[str, str] = Field(default={}, description="Item of a contract, or kind of line -> account code.")
    items: Mapping[str, str] = Field(default={}, description="Item of a contract, or kind of line -> item code.")
    no_tax: str = Field(default="NONE", description="Tax type of lines without one; else the account's would be used.")
    tracking: Mapping[str, str] = Field(default={}, description="Dimension -> name of a tracking category (at most 2).")
    branding_theme: str | None = Field(default=None, description="Id of a branding theme.")


def body_of(invoice: Invoice, options: DocumentOptions) -> dict[str, Any]:
    """The JSON of a document; a credit note is positive in the books. A contact gets nothing but its id: more edits it.

    Who pushes drafts gets DRAFT, which posts nothing; else it is authorised in the same request."""
    is_invoice, entity = invoice.kind == "invoice", ENTITIES[invoice.kind]
    fields = {
        "Type": entity.type,
        entity.number: invoice.reference,
        "Contact": {"ContactID": invoice.customer},
        "Date": str(invoice.issued_on),
        "DueDate": str(invoice.due_on) if invoice.due_on and is_invoice else None,
        "Reference": invoice.purchase_order or invoice.memo[:255] or None,
        "CurrencyCode": invoice.currency,
        "BrandingThemeID": options.branding_theme,
        "LineAmountTypes": "Exclusive",
        "Status": "DRAFT" if invoice.push == "draft" else "AUTHORISED",
        "LineItems": [_line(line, sign_of(invoice.kind), invoice.currency, options) for line in invoice.lines],
    }
    return {entity.path: [given(fields)]}


def _line(line: Line, sign: int, currency: str, options: DocumentOptions) -> dict[str, Any]:
    """Quantity and price go along only where Xero, with four decimals of each, comes to our amount."""
    amount = to_major(sign * line.amount, currency)
    quantity, price = quantity_and_price(line, sign, currency, 4) or (Decimal(1), amount)
    chosen = line.item or line.kind
    names = {dimension: value for dimension, value in line.dimensions.items() if dimension in options.tracking}
    fields = {
        "Description": line.text[:TEXT] or "-",
        "Quantity": quantity,
        "UnitAmount": price,
        "LineAmount": amount,
        "AccountCode": options.accounts.get(chosen, options.revenue_account),
        "ItemCode": options.items.get(chosen),
        "TaxType": line.tax_code or options.no_tax,
        "Tracking": [{"Name": options.tracking[name], "Option": value} for name, value in names.items()] or None,
    }
    return given(fields)


def receipt_of(kind: DocumentKind, raw: Json, history: Iterable[Json] = ()) -> Receipt:
    """A document as it stands in the books. Xero has no version: `revision` is a hash of what an edit would change."""
    entity = ENTITIES[kind]
    row = Row(raw, entity.path, entity.id)
    currency, number = row.text("CurrencyCode"), row.maybe.text(entity.number) or ""
    total, balance = row.minor("Total", currency), row.maybe.minor(entity.balance, currency)
    notes = (_NOTE.search(Row(note, "history").maybe.text("Details") or "") for note in history)
    note = next((found for found in notes if found is not None), None)
    lines = list(Row.each(row.maybe.rows("LineItems") or (), f"{number}, line", "LineItemID"))
    due = day_of(row, "DueDate") if row.maybe.text("DueDate") else None
    told = [[line.raw.get("Description"), line.dec("LineAmount"), line.raw.get("TaxType")] for line in lines]
    written = Receipt(
        id=f"{entity.path}/{row.ident(entity.id)}",
        number=number,
        reference=number if number.startswith("BS-") else note[1] if note else "",
        status=_status(row, total, balance),
        currency=currency,
        total=total,
        balance=balance,
        tax=row.minor("TotalTax", currency),
        kind=kind,
        customer=row.ident("Contact.ContactID"),
        issued_on=day_of(row, "Date"),
        updated_at=row.instant("UpdatedDateUTC"),
        revision=digest([number, row.ident("Contact.ContactID"), currency, due, Decimal(total), told])[:16],
        line_amounts=tuple(line.minor("LineAmount", currency) for line in lines),
        stamp=note[2].strip() if note else "",
        payments=tuple(_payment(part, currency) for part in row.maybe.rows("Payments") or ()),
    )
    return in_our_sign(written)


def _payment(raw: Json, currency: str) -> Payment:
    row = Row(raw, "payment", "PaymentID")
    return Payment(id=row.ident("PaymentID"), amount=row.minor("Amount", currency), on=day_of(row, "Date"))


def _status(row: Row, total: int, balance: int | None) -> BookStatus:
    """Xero says PAID when nothing is due, also by credit; part payment shows in what is left."""
    status = row.one_of("Status", _STATUS)
    if status == "open" and balance is not None and balance < total:
        return "part_paid"
    return "sent" if status == "open" and row.maybe.flag("SentToContact") else status


def note_of(invoice: Invoice) -> Json:
    """The note of the history that carries the stamp."""
    return {"HistoryRecords": [{"Details": f"billsync {invoice.reference} {invoice.stamp}"}]}
