"""Runs tests against mutants, each in a fork of a process in which everything is loaded already.

A mutant within a function is put in by exchanging the code of the module's functions; then only the tests run that ran
the mutant's statement when all was well, the quickest first, until one fails. What is made when a module is read
(defaults, constants) needs the modules read anew: such a mutant is planted before anything is imported. A fork costs
a few hundredths of a second, so that most mutants take less than a quarter of one. It needs `os.fork`: no Windows.
"""

from __future__ import annotations

import gc
import importlib
import importlib.machinery
import importlib.util
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import coverage
import hypothesis  # noqa: F401  loaded before the forks: each would read it anew
import pytest

from benchmarks.mutation_operators import Mutant, compiled

ROOT: Final = Path(__file__).resolve().parent.parent
MEMORY: Final = 4 << 30
"""Bytes; a mutant that wants more is noticed as well."""
LEAST_SECONDS: Final = 5.0
"""Processor time that any mutant gets; beyond it, three times what its tests took without a mutant."""

Told = Callable[[Mutant, bool], None]
"""Called with each mutant when it is known whether a test noticed it."""


@dataclass(slots=True)
class Healthy:
    """The tests without a mutant: how long each took, and which ran which line of which file."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    ran: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    def noticing(self, mutant: Mutant) -> list[str]:
        """The tests that may notice a mutant, the quickest first."""
        lines = self.ran.get(mutant.file, {})
        found = {test for line in mutant.lines for test in lines.get(line, ())}
        return sorted(found, key=lambda test: (self.seconds[test], test))


def try_all(mutants: Sequence[Mutant], tests: Sequence[str], jobs: int, told: Told) -> Healthy:
    """Try each mutant. SystemExit where the tests fail without any: a failing test proves nothing."""
    sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]
    os.chdir(ROOT)
    os.environ["CI"] = "1"  # the same examples each time
    outside = [mutant for mutant in mutants if not mutant.inside]
    _in_turn(outside, jobs, lambda mutant: _noticed_anew(mutant, tests), told)
    loop = _Loop([mutant for mutant in mutants if mutant.inside], jobs, told)
    ended = pytest.main([*_words(tests)], plugins=[loop])
    if loop.healthy.failed or ended != pytest.ExitCode.OK:
        raise SystemExit(f"tests fail without any mutant, mend them first: {loop.healthy.failed or ended}")
    return loop.healthy


def _words(tests: Sequence[str]) -> Iterator[str]:
    yield from ("-x", "--override-ini=addopts=", "--import-mode=importlib")
    for plugin in ("cacheprovider", "terminal", "xdist", "logging"):
        yield from ("-p", f"no:{plugin}")
    yield from tests


class _Loop:
    """Takes the place of pytest's own loop over the tests it collected."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int, told: Told) -> None:
        self._mutants, self._jobs, self._told = mutants, jobs, told
        self._failed = False
        self.healthy = Healthy()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the healthy tests once, then the mutants."""
        items = {item.nodeid: item for item in session.items}
        _begin(session.items)
        files = sorted({mutant.file for mutant in self._mutants})
        self.healthy = _in_a_fork(lambda: self._watched(session.items, files))
        if not self.healthy.failed:
            _in_turn(self._mutants, self._jobs, lambda mutant: self._noticed(mutant, items), self._told)
        return True

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure in any phase of a test counts."""
        self._failed = self._failed or report.failed

    def _watched(self, items: Sequence[pytest.Item], files: Sequence[str]) -> Healthy:
        healthy = Healthy()
        watch = coverage.Coverage(data_file=None, config_file=False, include=[str(ROOT / file) for file in files])
        watch.start()
        for item, following in zip(items, [*items[1:], items[-1]], strict=True):
            watch.switch_context(item.nodeid)
            began = time.process_time()
            if self._fails(item, following):
                healthy.failed.append(item.nodeid)
            healthy.seconds[item.nodeid] = time.process_time() - began
        watch.stop()
        for file in files:
            lines = watch.get_data().contexts_by_lineno(str(ROOT / file))
            healthy.ran[file] = {line: [name for name in names if name] for line, names in lines.items()}
        return healthy

    def _noticed(self, mutant: Mutant, items: Mapping[str, pytest.Item]) -> bool:
        tests = [items[name] for name in self.healthy.noticing(mutant)]
        allowed = 3 * sum(self.healthy.seconds[item.nodeid] for item in tests)
        _limit(LEAST_SECONDS + allowed)
        _exchange(mutant)
        followers = [*tests[1:], tests[-1]] if tests else []
        return any(self._fails(item, following) for item, following in zip(tests, followers, strict=True))

    def _fails(self, item: pytest.Item, following: pytest.Item) -> bool:
        self._failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return self._failed


