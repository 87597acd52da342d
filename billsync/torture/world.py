"""The world of one run: true time, a work log, books, the firm that joins them, and all that ever left for them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, cast

from billsync.config import Secrets
from billsync.config.accounts import AccountConfig
from billsync.model.invoice import Invoice
from billsync.model.statement import Evaluation
from billsync.plugins import Plugins
from billsync.sdk.sink import Idempotency, RoundingModel, Sink
from billsync.sdk.source import Source
from billsync.sync.firm import Firm
from billsync.testing.books import Document, FakeBooks, Manners
from billsync.testing.clock import Clock
from billsync.testing.fakes import fake_of
from billsync.testing.plain import FakePlainBooks, Plain, PlainOptions
from billsync.testing.worklog import Changes, FakeWorklog, worklog_source
from billsync.torture.disk import Disk
from billsync.torture.edges import Edges, TornLedger, Watched, Wire
from billsync.torture.script import Script
from billsync.torture.shapes import PROJECTS, SHAPES, Shape, shape
from billsync.torture.worth import Worth

FIRST_NIGHT: Final = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
_MISDATED: Final = timedelta(days=200)
LATEST: Final = 90
"""Seconds after which a slow request of testing.faults has come through for certain."""
_KEYS: Final = ((None, False), (86_400, False), (360, False), (0, True), (0, False))
"""Seconds that a key is honoured (None: for ever), and whether numbers are unique."""
_LOOKS: Final[tuple[tuple[int, Literal["open", "draft"], Literal["line", "document", "rate"]], ...]] = (
    (0, "open", "line"),
    (20, "draft", "document"),
    (60, "open", "rate"),
)
MANNERS: Final = tuple(
    Manners(
        key_window=window,
        unique_numbers=unique,
        visible_after=late,
        posts_as=posts,
        rounding=RoundingModel(tax_per=tax),
    )
    for window, unique in _KEYS
    for late, posts, tax in _LOOKS
)
"""Every manner of plain books: the key's window or unique numbers, delay, drafts, rounding."""


class TornFirm(Firm):
    """The firm of a run: vendors without sockets, a ledger whose commits are edges, watched books."""

    world: World

    @contextmanager
    def ledger(self, *, read_only: bool = False) -> Iterator[TornLedger]:
        TornLedger.edges = self.world.edges
        with TornLedger.open(self.config.ledger_path, now=self.now, new_id=self.new_id, read_only=read_only) as ledger:
            yield cast(TornLedger, ledger)

    def source_class(self, account: AccountConfig) -> type[Source[Any]]:
        return worklog_source(cast(Changes, self.world.script.changes))

    def sink_class(self, account: AccountConfig) -> type[Sink[Any]]:
        return self.world.sink_class

    @contextmanager
    def sink(self, name: str) -> Iterator[Sink[Any]]:
        disk = self.world.disk
        with super().sink(name) as sink, nullcontext() if disk is None else disk.watched():
            Watched(sink, self.world.edges, self.world.leaves)
            yield sink

    def _session(self, account: AccountConfig, found: Any, options: Any) -> Any:
        from billsync.http import Session

        world = self.world
        vendor = world.work if account.role == "source" else world.books
        return Session(
            replace(found.api, limits=()),
            options,
            account=account.name,
            state=self.config.state_dir,
            sleep=self.sleep,
            now=self.now,
            patience=account.patience,
            transport=Wire(vendor, world.edges, world.say, dated=world.dated),
            on_event=self.events.append,
        )


