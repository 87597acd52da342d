"""What each connector costs and what was tried on it: lines, calls, the contract kit, and what is not confirmed.

`python -m benchmarks connectors [--format json] [--write] [--no-kit]`. Calls are counted on the fake vendors, with the
session and the plan of a real night: a first sync, an idle night, a night with 50 changes. The kit is run by pytest in
this process (some minutes); a test that has nothing to try at a connector says why. `--write` puts the page to
docs/connectors/evidence.md; with `--no-kit` its tables of the kit stay as they are. What is measured is held against
the page by tests/plugins/test_evidence.py.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, timedelta
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Final

from billsync.model.work import PollReceipt
from billsync.plugins import Plugins
from billsync.sdk.sink import Sink
from billsync.sync.poll import KINDS, Memory, Wanted, plan_asks
from billsync.testing.account_contract import AccountContract
from billsync.testing.bench import METHODS
from billsync.testing.invoices import invoice
from billsync.testing.sink_contract import SinkContract
from billsync.testing.source_contract import SourceContract

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "connectors" / "evidence.md"
PLUGINS: Final = ROOT / "plugins"
TESTS: Final = ROOT / "tests" / "plugins"
RECORDS, CHANGES, PAGE_SIZE, WINDOW_DAYS = 50, 50, 100, 62
PATIENCE: Final = 60
"""Seconds for an answer of a fake vendor: a machine that is busy must cost no call more."""
PROOFS: Final = (
    "test_one_document_whatever_goes_wrong",
    "test_what_is_there_is_adopted_not_sent_again",
    "test_a_look_up_that_fails_is_not_an_empty_look_up",
    "test_a_refusal_says_that_nothing_was_written",
    "test_only_our_exact_reference_is_ours",
    "test_two_machines_at_once",
    "test_two_processes_at_once",
    "test_the_stamp_survives",
)
"""The tests of the kit on which "exactly once" rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A fact that is not confirmed, how a wrong guess shows itself, and the tests that show it."""

    fact: str
    shows: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests of three nights, log-ins included."""

    first: int
    idle: int
    changes: int


@dataclass(slots=True, kw_only=True)
class Tried:
    """A test of the kit on one connector: its cases. `aside`: why some had nothing to try; `own`: why it has a version
    of its own."""

    passed: int = 0
    failed: int = 0
    aside: str = ""
    own: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Everything that is told about one connector; `name` is its kind and role."""

    name: str
    main: int
    family: int
    files: tuple[str, ...]
    calls: Calls | None
    guesses: tuple[Guess, ...]
    kit: dict[str, Tried] = field(default_factory=dict)


# ---- Which there are -----------------------------------------------------------------------------------------


def classes() -> dict[str, type[Any]]:
    """Name (kind/role) -> class, of every built-in connector."""
    plugins = Plugins(environ={"BILLSYNC_PLUGINS": ""})
    found: dict[str, type[Any]] = {f"{kind}/source": plugins.source(kind) for kind in plugins.kinds("source")}
    return found | {f"{kind}/sink": plugins.sink(kind) for kind in plugins.kinds("sink")}


def modules() -> list[Any]:
    """The test modules of the connectors."""
    paths = sorted(path.relative_to(ROOT).with_suffix("") for path in TESTS.rglob("test_*.py"))
    own = ".".join(TESTS.relative_to(ROOT).parts) + ".test_evidence"
    return [importlib.import_module(name) for name in (".".join(path.parts) for path in paths) if name != own]


def name_of(kit: type[AccountContract]) -> str:
    """The connector that a class of the kit tries."""
    found = kit().connector()
    return f"{found.kind}/{'sink' if issubclass(found, Sink) else 'source'}"


def kits() -> dict[str, type[AccountContract]]:
    """Connector -> the first class that runs the whole kit on it."""
    found: dict[str, type[AccountContract]] = {}
    for module in modules():
        for kit in vars(module).values():
            whole = isinstance(kit, type) and issubclass(kit, SourceContract | SinkContract)
            if whole and kit.__module__ == module.__name__:
                found.setdefault(name_of(kit), kit)
    return found


def lines(found: type[Any]) -> tuple[int, dict[str, int]]:
    """Lines of the connector's file, and of the files that it is helped by, by name."""
    main = Path(inspect.getfile(found))
    family: dict[str, int] = {}
    waiting = [main]
    while waiting:
        for path in _imported(waiting.pop()):
            name = path.relative_to(PLUGINS / "billsync_plugins").as_posix()
            if name not in family:
                family[name] = _count(path)
                waiting.append(path)
    return _count(main), dict(sorted(family.items()))