def _begin(items: Sequence[pytest.Item]) -> None:
    """Run one test, so that what the whole session needs (a home, a folder) is there before the forks."""
    elsewhere = next((item for item in reversed(items) if item.path.parent != items[0].path.parent), items[-1])
    items[0].config.hook.pytest_runtest_protocol(item=items[0], nextitem=elsewhere)


def _exchange(mutant: Mutant) -> None:
    """Give the functions of the module the code they have with the mutant."""
    path = ROOT / mutant.file
    module = importlib.import_module(_module(mutant.file))
    codes = {code.co_qualname: code for code in _codes(_compiled(mutant, path))}
    for function in _functions(module):
        code = codes.get(function.__qualname__)
        if code is not None and code.co_firstlineno == function.__code__.co_firstlineno:
            function.__code__ = code


def _compiled(mutant: Mutant, path: Path) -> CodeType:
    return compiled(path.read_text(encoding="utf-8"), mutant.number, str(path))


def _module(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The module's own functions and those of its classes, also behind property, classmethod and lru_cache."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            found = [_function(each) for each in vars(value).values()]
        else:
            found = [_function(value)]
        yield from (each for each in found if each is not None and each.__module__ == module.__name__)


def _function(value: Any) -> FunctionType | None:
    for name in ("fget", "__func__", "__wrapped__"):
        value = getattr(value, name, None) or value
    return value if isinstance(value, FunctionType) else None


def _noticed_anew(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Read everything with the mutant in its file, in this process, and run the tests: those of the file first."""
    _limit(LEAST_SECONDS + 120)
    sys.meta_path.insert(0, _Planted(mutant))
    own = [str(path) for path in ROOT.glob(f"tests/*/*/test_{Path(mutant.file).stem}.py")]
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    if own and pytest.main([*_words(own)]) != pytest.ExitCode.OK:
        return True
    return pytest.main([*_words(tests)]) != pytest.ExitCode.OK


class _Planted(importlib.machinery.SourceFileLoader):
    """Finds one module, the mutant's, and reads it as it is with the mutant."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(_module(mutant.file), str(ROOT / mutant.file))
        self._mutant = mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """The finder's part; None for every other module."""
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        """The loader's part."""
        return _compiled(self._mutant, Path(self.path))


def _limit(seconds: float) -> None:
    """End this process, which counts as noticed, when it runs or grows too long."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _in_turn(mutants: Sequence[Mutant], jobs: int, noticed: Callable[[Mutant], bool], told: Told) -> None:
    """Ask of each mutant, in a process of its own, whether a test notices it."""
    gc.collect()
    gc.freeze()  # what is there now is never looked at again, so that forks share its memory
    running: dict[int, Mutant] = {}
    for mutant in mutants:
        if len(running) >= jobs:
            _reap(running, told)
        running[_fork(lambda mutant=mutant: noticed(mutant))] = mutant  # type: ignore[misc]
    while running:
        _reap(running, told)


def _fork(ask: Callable[[], bool]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    answer = 1
    try:
        answer = int(ask())
    finally:  # whatever was raised is a notice, too
        os._exit(answer)


def _reap(running: dict[int, Mutant], told: Told) -> None:
    process, status = os.wait()
    told(running.pop(process), status != 0)


def _in_a_fork(ask: Callable[[], Healthy]) -> Healthy:
    """The answer of a process of its own; SystemExit where it dies without one."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(ask(), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    if not answer:
        raise SystemExit("the tests did not come to an end without any mutant")
    found = pickle.loads(answer)  # noqa: S301  our own fork wrote it
    assert isinstance(found, Healthy)  # it wrote nothing else
    return found
