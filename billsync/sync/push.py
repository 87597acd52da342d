"""The push protocol: an invoice leaves exactly once, whatever dies when.

    planned -> commit -> sending -> commit -> create -> confirmed -> commit
                            |                    |
                            |                    +-- refused for certain   -> refused  (nothing was written)
                            +-- anything else ----------------------------> unknown  (ask the books first)

An intent that is `sending` or `unknown` is never sent again before `find` was asked, and only where the answer "not
there" can be trusted: the sink's `settle` has passed, or the books themselves refuse the same document twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from billsync.model.book import Intent
from billsync.model.errors import BillsyncError, Refused, UsageError, VendorError
from billsync.model.invoice import Draft, Invoice, Receipt, TaxCode
from billsync.model.work import digest
from billsync.sdk.sink import Sink
from billsync.sync.document import document, expected_total
from billsync.sync.firm import Firm
from billsync.sync.summary import Outcome, Pushed

if TYPE_CHECKING:
    from billsync.ledger import Ledger

WAIT_AT_MOST: Final = 20
"""Seconds a run waits for a sink to settle before it leaves the question to the next night."""

WAIT_IN_DOUBT: Final = 600
"""Seconds that it waits where the clock does not tell how long ago a document was sent."""
BELIEVED: Final = timedelta(days=2)
"""An attempt this old is what a missed night leaves; an older one may be new, and the clock wrong."""


@dataclass(slots=True, kw_only=True)
class Push:
    """Pushing to one sink, in one run."""

    firm: Firm
    ledger: Ledger
    sink: Sink[Any]
    rehearsal: bool = False
    """A dry run: ask, adopt into a ledger that is rolled back, but never create."""
    findings: list[str] = field(default_factory=list)
    _taxes: dict[str, TaxCode] | None = None
    done: list[Pushed] = field(default_factory=list)
    documents: list[Invoice] = field(default_factory=list)
    """Of a rehearsal: what would be created."""

    def resolve(self, intents: Iterable[Intent]) -> None:
        """Find out what became of documents whose answer was never recorded; send again only what is not there."""
        for intent in intents:
            if intent.state == "planned":
                self.ledger.abandon(intent.reference, "planned, never sent", self.firm.now())
            elif intent.state in ("sending", "unknown"):
                self._resolve(intent)

    def send(self, drafts: Iterable[Draft]) -> None:
        """Push tonight's drafts, one after the other; one that fails stops no other."""
        for draft in drafts:
            try:
                self._send(draft)
            except VendorError as error:  # the books could not even be asked: nothing was sent
                self._note("refused", draft, reason=_one_line(error))

    def hold(self, drafts: Iterable[Draft], reason: str) -> None:
        """Send none of them tonight."""
        for draft in drafts:
            self._note("held", draft, reason=reason)

    def rehearse(self, drafts: Iterable[Draft]) -> None:
        """What `send` would do, to the byte, without a write anywhere."""
        for draft in drafts:
            try:
                invoice = self._document(draft)
                request = self.sink.request(invoice, _key(invoice))
            except BillsyncError as error:
                self._note("held", draft, reason=_one_line(error))
            else:
                self.documents.append(invoice)
                self._note("would_create", draft, request=request)

    def _send(self, draft: Draft) -> None:
        try:
            self._last_look(draft)
            invoice = self._document(draft)
        except BillsyncError as error:
            if isinstance(error, VendorError):
                raise
            self._note("held", draft, reason=_one_line(error))
            return
        intent = self.ledger.plan(draft, invoice, input_hash=digest(draft), now=self.firm.now())
        if intent.state in ("confirmed", "sending", "unknown"):
            return  # settled or being settled: `resolve` has the word
        if intent.attempts and not self._absent(intent):
            return
        self._create(intent)

    def _last_look(self, draft: Draft) -> None:
        """What plugins have to say; a finding whose code starts with "hold_" holds this draft."""
        hook = self.firm.plugins.hooks.hook
        for findings in hook.billsync_findings(draft=draft):
            for finding in findings:
                self.findings.append(f"{finding.code}: {finding.text}")
                if finding.code.startswith("hold_"):
                    raise UsageError(finding.text, where=finding.identity)
        hook.billsync_before_push(draft=draft, sink=self.sink.account)

    def _absent(self, intent: Intent) -> bool:
        """Ask the books for an earlier attempt; adopt what is there."""
        found = self.sink.find(intent.invoice)
        if found:
            self._adopt(intent, found)
        return not found

    def _create(self, intent: Intent) -> None:
        invoice = intent.invoice
        self.ledger.sending(intent.reference, self.firm.now())
        try:
            receipt = self.sink.create(invoice, _key(invoice))
        except VendorError as error:
            self._failed(intent, error)
            return
        self._confirm(intent, receipt, "created")

    def _failed(self, intent: Intent, error: VendorError) -> None:
        """A refusal may still mean "I have that already" (a unique number, a used key): so the books are asked."""
        reason = _one_line(error)
        if error.sent:
            self.ledger.unsure(intent.reference, reason, self.firm.now())
            self._settle_soon(intent, reason)
        elif isinstance(error, Refused) or not self._earlier_settled(intent):
            self._adopt_or(intent, reason, refused=self._earlier_settled(intent))
        else:
            self.ledger.refuse(intent.reference, reason, self.firm.now())
            self._note("refused", intent.draft, reason=reason)

    def _earlier_settled(self, intent: Intent) -> bool:
        """A refusal tells of this attempt only: an earlier one may be in the books, and not visible yet."""
        if not intent.attempts or intent.sent_at is None:
            return True
        since = self.firm.now() - intent.sent_at
        return self._clock_in_doubt(intent) or since >= timedelta(seconds=self.sink.settle)

    def _settle_soon(self, intent: Intent, reason: str) -> None:
        """After an uncertain answer: wait if the sink settles quickly, then look; never send again at once."""
        if self.sink.settle > WAIT_AT_MOST:
            self._unsure(intent, reason)
            return
        self.firm.sleep(self.sink.settle)
        self._adopt_or(intent, reason)

    def _adopt_or(self, intent: Intent, reason: str, *, refused: bool = False) -> None:
        """Adopt what the books hold; else it was refused for certain, or its outcome is not known."""
        try:
            found = self.sink.find(intent.invoice)
        except VendorError as error:
            self._unsure(intent, f"{reason}; then {_one_line(error)}")
            return
        if found:
            self._adopt(intent, found)
        elif refused:
            self.ledger.refuse(intent.reference, reason, self.firm.now())
            self._note("refused", intent.draft, reason=reason)
        else:
            self._unsure(intent, reason)

    def _unsure(self, intent: Intent, reason: str) -> None:
        self.ledger.unsure(intent.reference, reason, self.firm.now())
        self._note("unknown", intent.draft, reason=reason)

    def _resolve(self, intent: Intent) -> None:
        try:
            found = self._look(intent)
        except VendorError as error:
            self._unsure(intent, _one_line(error))
            return
        if found:
            self._adopt(intent, found)
        elif self._may_send_again(intent) and not self.rehearsal:
            self._create(intent)
        else:
            self._unsure(intent, f"not in the books yet, which is only certain {self.sink.settle} s after it was sent")

    def _look(self, intent: Intent) -> Sequence[Receipt]:
        """What the books hold of it; where the clock cannot tell how long ago it was sent, after waiting once."""
        found = self.sink.find(intent.invoice)
        if found or self.rehearsal or not self._clock_in_doubt(intent):
            return found
        self.firm.sleep(self.sink.settle)
        return self.sink.find(intent.invoice)

    def _clock_in_doubt(self, intent: Intent) -> bool:
        """Sent in the future, or days ago: the clock may have jumped, and a wait of minutes is cheap and certain."""
        since = self.firm.now() - (intent.sent_at or intent.planned_at)
        return not timedelta(0) <= since <= BELIEVED and self.sink.settle <= WAIT_IN_DOUBT

    def _may_send_again(self, intent: Intent) -> bool:
        """True where "not there" is proof, or a double would be refused by the books themselves."""
        helps = self.sink.idempotency
        since = self.firm.now() - (intent.sent_at or intent.planned_at)
        if helps.how in ("unique", "upsert"):
            return True
        if helps.how == "key" and helps.window is not None and timedelta(0) <= since < timedelta(seconds=helps.window):
            return True
        return self._clock_in_doubt(intent) or since >= timedelta(seconds=self.sink.settle)

    def _adopt(self, intent: Intent, found: Sequence[Receipt]) -> None:
        if len(found) > 1:
            numbers = ", ".join(receipt.number for receipt in found)
            self._unsure(
                intent, f"the books hold {len(found)} documents with this reference: {numbers}; a person must void one"
            )
            return
        try:
            receipt = found[0] if self.rehearsal else self.sink.finish(intent.invoice, found[0])
        except VendorError as error:  # it is in the books: the next run finds it again, and goes on
            self._unsure(intent, _one_line(error))
            return
        self._confirm(intent, receipt, "adopted")

    def _confirm(self, intent: Intent, receipt: Receipt, outcome: Outcome) -> None:
        expected = self._expected(intent.invoice)
        self.ledger.confirm(
            intent.reference,
            receipt,
            expected_total=receipt.total if expected is None else expected,
            now=self.firm.now(),
            night=self.firm.today,
        )
        self._note(outcome, intent.draft, receipt=receipt)
        self.findings.extend(f"{receipt.number}: {remark}" for remark in receipt.remarks)
        try:
            self.firm.plugins.hooks.hook.billsync_after_push(receipt=receipt)
        except BillsyncError as error:  # the document is in the books and in the ledger: only a finding
            self.findings.append(f"after the push of {receipt.number}: {error.what}")

    def _expected(self, invoice: Invoice) -> int | None:
        """The predicted total. A document that is in the books is confirmed even when its taxes cannot be read now."""
        try:
            return expected_total(invoice, self.sink, self.taxes(invoice))
        except VendorError as error:
            self.findings.append(f"the total of {invoice.reference} could not be predicted: {error.what}")
            return None

    def taxes(self, invoice: Invoice) -> Mapping[str, TaxCode]:
        """Tax codes of the books, asked once and only where a line needs one."""
        if not any(line.tax_code for line in invoice.lines):
            return {}
        if self._taxes is None:
            self._taxes = {code.id: code for code in self.sink.taxes()}
        return self._taxes

    def _document(self, draft: Draft) -> Invoice:
        asked = any(part.decision is not None for line in draft.lines for part in line.parts)
        return document(
            draft,
            self.firm.terms,
            self.sink,
            ledger_id=self.ledger.id,
            today=self.firm.today,
            decisions={one.id: one for one in self.ledger.decisions()} if asked else {},
        )

    def _note(
        self,
        outcome: Outcome,
        draft: Draft,
        *,
        receipt: Receipt | None = None,
        reason: str = "",
        request: tuple[str, bytes] | None = None,
    ) -> None:
        self.done.append(
            Pushed(
                outcome=outcome,
                reference=draft.reference,
                sink=self.sink.account,
                client=draft.client,
                currency=draft.currency,
                total=draft.total,
                receipt=receipt,
                reason=reason,
                draft=draft,
                request=request,
            )
        )


def _key(invoice: Invoice) -> str:
    """The idempotency key: the same for every attempt of the same document, for ever."""
    return invoice.reference


def _one_line(error: BillsyncError) -> str:
    return " | ".join(str(error).splitlines())
