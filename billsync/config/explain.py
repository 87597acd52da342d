"""Turns pydantic's complaints into sentences with a place and the nearest known key. No message holds a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from billsync.config.problems import Problems, meant_by, nearest
from billsync.config.yaml import YamlList, YamlMap
from billsync.model.contract import Origin

Loc = tuple[int | str, ...]

_WORDS: Final = {
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "string_type": "must be text: put it in quotes",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping (key: value)",
    "model_type": "must be a mapping (key: value)",
    "model_attributes_type": "must be a mapping (key: value)",
    "none_required": "must be empty",
}


def explain(
    error: ValidationError, model: type[BaseModel], where: Callable[[Loc], Origin], root: str, problems: Problems
) -> None:
    """Note every mistake of `error`; `where` knows the place of a location, `root` how the whole is called."""
    details = error.errors(include_url=False, include_input=False)
    misspelt = _misspelt(details, model)
    for detail in details:
        loc = _written(detail["loc"])
        if detail["type"] == "missing" and loc in misspelt:
            continue
        section = section_at(model, loc)
        kind = detail["type"]
        key = str(loc[-1]) if loc else root
        parent = spoken(loc[:-1], root)
        if kind == "extra_forbidden":
            problems.add(f"unknown key {key!r}{_in(parent)}", where(loc), nearest(key, keys_of(section)))
        elif kind == "missing":
            problems.add(f"{key!r} is missing{_in(parent)}", where(loc[:-1]), _meaning(section, key))
        elif kind == "literal_error":
            known = [word.strip("' ") for word in str(detail["ctx"]["expected"]).replace(" or ", ",").split(",")]
            problems.add(f"{spoken(loc, root)} must be one of: {', '.join(known)}", where(loc))
        else:
            problems.add(f"{spoken(loc, root)} {_sentence(detail)}", where(loc))


def _written(loc: Loc) -> Loc:
    """The way without pydantic's own words, which stand in brackets: `[key]`, and the forms of a value."""
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith("[")))


def _misspelt(details: Sequence[Any], model: type[BaseModel]) -> set[Loc]:
    """Keys that are missing only because they are written with a mistake, which is told anyway."""
    unknown = [_written(detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"]
    return {(*loc[:-1], meant) for loc in unknown if (meant := meant_by(str(loc[-1]), keys_of(section_at(model, loc))))}


def _sentence(detail: Any) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    known = _WORDS.get(detail["type"])
    return known or str(detail["msg"]).replace("Input should be", "must be").replace("Input", "it")


def _in(parent: str) -> str:
    return f" in {parent}" if parent else ""


def _meaning(section: type[BaseModel], key: str) -> str:
    info = section.model_fields.get(key)
    return f"{key}: {info.description}" if info and info.description else ""


def spoken(loc: Loc, root: str = "") -> str:
    """`contracts[2].time.cap`: the way to a key, with the members of lists counted from 1."""
    words = root
    for part in loc:
        if isinstance(part, int):
            words += f"[{part + 1}]"
        else:
            words += f".{part}" if words else part
    return words


def keys_of(section: type[BaseModel]) -> list[str]:
    """The keys that a section knows, as they are written."""
    return [info.alias or name for name, info in section.model_fields.items()]


def section_at(model: type[BaseModel], loc: Loc) -> type[BaseModel]:
    """The innermost section on the way to `loc`."""
    current = model
    for part in loc[:-1]:
        named = {info.alias or name: info for name, info in current.model_fields.items()}
        info = named.get(str(part))
        current = next(models_in(info.annotation), current) if info else current
    return current


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def place_of(document: Any, loc: Loc) -> Origin:
    """The place of the innermost part of `loc` that is written in the document."""
    place: Origin = document.origin
    current = document
    for at, part in enumerate(loc):
        if part == 0 and isinstance(current, YamlMap) and loc[at + 1 : at + 2] and loc[at + 1] in current:
            continue  # a mapping that stands for a list of one
        if isinstance(current, YamlMap) and part in current:
            place, current = current.origins[str(part)], current[str(part)]
        elif isinstance(current, YamlMap) and isinstance(part, int) and part < len(current):
            key = list(current)[part]  # a mapping that was read as a list, such as clients by id
            place, current = current.origins[key], current[key]
        elif isinstance(current, YamlList) and isinstance(part, int) and part < len(current):
            place, current = current.origins[part], current[part]
        else:
            break
    return place
