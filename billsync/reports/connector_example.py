"""An account as it stands in the configuration, for each way in: what must be given, secrets by reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from billsync.reports.connector_options import choices, section_class
from billsync.reports.connector_ways import Way, ways_of
from billsync.sdk.account import Account
from billsync.sdk.mapping import Columns

_FOR_EXAMPLE: Final = re.compile(r"e\.g\. ([^\s,;)]+)|^(https?://[^\s,;)]+)")
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "milestones": ("project", "name", "complete", "completed_on", "amount"),
    "time": ("project", "person", "date", "hours"),
}
"""Options that hold a table, and the fields whose columns an example names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """YAML that loads, for one way in; `account` is the name that it gives the account."""

    account: str
    way: Way
    yaml: str


def examples_of(found: type[Account[Any]], role: str) -> tuple[Example, ...]:
    """One for each way in; only the first shows a table."""
    name = f"my-{found.kind.replace('_', '-')}"
    table = "\n".join(_table(found))
    return tuple(
        Example(
            account=name, way=way, yaml=_account(found, role, way, name) + (f"{table}\n" if table and not at else "")
        )
        for at, way in enumerate(ways_of(found))
    )


def _account(found: type[Account[Any]], role: str, way: Way, name: str) -> str:
    lines = [f"{'notifications' if role == 'notifier' else role + 's'}:", f"  {name}:", f"    kind: {found.kind}"]
    secrets = found.options_class.secret_fields()
    for option, field in found.options_class.model_fields.items():
        if field.is_required() or (option in way.options and not field.default):
            value = f"keyring:billsync/{name}.{option}" if option in secrets else sample(option, field)
            lines.append(f"    {option}: {value}")
    return "\n".join(lines) + "\n"


def _table(found: type[Account[Any]]) -> Iterator[str]:
    """The first table of a mapped source, with the columns that must be told."""
    fields = found.options_class.model_fields
    for option in _TABLES:
        inner = section_class(fields[option]) if option in fields else None
        if inner is None or fields[option].is_required():
            continue
        yield f"    {option}:"
        for name, field in inner.model_fields.items():
            if field.is_required():
                yield f"      {name}: {f'{option}.csv' if name == 'file' else sample(name, field)}"
        if issubclass(inner, Columns):
            yield "      columns:  # field: column, by its id or its exact title"
            yield from (f"        {column}: COLUMN" for column in _TABLES[option])
        return


def sample(name: str, field: FieldInfo) -> str:
    """A value of the right shape: what the description names as an example, else the option's name in capitals."""
    text = str(field.annotation)
    if (words := choices(field.annotation)) != ():
        return words[0]
    if "int" in text or "Decimal" in text:
        return "1"
    if "bool" in text:
        return "true"
    if "date" in text:
        return "2026-12-31"
    told = _FOR_EXAMPLE.search(field.description or "")
    value = (told[1] or told[2]).rstrip(".:") if told else name.upper()
    if "Mapping" in text or "dict" in text or _is_section(field):
        return "{}"
    quoted = f'"{value}"' if re.search(r"[*?{}\[\]#&!|>%@`]|^\d|: ", value) else value
    return f"[{quoted}]" if "tuple" in text or "list" in text else quoted


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
