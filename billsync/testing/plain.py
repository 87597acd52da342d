"""Books that speak a plain JSON of their own, and their sink: any manners, for simulations and as a small example.

POST /documents      with `Idempotency-Key`; 409 for a number that is taken
GET  /documents      ?number=  ?changed_since=  ?page=  (deleted ones only with changed_since)
POST /documents/{id}/void   GET /customers   GET /taxes   GET /me
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

from billsync.model.invoice import Invoice, Party, Payment, Receipt, TaxCode
from billsync.sdk import Api, Bearer, Field, Idempotency, Identity, Options, PageNumber, Secret, Sink, SinkLimits
from billsync.sdk.api import Json
from billsync.sdk.exact import exact_json
from billsync.sdk.parse import instant
from billsync.sdk.row import Row, utc_text
from billsync.testing.books import BookLine, Document, FakeBooks, Taken
from billsync.testing.server import Request, Response

TOKEN: Final = "made-up-plain-token-3d41"
PAGE: Final = 50


class PlainOptions(Options):
    """Where the books are."""

    base_url: str | None = Field(default=None, description="Address of the books.")
    token: Secret = Field(description="Their key.")


class Plain(Sink[PlainOptions]):
    """The sink of FakePlainBooks."""

    kind = "plain"
    title = "Plain books"
    docs = "https://www.rfc-editor.org/rfc/rfc8259"
    api = Api(base_url="http://127.0.0.1:9", auth=Bearer("token"), pages=PageNumber(more_at="more", size=PAGE))
    idempotency = Idempotency(how="key", window=360)
    settle = 130
    limits = SinkLimits(lines=10_000, stamp=4000, reference=64)
    stamp = "the document's note"
    drafts = False

    def check(self) -> Identity:
        return Identity(account=Row(self.http.get("/me"), "account", "name").text("name"))

    def find(self, invoice: Invoice) -> Sequence[Receipt]:
        rows = self.http.rows("/documents", {"number": invoice.reference}, at="documents")
        return [receipt for receipt in map(receipt_of, rows) if receipt.reference == invoice.reference]

    def request(self, invoice: Invoice, key: str) -> tuple[str, bytes]:
        lines = [{"amount": line.amount, "text": line.text, "tax": line.tax_code} for line in invoice.lines]
        body = {
            "kind": invoice.kind, "number": invoice.reference, "customer": invoice.customer, "lines": lines,
            "currency": invoice.currency, "issued_on": str(invoice.issued_on), "note": invoice.stamp,
        }  # fmt: skip
        return f"{self.options.base_url}/documents", exact_json(body)

    def create(self, invoice: Invoice, key: str) -> Receipt:
        address, content = self.request(invoice, key)
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return receipt_of(self.http.write("POST", address, content=content, headers=headers).json())

    def read_back(self, changed_since: datetime | None) -> Iterator[Receipt]:
        since = utc_text(changed_since) if changed_since else None
        return map(receipt_of, self.http.rows("/documents", {"changed_since": since}, at="documents"))

    def void(self, receipt: Receipt) -> Receipt:
        body = {"revision": int(receipt.revision)}
        return receipt_of(self.http.write("POST", f"/documents/{receipt.id}/void", body).json())

    def customers(self) -> Iterator[Party]:
        rows = self.http.rows("/customers", at="customers")
        return (Party(id=Row(raw, "customer").ident("id"), name=Row(raw, "customer").text("name")) for raw in rows)

    def taxes(self) -> Iterator[TaxCode]:
        for raw in self.http.rows("/taxes", at="taxes"):
            row = Row(raw, "tax")
            yield TaxCode(id=row.ident("id"), name=row.ident("id"), percent=row.dec("percent"))


def receipt_of(raw: Json) -> Receipt:
    """A document as these books tell it; amounts are minor units."""
    row = Row(raw, "document")
    lines = [int(Row(line, "line", "amount").dec("amount")) for line in row.rows("lines")]
    paid = [(Row(one, "payment").ident("id"), int(Row(one, "payment").dec("amount"))) for one in row.rows("payments")]
    number = row.text("number")
    return Receipt(
        id=row.ident("id"),
        number=number,
        reference=number if number.startswith("BS-") else "",
        status=row.one_of("status", {name: name for name in STATUS}),
        currency=row.text("currency"),
        total=int(row.dec("total")),
        balance=int(row.dec("balance")),
        tax=int(row.dec("tax")),
        kind=row.one_of("kind", {"invoice": "invoice", "credit_memo": "credit_memo"}),
        customer=row.ident("customer"),
        issued_on=row.day("issued_on"),
        updated_at=row.instant("updated_at"),
        revision=row.ident("revision"),
        line_amounts=tuple(lines),
        stamp=row.maybe.text("note") or "",
        payments=tuple(Payment(id=ident, amount=amount) for ident, amount in paid),
    )


STATUS: Final = ("draft", "open", "part_paid", "paid", "voided", "deleted")


class FakePlainBooks(FakeBooks):
    """The books themselves; all manners of FakeBooks hold."""

    def options(self, **more: Any) -> dict[str, Any]:
        return {"base_url": self.url, "token": TOKEN, **more}

    def handle(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response.json_of({"message": "who are you"}, 401)
        match [request.method, *request.path.strip("/").split("/")]:
            case ["GET", "me"]:
                return Response.json_of({"name": "Plain Inc"})
            case ["GET", "customers"]:
                rows = [{"id": ident, "name": name} for ident, name in self.customers.items()]
                return Response.json_of({"customers": rows, "more": False})
            case ["GET", "taxes"]:
                codes = [{"id": code, "percent": percent} for code, percent in self.tax_rates.items()]
                return Response.json_of({"taxes": codes, "more": False})
            case ["GET", "documents"]:
                return self._list(request.query)
            case ["POST", "documents"]:
                key = request.headers.get("idempotency-key", "")
                return self.remembered(key) or self._create(request.json(), key)
            case ["POST", "documents", ident, "void"] if ident in self.documents:
                return self._void(self.documents[ident], request.json())
        return Response.json_of({"message": "no such thing"}, 404)

    def _list(self, query: dict[str, str]) -> Response:
        since = query.get("changed_since")
        rows = self.visible() if since is None else list(self.documents.values())
        if since is not None:
            rows = [row for row in rows if row.updated_at >= instant(since)]
        if "number" in query:  # a search that is too kind: the sink must compare exactly
            rows = [row for row in rows if query["number"].casefold() in row.number.casefold()]
        start = (int(query.get("page", 1)) - 1) * PAGE
        found = [self._json(row) for row in rows[start : start + PAGE]]
        return Response.json_of({"documents": found, "more": start + PAGE < len(rows)})

    def _create(self, body: Json, key: str) -> Response:
        if body["customer"] not in self.customers:
            return Response.json_of({"message": "no such customer"}, 422)
        lines = [BookLine(amount=line["amount"], tax=line["tax"], raw=line) for line in body["lines"]]
        same = {name: body[name] for name in ("kind", "number", "customer", "currency", "note")}
        try:
            document = self.keep(lines=lines, issued_on=date.fromisoformat(body["issued_on"]), **same)
        except Taken as taken:
            return Response.json_of({"message": f"number taken by {taken.document.id}"}, 409)
        return self.remember(key, Response.json_of(self._json(document), 201))

    def _void(self, document: Document, body: Json) -> Response:
        if document.revision != body["revision"] or self.paid(document):
            return Response.json_of({"message": "it was changed or paid since"}, 409)
        return Response.json_of(self._json(self.void(document)))

    def _json(self, document: Document) -> Json:
        paid = self.paid(document)
        status: str = document.status
        if status == "open" and paid:
            status = "paid" if paid == document.total else "part_paid"
        live = [payment for payment in self.payments.values() if not payment.deleted and document.id in payment.amounts]
        return {
            "id": document.id, "kind": document.kind, "number": document.number, "status": status,
            "customer": document.customer, "currency": document.currency, "issued_on": str(document.issued_on),
            "lines": [{"amount": line.amount} for line in document.lines], "tax": document.tax,
            "total": document.total, "balance": document.total - paid, "note": document.note,
            "revision": document.revision, "updated_at": utc_text(document.updated_at),
            "payments": [{"id": payment.id, "amount": payment.amounts[document.id]} for payment in live],
        }  # fmt: skip
