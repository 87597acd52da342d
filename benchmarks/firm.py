"""A small firm in a folder of its own, and its books: what benchmarks kill, race and starve.

quickbooks   hours from a fake Harvest over HTTP, invoices to a fake QuickBooks over HTTP, with a log-in that rotates
plain        hours from a file, invoices to plain books over HTTP, with any of their manners
folder       hours from a file, invoices as files

Two clients, so that two documents leave each night: a run can die between them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.children import COMMAND, Job, SharedClock
from billsync.rules.engine import evaluate
from billsync.sync import Firm, open_firm
from billsync.testing.books import Document, FakeBooks
from billsync.testing.clock import NIGHT
from billsync.testing.folder import FakeFolder
from billsync.testing.harvest import FakeHarvest
from billsync.testing.plain import FakePlainBooks
from billsync.testing.quickbooks import FakeQuickBooks
from billsync.testing.server import Request
from billsync.torture.world import MANNERS

SINKS: Final = ("quickbooks", "plain", "folder")
RATE: Final = 120
HOURS: Final = 2
CLIENTS: Final = ("acme", "city")
_SECRETS: Final = ("token", "client_secret", "refresh_token")
_PLAIN: Final = """from billsync.sdk import sinks
from billsync.torture.world import MANNERS, plain_sink

billsync_sinks = sinks(plain_sink(MANNERS[{number}]))
"""


@dataclass(slots=True, kw_only=True)
class Small:
    """A firm, its books and its clock. `hours` entries of two hours for each client were worked so far."""

    folder: Path
    sink: str
    clock: SharedClock
    books: FakeBooks
    harvest: FakeHarvest | None
    environ: dict[str, str] = field(default_factory=dict)
    worked: int = 0
    runs: int = 0
    config: str = "billsync.yaml"
    call: str = COMMAND

    @property
    def home(self) -> Path:
        """The firm's own folder; logs and words of its runs lie beside it."""
        return self.folder / "firm"

    def work(self, entries: int = 1) -> None:
        """So many more entries of two hours for each client, approved."""
        today = self.clock.now().date()
        for _ in range(entries):
            self.worked += 1
            if self.harvest is not None:
                for project in (1, 2):
                    self.harvest.add_time(project, today - timedelta(days=1), f"{HOURS}.00")
        if self.harvest is None:
            self._write_hours(today)

    def _write_hours(self, today: date) -> None:
        rows = [
            f"T-{client}-{number},P-{client},ana,{today - timedelta(days=1)},{HOURS}.00,yes,approved"
            for number in range(self.worked)
            for client in CLIENTS
        ]
        path = self.home / "data" / "time.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["id,project,person,date,hours,billable,approval", *rows, ""]), encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))  # at rest for long: no export is waited for

    @property
    def due(self) -> int:
        """What stands in the books when everything is billed, in cents."""
        return len(CLIENTS) * self.worked * HOURS * RATE * 100

    def job(self, *words: str, **more: Any) -> Job:
        """`billsync WORDS` on this firm; `more` are members of Job."""
        self.runs += 1
        return Job(
            words=["--config", str(self.home / self.config), *words],
            out=str(self.folder / f"words-{self.runs}.txt"),
            environ=self.environ,
            clock=str(self.folder / "clock"),
            **{"call": self.call, **more},
        )

    def watched(self, *words: str, **more: Any) -> Job:
        """The same, with edges counted."""
        return self.job(*words, watch=str(self.home), log=str(self.folder / "edges"), **more)

    def edges(self) -> list[tuple[str, str]]:
        """Kind and name of every edge that the last watched run passed."""
        lines = (self.folder / "edges").read_text(encoding="utf-8").splitlines()
        return [(kind, what) for kind, _, what in (line.partition("\t") for line in lines)]

    def said(self, *, last: bool = False) -> str:
        """The words of all runs so far, or of the last one."""
        files = sorted(self.folder.glob(f"words-{self.runs if last else '*'}.txt"))
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def open(self) -> Firm:
        """The firm in this process, on its clock."""
        return open_firm(self.home / self.config, environ=self.environ, now=self.clock.now, sleep=self.clock.sleep)

    def standing(self) -> list[Document]:
        """Documents that stand in the books."""
        self.books.look()
        return [one for one in self.books.documents.values() if one.status in ("draft", "open")]

    def secrets(self) -> list[str]:
        """Everything that no file may hold, the token's own aside."""
        return [*self.environ.values(), *self.books.secrets()]


def is_write(request: Request) -> bool:
    """A request that changes the books; the log-in is none."""
    return request.method != "GET" and "token" not in request.path


