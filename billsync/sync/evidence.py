"""Evidence at the documents: after they are in the books, in a step of its own, each file once.

    owed -> built from the pinned versions -> asked for by name -> attached -> journalled with its hash

What fails is a finding and comes again the next night; the document itself is never sent again for it. A crash between
the attaching and the journal leaves a file that the next night finds by its name. Only books that cannot tell the names
of their files may then hold it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from billsync.model.errors import Denied, Missing, Refused, SecretError, VendorError
from billsync.model.invoice import Draft, Invoice
from billsync.reports.evidence import proofs
from billsync.reports.render.evidence import File, files
from billsync.sdk.sink import Sink
from billsync.sync.summary import Attached

if TYPE_CHECKING:
    from billsync.ledger import Ledger
    from billsync.ledger.attachments import Owed, Versions
    from billsync.sync.firm import Firm

Wanted = Mapping[str, frozenset[str]]
_ONLY_THIS: Final = (Refused, Denied, Missing)
"""What the books say no to for one file; anything else is trouble with the books, and the rest waits too."""


class Evidence:
    """Attaching in one set of books, in one run. `done` and `findings` tell what came of it."""

    def __init__(self, firm: Firm, ledger: Ledger, sink: Sink[Any]) -> None:
        self._firm = firm
        self._ledger = ledger
        self._sink = sink
        self.done: list[Attached] = []
        self.findings: list[str] = []

    def attach(self) -> None:
        """Everything that is owed, tonight's documents included."""
        for owed in self._ledger.attachments.owed(self._sink.account) if self._sink.attaches else ():
            try:
                self._attach(owed)
            except (VendorError, SecretError) as error:  # the books are in trouble: the rest comes the next night
                self.findings.append(f"evidence was not attached in {self._sink.account}: {error.what}")
                return

    def rehearse(self, drafts: Iterable[Draft], documents: Iterable[Invoice]) -> None:
        """Name what would be attached: what is still owed, then that of tonight's documents."""
        if not self._sink.attaches:
            return
        for owed in self._ledger.attachments.owed(self._sink.account):
            known = {one.name for one in self._ledger.attachments.of(owed.intent.reference)}
            invoice = owed.intent.invoice
            made = () if owed.gone else self._files(invoice, self._still(owed.wanted))
            self._name(owed.intent.reference, (file for file in made if file.name not in known))
        by_reference = {draft.reference: draft for draft in drafts}
        for invoice in documents:
            asked = {name: self._asked(name) for name in by_reference[invoice.reference].contracts}
            self._name(invoice.reference, self._files(invoice, asked))

    def _name(self, reference: str, made: Iterable[File]) -> None:
        for file in made:
            self.done.append(self._told("would_attach", reference, file))

    def _attach(self, owed: Owed) -> None:
        """The files that are missing at one document; closed once all are there."""
        reference, receipt = owed.intent.reference, owed.intent.receipt
        book = self._ledger.attachments
        if owed.gone or receipt is None:
            book.close(reference, now=self._firm.now(), reason=f"{owed.gone} in the books")
            return
        wanted = self._still(owed.wanted)
        if not any(wanted.values()):
            return  # nobody wants it any more; said again, it is owed again
        known = {one.name for one in book.of(reference)}
        missing = [file for file in self._files(owed.intent.invoice, wanted) if file.name not in known]
        there = (self._sink.attached(receipt) or ()) if missing else ()
        if all([self._one(owed, file, found=file.name in there) for file in missing]):
            book.close(reference, now=self._firm.now())

    def _one(self, owed: Owed, file: File, *, found: bool) -> bool:
        """One file: there by now, or a finding."""
        receipt, reference = owed.intent.receipt, owed.intent.reference
        assert receipt is not None  # noqa: S101  `_attach` has seen it
        try:
            if not found:
                self._sink.attach(receipt, file.name, file.content, file.media_type)
        except _ONLY_THIS as error:
            self.done.append(self._told("failed", reference, file, error.what))
            self.findings.append(f"{file.name} was not attached to {receipt.number or reference}: {error.what}")
            return False
        self._ledger.attachments.add(
            reference,
            file.name,
            document=receipt.id,
            media_type=file.media_type,
            size=len(file.content),
            sha256=file.sha256,
            found=found,
            now=self._firm.now(),
        )
        self.done.append(self._told("found" if found else "attached", reference, file))
        return True

    def _files(self, invoice: Invoice, wanted: Wanted) -> Iterator[File]:
        firm = self._firm
        versions: Versions = self._ledger.attachments.versions(invoice) if any(wanted.values()) else {}
        found = proofs(invoice, versions, wanted, firm=firm.config.firm.name, persons=firm.terms.persons)
        for proof in found:
            yield from files(proof, invoice.reference, pages=self._sink.attaches_pages)

    def _still(self, wanted: Wanted) -> Wanted:
        """What was wanted when the work was rated, and is wanted today."""
        return {contract: kinds & self._asked(contract) for contract, kinds in wanted.items()}

    def _asked(self, contract: str) -> frozenset[str]:
        terms = self._firm.terms.contracts.get(contract)
        return frozenset(terms.billing.evidence) if terms else frozenset()

    def _told(self, outcome: Any, reference: str, file: File, reason: str = "") -> Attached:
        return Attached(
            outcome=outcome,
            reference=reference,
            sink=self._sink.account,
            name=file.name,
            size=len(file.content),
            reason=reason,
        )
