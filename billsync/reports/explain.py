"""The life of one item: what the source said and when, what people decided, how its amount came about, which
invoice it is on, and what the books say of that invoice.

Every event carries its night or instant (UTC); amounts are minor units in Money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from billsync.model.book import Decision, Facts, Posting
from billsync.model.money import Money, plain
from billsync.model.statement import Evaluation, Finding, Item, NotEarned, Unvalued
from billsync.model.work import Observation, SourceKey
from billsync.reports.blocks import Block, Cell, Table, Words, column, decimal_text, number, under, whole
from billsync.reports.causes import next_step, title_of
from billsync.reports.invoices import Document, names
from billsync.reports.reconcile import cause_of, identity_of

EXPLAIN: Final = "billsync.explain/1"
_HIDDEN: Final = frozenset({"id", "url"})
Told = Item | NotEarned | Unvalued


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the item. `at` UTC."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one identity."""

    identity: str
    name: str
    project: str
    client: str
    contract: str
    items: tuple[Item, ...]
    not_earned: tuple[NotEarned, ...]
    not_valued: tuple[Unvalued, ...]
    findings: tuple[Finding, ...]
    events: tuple[Event, ...]
    because: tuple[str, ...]
    documents: tuple[Document, ...]
    records: tuple[SourceKey, ...]


def build(
    identity: str, facts: Facts, evaluation: Evaluation, documents: Iterable[Document], *, zone: str = "UTC"
) -> Explanation:
    """The explanation of an identity that `identities` knows. `zone`: the firm's, in which nights are counted."""
    items = tuple(item for item in evaluation.items if item.identity == identity)
    early = tuple(one for one in evaluation.not_earned if one.identity == identity)
    valueless = tuple(one for one in evaluation.not_valued if identity_of(one.key) == identity)
    postings = [one for one in facts.postings if one.fact.identity == identity]
    named: list[Told] = [*items, *early, *valueless]
    keys = {one.key for one in named if one.key is not None}
    keys |= {evidence.key for posting in postings for evidence in posting.fact.evidence}
    references = {posting.fact.invoice for posting in postings} | {item.invoice for item in items}
    because = next((item.because for item in items if item.because), ())
    return Explanation(
        identity=identity,
        name=next((one.name for one in named if one.name), identity),
        project=next((one.project for one in named if one.project), ""),
        client=next((item.client for item in items), next((one.fact.client for one in postings), "")),
        contract=next((one.contract for one in named if one.contract), ""),
        items=items,
        not_earned=early,
        not_valued=valueless,
        findings=tuple(one for one in evaluation.findings if one.identity == identity),
        events=_events(identity, facts, keys, postings, ZoneInfo(zone)),
        because=because or next((one.fact.because for one in reversed(postings) if one.fact.because), ()),
        documents=tuple(one for one in documents if references & {one.reference, one.number}),
        records=tuple(sorted(keys, key=str)),
    )


def identities(facts: Facts, evaluation: Evaluation) -> dict[str, set[str]]:
    """Everything that can be explained: identity -> other names a person may call it by (ids and names)."""
    found: dict[str, set[str]] = {}
    told: list[Item | NotEarned] = [*evaluation.items, *evaluation.not_earned]
    for item in told:
        calls = found.setdefault(item.identity, set())
        calls |= {item.name, item.identity.rsplit("/", 1)[-1]}
        if item.key is not None:
            calls |= {item.key.id, str(item.key), identity_of(item.key)}
    for one in evaluation.not_valued:
        found.setdefault(identity_of(one.key), set()).update({one.name, one.key.id, str(one.key)})
    for posting in facts.postings:
        found.setdefault(posting.fact.identity, set())
    return found


