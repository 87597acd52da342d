"""One script, played to the end: nights with their troubles, then quiet ones, and a check after every step."""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from billsync.model.errors import BillsyncError, Fork, VendorError
from billsync.rules.engine import evaluate
from billsync.sync import NightSummary, run
from billsync.testing.server import Request
from billsync.torture import invariants
from billsync.torture.disk import CALLS, ERRORS
from billsync.torture.edges import LOSSES, Crash
from billsync.torture.invariants import Breach
from billsync.torture.people import happens, relearn, settle_unlearned
from billsync.torture.script import Event, Night, Script
from billsync.torture.world import World

QUIET_NIGHTS: Final = 4
"""Nights without trouble in the end, at most: enough for a credit, what waits behind it, and what that gives room to.
After the second, which reads everything, one that sends nothing is the last."""
DAY: Final = 86_400
_TABLES: Final = ("projects", "time", "expenses", "milestones")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a script. `hash` is that of the protocol: the same script gives the same one."""

    script: Script
    breaches: tuple[Breach, ...]
    nights: int
    events: int
    documents: int
    crashes: int
    hash: str
    protocol: tuple[str, ...]


def play(script: Script, *, folder: Path | None = None) -> Played:
    """Play a script in a temporary folder, in memory where the system has such a place."""
    with tempfile.TemporaryDirectory(prefix="billsync-torture-", dir=folder or _memory()) as made:
        return _Play(script, Path(made)).whole()


def _memory() -> Path | None:
    """A folder that is no disk: the same calls, without the wait for a platter."""
    shared = Path("/dev/shm")  # noqa: S108  a private folder is made in it
    return shared if shared.is_dir() else None


class _Play:
    """The state of one run."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.script = script
        self.world = World(script, folder)
        self.breaches: list[Breach] = []
        self.nights = self.crashes = 0

    def whole(self) -> Played:
        """Everything the script says, and the end."""
        for number, night in enumerate(self.script.nights):
            self._night(number, night)
            if self.breaches:
                break
        else:
            self._end()
        world = self.world
        return Played(
            script=self.script,
            breaches=tuple(dict.fromkeys(self.breaches)),
            nights=self.nights,
            events=self.script.events,
            documents=len(world.books.documents),
            crashes=self.crashes,
            hash=hashlib.sha256("\n".join(world.lines).encode()).hexdigest(),
            protocol=tuple(world.lines),
        )

    def _night(self, number: int, night: Night) -> None:
        world = self.world
        world.clock.advance(night.wait)
        world.say(f"night {number + 1}")
        for event in night.day:
            happens(world, event)
        self._arm(night.trouble)
        self._run()

    def _run(self, *, full: bool = False) -> NightSummary | None:
        """One run and its checks; None where it died or could not begin."""
        world = self.world
        before = copy.deepcopy({table: dict(rows) for table, rows in world.work.tables.items()})
        summary = self._survive(full)
        self.nights += 1
        world.edges.disarm()
        world.work.forgive()
        world.books.forgive()
        if world.disk is not None:
            world.disk.forgive()
        self._check(invariants.of_the_books(world))
        if summary is not None:
            world.last = summary.evaluation
            _tell(world, summary)
            with world.firm.ledger() as ledger:
                self._check(invariants.of_the_night(world, summary, ledger))
                if not world.skew:
                    rows = {table: before.get(table, {}) for table in _TABLES}
                    self._check(invariants.of_the_polls(world, summary, ledger, rows))
        self._compare()
        return summary

    def _compare(self) -> None:
        """The next night compares its clock with when a source was last asked: tonight, if the night came so far."""
        world = self.world
        with world.firm.ledger() as ledger:
            polled = ledger.last_polled()
        if polled != world.polled_before:
            world.skew_before, world.polled_before = world.skew, polled

    def _survive(self, full: bool) -> NightSummary | None:
        world = self.world
        try:
            return run(world.firm, full=full)
        except Crash:
            self.crashes += 1
        except BillsyncError as error:
            world.say(f"exit {error.exit_code}: {' | '.join(str(error).splitlines())}")
            if error.exit_code == 0:
                self.breaches.append(Breach(kind="silent", what=f"an error with exit code 0: {error}"))
        return None

    def _check(self, breaches: Iterable[Breach]) -> None:
        for breach in breaches:
            self.world.say(f"BREACH {breach.kind}: {breach.what}")
            self.breaches.append(breach)

    # ---- The night's troubles ------------------------------------------------------------------------------------

    def _arm(self, trouble: tuple[Event, ...]) -> None:
        crash = [event.at for event in trouble if event.what == "crash"]
        failing = {1 + event.at % 12: LOSSES[event.how % len(LOSSES)] for event in trouble if event.what == "disk"}
        moved: set[str] = set()
        for event in trouble:
            if event.what == "sink":
                self._fail_books(event)
            elif event.what == "source":
                self.world.work.fail(event.name, skip=event.how % 8, times=(1, 9)[event.at % 2])
            elif event.what == "page":
                self.world.work.misbehave(_TABLES[event.at % 4], 1 + event.how % 3, _manner(event.name))
            elif event.what == "under_way" and event.name not in moved:
                moved.add(event.name)  # two: one row may leave as another comes, which no total shows
                self._meanwhile(event)
        self.world.edges.arm(crash=min(crash, default=None), failing=failing)

    def _fail_books(self, event: Event) -> None:
        if event.name == "twice" and not self._helped():
            return
        if self.world.disk is not None:
            error, call = ERRORS[event.how % len(ERRORS)], (*CALLS, "")[event.at % (1 + len(CALLS))]
            times, done = (1, 1, 40)[event.at % 3], event.how % 5 == 0
            self.world.disk.fail(error, call=call, skip=event.how % (7 if call else 40), times=times, done=done)
            return
        writes = event.at % 3 > 0 or event.name == "twice"

        def when(request: Request) -> bool:
            return "token" not in request.path and (not writes or request.method != "GET")

        self.world.books.fail(event.name, when=when, skip=event.how % 3, times=(1, 1, 4)[event.at % 3])

    def _helped(self) -> bool:
        """Where neither a key nor a number helps, a request that a proxy repeats is two documents: not promised."""
        helps, manners = self.world.sink_class.idempotency, self.world.books.manners
        return helps.how in ("unique", "upsert") or (helps.how == "key" and manners.key_window != 0)

    def _meanwhile(self, event: Event) -> None:
        what = ("insert", "edit", "delete", "turn")[event.how % 4]
        table = event.name
        action = Event(what=what, at=event.at, how=event.how, name=table)
        self.world.work.after_page(table, 1 + event.at % 2, lambda: happens(self.world, action))

    # ---- The end -------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Faults stop, the clock is right, slow requests have come through, nights pass, a person learns again."""
        world = self.world
        world.skew = timedelta(0)
        summary = None
        for number in range(QUIET_NIGHTS):
            world.books.settle()
            world.clock.advance(DAY)
            world.say("quiet night")
            summary = self._run(full=number == 1)
            if summary is not None and any(isinstance(one, Fork) for one in summary.troubles):
                self._learn()
            elif summary is not None and number and not summary.pushed:
                break
        self._last_look(summary)

    def _learn(self) -> None:
        try:
            learned = relearn(self.world)
            settle_unlearned(self.world, (reference for reference, _ in learned.unlearned))
        except VendorError as error:
            self.breaches.append(Breach(kind="lost", what=f"quiet books cannot be learned again: {error}"))

    def _last_look(self, summary: NightSummary | None) -> None:
        world = self.world
        if summary is None:
            self._check([Breach(kind="lost", what="a quiet night does not come to its end")])
            return
        with world.firm.ledger() as ledger:
            facts = ledger.facts(world.firm.terms, now=world.now(), today=world.firm.today, everything=True)
            if world.asks_a_person:
                self._check(invariants.of_the_question(summary))
            else:
                self._check(invariants.of_the_end(world, summary, ledger, evaluate(facts)))
            self._check(invariants.of_the_journal(ledger))
        self._check(invariants.secrets_on_disk(world))


def _manner(name: str) -> Any:
    return name


def _tell(world: World, summary: NightSummary) -> None:
    """What a night said, into the protocol."""
    evaluation = summary.evaluation
    world.say(f"exit {summary.exit_code}, {evaluation.verdict if evaluation else '-'}")
    for one in summary.pushed:
        world.say(f"{one.outcome} {one.reference} {one.total} {one.reason}")
    for trouble in summary.troubles:
        world.say(f"trouble: {' | '.join(str(trouble).splitlines())}")
    for text in (*summary.changes, *summary.findings):
        world.say(text)
