"""The reconciliation as one HTML file: styles and drawings inside, no script, nothing fetched, made to be printed.

Words come from records that strangers typed: jinja2 escapes every one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from billsync.model.money import Money
from billsync.model.statement import BUCKETS, Bucket, StatementRow
from billsync.reports.blocks import Block, Cell, Column, Table, text_of
from billsync.reports.reconcile import Reconciliation
from billsync.reports.reconcile_blocks import beside, by_cause, findings, headline, unbilled

# In the order in which they are stacked; what is credited lies within what was billed.
_BARS: Final[tuple[Bucket, ...]] = ("billed", "withheld", "capped", "written_off", "in_flight", "ready", "held")
_WIDTH: Final = 1000
_CODE: Final = re.compile("`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a bar: where it starts and how long it is, in thousandths of the bar."""

    bucket: str
    start: int
    length: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencySection:
    """One currency's totals, bar and statement."""

    currency: str
    totals: tuple[tuple[str, Money], ...]
    pieces: tuple[Piece, ...]
    table: Table


def write_reconciliation(report: Reconciliation, out: TextIO) -> None:
    """Write the page."""
    environment = Environment(
        loader=PackageLoader("billsync.reports.render"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["said"] = said
    page = environment.get_template("reconcile.html.j2")
    stream = page.stream(
        report=report,
        headline=headline(report),
        sections=list(_sections(report)),
        tables=[block for block in _tables(report) if isinstance(block, Table)],
        cells=cells,
        client=report.client_names.get(report.only_client, ""),
    )
    stream.enable_buffering(64)
    for text in stream:
        out.write(text)


def said(cell: Cell) -> Markup:
    """A cell escaped; commands and keys that stand in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text_of(cell)))))  # noqa: S704  escaped before


def cells(table: Table, row: tuple[Cell, ...]) -> list[tuple[Column, Cell, list[Cell]]]:
    """Each cell with the cells that stand beneath it."""
    found: list[tuple[Column, Cell, list[Cell]]] = []
    for column, cell in zip(table.columns, row, strict=True):
        if column.under and found:
            found[-1][2].extend([cell] if text_of(cell) else [])
        else:
            found.append((column, cell, []))
    return found


def _tables(report: Reconciliation) -> Iterator[Block]:
    for part in (by_cause, unbilled, findings, beside):
        yield from part(report)


def _sections(report: Reconciliation) -> Iterator[CurrencySection]:
    for currency in sorted({row.currency for row in report.statement}):
        rows = [row for row in report.statement if row.currency == currency]
        totals = {name: sum(getattr(row, name) for row in rows) for name in ("earned", *BUCKETS, "difference")}
        shown = [name for name, amount in totals.items() if amount or name in ("earned", "billed", "difference")]
        yield CurrencySection(
            currency=currency,
            totals=tuple((name.replace("_", " "), Money(totals[name], currency)) for name in shown),
            pieces=tuple(_pieces(rows, currency)),
            table=_statement(report, rows, currency),
        )


def _pieces(rows: Iterable[StatementRow], currency: str) -> Iterator[Piece]:
    """Lengths in whole thousandths; negative amounts cannot be drawn and are in the table only."""
    rows = list(rows)
    sums = {bucket: max(0, sum(getattr(row, bucket) for row in rows)) for bucket in _BARS}
    whole = sum(sums.values())
    start = passed = 0
    for bucket, amount in sums.items():
        passed += amount
        end = passed * _WIDTH // whole if whole else 0
        if end > start:
            yield Piece(bucket, start, end - start, f"{bucket.replace('_', ' ')} {Money(amount, currency)}")
        start = end


def _statement(report: Reconciliation, rows: list[StatementRow], currency: str) -> Table:
    shown = [bucket for bucket in BUCKETS if any(getattr(row, bucket) for row in rows)]
    names = ["earned", *shown, "difference"]
    columns = [Column(title="Contract"), Column(title="Client", under=True)]
    columns += [Column(title=name.replace("_", " "), right=True, whole=True) for name in names]
    lines: list[tuple[Cell, ...]] = []
    for row in sorted(rows, key=lambda row: (row.client, row.contract)):
        client = report.client_names.get(row.client, row.client)
        name = report.contract_names.get(row.contract) or row.contract
        below = f"{row.contract}, {client}" if name != row.contract else client
        lines.append((name, below, *(Money(getattr(row, each), currency) for each in names)))
    return Table(title=f"Statement in {currency}", columns=tuple(columns), rows=tuple(lines))
