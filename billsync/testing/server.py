"""A vendor on loopback: real HTTP in threads, a log of requests, and faults on request.

A fake vendor derives from FakeServer and writes `handle`. The same vendor can be reached without a socket by
`transport()`, for simulations of many thousand nights: then a vendor that hangs is a time-out at once.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from billsync.sdk.exact import exact_json
from billsync.testing.clock import Clock
from billsync.testing.faults import FAULTS, Fault

_LINGER = "hh" if sys.platform == "win32" else "ii"  # the C struct of SO_LINGER
PAGE = b"<!doctype html><html><head><title>Maintenance</title></head><body>We are back soon</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in; `at` by the injected clock. Headers have lower-case names."""

    number: int
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the query; of a repeated one the last."""
        return {
            name: values[-1] for name, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()
        }

    @property
    def form(self) -> dict[str, str]:
        """Parameters of a form body."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}

    def json(self) -> Any:
        """The body as JSON, with Decimal."""
        return json.loads(self.body, parse_float=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer. `json_of` writes Decimal with its own digits."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def json_of(cls, value: Any, status: int = 200, **headers: str) -> Response:
        """JSON; further headers with `_` for `-`."""
        more = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status=status, body=exact_json(value), headers={"Content-Type": "application/json", **more})


@dataclass(slots=True)
class _Planned:
    fault: Fault
    when: Callable[[Request], bool]
    skip: int
    times: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    response: Response
    manner: str = "normal"
    """normal, hang, reset or half: what the wire does with the response."""


class FakeServer:
    """Use it as a context manager; `url` is its address. Nothing it keeps is touched by two requests at once."""

    grants: Any = None
    """The vendor's oauth.Grants, where people log in by OAuth 2."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.log: list[Request] = []
        self.watch: list[Callable[[Request], object]] = []
        """Called with each request before it is answered."""
        self.folder = Path()
        """Where a vendor that is files keeps them; the bench gives it a new one."""
        self.broken: list[str] = []
        """Tracebacks of this fake's own errors: a test that ends with one fails."""
        self._faults: list[_Planned] = []
        self._later: list[tuple[datetime, Request]] = []
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    # ---- What a test does ------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._server = _server_of(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self.broken and error is None:
            raise AssertionError(f"the fake vendor itself failed:\n{self.broken[0]}")

    @cached_property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; a made-up port where only `transport()` is used."""
        port = self._server.server_address[1] if self._server is not None else 9
        return f"http://127.0.0.1:{port}"

    def transport(self) -> httpx.BaseTransport:
        """The same vendor without a socket."""
        return _Transport(self)

    def fail(
        self,
        fault: Fault | str,
        *,
        when: Callable[[Request], bool] = lambda request: True,
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """Answer the next `times` requests that match with a fault (or the name of one), after `skip` good ones."""
        self._faults.append(_Planned(FAULTS[fault] if isinstance(fault, str) else fault, when, skip, times))

    def forgive(self) -> None:
        """Forget all faults that are still to come."""
        self._faults.clear()

    def settle(self) -> None:
        """Let what was to come later come now."""
        with self._lock:
            due, self._later = self._later, []
            for _, request in due:
                self.handle(request)

    # ---- What a fake vendor writes ---------------------------------------------------------------------------

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account that is this vendor."""
        return {"base_url": self.url, **more}

    def lay_out(self) -> None:
        """Put on the disk what a connector is about to read there; on a wire there is nothing to do."""

    def login(self) -> dict[str, Any]:
        """Options that log in by OAuth 2, where there are other ways too."""
        return {}

    def secrets(self) -> list[str]:
        """Tokens that this vendor has given out."""
        return []

    def handle(self, request: Request) -> Response:
        """The vendor's own answer. Called under a lock."""
        raise NotImplementedError

    # ---- How a request is served -----------------------------------------------------------------------------

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> _Outcome:
        """One request, from the socket or without one."""
        with self._lock:
            self._come_due()
            request = Request(
                number=len(self.log) + 1, method=method, target=target, headers=headers, body=body, at=self.clock.now()
            )
            self.log.append(request)
            for look in self.watch:
                look(request)
            fault = self._fault_for(request)
            return _Outcome(self.handle(request)) if fault is None else self._faulty(request, fault)

    def _come_due(self) -> None:
        """Do what was to come later, as of the instant when it was due."""
        now = self.clock.now()
        due = [(at, request) for at, request in self._later if at <= now]
        self._later = [(at, request) for at, request in self._later if at > now]
        for at, request in due:
            self.clock.set(at)
            self.handle(request)
        self.clock.set(now)

    def _fault_for(self, request: Request) -> Fault | None:
        for planned in self._faults:
            if planned.times > 0 and planned.when(request):
                if planned.skip > 0:
                    planned.skip -= 1
                    continue
                planned.times -= 1
                return planned.fault
        return None

    def _faulty(self, request: Request, fault: Fault) -> _Outcome:
        response = Response()
        if fault.commits in ("yes", "twice"):
            response = self.handle(request)
        if fault.commits == "twice":
            self.handle(request)
        if fault.commits == "later":
            self._later.append((self.clock.now() + timedelta(seconds=fault.delay), request))
        headers = {"Content-Type": "application/json", **fault.headers}
        match fault.answer:
            case "normal":
                return _Outcome(response)
            case "status":
                return _Outcome(Response(status=fault.status, body=fault.body, headers=headers))
            case "cut":
                return _Outcome(Response(body=response.body[: len(response.body) // 2]))
            case "wrong":
                return _Outcome(Response(body=b'{"unexpected": true}'))
            case "page":
                return _Outcome(Response(body=PAGE, headers={"Content-Type": "text/html"}))
            case "empty":
                return _Outcome(Response(body=b""))
            case manner:
                return _Outcome(response, manner)

    def wait_for_close(self, connection: socket.socket) -> None:
        """Hang until the client gives up or the server closes."""
        connection.settimeout(0.05)
        while not self._closing.is_set():
            try:
                if not connection.recv(4096):
                    return
            except TimeoutError:
                continue
            except OSError:
                return


class _Transport(httpx.BaseTransport):
    def __init__(self, vendor: FakeServer) -> None:
        self._vendor = vendor

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        outcome = self._vendor.serve(request.method, target, headers, request.read())
        if outcome.manner == "hang":
            raise httpx.ReadTimeout("timed out", request=request)
        if outcome.manner in ("reset", "half"):
            raise httpx.ReadError("connection reset by peer", request=request)
        answer = outcome.response
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)


def _server_of(vendor: FakeServer) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            outcome = vendor.serve(self.command, self.path, headers, self.rfile.read(length))
            if outcome.manner == "hang":
                vendor.wait_for_close(self.connection)
                self._break()
            elif outcome.manner == "reset":
                self._break()
            else:
                self._answer(outcome.response, half=outcome.manner == "half")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def _answer(self, response: Response, *, half: bool) -> None:
            head = [f"HTTP/1.1 {response.status} -", f"Content-Length: {len(response.body)}"]
            head += [f"{name}: {value}" for name, value in response.headers.items()]
            body = response.body[: len(response.body) // 2] if half else response.body
            self.wfile.write("\r\n".join([*head, "", ""]).encode() + body)
            if half:
                self._break()

        def _break(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
            self.connection.close()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: `FakeServer.log` holds what came."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is what some tests want; anything else is our own fault."""
            if not isinstance(sys.exc_info()[1], OSError):
                vendor.broken.append(traceback.format_exc())

    return Server(("127.0.0.1", 0), Handler)
