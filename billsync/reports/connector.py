"""What a connector is, read from its class and the docstring of its module: the facts of its page and of its table.

Nothing is said here that the code does not say. A docstring is read loosely, so that it may be reworded at will: its
first line, sentences before the first `- `, the list, and what could not be confirmed (`Unconfirmed:`, `Rests on`).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billsync.reports.connector_options import Option, Section, options_of, sections_of
from billsync.reports.connector_ways import Way, ways_of
from billsync.sdk.account import Account
from billsync.sdk.options import Options
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source

RECORDS: Final[Mapping[str, str]] = {
    "project": "projects",
    "milestone": "milestones",
    "time": "time",
    "expense": "expenses",
    "contract": "contracts",
    "change_order": "change orders",
}
_APPROVALS: Final[Mapping[str, str]] = {
    "native": "the vendor's own, on each record",
    "sheet": "of a person's timesheet",
    "status": "words of the firm's own, mapped in the options",
    "none": "none there: the contract says `approval: not_required`",
}
_DELETIONS: Final[Mapping[str, str]] = {
    "feed": "told by the vendor",
    "absence": "leave no trace: what a complete poll does not show any more counts as gone",
}
_CHANGES: Final[Mapping[str, str]] = {
    "since": "every night asks for what changed since the last one, the full sweep for everything",
    "window": "every night reads the whole window",
    "whole": "every night reads everything, whatever its age",
}
_ZONES: Final[Mapping[str, str]] = {
    "account": "the account's",
    "company": "the company's",
    "caller": "that of the user whose credential it is",
}
_HELP: Final[Mapping[str, str]] = {
    "key": "the vendor answers the same key with the same document",
    "unique": "the books refuse our reference twice",
    "upsert": "the document is created under an id of ours: once more is the same document",
    "none": "the vendor does not help",
}
_UNSURE: Final = re.compile(r"(?:Unconfirmed|Not confirmed|Rests on [^:]{1,60}):\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A property of the connector and what it is."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What could not be tried. `shows`: how a wrong guess would show itself; empty where `assumed` says both."""

    assumed: str
    shows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One class, source, sink or notifier, as people read it."""

    kind: str
    role: str
    title: str
    quality: str
    docs: str
    summary: str
    before: str
    """What somebody must know who makes the credential: where, and its rights above all."""
    ways: tuple[Way, ...]
    facts: tuple[Fact, ...]
    options: tuple[Option, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    guesses: tuple[Guess, ...]


def connector_of(found: type[Account[Any]]) -> Connector:
    """The facts of a class."""
    summary, before, notes, guesses = _told(sys.modules[found.__module__].__doc__ or found.__doc__ or found.title)
    before, ways = " ".join(filter(None, (before, _told_of(found)))), ways_of(found)
    if before and not any(way.options for way in ways):  # nobody makes a credential: it is about something else
        before, notes = "", (before, *notes)
    return Connector(
        kind=found.kind,
        role=role_of(found),
        title=found.title,
        quality=found.quality,
        docs=found.docs,
        summary=summary,
        before=before,
        ways=ways,
        facts=tuple(Fact(name=name, text=text) for name, text in _facts(found)),
        options=options_of(found),
        sections=sections_of(found),
        notes=notes,
        guesses=guesses,
    )


def role_of(found: type[Account[Any]]) -> str:
    """source, sink or notifier."""
    if issubclass(found, Source):
        return "source"
    return "sink" if issubclass(found, Sink) else "notifier"


def handles(found: type[Account[Any]]) -> str:
    """What it reads or writes, in a few words."""
    if issubclass(found, Source):
        return ", ".join(words for kind, words in RECORDS.items() if kind in found.offers.kinds)
    return "invoices, credit memos" if issubclass(found, Sink) else "messages"


def _facts(found: type[Account[Any]]) -> Iterator[tuple[str, str]]:
    if issubclass(found, Source):
        yield from _source_facts(found)
    elif issubclass(found, Sink):
        yield from _sink_facts(found)
    else:
        yield "sends", handles(found)


def _source_facts(found: type[Source[Any]]) -> Iterator[tuple[str, str]]:
    offers = found.offers
    yield "reads", handles(found)
    yield "approval", _APPROVALS[offers.approval]
    yield "changes", _CHANGES[offers.changes]
    yield "deletions", _DELETIONS[offers.deletions]
    yield "zone of dates", _ZONES[offers.zone]
    yield "marks work as billed", "where the account says `mark_billed: true`" if offers.marks_billed else "no"


def _sink_facts(found: type[Sink[Any]]) -> Iterator[tuple[str, str]]:
    limits, rounding = found.limits, found.rounding
    yield "writes", handles(found)
    yield "exactly once", _exactly_once(found)
    yield "stamp", f"{found.stamp}: from it a lost ledger is learnt again" if found.stamp else "none"
    yield "drafts", "yes" if found.drafts else "no: what is created is in receivables at once"
    yield (
        "read back",
        "status, balance, payments, edits, voids"
        + (", deletions" if found.tells_deletions else "; for deletions the known documents are asked for"),
    )
    yield "tax", f"rounded per {rounding.tax_per}, {rounding.rounding.replace('_', ' ')}"
    yield "evidence", "attached where a contract asks for it" if found.attaches else "cannot be attached"
    yield "limits", f"{limits.lines:,} lines, {limits.text:,} characters of text"


def _exactly_once(found: type[Sink[Any]]) -> str:
    promise = found.idempotency
    helped = _HELP[promise.how]
    if promise.how == "key":
        helped += f", for {promise.window} seconds" if promise.window else " (nobody says for how long)"
    wait = f", {found.settle} seconds later at the earliest," if found.settle else ""
    return f"{helped}; after a lost answer the books are asked first{wait} whether our reference is there"


def _told_of(found: type[Account[Any]]) -> str:
    """What the options say of themselves after their first sentence: where a credential is made."""
    told = " ".join(inspect.cleandoc(found.options_class.__doc__ or "").split())
    return "" if found.options_class is Options else told.partition(". ")[2]


def _told(docstring: str) -> tuple[str, str, tuple[str, ...], tuple[Guess, ...]]:
    """First line, sentences, list and guesses of a docstring; lines that belong together are joined."""
    first, *rest = inspect.cleandoc(docstring).splitlines() or [""]
    parts: list[str] = [""]
    for line in rest:
        if line.startswith("- ") or _UNSURE.match(line):
            parts.append(line)
        elif line.startswith(" " * 4) or not line.strip():
            continue  # a drawing for those who read the code
        else:
            parts[-1] = f"{parts[-1]} {line.strip()}".strip()
    notes = tuple(part.removeprefix("- ") for part in parts[1:] if part.startswith("- "))
    guesses = tuple(_guess(part) for part in parts[1:] if not part.startswith("- "))
    before = re.sub(r"^https?://\S+?\.?(?:\s+|$)", "", parts[0])  # the vendor's pages are named by `docs`
    return first, before, notes, guesses


def _guess(text: str) -> Guess:
    assumed, _, shows = _UNSURE.sub("", text, count=1).partition(" - shows as: ")
    return Guess(assumed=assumed, shows=shows.rstrip("."))