def named(text: str, known: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Identities that a person may mean: by identity, by id or name, by the beginning of an identity."""
    if text in known:
        return (text,)
    folded = text.casefold()
    by_name = [identity for identity, calls in known.items() if folded in {name.casefold() for name in calls}]
    if by_name:
        return tuple(sorted(by_name))
    return tuple(sorted(identity for identity in known if identity.casefold().startswith(folded)))


def blocks(one: Explanation) -> list[Block]:
    """The explanation for the screen."""
    head: list[tuple[Cell, ...]] = [
        ("identity", one.identity),
        ("client", one.client),
        ("contract", one.contract),
        ("project", one.project),
        ("record", ", ".join(map(str, one.records))),
    ]
    found: list[Block] = [
        Words(one.name, "heading"),
        Table(columns=(whole(""), column("")), rows=tuple(line for line in head if line[1])),
        *_standing(one),
    ]
    if one.because:
        found.append(Words("Its amount, step by step", "heading"))
        found.extend(Words(f"  {index}. {step}") for index, step in enumerate(one.because, start=1))
    if one.events:
        rows = tuple((f"{event.at:%Y-%m-%d %H:%M}", event.what) for event in one.events)
        found.append(Table(title="Its life (UTC)", columns=(whole(""), column("")), rows=rows))
    for document in one.documents:
        remark = f", {document.remark}" if document.remark else ""
        title = f"On {document.kind.replace('_', ' ')} {document.number or document.reference}"
        if document.number:
            title += f" ({document.reference})"
        state = f"{document.total}, {document.status} in {document.sink}{remark}"
        found.append(Words(f"{title} of {document.issued_on}: {state}."))
    return found


def _standing(one: Explanation) -> list[Block]:
    """Where each cent of it is today, and what is missing."""
    rows: list[tuple[Cell, ...]] = []
    numbers = names(one.documents)
    for item in one.items:
        why = "" if item.bucket == "billed" and not item.cause else title_of(cause_of(item))
        rows.append(
            (
                item.bucket.replace("_", " "),
                Money(item.amount, item.currency),
                why,
                item.owner,
                numbers.get(item.invoice, item.invoice),
            )
        )
    for early in one.not_earned:
        worth = Money(early.amount, early.currency) if early.amount is not None and early.currency else None
        rows.append(("not earned", worth, title_of(early.cause), early.owner, ""))
    for record in one.not_valued:
        rows.append(("not valued", None, title_of(record.cause or record.why), record.owner, ""))
    found: list[Block] = []
    if rows:
        columns = (whole("State"), number("Amount"), column("Why"), under("Owner"), column("Invoice"))
        found.append(Table(title="Where it stands", columns=columns, rows=tuple(rows)))
    found.extend(Words(f"Finding: {finding.text}", "bad") for finding in one.findings)
    causes = {item.cause for item in one.items if item.bucket in ("held", "in_flight")}
    causes |= {early.cause for early in one.not_earned} | {record.cause for record in one.not_valued}
    found.extend(Words(f"Next: {next_step(cause)}", "quiet") for cause in sorted(causes) if next_step(cause))
    return found


def row(one: Explanation) -> dict[str, Any]:
    """`billsync.explain/1`."""
    return {
        "schema": EXPLAIN,
        "identity": one.identity,
        "name": one.name,
        "client": one.client or None,
        "contract": one.contract or None,
        "project": one.project or None,
        "records": [str(key) for key in one.records],
        "states": [
            {
                "bucket": item.bucket,
                "amount": plain(item.amount, item.currency),
                "currency": item.currency,
                "cause": item.cause or None,
                "owner": item.owner or None,
                "invoice": item.invoice or None,
            }
            for item in one.items
        ],
        "not_earned": [early.cause for early in one.not_earned],
        "not_valued": [record.cause or record.why for record in one.not_valued],
        "because": list(one.because),
        "events": [{"at": event.at, "what": event.what} for event in one.events],
        "findings": [{"code": finding.code, "text": finding.text} for finding in one.findings],
        "invoices": [
            {"number": document.number or None, "reference": document.reference, "status": document.status}
            for document in one.documents
        ],
    }


def _events(
    identity: str, facts: Facts, keys: Iterable[SourceKey], postings: Iterable[Posting], zone: ZoneInfo
) -> tuple[Event, ...]:
    events: list[Event] = []
    for key in keys:
        newest = [one for one in facts.records if one.key == key]
        events.extend(_versions(key, [*facts.history.get(key, ()), *newest]))
    place = facts.places.get(identity)
    if place is not None:
        events.append(_earned(place.night, events, zone))
    events.extend(_posted(posting) for posting in postings)
    events.extend(_decided(one) for one in facts.decisions if one.subject == identity or one.target == identity)
    return tuple(sorted(events, key=lambda event: event.at))


def _earned(night: date, events: Iterable[Event], zone: ZoneInfo) -> Event:
    """A night has a date and no hour: it stands after what had been seen by the end of that day."""
    end = datetime.combine(night + timedelta(days=1), time.min, zone).astimezone(UTC)
    at = max((event.at for event in events if event.at < end), default=end)
    return Event(at=at, what=f"first earned in the night of {night}")


def _versions(key: SourceKey, versions: list[Observation]) -> list[Event]:
    """First sight, then every change field by field, then the disappearance."""
    events = []
    for at, now in enumerate(versions):
        if at == 0:
            what = f"first seen at {key.account}: {_said(now)}"
        else:
            what = f"changed at {key.account}: {_difference(versions[at - 1], now)}"
        events.append(Event(at=now.first_seen, what=what))
    gone = [one.vanished for one in versions[-1:] if one.vanished is not None]
    events.extend(Event(at=vanished, what=f"gone from {key.account}") for vanished in gone)
    return events


def _said(seen: Observation) -> str:
    """The fields of a record that carry something, in a sentence."""
    said = []
    for field in fields(seen.record):
        value = getattr(seen.record, field.name)
        if field.name not in _HIDDEN and value not in (None, "", (), {}, False):
            said.append(f"{_words(field.name)} {_value(value)}")
    return ", ".join(said)


def _difference(before: Observation, now: Observation) -> str:
    changed = []
    for field in fields(now.record):
        old, new = getattr(before.record, field.name, None), getattr(now.record, field.name)
        if field.name not in _HIDDEN and old != new:
            changed.append(f"{_words(field.name)} {_value(old)} -> {_value(new)}")
    return ", ".join(changed) or "back to what it was"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "state"):  # an Approval
        return f"{value.state}" + (f" by {value.by}" if value.by else "")
    if hasattr(value, "accepted"):  # an Acceptance
        return ("yes" if value.accepted else "no") + (f" by {value.by}" if value.by else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text}" for name, text in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _posted(posting: Posting) -> Event:
    fact = posting.fact
    amount = Money(fact.amount, fact.currency)
    on = f" on {fact.invoice}" if fact.invoice else ""
    return Event(at=posting.at, what=f"{fact.kind.replace('_', ' ')} {amount}{on}")


def _decided(one: Decision) -> Event:
    target = f" ({one.target})" if one.target else ""
    until = f" until {one.until}" if one.until else ""
    return Event(at=one.at, what=f"{one.person}: {one.kind.replace('_', ' ')}{target}{until}, because {one.reason}")
