"""Dataclasses to canonical JSON and back: what the ledger stores is what the model means, nothing else.

`encode` writes the bytes that are hashed (see work.canonical); `decode` reads them into the given class, by its
annotations. An unknown key or a missing required field is a ValueError: a ledger row is never half understood.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from billsync.model.work import canonical_bytes

T = TypeVar("T")


def encode(value: Any) -> bytes:
    """Canonical JSON bytes of a model object."""
    return canonical_bytes(value)


def decode(cls: type[T], data: bytes | str) -> T:
    """The model object that `encode` wrote. Raises ValueError for what does not fit the class."""
    reader = typing.cast(Callable[[Any], T], _reader(typing.cast(typing.Hashable, cls)))
    return reader(json.loads(data))


@cache
def _reader(annotation: Any) -> Callable[[Any], Any]:
    """A function that turns plain JSON into `annotation`."""
    origin = get_origin(annotation)
    if is_dataclass(annotation):
        return _dataclass_reader(annotation)
    if origin in (types.UnionType, Union):
        return _union_reader(get_args(annotation))
    if origin is tuple:
        return _tuple_reader(get_args(annotation))
    if origin is frozenset:
        item = _reader(get_args(annotation)[0])
        return lambda value: frozenset(item(entry) for entry in value)
    if origin in (dict, Mapping):
        item = _reader(get_args(annotation)[1])
        return lambda value: {key: item(entry) for key, entry in value.items()}
    if origin is Literal:
        return _literal_reader(frozenset(get_args(annotation)))
    scalars: dict[Any, Callable[[Any], Any]] = {
        Decimal: Decimal,
        date: date.fromisoformat,
        datetime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
        str: _exactly(str),
        int: _exactly(int),
        bool: _exactly(bool),
    }
    if annotation not in scalars:
        raise TypeError(f"no way to read {annotation!r} from JSON")
    return scalars[annotation]


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is not {kind.__name__}")
        return value

    return read


def _literal_reader(allowed: frozenset[Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"{value!r} is none of {sorted(map(str, allowed))}")
        return value

    return read


def _tuple_reader(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        item = _reader(args[0])
        return lambda value: tuple(item(entry) for entry in value)
    items = [_reader(arg) for arg in args]
    return lambda value: tuple(read(entry) for read, entry in zip(items, value, strict=True))


def _union_reader(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    others = [arg for arg in args if arg is not type(None)]
    if all(get_origin(arg) is Literal for arg in others):  # several lists of words are one
        read = _literal_reader(frozenset(word for arg in others for word in get_args(arg)))
        return read if others == list(args) else lambda value: None if value is None else read(value)
    if len(others) != 1:
        raise TypeError(f"only optional unions can be read back, not {args!r}")
    item = _reader(others[0])
    return lambda value: None if value is None else item(value)


def _dataclass_reader(cls: Any) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(cls)
    readers: dict[str, Callable[[Any], Any]] = {}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING and f.init}

    def read(value: Any) -> Any:
        if not readers:  # on first use: a dataclass may hold itself
            readers.update({f.name: _reader(hints[f.name]) for f in fields(cls)})
        if not isinstance(value, dict):
            raise ValueError(f"{cls.__name__} is not read from {type(value).__name__}")
        unknown = value.keys() - readers.keys()
        missing = required - value.keys()
        if unknown or missing:
            raise ValueError(f"{cls.__name__}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        return cls(**{key: readers[key](entry) for key, entry in value.items()})

    return read
