"""What all commands share: how typer is set up, the options that mean the same everywhere, examples in the help."""

from __future__ import annotations

import getpass
import shutil
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import typer

# Plain help: rich costs 80 ms and wraps examples. Tracebacks are cli.errors' business.
SETTINGS: Final[dict[str, Any]] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 80},
}


def examples(*lines: str) -> str:
    """An epilog that keeps its lines: `\\b` tells the help not to wrap the paragraph."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def single(body: Callable[..., Any], *, examples_of: tuple[str, ...]) -> typer.Typer:
    """A command without subcommands."""
    app = typer.Typer(**SETTINGS)
    app.command(epilog=examples(*examples_of))(body)
    return app


def group(help_text: str, *, examples_of: tuple[str, ...] = (), **more: Any) -> typer.Typer:
    """A command with subcommands."""
    epilog = examples(*examples_of) if examples_of else None
    return typer.Typer(help=help_text, epilog=epilog, **SETTINGS, **({"no_args_is_help": True} | more))


def _config_file(context: typer.Context, value: Path | None) -> Path | None:
    """The command's own --config, else the root's; None leaves it to billsync.config (the variable, the folder)."""
    above = context.find_root().params.get("config")
    return value or (Path(above) if above else None)


def program() -> str:
    """How this program is called here, for a command that a person may copy."""
    if Path(sys.argv[0]).name == "__main__.py":
        return "python -m billsync"
    return "billsync" if shutil.which("billsync") else sys.argv[0]


def os_user() -> str:
    """The name a decision is signed with unless --person says another."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return ""


def parse_date(text: str) -> date:
    """A day as ISO writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date like 2026-07-31") from None


ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        callback=_config_file,
        metavar="FILE",
        help="The firm's file; else $BILLSYNC_CONFIG, else billsync.yaml.",
        show_default=False,
    ),
]
TableFormat: TypeAlias = Annotated[
    Literal["text", "json", "csv"], typer.Option("--format", help="text, json or csv.", metavar="FORMAT")
]
ReportFormat: TypeAlias = Annotated[
    Literal["text", "json", "csv", "xlsx", "html"],
    typer.Option("--format", help="text, json, csv, xlsx or html.", metavar="FORMAT"),
]
OutputFile: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write to FILE instead of the screen.")
]
