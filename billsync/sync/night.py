"""The night: settle what is open, read the books back, poll, rate, gate, push, look again.

One writer at a time. What goes wrong at one account stops that account, is said, and makes the exit code; the
others go on. A dry run takes the same path and rolls the ledger back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from billsync.model.book import Intent
from billsync.model.errors import BillsyncError, LedgerError, SecretError, UsageError
from billsync.model.invoice import Draft
from billsync.model.merging import accounts_of
from billsync.model.statement import Evaluation
from billsync.rules.engine import evaluate
from billsync.sync.books import read_back
from billsync.sync.clock import clock_findings, wrong_clock
from billsync.sync.evidence import Evidence
from billsync.sync.firm import Firm
from billsync.sync.lock import run_lock
from billsync.sync.marks import Marks
from billsync.sync.notify import notify, stopped
from billsync.sync.poll import KINDS, Memory, Wanted, poll_all
from billsync.sync.push import Push
from billsync.sync.summary import NightSummary, Progress, Quiet

if TYPE_CHECKING:
    from billsync.ledger import Ledger

FIRST_LOOK_BACK: Final = timedelta(days=400)
"""How far the first poll looks back where no contract says when it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfCycle:
    """A run for one project: everything ready on it is billed at once, and nothing else. Who asked for it, and why."""

    account: str
    project: str
    person: str
    reason: str


class _RolledBack(Exception):
    """Ends a rehearsal: everything the ledger took is given back."""


def run(
    firm: Firm,
    *,
    dry_run: bool = False,
    full: bool = False,
    accounts: Collection[str] = (),
    only: OutOfCycle | None = None,
    progress: Progress | None = None,
) -> NightSummary:
    """One night. `accounts`: only these sources are polled (empty: all). `only`: nothing but this project is billed.
    Raises Locked, LedgerError, UsageError."""
    progress = progress or Quiet()
    _known(firm, accounts)
    try:
        return _run(firm, progress, dry_run=dry_run, full=full, accounts=accounts, only=only)
    except LedgerError as error:
        if not dry_run:
            stopped(firm, error)
        raise


def _run(
    firm: Firm,
    progress: Progress,
    *,
    dry_run: bool,
    full: bool,
    accounts: Collection[str],
    only: OutOfCycle | None,
) -> NightSummary:
    with run_lock(firm.config.ledger_path, now=firm.now), firm.ledger() as ledger:
        night = _Night(firm, ledger, progress, dry_run=dry_run, only=only)
        if not dry_run:
            night.whole(full, accounts)
            return night.summary
        try:
            with ledger.transaction():
                night.whole(full, accounts)
                raise _RolledBack
        except _RolledBack:
            return night.summary


