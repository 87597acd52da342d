"""The command line: words in, words out. `main()` is the way in.

The root knows its commands from a table, so that `billsync --help` imports none of them; each command is a module of
this folder, imported when it is called. What a command prints goes to stdout, what it does meanwhile to stderr.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from io import TextIOWrapper
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from billsync import __version__
from billsync.cli.app import SETTINGS
from billsync.cli.errors import Outcome

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Set up and look": {
        "demo": "A made-up firm, billed before your eyes.",
        "init": "Write a commented billsync.yaml for your firm.",
        "check": "Test the configuration and every account.",
        "auth": "Log in to accounts, and see what ends when.",
        "plugins": "Which sources, sinks and notifiers there are.",
        "config": "The configuration as billsync understands it, and its schema.",
    },
    "The night": {
        "sync": "Poll, rate, gate, push exactly once, read back.",
    },
    "The queue": {
        "reconcile": "What was earned, what was billed, and why the rest was not.",
        "explain": "The life of one item or invoice, and every step of its amount.",
        "review": "What waits for a person, and the decisions they can take.",
        "map": "Projects and people that no term names, and what they may be.",
    },
    "Afterwards": {
        "invoice": "The invoices of ours, and what the books say of them.",
        "what-if": "What other terms would have made of the work so far.",
        "audit": "Every fact and decision for your accountant; whether any was changed.",
        "ledger": "Back up, restore and look at the ledger.",
        "torture": "Simulate months of faults: nothing twice, nothing lost.",
    },
}
COMMANDS: Final = {name: help_line for section in SECTIONS.values() for name, help_line in section.items()}


def module_of(command: str) -> str:
    """The module of a command."""
    return f"billsync.cli.{command.replace('-', '_')}"


class Root(TyperGroup):
    """The root: lists the table, imports the one command that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None where the table has no such name."""
        if cmd_name not in COMMANDS:
            return None
        command = get_command(importlib.import_module(module_of(cmd_name)).app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, but a wrong name is compared with the table."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"there is no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table, in its sections."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(10), help_line) for name, help_line in commands.items()])


app = typer.Typer(
    name="billsync",
    cls=Root,
    no_args_is_help=True,
    epilog="Start with `billsync demo`, or `billsync init` for your own firm. Each command has examples: "
    "`billsync COMMAND --help`. Exit codes: 0 all billed or nothing to do, 1 findings wait, 2 usage or "
    "configuration, 3 a source incomplete, 4 a sink refused or unknown, 5 ledger, 6 another run is at work.",
    **SETTINGS,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"billsync {__version__}")
        raise typer.Exit


@app.callback()
def root(
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="The firm's file; else $BILLSYNC_CONFIG, else billsync.yaml."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error arose.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Finds finished work that nobody has billed, drafts the invoice, pushes it exactly once, and proves it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (design: 0 to 6; 130 when interrupted)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in own  # about the run, not about one command: it may stand anywhere
    if debug:
        words.remove("--debug")
    _speak_utf8()
    with Outcome(debug=debug) as outcome:
        command = get_command(app)
        with command.make_context("billsync", words) as context:
            outcome.code = command.invoke(context) or 0
    return outcome.code


def _speak_utf8() -> None:
    """What is piped or redirected is UTF-8 on every system; a terminal keeps its own encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