@contextmanager
def small(
    folder: Path, sink: str, *, manners: int = 0, rotates: bool = True, default: Callable[[], datetime] | None = None
) -> Iterator[Small]:
    """A firm in `folder`, its vendors running, one entry of work done for each client."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = SharedClock(folder / "clock", default() if default else NIGHT)
    with ExitStack() as stack:
        books = _books(sink, clock, manners)
        if sink != "folder":
            stack.enter_context(books)
        harvest = stack.enter_context(_tracker(clock)) if sink == "quickbooks" else None
        firm = Small(folder=folder, sink=sink, clock=clock, books=books, harvest=harvest)
        firm.home.mkdir(exist_ok=True)
        books.folder = firm.home
        if sink == "plain":
            plugins = firm.home / "plugins"
            plugins.mkdir(mode=0o700, exist_ok=True)
            (plugins / "plain.py").write_text(_PLAIN.format(number=manners), encoding="utf-8")
        if isinstance(books, FakeQuickBooks):
            books.grants.rotates = rotates
        firm.work()
        configure(firm)
        yield firm


def _tracker(clock: SharedClock) -> FakeHarvest:
    made = FakeHarvest(clock=clock, page_size=50)
    for number, client in enumerate(CLIENTS, 1):
        made.add_project(number, client.title(), client=client.title())
    return made


def _books(sink: str, clock: SharedClock, manners: int) -> FakeBooks:
    made: type[FakeBooks] = {"quickbooks": FakeQuickBooks, "plain": FakePlainBooks, "folder": FakeFolder}[sink]
    whole = type(made.__name__, (_Whole, made), {})
    books: FakeBooks = whole(clock=clock) if sink != "plain" else whole(clock=clock, manners=MANNERS[manners])
    return books


class _Whole(FakeBooks):
    """Books that do not act on a request of which a part is missing: its sender died."""

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Any:
        if len(body) < int(headers.get("content-length", "0")):
            raise ConnectionAbortedError("the request ended early")
        return super().serve(method, target, headers, body)


def configure(firm: Small, *, config: str = "billsync.yaml", ledger: str = "billsync.db", state: str = "state") -> None:
    """Write a configuration. A second one with another ledger and state is another machine of the same firm."""
    environ = firm.environ
    if firm.harvest is not None:
        source = {"kind": "harvest", **_options(firm.harvest.options(), "work", environ)}
    else:
        source = {"kind": "files", "path": "data", "time": "time.csv"}
    start = firm.clock.now().date() - timedelta(days=60)
    document: dict[str, Any] = {
        "firm": {"name": "Roe Architects", "zone": "UTC", "currency": "USD"},
        "ledger": ledger,
        "state": state,
        "sources": {"work": source},
        "sinks": {"books": {"kind": firm.sink, **_options(firm.books.options(), "books", environ)}},
        "clients": [
            {"id": client, "name": client.title(), "customers": {"books": str(number)}}
            for number, client in enumerate(CLIENTS, 1)
        ],
        "contracts": [
            {
                "id": client.upper(),
                "client": client,
                "starts": start,
                "signed": start,
                "project": f"work/{number if firm.harvest is not None else f'P-{client}'}",
                "time": {"rates": {"default": RATE}},
            }
            for number, client in enumerate(CLIENTS, 1)
        ],
    }
    if firm.sink == "plain":
        document["plugins_dir"] = "plugins"
    (firm.home / config).write_text(json.dumps(document, default=str), encoding="utf-8")


def _options(options: Mapping[str, Any], account: str, environ: dict[str, str]) -> dict[str, Any]:
    written = {}
    for name, value in options.items():
        if name in _SECRETS:
            environ[f"{account}_{name}".upper()] = str(value)
            written[name] = f"env:{account}_{name}".upper().replace("ENV:", "env:")
        else:
            written[name] = value
    return written


# ---- What must hold ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the books and the ledger hold. `doubles` and `lost` are documents; `wrong` says everything else."""

    doubles: int
    lost: int
    open: int
    wrong: tuple[str, ...] = ()


def judged(firm: Small, *, ended: bool = True) -> Found:
    """Compare books, ledger and work. `ended`: every document must have arrived, and its intent be confirmed."""
    opened = firm.open()
    with opened.ledger(read_only=True) as ledger:
        wrong = [f"journal row {row}: {what}" for row, what in ledger.verify().problems]
        facts = ledger.facts(opened.terms, now=opened.now(), today=opened.today, everything=True)
        intents = ledger.intents()
    evaluation = evaluate(facts)
    wrong += [f"the statement differs by {row.difference}" for row in evaluation.statement if row.difference]
    unsettled = [one for one in intents if one.state in ("planned", "sending", "unknown")]
    standing = firm.standing()
    bearing = {one.reference: firm.books.bearing(one.reference) for one in intents}
    doubles = sum(max(0, len(found) - 1) for found in bearing.values())
    confirmed = {one.reference: one for one in intents if one.state == "confirmed"}
    lost = sum(1 for reference in confirmed if not bearing[reference])
    billed = sum(row.billed - row.credited for row in evaluation.statement)
    known = sum(one.invoice.total for one in confirmed.values())
    if billed != known:
        wrong.append(f"postings are {billed}, documents {known}")
    if ended:
        in_books = sum(one.net for one in standing)
        doubles += len(standing) - sum(map(len, bearing.values())) if in_books > firm.due else 0
        lost += -(-max(0, firm.due - in_books) // (HOURS * RATE * 100))
        wrong += [f"{one.reference} is still {one.state}: {one.reason}" for one in unsettled]
        if in_books != firm.due or billed != firm.due:
            wrong.append(f"{firm.due} are due, {in_books} in the books, {billed} in the ledger")
    return Found(doubles=doubles, lost=lost, open=len(unsettled), wrong=(*wrong, *_files(firm)))


def _files(firm: Small) -> Iterator[str]:
    """No secret outside of the token store, no document by half."""
    secrets = [secret.encode() for secret in firm.secrets()]
    for path in firm.home.rglob("*"):
        if not path.is_file() or "tokens" in path.parts:
            continue
        content = path.read_bytes()
        if any(secret in content for secret in secrets):
            yield f"a secret is in {path.name}"
        if "invoices" in path.parts and path.suffix == ".json":
            try:
                json.loads(content)
            except ValueError:
                yield f"{path.name} is not whole"
    said = firm.said()
    if any(secret.decode() in said for secret in secrets):
        yield "a secret was said"


def columns(rows: Sequence[Sequence[object]]) -> str:
    """Rows as text, the first column to the left, the others to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for row in texts:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def memory() -> Path | None:
    """A folder that is no disk, where there is one: the same calls, without the wait for a platter."""
    shared = Path("/dev/shm")  # noqa: S108  a private folder is made in it
    return shared if sys.platform == "linux" and shared.is_dir() else None
