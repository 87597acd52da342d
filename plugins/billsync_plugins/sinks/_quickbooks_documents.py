"""QuickBooks documents: an Invoice of ours as the JSON of an Invoice or CreditMemo, and back as a Receipt."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from billsync.model.invoice import BookStatus, DocumentKind, Invoice, Line, Payment, Receipt
from billsync.model.money import to_major
from billsync.sdk import Field, Options
from billsync.sdk.api import Json
from billsync.sdk.documents import given, in_our_sign, quantity_and_price, sign_of
from billsync.sdk.row import Row
from billsync_plugins.sinks._quickbooks_company import Company

ENTITIES: Final[Mapping[DocumentKind, str]] = {"invoice": "Invoice", "credit_memo": "CreditMemo"}
KINDS: Final[Mapping[str, DocumentKind]] = {entity: kind for kind, entity in ENTITIES.items()}
TEXT: Final = 4000
# In the private note: our reference, then the stamp. QuickBooks writes "Voided" before it.
_NOTE: Final = re.compile(r"billsync (BS-\S+)\s*(.*)", re.DOTALL)


class DocumentOptions(Options):
    """How our lines become lines of QuickBooks."""

    item: str = Field(description="Id of the service item of a line that `items` does not name.")
    items: Mapping[str, str] = Field(default={}, description="Item of a contract, or kind of line -> id of an item.")
    classes: Mapping[str, str] = Field(default={}, description="Value of the dimension `class` -> id of a class.")
    terms: str | None = Field(default=None, description="Id of the terms of an invoice without a due date.")
    tax_calculation: Literal["TaxExcluded", "NotApplicable"] | None = Field(
        default=None, description="GlobalTaxCalculation: companies outside the US must set it."
    )


def body_of(invoice: Invoice, options: DocumentOptions, company: Company) -> dict[str, Any]:
    """The JSON of a document; a credit memo is positive in the books."""
    sign = sign_of(invoice.kind)
    order = f"PO {invoice.purchase_order}" if invoice.purchase_order else ""
    memo = "\n".join(filter(None, (order, invoice.memo)))
    is_invoice = invoice.kind == "invoice"
    sends = invoice.push == "sent" and is_invoice
    fields = {
        "DocNumber": invoice.reference if company.numbers else None,
        "TxnDate": str(invoice.issued_on),
        "DueDate": str(invoice.due_on) if invoice.due_on and is_invoice else None,
        "SalesTermRef": _ref(options.terms) if is_invoice and not invoice.due_on else None,
        "CustomerRef": _ref(invoice.customer),
        "CurrencyRef": _ref(invoice.currency) if company.multicurrency else None,
        "PrivateNote": f"billsync {invoice.reference}\n{invoice.stamp}",
        "CustomerMemo": {"value": memo[:1000]} if memo else None,
        "EmailStatus": "NeedToSend" if sends else "NotSet",
        "BillEmail": {"Address": invoice.email} if sends and invoice.email else None,
        "GlobalTaxCalculation": options.tax_calculation,
        "Line": [_line(line, sign, invoice.currency, options) for line in invoice.lines],
    }
    return given(fields)


def _line(line: Line, sign: int, currency: str, options: DocumentOptions) -> dict[str, Any]:
    """Quantity and price go along only where their product, rounded, is the amount: else the line is refused."""
    quantity, price = quantity_and_price(line, sign, currency, None) or (None, None)
    segment = line.dimensions.get("class")
    named = options.items.get(line.item, line.item) if line.item else options.items.get(line.kind, options.item)
    detail = {
        "ItemRef": _ref(named),
        "ClassRef": _ref(options.classes.get(segment, segment) if segment else None),
        "Qty": quantity,
        "UnitPrice": price,
        "ServiceDate": str(line.done_on) if line.done_on else None,
        "TaxCodeRef": _ref(line.tax_code),
    }
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": to_major(sign * line.amount, currency),
        "Description": line.text[:TEXT],
        "SalesItemLineDetail": given(detail),
    }


def _ref(value: str | None) -> dict[str, str] | None:
    return None if value is None else {"value": value}


def receipt_of(entity: str, raw: Json, home: str, payments: Iterable[Payment] = ()) -> Receipt:
    """A document as it stands in the books; `home` is the currency where the company has only one."""
    row, kind = Row(raw, entity, "Id"), KINDS[entity]
    currency = row.maybe.text("CurrencyRef.value") or home
    ident = f"{entity}/{row.ident('Id')}"
    if row.maybe.text("status") == "Deleted":
        return Receipt(id=ident, number="", reference="", status="deleted", currency=currency, total=0, kind=kind)
    note = _NOTE.search(row.maybe.text("PrivateNote") or "")
    number = row.maybe.text("DocNumber") or ""
    total = row.minor("TotalAmt", currency)
    balance = row.minor("Balance", currency) if kind == "invoice" else row.maybe.minor("RemainingCredit", currency)
    lines = [Row(line, f"{ident}, line", "Id") for line in row.rows("Line")]
    written = Receipt(
        id=ident,
        number=number,
        reference=note[1] if note else number if number.startswith("BS-") else "",
        status=_status(row, total, balance),
        currency=currency,
        total=total,
        balance=balance,
        tax=(row.maybe.minor("TxnTaxDetail.TotalTax", currency) or 0),
        kind=kind,
        customer=row.ident("CustomerRef.value"),
        issued_on=row.day("TxnDate"),
        updated_at=row.maybe.instant("MetaData.LastUpdatedTime"),
        revision=row.ident("SyncToken"),
        line_amounts=tuple(line.minor("Amount", currency) for line in lines if _sales(line)),
        stamp=note[2].strip() if note else "",
        payments=tuple(payments),
    )
    return in_our_sign(written)


def _sales(line: Row) -> bool:
    return line.text("DetailType").replace("_", "").casefold() == "salesitemlinedetail"


def _status(row: Row, total: int, balance: int | None) -> BookStatus:
    """The answer to a void spells its words in capitals with underscores: they are not read strictly."""
    if total == 0 and not balance and (row.maybe.text("PrivateNote") or "").startswith("Voided"):
        return "voided"
    if balance is not None and balance < total:
        return "part_paid" if balance else "paid"
    mailed = (row.maybe.text("EmailStatus") or "").replace("_", "").casefold() == "emailsent"
    return "sent" if mailed else "open"


def linked(rows: Mapping[str, Json], to: str) -> set[str]:
    """Ids of the transactions of a type that these are linked to, by themselves or by their lines."""
    holders = [part for raw in rows.values() for part in (raw, *(raw.get("Line") or ()))]
    links = [link for holder in holders for link in holder.get("LinkedTxn") or ()]
    return {str(link["TxnId"]) for link in links if link.get("TxnType") == to}


def payments_of(payments: Iterable[Json], home: str) -> dict[str, list[Payment]]:
    """Id of an invoice -> the money received for it."""
    found: dict[str, list[Payment]] = {}
    for raw in payments:
        row = Row(raw, "Payment", "Id")
        currency = row.maybe.text("CurrencyRef.value") or home
        for line in row.maybe.rows("Line") or ():
            amount = Row(line, "payment line", "Id").minor("Amount", currency)
            for invoice in linked({"": line}, "Invoice"):
                payment = Payment(id=row.ident("Id"), amount=amount, on=row.day("TxnDate"))
                found.setdefault(invoice, []).append(payment)
    return found
