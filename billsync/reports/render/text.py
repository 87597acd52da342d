"""Blocks as plain text, for a pipe, a file or a mail: one line a row, nothing cut off, nothing coloured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from billsync.reports.blocks import Block, Column, Table, Words, text_of
from billsync.reports.reconcile import Reconciliation
from billsync.reports.reconcile_blocks import blocks

GAP = "  "


def write_reconciliation(report: Reconciliation, out: TextIO) -> None:
    """The reconciliation as a terminal would show it, without a width."""
    out.write(plain(blocks(report)))


def plain(content: Iterable[Block]) -> str:
    """The blocks under each other, with an empty line before each table and heading."""
    lines: list[str] = []
    for block in content:
        if isinstance(block, Table):
            lines.extend(["", *_table(block)])
        else:
            lines.extend(["", sentence(block)] if block.tone == "heading" else [sentence(block)])
    return "\n".join(lines).strip("\n") + "\n"


def _table(table: Table) -> list[str]:
    rows = [[one_line(text_of(cell)) for cell in row] for row in table.rows]
    titles = [column.title for column in table.columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    lines = [table.title] if table.title else []
    shown = [titles, *rows] if any(titles) else rows
    lines.extend(_line(row, table.columns, widths) for row in shown)
    return [*lines, table.note] if table.note else lines


def _line(cells: list[str], columns: tuple[Column, ...], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return GAP.join(padded).rstrip()


def sentence(words: Words) -> str:
    """A sentence on its line, with the indentation it was given."""
    return " " * (len(words.text) - len(words.text.lstrip(" "))) + one_line(words.text)


def one_line(text: str) -> str:
    """Text without line breaks and control characters: a record's own words may not draw on the screen."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
