"""Books on loopback: an accounting system with the manners of any vendor, and people who work in it by hand.

FakeBooks keeps the documents; a dialect (quickbooks.py, plain.py) speaks some vendor's JSON. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from billsync.model.invoice import DocumentKind
from billsync.model.money import round_whole
from billsync.sdk.sink import RoundingModel
from billsync.testing.clock import Clock
from billsync.testing.server import FakeServer, Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How these books treat what comes in.

    key_window: seconds for which an idempotency key repeats the first answer (None: for ever, 0: never) ·
    unique_numbers: a number that is taken is refused · visible_after: seconds until a search shows what was made ·
    posts_as: a new document is a draft, or in receivables at once"""

    key_window: int | None = None
    unique_numbers: bool = True
    visible_after: int = 0
    posts_as: Literal["open", "draft"] = "open"
    rounding: RoundingModel = field(default_factory=RoundingModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLine:
    """Net amount in minor units, before tax; `raw` is what the vendor keeps beside it."""

    amount: int
    tax: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Document:
    """A document in the books. `note` holds what the vendor hides from customers."""

    id: str
    kind: DocumentKind
    number: str
    customer: str
    currency: str
    issued_on: date
    lines: tuple[BookLine, ...]
    tax: int
    created_at: datetime
    updated_at: datetime
    note: str = ""
    due_on: date | None = None
    status: Literal["draft", "open", "voided", "deleted"] = "open"
    sent: bool = False
    revision: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """What hangs at it, by name."""

    @property
    def net(self) -> int:
        """Without tax."""
        return sum(line.amount for line in self.lines)

    @property
    def total(self) -> int:
        """With tax."""
        return self.net + self.tax


@dataclass(slots=True, kw_only=True)
class BookPayment:
    """Money received for documents: id of a document -> amount."""

    id: str
    on: date
    amounts: Mapping[str, int]
    updated_at: datetime
    deleted: bool = False


class Taken(Exception):
    """The number belongs to another document: `document`."""

    def __init__(self, document: Document) -> None:
        super().__init__(document.number)
        self.document = document


class FakeBooks(FakeServer):
    """`documents` is the truth, deleted ones included; `bearing(reference)` is what a test asks in the end."""

    def __init__(self, *, clock: Clock | None = None, manners: Manners | None = None) -> None:
        super().__init__(clock=clock)
        self.manners = manners or Manners()
        self.documents: dict[str, Document] = {}
        self.payments: dict[str, BookPayment] = {}
        self.customers: dict[str, str] = {"1": "Acme Inc", "2": "O'Neil & Sons"}
        self.tax_rates: dict[str, Decimal] = {}
        """Tax code -> percent."""
        self._keys: dict[str, tuple[datetime, Response]] = {}
        self._ids = 100

    # ---- What a test asks ------------------------------------------------------------------------------------

    def look(self) -> None:
        """Bring `documents` up to date: books that are files read them again."""

    def bearing(self, reference: str) -> list[Document]:
        """Documents that stand in the books under our reference, by number or note; not the voided and deleted ones."""
        standing = (document for document in self.documents.values() if document.status in ("draft", "open"))
        return [document for document in standing if reference in (document.number, *document.note.split())]

    def paid(self, document: Document) -> int:
        """Money received for it."""
        live = (payment for payment in self.payments.values() if not payment.deleted)
        return sum(payment.amounts.get(document.id, 0) for payment in live)

    # ---- What the accountant does by hand --------------------------------------------------------------------

    def enter(self, number: str, amount: int, *, customer: str = "1", note: str = "", **more: Any) -> Document:
        """A document made by hand."""
        line = (BookLine(amount=amount),)
        return self.keep(number=number, customer=customer, lines=line, note=note, **{"currency": "USD", **more})

    def edit(self, document: Document, **changes: Any) -> Document:
        """Change members; `amount` sets the first line."""
        if "amount" in changes:
            first = replace(document.lines[0], amount=changes.pop("amount"))
            changes["lines"] = (first, *document.lines[1:])
        for name, value in changes.items():
            setattr(document, name, value)
        document.tax = self.tax_of(document.lines, document.currency)
        return self._touched(document)

    def void(self, document: Document) -> Document:
        """Void: it stays, worth nothing."""
        document.status = "voided"
        document.lines = tuple(replace(line, amount=0) for line in document.lines)
        document.tax = 0
        document.note = f"Voided - {document.note}".rstrip(" -")
        return self._touched(document)

    def delete(self, document: Document) -> Document:
        """Delete: searches do not show it any more."""
        document.status = "deleted"
        return self._touched(document)

    def pay(self, document: Document, amount: int | None = None, *, touches: bool = True) -> BookPayment:
        """Receive money, all that is open unless told; `touches`: the document's own change time moves as well."""
        self._ids += 1
        now = self.clock.now()
        whole = document.total - self.paid(document)
        amounts = {document.id: whole if amount is None else amount}
        payment = BookPayment(id=str(self._ids), on=now.date(), amounts=amounts, updated_at=now)
        self.payments[payment.id] = payment
        if touches:
            self._touched(document)
        return payment

    def take_back(self, payment: BookPayment) -> None:
        """Delete a payment."""
        payment.deleted, payment.updated_at = True, self.clock.now()
        for ident in payment.amounts:
            self._touched(self.documents[ident])

    def _touched(self, document: Document) -> Document:
        document.revision += 1
        document.updated_at = self.clock.now()
        return document

    # ---- What a dialect uses ---------------------------------------------------------------------------------

    def keep(
        self,
        *,
        number: str,
        customer: str,
        lines: Sequence[BookLine],
        currency: str,
        kind: DocumentKind = "invoice",
        **more: Any,
    ) -> Document:
        """Post a document; Taken when its number belongs to another and these books mind."""
        if number and self.manners.unique_numbers:
            for other in self.documents.values():
                if other.number == number and other.kind == kind and other.status != "deleted":
                    raise Taken(other)
        self._ids += 1
        now = self.clock.now()
        more.setdefault("issued_on", now.date())
        status = "draft" if self.manners.posts_as == "draft" else "open"
        document = Document(
            id=str(self._ids), kind=kind, number=number or str(1000 + self._ids), customer=customer, lines=tuple(lines),
            currency=currency, tax=self.tax_of(lines, currency), created_at=now, updated_at=now,
            **{"status": status, **more},
        )  # fmt: skip
        self.documents[document.id] = document
        return document

    def visible(self, kind: DocumentKind | None = None) -> list[Document]:
        """What a search shows now, oldest first."""
        delay = timedelta(seconds=self.manners.visible_after)
        shown = (found for found in self.documents.values() if found.status != "deleted")
        return [found for found in shown if kind in (None, found.kind) and found.created_at + delay <= self.clock.now()]

    def remembered(self, key: str) -> Response | None:
        """The first answer to an idempotency key, while these books honour it."""
        found = self._keys.get(key)
        window = self.manners.key_window
        if found is None or (window is not None and self.clock.now() - found[0] >= timedelta(seconds=window)):
            return None
        return found[1]

    def remember(self, key: str, response: Response) -> Response:
        """Keep the answer to a key."""
        if key:
            self._keys[key] = (self.clock.now(), response)
        return response

    def tax_of(self, lines: Iterable[BookLine], currency: str) -> int:
        """Tax in minor units by these books' own rounding; amounts are net."""
        model = self.manners.rounding
        exact: dict[object, Fraction] = {}
        for number, line in enumerate(lines):
            percent = self.tax_rates.get(line.tax or "", Decimal(0))
            together = {"line": number, "rate": line.tax, "document": None}[model.tax_per]
            exact[together] = exact.get(together, Fraction(0)) + line.amount * Fraction(percent) / 100
        return sum(round_whole(part, model.rounding) for part in exact.values())

    def handle(self, request: Request) -> Response:
        raise NotImplementedError
