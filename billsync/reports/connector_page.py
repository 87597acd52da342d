"""The page of each connector and the list of them, and the page of the hooks: Markdown made from the code."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Final

from billsync.reports.connector import RECORDS, Connector, connector_of, handles, role_of
from billsync.reports.connector_columns import columns_page
from billsync.reports.connector_example import Example, examples_of
from billsync.reports.connector_options import Option
from billsync.sdk import hooks
from billsync.sdk.account import Account
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source

REGENERATE: Final = "billsync plugins docs docs"
MADE: Final = "<!-- Made from the code by"
_QUALITY: Final = (
    "Quality is earned by tests. **bronze**: reads the vendor's published examples. **silver**: passes the whole\n"
    "contract kit on a fake vendor, and its requests fit the vendor's own contract where one is published. **gold**:\n"
    "silver, and tried against a live account or an independent implementation.\n"
)

_ELSEWHERE: Final = (
    "`billsync plugins list` also shows those that your firm added, `billsync plugins show KIND` prints what stands\n"
    "on a page, and [Writing a plugin](../writing-a-plugin.md) tells how to add one. Columns of tables that a firm\n"
    "made itself are mapped as [column mapping](columns.md) says; [evidence](evidence.md) tells what was tried on\n"
    "each connector, and how many calls a night takes.\n"
)
_COMMON: Final = (
    "What every account may say stands in [config.example.yaml](../../config.example.yaml). Of its own it takes:\n"
)
_NOT_TRIED: Final = "What rests on memory or on reading, and how a wrong guess would show itself:\n"

Pages = dict[str, str]
"""Path below the folder of documentation -> text."""


def pages(connectors: Sequence[type[Account[Any]]]) -> Pages:
    """Every generated page."""
    found = {
        "hooks.md": hooks_page(),
        "connectors/README.md": connector_list(connectors),
        "connectors/columns.md": f"{made(REGENERATE)}\n{columns_page()}",
    }
    for kind in sorted({one.kind for one in connectors}):
        found[f"connectors/{kind}.md"] = connector_page([one for one in connectors if one.kind == kind])
    return found


def connector_page(connectors: Sequence[type[Account[Any]]], *, made_by: str = REGENERATE) -> str:
    """The page of one kind: a source, a sink, or both."""
    parts = [made(made_by), f"# {min((found.title for found in connectors), key=len)}\n"]
    for found in connectors:
        sections = list(
            _sections(connector_of(found), examples_of(found, role_of(found)), built_in=made_by == REGENERATE)
        )
        if len(connectors) > 1:
            parts.append(f"## {found.title}: the {role_of(found)}\n")
            sections = [text.replace("## ", "### ", 1) if text.startswith("## ") else text for text in sections]
        parts += sections
    return "\n".join(parts)


def connector_list(connectors: Sequence[type[Account[Any]]]) -> str:
    """The list of the pages, one row a class."""
    return "\n".join(
        [
            made(REGENERATE),
            "# Connectors\n",
            list_table(connectors, folder=""),
            _QUALITY,
            _ELSEWHERE,
        ]
    )


def list_table(connectors: Sequence[type[Account[Any]]], *, folder: str) -> str:
    """Kind, title, role, quality and what it handles; links lead to pages below `folder`."""
    rows = [
        (f"[{one.title}]({folder}{one.kind}.md)", f"`{one.kind}`", role_of(one), one.quality, handles(one))
        for one in sorted(connectors, key=lambda one: (one.kind, role_of(one)))
    ]
    return table(("", "kind", "role", "quality", "what"), rows)


def short_table(connectors: Sequence[type[Account[Any]]], *, folder: str) -> str:
    """For the README: one row a kind of source or sink, what is read and what is written; pages lie below `folder`."""
    joined = [one for one in connectors if issubclass(one, Source | Sink)]
    rows = []
    for kind in sorted({one.kind for one in joined}):
        sides = [one for one in joined if one.kind == kind]
        offered = {record for one in sides if issubclass(one, Source) for record in one.offers.kinds}
        reads = ", ".join(words for record, words in RECORDS.items() if record in offered)
        writes = "invoices" if any(issubclass(one, Sink) for one in sides) else ""
        rows.append((f"[{min((one.title for one in sides), key=len)}]({folder}{kind}.md)", reads, writes))
    return table(("", "work is read", "bills are written"), rows)


def hooks_page() -> str:
    """Every hook with its arguments."""
    parts = [
        made(REGENERATE),
        "# Hooks\n",
        f"{inspect.getdoc(hooks)}\n",
        "A plugin is a module with functions of these names, each marked `@hookimpl` of `billsync.sdk`; a function\n"
        "may leave out arguments that stand here. Where a plugin lives: [Writing a plugin](writing-a-plugin.md).\n",
    ]
    for name in hooks.HOOKS:
        function = getattr(hooks, name)
        parts.append(f"## {name}\n\n    {signature(function)}\n\n{inspect.getdoc(function)}\n")
    return "\n".join(parts)


def signature(function: Any) -> str:
    """A hook as it is defined, with its arguments and its answer."""
    shown = inspect.signature(function)
    arguments = ", ".join(f"{name}: {one.annotation}" for name, one in shown.parameters.items())
    return f"def {function.__name__}({arguments}) -> {shown.return_annotation}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, without columns that are empty in every row."""
    kept = [at for at, head in enumerate(heads) if not head or any(row[at] for row in rows)]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(line[at]) for at in kept) + " |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Text within a table."""
    return " ".join(text.split()).replace("|", "\\|")


