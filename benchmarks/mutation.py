"""Small faults put into the rules of money, one at a time: how many of them do the tests notice?

`python -m benchmarks.mutation [--sample 40] [--seed 7] [--workers 2] [FILE ...]`. A mutant swaps an operator, moves a
constant by one, negates a condition, or takes min for max. The unit tests of the rules and the properties of rating run
against each in a copy of the repository; a mutant that no test notices is shown with file and line. Some cannot be
noticed, because they mean the same: read the survivors. Sentences (f-strings), annotations, decorators are left alone.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FILES: Final = (
    "model/money.py", "rules/rates.py", "rules/hours.py", "rules/caps.py", "rules/valuation.py", "rules/settle.py",
    "rules/standing.py",
)  # fmt: skip
TESTS: Final = ("tests/unit/rules", "tests/unit/model", "tests/properties/test_rating.py")
SECONDS: Final = 120
"""A mutant that runs longer hangs, which is noticed as well."""

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_WORKED_OUT: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """The file within billsync, where in it, what was done, and its whole text."""

    file: str
    line: int
    what: str
    text: str


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file: each site is changed in a tree of its own."""
    for number, (line, what, _) in enumerate(_sites(ast.parse(source))):
        tree = ast.parse(source)
        _, _, change = list(_sites(tree))[number]
        change()
        yield Mutant(file, line, what, ast.unparse(ast.fix_missing_locations(tree)))


Site = tuple[int, str, Callable[[], None]]


def _sites(tree: ast.AST) -> Iterator[Site]:
    for node in _code(tree):
        line = getattr(node, "lineno", 0)
        for what, change in _changes(node):
            yield line, what, change


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that decide something."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            if _is_type(child):
                continue
            yield from _code(child)


def _is_type(node: ast.AST) -> bool:
    """`X = Literal[...]` and the like say nothing at run time."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            other = _COMPARED[type(operator)]
            yield f"{type(operator).__name__} -> {other.__name__}", _put(node.ops, at, other())
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _WORKED_OUT:
        swapped = _WORKED_OUT[type(node.op)]
        yield f"{type(node.op).__name__} -> {swapped.__name__}", _set(node, "op", swapped())
    elif isinstance(node, ast.BoolOp):
        turned = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{type(node.op).__name__} -> {type(turned).__name__}", _set(node, "op", turned)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        for step in (1, -1):
            yield f"{node.value} -> {node.value + step}", _set(node, "value", node.value + step)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield f"{node.value} -> {not node.value}", _set(node, "value", not node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "-x -> +x", _set(node, "op", ast.UAdd())
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield f"{node.func.id} -> {_CALLED[node.func.id]}", _set(node.func, "id", _CALLED[node.func.id])
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare):
        yield "condition negated", _set(node, "test", ast.UnaryOp(op=ast.Not(), operand=node.test))
    if isinstance(node, ast.comprehension):
        for at, test in enumerate(node.ifs):
            yield "filter negated", _put(node.ifs, at, ast.UnaryOp(op=ast.Not(), operand=test))


def _set(node: ast.AST, name: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, name, value)


def _put(items: list, at: int, value: object) -> Callable[[], None]:  # type: ignore[type-arg]
    return lambda: items.__setitem__(at, value)


class Copy:
    """A copy of the repository in which one file at a time is another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
        for name in ("billsync", "plugins", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def notices(self, mutant: Mutant | None, file: str = "") -> bool:
        """Whether a test fails, or none ends in time. None: the sources as they are."""
        path = self.folder / "billsync" / (mutant.file if mutant else file or FILES[0])
        original = path.read_text(encoding="utf-8")
        try:
            if mutant:
                path.write_text(mutant.text, encoding="utf-8")
            return self._fails(path.stem)
        finally:
            path.write_text(original, encoding="utf-8")

    def _fails(self, stem: str) -> bool:
        first = [test for test in self.folder.glob(f"tests/unit/*/test_{stem}.py")]
        words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *map(str, first), *TESTS]
        environ = {**os.environ, "CI": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environ["PYTHONPATH"] = os.pathsep.join([str(self.folder), str(self.folder / "plugins")])
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *words],
                cwd=self.folder,
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return True
        return done.returncode != 0


def chosen(file: str, sample: int, seed: int) -> list[Mutant]:
    """So many mutants of a file, the same for the same seed; 0: all."""
    every = list(mutants(file, (ROOT / "billsync" / file).read_text(encoding="utf-8")))
    drawn = random.Random(f"{seed}/{file}").sample(every, min(sample or len(every), len(every)))
    return sorted(drawn, key=lambda mutant: (mutant.line, mutant.what))


def main(words: Sequence[str] = ()) -> None:
    """Print survivors as they are found, and the score of each file when it is done."""
    asked = _arguments(words)
    noticed: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(asked.workers):
            copies.put(Copy(Path(folder) / str(number)))
        _must_pass(copies)
        with ThreadPoolExecutor(asked.workers) as pool:
            for file in asked.files:
                picked = chosen(file, asked.sample, asked.seed)
                mine = list(pool.map(lambda mutant: _tried(mutant, copies), picked))
                print(_score(file, mine), flush=True)
                noticed += mine
    print(_score("together", noticed))


def _score(name: str, noticed: Sequence[bool]) -> str:
    return f"{name:20} {sum(noticed)} of {len(noticed)} noticed, {100 * sum(noticed) // len(noticed)} %"


def _tried(mutant: Mutant, copies: SimpleQueue[Copy]) -> bool:
    copy = copies.get()
    try:
        noticed = copy.notices(mutant)
    finally:
        copies.put(copy)
    if not noticed:
        print(f"survived: billsync/{mutant.file}:{mutant.line}: {mutant.what}", flush=True)
    return noticed


def _must_pass(copies: SimpleQueue[Copy]) -> None:
    copy = copies.get()
    if copy.notices(None):
        sys.exit("the tests fail without any mutant: mend them first")
    copies.put(copy)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=40, help="mutants of each file; 0: all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("files", nargs="*", default=list(FILES), metavar="FILE", help="within billsync/")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
