"""Where a process can die: before and after each commit of the ledger, each request, each touch of the books.

A crash is an exception that nothing catches: the run is gone, its open transaction is rolled back as the database
would roll it back on the next opening, and the next night opens everything anew. What a disk does to the ledger is an
error at a commit, as SQLite tells it; where the error comes after the bytes, the commit stands all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any, ClassVar, Final

import httpx

from billsync.ledger import Ledger
from billsync.ledger.database import told
from billsync.testing.server import FakeServer

LOSSES: Final = ("full", "read-only", "broken", "not synced")
"""What a disk does at a commit: no room; from now on read-only; an error of the device; an error after the bytes."""
_SQLITE: Final[Mapping[str, str]] = {
    "full": "database or disk is full",
    "read-only": "attempt to write a readonly database",
    "broken": "disk I/O error",
    "not synced": "disk I/O error",
}


class Crash(BaseException):
    """The process died here. No `except` of the product may see it."""


class Edges:
    """Counts the edges of one run, and lets the one that the script chose be the last."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._last: int | None = None
        self._failing: Mapping[int, str] = {}
        self.commits = 0
        self.count = 0
        self.quiet = True

    def arm(self, *, crash: int | None, failing: Mapping[int, str]) -> None:
        """For the next run: die at the edge of this number; fail these commits, in the manner told."""
        self._last, self._failing = crash, failing
        self.count = self.commits = 0
        self.quiet = False

    def disarm(self) -> None:
        """Nothing happens until the next `arm`."""
        self.quiet = True

    def passing(self, what: str) -> None:
        """A run comes by here; Crash where it was to die."""
        if self.quiet:
            return
        self.count += 1
        if self.count == self._last:
            self._log(f"crash at edge {self.count}: {what}")
            raise Crash(what)

    @contextmanager
    def around(self, what: str, *, really: bool = True) -> Iterator[None]:
        """An edge before and one after. A log-in is none: a vendor whose refresh tokens work once gives no second."""
        if really:
            self.passing(f"before {what}")
        try:
            yield
        finally:
            if really:
                self.passing(f"after {what}")

    def committing(self, error: type[Exception]) -> None:
        """A transaction is about to be committed; `error`, the database's own, where the disk does not let it."""
        self.passing("before a commit")
        if not self.quiet:
            self.commits += 1
            self._lose(error, after=False)

    def committed(self, error: type[Exception]) -> None:
        """The bytes are written; whether they are safe is another question."""
        if not self.quiet:
            self._lose(error, after=True)
        self.passing("after a commit")

    def _lose(self, error: type[Exception], *, after: bool) -> None:
        past = (self._failing[number] for number in self._failing if number <= self.commits)
        loss = "read-only" if "read-only" in past else self._failing.get(self.commits, "")
        if loss and after == (loss == "not synced"):
            self._log(f"disk {loss} at commit {self.commits}")
            raise error(_SQLITE[loss])


class TornLedger(Ledger):
    """A ledger whose commits are edges."""

    edges: ClassVar[Edges | None] = None
    """Of the run in this process."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the ledger's own; nested ones are no edges."""
        outermost = not self._conn.in_transaction
        with told(self.path):
            with super().transaction():
                yield
                if outermost and self.edges is not None:
                    self.edges.committing(self._conn.OperationalError)
            if outermost and self.edges is not None:
                self.edges.committed(self._conn.OperationalError)


class Wire(httpx.BaseTransport):
    """A vendor without a socket, with an edge on either side of it. `dated`: its answers tell the true time."""

    def __init__(self, vendor: FakeServer, edges: Edges, log: Callable[[str], None], *, dated: bool) -> None:
        self._vendor = vendor.transport()
        self._clock = vendor.clock if dated else None
        self._edges = edges
        self._log = log

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        what = f"{request.method} {request.url.raw_path.decode()}"
        with self._edges.around(what, really="token" not in what):
            try:
                response = self._vendor.handle_request(request)
            except httpx.TransportError as error:
                self._log(f"{what}: {type(error).__name__}")
                raise
            if self._clock is not None:
                response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
            self._log(f"{what}: {response.status_code}")
        return response


class Watched:
    """The methods of a sink that touch the books, with an edge on either side, and a look at what is created."""

    def __init__(self, sink: Any, edges: Edges, sent: Callable[[Any], None]) -> None:
        for name in ("find", "create", "read_back"):
            setattr(sink, name, self._watched(getattr(sink, name), name, edges, sent))

    @staticmethod
    def _watched(method: Any, name: str, edges: Edges, sent: Callable[[Any], None]) -> Any:
        def watched(*values: Any) -> Any:
            if name == "create":
                sent(values[0])
            with edges.around(name):
                answer = method(*values)
                return answer if name == "create" else list(answer)

        return watched
