"""Look-alikes for what is not mapped: projects to contracts and clients, persons to the firm's people, with scores.

A suggestion is a line for a person to read and to write into the configuration. Nothing is ever billed on one.
A score is the likeness of the words, 0 to 100: the same words in another order are alike.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from billsync.model.book import Facts
from billsync.model.work import Expense, Project, TimeEntry
from billsync.reports.blocks import Block, Table, Words, column, number

COLUMNS: Final = ("what", "account", "id", "name", "target", "target_id", "target_name", "score", "yaml")
LEAST: Final = 60
"""Likeness from which on something is suggested."""
MOST: Final = 3
"""Suggestions for each record at most."""
Target = Literal["contract", "client", "person", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """A project or a person at a source that no term names."""

    what: Literal["project", "person"]
    account: str
    id: str
    name: str
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What it may be. `yaml`: the line to add, and where. `target` "none": nothing is like it."""

    of: Unmapped
    target: Target
    id: str = ""
    name: str = ""
    score: int = 0
    yaml: str = ""


def suggest(facts: Facts, people: Mapping[str, str]) -> tuple[Suggestion, ...]:
    """The best look-alikes of each unmapped project and person. `people`: the firm's own id -> name."""
    found: list[Suggestion] = []
    for one in (*_projects(facts), *_persons(facts)):
        alike = _for_project(one, facts) if one.what == "project" else _for_person(one, people)
        best = sorted(alike, key=lambda made: (-made.score, made.target, made.id))[:MOST]
        found += best or [Suggestion(of=one, target="none")]
    return tuple(found)


def likeness(one: str, other: str) -> int:
    """0 to 100, without case, accents, punctuation and the order of words."""
    first, second = _words(one), _words(other)
    if not first or not second:
        return 0
    ratios = [
        difflib.SequenceMatcher(None, " ".join(words), " ".join(others), autojunk=False)
        for words, others in ((first, second), (sorted(first), sorted(second)))
    ]
    # A count of matching characters of all characters: whole numbers, so that the score is the same everywhere.
    length = len(" ".join(first)) + len(" ".join(second))
    matched = max(sum(block.size for block in ratio.get_matching_blocks()) for ratio in ratios)
    return 200 * matched // length


def _words(text: str) -> list[str]:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.findall(r"\w+", bare.casefold())


def _projects(facts: Facts) -> Iterator[Unmapped]:
    """Projects no contract names: told by their source, or only by work on them."""
    mapped = {(ref.account, ref.id) for contract in facts.contracts.values() for ref in contract.projects}
    found: dict[tuple[str, str], Unmapped] = {}
    for seen in facts.records:
        record, account = seen.record, seen.key.account
        if seen.vanished is not None:
            continue
        if isinstance(record, Project) and not record.closed:
            made = Unmapped(what="project", account=account, id=record.id, name=record.name, client=record.client or "")
            found[account, record.id] = made
        elif isinstance(record, TimeEntry | Expense):
            name = record.project
            found.setdefault((account, name), Unmapped(what="project", account=account, id=name, name=name))
    yield from (found[key] for key in sorted(found) if key not in mapped)


def _persons(facts: Facts) -> Iterator[Unmapped]:
    """Persons who work and whom no `people` entry names."""
    found: dict[tuple[str, str], str] = {}
    for there in facts.last_worked:
        account, _, person = there.partition(":")
        found[account, person] = ""
    for seen in facts.records:
        record = seen.record
        if isinstance(record, TimeEntry) and seen.vanished is None:
            key = (seen.key.account, record.person)
            found[key] = record.person_name or found.get(key, "")
    for account, person in sorted(found):
        if f"{account}:{person}" not in facts.persons:
            yield Unmapped(what="person", account=account, id=person, name=found[account, person] or person)


def _for_project(one: Unmapped, facts: Facts) -> Iterator[Suggestion]:
    for contract in facts.contracts.values():
        score = max(likeness(one.name, contract.name), likeness(one.name, contract.id), likeness(one.id, contract.id))
        if score >= LEAST:
            line = f"contracts, {contract.id}, projects: - {_scalar(f'{one.account}/{one.id}')}"
            yield Suggestion(of=one, target="contract", id=contract.id, name=contract.name, score=score, yaml=line)
    for client in facts.clients.values():
        score = max(likeness(text, name) for text in (one.client, one.name) for name in (client.name, client.id))
        if score >= LEAST:
            project = _scalar(f"{one.account}/{one.id}")
            line = f"contracts: - {{id: {_scalar(_id(one))}, client: {_scalar(client.id)}, project: {project}}}"
            yield Suggestion(of=one, target="client", id=client.id, name=client.name, score=score, yaml=line)


def _for_person(one: Unmapped, people: Mapping[str, str]) -> Iterator[Suggestion]:
    texts = (one.name, one.id.partition("@")[0])
    for person, name in people.items():
        score = max(likeness(text, known) for text in texts for known in (name, person))
        if score >= LEAST:
            line = f"people, {person}, accounts: {{{one.account}: {_scalar(one.id)}}}"
            yield Suggestion(of=one, target="person", id=person, name=name, score=score, yaml=line)


def _id(one: Unmapped) -> str:
    return "-".join(_words(one.name)) or one.id


def _scalar(text: str) -> str:
    """Text as YAML reads it back: quoted where it would be anything else."""
    plain = re.fullmatch(r"[A-Za-z][\w/.@+-]*", text) and text.casefold() not in ("null", "true", "false")
    return text if plain else json.dumps(text, ensure_ascii=False)


def row(one: Suggestion) -> Mapping[str, Any]:
    """For JSON and CSV; null where nothing is like it."""
    return {
        "what": one.of.what,
        "account": one.of.account,
        "id": one.of.id,
        "name": one.of.name,
        "target": one.target if one.target != "none" else None,
        "target_id": one.id or None,
        "target_name": one.name or None,
        "score": one.score or None,
        "yaml": one.yaml or None,
    }


def blocks(found: Sequence[Suggestion]) -> Iterable[Block]:
    """A table, best first, then the lines to add."""
    if not found:
        return [Words("Every project and every person is mapped.")]
    columns = (column("Not mapped"), column("Name"), column("May be"), number("Score"))
    rows = tuple(
        (
            f"{one.of.what} {one.of.account}/{one.of.id}",
            one.of.name,
            f"{one.target} {one.id}" if one.target != "none" else "nothing like it",
            one.score or None,
        )
        for one in found
    )
    lines = [Words(f"  {one.yaml}", "command") for one in _firsts(found)]
    note = "Nothing is billed on a suggestion: read it, and add the line that is right."
    told: list[Block] = [Table(columns=columns, rows=rows, note=note)]
    return [*told, Words("Lines to add to the configuration", "heading"), *lines] if lines else told


def _firsts(found: Iterable[Suggestion]) -> Iterator[Suggestion]:
    """The best suggestion of each."""
    known: set[Unmapped] = set()
    for one in found:
        if one.yaml and one.of not in known:
            known.add(one.of)
            yield one
