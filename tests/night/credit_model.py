"""What was delivered and what may be billed of it, by figures of its own.

Nothing here asks the rules: it knows the rows of the work log, what people said, and what left for the books. Every
method that looks for something wrong tells it in sentences; none of them means that all is well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billsync.model.book import Posting
from billsync.model.invoice import Invoice
from tests.night.credit_firm import LINE, RATE


@dataclass(slots=True)
class Sent:
    """A document that left: its parts as (identity, contract, line kind, amount), in minor units."""

    invoice: Invoice
    let_go: bool = False
    forgotten: bool = False
    """Deleted in the books, and then the ledger was lost: nobody knows of it."""

    def moves(self) -> Iterator[tuple[str, str, str, int]]:
        """Identity, contract, line kind, amount; without holdback."""
        for line in self.invoice.lines:
            if line.kind not in ("holdback", "release"):
                for part in line.parts:
                    yield part.identity, part.contract, line.kind, part.amount


class Model:
    """The worth of each piece of work, every document that left, and what people allowed."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.allowed: dict[str, int] = defaultdict(int)
        """Identity -> cents that were credited and that a person asked to bill once more, in all."""
        self.touched: set[str] = set()
        """Identities about which a person decided something."""
        self.worth: dict[str, int] = defaultdict(int)

    def note(self, row: Mapping[str, Any]) -> None:
        """A row of the work log as it is now; what is not approved keeps its last good figure."""
        if row["state"] == "approved":
            self.worth[f"time/work/{row['id']}"] = int(Decimal(str(row["hours"])) * RATE * 100)

    def value(self, identity: str) -> int:
        """What the work is worth as it stands; the last good figure while it is open again or gone."""
        return LINE if identity == "c1/line/design" else self.worth[identity]

    def net(self, contract: str = "") -> dict[str, int]:
        """Identity -> billed less credited, over all documents that were not let go; under one contract, or all."""
        net: dict[str, int] = defaultdict(int)
        for one in self.sent.values():
            if not one.let_go:
                for identity, where, _, amount in one.moves():
                    net[identity] += amount if contract in ("", where) else 0
        return net

    def credited(self, identity: str, contract: str = "") -> int:
        """Given back by a person's word, over all documents that were not let go."""
        return -sum(
            amount
            for one in self.sent.values()
            if not one.let_go
            for name, where, kind, amount in one.moves()
            if name == identity and kind == "credit" and contract in ("", where)
        )

    def identities(self) -> list[str]:
        """All work that stands on a document."""
        return sorted({identity for one in self.sent.values() for identity, *_ in one.moves()})

    def asked_again(self, identity: str) -> None:
        """A person wants all that stands credited now billed once more."""
        self.allowed[identity] = max(self.allowed[identity], self.credited(identity))

    def allow_as_documents_tell(self) -> None:
        """After a lost ledger: what was billed again by a person's word is what the documents bear."""
        self.allowed = defaultdict(int)
        for one in self.sent.values():
            for line in one.invoice.lines if not one.let_go else ():
                for part in line.parts:
                    self.allowed[part.identity] += part.amount if line.kind != "credit" and part.decision else 0

    # ---- What must hold ------------------------------------------------------------------------------------------

    def leaves(self, invoice: Invoice) -> Iterator[str]:
        """A document is about to be created: nothing on it may go beyond what was delivered and allowed."""
        known = self.sent.setdefault(invoice.reference, Sent(invoice))
        if known.invoice != invoice:
            yield f"{invoice.reference} was sent twice, with different content"
        after = self.net()
        for identity, contract in {(one, where) for one, where, _, amount in known.moves() if amount > 0}:
            value = self.value(identity)
            waits = max(0, self.credited(identity, contract) - self.allowed[identity])
            here = self.net(contract)[identity]
            if after[identity] > value or here > value - waits:
                yield (
                    f"{identity} is billed {after[identity]} net, {here} of it under {contract}, is worth {value},"
                    f" and {waits} were credited for good"
                )

    def differs_from(self, postings: Iterable[Posting]) -> Iterator[str]:
        """Where the ledger has other sums than the documents, by work and by document."""
        posted: dict[str, int] = defaultdict(int)
        of_document: dict[str, int] = defaultdict(int)
        for posting in postings:
            fact = posting.fact
            sign = {"billed": 1, "credited": -1}.get(fact.kind, 0)
            if fact.invoice in self.sent:
                posted[fact.identity] += sign * fact.amount
                if posting.reverses is None:
                    sign = {"withheld": -1, "released": 1}.get(fact.kind, sign)
                    of_document[fact.invoice] += sign * fact.amount
        net = self.net()
        for identity in posted.keys() | net.keys():
            if posted[identity] != net[identity]:
                yield f"the ledger has {posted[identity]} of {identity}, the documents {net[identity]}"
        for reference, one in self.sent.items():
            if not one.forgotten and of_document[reference] != one.invoice.total:
                yield f"{reference}: {of_document[reference]} is posted of {one.invoice.total}"

    def differs_in_books(self, documents: Iterable[tuple[str, int, str]]) -> Iterator[str]:
        """Documents (reference, total, status) that were never sent, or stand there with another total."""
        for reference, total, status in documents:
            if reference not in self.sent:
                yield f"{reference} is in the books, and was never sent"
            elif status not in ("voided", "deleted"):
                said = self.sent[reference].invoice.total
                if abs(total) != abs(said):
                    yield f"{reference}: the books say {total}, it was sent as {said}"

    def not_whole(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Approved work that nobody touched and that is not billed to the cent; where nothing keeps it waiting."""
        net = self.net()
        for row in rows:
            identity = f"time/work/{row['id']}"
            if identity not in self.touched and row["state"] == "approved" and net[identity] != self.value(identity):
                yield f"{identity} is worth {self.value(identity)}, approved, untouched, and billed {net[identity]}"
