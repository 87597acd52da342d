"""What a report says, before anyone decides how it looks: headings, sentences and tables of typed cells.

The terminal, a pipe, a mail and a spreadsheet draw the same blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from billsync.model.money import Money

Cell = str | int | Decimal | Money | date | None
Tone = Literal["plain", "heading", "good", "bad", "unsure", "quiet", "command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. `under`: on a screen too narrow for it, it stands beneath the column before it.
    `whole`: never broken over two lines (numbers, dates, numbers of documents)."""

    title: str
    right: bool = False
    whole: bool = False
    under: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns; `title` stands above, `note` below."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence or a heading, on a line of its own."""

    text: str
    tone: Tone = "plain"


Block = Words | Table


def text_of(cell: Cell) -> str:
    """A cell as people read it: amounts grouped with their currency, dates as ISO, nothing for nothing."""
    if isinstance(cell, Decimal):
        return decimal_text(cell)
    return "" if cell is None else str(cell)


def decimal_text(value: Decimal) -> str:
    """Hours, pieces and rates: two decimals, more only where there are more."""
    whole, _, decimals = format(value, "f").partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def column(title: str) -> Column:
    """Text that may be broken."""
    return Column(title=title)


def number(title: str) -> Column:
    """Aligned right, never broken."""
    return Column(title=title, right=True, whole=True)


def whole(title: str) -> Column:
    """Text that is never broken."""
    return Column(title=title, whole=True)


def under(title: str) -> Column:
    """Text that a narrow screen shows beneath the column before it."""
    return Column(title=title, under=True)
