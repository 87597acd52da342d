"""QuickBooks Online: invoices and credit memos, read back with their payments. API v3, minor version 75 (2026-07).

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice. A person logs in once.
- There are no drafts: what is created is in receivables at once. `sent` mails it; a mail that fails is a remark.
- `requestid` repeats the first answer, nobody says for how long: it is sent, and `find` is asked all the same.
- Our reference is the DocNumber where the company allows own numbers. It and the stamp stand in the private note too,
  which cannot be searched: `find` asks by number, and by customer and time, and compares exactly.
- The server cuts a request after 120 s: only then is a document that is not there certain not to come.
- Changes with deletions are told for 30 days and up to 1,000; beyond that everything is read.
- A payment that was made need not move its invoice's `LastUpdatedTime`: the invoices that it names are read again.
Unconfirmed: a payment taken back moves that time - shows as: the payment goes on to be told, until all is read again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

from billsync.model.errors import Refused, VendorError
from billsync.model.invoice import Invoice, Party, Receipt, TaxCode
from billsync.sdk import Idempotency, Identity, RoundingModel, Sink, SinkLimits, sinks
from billsync.sdk.exact import exact_json
from billsync.sdk.parse import dig, need
from billsync.sdk.row import Row
from billsync_plugins.sinks import _quickbooks_files as files
from billsync_plugins.sinks._quickbooks_api import API, BASE, CompanyOptions, at
from billsync_plugins.sinks._quickbooks_company import Company, party_of, quoted, tax_of
from billsync_plugins.sinks._quickbooks_documents import (
    ENTITIES,
    DocumentOptions,
    body_of,
    linked,
    payments_of,
    receipt_of,
)  # fmt: skip


class QuickBooksOptions(DocumentOptions, CompanyOptions):
    """One company, and how documents look there."""


class QuickBooks(Sink[QuickBooksOptions]):
    """The receivables of one company."""

    kind = "quickbooks"
    title = "QuickBooks Online"
    docs = "https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice"
    api = API
    idempotency = Idempotency(how="key", window=None, max_length=50)
    found_by = "number, and customer and time; then number and private note, compared exactly"
    settle = 130
    deletions_told_for = 28
    rounding = RoundingModel(tax_per="rate")
    limits = SinkLimits(lines=750, stamp=3900)
    stamp = "the private note, which the customer does not see"
    drafts = False
    attaches = True
    attaches_pages = False
    quality = "silver"

    @cached_property
    def company(self) -> Company:
        """The company, read through this account's session."""
        return Company(self.http)

    def check(self) -> Identity:
        off = "own numbers are off (Account and settings, Sales): QuickBooks numbers the documents"
        name = f"{self.company.name()} ({self.options.realm})"
        return Identity(account=name, remarks=() if self.company.numbers else (off,))

    def find(self, invoice: Invoice) -> Sequence[Receipt]:
        entity, since = ENTITIES[invoice.kind], invoice.issued_on - timedelta(days=2)
        by_number = f"DocNumber = {quoted(invoice.reference)}"
        by_time = f"CustomerRef = {quoted(invoice.customer)} and MetaData.CreateTime >= '{since}T00:00:00Z'"
        rows = {raw["Id"]: raw for where in (by_number, by_time) for raw in self.company.select(entity, where)}
        receipts = [receipt_of(entity, raw, self.company.currency) for raw in rows.values()]
        return [found for found in receipts if invoice.reference in (found.reference, found.number)]

    def request(self, invoice: Invoice, key: str) -> tuple[str, bytes]:
        company, currency = self.company, invoice.currency
        if currency != company.currency and not company.multicurrency:
            raise Refused(f"the books take {company.currency} only, not {currency}", where=self.account, sent=False)
        once = uuid5(NAMESPACE_URL, f"billsync:{self.options.realm}:{key}")
        path = at(ENTITIES[invoice.kind].lower()).replace("{realm}", self.options.realm)
        address = f"{self.options.base_url or BASE}{path}&requestid={once}"
        return address, exact_json(body_of(invoice, self.options, company))

    def create(self, invoice: Invoice, key: str) -> Receipt:
        try:
            address, content = self.request(invoice, key)
        except VendorError as error:
            error.sent = False  # nothing but the preferences was asked for
            raise
        answer = self.http.write("POST", address, content=content, headers={"Content-Type": "application/json"}).json()
        entity = ENTITIES[invoice.kind]
        receipt = receipt_of(entity, need(answer, entity), self.company.currency)
        remarks = [row.text("Message") for row in Row.each(dig(answer, "Warnings.Warning") or (), "warning", "code")]
        if invoice.push == "sent" and invoice.kind == "invoice":
            try:
                receipt = self._mail(receipt)
            except VendorError as error:  # the document is in the books, and listed there as still to be sent
                remarks.append(f"not mailed: {error.what}")
        return replace(receipt, remarks=tuple(remarks))

    def _mail(self, receipt: Receipt) -> Receipt:
        headers = {"Content-Type": "application/octet-stream"}
        answer = self.http.write("POST", at(f"{receipt.id.lower()}/send"), content=b"", headers=headers)
        return receipt_of("Invoice", need(answer.json(), "Invoice"), receipt.currency)

    def read_back(self, changed_since: datetime | None) -> Iterator[Receipt]:
        found = {entity: self.company.changed(entity, changed_since) for entity in ENTITIES.values()}
        payments, invoices = self.company.changed("Payment", changed_since), found["Invoice"]
        invoices |= self.company.by_id("Invoice", linked(payments, "Invoice") - invoices.keys())
        payments |= self.company.by_id("Payment", linked(invoices, "Payment") - payments.keys())
        received = payments_of(payments.values(), self.company.currency)
        for entity, rows in found.items():
            for number, raw in rows.items():
                money = received.get(number, ()) if entity == "Invoice" else ()
                yield receipt_of(entity, raw, self.company.currency, money)

    def void(self, receipt: Receipt) -> Receipt:
        """A credit memo cannot be voided there: it is deleted. Refused where somebody edited the document since."""
        entity, number = receipt.id.split("/")
        operation = "void" if entity == "Invoice" else "delete"
        body = {"Id": number, "SyncToken": receipt.revision}
        answer = self.http.write("POST", at(entity.lower()), body, {"operation": operation})
        return receipt_of(entity, need(answer.json(), entity), receipt.currency)

    def customers(self) -> Iterator[Party]:
        return map(party_of, self.company.select("Customer", "Active in (true, false)"))

    def taxes(self) -> Iterator[TaxCode]:
        rates = {raw["Id"]: Row(raw, "TaxRate", "Id").maybe.dec("RateValue") for raw in self.company.select("TaxRate")}
        return (tax_of(raw, rates) for raw in self.company.select("TaxCode"))

    def attach(self, receipt: Receipt, name: str, content: bytes, media_type: str) -> None:
        body, media = files.upload(receipt, name, content, media_type)
        files.kept(self.http.write("POST", at("upload"), content=body, headers={"Content-Type": media}).json())

    def attached(self, receipt: Receipt) -> Sequence[str]:
        return list(files.names(self.company, receipt))


billsync_sinks = sinks(QuickBooks)
