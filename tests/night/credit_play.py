"""Sequences of billing and crediting, played through real nights; and what must hold, by figures of their own.

The firm is real: configuration, ledger file, poll, rules, push, the review commands' own code. Only the wire to the
work log (and to QuickBooks) is a call, and the clock is injected. The folder books are a real folder. Nothing of the
model below asks the rules: it knows the rows of the work log, what people said, and what left for the books.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from billsync.cli import decide as commands
from billsync.config import Secrets
from billsync.ledger import Ledger
from billsync.model.errors import BillsyncError, LedgerError
from billsync.model.invoice import Invoice
from billsync.model.statement import Evaluation
from billsync.sync import NightSummary, run
from billsync.sync import firm as firms
from billsync.testing.clock import Clock
from billsync.testing.quickbooks import FakeQuickBooks
from billsync.testing.worklog import FakeWorklog
from tests.night.credit_firm import LINE, RATE, VARIANTS, PlayFirm, Settings, configured, home, plugins

FIRST: Final = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
STEPS: Final = 12
SETTLED: Final = 4
"""Nights after a step until nothing more is due: a credit, what waits for it, what that gives room to, and none."""


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
        self.books = FakeQuickBooks(clock=self.clock) if sink == "quickbooks" else None
        self.settings = Settings(variant)
        self.sent: dict[str, Sent] = {}
        self.allowed: dict[str, int] = defaultdict(int)
        """Identity -> cents that were credited and that a person asked to bill once more, in all."""
        self.touched: set[str] = set()
        """Identities about which a person decided something."""
        self.worth: dict[str, int] = defaultdict(int)
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
        """A document is about to be created: nothing on it may go beyond what was delivered and allowed."""
        known = self.sent.setdefault(invoice.reference, Sent(invoice))
        self._sure(known.invoice == invoice, f"{invoice.reference} was sent twice, with different content")
        after = self._net()
        for identity, contract in {(one, where) for one, where, _, amount in known.moves() if amount > 0}:
            value = self.value(identity)
            waits = max(0, self._credited(identity, contract) - self.allowed[identity])
            here = self._net(contract)[identity]
            self._sure(
                after[identity] <= value and here <= value - waits,
                f"{identity} is billed {after[identity]} net, {here} of it under {contract}, is worth {value},"
                f" and {waits} were credited for good",
            )

    def _sure(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"{what}\nafter: {'; '.join(self.steps)} ({self.kind}, {self.settings})")

    # ---- The model -----------------------------------------------------------------------------------------------

    def value(self, identity: str) -> int:
        """What the work is worth as it stands; the last good figure while it is open again or gone."""
        if identity == "c1/line/design":
            return LINE
        return self.worth[identity]

    def _note(self, row: Mapping[str, Any]) -> None:
        identity = f"time/work/{row['id']}"
        if row["state"] == "approved":
            now = int(Decimal(str(row["hours"])) * RATE * 100)
            self.worth[identity] = now

    def _net(self, contract: str = "") -> dict[str, int]:
        """Identity -> billed less credited, over all documents that were not let go; under one contract, or all."""
        net: dict[str, int] = defaultdict(int)
        for one in self.sent.values():
            if not one.let_go:
                for identity, where, _, amount in one.moves():
                    net[identity] += amount if contract in ("", where) else 0
        return net

    def _credited(self, identity: str, contract: str = "") -> int:
        """Given back by a person's word, over all documents that were not let go."""
        return -sum(
            amount
            for one in self.sent.values()
            if not one.let_go
            for name, where, kind, amount in one.moves()
            if name == identity and kind == "credit" and contract in ("", where)
        )

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
        posted: dict[str, int] = defaultdict(int)
        of_document: dict[str, int] = defaultdict(int)
        for posting in facts.postings:
            fact = posting.fact
            sign = {"billed": 1, "credited": -1}.get(fact.kind, 0)
            if fact.invoice in self.sent:
                posted[fact.identity] += sign * fact.amount
                if posting.reverses is None:
                    sign = {"withheld": -1, "released": 1}.get(fact.kind, sign)
                    of_document[fact.invoice] += sign * fact.amount
        net = self._net()
        for identity in posted.keys() | net.keys():
            self._sure(
                posted[identity] == net[identity],
                f"the ledger has {posted[identity]} of {identity}, the documents {net[identity]}",
            )
        for reference, total, status in self._in_books():
            self._sure(reference in self.sent, f"{reference} is in the books, and was never sent")
            if status not in ("voided", "deleted"):
                said = self.sent[reference].invoice.total
                self._sure(abs(total) == abs(said), f"{reference}: the books say {total}, it was sent as {said}")
            self._sure(
                self.sent[reference].forgotten or of_document[reference] == self.sent[reference].invoice.total,
                f"{reference}: {of_document[reference]} is posted of {self.sent[reference].invoice.total}",
            )
        self._whole(net)

    def _whole(self, net: Mapping[str, int]) -> None:
        """What nobody touched is billed whole, where nothing keeps it waiting."""
        waits = self.settings.period != "as_it_happens" or self.settings.closed or self.settings.variant == "cap"
        if waits:
            return
        for row in self.work.tables["time"].values():
            identity = f"time/work/{row['id']}"
            if identity not in self.touched and row["state"] == "approved":
                self._sure(
                    net.get(identity, 0) == self.value(identity),
                    f"{identity} is worth {self.value(identity)}, approved, untouched, and billed {net.get(identity)}",
                )

    def verify(self) -> None:
        """The journal replays to the facts."""
        with self.firm.ledger() as ledger:
            found = ledger.verify()
        self._sure(found.ok, f"the journal does not verify: {found.problems[:3]}")

    # ---- The books -----------------------------------------------------------------------------------------------

    def _in_books(self) -> Iterator[tuple[str, int, str]]:
        """Reference, total and status of each document, by the books' own files or objects."""
        if self.books is not None:
            for document in self.books.documents.values():
                reference = next(name for name in self.sent if name in (document.number, *document.note.split()))
                yield reference, document.total, document.status
            return
        for path in sorted((self.folder / "invoices").glob("2026-*.json")):
            document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
            yield document["reference"], int(Decimal(str(document["total"])) * 100), document["status"]

    def _gone(self) -> set[str]:
        standing = {reference for reference, _, status in self._in_books() if status not in ("voided", "deleted")}
        return set(self.sent) - standing

    # ---- What people do ------------------------------------------------------------------------------------------

    def add(self, a: int, b: int) -> None:
        """Somebody books hours, approved; every fourth in the other project."""
        ident = self.work.add(
            "time", project="p2" if b % 4 == 3 else "p1", on=str(self.clock.now().date() - timedelta(days=b % 5)),
            hours=str(Decimal(1 + a % 12) / 2), state="approved",
        )  # fmt: skip
        self._note(self.work.tables["time"][ident])

    def _row(self, a: int) -> Mapping[str, Any] | None:
        rows = [row for _, row in sorted(self.work.tables["time"].items())]
        return rows[a % len(rows)] if rows else None

    def edit(self, a: int, b: int) -> None:
        """Other hours, after the fact."""
        row = self._row(a)
        if row is not None:
            self.touched.add(f"time/work/{row['id']}")
            self._note(self.work.edit("time", row["id"], hours=str(Decimal(b % 13) / 2)))

    def reopen(self, a: int, b: int) -> None:
        """Un-approved, or approved again."""
        row = self._row(a)
        if row is not None:
            self._note(
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
            self.touched.add(f"time/work/{row['id']}")
            self._note(self.work.edit("time", row["id"], project="p1" if row["project"] == "p2" else "p2"))

    def milestone(self, a: int, b: int) -> None:
        """Open again, or done again on another day."""
        ident, row = next(iter(self.work.tables["milestones"].items()))
        self.work.edit("milestones", ident, done=None if row["done"] else str(self.clock.now().date()))

    def _identities(self) -> list[str]:
        return sorted({identity for one in self.sent.values() for identity, *_ in one.moves()})

    def credit(self, a: int, b: int) -> None:
        """An item, or every third time a whole document; whole, or a part in odd cents."""
        names = sorted(self.sent) if b % 3 == 2 else self._identities()
        if names:
            name = names[a % len(names)]
            amount = "" if b % 2 else f"{1 + (a * 37 + b * 11) % 300}.{(a * 7 + b) % 100:02d}"
            self._command("credit", name, amount=amount)

    def rebill(self, a: int, b: int) -> None:
        """What was credited, once more: all that stands credited now."""
        names = self._identities()
        if names:
            name = names[a % len(names)]
            if self._command("rebill", name):
                self.allowed[name] = max(self.allowed[name], self._credited(name))

    def release(self, a: int, b: int) -> None:
        """A drift may go."""
        names = self._identities()
        if names:
            self._command("release", names[a % len(names)])

    def exclude(self, a: int, b: int) -> None:
        """Written off."""
        names = self._identities()
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
                subjects = [what, *(name for name, *_ in self.sent[what].moves())] if what in self.sent else [what]
                self.touched.update(subjects)
        return True

    def void(self, a: int, b: int) -> None:
        """By hand in the books; every fourth time deleted."""
        standing = sorted(set(self.sent) - self._gone())
        if not standing:
            return
        reference = standing[a % len(standing)]
        self.steps[-1] += f" [{reference}]"
        self.touched.update(identity for identity, *_ in self.sent[reference].moves())
        if self.books is not None:
            [document] = self.books.bearing(reference)
            (self.books.delete if b % 4 == 3 else self.books.void)(document)
            return
        for path in (self.folder / "invoices").glob("2026-*.json"):
            document = json.loads(path.read_text(encoding="utf-8"), parse_float=str)
            if document["reference"] == reference:
                if b % 4 == 3:
                    path.unlink()
                else:
                    path.write_text(json.dumps(document | {"status": "voided"}), encoding="utf-8")

    def let_go(self, a: int, b: int) -> None:
        """A person lets a voided document go; refused where something stands on it."""
        gone = sorted(name for name in self._gone() if not self.sent[name].let_go)
        if not gone:
            return
        reference = gone[a % len(gone)]
        self.clock.advance(1)
        with patch.object(firms, "open_firm", lambda config: self.firm), patch.object(commands, "say", _quiet):
            try:
                commands.let_go(reference, person="ana", reason="voided by agreement", config=None)
            except LedgerError as error:
                self._sure("cannot be let go" in error.what, f"{reference} is gone from the books: {error}")
                self.steps[-1] += f" [{error.what}]"
            else:
                self.sent[reference].let_go = True

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
            self.touched.add(f"time/work/{row['id']}")
            self.configure(opening="" if self.settings.opening else f"time/work/{row['id']}")

    def days(self, a: int, b: int) -> None:
        self.clock.advance(days=1 + a % 9)

    def account(self, a: int, b: int) -> None:
        """`billsync sync --account work`."""
        self.settle(accounts=["work"])

    def lose(self, a: int, b: int) -> None:
        """The ledger is lost, and learnt again from the books: what they tell is as it was."""
        before, was = self._postings(), self._rows()
        told = not (self.unsaid or self._gone() or any(one.let_go for one in self.sent.values()))
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
            self.sent[reference].forgotten = reference not in learned.documents
            self.sent[reference].let_go = self.sent[reference].forgotten or reference in learned.let_go
        self.allowed = defaultdict(int)
        for one in self.sent.values():
            for line in one.invoice.lines if not one.let_go else ():
                for part in line.parts:
                    self.allowed[part.identity] += part.amount if line.kind != "credit" and part.decision else 0
        after = self._postings()
        standing = set(self.sent) - self._gone()
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
            if posting.reverses is None and posting.id not in undone and posting.fact.invoice in self.sent
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
