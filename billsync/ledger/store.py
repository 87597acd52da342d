"""The ledger as the rest of billsync uses it: each method is one transaction over the functions of this package.

Writing methods raise LedgerError (with where and hint) when the file cannot be written; then nothing was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from billsync.ledger import certificate, documents, export, journal, outbox, polls, postings
from billsync.ledger.attachments import Attachments
from billsync.ledger.backup import Backup, backup
from billsync.ledger.checkpoint import Checkpoint, Signer, heads_problems, origin_of
from billsync.ledger.database import connect, immediate, snapshot, told, told_files
from billsync.ledger.decisions import decide, decisions
from billsync.ledger.facts import facts
from billsync.ledger.journal import JournalRow
from billsync.ledger.keeping import keep
from billsync.ledger.marks import Marks
from billsync.ledger.observations import Observed, observe
from billsync.ledger.relearn import Relearned, relearn
from billsync.ledger.settled import settled_items
from billsync.ledger.told import told as told_of
from billsync.ledger.told import with_told
from billsync.ledger.verify import Verification, verify
from billsync.model.book import BookDocument, Coverage, Decision, DecisionKind, Facts, Intent, IntentState, Terms
from billsync.model.errors import LedgerError, Tampered
from billsync.model.invoice import Draft, Invoice, Receipt
from billsync.model.statement import Evaluation, Item
from billsync.model.work import Observation, PollReceipt, Record


class Ledger:
    """One firm's ledger. Open it with `Ledger.open`, close it as a context manager. One thread."""

    def __init__(self, db: Database, path: Path, *, now: Callable[[], datetime], read_only: bool) -> None:
        self._db = db
        self._conn = db.conn
        self._now = now
        self.path = path
        self.read_only = read_only

    @classmethod
    def open(
        cls, path: Path, *, now: Callable[[], datetime], new_id: Callable[[], str], read_only: bool = False
    ) -> Ledger:
        """Open, and unless read only create or migrate, the ledger at `path`. `new_id` names a new ledger.

        Raises LedgerError: not a database, damaged, not writable; read only: missing, or to be migrated first.
        """
        ledger = cls(connect(path, read_only=read_only), path, now=now, read_only=read_only)
        try:
            if not read_only:
                ledger._named(new_id)
            _ = ledger.id
        except BaseException:
            ledger.close()
            raise
        return ledger

    def _named(self, new_id: Callable[[], str]) -> None:
        if self._name() is not None:
            return
        with self.transaction():
            if self._name() is None:
                name = new_id()
                journal.append(self._conn, "created", {"ledger": name, "schema": 1}, at=self._now())
                self._conn.execute("INSERT INTO ledger (name, value) VALUES ('id', ?)", (name,))

    def _name(self) -> str | None:
        with told(self.path):
            found = self._conn.execute("SELECT value FROM ledger WHERE name = 'id'").fetchone()
        return found and str(found[0])

    @property
    def id(self) -> str:
        """This ledger's own id, made when it was created and kept in every backup."""
        name = self._name()
        if name is None:
            raise LedgerError("the ledger has no id: its creation was interrupted", where=str(self.path))
        return name

    def close(self) -> None:
        """Give the file back; an open transaction is rolled back."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, for every call inside; may be nested. Other writers wait or fail with LedgerError."""
        if self.read_only:
            raise LedgerError("the ledger was opened for reading only", where=str(self.path))
        with told(self.path), immediate(self._db):
            yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with told(self.path), snapshot(self._db):
            yield

    # What sources said

    def observe(self, receipt: PollReceipt, records: Iterable[Record], *, night: date) -> Observed:
        """Take in one poll: its receipt, new versions, who vanished (complete and full polls only), who came back."""
        with self.transaction():
            return observe(self._conn, receipt, records, at=self._now(), night=night)

    def last_complete(self, account: str, kind: str) -> PollReceipt | None:
        """The receipt of the newest poll of this kind that finished; None: never."""
        with self._reading():
            return polls.last_complete(self._conn, account, kind)

    def last_full_sweep(self, account: str, kind: str) -> PollReceipt | None:
        """The receipt of the newest finished poll over all dates; None: never."""
        with self._reading():
            return polls.last_full_sweep(self._conn, account, kind)

    def last_polled(self) -> datetime | None:
        """When the last night asked its sources, by the clock of that night; None: never."""
        with self._reading():
            return polls.last_polled(self._conn)

    def coverage(self, terms: Terms) -> tuple[Coverage, ...]:
        """How current each kind of each source account is."""
        with self._reading():
            return polls.coverage(self._conn, terms)

    # What the rules need, and what they leave behind

    def with_told(self, terms: Terms, *, as_of: datetime | None = None) -> Terms:
        """The terms merged with what sources told of contracts and change orders; done twice, the same."""
        with self._reading():
            return with_told(self._conn, terms, as_of=as_of)

    def told(self, terms: Terms) -> tuple[Observation, ...]:
        """The contracts and change orders that these terms may rest on, as last seen."""
        with self._reading():
            return told_of(self._conn, terms)

    def facts(
        self,
        terms: Terms,
        *,
        now: datetime,
        today: date,
        as_of: datetime | None = None,
        only: str | None = None,
        everything: bool = False,
    ) -> Facts:
        """Everything an evaluation may look at.

        as_of: as the ledger stood at that instant, terms included. only: an identity or source key; just what is
        needed to explain it. everything: records at rest one by one too, instead of their totals.
        """
        with self._reading():
            return facts(self._conn, terms, now=now, today=today, as_of=as_of, only=only, everything=everything)

    def keep(self, evaluation: Evaluation, *, terms: Terms, now: datetime, night: date) -> None:
        """Store places, terms in force, postings without a document, and what may rest."""
        with self.transaction():
            keep(self._conn, evaluation, terms=terms, at=now, night=night)

    def settled_items(self, terms: Terms) -> Iterator[Item]:
        """The billed work that `facts` gives as totals only, one statement item each (withheld apart)."""
        with told(self.path):  # no transaction: the caller may write while it reads on
            yield from settled_items(self._conn, terms)

    # What people decide

    def decide(
        self,
        kind: DecisionKind,
        subject: str,
        *,
        person: str,
        reason: str,
        at: datetime,
        until: date | None = None,
        amount: int | None = None,
        target: str = "",
    ) -> Decision:
        """Record a decision; nothing is ever overwritten, the later one counts. UsageError without a reason."""
        with self.transaction():
            return decide(
                self._conn,
                kind,
                subject,
                person=person,
                reason=reason,
                at=at,
                until=until,
                amount=amount,
                target=target,
            )

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions, oldest first."""
        with self._reading():
            return decisions(self._conn)

    # The outbox

    def plan(self, draft: Draft, invoice: Invoice, *, input_hash: str, now: datetime) -> Intent:
        """Take a document into the outbox; the same reference and hash again returns what is there, planned anew
        where nothing can have been sent. KeyReuse: the reference stands for something else."""
        with self.transaction():
            return outbox.plan(self._conn, draft, invoice, input_hash=input_hash, at=now)

    def sending(self, reference: str, now: datetime) -> Intent:
        """To be called, and thereby committed, before the request leaves."""
        return self._change(reference, "sending", now, "")

    def confirm(self, reference: str, receipt: Receipt, *, expected_total: int, now: datetime, night: date) -> Intent:
        """The books hold it: postings, document and state in one transaction. Twice the same changes nothing."""
        with self.transaction():
            return outbox.confirm(self._conn, reference, receipt, expected_total=expected_total, at=now, night=night)

    def refuse(self, reference: str, reason: str, now: datetime) -> Intent:
        """The books said no: it is certain that nothing was written."""
        return self._change(reference, "refused", now, reason)

    def unsure(self, reference: str, reason: str, now: datetime) -> Intent:
        """Nobody can say whether the books hold it: state `unknown`."""
        return self._change(reference, "unknown", now, reason)

    def abandon(self, reference: str, reason: str, now: datetime) -> Intent:
        """Give up a document that was never sent, or refused."""
        return self._change(reference, "abandoned", now, reason)

    def _change(self, reference: str, state: IntentState, now: datetime, reason: str) -> Intent:
        with self.transaction():
            return outbox.change(self._conn, reference, state, at=now, reason=reason)

    def intents(self, *states: IntentState) -> tuple[Intent, ...]:
        """Intents in these states (none named: all), in the order in which they were planned."""
        with self._reading():
            return outbox.intents(self._conn, states)

    def intent(self, reference: str) -> Intent | None:
        """The intent of a reference."""
        with self._reading():
            return outbox.intent(self._conn, reference)

    # The books

    def read_back(self, sink: str, receipts: Sequence[Receipt], *, read_at: datetime) -> list[str]:
        """Store what the books say of our documents; returns what people changed there, in sentences."""
        with self.transaction():
            return documents.read_back(self._conn, sink, receipts, read_at=read_at)

    def last_read_back(self, sink: str) -> datetime | None:
        """When this sink was last read; None: never."""
        with self._reading():
            return documents.last_read_back(self._conn, sink)

    def documents(self, sink: str | None = None) -> tuple[BookDocument, ...]:
        """Our documents as last read."""
        with self._reading():
            return documents.documents(self._conn, sink)

    def phantoms(self, sink: str | None = None) -> tuple[BookDocument, ...]:
        """Documents without our reference, of customers whom we bill: for information."""
        with self._reading():
            return documents.phantoms(self._conn, sink)

    def foreign(self, sink: str, receipts: Iterable[Receipt]) -> list[Receipt]:
        """Documents with our prefix that this ledger does not know to be there, or that another ledger stamped."""
        with self._reading():
            return documents.foreign(self._conn, self.id, sink, receipts)

    def let_go(self, reference: str, *, person: str, reason: str, now: datetime, night: date) -> tuple[int, ...]:
        """Reverse the postings of a voided or deleted document, so that its work is billable again.

        UsageError: it still stands, was let go before, or a credit or release stands on it.
        """
        with self.transaction():
            return postings.let_go(self._conn, reference, person=person, reason=reason, at=now, night=night)

    def relearn(self, sink: str, receipts: Sequence[Receipt], *, person: str, now: datetime, night: date) -> Relearned:
        """Restore what the stamps of unknown documents tell."""
        with self.transaction():
            return relearn(self._conn, self.id, sink, receipts, person=person, at=now, night=night)

    # What is done beside documents

    @property
    def attachments(self) -> Attachments:
        """Evidence that hangs at documents, and documents that wait for theirs."""
        return Attachments(self._conn, self.transaction, self._reading)

    @property
    def marks(self) -> Marks:
        """Marks on records at their sources."""
        return Marks(self._conn, self.transaction, self._reading)

    # Proof

    def journal_rows(self, since_seq: int = 0) -> Iterator[JournalRow]:
        """The journal after `since_seq`, in order."""
        with told(self.path):  # no transaction: the caller may write while it reads on
            yield from journal.rows(self._conn, since_seq)

    def verify(self, heads: Sequence[Checkpoint] = ()) -> Verification:
        """Recompute every hash, replay the journal and compare: what was altered is named.

        heads: noted elsewhere; the journal must hold the rows of each of them, unchanged.
        """
        with self._reading():
            return verify(self._conn, origin_of(self.id), heads)

    def head(self, signer: Signer, now: datetime) -> Checkpoint:
        """The head of the journal, signed: to be kept outside."""
        with self._reading():
            size, root = journal.root(self._conn)
            return signer.sign(size, root, now)

    def continues(self, heads: Sequence[Checkpoint]) -> None:
        """Tampered: the journal is not the continuation of one of these heads."""
        with self._reading():
            problems = [what for _, what in heads_problems(self._conn, origin_of(self.id), heads)]
        if problems:
            raise Tampered(problems[0], where=str(self.path), hint="`billsync audit verify` tells what was altered")

    def prove(self, reference: str, signer: Signer, now: datetime, older: Checkpoint | None = None) -> bytes:
        """A self-contained proof of one document that the books hold: what was billed, on which versions of the
        work, by whose approval, in the journal up to now; `older`: a head that it is proved to continue."""
        with self._reading():
            if older is not None:
                self.continues([older])
            return certificate.prove(self._conn, reference, self.head(signer, now), signer.key, older)

    def backup(self, target: Path, now: datetime) -> Backup:
        """A verified copy at `target`, taken under running writers. LedgerError, and no file, if it does not verify."""
        with told(self.path), told_files(target):
            return backup(self._conn, target, now)

    def export_rows(self, table: str) -> Iterator[dict[str, str | int | None]]:
        """Rows of one of export.COLUMNS' tables for the audit files, columns in that order."""
        with told(self.path):  # no transaction: the caller may write while it reads on
            yield from export.rows(self._conn, table)
