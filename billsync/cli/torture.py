"""billsync torture: seeded months of small firms with everything going wrong that can, over the real night."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billsync.cli.app import single

if TYPE_CHECKING:
    from billsync.torture.campaign import Campaign


def torture(
    runs: Annotated[int, typer.Option("--runs", min=1, metavar="N", help="How many seeds to play.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="The first seed.")] = 0,
    sink: Annotated[
        str, typer.Option("--sink", metavar="KIND", help="Bill into the fake books of this connector.")
    ] = "plain",
    jobs: Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Processes side by side.")] = 1,
    replay: Annotated[
        Path | None, typer.Option("--replay", metavar="FILE", help="Play one script (JSON) and print its protocol.")
    ] = None,
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
) -> int:
    """Simulate firm-months with faults, and check that nothing is billed twice or lost.

    Every run is drawn from its seed: the firm, its work, people's decisions, faults of the vendors, crashes, full
    disks, wrong clocks, restored and lost ledgers. The same seed is the same run. No network, no file of yours.
    Exit code 1 where an invariant broke; the seed is told, and the shortest script that breaks it.
    """
    from billsync.cli.say import TerminalProgress, json_object
    from billsync.torture.campaign import campaign

    if replay is not None:
        return _replay(replay)
    with TerminalProgress(quiet=False) as progress:
        told = campaign(
            runs=runs,
            seed=seed,
            sink=sink,
            jobs=jobs,
            progress=lambda so_far: progress.say(f"{so_far.runs} of {runs} runs, {len(so_far.failed)} failed"),
        )
    if format == "json":
        json_object(told.row())
    else:
        _show(told)
    return int(bool(told.failed))


def _show(told: Campaign) -> None:
    import json

    from billsync.cli.say import say

    say(f"{told.runs} runs from seed {told.seed}: {told.nights} nights, {told.events} events")
    duplicates, lost = told.breaches["duplicate"], told.breaches["lost"]
    say(f"{told.documents} documents, {told.crashes} crashes, {duplicates} duplicates, {lost} lost")
    for played in told.failed:
        say(f"seed {played.script.seed} failed:")
        for breach in played.breaches:
            say(f"  {breach.kind}: {breach.what}")
        say(f"  {json.dumps(played.script.json())}")
    if told.failed:
        say("Play one again: billsync torture --runs 1 --seed SEED, or save its script: --replay FILE")


def _replay(path: Path) -> int:
    from billsync.cli.say import say
    from billsync.model.errors import UsageError
    from billsync.torture.play import play
    from billsync.torture.script import Script

    try:
        script = Script.read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"this is no script: {error}", where=str(path), hint="a failed run prints its script"
        ) from None
    played = play(script)
    for line in played.protocol:
        say(line)
    say(f"hash {played.hash}")
    return int(bool(played.breaches))


app = single(
    torture,
    examples_of=(
        "billsync torture --runs 20",
        "billsync torture --runs 20 --seed 7 --format json",
        "billsync torture --runs 20 --sink quickbooks",
    ),
)
