"""Odoo: invoices and credit notes as account.move, read back with their payments. Versions 17 to 19, by JSON-RPC.

https://www.odoo.com/documentation/17.0/developer/reference/external_api.html. The user needs Invoicing: Billing.
- A document is made by `load` under an External ID, in one transaction: the same once more answers the same document
  and writes nothing, whatever it says, parallel calls included. So what was made is read back, never assumed.
- The stamp is an attachment, and `approved` and `sent` are posted: calls of their own, made up for by the next run
  where an answer was lost. What is refused for good is a remark: then a person posts the draft. Only where the ledger
  is lost before that next run does a person have to map the document by hand; pushing stops until then.
- Odoo is not asked to mail: sending is not safe to repeat there.
- A deleted document leaves no trace, and its External ID is free again: a run asks for the known ones (`absent`).
- A document is told by its id and our key: drafts share numbers, deleted numbers come back.
- There is no version: before a void the document is read again and compared, which leaves a gap of one call.
Unconfirmed: versions 18 and 19 take the documents of 17 - shows as: the vendor refused the request, in its words.
Unconfirmed: the states of payment beyond Community's - shows as: the payment state is none of those that are known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Final

from billsync.model.errors import Refused, Unavailable, VendorError
from billsync.model.invoice import Invoice, Party, Receipt, TaxCode
from billsync.sdk import Idempotency, Identity, RoundingModel, Sink, SinkLimits, sinks
from billsync.sdk.exact import exact_json
from billsync.sdk.parse import dig, need
from billsync_plugins._odoo import API, RPC, Database, DatabaseOptions
from billsync_plugins.sinks._odoo_books import Books
from billsync_plugins.sinks._odoo_documents import DocumentOptions, attachment, file_of, table_of

TRIES: Final = 4
_RACE: Final = "could not serialize access"


class OdooOptions(DocumentOptions, DatabaseOptions):
    """One database, and how documents look there."""


class Odoo(Sink[OdooOptions]):
    """The receivables of one company."""

    kind = "odoo"
    title = "Odoo"
    docs = "https://www.odoo.com/documentation/17.0/developer/reference/external_api.html"
    api = API
    idempotency = Idempotency(how="upsert", window=None, max_length=200)
    found_by = "External ID, which is unique in the database"
    settle = 0
    rounding = RoundingModel(tax_per="line", unit_price_decimals=2, quantity_decimals=2)
    limits = SinkLimits(lines=500, stamp=20_000)
    stamp = "an attachment of the document"
    tells_deletions = False
    attaches = True
    quality = "silver"

    @cached_property
    def database(self) -> Database:
        """The database, called through this account's session."""
        return Database(self.http, self.options, self.account)

    @cached_property
    def books(self) -> Books:
        """Its receivables."""
        return Books(self.database, self.options.module, self.account)

    def check(self) -> Identity:
        name, remarks = self.books.company(self.options.company)
        return Identity(account=name, user=self.options.login, remarks=remarks)

    def find(self, invoice: Invoice) -> Sequence[Receipt]:
        return self.books.by_key(invoice.reference)

    def request(self, invoice: Invoice, key: str) -> tuple[str, bytes]:
        """Without the API key, which the session puts in its place."""
        columns, rows = table_of(invoice, self.options, self.options.company)
        context = {"mode": "update", "noupdate": True, "module": self.options.module}
        body = self.database.body("account.move", "load", [columns, rows], {"context": context})
        return f"{self.options.base_url or self.options.url}{RPC}", exact_json(body)

    def create(self, invoice: Invoice, key: str) -> Receipt:
        number = self._loaded(self.request(invoice, key)[1])
        try:
            return self.finish(invoice, self.books.one(number))
        except VendorError as error:
            error.sent = True  # the document is in the books
            raise

    def finish(self, invoice: Invoice, receipt: Receipt) -> Receipt:
        """The stamp, and posting where that is wanted. What is refused for good is a remark."""
        number, remarks, do = int(receipt.id), list[str](), self.database.do
        if not receipt.stamp:
            file = file_of(invoice, number)
            remarks.append(self.beside("the stamp was not kept", lambda: do("ir.attachment", "create", [file])))
            receipt = receipt if remarks[-1] else replace(receipt, stamp=invoice.stamp)
        if invoice.push != "draft" and receipt.status == "draft":
            remarks.append(self.beside("not posted", lambda: do("account.move", "action_post", [[number]])))
            receipt = receipt if remarks[-1] else self.books.one(number)
        return replace(receipt, remarks=tuple(filter(None, remarks)))

    def _loaded(self, content: bytes) -> int:
        """The id of the document, new or not. Whoever loses a race is told so, and asks again."""
        for _ in range(TRIES):
            answer = self.http.write("POST", RPC, content=content, headers={"Content-Type": "application/json"}).json()
            number, said = dig(answer, "result.ids.0"), need(answer, "result.messages")
            if isinstance(number, int) and not said:
                return number
            text = str(dig(said, "0.message", "no reason was given"))
            if _RACE not in text:
                raise Refused(f"the vendor refused the request: {text}", where=self.account, sent=False)
        raise Unavailable("others keep writing the same document", where=self.account)

    def read_back(self, changed_since: datetime | None) -> Iterator[Receipt]:
        return self.books.changed(changed_since)

    def absent(self, ids: Sequence[str]) -> Sequence[str]:
        return self.books.absent(ids)

    def void(self, receipt: Receipt) -> Receipt:
        """Cancelled. Refused where somebody edited it since, or paid: cancelling would undo the payment's match."""
        number = int(receipt.id)
        self.untouched(receipt, self.books.one(number), unpaid=True)
        self.database.do("account.move", "button_cancel", [[number]])
        return self.books.one(number)

    def attach(self, receipt: Receipt, name: str, content: bytes, media_type: str) -> None:
        self.database.do("ir.attachment", "create", [attachment(int(receipt.id), name, content, media_type)])

    def attached(self, receipt: Receipt) -> Sequence[str]:
        here = [["res_model", "=", "account.move"], ["res_id", "=", int(receipt.id)]]
        return [row["name"] for row in self.database.rows("ir.attachment", here, "name")]

    def customers(self) -> Iterator[Party]:
        return self.books.customers()

    def taxes(self) -> Iterator[TaxCode]:
        return self.books.taxes()


billsync_sinks = sinks(Odoo)
