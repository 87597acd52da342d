"""A mail server on loopback: real SMTP over a socket, with STARTTLS and log-in where a test wants them, and refusals.

RFC 5321 as far as a client of the standard library speaks it. Messages are kept as they came, after dot-unstuffing.
"""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message that was taken. `encrypted`: it came over TLS; `user`: who had logged in, "" for nobody."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool
    user: str

    @property
    def letter(self) -> EmailMessage:
        """The message, read."""
        return message_from_bytes(self.content, policy=policy.default)


@dataclass(slots=True)
class _Talk:
    """What one connection has said so far."""

    user: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)


class FakeSmtp:
    """Use it as a context manager. `users`: name -> password, needed where there is any; `tls`: a server context, then
    STARTTLS is offered; `refuse`: recipients that are not taken; `answers`: command -> answer instead of its own
    ("" hangs up)."""

    def __init__(self, *, users: dict[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.users = users or {}
        self.tls = tls
        self.refuse: set[str] = set()
        self.answers: dict[str, str] = {}
        self.mails: list[Mail] = []
        self.heard: list[str] = []
        """Commands, in order; what follows AUTH is left out."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeSmtp

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests want."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._fake = self.server.fake
        self._encrypted, self._talk = False, _Talk()
        self._say("220 loopback ESMTP")
        while line := self.rfile.readline(8192):
            words = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = words.partition(" ")[0].upper()
            self._fake.heard.append(verb)
            if not self._answer(verb, words):
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()

    def _answer(self, verb: str, words: str) -> bool:
        """False where the connection ends."""
        if verb in self._fake.answers:
            told = self._fake.answers[verb]
            if told:
                self._say(told)
            return bool(told)
        match verb:
            case "EHLO":
                self._say("\r\n".join(["250-loopback", *self._offers(), "250 8BITMIME"]))
            case "STARTTLS" if self._fake.tls is not None and not self._encrypted:
                self._say("220 go ahead")
                return self._encrypt(self._fake.tls)
            case "AUTH":
                self._log_in(words)
            case "MAIL" if self._fake.users and not self._talk.user:
                self._say("530 5.7.0 authentication required")
            case "MAIL":
                self._talk.sender, self._talk.recipients = _address(words), []
                self._say("250 fine")
            case "RCPT" if _address(words) in self._fake.refuse:
                self._say("550 5.1.1 no such mailbox")
            case "RCPT":
                self._talk.recipients.append(_address(words))
                self._say("250 fine")
            case "DATA" if self._talk.recipients:
                self._take()
            case "RSET" | "NOOP":
                self._say("250 fine")
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._say("503 5.5.1 not now")
        return True

    def _offers(self) -> list[str]:
        offers = ["250-STARTTLS"] if self._fake.tls is not None and not self._encrypted else []
        return [*offers, "250-AUTH PLAIN"] if self._fake.users else offers

    def _encrypt(self, context: ssl.SSLContext) -> bool:
        try:
            self.request = context.wrap_socket(self.request, server_side=True)
        except OSError:  # the client does not trust us
            return False
        self.connection = self.request
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self._encrypted, self._talk = True, _Talk()
        return True

    def _log_in(self, words: str) -> None:
        given = words.split()[2] if len(words.split()) > 2 else ""
        _, user, password = base64.b64decode(given).decode().split("\0")
        if self._fake.users.get(user) == password:
            self._talk.user = user
            self._say("235 2.7.0 welcome")
        else:
            self._say(f"535 5.7.8 not accepted: {user}/{password}")

    def _take(self) -> None:
        self._say("354 end with a dot")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        mail = Mail(
            sender=self._talk.sender,
            recipients=tuple(self._talk.recipients),
            content=b"".join(lines),
            encrypted=self._encrypted,
            user=self._talk.user,
        )
        self._fake.mails.append(mail)
        self._say("250 2.0.0 taken")


def _address(words: str) -> str:
    return words.partition("<")[2].partition(">")[0]
