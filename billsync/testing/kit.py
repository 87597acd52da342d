"""Runs the contract kit on somebody's connector and tells what came of each test: `billsync plugins test`.

pytest does the work, in this process and with no settings but its own; nothing is written beside the connector. Tests
that an author added stand beside those of the kit; a test of the kit that was written anew is told as such.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal

from billsync.model.errors import UsageError

Outcome = Literal["passed", "failed", "skipped"]
_WORST: Final[tuple[Outcome, ...]] = ("failed", "skipped", "passed")
_TEST_FOLDERS: Final = ("tests", "test")
_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A case that did not pass: what it says, and where. `trace` is pytest's own account of it."""

    case: str
    message: str
    where: str
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KitTest:
    """One test over all its cases. `origin`: of the kit, written anew by the author, or added by the author."""

    name: str
    origin: Literal["kit", "anew", "own"]
    outcome: Outcome
    cases: int
    failures: tuple[Failure, ...]

    @property
    def words(self) -> str:
        """The test's name as a sentence."""
        return self.name.removeprefix("test_").replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class KitClass:
    """What one class of tests found out about one connector."""

    name: str
    kind: str
    role: str
    file: str
    tests: tuple[KitTest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KitRun:
    """Every class of the kit that was found, and how many other tests stand beside them."""

    classes: tuple[KitClass, ...]
    beside: tuple[KitTest, ...]

    @property
    def tests(self) -> tuple[KitTest, ...]:
        """All tests, of all classes, and those beside them."""
        return (*(test for one in self.classes for test in one.tests), *self.beside)

    @property
    def passed(self) -> bool:
        """True where every test ran and passed: one that was skipped proves nothing."""
        return all(test.outcome == "passed" for test in self.tests)


def run_kit(path: Path) -> KitRun:
    """Run every test of a file or folder. `path` may be the connector itself, whose test lies beside it.

    UsageError: pytest is missing, the path holds no test of the kit, something cannot be imported."""
    try:
        import pytest
    except ImportError:
        raise UsageError(
            "the contract kit runs on pytest, which is not installed",
            where=sys.executable,
            hint="python -m pip install pytest, then again",
        ) from None
    found = find_tests(path)
    watch, said = _Watch(found), StringIO()
    with _quietly(found, said) as settings:
        try:
            code = pytest.main([f"--config-file={settings}", *_arguments(found), str(found)], plugins=[watch])
        except SystemExit as error:  # a conftest that is a script, too
            raise UsageError(f"the tests end the program while they are imported: {error}", where=str(found)) from None
    if code == pytest.ExitCode.INTERRUPTED and not watch.broken:
        raise KeyboardInterrupt
    watch.complain(said.getvalue(), failed=code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR))
    return watch.result()


def find_tests(path: Path) -> Path:
    """The file or folder to run, absolute; for a connector's own file that of its test."""
    found = path.absolute()
    if not found.exists():
        raise UsageError(
            "there is no such file or folder", where=str(path), hint="write one: billsync plugins new KIND"
        )
    if found.is_dir() or _is_test(found):
        return found
    folders = [found.parent / "tests", found.parent, *(root / "tests" for root in _project(found.parent))]
    for test in (folder / f"test_{found.stem}.py" for folder in folders):
        if test.is_file():
            return test
    raise UsageError(
        f"there is no test_{found.stem}.py beside it, nor in a folder tests",
        where=str(path),
        hint="name the test itself, or see one: billsync plugins new KIND --dir FOLDER",
    )


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_") or path.stem.endswith("_test")


def _arguments(found: Path) -> list[str]:
    root = found if found.is_dir() else found.parent
    return [f"--rootdir={root}", "--import-mode=importlib", "-p", "no:cacheprovider", "--tb=short", "-q"]


@contextmanager
def _quietly(found: Path, said: StringIO) -> Iterator[Path]:
    """The connector can be imported, no bytecode is written, no setting of a folder above counts, nothing printed."""
    path, bytecode = list(sys.path), sys.dont_write_bytecode
    environment = {name: os.environ.pop(name, None) for name in ("PYTEST_ADDOPTS", _NO_BYTECODE)}
    with ExitStack() as stack:
        settings = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        stack.enter_context(redirect_stdout(said))
        stack.enter_context(redirect_stderr(said))
        sys.path[:0] = [str(folder) for folder in _roots(found)]
        sys.dont_write_bytecode = True
        os.environ[_NO_BYTECODE] = "1"  # for the processes that a test of the kit starts
        try:
            yield settings
        finally:
            sys.path[:], sys.dont_write_bytecode = path, bytecode
            del os.environ[_NO_BYTECODE]
            os.environ.update({name: value for name, value in environment.items() if value is not None})


def _roots(found: Path) -> list[Path]:
    """Where the connector may lie: the folder, the one above a folder of tests, the roots of the project around."""
    folder = found if found.is_dir() else found.parent
    roots = [folder, *([folder.parent] if folder.name in _TEST_FOLDERS else [])]
    roots += [root / part for root in _project(folder) for part in ("", "src")]
    return [root for root in dict.fromkeys(roots) if root.is_dir()]


