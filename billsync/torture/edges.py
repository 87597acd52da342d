"""Where a process can die: before and after each commit of the ledger, each request, each touch of the books.

A crash is an exception that nothing catches: the run is gone, its open transaction is rolled back as the database
would roll it back on the next opening, and the next night opens everything anew. A full disk is an error at a commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx

from billsync.ledger import Ledger
from billsync.model.errors import LedgerError
from billsync.testing.server import FakeServer


class Crash(BaseException):
    """The process died here. No `except` of the product may see it."""


class Edges:
    """Counts the edges of one run, and lets the one that the script chose be the last."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._last: int | None = None
        self._full: set[int] = set()
        self.commits = 0
        self.count = 0
        self.quiet = True

    def arm(self, *, crash: int | None, full: set[int]) -> None:
        """For the next run: die at the edge of this number; fail these commits."""
        self._last, self._full = crash, full
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

    def committing(self) -> None:
        """A transaction is about to be committed. LedgerError where the disk is full, as the ledger tells it."""
        self.passing("before a commit")
        if self.quiet:
            return
        self.commits += 1
        if self.commits in self._full:
            self._log(f"disk full at commit {self.commits}")
            raise LedgerError("the disk is full: nothing was written", hint="free some space and run again")


class TornLedger(Ledger):
    """A ledger whose commits are edges."""

    edges: ClassVar[Edges | None] = None
    """Of the run in this process."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As the ledger's own; nested ones are no edges."""
        outermost = not self._conn.in_transaction
        with super().transaction():
            yield
            if outermost and self.edges is not None:
                self.edges.committing()
        if outermost and self.edges is not None:
            self.edges.passing("after a commit")


class Wire(httpx.BaseTransport):
    """A vendor without a socket, with an edge on either side of it."""

    def __init__(self, vendor: FakeServer, edges: Edges, log: Callable[[str], None]) -> None:
        self._vendor = vendor.transport()
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
