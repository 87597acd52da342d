"""Folder: the embedded books. Each invoice is a JSON document and a page to print; own format, no vendor.

Exactly once rests on files that exist once (_folder_store.py): a reference has one document even when two writers
create it in the same instant. Drafts are documents with the status draft. Payments come from a `payments.csv` that
a person drops into the folder. Everything is read back from the documents themselves, edits by hand included.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import PurePath
from typing import Any, Literal

from billsync.model.errors import Missing, Refused
from billsync.model.invoice import Invoice, Party, Receipt, TaxCode
from billsync.model.work import digest
from billsync.sdk import Field, Idempotency, Identity, Location, Options, RoundingModel, Sink, SinkLimits, sinks
from billsync.sdk.disk import json_bytes, put_once, vendor_errors, write_whole
from billsync_plugins.sinks._folder_books import Books
from billsync_plugins.sinks._folder_document import document_of, gone
from billsync_plugins.sinks._folder_store import Store


class FolderOptions(Options):
    """Where the documents go and what the pages say about the firm."""

    path: Location = Field(description="Folder of the invoices; its parent must exist. Relative to the configuration.")
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_-]*$", description="Before each number, e.g. INV-.")
    seller: str = Field(default="", description="The firm's name on the pages.")
    seller_address: list[str] = Field(default_factory=list, description="The firm's address, tax number, contact.")
    footer: str = Field(default="", description="At the foot of each page: bank account, terms.")
    customers: dict[str, str] = Field(
        default_factory=dict, description="Customer id -> name; others are then refused. Empty: any client is billed."
    )
    taxes: dict[str, Decimal] = Field(default_factory=dict, description="Tax code -> percent.")
    paper: Literal["A4", "Letter"] = Field(default="A4", description="Paper of the pages.")
    detail: bool = Field(default=True, description="Print how each amount was worked out on a page of its own.")


class Folder(Sink[FolderOptions]):
    """Books in a folder, safe under several writers."""

    kind = "folder"
    title = "Folder (JSON and printable pages)"
    docs = "https://docs.python.org/3/library/os.html#os.link"
    idempotency = Idempotency(how="unique", window=None, max_length=64)
    found_by = "the member `reference` of every document"
    rounding = RoundingModel(tax_per="line", decimals=4, unit_price_decimals=6, quantity_decimals=6)
    limits = SinkLimits(lines=10_000, text=10_000, reference=64, stamp=1_000_000)
    stamp = "the document's member `stamp`"
    needs_customer = False
    attaches = True
    quality = "silver"

    def check(self) -> Identity:
        """Makes the folder, and proves that its file system can keep two writers apart."""
        with self._opened() as (store, _):
            probe = self.options.path / ".billsync" / "probe"
            put_once(probe, b"")
            probe.unlink()
            return Identity(account=str(self.options.path), remarks=(f"{len(store.numbers())} documents",))

    def find(self, invoice: Invoice) -> Sequence[Receipt]:
        """The documents of the reference: the one that took it, also when it is gone, and copies made by hand."""
        return [found for found in self.read_back(None) if found.reference == invoice.reference]

    def request(self, invoice: Invoice, key: str) -> tuple[str, bytes]:
        """The file and its content, under the number that is free now."""
        store, _ = self._books
        number = store.next_number(invoice.issued_on.year)
        return str(store.path(number)), json_bytes(self._document(invoice, number))

    def create(self, invoice: Invoice, key: str) -> Receipt:
        """The one document of the reference, made now or before. Refused where another invoice took it."""
        if self.options.customers and invoice.customer not in self.options.customers:
            raise Refused(f"there is no customer {invoice.customer!r}", where=self.account, sent=False)
        self._document(invoice, "")  # refused, if at all, before a number is taken
        with self._opened() as (store, books):
            made = store.add(invoice.reference, invoice.issued_on.year, lambda number: self._document(invoice, number))
            if made["invoice"] != digest(invoice):
                raise Refused(f"{invoice.reference} was taken by another invoice", where=str(made["number"]))
            if store.deleted(made):
                return gone(made)
            books.publish(str(made["number"]))
            return books.receipt(str(made["number"]))

    def read_back(self, changed_since: datetime | None) -> Iterator[Receipt]:
        """Documents that changed or were paid since, and all that were taken away. Brings the index up to date."""
        with self._opened() as (_, books):
            yield from books.receipts(changed_since)
            books.publish()

    def void(self, receipt: Receipt) -> Receipt:
        """Sets the document's status; one that was edited or paid since is Refused."""
        with self._opened() as (store, books):
            if not store.path(receipt.id).exists():
                raise Missing("the document is gone", where=str(store.path(receipt.id)))
            self.untouched(receipt, books.receipt(receipt.id), unpaid=True)
            document, _ = store.read(receipt.id)
            store.write(receipt.id, {**document, "status": "voided"})
            books.publish(receipt.id)
            return books.receipt(receipt.id)

    def customers(self) -> Iterator[Party]:
        """The declared customers; without any, everybody who was billed."""
        with self._opened() as (store, _):
            billed = {str(made["customer"]["id"]): str(made["customer"]["name"]) for made in store.originals()}
        yield from (Party(id=id_, name=name) for id_, name in (self.options.customers or billed).items())

    def taxes(self) -> Iterator[TaxCode]:
        """The declared tax codes."""
        yield from (TaxCode(id=code, name=code, percent=percent) for code, percent in self.options.taxes.items())

    def attach(self, receipt: Receipt, name: str, content: bytes, media_type: str) -> None:
        """Puts the evidence into the document's own folder and names it on its page."""
        safe = PurePath(name.replace("\\", "/")).name.lstrip(".")
        if not safe or any(character in '<>:"|?*' or ord(character) < 32 for character in safe):
            raise Refused(f"{name!r} cannot be the name of a file", where=receipt.number, sent=False)
        with self._opened() as (_, books):
            folder = self.options.path / receipt.id
            folder.mkdir(exist_ok=True)
            write_whole(folder / safe, content)
            books.publish(receipt.id)

    def attached(self, receipt: Receipt) -> Sequence[str]:
        with self._opened() as (_, books):
            return books.attached(receipt.id)

    @cached_property
    def _books(self) -> tuple[Store, Books]:
        options, store = self.options, Store(self.options.path, self.options.prefix)
        return store, Books(store, paper=options.paper, detail=options.detail)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Store, Books]]:
        with vendor_errors(self.options.path):
            self._books[0].open()
            yield self._books

    def _document(self, invoice: Invoice, number: str) -> Mapping[str, Any]:
        options = self.options
        seller = {"name": options.seller, "address": options.seller_address, "footer": options.footer}
        return document_of(invoice, number, seller, options.taxes)


billsync_sinks = sinks(Folder)
