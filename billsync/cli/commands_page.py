"""The page of all commands: what each is for, with what must be given. Options stand in its `--help`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from typer.main import get_command


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that can be run: its words, its arguments and required options, the first line of its help."""

    words: str
    needs: str
    purpose: str


def commands(section: str) -> Iterator[Command]:
    """The commands of a section of the root's table, subcommands singly."""
    from billsync.cli import SECTIONS, app

    root = get_command(app)
    for name in SECTIONS[section]:
        yield from _below(root.get_command(None, name), name)  # type: ignore[attr-defined]


def commands_page() -> str:
    """The page, without the line that says who made it."""
    from billsync.cli import SECTIONS

    parts = [
        "# Commands\n",
        "`billsync COMMAND --help` tells the options, with examples. Commands about a firm take `--config FILE`;\n"
        "else its file is `$BILLSYNC_CONFIG`, else `billsync.yaml` here. [Exit codes](concepts.md#exit-codes) mean\n"
        "the same everywhere.\n",
    ]
    for section in SECTIONS:
        rows = "".join(f"| `{_typed(one)}` | {one.purpose} |\n" for one in commands(section))
        parts.append(f"## {section}\n\n| command | |\n| --- | --- |\n{rows}")
    return "\n".join(parts)


def _below(command: Any, words: str) -> Iterator[Command]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield Command(words=words, needs=_needs(command), purpose=_first_line(command))
    for name, one in inner.items():
        yield from _below(one, f"{words} {name}")


def _needs(command: Any) -> str:
    """Arguments and required options as they are typed."""
    found = []
    for one in command.params:
        shown = str(one.metavar or one.name).upper()
        if not one.opts[0].startswith("-"):
            found.append(shown if one.required else f"[{shown}]")
        elif one.required:
            found.append(f"{one.opts[0]} {shown}")
    return " ".join(found)


def _first_line(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _typed(one: Command) -> str:
    return f"billsync {one.words} {one.needs}".strip().replace("|", "\\|")