class _Night:
    """The state of one run: which sinks are open, what was said so far."""

    def __init__(
        self, firm: Firm, ledger: Ledger, progress: Progress, *, dry_run: bool, only: OutOfCycle | None
    ) -> None:
        self.firm = firm
        self.only = only
        self.ledger = ledger
        self.progress = progress
        started = firm.now()
        self.summary = NightSummary(night=firm.today, started=started, finished=started, dry_run=dry_run)

    def whole(self, full: bool, accounts: Collection[str]) -> None:
        """The order of the night."""
        self.summary.findings.extend(clock_findings(self.firm, self.ledger))
        self.firm.terms = self.ledger.with_told(self.firm.terms)
        marks = Marks(self.firm, self.ledger)
        marks.begin()
        with ExitStack() as stack:
            pushes = self._open_books(stack)
            self._poll(full, accounts)
            if self.only is not None:
                self._ask(self.only)
            evaluation = self._evaluate(self.only)
            self._push(pushes, evaluation)
            for push in pushes.values():
                self.summary.pushed.extend(push.done)
                self.summary.findings.extend(push.findings)
                self._attach(push)
        self.summary.findings.extend(text for texts in self.firm.endings.values() for text in texts)
        self.summary.evaluation = self._evaluate()
        if not self.summary.dry_run:
            marks.mark(self.summary.evaluation)
            self.summary.marked = marks.marked
            self.summary.findings.extend(marks.findings)
        self.summary.finished = self.firm.now()
        self._after_run()
        if not self.summary.dry_run:
            self.progress.say("telling people")
            self.summary.findings.extend(list(notify(self.firm, self.summary, ledger=self.ledger.id)))

    def _open_books(self, stack: ExitStack) -> dict[str, Push]:
        """Sinks whose open questions are settled and that know no other ledger: only these are pushed to."""
        ready: dict[str, Push] = {}
        for name in self.firm.terms.sinks:
            self.progress.say(f"reading the books {name}")
            try:
                sink = stack.enter_context(self.firm.sink(name))
                push = Push(firm=self.firm, ledger=self.ledger, sink=sink, rehearsal=self.summary.dry_run)
                push.resolve(intent for intent in self._open_intents() if intent.sink == name)
                self.summary.changes.extend(read_back(self.firm, self.ledger, sink))
                ready[name] = push
            except BillsyncError as error:
                self.summary.troubles.append(_of_a_sink(error))
        return ready

    def _open_intents(self) -> Sequence[Intent]:
        return self.ledger.intents("planned", "sending", "unknown")

    def _poll(self, full: bool, accounts: Collection[str]) -> None:
        names = [name for name in self.firm.terms.sources if not accounts or name in accounts]
        self.progress.say(f"polling {len(names)} account{'s' if len(names) != 1 else ''}")
        told_by = accounts_of(self.firm.terms)
        self._ask_sources([name for name in names if name in told_by], full)
        self.firm.terms = self.ledger.with_told(self.firm.terms)
        self._ask_sources([name for name in names if name not in told_by], full)

    def _ask_sources(self, names: Sequence[str], full: bool) -> None:
        """Those that hold contracts come first: a signature they tell says since when the others are read."""
        firm = self.firm
        memories = {name: self._memory(name) for name in names}
        wanted = Wanted(now=firm.now(), today=firm.today, beginning=beginning(firm), full=full)
        for _, answers in poll_all(firm, memories, wanted, self.progress):
            for answer in answers:
                observed = self.ledger.observe(answer.receipt, answer.records, night=self.summary.night)
                self.summary.polls.append(answer.receipt)
                self.summary.findings.extend((*answer.findings, *observed.findings))
                if answer.trouble is not None and answer.trouble not in self.summary.troubles:
                    self.summary.troubles.append(answer.trouble)

    def _memory(self, name: str) -> Memory:
        return Memory(
            last={kind: self.ledger.last_complete(name, kind) for kind in KINDS},
            last_full={kind: self.ledger.last_full_sweep(name, kind) for kind in KINDS},
        )

    def _ask(self, only: OutOfCycle) -> None:
        """Keep in the journal who wanted the project billed out of cycle. UsageError where no contract names it."""
        terms = self.ledger.with_told(self.firm.terms)
        known = sorted({f"{ref.account}/{ref.id}" for one in terms.contracts.values() for ref in one.projects})
        name = f"{only.account}/{only.project}"
        if name not in known:
            raise UsageError(
                f"no contract names project {name!r}", where="--project", hint=f"known: {', '.join(known)}"
            )
        self.ledger.decide(
            "bill",
            f"project/{name}",
            person=only.person,
            reason=only.reason,
            at=self.firm.now(),
            until=self.summary.night,
            amount=None,
            target="",
        )

    def _evaluate(self, only: OutOfCycle | None = None) -> Evaluation:
        self.progress.say("working out what is due")
        firm = self.firm
        firm.terms = self.ledger.with_told(firm.terms)
        facts = self.ledger.facts(firm.terms, now=firm.now(), today=firm.today)
        if only is not None:
            facts = replace(facts, only_project=(only.account, only.project))
        evaluation = evaluate(facts)
        self.ledger.keep(evaluation, terms=firm.terms, now=firm.now(), night=self.summary.night)
        return evaluation

    def _push(self, pushes: dict[str, Push], evaluation: Evaluation) -> None:
        wrong = wrong_clock(self.firm)
        if wrong:
            self.summary.findings.append(wrong)
        for name, push in pushes.items():
            drafts = [draft for draft in evaluation.drafts if draft.sink == name]
            if drafts:
                self.progress.say(f"pushing {len(drafts)} to {name}")
            if wrong:
                push.hold(drafts, wrong)
            elif self.summary.dry_run:
                push.rehearse(drafts)
            else:
                self._send(push, drafts)

    def _send(self, push: Push, drafts: Sequence[Draft]) -> None:
        """A log-in or key store that fails in the middle stops these books only; the next run asks them first."""
        try:
            push.send(drafts)
        except (SecretError, UsageError) as error:
            self.summary.troubles.append(error)

    def _attach(self, push: Push) -> None:
        """Evidence at what is in the books by now."""
        evidence = Evidence(self.firm, self.ledger, push.sink)
        if self.summary.dry_run:
            drafts = [one.draft for one in push.done if one.outcome == "would_create" and one.draft is not None]
            evidence.rehearse(drafts, push.documents)
        else:
            evidence.attach()
        self.summary.attached.extend(evidence.done)
        self.summary.findings.extend(evidence.findings)

    def _after_run(self) -> None:
        hook = self.firm.plugins.hooks.hook
        try:
            hook.billsync_after_run(evaluation=self.summary.evaluation, exit_code=self.summary.exit_code)
        except BillsyncError as error:  # the work is done; a plugin's message that failed is only a finding
            self.summary.findings.append(f"after the run: {error.what}")


def _of_a_sink(error: BillsyncError) -> BillsyncError:
    """A vendor's failure counts as a source's (3) by its class; at a sink it is 4."""
    if error.exit_code == 3:
        error.exit_code = 4
    return error


def _known(firm: Firm, accounts: Collection[str]) -> None:
    for name in accounts:
        if name not in firm.terms.sources:
            known = ", ".join(sorted(firm.terms.sources))
            raise UsageError(
                f"there is no source account {name!r}", where=str(firm.config.path), hint=f"known: {known}"
            )


def beginning(firm: Firm) -> date:
    """The first day any contract can bill: earlier work needs no reading."""
    contracts = firm.terms.contracts.values()
    starts = [day for contract in contracts for day in (contract.starts_on, contract.signature.on) if day is not None]
    look_back = firm.today - FIRST_LOOK_BACK
    return min([look_back, *starts])
