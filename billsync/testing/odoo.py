"""Odoo's receivables on loopback: `load` under External IDs, drafts and posting, attachments, no trace of deletions."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from billsync.model.invoice import DocumentKind
from billsync.model.money import round_places, to_major, to_minor
from billsync.sdk.parse import day
from billsync.testing.books import BookLine, BookPayment, Document, FakeBooks, Manners
from billsync.testing.clock import Clock
from billsync.testing.odoo_rpc import KEY, Call, OdooError, account, clock_text, selected, served
from billsync.testing.server import Request, Response

_TYPES: Final[Mapping[DocumentKind, str]] = {"invoice": "out_invoice", "credit_memo": "out_refund"}
Json = Any


class FakeOdoo(FakeBooks):
    """The receivables of one company. `races`: so many calls of `load` lose a race before one gets through."""

    def __init__(self, *, clock: Clock | None = None, manners: Manners | None = None) -> None:
        super().__init__(clock=clock, manners=manners or Manners())
        self.keys: dict[str, str] = {}
        self.files: list[Json] = []
        self.races = 0
        self.rounds_globally = False

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `odoo` that is this database."""
        return account(self.url, **more)

    def secrets(self) -> list[str]:
        return [KEY]

    def pay(self, document: Document, amount: int | None = None, *, touches: bool = True) -> BookPayment:
        """Receive money; a draft is posted before."""
        document.status = "open"
        return super().pay(document, amount, touches=touches)

    def delete(self, document: Document) -> Document:
        """Without a trace: its External ID is free again, its attachments are gone."""
        self.keys = {key: ident for key, ident in self.keys.items() if ident != document.id}
        self.files = [file for file in self.files if file["res_id"] != int(document.id)]
        return super().delete(document)

    def handle(self, request: Request) -> Response:
        return served(request, self._run)

    def _run(self, call: Call) -> Json:
        model, method, args, named = call
        match model, method:
            case "account.move", "load":
                return self._load(args[0], args[1], named["context"])
            case "account.move", "get_external_id":
                names = {ident: key for key, ident in self.keys.items()}
                return {str(number): names.get(str(number), "") for number in args[0]}
            case "account.move", "action_post":
                return self._post(args[0])
            case "account.move", "button_cancel":
                return self._cancel(args[0])
            case "account.move.line", "fields_get":
                return {name: {"digits": [16, 2]} for name in args[0]}
            case "ir.attachment", "create":
                self._ids += 1
                self.files.append({**args[0], "id": self._ids})
                document = self.documents[str(args[0]["res_id"])]
                document.files[args[0]["name"]] = base64.b64decode(args[0]["datas"])
                return self._ids
            case "ir.model.data", "check_object_reference":
                return self._reference(".".join(args))
        return selected(self._rows(model), call)

    def _rows(self, model: str) -> list[Json]:
        tables: dict[str, Callable[[], Iterable[Json]]] = {
            "account.move": lambda: map(self.json_of, self._committed()),
            "account.move.line": lambda: (line for document in self._committed() for line in self._lines(document)),
            "ir.attachment": lambda: self.files,
            "res.partner": lambda: (
                {"id": int(ident), "name": name, "email": False, "active": True, "parent_id": False}
                for ident, name in self.customers.items()
            ),
            "account.tax": self._taxes,
            "res.company": lambda: [
                {
                    "id": 1, "name": "My Company",
                    "tax_calculation_rounding_method": "round_globally" if self.rounds_globally else "round_per_line",
                }
            ],
        }  # fmt: skip
        if model not in tables:
            raise OdooError("odoo.exceptions.UserError", f"Object {model} doesn't exist")
        return list(tables[model]())

    def _committed(self) -> list[Document]:
        """One database: what was written is seen, whatever the manners say."""
        return [document for document in self.documents.values() if document.status != "deleted"]

    def _taxes(self) -> Iterable[Json]:
        fixed = {"amount_type": "percent", "price_include": False, "active": True, "type_tax_use": "sale"}
        for number, (name, percent) in enumerate(self.tax_rates.items(), 1):
            yield {"id": number, "name": name, "amount": percent, **fixed}

    # ---- Writing ---------------------------------------------------------------------------------------------

    def _reference(self, key: str) -> Json:
        if key not in self.keys:
            raise OdooError("builtins.ValueError", f"External ID not found in the system: {key}")
        return ["account.move", int(self.keys[key])]

    def _load(self, columns: list[str], rows: list[list[str]], context: Mapping[str, Any]) -> Json:
        """The body is checked first; then an External ID that is there answers its document, and writes nothing."""
        cells = [dict(zip(columns, row, strict=True)) for row in rows]
        head = cells[0]
        if self.races > 0:
            self.races -= 1
            return _failed("could not serialize access due to concurrent update\n")
        if head["partner_id/.id"] not in self.customers:
            return _failed(f"No matching record found for database id '{head['partner_id/.id']}' in field 'Partner'")
        if " " in head["id"]:
            return _failed("The External ID must not contain spaces")
        again = self.keys.get(head["id"])
        if again is not None:
            if context.get("mode") != "update" or not context.get("noupdate"):
                document = self.documents[again]
                document.lines = (*document.lines, *document.lines)  # as a server without these two words does
            return {"ids": [int(again)], "messages": [], "nextrow": 0}
        currency = head["currency_id"]
        kind: DocumentKind = "credit_memo" if head["move_type"] == "out_refund" else "invoice"
        document = self.keep(
            number="",
            kind=kind,
            customer=head["partner_id/.id"],
            currency=currency,
            lines=[_line(row, currency, list(self.tax_rates)) for row in cells],
            note=head["id"].partition(".")[2],
            issued_on=day(head["invoice_date"]),
            due_on=day(head["invoice_date_due"]) if "invoice_date_due" in head else None,
            status="draft",
            raw=head,
        )
        self.keys[head["id"]] = document.id
        return {"ids": [int(document.id)], "messages": [], "nextrow": 0}

    def _post(self, ids: list[int]) -> Json:
        for document in self._named(ids):
            if document.status != "draft":
                raise OdooError("odoo.exceptions.UserError", f"The entry (id {document.id}) must be in draft.")
            if document.total < 0:
                raise OdooError("odoo.exceptions.UserError", "You cannot validate a document with a negative total.")
            document.status = "open"
            self._touched(document)
        return False

    def _cancel(self, ids: list[int]) -> None:
        for document in self._named(ids):
            document.status = "voided"
            self._touched(document)

    def _named(self, ids: list[int]) -> list[Document]:
        found = [self.documents.get(str(number)) for number in ids]
        if any(document is None or document.status == "deleted" for document in found):
            raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
        return [document for document in found if document is not None]

    # ---- Reading ---------------------------------------------------------------------------------------------

    def json_of(self, document: Document) -> Json:
        """A document as a row of account.move."""
        currency, paid = document.currency, self.paid(document)
        state = {"draft": "draft", "open": "posted", "voided": "cancel"}[document.status]
        money = [
            {
                "account_payment_id": int(payment.id), "date": str(payment.on),
                "amount": to_major(payment.amounts[document.id], currency),
            }
            for payment in self.payments.values()
            if document.id in payment.amounts and not payment.deleted
        ]  # fmt: skip
        ours = document.id in self.keys.values()
        return {
            "id": int(document.id), "state": state, "move_type": _TYPES[document.kind],
            "name": "/" if ours and state == "draft" else f"INV/2026/{document.id}" if ours else document.number,
            "payment_state": "not_paid" if not paid else "partial" if paid < document.total else "paid",
            "ref": document.raw.get("ref", False), "currency_id": [1, currency], "is_move_sent": document.sent,
            "partner_id": [int(document.customer), self.customers.get(document.customer, "")],
            "invoice_date": str(document.issued_on), "write_date": clock_text(document.updated_at),
            "invoice_date_due": str(document.due_on) if document.due_on else False,
            "amount_tax": to_major(document.tax, currency), "amount_total": to_major(document.total, currency),
            "amount_residual": to_major(document.total - paid, currency),
            "invoice_payments_widget": {"title": "Less Payment", "content": money} if money else False,
        }  # fmt: skip

    def _lines(self, document: Document) -> Iterable[Json]:
        for number, line in enumerate(document.lines):
            yield {
                "id": int(document.id) * 1000 + number, "move_id": [int(document.id), "/"], "display_type": "product",
                "name": line.raw.get("invoice_line_ids/name", "By hand"), "tax_ids": [line.tax] if line.tax else [],
                "quantity": Decimal(1), "price_unit": to_major(line.amount, document.currency),
                "price_subtotal": to_major(line.amount, document.currency),
            }  # fmt: skip


def _line(cells: Mapping[str, str], currency: str, taxes: list[str]) -> BookLine:
    """Quantity and price are cut to two decimals. A tax stands by its id, or by its name in tests of any books."""
    quantity, price = (round_places(Decimal(cells[f"invoice_line_ids/{one}"]), 2) for one in ("quantity", "price_unit"))
    tax = cells["invoice_line_ids/tax_ids/.id"]
    code = taxes[int(tax) - 1] if tax.isdigit() else tax or None
    return BookLine(amount=to_minor(quantity * price, currency), tax=code, raw=dict(cells))


def _failed(message: str) -> Json:
    said = {"rows": {"from": 0, "to": 0}, "type": "error", "record": 0, "message": message}
    return {"ids": False, "messages": [said], "nextrow": 0}
