"""An account as it stands in the configuration, for each way in: what must be given, secrets by reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from billsync.reports.connector_options import choices, section_class
from billsync.reports.connector_ways import LOGIN, STORE, Way, ways_of
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
    """YAML that loads, for one way in; `account` is the name that it gives the account, `secrets` what it refers to."""

    account: str
    way: Way
    yaml: str
    secrets: tuple[str, ...]

    @property
    def commands(self) -> Iterator[tuple[str, str]]:
        """What is run once, after the YAML is written, and what that does."""
        for secret in self.secrets:
            yield f"{STORE} {self.account} {secret}", "asks for it, and keeps it in the system's keyring"
        if self.way.person_logs_in:
            yield f"{LOGIN} {self.account}", "once, at a browser"


def examples_of(found: type[Account[Any]], role: str) -> tuple[Example, ...]:
    """One for each way in; only the first shows a table."""
    table = "".join(f"{line}\n" for line in _table(found))
    return tuple(_example(found, role, way, table if at == 0 else "") for at, way in enumerate(ways_of(found)))


def _example(found: type[Account[Any]], role: str, way: Way, table: str) -> Example:
    name = f"my-{found.kind.replace('_', '-')}"
    lines = [f"{'notifications' if role == 'notifier' else role + 's'}:", f"  {name}:", f"    kind: {found.kind}"]
    fields = found.options_class.model_fields
    given = [one for one in fields if fields[one].is_required() or (one in way.options and not fields[one].default)]
    secrets = tuple(option for option in given if option in found.options_class.secret_fields())
    for option in given:
        value = f"keyring:billsync/{name}.{option}" if option in secrets else sample(option, fields[option])
        lines.append(f"    {option}: {value}")
    return Example(account=name, way=way, yaml="\n".join(lines) + f"\n{table}", secrets=secrets)


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
