"""billsync ledger: back it up, restore it, and see how it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, group, os_user

app = group(
    "Back up, restore and look at the ledger.",
    examples_of=(
        "billsync ledger backup /backups/billsync-2026-07-31.db",
        "billsync ledger restore /backups/billsync-2026-07-31.db",
        "billsync ledger status",
        "billsync ledger relearn books",
    ),
)


@app.command()
def backup(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the copy goes; an older one there is replaced.")
    ],
    config: ConfigFile = None,
) -> int:
    """Copy the ledger, verified after writing.

    The copy is consistent even while a sync is running.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import say

    with look(config) as firm:
        copy = firm.ledger.backup(target, firm.firm.now())
    say(f"backed up to {target}: {copy.rows} journal rows, head {copy.head}")
    return 0


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A copy made by `billsync ledger backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Even where the ledger in place knows more.")] = False,
    config: ConfigFile = None,
) -> int:
    """Put a copy in the ledger's place.

    Refused where the ledger in place has facts that the copy does not have, unless forced. The next sync notices
    invoices that the restored ledger does not know, and stops until they are learned again.
    """
    from billsync.cli.say import say
    from billsync.ledger.backup import restore as put_back
    from billsync.sync.firm import open_firm
    from billsync.sync.lock import run_lock

    firm = open_firm(config)
    with run_lock(firm.config.ledger_path, now=firm.now):
        replaced = put_back(source, firm.config.ledger_path, force=force)
    say(f"restored {firm.config.ledger_path} from {source}")
    if replaced is not None:
        say(f"what was there before is kept as {replaced}")
    return 0


@app.command()
def relearn(
    sink: Annotated[str, typer.Argument(metavar="SINK", help="The books to learn from.")],
    person: Annotated[
        str, typer.Option("--person", envvar="BILLSYNC_PERSON", help="Who asks; else this user.", metavar="NAME")
    ] = "",
    config: ConfigFile = None,
) -> int:
    """Learn again what the books know of us.

    For a ledger that was lost or restored: invoices of ours that it does not know are read, and their postings
    restored from the stamp that each of them carries, with who asked for what is on them.
    """
    from billsync.cli.say import say
    from billsync.reports.reconcile import no_such
    from billsync.sync.firm import open_firm
    from billsync.sync.lock import run_lock

    firm = open_firm(config)
    if sink not in firm.terms.sinks:
        raise no_such("sink", sink, firm.terms.sinks)
    with run_lock(firm.config.ledger_path, now=firm.now), firm.ledger() as ledger, firm.sink(sink) as books:
        receipts = list(books.read_back(None))
        learned = ledger.relearn(sink, receipts, person=person or os_user(), now=firm.now(), night=firm.today)
    say(f"learned from {sink}: {len(learned.documents)} documents, {learned.postings} postings")
    if learned.documents:
        say("holds, exclusions, maps, releases by word are on no document: say them again before `billsync sync`")
    for reference in learned.let_go:
        say(f"let go: {reference}, voided; its work stands on another document too")
    for reference, why in learned.unlearned:
        say(f"not learned: {reference}: {why}")
    return 1 if learned.unlearned else 0


@app.command()
def migrate(config: ConfigFile = None) -> int:
    """Bring a ledger of an older billsync up to date.

    The next sync would do the same; nothing else is changed.
    """
    from billsync.cli.say import say
    from billsync.sync.firm import open_firm
    from billsync.sync.lock import run_lock

    firm = open_firm(config)
    with run_lock(firm.config.ledger_path, now=firm.now), firm.ledger():
        say(f"{firm.config.ledger_path} is up to date")
    return 0


@app.command()
def status(
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Show how current and how large the ledger is.

    Whether each account was read completely and when, what is on its way to the books, and the journal's head.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import json_object, show
    from billsync.reports import ledger_status

    with look(config) as firm:
        status = ledger_status.build(
            path=firm.firm.config.ledger_path,
            ledger_id=firm.ledger.id,
            coverage=firm.ledger.coverage(firm.firm.terms),
            intents=firm.ledger.intents(),
            now=firm.firm.now(),
        )
    if format == "json":
        json_object(ledger_status.row(status))
    else:
        show(ledger_status.blocks(status))
    return status.exit_code
