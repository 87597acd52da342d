"""The way back from the vendor's page where a person agrees: a loopback port, or an address that is pasted.

The `state` that was sent must come back: an address that somebody else made is refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from billsync.model.errors import AuthFailed, UsageError

PATH: Final = "/callback"
WAIT: Final = timedelta(minutes=10)
"""Vendors' codes and pages live about as long."""
DONE: Final = "You are logged in. This page can be closed; the terminal goes on."
NOT_OURS: Final = "This answer belongs to no log-in that is under way here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the vendor's redirect brought: the code, and members that stay beside the token (realmId)."""

    code: str = field(repr=False)
    members: Mapping[str, str]


def consent_of(address: str, *, state: str, account: str, keep: Collection[str]) -> Consent:
    """Read the address of the redirect. AuthFailed for another state, a refusal, or no code."""
    told = dict(parse_qsl(urlsplit(address.strip()).query))
    hint = f"billsync auth login {account}"
    if not hmac.compare_digest(told.get("state", "").encode(), state.encode()):
        raise AuthFailed("the answer belongs to another log-in: its state differs", where=account, hint=hint)
    if "error" in told:
        what = told.get("error_description") or told["error"]
        raise AuthFailed(f"the vendor did not let billsync in: {what[:200]}", where=account, hint=hint)
    if not told.get("code"):
        raise AuthFailed("the address holds no code", where=account, hint="paste the whole address, from http on")
    return Consent(code=told["code"], members={name: told[name] for name in keep if name in told})


class Loopback:
    """Waits on this machine for the browser to come back. UsageError when the port is taken."""

    def __init__(self, *, port: int, account: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._answer: Consent | AuthFailed | None = None
        self._read: Callable[[str], Consent] = _nobody
        try:
            self._server = HTTPServer(("127.0.0.1", port), self._handler())
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be used: {error.strerror}",
                where=account,
                hint="another one: --port (the vendor must know it), or --paste",
            ) from None
        self._server.timeout = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.server_close()

    @property
    def address(self) -> str:
        """The redirect address. Vendors that allow plain http do so for the name localhost."""
        return f"http://localhost:{self._server.server_port}{PATH}"

    def wait(self, *, state: str, keep: Collection[str]) -> Consent:
        """The first answer with our state. AuthFailed when the vendor refuses, or nobody agrees in time."""
        self._read = lambda address: consent_of(address, state=state, account=self._account, keep=keep)
        until = self._now() + WAIT
        while self._answer is None:
            if self._now() >= until:
                raise AuthFailed(
                    "nobody agreed in time", where=self._account, hint=f"billsync auth login {self._account}"
                )
            self._server.handle_request()
        if isinstance(self._answer, AuthFailed):
            raise self._answer
        return self._answer

    def _came(self, target: str) -> tuple[int, str]:
        """Status and words for the browser. An answer with another state is refused and changes nothing."""
        if urlsplit(target).path != PATH:
            return 404, NOT_OURS
        try:
            self._answer = self._read(target)
        except AuthFailed as error:
            if "state" in error.what:
                return 400, NOT_OURS
            self._answer = error
            return 400, error.what
        return 200, DONE

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                status, words = loopback._came(self.path)
                content = words.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the path holds the code."""

        return Handler


def _nobody(address: str) -> Consent:
    raise AuthFailed("no state is waited for", where=urlsplit(address).path)
