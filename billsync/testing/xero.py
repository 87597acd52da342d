"""Xero on loopback: documents that PUT only creates, numbers that are taken once, notes, pages, tokens that rotate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote
from uuid import NAMESPACE_URL, uuid5

from billsync.model.invoice import DocumentKind
from billsync.model.money import exact_minor, round_places, to_major
from billsync.sdk.parse import day
from billsync.sdk.sink import RoundingModel
from billsync.testing.books import BookLine, BookPayment, Document, FakeBooks, Manners, Taken
from billsync.testing.clock import Clock
from billsync.testing.oauth import CLIENT, Grants
from billsync.testing.server import Request, Response

TENANT: Final = "5a1b0c22-1111-4222-8333-944455556666"
_BOOKS: Final = "/api.xro/2.0/"
_KINDS: Final[Mapping[str, DocumentKind]] = {"Invoices": "invoice", "CreditNotes": "credit_memo"}
_NAMES: Final[Mapping[DocumentKind, str]] = {"invoice": "Invoice", "credit_memo": "CreditNote"}
_TYPES: Final[Mapping[DocumentKind, str]] = {"invoice": "ACCREC", "credit_memo": "ACCRECCREDIT"}
_CONDITION: Final = re.compile(r'(\w+)=="([^"]*)"')
Json = dict[str, Any]


class FakeXero(FakeBooks):
    """One organisation. `page_cap`: so many rows at most on a page; `takes_tracking` False: tracking is ignored."""

    def __init__(self, *, clock: Clock | None = None, manners: Manners | None = None) -> None:
        super().__init__(clock=clock, manners=manners or Manners(key_window=360, rounding=RoundingModel()))
        self.grants = Grants(self.clock, lives=1800, grace=1800)  # remembered: half an hour, for lost answers
        self.page_cap = 1000
        self.locked_up_to: date | None = None
        self._requests: dict[str, bytes] = {}

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `xero` that is this organisation, with the grant's first refresh token."""
        client, secret = CLIENT
        return {
            "base_url": self.url, "token_url": f"{self.url}/connect/token", "tenant": TENANT, "revenue_account": "200",
            "client_id": client, "client_secret": secret, "refresh_token": "made-up-refresh-token-0", **more,
        }  # fmt: skip

    def secrets(self) -> list[str]:
        return [CLIENT[1], *self.grants.given]

    def pay(self, document: Document, amount: int | None = None, *, touches: bool = True) -> BookPayment:
        """Receive money; a draft is authorised before."""
        document.status = "open"
        return super().pay(document, amount, touches=touches)

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == "/connect/token":
            answer: Response = self.grants.token(request)
            return answer
        if not self.grants.alive(request):
            said = {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired: token expired"}
            return Response.json_of(said, 401)
        if request.path == "/connections":
            tenant = {"tenantId": TENANT, "tenantType": "ORGANISATION", "tenantName": "Demo Company (NZ)"}
            return Response.json_of([{"id": "7cb59f93-2964-421d-bb5e-a0f7a4572a44", **tenant}])
        if request.headers.get("xero-tenant-id") != TENANT:
            return Response.json_of({"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}, 403)
        if "json" not in request.headers.get("accept", ""):
            return Response(body=b"<Response/>", headers={"Content-Type": "text/xml"})
        return self._books(request, request.path.removeprefix(_BOOKS).split("/"))

    def _books(self, request: Request, path: list[str]) -> Response:
        match [request.method, *path]:
            case ["GET", "Organisation"]:
                return self._said("Organisations", [self._organisation()])
            case ["GET", "Contacts"]:
                return self._page("Contacts", request, [_contact(*pair) for pair in self.customers.items()])
            case ["GET", "TaxRates"]:
                return self._said(
                    "TaxRates", [_rate(*pair) for pair in (("NONE", Decimal(0)), *self.tax_rates.items())]
                )
            case ["GET", name] if name in _KINDS:
                return self._list(name, request)
            case ["PUT", name] if name in _KINDS:
                return self._once(request, _KINDS[name])
            case [_, name, ident, *rest] if name in _KINDS and _key(ident) in self.documents:
                return self._one(request, name, self.documents[_key(ident)], rest)
        return Response.json_of({"Title": "Not Found", "Detail": "The resource you're looking for is not here"}, 404)

    def _one(self, request: Request, name: str, document: Document, rest: list[str]) -> Response:
        match [request.method, *rest]:
            case ["GET"]:
                return self._said(name, [self.json_of(document)])
            case ["GET", "History"]:
                return self._said("HistoryRecords", self._history(document))
            case ["PUT", "History"]:
                document.note = f"{document.note} {request.json()['HistoryRecords'][0]['Details']}".strip()
                return self._said("HistoryRecords", self._history(document))
            case ["GET", "Attachments"]:
                return self._said("Attachments", map(_attachment, document.files.items()))
            case ["PUT", "Attachments", file]:
                if unquote(file).endswith(".html"):
                    return self._invalid({}, "The file type is not supported")
                document.files[unquote(file)] = request.body
                return self._said("Attachments", [_attachment((unquote(file), request.body))])
            case ["POST", "Email"] if document.status == "open":
                document.sent = True
                self._touched(document)
                return Response(status=204)
            case ["POST"]:
                return self._change(document, request.json()[name][0]["Status"], name)
        return self._invalid({}, "The operation is not allowed in this state")

    def _said(self, name: str, rows: Iterable[Json], **more: Any) -> Response:
        now = f"/Date({int(self.clock.now().timestamp() * 1000)})/"
        head = {"Id": "900c500b-e83c-4ce2-902a-b8ba04751748", "Status": "OK", "ProviderName": "billsync"}
        return Response.json_of({**head, "DateTimeUTC": now, **more, name: list(rows)})

    def _invalid(self, element: Json, message: str) -> Response:
        elements = [{**element, "ValidationErrors": [{"Message": message}]}]
        said = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}
        return Response.json_of({**said, "Elements": elements}, 400)

    # ---- Writing ---------------------------------------------------------------------------------------------

    def _once(self, request: Request, kind: DocumentKind) -> Response:
        """Under an idempotency key: the first answer again, an error too, while it is honoured."""
        key = request.headers.get("idempotency-key", "")
        if len(key) > 128:
            return self._invalid({}, "The Idempotency-Key is longer than 128 characters")
        again = self.remembered(key) if key else None
        if again is None:
            self._requests[key] = request.body
            return self.remember(key, self._create(request, kind))
        same = self._requests[key] == request.body
        return again if same else self._invalid({}, "The Idempotency-Key was used with another request")

    def _create(self, request: Request, kind: DocumentKind) -> Response:
        name, number = f"{_NAMES[kind]}s", f"{_NAMES[kind]}Number"
        [body] = request.json()[name]
        problem = self._problem(body, request)
        if problem:
            return self._invalid(body, problem)
        currency = body["CurrencyCode"]
        try:
            document = self.keep(
                number=body[number],
                kind=kind,
                customer=body["Contact"]["ContactID"],
                currency=currency,
                lines=[_line(line, currency) for line in body["LineItems"]],
                issued_on=day(body["Date"]),
                due_on=day(body["DueDate"]) if "DueDate" in body else None,
                status="draft" if body["Status"] == "DRAFT" else "open",
                raw=body,
            )
        except Taken:
            return self._invalid(body, "Invoice # must be unique.")
        return self._said(name, [{**self.json_of(document), "StatusAttributeString": "OK", "Warnings": []}])

    def _problem(self, body: Json, request: Request) -> str:
        """What Xero refuses, in its words."""
        if body["Contact"].keys() != {"ContactID"} or body["Contact"]["ContactID"] not in self.customers:
            return "The contact id was not found"
        if self.locked_up_to and day(body["Date"]) <= self.locked_up_to:
            return "The document date cannot be before the period lock date"
        places = int(request.query.get("unitdp", 2))
        for line in body["LineItems"]:
            each = round_places(Decimal(line["UnitAmount"]), places)
            if round_places(line["Quantity"] * each, 2) != line["LineAmount"]:
                return "The line total does not match the expected line total"
            if line["TaxType"] not in ("NONE", *self.tax_rates):
                return f"The TaxType code '{line['TaxType']}' does not exist or cannot be used"
        if sum(line["LineAmount"] for line in body["LineItems"]) < 0:
            return "The document total must not be negative"
        return ""

    def _change(self, document: Document, status: str, name: str) -> Response:
        allowed = {"DELETED": document.status == "draft", "VOIDED": document.status == "open"}
        if not allowed.get(status) or self.paid(document):
            return self._invalid({}, f"Invoice not of valid status for modification to {status}")
        document.status = "deleted" if status == "DELETED" else "voided"
        self._touched(document)
        return self._said(name, [self.json_of(document)])

    # ---- Reading ---------------------------------------------------------------------------------------------

    def _list(self, name: str, request: Request) -> Response:
        """Deleted and voided documents are listed too. Numbers are compared without regard to capitals."""
        query, since = request.query, request.headers.get("if-modified-since")
        visible = {document.id for document in self.visible()}
        rows = []
        for document in self.documents.values():
            if document.kind != _KINDS[name] or (document.id not in visible and document.status != "deleted"):
                continue
            if since and document.updated_at < datetime.fromisoformat(since).replace(tzinfo=UTC):
                continue
            shown = self.json_of(document)
            numbers = query.get("InvoiceNumbers", "").casefold().split(",")
            if numbers != [""] and document.number.casefold() not in numbers:
                continue
            if all(str(shown.get(member)) == value for member, value in _CONDITION.findall(query.get("where", ""))):
                rows.append(shown)
        return self._page(name, request, rows)

    def _page(self, name: str, request: Request, rows: list[Json]) -> Response:
        if "page" not in request.query:
            return self._said(name, [{**row, "LineItems": []} for row in rows])
        number, size = int(request.query["page"]), min(int(request.query.get("pageSize", 100)), self.page_cap)
        found = rows[(number - 1) * size : number * size]
        count = -(-len(rows) // size)
        pagination = {"page": number, "pageSize": size, "pageCount": count, "itemCount": len(rows)}
        return self._said(name, found, pagination=pagination)

    def json_of(self, document: Document) -> Json:
        """A document as Xero shows it."""
        name, currency = _NAMES[document.kind], document.currency
        paid = self.paid(document)
        due = document.total - paid
        status = {"draft": "DRAFT", "voided": "VOIDED", "deleted": "DELETED"}.get(
            document.status, "AUTHORISED" if due else "PAID"
        )
        lines = [
            {**line.raw, "LineItemID": f"{document.id}-{number}", "LineAmount": to_major(line.amount, currency)}
            for number, line in enumerate(document.lines, 1)
        ]
        payments = [payment for payment in self.payments.values() if document.id in payment.amounts]
        balance = {"AmountDue": due, "AmountPaid": paid} if document.kind == "invoice" else {"RemainingCredit": due}
        return {
            "Type": _TYPES[document.kind], f"{name}ID": _uuid(document.id), f"{name}Number": document.number,
            "Reference": document.raw.get("Reference", ""), "Status": status, "LineAmountTypes": "Exclusive",
            "Contact": {"ContactID": document.customer, "Name": self.customers.get(document.customer, "")},
            **_dates("Date", document.issued_on), **_dates("DueDate", document.due_on), "LineItems": lines,
            "SubTotal": to_major(document.net, currency), "TotalTax": to_major(document.tax, currency),
            "Total": to_major(document.total, currency), "CurrencyCode": currency, "SentToContact": document.sent,
            "UpdatedDateUTC": _instant(document.updated_at), "HasErrors": False,
            **{member: to_major(amount, currency) for member, amount in balance.items()},
            "Payments": [_payment(payment, document) for payment in payments if not payment.deleted],
        }  # fmt: skip

    def _history(self, document: Document) -> list[Json]:
        made = {"Changes": "Created", "User": "System Generated", "DateUTC": _instant(document.created_at)}
        note = {"Changes": "Note", "User": "billsync", "DateUTC": _instant(document.updated_at)}
        return [*([{**note, "Details": document.note}] if document.note else []), {**made, "Details": "INV-1 to Acme"}]

    def _organisation(self) -> Json:
        lock = {"PeriodLockDate": _dates("Date", self.locked_up_to)["Date"]} if self.locked_up_to else {}
        return {"Name": "Demo Company (NZ)", "BaseCurrency": "USD", "OrganisationStatus": "ACTIVE", **lock}


def _uuid(ident: str) -> str:
    return f"00000000-0000-4000-8000-{int(ident):012d}"


def _key(uuid: str) -> str:
    return uuid.rpartition("-")[2].lstrip("0")


def _instant(at: datetime) -> str:
    return f"/Date({int(at.timestamp() * 1000)}+0000)/"


def _dates(member: str, on: date | None) -> Json:
    """A date twice, as Xero does; absent where there is none."""
    if on is None:
        return {}
    return {member: _instant(datetime.combine(on, time(), UTC)), f"{member}String": f"{on}T00:00:00"}


def _line(raw: Json, currency: str) -> BookLine:
    return BookLine(amount=exact_minor(Decimal(raw["LineAmount"]), currency), tax=raw["TaxType"], raw=raw)


def _payment(payment: BookPayment, document: Document) -> Json:
    amount = to_major(payment.amounts[document.id], document.currency)
    return {"PaymentID": payment.id, "Amount": amount, **_dates("Date", payment.on)}


def _attachment(file: tuple[str, bytes]) -> Json:
    name, content = file
    ident = str(uuid5(NAMESPACE_URL, name))
    return {"AttachmentID": ident, "FileName": name, "MimeType": "text/csv", "ContentLength": len(content)}


def _contact(ident: str, name: str) -> Json:
    return {"ContactID": ident, "Name": name, "ContactStatus": "ACTIVE", "EmailAddress": f"billing{ident}@example.com"}


def _rate(code: str, percent: Decimal) -> Json:
    return {"Name": code, "TaxType": code, "EffectiveRate": percent, "Status": "ACTIVE", "ReportTaxType": "OUTPUT"}
