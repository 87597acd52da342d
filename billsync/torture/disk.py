"""The disk under books that are files: an edge before and after each call that changes it, and errors on request.

Only while a run has the books open, and only in their folder; everything else passes by. A run that died is dead: what
its `finally` would still have tidied up stays as it was.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from billsync.torture.edges import Crash, Edges

CALLS: Final = ("open", "link", "replace", "rename", "unlink", "mkdir", "chmod", "fsync")
"""What Python's own file functions come down to, reading aside. A write shows its errors at `fsync`."""
ERRORS: Final = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES)
"""Full, read-only, broken, not ours."""


@dataclass(slots=True, kw_only=True)
class _Fault:
    """The next `times` calls (of this name; "": any) after `skip` fail; `done`: they had done it all the same."""

    error: int
    call: str
    skip: int
    times: int
    done: bool


class Disk:
    """The disk of one folder."""

    def __init__(self, folder: Path, edges: Edges, log: Callable[[str], None]) -> None:
        self._folder = folder
        self._edges = edges
        self._log = log
        self._faults: list[_Fault] = []
        self._open: set[int] = set()
        self._dead = False

    def fail(self, error: int, *, call: str = "", skip: int = 0, times: int = 1, done: bool = False) -> None:
        """Plan an error; `done`: of a call that took effect."""
        self._faults.append(_Fault(error=error, call=call, skip=skip, times=times, done=done))

    def forgive(self) -> None:
        """Forget the errors that are still to come."""
        self._faults.clear()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Stand between the program and the disk."""
        self._dead = False
        with ExitStack() as stack:
            for name in CALLS:
                stack.enter_context(patch.object(os, name, self._between(name, getattr(os, name))))
            yield

    def _between(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *values: Any, **named: Any) -> Any:
            if not self._ours(path) or not _changes(name, path, values, named):
                return self._noted(path, real(path, *values, **named), name)
            what = f"{name} {self._name(values[0] if name in ('link', 'replace', 'rename') else path)}"
            self._edge(f"before {what}")
            fault = self._due(name)
            if fault is not None and not fault.done:
                raise self._error(fault, what)
            answer = self._noted(path, real(path, *values, **named), name)
            if fault is not None:
                raise self._error(fault, what)
            self._edge(f"after {what}")
            return answer

        return call

    def _edge(self, what: str) -> None:
        if self._dead:
            raise Crash(what)
        try:
            self._edges.passing(what)
        except Crash:
            self._dead = True
            raise

    def _due(self, name: str) -> _Fault | None:
        for fault in self._faults:
            if fault.times > 0 and fault.call in ("", name):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _error(self, fault: _Fault, what: str) -> OSError:
        self._log(f"{errno.errorcode[fault.error]}{' after' if fault.done else ''}: {what}")
        return OSError(fault.error, os.strerror(fault.error))

    def _ours(self, path: Any) -> bool:
        if isinstance(path, int):
            return path in self._open
        return Path(os.fsdecode(path)).is_relative_to(self._folder)

    def _noted(self, path: Any, answer: Any, name: str) -> Any:
        """Remember which open files are ours, since `fsync` gets a number only."""
        if name == "open":
            (self._open.add if self._ours(path) else self._open.discard)(answer)
        return answer

    def _name(self, path: Any) -> str:
        """Temporary names are drawn by the system, and would make each run another one."""
        if isinstance(path, int):
            return "a file"
        name = Path(os.fsdecode(path)).name
        return "a temporary file" if name.endswith(".part") else name


def _changes(name: str, path: Any, values: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """True where the call would change something: a folder that is there is not made, a file not made is read."""
    if name == "mkdir":
        return not Path(path).is_dir()
    flags = values[0] if values else named.get("flags", 0)
    return name != "open" or bool(flags & os.O_CREAT)
