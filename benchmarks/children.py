"""Real processes for benchmarks and tests: forked from one that has imported everything, killed where they are told.

Starting Python and importing billsync takes half a second, a fork takes milliseconds: without it a thousand kills
would take an hour. Each child has its own process id, its own files and sockets, and dies by a real SIGKILL. Where a
system cannot fork (Windows), each child is started as a process of its own; that is slower and the same otherwise.

`Nursery.run(jobs)` starts all jobs at once, waits for all of them and tells how each one ended. What a child does is a
function by name, `module:function`, called with the job's words; its result is the exit code. `command` below is the
command line of billsync, as a user has it, on a clock that the benchmark shares with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from billsync.testing.clock import NIGHT, Clock

ROOT: Final = Path(__file__).resolve().parents[1]
COMMAND: Final = "benchmarks.children:command"
SILENCE: Final = 5
"""Seconds after which a child gives a vendor up that does not answer; the product's own minutes are too long here."""
HANGS: Final = 300
"""Seconds after which a child that has not ended is killed: then something hangs, and its exit code shows it."""
LOOK: Final = 0.005
"""Seconds between two looks at who has ended."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)
"""On Windows SIGTERM is TerminateProcess: as sudden."""
PRELOAD: Final = (
    "benchmarks.edges",
    "billsync.cli.night",
    "billsync.cli.say",
    "billsync.cli.sync",
    "billsync.http.credential",
    "billsync.ledger",
    "billsync.reports.reconcile_blocks",
    "billsync.reports.render.line_text",
    "billsync.sync",
    "billsync.sync.vault",
    "billsync.torture.world",
    "billsync_plugins.sinks.folder",
    "billsync_plugins.sinks.quickbooks",
    "billsync_plugins.sources.files",
    "billsync_plugins.sources.harvest",
    "authlib.oauth2.auth",
    "pyrate_limiter",
    "rich.console",
    "rich.progress",
)


class SharedClock(Clock):
    """A clock in a file: what one process sleeps, all that share it have slept."""

    def __init__(self, path: Path, at: datetime | None = None) -> None:
        super().__init__()
        self._path = path
        if at is not None or not path.exists():
            path.write_bytes(_micros(at or NIGHT))

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=int.from_bytes(self._path.read_bytes(), "little"))

    def advance(self, seconds: float = 0, *, days: int = 0) -> None:
        self.set(self.now() + timedelta(days=days, seconds=seconds))

    def set(self, at: datetime) -> None:
        with self._path.open("r+b") as file:  # written over, never emptied: others are reading it
            file.write(_micros(at))


def _micros(at: datetime) -> bytes:
    return ((at - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One child. `out`: where its words on stdout and stderr go; `watch`: the folder whose edges count, their names
    in `log`; `edge`: the number of the edge at which it dies (edges.py); `after`: seconds until it is killed, wherever
    it is; `error`: errno and number of the file operation that fails; `file_size`: bytes that no file may exceed."""

    words: Sequence[str]
    out: str
    environ: dict[str, str] = field(default_factory=dict)
    call: str = COMMAND
    clock: str = ""
    watch: str = ""
    log: str = ""
    edge: int = 0
    after: float = 0
    error: tuple[int, int] | None = None
    file_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a child ended: exit code (below zero: the signal), seconds since all were let go, seconds of processor."""

    code: int
    seconds: float
    processor: float

    @property
    def killed(self) -> bool:
        """True where it was killed; on Windows a terminated process has the signal's number as its exit code."""
        return self.code in (-KILL, 15)


class Nursery:
    """The process from which children are forked. A context manager; one `run` at a time."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.children"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=_clean(),
        )
        self._turn = threading.Lock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def run(self, jobs: Sequence[Job]) -> list[Done]:
        """Start all, wait for all."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the nursery has died: exit code {self._process.wait(10)}")
        return [Done(**one) for one in json.loads(answer)]

    def one(self, job: Job) -> Done:
        """Run one child to its end."""
        return self.run([job])[0]


