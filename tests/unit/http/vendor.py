"""A vendor on loopback: real HTTP, scripted answers, every request remembered."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as the vendor saw it; header names are lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def param(self, name: str) -> str | None:
        return dict(self.query).get(name)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True, slots=True)
class Says:
    """An answer: a dict or list is sent as JSON, text and bytes as they are."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"


class Hangs:
    """No answer until the test is over."""


class Resets:
    """The connection is cut without an answer."""


Answer = Says | Hangs | Resets | Callable[[Seen], "Says"]


class Vendor:
    """Answers of a path are given in order, the last one for ever. `seen` is guarded by the order of the tests."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._answers: dict[str, list[Answer]] = {}
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def on(self, path: str, *answers: Answer) -> None:
        self._answers[path] = list(answers)

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def answer_to(self, seen: Seen) -> Says | Hangs | Resets:
        with self._turn:
            self.seen.append(seen)
            answers = self._answers.get(seen.path)
            if not answers:
                return Says({"message": f"no script for {seen.path}"}, 404)
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(seen) if callable(answer) else answer

    def wait_for_the_end(self) -> None:
        self._over.wait(30)


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            says = vendor.answer_to(Seen(self.command, path, parse_qsl(query, keep_blank_values=True), headers, body))
            if isinstance(says, Says):
                self._say(says)
                return
            if isinstance(says, Hangs):
                vendor.wait_for_the_end()
            # A reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def _say(self, says: Says) -> None:
            raw = says.body
            if isinstance(raw, dict | list):
                raw = json.dumps(raw)
            content = raw.encode() if isinstance(raw, str) else raw or b""
            self.send_response(says.status)
            for name, value in {"content-type": says.media, **says.headers}.items():
                self.send_header(name, value)
            if says.status != 204:
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            if says.status != 204:
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _any

        def log_message(self, *_: object) -> None:
            """The test says what went wrong."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, ValueError):
                self.close_connection = True

        def finish(self) -> None:
            if not self.wfile.closed:
                try:
                    super().finish()
                except (ConnectionError, ValueError, OSError):
                    self.close_connection = True

    return Handler
