"""Record what a vendor answered, and play it back: JSON lines of request and answer, without secrets or persons.

A request that the tape does not know fails and names the nearest one that it does: a connector that asks for
something else than it was recorded with must say so. The same request asked again gets the recorded answers in
their order, then the last one for ever.
"""

from __future__ import annotations

import base64
import difflib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from billsync.http.client import httpx
from billsync.http.redact import Redactor
from billsync.model.errors import BillsyncError

_DROPPED = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "date", "set-cookie"})
"""Headers that describe the transfer, not the answer."""


class UnknownRequest(BillsyncError):
    """The tape holds no answer to this request."""


class Tape(httpx.BaseTransport):
    """A transport that needs to know the account's secrets; the session hands its redactor over."""

    redactor: Redactor = Redactor()

    def _request(self, request: httpx.Request) -> dict[str, str]:
        """A request as it stands on a tape: query sorted, no headers (the credential is there)."""
        query = urlencode(sorted(parse_qsl(request.url.query.decode(), keep_blank_values=True)))
        address = str(request.url).partition("?")[0] + (f"?{query}" if query else "")
        body = request.read().decode("utf-8", errors="replace")
        return {
            "method": request.method,
            "url": self.redactor.shared(address),
            "body": self.redactor.shared(body),
        }


class Recorder(Tape):
    """Passes requests on to the real transport and writes both sides to a file."""

    def __init__(self, path: Path, real: httpx.BaseTransport | None = None) -> None:
        self._path = path
        self._real = real or httpx.HTTPTransport()
        path.write_text("", encoding="utf-8")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._real.handle_request(request)
        content = response.read()
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _DROPPED]
        line = {
            "request": self._request(request),
            "response": {
                "status": response.status_code,
                "headers": [[name, self.redactor.headers({name: value})[name]] for name, value in headers],
                **self._content(content),
            },
        }
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        kept = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _CODING]
        return httpx.Response(response.status_code, headers=kept, content=content, request=request)

    def _content(self, content: bytes) -> dict[str, str]:
        try:
            return {"body": self.redactor.shared(content.decode())}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(content).decode()}

    def close(self) -> None:
        self._real.close()


_CODING = frozenset({"content-length", "content-encoding", "transfer-encoding"})
"""The body is handed on decoded."""


class Player(Tape):
    """Answers from a file alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            self._answers[_key(entry["request"])].append(entry["response"])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = self._request(request)
        answers = self._answers.get(_key(asked))
        if not answers:
            raise self._unknown(asked)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        content = base64.b64decode(answer["base64"]) if "base64" in answer else answer["body"].encode()
        headers = [(name, value) for name, value in answer["headers"]]
        return httpx.Response(answer["status"], headers=headers, content=content, request=request)

    def _unknown(self, asked: dict[str, str]) -> UnknownRequest:
        wanted = _shown(asked)
        known = [_shown(json.loads(key)) for key in self._answers]
        nearest = difflib.get_close_matches(wanted, known, n=1, cutoff=0)
        return UnknownRequest(
            f"the tape has no answer to {wanted}",
            where=str(self._path),
            hint=f"nearest: {nearest[0]}" if nearest else "the tape is empty",
        )


def _key(request: dict[str, str]) -> str:
    return json.dumps(request, sort_keys=True)


def _shown(request: dict[str, str]) -> str:
    return f"{request['method']} {request['url']} {request['body']}".rstrip()
