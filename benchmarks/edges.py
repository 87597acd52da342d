"""Where a process can die: both sides of everything it writes, and the middle of what can be cut in two.

ledger    each COMMIT of the database, each change of its journal mode, its closing
lock      the lock file and the note of who holds it
send      the head and the body of each HTTP request that changes something; half of it
receive   the answer to it
login     the same of the request for a token
tokens    each step of writing the token file: made, half written, written, on disk, in its place
file      the same of every other file below the firm's folder: the documents of books that are files
anywhere  no edge: killed from outside, at some moment

Only a benchmark's child is watched, and only by what is put in place here, in that child: the product knows nothing of
it. An edge passed is a line in the log. The edge with the number `last` is the end: SIGKILL by the process's own hand.
"""

from __future__ import annotations

import os
import pathlib
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.children import KILL

KINDS: Final = ("ledger", "lock", "send", "receive", "login", "tokens", "file", "anywhere")
CALLS: Final = ("open", "link", "replace", "rename", "unlink", "mkdir", "fsync")
"""What Python's file functions come down to."""
_WRITES: Final = (b"POST ", b"PUT ", b"PATCH ", b"DELETE ")
_READS: Final = (b"GET ", b"HEAD ")


class _Edges:
    def __init__(self, log: Path, last: int, error: tuple[int, int] | None) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._last = last
        self._error = error
        self._count = self._files = 0
        self._turn = threading.RLock()

    def passing(self, kind: str, what: str, half: Callable[[], object] | None = None) -> None:
        """The process comes by here. `half`: what would be done by half before it dies here."""
        with self._turn:
            self._count += 1
            os.write(self._log, f"{kind}\t{what}\n".encode())
            if self._count == self._last:
                if half is not None:
                    half()
                os.kill(os.getpid(), KILL)
                threading.Event().wait(10)  # the signal is on its way

    def failing(self, kind: str, what: str) -> None:
        """OSError where this file operation is the one that fails."""
        if kind != "file" or self._error is None:
            return
        self._files += 1
        number, place = self._error
        if self._files == place:
            raise OSError(number, os.strerror(number), what)


def watch(root: Path, log: Path, *, last: int, error: tuple[int, int] | None) -> None:
    """From now on, in this process, edges below the folder `root` count. They stay until it ends."""
    edges = _Edges(log, last, error)
    _watch_database(edges)
    _watch_wire(edges)
    _watch_files(edges, root)


def _watch_database(edges: _Edges) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            told = sql == "COMMIT" or sql.startswith("PRAGMA journal_mode")
            if told:
                edges.passing("ledger", f"before {sql.split(' =')[0]}")
            done = super().execute(sql, *values)
            if told:
                edges.passing("ledger", f"after {sql.split(' =')[0]}")
            return done

        def close(self) -> None:
            edges.passing("ledger", "before closing")
            super().close()
            edges.passing("ledger", "after closing")

    real = sqlite3.connect

    def connect(*values: Any, **named: Any) -> sqlite3.Connection:
        return real(*values, factory=Connection, **named)

    vars(sqlite3)["connect"] = connect


def _watch_wire(edges: _Edges) -> None:
    writing: dict[int, str] = {}
    real_send, real_recv = socket.socket.send, socket.socket.recv

    def send(self: socket.socket, content: Any, *flags: int) -> int:
        data = bytes(content)
        if data.startswith(_WRITES):
            writing[self.fileno()] = "login" if b"token" in data.split(b"\r\n")[0] else "send"
        elif data.startswith(_READS):
            writing.pop(self.fileno(), None)
        kind = writing.get(self.fileno())
        if kind is None:
            return real_send(self, data, *flags)
        part = "the head" if data.startswith(_WRITES) else "the body"
        edges.passing(kind, f"before {part}")
        edges.passing(kind, f"half of {part}", lambda: real_send(self, data[: len(data) // 2]))
        sent = real_send(self, data, *flags)
        edges.passing(kind, f"after {part}")
        return sent

    def recv(self: socket.socket, *values: int) -> bytes:
        kind = writing.get(self.fileno())
        if kind is None:
            return real_recv(self, *values)
        kind = "receive" if kind == "send" else kind
        edges.passing(kind, "before the answer")
        got = real_recv(self, *values)
        edges.passing(kind, "after the answer")
        return got

    socket.socket.send = send  # type: ignore[method-assign, assignment]
    socket.socket.recv = recv  # type: ignore[method-assign, assignment]


def _watch_files(edges: _Edges, root: Path) -> None:
    opened: dict[int, Path] = {}
    for name in CALLS:
        setattr(os, name, _between(edges, root, opened, name, getattr(os, name)))
    real_text = pathlib.Path.write_text

    def write_text(self: Path, data: str, *values: Any, **named: Any) -> int:
        if not self.is_relative_to(root):
            return real_text(self, data, *values, **named)
        kind = _kind(self, root)
        edges.passing(kind, f"before writing {_name(self)}")
        half = data[: len(data) // 2]
        edges.passing(kind, f"half of {_name(self)}", lambda: real_text(self, half, *values, **named))
        done = real_text(self, data, *values, **named)
        edges.passing(kind, f"after writing {_name(self)}")
        return done

    pathlib.Path.write_text = write_text  # type: ignore[method-assign]


def _between(edges: _Edges, root: Path, opened: dict[int, Path], name: str, real: Callable[..., Any]) -> Any:
    def call(place: Any, *values: Any, **named: Any) -> Any:
        path = opened.get(place) if isinstance(place, int) else Path(os.fsdecode(place))
        makes = name != "open" or bool((values[0] if values else named.get("flags", 0)) & os.O_CREAT)
        if path is None or not makes or not path.is_relative_to(root):
            done = real(place, *values, **named)
            if name == "open":
                opened.pop(done, None)  # the number of a file that was closed
            return done
        kind = _kind(path, root)
        what = f"{name} {_name(path)}"
        edges.passing(kind, f"before {what}")
        edges.failing(kind, what)
        if name == "fsync":
            edges.passing(kind, f"half of {_name(path)}", lambda: os.truncate(place, path.stat().st_size // 2))
        done = real(place, *values, **named)
        if name == "open":
            opened[done] = path
        edges.passing(kind, f"after {what}")
        return done

    return call


def _kind(path: Path, root: Path) -> str:
    if path.suffix in (".lock", ".holder"):
        return "lock"
    if path.suffix == ".db":
        return "ledger"
    return "tokens" if "tokens" in path.relative_to(root).parts else "file"


def _name(path: Path) -> str:
    """Temporary names are drawn by the system, and would make each run another one."""
    return "a temporary file" if path.name.startswith(".") else path.name