def _imported(path: Path) -> Iterator[Path]:
    """Files of the plugins that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("billsync_plugins"):
            base = PLUGINS.joinpath(*str(node.module).split("."))
            tried = [base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)]
            yield from (one for one in tried if one.is_file())


def _count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


# ---- Calls of three nights -----------------------------------------------------------------------------------


def calls_of(kit_class: type[Any]) -> Calls | None:
    """On the fake vendor of a kit, with pages of 100 rows where a fake has pages. None: the connector has no API."""
    kit = kit_class()
    if kit.connector().api is None:
        return None
    kit.setup_method()
    try:
        if hasattr(kit.bench.vendor, "page_size"):
            kit.bench.vendor.page_size = PAGE_SIZE
        return _source_nights(kit) if isinstance(kit, SourceContract) else _sink_nights(kit)
    finally:
        kit.teardown_method()


def _source_nights(kit: Any) -> Calls:
    ids = {kind: _filled(kit, kind) for kind in kit.tables}
    clock = kit.bench.vendor.clock
    first, memory = _night(kit, Memory(last={}, last_full={}))
    clock.advance(days=1)
    idle, memory = _night(kit, memory)
    clock.advance(days=1)
    places = cycle(sorted(ids))
    for number, kind in enumerate(islice(places, CHANGES)):
        kit.change(kind, ids[kind][number % RECORDS])
    changes, _ = _night(kit, memory)
    return Calls(first=first, idle=idle, changes=changes)


def _filled(kit: Any, kind: str) -> list[str]:
    """Fifty records, dated over the month of the kit; every other milestone complete."""
    found = [kit.add(kind, number, kit.window.since + timedelta(days=number % 28)) for number in range(RECORDS)]
    for ident in found[::2] if kind == "milestone" else ():
        kit.complete(ident, kit.bench.vendor.clock.now())
    return found


def _night(kit: Any, memory: Memory) -> tuple[int, Memory]:
    """The calls of one night, asked as a run asks, and what it leaves behind."""
    vendor, before = kit.bench.vendor, len(kit.bench.vendor.log)
    source, now = kit.bench.open(timeout=PATIENCE), vendor.clock.now()
    wanted = Wanted(now=now, today=now.astimezone(UTC).date(), beginning=date(2026, 1, 1))
    offered = type(source).kinds(source.options)
    account: Any = SimpleNamespace(window_days=WINDOW_DAYS)
    left: dict[Any, PollReceipt | None] = {}
    for ask in plan_asks(account, source, [kind for kind in KINDS if kind in offered], memory, wanted):
        rows = list(getattr(source, METHODS[ask.kind])(ask.window))
        left[ask.kind] = PollReceipt(
            account="bench", kind=ask.kind, window=ask.window, started=now, finished=now, pages=0, records=len(rows),
            complete=True, full=ask.full, reason="", findings=(),
        )  # fmt: skip
    return len(vendor.log) - before, Memory(last=left, last_full={**left, **memory.last_full})


def _sink_nights(kit: Any) -> Calls:
    """Fifty documents of others are there; the last night sends fifty of ours."""
    books, counts = kit.bench.vendor, []
    for number in range(RECORDS):
        books.enter(f"H-{number}", 100 + number)
    known: list[str] = []
    for since, sent in ((None, 0), (timedelta(hours=1), 0), (timedelta(hours=1), CHANGES)):
        before, sink = len(books.log), kit.bench.open(timeout=PATIENCE)
        told = list(sink.read_back(None if since is None else books.clock.now() - since))
        known = known or [receipt.id for receipt in told]
        if since is not None and not sink.tells_deletions:
            sink.absent(known)
        for number in range(sent):
            document = invoice(reference=f"BS-NIGHT{number:07}")
            sink.create(document, document.reference)
        counts.append(len(books.log) - before)
        books.clock.advance(days=1)
    return Calls(first=counts[0], idle=counts[1], changes=counts[2])


# ---- What is not confirmed -----------------------------------------------------------------------------------

_GUESS: Final = re.compile(r"^Unconfirmed: (.+?) - shows as: (.+)$", re.MULTILINE)


def guesses_of(name: str, found: type[Any]) -> tuple[Guess, ...]:
    """The `Unconfirmed:` lines of a connector's docstring, each with its tests."""
    names = (name, found.kind)
    told = _GUESS.findall(sys.modules[found.__module__].__doc__ or "")
    return tuple(Guess(fact=fact, shows=shows, tests=_tests_of(names, fact)) for fact, shows in told)


