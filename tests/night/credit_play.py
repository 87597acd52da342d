"""Sequences of billing and crediting, played through real nights: the steps, and the nights after each.

The firm is real: configuration, ledger file, poll, rules, push, the review commands' own code. Only the wire to the
work log (and to QuickBooks) is a call, and the clock is injected. The folder books are a real folder. What must hold is
asked of credit_model.py after each step.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from billsync.cli import decide as commands
from billsync.config import Secrets
from billsync.ledger import Ledger
from billsync.model.errors import BillsyncError, UsageError
from billsync.model.invoice import Invoice
from billsync.model.statement import Evaluation
from billsync.sync import NightSummary, run
from billsync.sync import firm as firms
from billsync.testing.clock import Clock
from billsync.testing.worklog import FakeWorklog
from tests.night.credit_books import Books
from tests.night.credit_firm import VARIANTS, PlayFirm, Settings, configured, home, plugins
from tests.night.credit_model import Model

FIRST: Final = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
STEPS: Final = 12
SETTLED: Final = 4
"""Nights after a step until nothing more is due: a credit, what waits for it, what that gives room to, and none."""


class Broken(AssertionError):
    """An invariant does not hold."""


class Play:
    """One sequence in its own folder, ledger and books."""

    def __init__(self, sink: str, variant: str) -> None:
        self.kind = sink
        self.folder = Path(home().name)
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.clock = Clock(FIRST)
        self.work = FakeWorklog(clock=self.clock, page_size=100)
        self.books = Books(sink, self.folder, self.clock)
        self.settings = Settings(variant)
        self.model = Model()
        self.steps: list[str] = []
        self.ledgers = 0
        self.last: Evaluation | None = None
        for project in ("p1", "p2"):
            self.work.insert("projects", {"id": project, "name": project.upper()})
        self.firm = self._firm()
        self.add(8, 0)
        self.work.add("milestones", project="p1", name="Design", done="2026-02-20")

    # ---- The firm ------------------------------------------------------------------------------------------------

    def _firm(self) -> PlayFirm:
        config, terms, environ = configured(self.kind, self.settings)
        made = PlayFirm(
            config=config,
            terms=terms,
            plugins=plugins(),
            secrets=Secrets(config, hooks=plugins().hooks, environ=environ),
            now=self.clock.now,
            new_id=self._new_id,
            sleep=self.clock.sleep,
        )
        made.play = self
        return made

    def _new_id(self) -> str:
        self.ledgers += 1
        return f"{self.ledgers:032x}"

    def configure(self, **changes: Any) -> None:
        """Change the configuration."""
        self.settings = replace(self.settings, **changes)
        self.firm = self._firm()

    def leaves(self, invoice: Invoice) -> None:
        """A document is about to be created."""
        self._none_of(self.model.leaves(invoice))

    def _sure(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"{what}\nafter: {'; '.join(self.steps)} ({self.kind}, {self.settings})")

    def _none_of(self, wrongs: Iterable[str]) -> None:
        for what in wrongs:
            self._sure(False, what)

    # ---- Nights --------------------------------------------------------------------------------------------------

    def night(self, **more: Any) -> NightSummary:
        """One night and its checks."""
        self.clock.advance(60)
        summary = run(self.firm, **more)
        troubles = [str(one) for one in summary.troubles]
        self._sure(not troubles, f"the night had trouble: {troubles}")
        self._sure(summary.evaluation is not None, "the night has no evaluation")
        bad = [one for one in summary.pushed if one.outcome not in ("created", "found")]
        self._sure(not bad, f"not pushed: {bad}")
        self.last = summary.evaluation
        return summary

    def settle(self, **more: Any) -> None:
        """Nights until nothing is due, then everything that must hold."""
        for _ in range(SETTLED):
            if not self.night(**more).pushed:
                break
        else:
            self._sure(False, f"{SETTLED} nights without change, and still something is billed")
        with self.firm.ledger() as ledger:
            self._compare(ledger)

    def _compare(self, ledger: Ledger) -> None:
        assert self.last is not None
        for row in self.last.statement:
            self._sure(row.difference == 0, f"the statement of {row.contract} differs by {row.difference}")
        self._sure(not self.last.drafts, "something would still be billed")
        facts = ledger.facts(self.firm.terms, now=self.clock.now(), today=self.firm.today, everything=True)
        self._none_of(self.model.differs_from(facts.postings))
        self._none_of(self.model.differs_in_books(self.books.documents()))
        waits = self.settings.period != "as_it_happens" or self.settings.closed or self.settings.variant == "cap"
        if not waits:
            self._none_of(self.model.not_whole(self.work.tables["time"].values()))

    def verify(self) -> None:
        """The journal replays to the facts."""
        with self.firm.ledger() as ledger:
            found = ledger.verify()
        self._sure(found.ok, f"the journal does not verify: {found.problems[:3]}")

    def _gone(self) -> set[str]:
        return set(self.model.sent) - self.books.standing()

    # ---- What people do ------------------------------------------------------------------------------------------

    def add(self, a: int, b: int) -> None:
        """Somebody books hours, approved; every fourth in the other project."""
        ident = self.work.add(
            "time", project="p2" if b % 4 == 3 else "p1", on=str(self.clock.now().date() - timedelta(days=b % 5)),
            hours=str(Decimal(1 + a % 12) / 2), state="approved",
        )  # fmt: skip
        self.model.note(self.work.tables["time"][ident])

    def _row(self, a: int) -> Mapping[str, Any] | None:
        rows = [row for _, row in sorted(self.work.tables["time"].items())]
        return rows[a % len(rows)] if rows else None

    def edit(self, a: int, b: int) -> None:
        """Other hours, after the fact."""
        row = self._row(a)
        if row is not None:
            self.model.touched.add(f"time/work/{row['id']}")
            self.model.note(self.work.edit("time", row["id"], hours=str(Decimal(b % 13) / 2)))

    def reopen(self, a: int, b: int) -> None:
        """Un-approved, or approved again."""
        row = self._row(a)
        if row is not None:
            self.model.note(
                self.work.edit("time", row["id"], state="approved" if row["state"] != "approved" else "submitted")
            )

    def remove(self, a: int, b: int) -> None:
        """Deleted at the source."""
        row = self._row(a)
        if row is not None and len(self.work.tables["time"]) > 1:
            self.unsaid = True
            self.work.delete("time", row["id"])

    def move(self, a: int, b: int) -> None:
        """To the other project, and so to the other contract."""
        row = self._row(a)
        if row is not None:
            self.model.touched.add(f"time/work/{row['id']}")
            self.model.note(self.work.edit("time", row["id"], project="p1" if row["project"] == "p2" else "p2"))

    def milestone(self, a: int, b: int) -> None:
        """Open again, or done again on another day."""
        ident, row = next(iter(self.work.tables["milestones"].items()))
        self.work.edit("milestones", ident, done=None if row["done"] else str(self.clock.now().date()))

    def credit(self, a: int, b: int) -> None:
        """An item, or every third time a whole document; whole, or a part in odd cents."""
        names = sorted(self.model.sent) if b % 3 == 2 else self.model.identities()
        if names:
            name = names[a % len(names)]
            amount = "" if b % 2 else f"{1 + (a * 37 + b * 11) % 300}.{(a * 7 + b) % 100:02d}"
            self._command("credit", name, amount=amount)

    def rebill(self, a: int, b: int) -> None:
        """What was credited, once more: all that stands credited now."""
        names = self.model.identities()
        if names:
            name = names[a % len(names)]
            if self._command("rebill", name):
                self.model.asked_again(name)

    def release(self, a: int, b: int) -> None:
        """A drift may go."""
        names = self.model.identities()
        if names:
            self._command("release", names[a % len(names)])

    def exclude(self, a: int, b: int) -> None:
        """Written off."""
        names = self.model.identities()
        if names:
            self._command("exclude", names[a % len(names)])

    def map(self, a: int, b: int) -> None:
        """Somebody billed it by hand; also what is new."""
        row = self._row(a)
        if row is not None:
            self._command("map", f"time/work/{row['id']}", invoice=f"HAND-{b}")

    def _command(self, kind: Any, what: str, **more: Any) -> bool:
        """`billsync review KIND WHAT`: True where it was taken."""
        self.clock.advance(1)
        self.unsaid = self.unsaid or kind in ("map", "exclude", "release", "rebill")
        with patch.object(firms, "open_firm", lambda config: self.firm), patch.object(commands, "say", _quiet):
            try:
                commands.decide(kind, what, person="ana", reason="as agreed", config=None, **more)
            except BillsyncError as error:
                self._sure(error.exit_code in (1, 2), f"{kind} {what}: {error}")
                self.steps[-1] += f" [{error.what}]"
                return False
            finally:
                subjects = (
                    [what, *(name for name, *_ in self.model.sent[what].moves())] if what in self.model.sent else [what]
                )
                self.model.touched.update(subjects)
        return True

    def void(self, a: int, b: int) -> None:
        """By hand in the books; every fourth time deleted."""
        standing = sorted(set(self.model.sent) - self._gone())
        if not standing:
            return
        reference = standing[a % len(standing)]
        self.steps[-1] += f" [{reference}]"
        self.model.touched.update(identity for identity, *_ in self.model.sent[reference].moves())
        self.books.void(reference, deleted=b % 4 == 3)

    def let_go(self, a: int, b: int) -> None:
        """A person lets a voided document go; refused where something stands on it."""
        gone = sorted(name for name in self._gone() if not self.model.sent[name].let_go)
        if not gone:
            return
        reference = gone[a % len(gone)]
        self.clock.advance(1)
        with patch.object(firms, "open_firm", lambda config: self.firm), patch.object(commands, "say", _quiet):
            try:
                commands.let_go(reference, person="ana", reason="voided by agreement", config=None)
            except UsageError as error:
                self._sure("cannot be let go" in error.what, f"{reference} is gone from the books: {error}")
                self.steps[-1] += f" [{error.what}]"
            else:
                self.model.sent[reference].let_go = True

    def true_up(self, a: int, b: int) -> None:
        self.configure(true_up=not self.settings.true_up)

    def period(self, a: int, b: int) -> None:
        self.configure(period=("as_it_happens", "weekly", "monthly")[a % 3])

    def close(self, a: int, b: int) -> None:
        """The books are closed for tonight, or open again."""
        self.configure(closed=None if self.settings.closed else self.clock.now().date() + timedelta(days=b % 3))

    def opening(self, a: int, b: int) -> None:
        row = self._row(a)
        if row is not None:
            self.model.touched.add(f"time/work/{row['id']}")
            self.configure(opening="" if self.settings.opening else f"time/work/{row['id']}")

    def days(self, a: int, b: int) -> None:
        self.clock.advance(days=1 + a % 9)

    def account(self, a: int, b: int) -> None:
        """`billsync sync --account work`."""
        self.settle(accounts=["work"])

    def lose(self, a: int, b: int) -> None:
        """The ledger is lost, and learnt again from the books: what they tell is as it was."""
        before, was = self._postings(), self._rows()
        told = not (self.unsaid or self._gone() or any(one.let_go for one in self.model.sent.values()))
        told = told and all(row["state"] == "approved" for row in self.work.tables["time"].values())
        for end in ("", "-wal", "-shm"):
            self.firm.config.ledger_path.with_name(f"billsync.db{end}").unlink(missing_ok=True)
        self.clock.advance(3600)
        with self.firm.ledger() as ledger, self.firm.sink("books") as books:
            receipts = list(books.read_back(None))
            learned = ledger.relearn("books", receipts, person="ana", now=self.clock.now(), night=self.firm.today)
        self._sure(not learned.unlearned, f"not learnt again: {learned.unlearned}")
        self._sure(set(learned.let_go) <= self._gone(), f"let go, and in the books: {learned.let_go}")
        for reference in self._gone():
            self.model.sent[reference].forgotten = reference not in learned.documents
            self.model.sent[reference].let_go = self.model.sent[reference].forgotten or reference in learned.let_go
        self.model.allow_as_documents_tell()
        after = self._postings()
        standing = set(self.model.sent) - self._gone()
        lost, new = ({one for one in some if one[-1] in standing} for some in (before, after))
        self._sure(lost == new, f"learnt otherwise: {sorted(lost ^ new)}")
        if told:
            pushed = self.night().pushed
            self._sure(not pushed, f"nothing was due before the loss, and then {pushed}")
            self._sure(self._rows() == was, f"the statement was {was}, and is {self._rows()}")

    unsaid: bool = False
    """True once something was said that no document bears, or deleted: it is lost with the ledger."""

    def _rows(self) -> list[Any]:
        assert self.last is not None
        return [
            (row.contract, row.client, row.earned, row.billed, row.credited, row.withheld, row.held)
            for row in self.last.statement
        ]

    def _postings(self) -> set[tuple[Any, ...]]:
        """Who owes what for which work by whose kind of word, on which document; what was reversed is left out."""
        with self.firm.ledger() as ledger:
            facts = ledger.facts(self.firm.terms, now=self.clock.now(), today=self.firm.today, everything=True)
        kinds = {one.id: one.kind for one in facts.decisions}
        undone = {posting.reverses for posting in facts.postings}
        return {
            (
                posting.fact.identity,
                posting.fact.contract,
                posting.fact.client,
                posting.fact.kind,
                posting.fact.amount,
                kinds.get(posting.fact.decision or 0, ""),
                posting.fact.invoice,
            )
            for posting in facts.postings
            if posting.reverses is None and posting.id not in undone and posting.fact.invoice in self.model.sent
        }

    # ---- Steps ---------------------------------------------------------------------------------------------------

    def step(self, name: str, a: int, b: int) -> None:
        """One step, the nights after it, and everything that must hold."""
        self.steps.append(f"{name}({a}, {b})")
        act: Callable[[int, int], None] = getattr(self, name)
        act(a, b)
        self.settle()


def _quiet(text: str) -> None:
    return None


WEIGHTS: Final[Mapping[str, int]] = {
    "add": 2, "edit": 4, "reopen": 2, "remove": 1, "move": 2, "milestone": 1, "credit": 6, "rebill": 5, "release": 2,
    "exclude": 1, "map": 1, "void": 4, "let_go": 4, "true_up": 2, "period": 1, "close": 1, "opening": 1, "days": 1,
    "account": 1,
}  # fmt: skip


def drawn(seed: int) -> tuple[str, list[tuple[str, int, int]]]:
    """A variant of terms and a sequence of at most twelve steps, from a number."""
    random = Random(f"credits {seed}")
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    steps = random.choices(names, weights, k=random.randint(3, STEPS))
    if seed % 4 == 3:
        steps[random.randrange(1, len(steps))] = "lose"
    return random.choice(VARIANTS), [(name, random.randrange(64), random.randrange(64)) for name in steps]


def play(sink: str, seed: int) -> Play:
    """Play one sequence to its end; Broken where an invariant does not hold."""
    variant, steps = drawn(seed)
    made = Play(sink, variant)
    made.settle()
    for name, a, b in steps:
        made.step(name, a, b)
    made.verify()
    return made
