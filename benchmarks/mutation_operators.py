"""The small faults that are put into a file, one at a time: where each stands, and the file with it.

Put in: borders of comparisons, + and -, * and /, and/or, not, constants by one, True and False, min and max, any and
all, half-up and half-even, statements taken out, branches swapped, filters negated, None returned. Left alone:
annotations, decorators, asserts, the words of texts, and what says nothing at run time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any, Final

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_WORKED_OUT: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_ROUNDINGS: Final = ("half_up", "half_even")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault, the `number`th of its file. `change` says what it changes, whatever line that stands on.

    `lines`: those of the statement; a test that runs none of them cannot notice. `inside`: in the body of a function;
    else it is made when the module is read."""

    file: str
    number: int
    function: str
    line: int
    lines: range
    change: str
    inside: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What the list of mutants that mean the same names."""
        return (self.file, self.function, self.change)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands: function, statement, the expression around it, and whether it runs in a call."""

    function: str
    statement: ast.AST
    around: ast.AST
    inside: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """What it stands on, what to show of that before and afterwards, and how to put the fault in and take it out."""

    on: ast.AST
    words: Callable[[], str]
    put: Callable[[], None]
    take: Callable[[], None]


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines. Equal changes of one function are told apart by a number."""
    made: list[Mutant] = []
    seen: dict[tuple[str, str], int] = {}
    for number, (change, place) in enumerate(_all(source)[1]):
        before = change.words()
        change.put()
        text = f"{before} -> {change.words()}"
        change.take()
        count = seen[place.function, text] = seen.get((place.function, text), 0) + 1
        statement = change.on if isinstance(change.on, ast.stmt) else place.statement
        mutant = Mutant(
            file=file,
            number=number,
            function=place.function,
            line=getattr(change.on, "lineno", 0),
            lines=_lines(statement),
            change=text if count == 1 else f"{text} #{count}",
            inside=place.inside or (isinstance(change.on, ast.stmt) and bool(place.function)),
        )
        made.append(mutant)
    return sorted(made, key=lambda mutant: mutant.line)


def compiled(source: str, number: int, path: str) -> CodeType:
    """The file with its `number`th fault, ready to run."""
    tree, found = _all(source)
    change, _ = found[number]
    change.put()
    try:
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
    finally:
        change.take()


@cache
def _all(source: str) -> tuple[ast.Module, list[tuple[_Change, _Place]]]:
    """A file, and every change that can be made in it; found once, because forks have it then."""
    tree = ast.parse(source)
    nodes = list(_nodes(tree, _Place("", tree, tree, False)))
    return tree, [(change, place) for node, place in nodes for change in _changes(node, place)]


def _lines(statement: ast.AST) -> range:
    """The lines of a statement, without those of its block."""
    first: int = getattr(statement, "lineno", 0)
    body = getattr(statement, "body", None)
    last: int = getattr(statement, "end_lineno", first)
    if isinstance(body, list) and body and not isinstance(statement, ast.ExceptHandler):
        last = max(first, min(last, getattr(body[0], "lineno", first) - 1))
    return range(first, last + 1)


def _nodes(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Nodes that decide something, each with its place."""
    yield node, place
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "format_spec"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _says_nothing(child):
                yield from _nodes(child, _place_of(child, node, name, place))


