"""Marks at the sources: what is billed in full is marked there, where the account says so (`mark_billed: true`).

Marks begin with the first night on which the option is on: what was billed before stays as it is. A record is marked
when every share of it stands on confirmed documents, or on an invoice that a person named (`review map --invoice`: the
mark is that number), and nothing of it is open. What was excluded is not billed, and not marked. Marks of a voided
document that was let go stay until the work is billed again, and then name the new document: no vendor here takes a
mark away safely.
What fails is a finding and comes again the next night; what a source refuses for good for one record is told once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from billsync.model.errors import BillsyncError, LedgerError, Missing, Refused
from billsync.model.statement import Evaluation
from billsync.model.work import Kind, SourceKey
from billsync.sdk.source import Source

if TYPE_CHECKING:
    from billsync.ledger import Ledger
    from billsync.ledger.marks import Billed
    from billsync.sync.firm import Firm

AT_ONCE: Final = 50
"""Records marked in one call of a connector: what a crash may leave without a note in the journal."""
_SETTLED: Final = frozenset({"billed", "withheld"})


class Marks:
    """Marking in one run. `findings` tells what did not succeed."""

    def __init__(self, firm: Firm, ledger: Ledger) -> None:
        self._firm = firm
        self._ledger = ledger
        self._accounts = [account for account in firm.config.sources() if account.mark_billed]
        self.findings: list[str] = []
        self.marked = 0

    def begin(self) -> None:
        """Before tonight's documents: an account that is marked for the first time begins here."""
        book = self._ledger.marks
        for account in self._accounts:
            if book.through(account.name) is None:
                book.go_through(account.name, book.last_posting(), now=self._firm.now())

    def mark(self, evaluation: Evaluation) -> None:
        """Everything that was billed since the last marks; `evaluation`: how the work stands after the push."""
        unsettled = {item.key for item in evaluation.items if item.bucket not in _SETTLED and item.key}
        awake = {item.key for item in evaluation.items if item.key}
        for account in self._accounts:
            try:
                self._account(account.name, awake, unsettled)
            except LedgerError:
                raise  # no trouble of the account: the night cannot be kept
            except BillsyncError as error:
                self.findings.append(f"{account.name}: records were not marked as billed: {error.what}")

    def _account(self, name: str, awake: set[SourceKey], unsettled: set[SourceKey]) -> None:
        book = self._ledger.marks
        since, newest = book.through(name), book.last_posting()
        if since is None or since == newest:
            return
        found = [
            one
            for one in book.billed_since(name, since)
            if one.key not in unsettled and (one.at_rest or one.key in awake)
        ]
        done = True
        if found:
            with self._firm.source(name) as source:
                kinds = source.marks(source.options)
                for (kind, reference), records in _batches(found).items():
                    if kind in kinds:
                        done &= self._batch(source, kind, records, reference)
        if done:
            book.go_through(name, newest, now=self._firm.now())

    def _batch(self, source: Source[Any], kind: Kind, records: Sequence[str], reference: str) -> bool:
        """Mark them together; one by one where the source refuses the lot. False: to be tried again."""
        for start in range(0, len(records), AT_ONCE):
            chunk = list(records[start : start + AT_ONCE])
            try:
                self._write(source, kind, chunk, reference)
            except (Refused, Missing) as error:
                if len(chunk) == 1:
                    self._refused(source, kind, chunk[0], reference, error.what)
                elif not all([self._batch(source, kind, [one], reference) for one in chunk]):
                    return False
        return True

    def _write(self, source: Source[Any], kind: Kind, records: list[str], reference: str) -> None:
        source.mark_billed(kind, records, reference)
        self._ledger.marks.add(source.account, kind, records, reference, now=self._firm.now())
        self.marked += len(records)

    def _refused(self, source: Source[Any], kind: Kind, record: str, reference: str, why: str) -> None:
        self._ledger.marks.add(source.account, kind, [record], reference, now=self._firm.now(), refused=why)
        self.findings.append(f"{source.account}: {kind} {record} was not marked as billed on {reference}: {why}")


def _batches(found: Sequence[Billed]) -> dict[tuple[Kind, str], list[str]]:
    """Records by kind and document, in the order of their postings; each once."""
    batches: dict[tuple[Kind, str], dict[str, None]] = defaultdict(dict)
    for one in found:
        batches[one.key.kind, one.reference].setdefault(one.key.id)
    return {key: list(records) for key, records in batches.items()}