def _project(folder: Path) -> list[Path]:
    """The nearest folder above with a pyproject.toml; nothing where there is none."""
    return [above for above in (folder, *folder.parents) if (above / "pyproject.toml").is_file()][:1]


@dataclass(slots=True)
class _Seen:
    """A test while it runs."""

    owner: str
    origin: Literal["kit", "anew", "own"]
    cases: int = 0
    outcomes: set[Outcome] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


class _Watch:
    """A plugin of pytest that keeps what is told of each test; pytest calls its methods by their names."""

    def __init__(self, found: Path) -> None:
        self.found = found
        self.broken: list[UsageError] = []
        self._classes: dict[str, KitClass] = {}
        self._tests: dict[tuple[str, str], _Seen] = {}
        self._keys: dict[str, tuple[str, str]] = {}

    def pytest_collection_finish(self, session: Any) -> None:
        for item in session.items:
            owner = item.cls if item.cls is not None and _is_contract(item.cls) else None
            name = f"{item.path.name}::{owner.__name__}" if owner else ""
            if owner is not None and name not in self._classes:
                self._classes[name] = _class_of(owner, item.path)
            key = name, getattr(item, "originalname", None) or item.name
            self._tests.setdefault(key, _Seen(name, _origin(owner, key[1])))
            self._keys[item.nodeid] = key

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        if report.when == "collect":
            self.broken.append(_not_importable(call.excinfo, node.path))

    def pytest_runtest_logreport(self, report: Any) -> None:
        seen = self._tests[self._keys[report.nodeid]]
        if report.when == "call" or report.outcome != "passed":
            seen.outcomes.add(report.outcome)
        if report.when == "setup":
            seen.cases += 1
        if report.outcome == "failed":
            seen.failures.append(_failure(report))

    def complain(self, said: str, *, failed: bool) -> None:
        """Raise what kept pytest from running the kit."""
        if self.broken:
            raise self.broken[0]
        if failed:
            lines = [line.removeprefix("E ").strip() for line in said.splitlines() if line.strip()]
            raise UsageError(
                f"pytest could not start: {lines[-1] if lines else 'it does not say why'}",
                where=str(self.found),
                hint="a conftest.py of the folder, or of one above, is wrong",
            )
        if not self._classes:
            raise UsageError(
                "there is no test of the contract kit",
                where=str(self.found),
                hint="derive a class named Test... from SourceContract or SinkContract of billsync.testing",
            )

    def result(self) -> KitRun:
        """What came of it."""
        tests: dict[str, list[KitTest]] = {}
        for (owner, name), seen in self._tests.items():
            outcome = next(one for one in _WORST if one in (seen.outcomes or {"skipped"}))
            test = KitTest(
                name=name, origin=seen.origin, outcome=outcome, cases=seen.cases, failures=tuple(seen.failures)
            )
            tests.setdefault(owner, []).append(test)
        classes = tuple(replace(one, tests=tuple(tests[name])) for name, one in self._classes.items())
        return KitRun(classes=classes, beside=tuple(tests.get("", ())))


def _is_contract(owner: type[Any]) -> bool:
    from billsync.testing.account_contract import AccountContract

    return issubclass(owner, AccountContract)


def _class_of(owner: Any, path: Path) -> KitClass:
    from billsync.sdk.sink import Sink

    connector = owner().connector()
    role = "sink" if issubclass(connector, Sink) else "source"
    return KitClass(name=owner.__name__, kind=connector.kind, role=role, file=path.name, tests=())


def _origin(owner: type[Any] | None, name: str) -> Literal["kit", "anew", "own"]:
    """Whose test it is: the kit's classes live in billsync.testing."""
    if owner is None:
        return "own"
    having = [one for one in owner.__mro__ if name in vars(one)]
    ours = [one.__module__.startswith("billsync.testing") for one in having]
    return "kit" if ours[:1] == [True] else "anew" if any(ours) else "own"


def _failure(report: Any) -> Failure:
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash else str(report.longrepr)
    where = f"{Path(crash.path).name}:{crash.lineno}" if crash else ""
    case = report.nodeid.rpartition("[")[2].rstrip("]") if "[" in report.nodeid else ""
    return Failure(case=case, message=message, where=where, trace=str(report.longreprtext))


def _not_importable(excinfo: Any, path: Path) -> UsageError:
    """What stopped an import, with the place in the author's file."""
    error = excinfo.value.__cause__ or excinfo.value
    places = [(trace.tb_frame.f_code.co_filename, trace.tb_lineno) for trace in _traces(error)]
    own = [(file, line) for file, line in places if "importlib" not in file and f"{os.sep}_pytest{os.sep}" not in file]
    file, line = own[-1] if own else (str(path), 0)
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno or 0
    text = error.msg if isinstance(error, SyntaxError) else str(error).splitlines()[0] if str(error) else ""
    return UsageError(
        f"it cannot be imported: {type(error).__name__}: {text}".rstrip(": "),
        where=f"{file}:{line}" if line else file,
        hint="the folder of the test, the one above tests/ and installed packages are searched",
    )


def _traces(error: BaseException) -> Iterator[Any]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next
