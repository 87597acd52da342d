"""Every way a command can end, as an exit code and at most three lines on stderr: what, where, what to do next.

An error of ours brings its own lines and code. Anything else is a bug in billsync and says so; where in the program
is told only with --debug, and even then without the values of variables, which may be secrets or a client's data.
"""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType

import typer
from typer.exceptions import TyperException

from billsync.model.errors import BillsyncError

INTERRUPTED = 130
READER_LEFT = 141
BROKEN_LEDGER = 5
USAGE = 2
RED, PLAIN = "\x1b[31m", "\x1b[0m"


class Outcome:
    """A context whose `code` is the exit code of what ran inside; no exception leaves it."""

    def __init__(self, *, debug: bool = False) -> None:
        self.code = 0
        self._debug = debug

    def __enter__(self) -> Outcome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            self.code = _flushed(self.code)
        elif isinstance(error, typer.Exit):
            self.code = _flushed(error.exit_code)
        elif isinstance(error, SystemExit):
            return False
        else:
            self.code = self._told(error)
        return True

    def _told(self, error: BaseException) -> int:
        """Say the error on stderr; the exit code."""
        if isinstance(error, BrokenPipeError):
            return _reader_left()
        if isinstance(error, KeyboardInterrupt | EOFError | typer.Abort):
            return _say(INTERRUPTED, "interrupted", hint="nothing is half done: run the command again")
        if isinstance(error, TyperException):
            return _usage(error)
        if self._debug:
            sys.stderr.write("".join(traceback.format_tb(error.__traceback__)))
        if isinstance(error, BillsyncError):
            return _say(error.exit_code, error.what, error.where, error.hint)
        return _unexpected(error, debug=self._debug)


def tell(error: BillsyncError) -> None:
    """Say an error that stopped a part of the work and not all of it."""
    _say(error.exit_code, error.what, error.where, error.hint)


def _usage(error: TyperException) -> int:
    """What typer found wrong with the words. A group called alone answers with its help instead."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message())
        return 0
    path = context.command_path if context is not None else "billsync"
    what = error.format_message().replace("\n", " ").replace("Value error, ", "")  # pydantic's words
    return _say(USAGE, what, path, f"see `{path} --help`")


def _unexpected(error: BaseException, *, debug: bool) -> int:
    """An error nobody foresaw. Its message is not shown: it may quote a request, a record or a credential."""
    module = type(error).__module__
    name = type(error).__name__ if module == "builtins" else f"{module}.{type(error).__name__}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    hint = "report it with the lines above" if debug else "run it again with --debug and report what it says"
    if module in ("sqlite3", "sqlite_utils.db"):
        what = f"the ledger's database failed: {error}"
        return _say(BROKEN_LEDGER, what, f"{name} in {_place(frame)}", "check its disk; `billsync ledger status`")
    if isinstance(error, OSError):
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else _place(frame)
        return _say(USAGE, f"the system refused: {error.strerror or name}", where, hint)
    if isinstance(error, ImportError) and error.name:
        return _say(USAGE, f"a part of the installation is missing: {error.name}", _place(frame), "install it again")
    return _say(USAGE, f"this is a bug in billsync: {name}", _place(frame), hint)


def _place(frame: traceback.FrameSummary) -> str:
    """`billsync/rules/caps.py:41 in apply_caps`, without the path of this machine."""
    parts = frame.filename.replace("\\", "/").split("/")
    roots = [index for index, part in enumerate(parts) if part in ("billsync", "billsync_plugins", "site-packages")]
    tail = parts[roots[-1] :] if roots else parts[-1:]
    return f"{'/'.join(tail)}:{frame.lineno} in {frame.name}"


def _say(code: int, what: str, where: str = "", hint: str = "") -> int:
    """Write the three lines, those that are empty left out; red only on a terminal that wants colour."""
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    first = f"{RED}{what}{PLAIN}" if coloured else what
    lines = [first, *(f"  {line}" for line in (where, hint) if line)]
    try:
        sys.stdout.flush()
        sys.stderr.write("\n".join(lines) + "\n")
    except BrokenPipeError:
        return _reader_left()
    return code


def _flushed(code: int) -> int:
    """Write out what is buffered now, where a reader who left can still be noticed."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    return code


def _reader_left() -> int:
    """`billsync ... | head`: the reader has seen enough. Nothing more is written, not even at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return READER_LEFT
