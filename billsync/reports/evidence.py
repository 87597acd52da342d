"""Evidence for one document: the time behind its lines, and what was accepted, from the pinned versions.

The figures are the document's own parts, so the rows of a line sum to it to the cent. Words are those of the versions
that were billed, whatever the source says today. Amounts are minor units, hours Decimal, dates the source's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billsync.model.invoice import Evidence, Invoice, Line, Part
from billsync.model.money import Money
from billsync.model.work import Milestone, Record, TimeEntry
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, under, whole

TIME_COLUMNS: Final = (
    "line", "line_text", "date", "person", "role", "project", "task", "notes", "hours", "rate", "amount", "currency",
    "remark", "record", "version",
)  # fmt: skip
ACCEPTANCE_COLUMNS: Final = (
    "line", "line_text", "milestone", "completed_on", "accepted", "accepted_by", "accepted_on", "evidence",
    "evidence_hash", "documents", "url", "record", "version",
)  # fmt: skip
Versions = Mapping[Evidence, Record]
Rows = tuple[tuple[Any, ...], ...]
_NOT_WORK: Final = frozenset({"holdback", "release", "credit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One kind of evidence: as a table for machines, and as blocks for people."""

    kind: str
    title: str
    columns: tuple[str, ...]
    rows: Rows
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRow:
    """One entry's share of a line. `rate` only where hours x rate is the amount."""

    on: date | None
    person: str
    role: str
    project: str
    task: str
    notes: str
    hours: Decimal | None
    rate: Decimal | None
    amount: Money
    remark: str
    record: str
    version: str


def proofs(
    invoice: Invoice,
    versions: Versions,
    wanted: Mapping[str, Collection[str]],
    *,
    firm: str,
    persons: Mapping[str, str],
) -> Iterator[Proof]:
    """What each contract's terms want of this document; nothing where the document holds no such work.

    wanted: contract -> kinds. persons: "account:person" -> the firm's own id, where the source tells no name."""
    head = (Words(f"{firm}: {invoice.reference} of {invoice.issued_on} for {invoice.client_name}", "quiet"),)
    made = _time(invoice, versions, _contracts(wanted, "time_detail"), persons)
    if made:
        yield _time_proof(invoice, made, head)
    accepted = tuple(_accepted(invoice, versions, _contracts(wanted, "acceptance")))
    if accepted:
        yield _acceptance_proof(invoice.reference, accepted, head)


def _contracts(wanted: Mapping[str, Collection[str]], kind: str) -> frozenset[str]:
    return frozenset(contract for contract, kinds in wanted.items() if kind in kinds)


# ---- Time ----------------------------------------------------------------------------------------------------


def _time(
    invoice: Invoice, versions: Versions, contracts: Collection[str], persons: Mapping[str, str]
) -> dict[int, tuple[TimeRow, ...]]:
    """Rows by the number of their line, for lines of time and adjustments of time."""
    found: dict[int, tuple[TimeRow, ...]] = {}
    for place, line in enumerate(invoice.lines, start=1):
        of_time = all(part.identity.startswith("time/") and part.contract in contracts for part in line.parts)
        if line.kind not in _NOT_WORK and of_time:
            found[place] = tuple(_time_row(line, part, invoice.currency, versions, persons) for part in line.parts)
    return found


def _time_row(line: Line, part: Part, currency: str, versions: Versions, persons: Mapping[str, str]) -> TimeRow:
    pinned = next((one for one in part.evidence if one.key.kind == "time"), None)
    entry = versions.get(pinned) if pinned else None
    known = entry if isinstance(entry, TimeEntry) else None
    whole_entry = part.quantity is not None
    hours = part.quantity if whole_entry else known.hours if known else None
    account = pinned.key.account if pinned else ""
    person = (known.person_name or persons.get(f"{account}:{known.person}") or known.person) if known else line.person
    lost = "" if known else "this version is not in the ledger any more"
    return TimeRow(
        on=known.worked_on if known else line.done_on,
        person=person or "",
        role=(known.role if known else None) or "",
        project=line.project or (known.project if known else ""),
        task=(known.task if known else None) or "",
        notes=(known.notes if known else None) or "",
        hours=hours,
        rate=line.unit_price if whole_entry else None,
        amount=Money(part.amount, currency),
        remark=lost or ("" if whole_entry else next(reversed(part.because), "")),
        record=str(pinned.key) if pinned else part.identity,
        version=pinned.version if pinned else "",
    )


def _time_proof(invoice: Invoice, found: Mapping[int, tuple[TimeRow, ...]], head: tuple[Block, ...]) -> Proof:
    rows: list[tuple[Any, ...]] = []
    blocks: list[Block] = [*head]
    columns = (
        whole("Date"), column("Person"), under("Role"), column("Task"), under("Notes"), number("Hours"), number("Rate"),
        number("Amount"), under("Remark"),
    )  # fmt: skip
    for place, shares in found.items():
        line = invoice.lines[place - 1]
        shown: tuple[tuple[Cell, ...], ...] = tuple(
            (row.on, row.person, row.role, row.task, row.notes, row.hours, row.rate, row.amount, row.remark)
            for row in shares
        )
        total = f"sum of the line: {Money(line.amount, invoice.currency)}"
        blocks.append(Table(title=f"{place}. {line.text}", columns=columns, rows=shown, note=total))
        rows += [
            (
                place, line.text, row.on, row.person, row.role, row.project, row.task, row.notes, row.hours, row.rate,
                row.amount, invoice.currency, row.remark, row.record, row.version,
            )
            for row in shares
        ]  # fmt: skip
    return Proof(
        kind="time-detail",
        title=f"Time detail of {invoice.reference}",
        columns=TIME_COLUMNS,
        rows=tuple(rows),
        blocks=tuple(blocks),
    )


# ---- Acceptance and documents --------------------------------------------------------------------------------


def _accepted(invoice: Invoice, versions: Versions, contracts: Collection[str]) -> Iterator[tuple[Any, ...]]:
    """One row for each accepted or documented milestone behind a line."""
    for place, line in enumerate(invoice.lines, start=1):
        if line.kind in _NOT_WORK:
            continue
        pinned = [one for part in line.parts if part.contract in contracts for one in part.evidence]
        for one in dict.fromkeys(pinned):
            record = versions.get(one)
            if isinstance(record, Milestone) and (record.acceptance or record.attachments):
                yield (place, line.text, *_acceptance(record), str(one.key), one.version)


def _acceptance(record: Milestone) -> tuple[Any, ...]:
    told = record.acceptance
    said = ("yes" if told.accepted else "no", told.by, told.on, told.evidence, told.evidence_hash) if told else ()
    return (
        record.name,
        record.completed_on,
        *(said or ("", None, None, None, None)),
        " | ".join(record.attachments),
        record.url,
    )


def _acceptance_proof(reference: str, rows: Rows, head: tuple[Block, ...]) -> Proof:
    columns = (
        column("Line"), column("Milestone"), whole("Completed"), whole("Accepted"), column("By"), whole("On"),
        under("Evidence"), under("SHA-256"), under("Documents"), under("Address"),
    )  # fmt: skip
    shown = tuple((f"{row[0]}. {row[1]}", *row[2:11]) for row in rows)
    return Proof(
        kind="acceptance",
        title=f"Acceptance behind {reference}",
        columns=ACCEPTANCE_COLUMNS,
        rows=rows,
        blocks=(*head, Table(columns=columns, rows=shown, title="What was accepted")),
    )