def _tests_of(names: tuple[str, str], fact: str) -> tuple[str, ...]:
    return tuple(test for kind, begin, test in proofs() if kind in names and fact.startswith(begin))


@cache
def proofs() -> list[tuple[str, str, str]]:
    """Kind, beginning of the fact, test: what `wrong_guess` has marked."""
    found = []
    for module in modules():
        for holder in [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]:
            marked = [holder, *(vars(holder).values() if isinstance(holder, type) else ())]
            for test in marked:
                for kind, fact, by in vars(test).get("guesses", ()) if hasattr(test, "__dict__") else ():
                    found.append((kind, fact, by or test.__name__))
    return found


# ---- The kit -------------------------------------------------------------------------------------------------


def run_kit() -> dict[str, dict[str, Tried]]:
    """Connector -> test of the kit -> what came of it; classes of one connector count together."""
    import pytest

    watch = Watch()
    with redirect_stdout(sys.stderr):
        pytest.main([str(TESTS), "-q", "--no-header", "-p", "no:cacheprovider", f"--rootdir={ROOT}"], plugins=[watch])
    return watch.found


class Watch:
    """A plugin of pytest: runs the tests of the kit only, and keeps what came of each."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Tried]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep what the kit has a test for."""
        items[:] = [item for item in items if item.cls and issubclass(item.cls, AccountContract) and of_kit(item)]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test that fails in its set-up has failed, too."""
        tried = self._tried[report.nodeid]
        if report.outcome == "failed":
            tried.failed += 1
        elif report.when == "call":
            tried.passed += 1

    def pytest_runtest_setup(self, item: Any) -> None:
        """Where the outcome goes."""
        tried = self.found.setdefault(name_of(item.cls), {}).setdefault(item.originalname, Tried())
        self._tried = {item.nodeid: tried}
        having = next(owner for owner in item.cls.__mro__ if item.originalname in vars(owner))
        if not having.__module__.startswith("billsync.testing"):
            tried.own = first_line(having, item.originalname)

    def pytest_runtest_teardown(self, item: Any) -> None:
        """Why a test had nothing to try."""
        tried = self._tried[item.nodeid]
        if item.instance.put_aside and tried.passed:
            tried.passed, tried.aside = tried.passed - 1, item.instance.put_aside


def of_kit(item: Any) -> bool:
    """Whether a test is one of the kit's, or a version of it."""
    return any(hasattr(contract, item.originalname) for contract in (SourceContract, SinkContract))


def first_line(owner: type[Any], name: str) -> str:
    """What a version of its own says of itself; else what its class says."""
    told = getattr(owner, name).__doc__ or owner.__doc__ or "see the test"
    return str(told).strip().splitlines()[0].rstrip(".")


def kit_tests(contract: type[AccountContract]) -> list[str]:
    """The tests of the kit, in the order in which they are written."""
    return [name for owner in contract.__mro__[::-1] for name in vars(owner) if name.startswith("test_")]


# ---- All of it -----------------------------------------------------------------------------------------------


def measure(*, kit: bool) -> list[Connector]:
    """Every connector; with the kit it takes minutes."""
    tried, outcomes = kits(), run_kit() if kit else {}
    every = []
    for name, found in classes().items():
        main, family = lines(found)
        every.append(
            Connector(
                name=name,
                main=main,
                family=sum(family.values()),
                files=tuple(family),
                calls=calls_of(tried[name]),
                guesses=guesses_of(name, found),
                kit=outcomes.get(name, {}),
            )
        )
    return every


def main(arguments: Sequence[str] = ()) -> None:
    """Print the page, or write it."""
    options = argparse.ArgumentParser(prog="python -m benchmarks connectors")
    options.add_argument("--format", choices=["text", "json"], default="text")
    options.add_argument("--write", action="store_true", help="to docs/connectors/evidence.md")
    options.add_argument("--no-kit", action="store_true", help="leave the contract kit out")
    chosen = options.parse_args(list(arguments))
    every = measure(kit=not chosen.no_kit)
    if chosen.format == "json":
        print(json.dumps([asdict(one) for one in every], indent=2))
        return
    from benchmarks.connectors_page import page

    text = page(every, kept=PAGE.read_text(encoding="utf-8") if chosen.write and chosen.no_kit else "")
    if chosen.write:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    print(f"written: {PAGE.relative_to(ROOT).as_posix()}" if chosen.write else text)


def middle(every: Sequence[Connector], of: Callable[[Connector], int]) -> str:
    """The median as text."""
    return f"{median(of(one) for one in every):g}"


if __name__ == "__main__":
    main(sys.argv[1:])
