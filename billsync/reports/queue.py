"""The review queue: everything that waits for a person, whose move it is, for how long, and worth how much.

One entry a decision: a draft that a gate stops, an item that is held, work without a value, a finding. Time and
expenses that wait for the same reason in one contract share an entry, unless each is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from billsync.model.invoice import Draft
from billsync.model.money import Money, plain
from billsync.model.statement import Evaluation, Finding, HeldDraft, Item, Unvalued
from billsync.model.work import SourceKey
from billsync.reports.blocks import Block, Cell, Table, Words, column, decimal_text, number, under
from billsync.reports.causes import next_step, title_of
from billsync.reports.reconcile import WAITING, identity_of

COLUMNS: Final = (
    "number", "what", "subject", "subjects", "text", "cause", "owner", "age_days", "amount", "currency", "client",
    "contract", "hours", "next",
)  # fmt: skip
SHORT: Final = 12
"""Digits of a draft's hash that are shown; a decision may name it by any prefix that is unambiguous."""
_GROUPED: Final = {"time": "time entries", "expense": "expenses"}

What = Literal["draft", "item", "record", "finding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What waits. `subjects` are what a decision is about: a draft's hash, or identities (several share a row)."""

    what: What
    subjects: tuple[str, ...]
    text: str
    cause: str
    owner: str
    age_days: int
    amount: Money | None = None
    client: str = ""
    contract: str = ""
    hours: Decimal | None = None
    number: int = 0

    @property
    def subject(self) -> str:
        """What stands in the list: the short hash, the identity, or nothing where several share the row."""
        if len(self.subjects) != 1:
            return ""
        return self.subjects[0][:SHORT] if self.what == "draft" else self.subjects[0]


def build(evaluation: Evaluation, *, each: bool = False) -> tuple[Entry, ...]:
    """The queue, numbered: drafts first, then by amount and age. `each`: one entry for every record."""
    drafts = [_of_draft(held) for held in evaluation.held_drafts]
    in_draft = {
        (part.identity, held.cause)
        for held in evaluation.held_drafts
        for line in held.draft.lines
        for part in line.parts
    }
    waiting = [
        item for item in evaluation.items if item.bucket in WAITING and (item.identity, item.cause) not in in_draft
    ]
    unvalued = [one for one in evaluation.not_valued if one.why != "not_billable"]
    told = {(item.identity, item.cause) for item in waiting} | in_draft
    told |= {(identity_of(one.key), one.cause) for one in unvalued}
    findings = [one for one in evaluation.findings if (one.identity, one.code) not in told]
    entries = [
        *drafts,
        *_of_items(waiting, each),
        *_of_unvalued(unvalued, each),
        *map(_of_finding, findings),
    ]
    entries.sort(key=lambda one: (one.what != "draft", -abs(one.amount.minor) if one.amount else 0, -one.age_days))
    return tuple(replace(entry, number=index) for index, entry in enumerate(entries, start=1))


def blocks(entries: Sequence[Entry]) -> list[Block]:
    """The queue for the screen."""
    if not entries:
        return [Words("Nothing waits for a person.", "good")]
    rows: list[tuple[Cell, ...]] = [
        (
            entry.number,
            entry.amount,
            f"{entry.age_days} d",
            entry.text,
            entry.subject or entry.contract,
            title_of(entry.cause),
            entry.owner,
        )
        for entry in entries
    ]
    columns = (
        number("#"), number("Amount"), number("Age"), column("What"), under("Subject"), column("Why"), under("Owner"),
    )  # fmt: skip
    waits = f"{len(entries)} decision{'' if len(entries) == 1 else 's'} to take."
    return [
        Words(waits, "bad"),
        Table(columns=columns, rows=tuple(rows)),
        _what_to_do(entries),
        Words(""),
        Words("Decide by number or subject: `billsync review hold 3 --reason WHY`. Every decision is kept.", "quiet"),
    ]


def _what_to_do(entries: Iterable[Entry]) -> Table:
    causes = dict.fromkeys(entry.cause for entry in entries)
    steps: tuple[tuple[Cell, ...], ...] = tuple(
        (title_of(cause), next_step(cause)) for cause in causes if next_step(cause)
    )
    return Table(title="What to do", columns=(column(""), column("")), rows=steps)


def row(entry: Entry) -> dict[str, Any]:
    """An entry for JSON and CSV."""
    return {
        "number": entry.number,
        "what": entry.what,
        "subject": entry.subjects[0] if len(entry.subjects) == 1 else None,
        "subjects": list(entry.subjects),
        "text": entry.text,
        "cause": entry.cause,
        "owner": entry.owner or None,
        "age_days": entry.age_days,
        "amount": plain(entry.amount.minor, entry.amount.currency) if entry.amount else None,
        "currency": entry.amount.currency if entry.amount else None,
        "client": entry.client or None,
        "contract": entry.contract or None,
        "hours": entry.hours,
        "next": next_step(entry.cause) or None,
    }


def _of_draft(held: HeldDraft) -> Entry:
    draft = held.draft
    return Entry(
        what="draft",
        subjects=(draft.hash,),
        text=f"{'credit memo' if draft.kind == 'credit_memo' else 'invoice'} for {draft.client}: {_lines(draft)}",
        cause=held.cause,
        owner=held.owner,
        age_days=0,
        amount=Money(draft.total, draft.currency),
        client=draft.client,
        contract=", ".join(draft.contracts),
    )


def _lines(draft: Draft) -> str:
    return f"{len(draft.lines)} line{'' if len(draft.lines) == 1 else 's'}"


def _of_items(items: Iterable[Item], each: bool) -> Iterator[Entry]:
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        kind = item.key.kind if item.key else ""
        together = item.contract if kind in _GROUPED and not each else item.identity
        groups.setdefault((together, kind, item.cause, item.owner, item.currency), []).append(item)
    for group in groups.values():
        first = group[0]
        yield Entry(
            what="item",
            subjects=tuple(item.identity for item in group),
            text=_text([item.name for item in group], first.key, [item.hours for item in group]),
            cause=first.cause,
            owner=first.owner,
            age_days=max(item.age_days for item in group),
            amount=Money(sum(item.amount for item in group), first.currency),
            client=first.client,
            contract=first.contract,
            hours=_hours([item.hours for item in group]),
        )


def _of_unvalued(records: Iterable[Unvalued], each: bool) -> Iterator[Entry]:
    groups: dict[tuple[str, ...], list[Unvalued]] = {}
    for one in records:
        together = identity_of(one.key) if each else f"{one.key.account}/{one.project}"
        groups.setdefault((together, one.key.kind, one.cause, one.owner, one.contract), []).append(one)
    for group in groups.values():
        first = group[0]
        text = _text([one.name for one in group], first.key, [one.hours for one in group])
        yield Entry(
            what="record",
            subjects=tuple(identity_of(one.key) for one in group),
            text=f"{text} on {first.project}" if first.project else text,
            cause=first.cause,
            owner=first.owner,
            age_days=max(one.age_days for one in group),
            contract=first.contract,
            hours=_hours([one.hours for one in group]),
        )


def _of_finding(one: Finding) -> Entry:
    return Entry(
        what="finding",
        subjects=(one.identity,) if one.identity else (),
        text=one.text,
        cause=one.code,
        owner=one.owner,
        age_days=one.age_days,
        amount=Money(one.amount, one.currency) if one.amount is not None and one.currency else None,
    )


def _text(names: Sequence[str], key: SourceKey | None, hours: Sequence[Decimal | None]) -> str:
    """One record by its name; several by their number and hours."""
    if len(names) == 1:
        return names[0]
    total = _hours(hours)
    kind = _GROUPED.get(key.kind, f"{key.kind}s") if key else "items"
    return f"{len(names)} {kind}" + (f", {decimal_text(total)} h" if total else "")


def _hours(hours: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in hours if value is not None]
    return sum(known, Decimal(0)) if known else None


def chosen(
    text: str, entries: Sequence[Entry], numbered: Mapping[str, Sequence[str]], known: Iterable[str]
) -> tuple[str, ...]:
    """What a person means by `text`: a number of the last list, a draft's hash or its beginning, an identity.

    `numbered` is the last list as it was printed: number -> subjects. `known` are all identities. Returns the
    subjects; empty where nothing fits. Several that begin with `text` are all returned: the caller names them.
    """
    if text in numbered:
        return tuple(numbered[text])
    names = {subject for entry in entries for subject in entry.subjects} | set(known)
    if text in names:
        return (text,)
    return tuple(sorted(name for name in names if name.startswith(text))) if len(text) >= 4 else ()
