"""One connector on a bench: its fake vendor, a session of its own, a state folder, the injected clock.

A connector that declares no api lives on a disk: it gets no session, and its vendor a new folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx

from billsync.http import Session
from billsync.model.work import Window
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source
from billsync.testing.server import FakeServer, Request

C = TypeVar("C", bound=Source[Any] | Sink[Any])
METHODS: Mapping[str, str] = {
    "project": "projects",
    "milestone": "milestones",
    "time": "time_entries",
    "expense": "expenses",
    "contract": "contracts",
    "change_order": "change_orders",
}


class Bench(Generic[C]):
    """Opens a connector over the real session, or on a real folder, against a fake vendor; `close` ends both."""

    account = "bench"

    def __init__(self, connector: type[C], vendor: FakeServer, **options: Any) -> None:
        self.connector = connector
        self.vendor = vendor
        self.more: dict[str, Any] = options
        """Options beside those that point to the fake; a test may set others before it opens."""
        self._stack = ExitStack()
        if connector.api is not None:
            self._stack.enter_context(vendor)
        self.state = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        vendor.folder = self.state / "disk"
        vendor.folder.mkdir()

    def close(self) -> None:
        """End the sessions and the vendor; an error of the fake itself is raised here."""
        self._stack.close()

    def options(self) -> Any:
        """The connector's options, which point to the fake vendor."""
        told = {**self.vendor.options(), **self.more}
        return self.connector.options_class.model_validate(told, context={"folder": self.vendor.folder})

    def open(self, *, transport: httpx.BaseTransport | None = None, timeout: int = 1, state: Path | None = None) -> C:
        """The connector in a new session, as a run opens it; `timeout` in seconds, so that tests need not wait long."""
        self.vendor.lay_out()
        options, api = self.options(), self.connector.api
        if api is None:
            return self.connector(self.account, options)
        session = Session(
            replace(api, read_timeout=timeout, write_timeout=timeout, limits=()),
            options,
            account=self.account,
            state=state or self.state,
            sleep=self.vendor.clock.sleep,
            now=self.vendor.clock.now,
            transport=transport,
        )
        self._stack.enter_context(session)
        return self.connector(self.account, options, session)

    def secrets(self) -> list[str]:
        """What must never be seen: the options' secrets, and every token that the vendor has given out."""
        return [*self.options().secrets(), *self.vendor.secrets()]

    def touched(self) -> tuple[int, list[Path]]:
        """What opening a connector must leave as it is: the calls of the vendor, and the files on its disk."""
        return len(self.vendor.log), sorted(self.vendor.folder.rglob("*"))

    def sent(self, path: str) -> list[Request]:
        """Requests to a path so far."""
        return [request for request in self.vendor.log if request.path == path]


class Found(dict[str, Any]):
    """What a connector told, by id; to look for what it did not tell fails the test."""

    def __missing__(self, ident: str) -> Any:
        raise AssertionError(f"{ident!r} was not told; told were {sorted(self)}")


def poll(source: Source[Any], kind: str, window: Window) -> list[Any]:
    """Every record of a kind in a window."""
    return list(getattr(source, METHODS[kind])(window))


def days(text: str) -> Window:
    """`2026-03-01..2026-03-31`, inclusive."""
    since, until = text.split("..")
    return Window(since=datetime.fromisoformat(since).date(), until=datetime.fromisoformat(until).date())