def _place_of(child: ast.AST, parent: ast.AST, field: str, place: _Place) -> _Place:
    function, inside = place.function, place.inside
    statement = child if isinstance(child, ast.stmt) else place.statement
    if isinstance(child, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{child.name}" if function else child.name
    if isinstance(parent, ast.FunctionDef):
        inside = field == "body" or inside
    around = parent if isinstance(parent, ast.expr) else statement
    return _Place(function, statement, around, inside)


def _says_nothing(node: ast.AST) -> bool:
    """Asserts are for the type checker, as names of types are; `strict=` of a zip is one more of them."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom):
        return True
    value = node.value if isinstance(node, ast.Assign) else None
    if isinstance(value, ast.Subscript):
        return isinstance(value.value, ast.Name) and value.value.id in ("Literal", "tuple")
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) and isinstance(value.left, ast.Name)


def _changes(node: ast.AST, place: _Place) -> Iterator[_Change]:
    yield from _of_operators(node)
    yield from _of_constants(node, place)
    yield from _of_calls(node)
    yield from _of_branches(node)
    if place.inside or isinstance(node, ast.FunctionDef):
        yield from _of_statements(node)


def _of_operators(node: ast.AST) -> Iterator[_Change]:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            yield _Change(node, _words(node), *_put(node.ops, at, _COMPARED[type(operator)]()))
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _WORKED_OUT:
        yield _Change(node, _words(node), *_set(node, "op", _WORKED_OUT[type(node.op)]()))
    elif isinstance(node, ast.BoolOp):
        yield _Change(node, _words(node), *_set(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield _Change(node, _words(node), *_set(node, "op", ast.UAdd()))


def _of_constants(node: ast.AST, place: _Place) -> Iterator[_Change]:
    if not isinstance(node, ast.Constant):
        return
    words = _words(place.around)
    if type(node.value) is int:
        for step in (1, -1):
            yield _Change(node, words, *_set(node, "value", node.value + step))
    elif type(node.value) is bool:
        yield _Change(node, words, *_set(node, "value", not node.value))
    elif node.value in _ROUNDINGS:
        yield _Change(node, words, *_set(node, "value", next(name for name in _ROUNDINGS if name != node.value)))


def _of_calls(node: ast.AST) -> Iterator[_Change]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield _Change(node, _words(node), *_set(node.func, "id", _CALLED[node.func.id]))
    for at, argument in enumerate(node.args):
        if getattr(argument, "attr", getattr(argument, "id", "")) == "rounding":
            for name in _ROUNDINGS:
                yield _Change(node, _words(node), *_put(node.args, at, ast.Constant(name)))


def _of_branches(node: ast.AST) -> Iterator[_Change]:
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not _turned_already(node.test):
        yield _Change(node.test, lambda: f"if {ast.unparse(node.test)}", *_set(node, "test", _negated(node.test)))
    if isinstance(node, ast.comprehension):
        for at, test in enumerate(node.ifs):
            if not _turned_already(test):
                yield _Change(test, _filter_words(node, at), *_put(node.ifs, at, _negated(test)))


def _filter_words(node: ast.comprehension, at: int) -> Callable[[], str]:
    return lambda: f"if {ast.unparse(node.ifs[at])}"


def _turned_already(test: ast.expr) -> bool:
    """A comparison whose own mutant is the negation."""
    pairs = ast.Eq | ast.NotEq | ast.Is | ast.IsNot | ast.In | ast.NotIn
    return isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], pairs)


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _of_statements(node: ast.AST) -> Iterator[_Change]:
    """A statement taken out, None returned."""
    for block in (getattr(node, name, None) for name in ("body", "orelse")):
        for at, statement in enumerate(block if isinstance(block, list) else ()):
            if isinstance(statement, ast.Return) and not _is_none(statement.value):
                yield _Change(statement, _words(statement), *_set(statement, "value", ast.Constant(None)))
            elif _can_go(statement):
                yield _Change(statement, _block_words(block, at), *_put(block, at, ast.Pass()))


def _block_words(block: Any, at: int) -> Callable[[], str]:
    return lambda: _shown(block[at])


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _can_go(statement: ast.stmt) -> bool:
    """Calls for their effect, and what is added to; not a docstring."""
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Subscript | ast.Attribute) for target in statement.targets)
    return isinstance(statement, ast.AugAssign | ast.Raise | ast.Continue | ast.Break)


def _words(node: ast.AST) -> Callable[[], str]:
    return lambda: _shown(node)


def _shown(node: ast.AST) -> str:
    """As it is at the moment; of a block its first line."""
    text = ast.unparse(ast.fix_missing_locations(node))
    return text.partition("\n")[0] if isinstance(node, ast.stmt) else text


def _set(node: ast.AST, name: str, value: object) -> tuple[Callable[[], None], Callable[[], None]]:
    before = getattr(node, name)
    return lambda: setattr(node, name, value), lambda: setattr(node, name, before)


def _put(items: Any, at: int, value: object) -> tuple[Callable[[], None], Callable[[], None]]:
    before = items[at]
    return lambda: items.__setitem__(at, value), lambda: items.__setitem__(at, before)
