"""The options of a connector as people read them: what each is, what it is unless given, where its value is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from billsync.reports.connector_ways import ways_of
from billsync.sdk.account import Account
from billsync.sdk.mapping import Columns

_SHAPES: Final = {
    "bool": "true or false",
    "int": "number",
    "Decimal": "number",
    "date": "date",
    "Path": "path",
    "list": "list",
    "tuple": "list",
    "dict": "mapping",
    "Mapping": "mapping",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `credential`: it is asked for by a way in, or is a secret. `choices`: the only words it takes."""

    name: str
    shape: str
    choices: tuple[str, ...]
    required: bool
    default: str
    secret: bool
    credential: bool
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Settings below several options: `names` hold the same ones."""

    names: tuple[str, ...]
    options: tuple[Option, ...]
    maps_columns: bool


def options_of(found: type[Account[Any]]) -> tuple[Option, ...]:
    """Every option: the required ones first, the address of a stand-in last, else in the order of the class."""
    secrets = set(found.options_class.secret_fields())
    wanted = {name for way in ways_of(found) for name in way.options} | secrets
    options = _options(found.options_class, secrets, wanted)
    return tuple(sorted(options, key=lambda one: (one.name in ("base_url", "token_url"), not one.required)))


def sections_of(found: type[Account[Any]]) -> tuple[Section, ...]:
    """The settings of options that are mappings with keys of their own: tables of mapped sources."""
    by_class: dict[type[BaseModel], list[str]] = {}
    for name, field in found.options_class.model_fields.items():
        if (inner := section_class(field)) is not None:
            by_class.setdefault(inner, []).append(name)
    return tuple(
        Section(
            names=tuple(names),
            options=tuple(sorted(_options(inner, set(), set()), key=lambda one: not one.required)),
            maps_columns=issubclass(inner, Columns),
        )
        for inner, names in by_class.items()
    )


def section_class(field: FieldInfo) -> type[BaseModel] | None:
    """The class of an option that has keys of its own."""
    return next(
        (one for one in _leaves(field.annotation) if isinstance(one, type) and issubclass(one, BaseModel)), None
    )


def _options(model: type[BaseModel], secrets: set[str], wanted: set[str]) -> tuple[Option, ...]:
    return tuple(
        Option(
            name=name,
            shape="secret" if name in secrets else _shape(field),
            choices=_words(field),
            required=field.is_required(),
            default=_default(field),
            secret=name in secrets,
            credential=name in wanted,
            meaning=field.description or "",
        )
        for name, field in model.model_fields.items()
    )


def choices(annotation: Any) -> tuple[str, ...]:
    """The words of a Literal, wherever it stands in an annotation."""
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    return next(filter(None, map(choices, get_args(annotation))), ())


def _shape(field: FieldInfo) -> str:
    outer = _name_of(_plain(field.annotation))
    several = outer in ("list", "tuple")
    if section_class(field) is not None and not several:
        return "settings"
    if _words(field):
        return "some of" if several else ""
    return _SHAPES.get(outer, "text")


def _words(field: FieldInfo) -> tuple[str, ...]:
    """The choices of an option; not those within a mapping."""
    return () if _name_of(_plain(field.annotation)) in ("dict", "Mapping") else choices(field.annotation)


def _plain(annotation: Any) -> Any:
    """The annotation without `| None`."""
    real = [one for one in get_args(annotation) if one is not type(None)]
    return real[0] if type(None) in get_args(annotation) and len(real) == 1 else annotation


def _name_of(annotation: Any) -> str:
    return str(getattr(get_origin(annotation) or annotation, "__name__", ""))


def _leaves(annotation: Any) -> Iterator[Any]:
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for one in inner:
        yield from _leaves(one)


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required() or field.default_factory is not None or value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value) if isinstance(value, str | int) else ""
