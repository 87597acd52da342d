"""What a command prints: blocks on the terminal by rich, in plain text when piped; progress on stderr.

The only importer of rich, and only where something is drawn on a terminal. NO_COLOR is honoured by rich itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, TextIO

from billsync.model.errors import UsageError
from billsync.reports.blocks import Block, Table, Tone, Words, text_of
from billsync.reports.render.csv import write_rows as csv_rows
from billsync.reports.render.json import dumps, write_rows
from billsync.reports.render.text import one_line, plain, sentence

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

_STYLES: Final[dict[Tone, str]] = {
    "plain": "",
    "heading": "bold",
    "good": "bold green",
    "bad": "bold yellow",
    "unsure": "bold red",
    "quiet": "dim",
    "command": "cyan",
}


def show(blocks: Iterable[Block]) -> None:
    """Print blocks on stdout: drawn for the terminal's width, or as whole lines where stdout is no terminal."""
    if not sys.stdout.isatty():
        sys.stdout.write(plain(blocks))
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for block in blocks:
        _draw(block, console)


def table(
    format: str,
    *,
    names: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    blocks: Callable[[], Iterable[Block]],
) -> None:
    """Rows as JSON (an array of objects) or CSV with the columns `names`; as text, what `blocks` makes of them."""
    if format == "json":
        write_rows(rows, sys.stdout)
    elif format == "csv":
        csv_rows(names, ([row[name] for name in names] for row in rows), sys.stdout)
    else:
        show(blocks())


def json_object(value: Any) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(dumps(value) + "\n")


def say(text: str) -> None:
    """One line on stdout."""
    sys.stdout.write(one_line(text) + "\n")


def write(render: Callable[[TextIO], object], out: Path | None) -> None:
    """Let a renderer write text on stdout, or into a file that appears only when it is complete."""
    if out is None:
        render(sys.stdout)
        return
    with _complete(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        render(file)


def write_bytes(render: Callable[[BinaryIO], object], out: Path | None, *, what: str) -> None:
    """Let a renderer write bytes into `out`, or to a stdout that is not a terminal."""
    if out is None:
        if sys.stdout.isatty():
            raise UsageError(f"{what} is not for the screen", hint="name a file: --out FILE")
        render(sys.stdout.buffer)
        return
    with _complete(out) as part, part.open("wb") as file:
        render(file)


@contextmanager
def _complete(out: Path) -> Iterator[Path]:
    part = out.with_name(f".{out.name}.part")
    try:
        yield part
        part.replace(out)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror or error}", where=str(out)) from error
    finally:
        part.unlink(missing_ok=True)


def _draw(block: Block, console: Console) -> None:
    from rich.text import Text

    if isinstance(block, Words):
        if block.tone == "heading":
            console.print()
        # A command is copied: the terminal may wrap it, we may not break it.
        console.print(Text(sentence(block), style=_STYLES[block.tone]), soft_wrap=block.tone == "command")
        return
    console.print()
    if block.title:
        console.print(Text(block.title, style="bold"))
    console.print(_rich_table(block))
    if block.note:
        console.print(Text(block.note, style="dim"))


def _rich_table(table: Table) -> Any:
    """rich's table; a column marked `under` goes beneath the one before it, quieter."""
    from rich.table import Table as RichTable
    from rich.text import Text

    titled = any(column.title for column in table.columns)
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=titled)
    for column in table.columns:
        if not column.under:
            drawn.add_column(
                column.title, justify="right" if column.right else "left", no_wrap=column.whole, overflow="fold"
            )
    for row in table.rows:
        cells: list[Text] = []
        for column, cell in zip(table.columns, row, strict=True):
            text = one_line(text_of(cell))
            if not column.under:
                cells.append(Text(text))
            elif text:
                cells[-1].append(f"\n{text}", style="dim")
        drawn.add_row(*cells)
    return drawn


class TerminalProgress:
    """What the night is doing, as one live line on stderr, where a person looks on (sync.summary.Progress).

    A context: the line is gone before the answer is printed. Accounts are read side by side, so calls may come from
    several threads.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._status: Status | None = None
        self._step = ""
        self._counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        if self._shown:
            from rich.console import Console

            self._status = Console(stderr=True, highlight=False, markup=False).status("starting")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, text: str) -> None:
        """A step begins."""
        self._step, self._counts = text, {}
        self._update()

    def count(self, account: str, kind: str, records: int) -> None:
        """So many records of a kind were read so far."""
        self._counts[f"{account} {kind}"] = records
        self._update()

    def _update(self) -> None:
        if self._status is None:
            return
        from rich.text import Text

        counts = [f"{records} {what}" for what, records in sorted(self._counts.copy().items())]
        self._status.update(Text(one_line(", ".join([self._step, *counts[-4:]])), style="dim"))
