"""billsync sync: the night. Cron or Task Scheduler runs it; a person may at any time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, single

if TYPE_CHECKING:
    from billsync.reports.blocks import Block
    from billsync.sync.firm import Firm
    from billsync.sync.night import OutOfCycle
    from billsync.sync.summary import NightSummary


def sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing anywhere; show what would be sent, to the byte.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what may be new.")] = False,
    accounts: Annotated[
        list[str] | None, typer.Option("--account", "-a", metavar="ACCOUNT", help="Only this source; repeatable.")
    ] = None,
    project: Annotated[
        str,
        typer.Option(
            "--project", metavar="ACCOUNT/ID", help="Bill what is ready on this project at once, and nothing else."
        ),
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="TEXT", help="With --project: why; kept in the journal.")
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on the terminal.")] = False,
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Poll, rate, gate, push exactly once, read back.

    Twice is as good as once: what is billed is not billed again, and what was interrupted is settled first. One run
    at a time; a second one leaves with exit code 6.
    """
    from billsync.cli import night
    from billsync.cli.say import TerminalProgress, json_object, show
    from billsync.sync.firm import open_firm
    from billsync.sync.night import run

    firm = open_firm(config)
    only = out_of_cycle(project, reason) if project or reason else None
    with TerminalProgress(quiet=quiet) as progress:
        summary = run(firm, dry_run=dry_run, full=full, accounts=accounts or (), only=only, progress=progress)
    if format == "json":
        json_object(night.row(summary))
    else:
        show([*night.blocks(summary), *(night.draft_blocks(summary) if dry_run else ()), *closing(firm, summary)])
        tell_troubles(summary)
    return summary.exit_code


def out_of_cycle(project: str, reason: str) -> OutOfCycle:
    """What a person asked to bill now. UsageError where it is not ACCOUNT/ID with a reason."""
    from billsync.cli.app import os_user
    from billsync.model.errors import UsageError
    from billsync.sync.night import OutOfCycle

    account, _, name = project.partition("/")
    if not account or not name:
        raise UsageError(
            "--project needs the account and the id of a project",
            where=f"--project {project}".rstrip(),
            hint="for example work/P-1",
        )
    if not reason.strip():
        raise UsageError(
            "--project needs a reason", where=f"--project {project}", hint="add --reason: it is kept in the journal"
        )
    person = os.environ.get("BILLSYNC_PERSON") or os_user()
    return OutOfCycle(account=account, project=name, person=person, reason=reason)


def closing(firm: Firm, summary: NightSummary) -> Iterator[Block]:
    """How the firm stands after the night, in a line, and where to read more."""
    from billsync.reports.blocks import Words
    from billsync.reports.reconcile import build
    from billsync.reports.reconcile_blocks import headline

    if summary.evaluation is None:
        return
    report = build(summary.evaluation, as_of=summary.night, terms=firm.terms)
    yield Words("")
    yield headline(report)
    if report.verdict != "balanced":
        yield Words("See `billsync reconcile`.", "quiet")


def tell_troubles(summary: NightSummary) -> None:
    """What stopped an account or a sink, on stderr."""
    from billsync.cli.errors import tell

    for trouble in summary.troubles:
        tell(trouble)


app = single(
    sync,
    examples_of=(
        "billsync sync",
        "billsync sync --dry-run",
        "billsync sync --account harvest --full",
        "billsync sync --project work/P-1 --reason 'handed over today'",
        "billsync sync --quiet --format json > night.json",
    ),
)
