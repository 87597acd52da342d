"""QuickBooks Online on loopback: queries, creation with `requestid`, CDC with deletions, faults, tokens that rotate."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from billsync.model.invoice import DocumentKind
from billsync.model.money import exact_minor, round_places, to_major
from billsync.sdk.parse import day_or_none, instant
from billsync.sdk.sink import RoundingModel
from billsync.testing.books import BookLine, BookPayment, Document, FakeBooks, Manners, Taken
from billsync.testing.clock import Clock
from billsync.testing.oauth import Grants
from billsync.testing.server import Request, Response

REALM: Final = "4620816365"
_ENTITY: Final[Mapping[DocumentKind, str]] = {"invoice": "Invoice", "credit_memo": "CreditMemo"}
_KIND: Final[Mapping[str, DocumentKind]] = {entity.lower(): kind for kind, entity in _ENTITY.items()}
_STATEMENT: Final = re.compile(
    r"select \* from (\w+)(?: where (.*?))?(?: orderby [\w.]+)?(?: startposition (\d+))?(?: maxresults (\d+))?"
)
_CONDITION: Final = re.compile(r"([\w.]+) (=|<=|>=|<|>|in) ('(?:\\.|[^'\\])*'|\(.*?\)|true|false)")
_FILTERABLE: Final = (
    "Id",
    "DocNumber",
    "CustomerRef",
    "TxnDate",
    "MetaData.CreateTime",
    "MetaData.LastUpdatedTime",
    "Active",
    "AttachableRef.EntityRef.Type",
    "AttachableRef.EntityRef.value",
)
_LONGEST_PAGE: Final = 1000
Json = dict[str, Any]
_BY_HAND: Final[Json] = {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}


class FakeQuickBooks(FakeBooks):
    """One company. `own_numbers` is CustomTxnNumbers; `warnings` come with the next created document."""

    def __init__(self, *, clock: Clock | None = None, manners: Manners | None = None) -> None:
        super().__init__(clock=clock, manners=manners or Manners(rounding=RoundingModel(tax_per="rate")))
        self.grants = Grants(self.clock)
        self.own_numbers = True
        self.multicurrency = False
        self.warnings: list[str] = []
        self.cut = _LONGEST_PAGE
        """So many objects at most are in one answer of CDC."""

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `quickbooks` that is this company, with the grant's first refresh token."""
        login = self.grants.options(f"{self.url}/oauth2/v1/tokens/bearer")
        return {"base_url": self.url, "realm": REALM, "item": "1", **login, **more}

    def secrets(self) -> list[str]:
        return list(self.grants.given)

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == "/oauth2/v1/tokens/bearer":
            ends = {"x_refresh_token_expires_in": 8_726_400, "x_refresh_token_hard_expires_in": 157_680_000}
            answer: Response = self.grants.token(request, **ends)
            return answer
        if not self.grants.alive(request):
            return self._fault(401, "3200", "message=AuthenticationFailed; errorCode=003200", "AuthenticationFault")
        start = f"/v3/company/{REALM}/"
        if not request.path.startswith(start):
            return self._fault(403, "3100", "message=ApplicationAuthorizationFailed", "AuthorizationFault")
        return self._company(request, request.path.removeprefix(start).split("/"))

    def _company(self, request: Request, path: list[str]) -> Response:
        match [request.method, *path]:
            case ["GET", "query"]:
                return self._query(request.query["query"])
            case ["POST", "query"]:
                return self._query(request.body.decode())
            case ["GET", "cdc"]:
                return self._changes(request)
            case ["POST", entity] if entity in _KIND:
                return self._post(request, _KIND[entity])
            case ["POST", "invoice", ident, "send"] if ident in self.documents:
                self.documents[ident].sent = True
                self._touched(self.documents[ident])
                return self._said({"Invoice": self.json_of(self.documents[ident])})
            case ["POST", "upload"]:
                return self._upload(request)
            case ["GET", entity, ident] if entity in _KIND and ident in self.documents:
                return self._said({_ENTITY[_KIND[entity]]: self.json_of(self.documents[ident])})
        return self._fault(400, "610", "Object Not Found : Something you're trying to use has been made inactive")

    def _said(self, body: Json) -> Response:
        return Response.json_of({**body, "time": self._time(self.clock.now())}, intuit_tid="1-made-up-tid")

    def _fault(self, status: int, code: str, detail: str, kind: str = "ValidationFault") -> Response:
        error = {"Message": detail.split(" : ")[0], "Detail": detail, "code": code}
        body = {"Fault": {"Error": [error], "type": kind}, "time": self._time(self.clock.now())}
        return Response.json_of(body, status, intuit_tid="1-made-up-tid")

    def _time(self, at: datetime) -> str:
        """The company's own offset."""
        return (at.astimezone(UTC) - timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S-08:00")

    # ---- Writing ---------------------------------------------------------------------------------------------

    def _post(self, request: Request, kind: DocumentKind) -> Response:
        body, operation = request.json(), request.query.get("operation")
        if operation in ("void", "delete") or body.get("sparse"):
            return self._change(body, kind, operation)
        key = request.query.get("requestid", "")
        again = self.remembered(key) if key else None
        return again if again is not None else self._create(body, kind, key)

    def _create(self, body: Json, kind: DocumentKind, key: str) -> Response:
        problem = self._problem(body)
        if problem:
            return self._fault(400, *problem)
        currency = body.get("CurrencyRef", {}).get("value", "USD")
        try:
            document = self.keep(
                number=body.get("DocNumber", "") if self.own_numbers else "",
                kind=kind,
                customer=body["CustomerRef"]["value"],
                currency=currency,
                lines=[_line(line, currency) for line in body["Line"]],
                note=body.get("PrivateNote", ""),
                issued_on=day_or_none(body.get("TxnDate")) or self.clock.now().date(),
                due_on=day_or_none(body.get("DueDate")),
                raw=body,
            )
        except Taken as taken:
            told = f"DocNumber={taken.document.number} is assigned to TxnType=Invoice with TxnId={taken.document.id}"
            return self._fault(
                400, "6140", f"Duplicate Document Number Error : You must specify a different number. {told}"
            )
        answer: Json = {_ENTITY[kind]: self.json_of(document)}
        if self.warnings:
            answer["Warnings"] = {"Warning": [{"Message": text, "code": "500"} for text in self.warnings]}
            self.warnings = []
        return self.remember(key, self._said(answer))

    def _problem(self, body: Json) -> tuple[str, str] | None:
        """What QuickBooks refuses: code and detail."""
        if body.get("CustomerRef", {}).get("value") not in self.customers:
            return "2500", "Invalid Reference Id : Invalid Reference Id : Names element id not found"
        if len(body.get("DocNumber", "")) > 21 or len(body.get("PrivateNote", "")) > 4000:
            return "2050", "String length is either shorter or longer than supported by specification"
        if self.multicurrency != ("CurrencyRef" in body):
            return "6000", "A business validation error has occurred while processing your request : CurrencyRef"
        for line in body["Line"]:
            detail = line["SalesItemLineDetail"]
            if "Qty" in detail and round_places(detail["Qty"] * detail["UnitPrice"], 2) != line["Amount"]:
                return "6070", "Amount calculation incorrect in the request : Amount is not equal to UnitPrice * Qty"
        if sum(line["Amount"] for line in body["Line"]) < 0:
            return "6000", "A business validation error has occurred : Transaction amount must be 0 or greater"
        return None

    def _upload(self, request: Request) -> Response:
        """A file and where it hangs, in two parts. HTML is none of the types that are taken."""
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = {part.get_param("name", header="content-disposition"): part for part in _parts(head + request.body)}
        told = json.loads(parts["file_metadata_01"].get_payload(decode=True))
        content = parts["file_content_01"].get_payload(decode=True)
        ref = told["AttachableRef"][0]["EntityRef"]
        document = self.documents.get(ref["value"])
        if document is None or _ENTITY[document.kind] != ref["type"] or told["ContentType"] == "text/html":
            error = {"Message": "Unsupported file type or reference", "code": "2020"}
            return self._said({"AttachableResponse": [{"Fault": {"Error": [error], "type": "ValidationFault"}}]})
        document.files[told["FileName"]] = content
        return self._said({"AttachableResponse": [{"Attachable": self._attachable(document, told["FileName"])}]})

    def _attachable(self, document: Document, name: str) -> Json:
        ref = {"type": _ENTITY[document.kind], "value": document.id}
        at = {"EntityRef": {**ref, "Type": ref["type"]}, "IncludeOnSend": True}
        return {"Id": f"{document.id}{sum(name.encode())}", "FileName": name, "AttachableRef": [at]}

    def _change(self, body: Json, kind: DocumentKind, operation: str | None) -> Response:
        document = self.documents.get(body["Id"])
        if document is None or document.kind != kind or document.status == "deleted":
            return self._fault(400, "610", "Object Not Found : Object Not Found")
        if body["SyncToken"] != str(document.revision):
            return self._fault(400, "5010", "Stale Object Error : You and another user were working on this")
        if operation == "void" and self.paid(document):
            return self._fault(400, "6000", "A business validation error has occurred : it is linked to a payment")
        if operation == "delete":
            self.delete(document)
        elif operation == "void":
            self.void(document)
        else:
            self.edit(document, **({"note": body["PrivateNote"]} if "PrivateNote" in body else {}))
        return self._said({_ENTITY[kind]: self.json_of(document)})

    # ---- Reading ---------------------------------------------------------------------------------------------

    def _query(self, statement: str) -> Response:
        match = _STATEMENT.fullmatch(statement.strip())
        if not match:
            return self._fault(400, "4000", f"Error parsing query : QueryParserError: {statement}")
        entity, where, start, size = match[1], match[2] or "", int(match[3] or 1), int(match[4] or 100)
        conditions = _CONDITION.findall(where)
        if size > _LONGEST_PAGE or " and ".join(" ".join(part) for part in conditions) != where:
            return self._fault(400, "4000", f"Error parsing query : QueryParserError: {where}")
        for name, _, _ in conditions:
            if name not in _FILTERABLE:
                return self._fault(400, "4001", f"Invalid query : property {name} is not queryable")
        rows = [row for row in self._entity(entity) if all(_holds(row, *condition) for condition in conditions)]
        found = rows[start - 1 : start - 1 + size]
        if not found:
            return self._said({"QueryResponse": {}})
        return self._said({"QueryResponse": {entity: found, "startPosition": start, "maxResults": len(found)}})

    def _entity(self, name: str) -> list[Json]:
        tables: dict[str, Callable[[], Iterable[Json]]] = {
            "Invoice": lambda: map(self.json_of, self.visible("invoice")),
            "CreditMemo": lambda: map(self.json_of, self.visible("credit_memo")),
            "Attachable": lambda: (
                self._attachable(document, name) for document in self.documents.values() for name in document.files
            ),
            "Payment": lambda: (self._payment(payment) for payment in self.payments.values() if not payment.deleted),
            "Customer": lambda: (_customer(ident, name) for ident, name in self.customers.items()),
            "TaxCode": self._tax_codes,
            "TaxRate": lambda: (
                {"Id": f"r{code}", "Name": code, "RateValue": rate} for code, rate in self.tax_rates.items()
            ),
            "Preferences": lambda: [self._preferences()],
            "CompanyInfo": lambda: [{"Id": "1", "CompanyName": "Sandbox Company US 1", "Country": "US"}],
        }
        return list(tables[name]())

    def _preferences(self) -> Json:
        currency = {"MultiCurrencyEnabled": self.multicurrency, "HomeCurrency": {"value": "USD"}}
        return {"Id": "1", "SalesFormsPrefs": {"CustomTxnNumbers": self.own_numbers}, "CurrencyPrefs": currency}

    def _tax_codes(self) -> Iterable[Json]:
        yield {"Id": "NON", "Name": "NON", "Taxable": False, "Active": True}
        yield {"Id": "TAX", "Name": "TAX", "Taxable": True, "Active": True}
        for code in self.tax_rates:
            detail = {"TaxRateRef": {"value": f"r{code}"}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
            yield {"Id": code, "Name": code, "Taxable": True, "SalesTaxRateList": {"TaxRateDetail": [detail]}}

    def _changes(self, request: Request) -> Response:
        since, wanted = instant(request.query["changedSince"]), request.query["entities"].split(",")
        if self.clock.now() - since > timedelta(days=30):
            return self._fault(400, "4000", "ChangedSince cannot be more than 30 days old")
        changed: list[tuple[str, Json]] = []
        for document in self.documents.values():
            entity = _ENTITY[document.kind]
            if entity in wanted and document.updated_at >= since:
                changed.append((entity, self.json_of(document)))
        for payment in self.payments.values():
            if "Payment" in wanted and payment.updated_at >= since:
                changed.append(("Payment", self._payment(payment)))
        shown = changed[: self.cut]
        answers: list[Json] = []
        for entity in wanted:
            rows = [row for name, row in shown if name == entity]
            answers.append({entity: rows, "startPosition": 1, "maxResults": len(rows)} if rows else {})
        return self._said({"CDCResponse": [{"QueryResponse": answers}]})

    def json_of(self, document: Document) -> Json:
        """A document as QuickBooks shows it."""
        if document.status == "deleted":
            return {"status": "Deleted", "domain": "QBO", "Id": document.id, "MetaData": self._meta(document)}
        entity = _ENTITY[document.kind]
        balance = document.total - self.paid(document)
        lines = [
            {
                **_BY_HAND,
                **line.raw,
                "Id": str(number),
                "LineNum": number,
                "Amount": to_major(line.amount, document.currency),
            }
            for number, line in enumerate(document.lines, 1)
        ]
        lines.append({"DetailType": "SubTotalLineDetail", "Amount": to_major(document.net, document.currency)})
        paid_by = [
            payment for payment in self.payments.values() if document.id in payment.amounts and not payment.deleted
        ]
        shown = {
            "domain": "QBO", "sparse": False, "Id": document.id, "SyncToken": str(document.revision),
            "MetaData": self._meta(document), "DocNumber": document.number, "TxnDate": str(document.issued_on),
            "DueDate": str(document.due_on) if document.due_on else None, "PrivateNote": document.note or None,
            "CustomerRef": {"value": document.customer, "name": self.customers.get(document.customer, "")},
            "CurrencyRef": {"value": document.currency}, "Line": lines,
            "TxnTaxDetail": {"TotalTax": to_major(document.tax, document.currency)},
            "TotalAmt": to_major(document.total, document.currency), "PrintStatus": "NeedToPrint",
            "Balance": to_major(balance, document.currency),
            "RemainingCredit": to_major(balance, document.currency) if entity == "CreditMemo" else None,
            "EmailStatus": "EmailSent" if document.sent else document.raw.get("EmailStatus", "NotSet"),
            "LinkedTxn": [{"TxnId": payment.id, "TxnType": "Payment"} for payment in paid_by],
        }  # fmt: skip
        return {name: value for name, value in shown.items() if value is not None}

    def _meta(self, document: Document) -> Json:
        return {"CreateTime": self._time(document.created_at), "LastUpdatedTime": self._time(document.updated_at)}

    def _payment(self, payment: BookPayment) -> Json:
        if payment.deleted:
            return {"status": "Deleted", "domain": "QBO", "Id": payment.id}
        lines = [
            {"Amount": to_major(amount, "USD"), "LinkedTxn": [{"TxnId": ident, "TxnType": "Invoice"}]}
            for ident, amount in payment.amounts.items()
        ]
        total = to_major(sum(payment.amounts.values()), "USD")
        return {"Id": payment.id, "SyncToken": "0", "TxnDate": str(payment.on), "TotalAmt": total, "Line": lines}


def _parts(body: bytes) -> list[Any]:
    made = email.message_from_bytes(body).get_payload()
    return made if isinstance(made, list) else []


def _line(raw: Json, currency: str) -> BookLine:
    code = raw["SalesItemLineDetail"].get("TaxCodeRef", {}).get("value")
    return BookLine(amount=exact_minor(Decimal(raw["Amount"]), currency), tax=code, raw=raw)


def _customer(ident: str, name: str) -> Json:
    address = {"Address": f"billing{ident}@example.com"}
    return {"Id": ident, "DisplayName": name, "Active": True, "PrimaryEmailAddr": address}


def _holds(row: Json, name: str, operator: str, literal: str) -> bool:
    """Whether a condition of a query holds; numbers of documents are compared without regard to capitals."""
    value: Any = row
    for step in name.split("."):
        value = value[0] if isinstance(value, list) else value
        value = value.get(step) if isinstance(value, dict) else None
    shown = value.get("value") if isinstance(value, dict) else value
    if operator == "in":
        return str(shown).lower() in [part.strip().strip("'").lower() for part in literal[1:-1].split(",")]
    wanted = re.sub(r"\\(.)", r"\1", literal[1:-1]) if literal.startswith("'") else literal
    if name.startswith("MetaData."):
        left, right = instant(shown), instant(wanted)
        return {"=": left == right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[
            operator
        ]
    left_text, right_text = str(shown).casefold(), wanted.casefold()
    return {"=": left_text == right_text, "<=": left_text <= right_text, ">=": left_text >= right_text}.get(
        operator, False
    )