def made(by: str) -> str:
    """The first line of a generated page."""
    return f"{MADE} `{by}`: change the code, not this file. -->\n"


def _sections(one: Connector, examples: Sequence[Example], *, built_in: bool) -> Iterator[str]:
    yield f"{one.summary}\n"
    head = [("role and quality", f"{one.role}, {one.quality}"), ("documentation", f"<{one.docs}>")]
    yield table(("", ""), [*head, *((fact.name, fact.text) for fact in one.facts)])
    yield "## Set it up\n"
    if one.before:
        yield f"{one.before}\n"
    yield from _ways(examples)
    needed = [option for option in one.options if option.required or option.credential]
    if needed:
        yield _options(needed, last="what it is, and where it is found")
    rest = [option for option in one.options if option not in needed]
    common = f"{_COMMON}\n" if built_in else ""
    yield f"## Options\n\n{common}{_options(rest, last='meaning')}"
    for section in one.sections:
        names = ", ".join(f"`{name}`" for name in section.names)
        mapped = (
            " Fields and words are those of [column mapping](columns.md)." if section.maps_columns and built_in else ""
        )
        yield f"Each of {names} is a mapping of its own.{mapped}\n\n{_options(section.options, last='meaning')}"
    if one.notes:
        yield "## Good to know\n"
        yield "".join(f"- {note}\n" for note in one.notes)
    if one.guesses:
        yield f"## Not tried on a live account\n\n{_NOT_TRIED}"
        shows = [f" - **shows as**: {guess.shows}" if guess.shows else "" for guess in one.guesses]
        yield "".join(f"- {guess.assumed}{shown}\n" for guess, shown in zip(one.guesses, shows, strict=True))


def _ways(examples: Sequence[Example]) -> Iterator[str]:
    for at, example in enumerate(examples):
        way = example.way
        lead = f"With {way.words}:" if at == 0 else f"Or with {way.words}:"
        if not way.options:
            lead = "It needs no more than this:"
        yield f"{lead}\n\n```yaml\n{example.yaml}```\n"
        if way.scopes:
            yield f"It asks for the rights {', '.join(f'`{one}`' for one in way.scopes)}.\n"
        steps = "".join(f"- `{command}` {what}\n" for command, what in example.commands)
        if steps:
            yield f"Then\n\n{steps}"


def _options(options: Sequence[Option], *, last: str) -> str:
    rows = [
        (
            f"`{one.name}`",
            _shape(one),
            "required" if one.required else f"`{one.default}`" if one.default else "",
            one.meaning,
        )
        for one in options
    ]
    return table(("option", "is", "unless given", last), rows)


def _shape(option: Option) -> str:
    words = [f"`{word}`" if word.strip() else "a space" for word in option.choices]
    return (f"{option.shape} " if option.shape else "") + " or ".join(words) if words else option.shape
