"""billsync demo: a made-up firm in a folder, billed before your eyes by the ordinary night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from billsync.cli.app import program, single

if TYPE_CHECKING:
    from billsync.reports.blocks import Block
    from billsync.sync.demo import Demonstration

FINDINGS = 1


def demo(
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Folder of the made-up firm.")] = Path(
        "demo-firm"
    ),
) -> int:
    """Make up a firm, bill it, and reconcile it on the screen.

    Everything is in files and stays there to be played with. Run again, it bills nothing.
    """
    from billsync.cli.say import TerminalProgress, show
    from billsync.cli.sync import tell_troubles
    from billsync.sync.demo import demonstrate

    with TerminalProgress() as progress:
        shown = demonstrate(directory, progress=progress)
    show(_blocks(shown))
    tell_troubles(shown.tonight)
    code = shown.tonight.exit_code
    return 0 if code == FINDINGS else code  # findings are what it demonstrates


def _blocks(shown: Demonstration) -> Iterator[Block]:
    from billsync.cli import night
    from billsync.reports.blocks import Words
    from billsync.reports.reconcile import build
    from billsync.reports.reconcile_blocks import blocks

    if shown.last_night is not None:
        yield Words(f"{shown.firm.config.firm.name}: a firm made up in {shown.folder}", "heading")
        yield from night.blocks(shown.last_night)
        yield Words("")
        yield Words("In the morning people edited their work; one entry that is billed already, too.")
    yield from night.blocks(shown.tonight)
    if shown.tonight.evaluation is not None:
        yield Words("Reconciliation", "heading")
        firm = shown.firm
        yield from blocks(build(shown.tonight.evaluation, as_of=shown.tonight.night, terms=firm.terms))
    yield Words("Try these", "heading")
    start = f"{program()} --config {shown.folder / 'billsync.yaml'}"
    for words in ("review", "reconcile --open", _explain(shown)):
        yield Words(f"  {start} {words}", "command")


def _explain(shown: Demonstration) -> str:
    """The most valuable thing that waits, as a command that says why."""
    from billsync.reports.reconcile import WAITING

    evaluation = shown.tonight.evaluation
    items = [item for item in evaluation.items if item.bucket in WAITING] if evaluation is not None else []
    if not items:
        return "invoice list"
    return f"explain {max(items, key=lambda item: item.amount).identity}"


app = single(demo, examples_of=("billsync demo", "billsync demo --dir /tmp/demo-firm"))
