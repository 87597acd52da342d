"""Dotted paths into decoded JSON: every value at a path with `*`, the list of rows, a member to be set.

A step that ends in `?` may be absent or null (`QueryResponse.Invoice?`); any other step must be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from billsync.model.errors import BadAnswer

Json = Any


def values_at(raw: Json, path: str) -> list[Json]:
    """Every value at a dotted path; `*` stands for each element of a list or each member of an object."""
    found = [raw]
    for step in path.split(".") if path else ():
        found = [value for here in found for value in _children(here, step)]
    return found


def _children(here: Json, step: str) -> Iterator[Json]:
    if step == "*":
        yield from here.values() if isinstance(here, Mapping) else here if isinstance(here, list) else ()
    elif isinstance(here, Mapping) and step in here:
        yield here[step]
    elif isinstance(here, list) and step.lstrip("-").isdigit() and -len(here) <= int(step) < len(here):
        yield here[int(step)]


def list_at(raw: Json, path: str, *, where: str = "") -> list[dict[str, Json]]:
    """The rows at a path. BadAnswer when a promised step is missing, or what is there is not a list of objects."""
    here = raw
    for step in path.split(".") if path else ():
        name, optional = step.removesuffix("?"), step.endswith("?")
        here = next(iter(_children(here, name)), None)
        if here is None and optional:
            return []
        if here is None:
            raise BadAnswer(f"the list {path!r} is missing (no {name!r})", where=where, hint=UNDOCUMENTED)
    if not isinstance(here, list):
        raise BadAnswer(f"{path or 'the answer'} is {_kind(here)}, not a list", where=where, hint=UNDOCUMENTED)
    for number, row in enumerate(here):
        if not isinstance(row, dict):
            raise BadAnswer(
                f"row {number} of {path or 'the answer'} is {_kind(row)}, not an object", where=where, hint=UNDOCUMENTED
            )
    return here


UNDOCUMENTED = "the vendor's answer is not the documented one: nothing was read from it"


def _kind(value: Json) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def with_member(body: Json, path: str, value: Json) -> Json:
    """A copy of an object in which the member at a dotted path is `value`; objects on the way are made.

    A number steps into a list that has so many elements (the key among the arguments of a remote call)."""
    name, _, rest = path.partition(".")
    if isinstance(body, list) and name.isdigit() and int(name) < len(body):
        place = int(name)
        return [*body[:place], with_member(body[place], rest, value) if rest else value, *body[place + 1 :]]
    inner = body.get(name) if isinstance(body, Mapping) else None
    return {**(body or {}), name: with_member(inner, rest, value) if rest else value}
