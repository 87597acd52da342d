"""The reconciliation in words and tables: how it stands, the statement, what is not billed and whose move it is.

Made for one minute of reading on 80 columns: the verdict first, then the sum, then what a person can do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from billsync.model.money import Money, grouped
from billsync.model.statement import BUCKETS, Bucket, Item, StatementRow
from billsync.reports.blocks import Block, Cell, Column, Table, Words, column, decimal_text, number, under, whole
from billsync.reports.causes import next_step, title_of
from billsync.reports.reconcile import WAITING, Reconciliation, asides, cause_of, cause_totals

# A contract column of 16 signs and six of amounts is what 80 columns hold.
_AMOUNTS_AT_MOST: Final = 5
_LISTED: Final = WAITING | {"ready"}
_PLURALS: Final = {"time": "time entries", "expense": "expenses"}


def blocks(report: Reconciliation) -> list[Block]:
    """The whole report."""
    return [
        *_verdict(report),
        *_totals(report),
        *_by_contract(report),
        *by_cause(report),
        *unbilled(report),
        *findings(report),
        *beside(report),
        *_closing(report),
    ]


def headline(report: Reconciliation) -> Words:
    """The verdict in one line: what is not known comes first, and "fine" is only said when it is known."""
    if report.unknown:
        accounts = sorted({one.account for one in report.unknown})
        return Words(f"NOT KNOWN: {', '.join(accounts)} was not read completely; the rest is below.", "unsure")
    waiting = [item for item in report.items if item.bucket in WAITING]
    if report.verdict == "balanced":
        return Words("BALANCED: everything that is done is billed, or will be by the next sync.", "good")
    parts = []
    if waiting:
        parts.append(f"{_count(len(waiting), 'item')} ({_sum(waiting)}) not billed")
    if report.without_value:
        parts.append(f"{_count(len(report.without_value), 'record')} without a value")
    if report.other_findings:
        parts.append(_count(len(report.other_findings), "finding"))
    return Words(f"FINDINGS: {_listed(parts)}, waiting for a person.", "bad")


def _verdict(report: Reconciliation) -> Iterator[Block]:
    yield headline(report)
    for one in report.unknown:
        last = f"last read {one.last_complete:%Y-%m-%d %H:%M} UTC" if one.last_complete else "never read"
        yield Words(f"  {one.account} {one.kind}: {one.reason} ({last})", "unsure")
    of_client = f", {report.client_names[report.only_client]} only" if report.only_client else ""
    yield Words(f"As of {report.as_of}{of_client}.", "quiet")


def _totals(report: Reconciliation) -> Iterator[Block]:
    """One sum per currency, as the statement is defined; buckets that are empty everywhere are left out."""
    for currency in sorted({row.currency for row in report.statement}):
        rows = [row for row in report.statement if row.currency == currency]
        lines: list[tuple[Cell, ...]] = [("earned", "", _total(rows, "earned"))]
        for bucket in BUCKETS:
            amount = _total(rows, bucket)
            if any(getattr(row, bucket) for row in rows) or bucket == "billed":
                sign = "-" if bucket == "credited" else "=" if bucket == "billed" else "+"
                lines.append((bucket.replace("_", " "), sign, amount))
        lines.append(("difference", "", _total(rows, "difference")))
        yield Table(title=f"Statement in {currency}", columns=(whole(""), whole(""), number("")), rows=tuple(lines))


def _by_contract(report: Reconciliation) -> Iterator[Block]:
    for currency in sorted({row.currency for row in report.statement}):
        rows = [row for row in report.statement if row.currency == currency]
        if len(rows) > 1:
            yield _contract_table(report, rows, currency)


def _contract_table(report: Reconciliation, rows: Sequence[StatementRow], currency: str) -> Table:
    used: list[Bucket] = [bucket for bucket in BUCKETS if any(getattr(row, bucket) for row in rows)]
    shown, folded = used, list[Bucket]()
    if len(used) >= _AMOUNTS_AT_MOST:
        shown = [bucket for bucket in ("billed", "held", "ready") if bucket in used]
        folded = [bucket for bucket in used if bucket not in shown]
    columns = [column("Contract"), under("Client"), number("earned"), *(number(_title(bucket)) for bucket in shown)]
    if folded:
        columns.append(number("other"))
    cells = []
    for row in sorted(rows, key=lambda row: (row.client, row.contract)):
        client = report.client_names.get(row.client, row.client)
        line: list[Cell] = [row.contract, client, grouped(row.earned, currency)]
        line.extend(grouped(getattr(row, bucket), currency) for bucket in shown)
        if folded:
            line.append(grouped(sum(_signed(row, bucket) for bucket in folded), currency))
        cells.append(tuple(line))
    note = f"other: {', '.join(map(_title, folded))}" if folded else ""
    return Table(title=f"By contract, {currency}", columns=tuple(columns), rows=tuple(cells), note=note)


def by_cause(report: Reconciliation) -> Iterator[Block]:
    rows: list[tuple[Cell, ...]] = []
    for total in cause_totals(report):
        step = next_step(total.cause) if total.bucket in WAITING or total.cause == "next_sync" else ""
        rows.append((total.amount, total.items, f"{total.oldest_days} d", title_of(total.cause), step, total.owner))
    if rows:
        columns = (number("Amount"), number("Items"), number("Oldest"), column("Why"), under("Next"), column("Owner"))
        yield Table(title="Not billed, by cause", columns=columns, rows=tuple(rows))


def unbilled(report: Reconciliation) -> Iterator[Block]:
    """What waits or is ready, item by item; time and expenses of one contract and cause stand in one row."""
    order = {(total.bucket, total.cause): index for index, total in enumerate(cause_totals(report))}
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in report.unbilled:
        if item.bucket not in _LISTED:
            continue
        kind = item.key.kind if item.key else ""
        one = item.contract if kind in _PLURALS else item.identity
        groups.setdefault((item.bucket, item.cause, item.owner, kind, one, item.currency), []).append(item)
    ranked = sorted(groups.values(), key=lambda items: (order[items[0].bucket, cause_of(items[0])], -_size(items)))
    rows = tuple(_unbilled_row(items) for items in ranked)
    if rows:
        columns = (number("Amount"), number("Age"), column("Item"), under("Identity"), column("Why"), under("Owner"))
        yield Table(title="Not billed, item by item", columns=columns, rows=rows, note=_left_out(report))


def _left_out(report: Reconciliation) -> str:
    others = sorted({_title(item.bucket) for item in report.unbilled if item.bucket not in _LISTED})
    return f"{', '.join(others)}: by item in --format csv, json, xlsx" if others else ""


def _unbilled_row(items: Sequence[Item]) -> tuple[Cell, ...]:
    first = items[0]
    amount = Money(sum(item.amount for item in items), first.currency)
    age = f"{max(item.age_days for item in items)} d"
    why = title_of(cause_of(first))
    if len(items) == 1:
        return (amount, age, first.name or first.identity, first.identity, why, first.owner)
    hours = sum((item.hours or Decimal(0) for item in items), Decimal(0))
    kind = _PLURALS[first.key.kind] if first.key else "items"
    what = f"{len(items)} {kind}" + (f", {decimal_text(hours)} h" if hours else "")
    return (amount, age, what, first.contract, why, first.owner)


def findings(report: Reconciliation) -> Iterator[Block]:
    ranked = sorted(report.other_findings, key=lambda one: (-abs(one.amount or 0), one.code, one.identity))
    rows: list[tuple[Cell, ...]] = [
        (
            Money(one.amount, one.currency) if one.amount is not None and one.currency else "",
            f"{one.age_days} d",
            one.text,
            one.identity,
            title_of(one.code),
            one.owner,
        )
        for one in ranked
    ]
    if rows:
        columns = (
            number("Amount"),
            number("Age"),
            column("Finding"),
            under("Identity"),
            column("What"),
            under("Owner"),
        )
        yield Table(title="Findings", columns=columns, rows=tuple(rows))


def beside(report: Reconciliation) -> Iterator[Block]:
    rows: list[tuple[Cell, ...]] = [
        (
            one.heading,
            title_of(one.cause),
            ", ".join(filter(None, (one.place, one.owner))),
            one.records,
            f"{decimal_text(one.hours)} h" if one.hours else "",
            one.amount,
        )
        for one in asides(report)
    ]
    if rows:
        columns: tuple[Column, ...] = (
            whole("State"), column("Why"), under("Where, owner"), number("Records"), number("Hours"), number("Worth"),
        )  # fmt: skip
        yield Table(title="Beside the statement", columns=columns, rows=tuple(rows))


def _closing(report: Reconciliation) -> Iterator[Block]:
    if report.verdict == "balanced":
        return
    yield Words("")
    yield Words(
        "Next: `billsync review` to decide, `billsync explain IDENTITY` to see how an amount came about.", "quiet"
    )


def _total(rows: Sequence[StatementRow], name: str) -> Money:
    return Money(sum(getattr(row, name) for row in rows), rows[0].currency)


def _signed(row: StatementRow, bucket: Bucket) -> int:
    amount: int = getattr(row, bucket)
    return -amount if bucket == "credited" else amount


def _title(bucket: Bucket) -> str:
    return bucket.replace("_", " ")


def _size(items: Sequence[Item]) -> int:
    return abs(sum(item.amount for item in items))


def _count(number_of: int, what: str) -> str:
    return f"{number_of} {what}" + ("" if number_of == 1 else "s")


def _listed(parts: Sequence[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _sum(items: Sequence[Item]) -> str:
    totals: dict[str, int] = {}
    for item in items:
        totals[item.currency] = totals.get(item.currency, 0) + item.amount
    return ", ".join(str(Money(amount, currency)) for currency, amount in sorted(totals.items()))
