"""billsync config: the file checked, shown as it was understood, and its JSON Schema for editors."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, group

app = group(
    "The configuration as billsync understands it, and its schema.",
    examples_of=(
        "billsync config check",
        "billsync config show --format json",
        "billsync config schema > billsync.schema.json",
    ),
)


@app.command()
def check(config: ConfigFile = None) -> int:
    """Read the file and everything it names.

    Nobody is contacted; `billsync check` tests the accounts as well.
    """
    from billsync.cli.say import say
    from billsync.config import load, resolve

    loaded = load(config)
    terms = resolve(loaded)
    parts = {
        "contracts": len(terms.contracts),
        "clients": len(terms.clients),
        "sources": len(loaded.sources()),
        "sinks": len(loaded.sinks()),
    }
    say(f"{loaded.path} is good: {', '.join(f'{name} {number}' for name, number in parts.items())}")
    return 0


@app.command()
def show(
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Show every contract, defaults filled in.

    Options of accounts are not shown: they may lead to secrets.
    """
    from billsync.cli.say import json_object
    from billsync.cli.say import show as draw
    from billsync.config import load, resolve
    from billsync.reports import terms as report

    loaded = load(config)
    terms = resolve(loaded)
    accounts = [(account.name, str(account.role), account.kind) for account in loaded.accounts.values()]
    if format == "json":
        json_object(report.row(terms, accounts, loaded.firm.name))
    else:
        draw(report.blocks(terms, accounts, loaded.firm.name))
    return 0


@app.command()
def schema() -> int:
    """Print the JSON Schema of billsync.yaml.

    Editors that know it check and complete the file as it is typed.
    """
    import sys

    from billsync.config.jsonschema import json_schema
    from billsync.reports.render.json import indented

    sys.stdout.write(indented(json_schema()))
    return 0
