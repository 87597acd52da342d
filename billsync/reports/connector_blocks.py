"""What a connector is, for the terminal and as JSON: the same facts as on its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from billsync.reports.blocks import Block, Table, Words, column, under, whole
from billsync.reports.connector import Connector
from billsync.reports.connector_example import Example
from billsync.reports.connector_options import Option

SCHEMA: Final = "billsync.plugin/1"


def connector_blocks(one: Connector, examples: Sequence[Example], *, provider: str) -> Iterator[Block]:
    """The connector in tables; `provider`: who it comes from."""
    yield Words(f"{one.title} ({one.kind}), {one.role}, {one.quality}, from {provider}", "heading")
    yield Words(_bare(one.summary))
    if one.before:
        yield Words(_bare(one.before))
    yield Words(one.docs, "quiet")
    facts = tuple((fact.name, _bare(fact.text)) for fact in one.facts)
    yield Table(columns=(whole(""), column("")), rows=facts, title="What it does")
    yield from _ways(examples)
    needed = [option for option in one.options if option.required or option.credential]
    rest = [option for option in one.options if option not in needed]
    yield from _options("What it needs, and where it is found", needed)
    yield from _options("Options", rest)
    for section in one.sections:
        yield from _options(f"Settings of {', '.join(section.names)}", section.options)
    yield from _list("Good to know", one.notes)
    told = [f"{guess.assumed} - shows as: {guess.shows}" if guess.shows else guess.assumed for guess in one.guesses]
    yield from _list("Not tried on a live account, and how a wrong guess would show itself", told)


def connector_row(one: Connector, examples: Sequence[Example], *, provider: str, version: str) -> dict[str, Any]:
    """The connector as JSON."""
    return {
        "schema": SCHEMA,
        "kind": one.kind,
        "role": one.role,
        "title": one.title,
        "quality": one.quality,
        "distribution": provider,
        "version": version,
        "docs": one.docs,
        "summary": one.summary,
        "before": one.before or None,
        "facts": {fact.name: fact.text for fact in one.facts},
        "ways": [
            {
                "words": example.way.words,
                "options": list(example.way.options),
                "scopes": list(example.way.scopes),
                "login": example.way.person_logs_in,
                "example": example.yaml,
            }
            for example in examples
        ],
        "options": [_option_row(option) for option in one.options],
        "settings": [
            {"of": list(section.names), "options": [_option_row(option) for option in section.options]}
            for section in one.sections
        ],
        "notes": list(one.notes),
        "not_tried": [{"assumed": guess.assumed, "shows_as": guess.shows or None} for guess in one.guesses],
    }


def _ways(examples: Sequence[Example]) -> Iterator[Block]:
    for at, example in enumerate(examples):
        lead = "With" if at == 0 else "Or with"
        way = example.way
        yield Words(f"{lead} {way.words}" if way.options else "It needs no more than this", "heading")
        if way.scopes:
            yield Words(f"It asks for the rights {', '.join(way.scopes)}.")
        yield from (Words(f"    {line}", "command") for line in example.yaml.splitlines())
        yield from (Words(f"    {command}", "command") for command, _ in example.commands)


def _options(title: str, options: Sequence[Option]) -> Iterator[Block]:
    if not options:
        return
    columns = (whole("Option"), column("Is"), under("Unless given"), column("Meaning"))
    rows = tuple((one.name, _shape(one), _given(one), _bare(one.meaning)) for one in options)
    yield Table(title=title, columns=columns, rows=rows)


def _shape(option: Option) -> str:
    words = [word if word.strip() else "a space" for word in option.choices]
    return (f"{option.shape} " if option.shape else "") + " or ".join(words) if words else option.shape


def _given(option: Option) -> str:
    if option.required:
        return "required"
    return f"else {option.default}" if option.default else ""


def _option_row(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "is": option.shape or "choice",
        "choices": list(option.choices),
        "required": option.required,
        "default": option.default or None,
        "secret": option.secret,
        "meaning": option.meaning,
    }


def _list(title: str, items: Sequence[str]) -> Iterator[Block]:
    if items:
        rows = tuple(("-", _bare(item)) for item in items)
        yield Table(title=title, columns=(whole(""), column("")), rows=rows)


def _bare(text: str) -> str:
    """Without the marks of Markdown."""
    return text.replace("`", "")
