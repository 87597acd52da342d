"""A new connector to begin with: it works, against a made-up vendor of its own, and its test passes unedited.

The texts beside this file have `$kind`, `$name` and `$title` where the new vendor's go.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Collection
from pathlib import Path
from string import Template
from typing import Final, Literal

from billsync.model.errors import UsageError

Role = Literal["source", "sink"]
_HERE: Final = Path(__file__).parent
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FOR_PYTEST: Final = re.compile(r"conftest|tests?|test_.*|.*_test")


def write_skeleton(kind: str, role: Role, folder: Path, *, taken: Collection[str] = ()) -> tuple[Path, ...]:
    """Write a connector, its test, and what lets the test find it, into a folder of plugins: the paths, in that order.

    The last is left out where the author has one. UsageError for a bad name or a file that is there already.
    """
    connector, test = folder / f"{kind}.py", folder / "tests" / f"test_{kind}.py"
    _refuse_name(kind, role)
    refuse_existing(connector, test)
    _refuse_taken(kind, taken)
    values = {"kind": kind, "name": _class_name(kind), "title": kind.replace("_", " ").title()}
    try:
        test.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        for path, text in ((connector, f"{role}.py.txt"), (test, f"{role}_test.py.txt")):
            path.write_text(Template(_text(text)).substitute(values), encoding="utf-8", newline="\n")
        conftest = _find_connectors(test.parent / "conftest.py")
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror or error}", where=str(folder)) from error
    return connector, test, *conftest


def refuse_existing(*paths: Path) -> None:
    """UsageError where one of these files is there: nobody's work is replaced."""
    for path in paths:
        if path.exists():
            raise UsageError("the file is there already", where=str(path), hint="another kind, or another --dir")


def _find_connectors(conftest: Path) -> list[Path]:
    """Let the tests import the files of the folder above; an author's own conftest stays as it is."""
    if conftest.exists():
        return []
    conftest.write_text(_text("conftest.py.txt"), encoding="utf-8", newline="\n")
    return [conftest]


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _class_name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_"))


def _refuse_name(kind: str, role: Role) -> None:
    if not _KIND.fullmatch(kind):
        hint = "lower-case letters, digits and _, at most 32, a letter first: acme_time"
        raise UsageError(f"{kind!r} is no name for a kind", hint=hint)
    if keyword.iskeyword(kind):
        raise UsageError(f"{kind!r} is a word of Python's own", hint="no module can bear that name: choose another one")
    if _FOR_PYTEST.fullmatch(kind):
        raise UsageError(f"pytest would take {kind}.py for tests", hint="choose another name")
    used = _text(f"{role}.py.txt") + _text(f"{role}_test.py.txt")
    if re.search(rf"\b{_class_name(kind)}(Options)?\b", used):
        raise UsageError(
            f"a class {_class_name(kind)!r} would hide billsync's own", hint="choose another name, as the vendor's"
        )


def _refuse_taken(kind: str, taken: Collection[str]) -> None:
    if kind in taken:
        raise UsageError(f"there is a connector {kind!r} already", hint=f"billsync plugins show {kind}")
    try:
        found = importlib.util.find_spec(kind)
    except ValueError:  # a module that was put together without a file
        found = None
    if found is not None and found.origin is not None:  # a bare folder of that name is no module
        raise UsageError(
            f"there is a Python module {kind!r} already", hint="the file would hide it: choose another name"
        )
