"""The morning message: how the night ended, in one line first; then what waits for whom, and what was billed.

Made to be read on a telephone by somebody who did not ask for it: the verdict, then whose move it is and how much hangs
on it, then the rest. Nothing that is not known is called fine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from billsync.model.errors import BillsyncError
from billsync.model.money import Money
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, whole
from billsync.reports.causes import next_step, title_of
from billsync.reports.queue import Entry
from billsync.reports.reconcile import Reconciliation
from billsync.reports.reconcile_blocks import headline

SHOWN: Final = 12
"""Rows of a list that are told; the reconciliation has them all."""
Billed = tuple[str, str, Money, str]
"""What became of a document, its client, its total, its number."""


def blocks(
    report: Reconciliation,
    entries: Sequence[Entry],
    *,
    billed: Sequence[Billed],
    troubles: Sequence[BillsyncError],
    changes: Sequence[str],
    findings: Sequence[str],
) -> list[Block]:
    """The message."""
    return [
        verdict(report, troubles),
        *_unknown(report),
        *_troubles(troubles),
        *_waiting(entries),
        *_billed(billed),
        *_sentences("Changed in the books", changes),
        *_sentences("Noticed", findings),
        Words(""),
        Words("The whole report: billsync reconcile. Decide: billsync review.", "quiet"),
    ]


def verdict(report: Reconciliation, troubles: Sequence[BillsyncError]) -> Words:
    """One line. Trouble with an account comes before anything that is only known without it."""
    if troubles and not report.unknown:
        places = f"{len(troubles)} account{'s' if len(troubles) > 1 else ''} stopped"
        return Words(f"TROUBLE: {places}; {headline(report).text}", "unsure")
    return headline(report)


def _unknown(report: Reconciliation) -> Iterator[Block]:
    for one in report.unknown:
        last = f"last read {one.last_complete:%Y-%m-%d %H:%M} UTC" if one.last_complete else "never read"
        yield Words(f"- {one.account} {one.kind}: {one.reason} ({last})", "unsure")


def _troubles(troubles: Sequence[BillsyncError]) -> Iterator[Block]:
    if troubles:
        yield Words("What stopped", "heading")
    for trouble in troubles:
        told = ", ".join(filter(None, (trouble.where, trouble.hint)))
        yield Words(f"- {trouble.what}" + (f" ({told})" if told else ""))


def _waiting(entries: Sequence[Entry]) -> Iterator[Block]:
    """Whose move it is: one row for each person and cause, what is worth most first."""
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        currency = entry.amount.currency if entry.amount else ""
        groups.setdefault((entry.owner, entry.cause, currency), []).append(entry)
    rows = sorted((_row(*key, waits) for key, waits in groups.items()), key=_weight)
    if rows:
        columns = (
            column("Who"), number("Waits"), number("Worth"), number("Oldest"), column("Why"), column("What to do"),
        )  # fmt: skip
        more = f"and {len(rows) - SHOWN} more: billsync review" if len(rows) > SHOWN else ""
        yield Table(title="What waits for whom", columns=columns, rows=tuple(rows[:SHOWN]), note=more)


def _row(owner: str, cause: str, currency: str, waits: Sequence[Entry]) -> tuple[Cell, ...]:
    worth = Money(sum(one.amount.minor for one in waits if one.amount), currency) if currency else None
    records = sum(len(one.subjects) for one in waits)
    oldest = max(one.age_days for one in waits)
    return (owner, records, worth, f"{oldest} d", title_of(cause), next_step(cause))


def _weight(row: tuple[Cell, ...]) -> tuple[str, int, str]:
    worth = row[2]
    return (str(row[0]), -abs(worth.minor) if isinstance(worth, Money) else 0, str(row[4]))


def _billed(billed: Sequence[Billed]) -> Iterator[Block]:
    if billed:
        rows: list[tuple[Cell, ...]] = [(what, client, total, document) for what, client, total, document in billed]
        columns = (whole("To the books"), column("Client"), number("Amount"), whole("Document"))
        more = f"and {len(rows) - SHOWN} more: billsync invoice list" if len(rows) > SHOWN else ""
        yield Table(columns=columns, rows=tuple(rows[:SHOWN]), note=more, title="Billed this night")


def _sentences(title: str, sentences: Sequence[str]) -> Iterator[Block]:
    if sentences:
        yield Words(title, "heading")
        yield from (Words(f"- {sentence}") for sentence in sentences[:SHOWN])
    if len(sentences) > SHOWN:
        yield Words(f"- and {len(sentences) - SHOWN} more", "quiet")


def subject(words: Words, firm: str, night: str) -> str:
    """One line: the first word of the verdict, the firm, the night."""
    first = words.text.partition(":")[0]
    return f"billsync {night}: {first}, {firm}"
