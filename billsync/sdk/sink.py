"""The base class of sinks: an accounting system that takes invoices exactly once.

No `find`, no sink: after a crash or a time-out only asking the books can tell whether an invoice is there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from billsync.model.errors import Denied, Missing, Refused, UsageError, VendorError
from billsync.model.invoice import Invoice, Party, Receipt, TaxCode
from billsync.model.money import Rounding
from billsync.sdk.account import Account, O
from billsync.sdk.source import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """How the vendor helps against doubles, and for how long it honours it.

    key: a client key in header or query, honoured for `window` seconds (None: not told, 0: not at all) ·
    unique: our reference is a number or property that the vendor refuses twice · upsert: an external id ·
    none: only `find` protects."""

    how: Literal["key", "unique", "upsert", "none"]
    window: int | None = 0
    max_length: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingModel:
    """The sink's own arithmetic, so that its total is known before the push.

    tax_per: tax is rounded per line, or once per document (or per tax rate of the document)."""

    tax_per: Literal["line", "document", "rate"] = "line"
    decimals: int = 2
    unit_price_decimals: int = 2
    quantity_decimals: int = 2
    rounding: Rounding = "half_up"
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkLimits:
    """What the vendor cuts or refuses."""

    lines: int = 500
    text: int = 4000
    reference: int = 21
    stamp: int = 4000


class Sink(Account[O]):
    """One set of books. A connector declares the class attributes and writes the six methods."""

    idempotency: ClassVar[Idempotency]
    found_by: ClassVar[str] = ""
    """By what `find` looks a document up, in words."""
    settle: ClassVar[int] = 0
    """Seconds before `find` can be trusted to show what was just created."""
    rounding: ClassVar[RoundingModel] = RoundingModel()
    limits: ClassVar[SinkLimits] = SinkLimits()
    stamp: ClassVar[str] = ""
    """Where the ledger's stamp is kept, in words (private note, attachment, external field)."""
    drafts: ClassVar[bool] = True
    """False: a created document is in receivables at once."""
    tells_deletions: ClassVar[bool] = True
    """False: a deletion leaves nothing that `read_back` could tell (Odoo): then a run asks `absent`."""
    deletions_told_for: ClassVar[int | None] = None
    """Days for which a deletion is told by `read_back`; older changes are then asked for whole. None: for ever."""
    needs_customer: ClassVar[bool] = True
    """False: any client can be billed without a customer of these books (the folder)."""
    attaches: ClassVar[bool] = False
    """True: evidence can be attached to a document (`attach`, `attached`)."""
    attaches_pages: ClassVar[bool] = True
    """False: of the files that can be attached HTML is none; a page then goes as text."""

    @abstractmethod
    def check(self) -> Identity:
        """One cheap call: whose books are these, which rights, which preferences stand in the way."""

    @abstractmethod
    def find(self, invoice: Invoice) -> Sequence[Receipt]:
        """Every document that bears `invoice.reference`, compared exactly on our side; empty: it is not there.

        Gets the whole document because some books are searched by customer and date, then matched by the stamp."""

    @abstractmethod
    def request(self, invoice: Invoice, key: str) -> tuple[str, bytes]:
        """Address and exact body that `create` would send: what a dry run shows. Makes no write."""

    @abstractmethod
    def create(self, invoice: Invoice, key: str) -> Receipt:
        """Create the document, with the vendor's idempotency key where it has one. Never retried by the session."""

    def finish(self, invoice: Invoice, receipt: Receipt) -> Receipt:
        """Make up for what `create` does beside the document (its stamp, posting), which a lost answer left undone.

        Called with what `find` found, before it is adopted; what was done already is not done again."""
        return receipt

    @abstractmethod
    def read_back(self, changed_since: datetime | None) -> Iterator[Receipt]:
        """Documents (ours and others) changed since, deleted and voided ones included; None: all."""

    @abstractmethod
    def void(self, receipt: Receipt) -> Receipt:
        """Void the document; only ever at a person's word."""

    @abstractmethod
    def customers(self) -> Iterator[Party]:
        """Customers in the books."""

    @abstractmethod
    def taxes(self) -> Iterator[TaxCode]:
        """Tax codes in the books."""

    def beside(self, undone: str, write: Callable[[], object], *, must: bool = True) -> str:
        """Do something beside a document that is in the books by now: "", or the remark that it is `undone`, and why.

        What is refused for good is a remark. Other trouble is raised where it `must` be done: the next run makes up
        for it by `finish`; `sent` is set then, for the document is in the books whatever became of this call."""
        try:
            write()
        except VendorError as error:
            if must and not isinstance(error, Refused | Denied | Missing):
                error.sent = True
                raise
            return f"{undone}: {error.what}"
        return ""

    def untouched(self, receipt: Receipt, now: Receipt, *, unpaid: bool = False) -> Receipt:
        """`now`, read before a void; Refused where somebody edited the document since `receipt`.

        For books without versions of their own; a gap of one call stays. `unpaid`: refused where money was received,
        too, for these books would void all the same."""
        if now.revision != receipt.revision or (unpaid and now.payments):
            how = "edited or paid" if unpaid else "edited"
            what = f"{now.number or now.id} was {how} since it was read"
            raise Refused(what, where=self.account, sent=False)
        return now

    def absent(self, ids: Sequence[str]) -> Sequence[str]:
        """Of these documents, by `Receipt.id`, the ones that are not in the books any more."""
        raise UsageError(f"{self.title} tells deletions by itself", where=self.account)

    def attach(self, receipt: Receipt, name: str, content: bytes, media_type: str) -> None:
        """Attach evidence to a document, where the books can hold it. The same name once more may hang there twice."""
        raise UsageError(f"{self.title} takes no attachments", where=self.account)

    def attached(self, receipt: Receipt) -> Sequence[str] | None:
        """Names of the files that hang at the document; None where the books cannot tell.

        Asked before anything is attached, since the answer to an earlier attempt may have been lost."""
        return None
