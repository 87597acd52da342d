"""billsync ledger: back it up, restore it, and see how it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, group

app = group(
    "Back up, restore and look at the ledger.",
    examples_of=(
        "billsync ledger backup /backups/billsync-2026-07-31.db",
        "billsync ledger restore /backups/billsync-2026-07-31.db",
        "billsync ledger status",
    ),
)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; must not exist yet.")],
    config: ConfigFile = None,
) -> int:
    """Copy the ledger, verified after writing.

    The copy is consistent even while a sync is running.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import say

    with look(config) as firm:
        firm.ledger.backup(target, firm.firm.now())
    say(f"backed up to {target}")
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
        put_back(source, firm.config.ledger_path, force=force)
    say(f"restored {firm.config.ledger_path} from {source}")
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
