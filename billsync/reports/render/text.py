"""Blocks as plain text, for a pipe, a file or a mail: one line a row, nothing cut off, nothing coloured."""

from __future__ import annotations

from collections.abc import Iterable

from billsync.reports.blocks import Block, Column, Table, text_of

GAP = "  "


def plain(blocks: Iterable[Block]) -> str:
    """The blocks under each other, with an empty line before each table and heading."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Table):
            lines.extend(["", *_table(block)])
        else:
            lines.extend(["", block.text] if block.tone == "heading" else [block.text])
    return "\n".join(lines).strip("\n") + "\n"


def _table(table: Table) -> list[str]:
    rows = [[one_line(text_of(cell)) for cell in row] for row in table.rows]
    titles = [column.title for column in table.columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    lines = [table.title] if table.title else []
    lines.extend(_line(row, table.columns, widths) for row in [titles, *rows])
    return [*lines, table.note] if table.note else lines


def _line(cells: list[str], columns: tuple[Column, ...], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return GAP.join(padded).rstrip()


def one_line(text: str) -> str:
    """Text without line breaks and control characters: a record's own words may not draw on the screen."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
