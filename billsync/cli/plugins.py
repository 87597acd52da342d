"""billsync plugins: which sources, sinks and notifiers there are, from whom, what each needs; and how to add one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, TableFormat, group
from billsync.cli.plugins_author import new, test
from billsync.cli.plugins_found import built_in, firm_plugins, of_file, of_kind

app = group(
    "Which sources, sinks and notifiers there are, and how to add one.",
    examples_of=(
        "billsync plugins list",
        "billsync plugins show jira",
        "billsync plugins new acme",
        "billsync plugins test connectors/acme.py",
    ),
)
app.command("new")(new)
app.command("test")(test)

COLUMNS = ("kind", "role", "title", "quality", "distribution", "version")


@app.callback()
def plugins() -> None:
    """Which sources, sinks and notifiers there are, and how to add one.

    Quality is earned by tests: bronze reads the vendor's published examples, silver passes the whole contract kit,
    gold was tried against a live account or an independent implementation.
    """


@app.command("list")
def list_plugins(format: TableFormat = "text", config: ConfigFile = None) -> int:
    """List every plugin and who made it.

    Built in, installed, or in the firm's own folder; also those that are found but not allowed.
    """
    from billsync.cli.say import table
    from billsync.reports.blocks import Block, Table, column, whole

    listed = firm_plugins(config).listing()
    rows = [{name: getattr(one, name) for name in COLUMNS} for one in listed]

    def blocks() -> list[Block]:
        columns = (whole("Kind"), whole("Role"), column("Title"), whole("Quality"), column("From"), whole("Version"))
        # A plugin in a folder has a hash for a version.
        cells = tuple((*(row[name] for name in COLUMNS[:-1]), row["version"][:12]) for row in rows)
        return [Table(columns=columns, rows=cells)]

    table(format, names=COLUMNS, rows=rows, blocks=blocks)
    return 0


@app.command()
def show(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of `plugins list`, or the file of a connector.")],
    format: Annotated[
        Literal["text", "json", "markdown"],
        typer.Option("--format", help="text, json or markdown.", metavar="FORMAT"),
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Show what a connector does, needs and rests on.

    Where each credential is found, its options, what it reads or writes, how it keeps to exactly once, and what could
    not be tried. Markdown is the connector's page.
    """
    from billsync.cli.say import json_object
    from billsync.cli.say import show as draw
    from billsync.reports.connector import connector_of, role_of
    from billsync.reports.connector_blocks import connector_blocks, connector_row
    from billsync.reports.connector_example import examples_of
    from billsync.reports.connector_page import connector_page

    given = of_file(Path(kind)) if kind.endswith(".py") else of_kind(kind, firm_plugins(config))
    if format == "markdown":
        made_by = f"billsync plugins show {Path(kind).name} --format markdown"
        sys.stdout.write(connector_page([one.connector for one in given], made_by=made_by))
        return 0
    told = [(connector_of(one.connector), examples_of(one.connector, role_of(one.connector)), one) for one in given]
    if format == "json":
        rows = [connector_row(facts, found, provider=one.provider, version=one.version) for facts, found, one in told]
        json_object({"schema": "billsync.plugins/1", "connectors": rows})
        return 0
    draw(block for facts, found, one in told for block in connector_blocks(facts, found, provider=one.provider))
    return 0


def generated() -> dict[str, str]:
    """Every generated page: path below the folder of documentation -> text."""
    from billsync.cli.commands_page import commands_page
    from billsync.reports.connector_page import REGENERATE, made, pages

    return {**pages(built_in()), "commands.md": f"{made(REGENERATE)}\n{commands_page()}"}


@app.command()
def docs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the documentation.")],
) -> int:
    """Write the generated pages: connectors, hooks, commands.

    FOLDER/connectors/ gets one page a kind, the list of them, and column mapping; beside it stand hooks.md and
    commands.md. A page of a connector that is gone is removed. The README.md above FOLDER gets its table of connectors
    between two lines <!-- connectors -->, where it has them.
    """
    from billsync.cli.say import say
    from billsync.reports.connector_page import short_table
    from billsync.reports.connector_write import write_pages

    table = short_table(built_in(), folder=f"{folder.name}/connectors/")
    changed = write_pages(generated(), folder, readme=folder.absolute().parent / "README.md", table=table)
    for path in changed:
        say(str(path))
    say(f"{len(changed)} pages changed" if changed else "every page was up to date")
    return 0
