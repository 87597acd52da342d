"""What a change of terms changes: every term that differs, by contract, in words a person can review.

Two configurations are compared as the rules would read them, so that moving a line, another spelling of the same
amount or a short form for a long one is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from billsync.model.book import Terms
from billsync.model.contract import Contract, Origin
from billsync.model.money import grouped
from billsync.model.sourced import TermsTold

_MINOR: Final = frozenset({"value", "amount", "at_amount", "receipt_from", "release_threshold", "up_to"})
"""Fields in minor units where they are whole numbers (a rate's `amount` is a Decimal in major units)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermChange:
    """One term of one contract, before and after; empty where there was or will be nothing."""

    contract: str
    what: Literal["new", "gone", "changed"]
    origin: Origin
    """Where the contract is written now; where it was written, if it is gone."""
    term: str = ""
    """The way to it, as `schedule.permit.amount`."""
    before: str = ""
    after: str = ""


def changes(old: Terms, new: Terms) -> tuple[TermChange, ...]:
    """Contracts and terms that differ, by contract and term."""
    found: list[TermChange] = []
    for name in sorted({*old.contracts, *new.contracts}):
        before, after = old.contracts.get(name), new.contracts.get(name)
        if before and after:
            found += _changed(before, after)
        elif before:
            found.append(TermChange(contract=name, what="gone", origin=before.origin))
        elif after:
            found.append(TermChange(contract=name, what="new", origin=after.origin))
    return tuple(found)


def _changed(before: Contract, after: Contract) -> Iterator[TermChange]:
    first, second = dict(_terms(before, before.currency)), dict(_terms(after, after.currency))
    for term in sorted({*first, *second}):
        if first.get(term) != second.get(term):
            yield TermChange(
                contract=after.id,
                what="changed",
                term=term,
                before=first.get(term, ""),
                after=second.get(term, ""),
                origin=after.origin,
            )


def _terms(value: Any, currency: str, way: str = "") -> Iterator[tuple[str, str]]:
    """Each term as its way and its value in words; what is empty is no term."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            member = getattr(value, field.name)
            if not isinstance(member, Origin | TermsTold) and field.name != "places":
                yield from _terms(member, currency, f"{way}.{field.name}" if way else field.name)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from _terms(value[key], currency, f"{way}.{key}")
    elif isinstance(value, tuple) and any(is_dataclass(member) for member in value):
        for at, member in enumerate(value, start=1):
            yield from _terms(member, currency, f"{way}.{_key(member, at)}")
    elif value not in (None, (), frozenset(), ""):
        yield way, _words(value, way.rpartition(".")[2], currency)


def _key(member: Any, at: int) -> str:
    """What tells the members of a list apart: their id, the payer, whom a rate is for; else their place."""
    if hasattr(member, "id"):
        return str(member.id)
    named = [getattr(member, key, None) for key in ("client", "account", "person", "project", "role", "task", "since")]
    return "/".join(str(part) for part in named if part is not None) or str(at)


def _words(value: Any, name: str, currency: str) -> str:
    if type(value) is int and name in _MINOR:
        return f"{currency} {grouped(value, currency)}"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