def _clean() -> dict[str, str]:
    """No settings, secrets or proxies of whoever runs this; what the interpreter needs stays."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("BILLSYNC_", "XDG_"))}
    kept = {name: text for name, text in kept.items() if not name.lower().endswith("_proxy")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    return {**kept, "PYTHONPATH": path, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


# ---- In the nursery ----------------------------------------------------------------------------------------------


def main() -> None:
    """Serve lines of jobs; or, where this system cannot fork, be the one child whose job comes in."""
    if sys.argv[1:] == ["--one"]:
        sys.exit(_live(Job(**json.load(sys.stdin))))
    start = _forked
    if not hasattr(os, "fork"):
        start = _started
    else:
        for name in PRELOAD:
            importlib.import_module(name)
        _warm()
        gc.collect()
        gc.freeze()  # what is loaded here stays shared: no child's collector touches it
    for line in sys.stdin:
        answer = json.dumps(_all([Job(**one) for one in json.loads(line)], start))
        try:
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # whoever asked has gone
            os._exit(1)


def _warm() -> None:
    """What each run would load anew: the authorities' certificates."""
    from billsync.http.client import new_client

    new_client().close()


def _all(jobs: Sequence[Job], start: Any) -> list[dict[str, Any]]:
    waiting, gun = os.pipe()  # all children wait for one word: then they start at once, however long the forks took
    order = [start(job, (waiting, gun)) for job in jobs]
    os.close(waiting)
    os.close(gun)
    began = time.perf_counter()
    deadlines = {child: began + (job.after or HANGS) for child, job in zip(order, jobs, strict=True)}
    ended: dict[int, dict[str, Any]] = {}
    while len(ended) < len(order):
        for child, code, used in _gone(deadlines):
            del deadlines[child]
            ended[child] = {"code": code, "seconds": time.perf_counter() - began, "processor": used}
        for child, deadline in deadlines.items():
            if time.perf_counter() > deadline:
                os.kill(child, KILL)
        time.sleep(LOOK)  # no thread may wait here: a fork beside a thread can leave the child a lock that nobody frees
    return [ended[child] for child in order]


_CHILDREN: Final[dict[int, subprocess.Popen[str]]] = {}


def _gone(living: Iterable[int]) -> Iterator[tuple[int, int, float]]:
    """Children that have ended since: number, exit code, seconds of processor."""
    for child in list(living):
        if child in _CHILDREN:
            code = _CHILDREN[child].poll()
            if code is not None:
                del _CHILDREN[child]
                yield child, code, 0.0
        else:
            found, status, usage = os.wait4(child, os.WNOHANG)
            if found:
                yield child, os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def _started(job: Job, gun: tuple[int, int]) -> int:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.children", "--one"], stdin=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(job)))
    process.stdin.close()
    _CHILDREN[process.pid] = process
    return process.pid


def _forked(job: Job, gun: tuple[int, int]) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.close(gun[1])
        os.read(gun[0], 1)
        code = _live(job)
    finally:
        os._exit(code)


# ---- In the child ------------------------------------------------------------------------------------------------


def _live(job: Job) -> int:
    """Be the child: its own words, environment, limits and edges, then its work."""
    words = os.open(job.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(words, stream)
    os.environ.update(job.environ)
    if job.file_size:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_size, job.file_size))
    if job.watch:
        from benchmarks.edges import watch

        watch(Path(job.watch), Path(job.log), last=job.edge, error=job.error)
    module, _, name = job.call.partition(":")
    work = getattr(importlib.import_module(module), name)
    code = int(work(job.clock, *job.words) or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def command(clock: str, *words: str) -> int:
    """`billsync WORDS`, on the shared clock where there is one, with little patience for a silent vendor."""
    from billsync.cli import main as command_line
    from billsync.http import endpoint, exchange
    from billsync.http.client import httpx
    from billsync.sync.firm import open_firm

    if clock:
        shared = SharedClock(Path(clock))
        open_firm.__kwdefaults__ = {**(open_firm.__kwdefaults__ or {}), "now": shared.now, "sleep": shared.sleep}
    for module in (endpoint, exchange):
        vars(module)["timeout"] = lambda seconds: httpx.Timeout(min(seconds, SILENCE))
    return command_line(words)


if __name__ == "__main__":
    main()