class World:
    """Everything that one script plays in. Nothing here knows the rules."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.script = script
        self.folder = folder
        self.clock = Clock(FIRST_NIGHT)
        self.skew = timedelta(0)
        """How far the firm's own clock is ahead of true time."""
        self.forgot = False
        """True once a ledger was lost or an older one restored."""
        self.skew_before: timedelta | None = None
        """The same when a source was last asked, with which a night can compare its clock; None: nobody knows."""
        self.polled_before: datetime | None = None
        """When that was, by the ledger."""
        self.asks_a_person = False
        """True once only a person can go on: told every night, with nothing sent meanwhile."""
        self.dated = script.books % 7 < 4
        """True where vendors tell the true time with their answers, as most do."""
        self.misdated: list[str] = []
        """Documents dated by a clock that their own books contradicted."""
        self.lines: list[str] = []
        self.edges = Edges(self.say)
        self.work = FakeWorklog(clock=self.clock)
        self.sink_class, self.books = _books(script, self.clock, folder)
        self.disk = Disk(folder, self.edges, self.say) if self.sink_class.api is None else None
        """Under books that are files."""
        self.sent: dict[str, Invoice] = {}
        """Reference -> the document that ever left under it."""
        self.changed_under_way: list[str] = []
        self.decided: set[str] = set()
        """Identities and references that a person decided about."""
        self.edited: set[str] = set()
        """Documents that a person touched in the books."""
        self.mapped: set[str] = set()
        """References that no ledger knows any more, and whose work a person mapped to them."""
        self.taken_back: set[str] = set()
        """Identities of which a person voided the credit: what they are billed at is that person's doing."""
        self.backups: list[Path] = []
        self.last: Evaluation | None = None
        self._ledgers = 0
        self.shape = _shape(script.sink, script.shape)
        self.worth = Worth()
        self.firm = self._firm()
        for project in PROJECTS:
            self.work.insert("projects", {"id": project, "name": project.upper()})

    def _firm(self) -> TornFirm:
        ledger, state = self.folder / "billsync.db", self.folder / "state"
        accounts = {name: replace(one, folder=self.folder) for name, one in self.shape.config.accounts.items()}
        config = replace(self.shape.config, ledger_path=ledger, state_dir=state, accounts=accounts)
        plugins = _plugins()
        secrets = Secrets(config, hooks=plugins.hooks, environ=self.shape.environ)
        firm = TornFirm(
            config=config, terms=self.shape.terms, plugins=plugins, secrets=secrets,
            now=self.now, new_id=self.new_id, sleep=self.clock.sleep,
        )  # fmt: skip
        firm.world = self
        return firm

    def now(self) -> datetime:
        """The time by the firm's own clock."""
        return self.clock.now() + self.skew

    def new_id(self) -> str:
        """An id for a new ledger; another one each time."""
        self._ledgers += 1
        return hashlib.sha256(f"{self.script.seed}/{self._ledgers}".encode()).hexdigest()[:32]

    def say(self, line: str) -> None:
        """A line of the run's protocol; its hash tells whether a run was repeated to the byte."""
        self.lines.append(f"{self.clock.now():%Y-%m-%d %H:%M:%S} {line}".replace(str(self.folder), "FOLDER"))

    def leaves(self, invoice: Invoice) -> None:
        """A document is about to be sent. The same reference must bill the same work at the same amounts, for ever."""
        if invoice.reference not in self.sent and self.dated and self.disk is None:
            apart = abs(invoice.issued_on - self.clock.now().date())
            if apart > _MISDATED:
                self.misdated.append(f"{invoice.reference} is dated {invoice.issued_on}")
        known = self.sent.setdefault(invoice.reference, invoice)
        if _worth(known) != _worth(invoice):
            self.changed_under_way.append(invoice.reference)

    def documents(self) -> dict[str, list[Document]]:
        """Reference -> every document that ever bore it in the books, voided and deleted ones too."""
        self.books.look()
        found: dict[str, list[Document]] = {}
        for document in self.books.documents.values():
            for word in {document.number, *document.note.split()} & self.sent.keys():
                found.setdefault(word, []).append(document)
        return found

    def close(self) -> None:
        """Remove the run's files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _worth(invoice: Invoice) -> tuple[object, ...]:
    parts = [(line.kind, part.identity, part.amount) for line in invoice.lines for part in line.parts]
    return invoice.kind, invoice.client, invoice.currency, parts


@cache
def _plugins() -> Plugins:
    return Plugins(environ={"BILLSYNC_PLUGINS": ""})


def _books(script: Script, clock: Clock, folder: Path) -> tuple[type[Sink[Any]], FakeBooks]:
    if script.sink == "plain":
        manners = MANNERS[script.books % len(MANNERS)]
        return plain_sink(manners), FakePlainBooks(clock=clock, manners=manners)
    sink = _plugins().sink(script.sink)
    made = fake_of(script.sink, sink)(clock=clock)
    made.folder = folder
    made.manners = replace(made.manners, visible_after=(0, min(20, sink.settle))[script.books % 2])
    return sink, made


@cache
def plain_sink(manners: Manners) -> type[Plain]:
    """The sink for plain books with these manners. Its declarations are true: it promises no more than they keep."""
    if manners.unique_numbers:
        helps = Idempotency(how="unique")
    elif manners.key_window == 0:
        helps = Idempotency(how="none")
    else:
        helps = Idempotency(how="key", window=manners.key_window)
    members = {
        "idempotency": helps,
        "settle": LATEST + manners.visible_after,
        "drafts": manners.posts_as == "draft",
        "rounding": manners.rounding,
        "options_class": PlainOptions,
    }
    return type("Plain", (Plain,), members)


@cache
def _shape(sink: str, number: int) -> Shape:
    """Shapes are loaded once a process; their files are needed while they are loaded only."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="billsync-shape-") as folder:
        work = FakeWorklog().options()
        books = (FakePlainBooks() if sink == "plain" else fake_of(sink, _plugins().sink(sink))()).options()
        return shape(number % SHAPES, Path(folder), work=work, books=books, sink=sink)
