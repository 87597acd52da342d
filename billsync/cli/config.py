"""billsync config: the file checked, shown as it was understood, and its JSON Schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from billsync.cli.app import ConfigFile, TableFormat, group

if TYPE_CHECKING:
    from billsync.config.diff import TermChange
    from billsync.model.book import Terms
    from billsync.reports.effect import Effect

app = group(
    "The configuration as billsync understands it, and its schema.",
    examples_of=(
        "billsync config check",
        "billsync config show --format json",
        "billsync config schema > billsync.schema.json",
        "billsync config diff next-year.yaml",
    ),
)


@app.command()
def check(config: ConfigFile = None) -> int:
    """Read the file and everything it names.

    Nobody is contacted; `billsync check` tests the accounts as well.
    """
    from billsync.cli.say import say
    from billsync.config import load, resolve
    from billsync.sync.firm import check_line_texts

    loaded = load(config)
    terms = resolve(loaded)
    check_line_texts(loaded, terms)
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
def diff(
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="The changed configuration.")],
    format: TableFormat = "text",
    config: ConfigFile = None,
) -> int:
    """Show what other terms would change.

    First each term that differs, then what that does to everything not billed
    yet: by contract and item, its value now and then. CSV holds the second
    part. Nothing is written anywhere.
    """
    from billsync.cli.say import json_object, table
    from billsync.config.diff import changes
    from billsync.reports import effect
    from billsync.sync.firm import open_firm

    firm, new = open_firm(config), open_firm(other).terms
    if firm.config.ledger_path.exists():
        old, new, found = _effects(config, new)
    else:
        old, found = firm.terms, ()
    differing = [_term(change) for change in changes(old, new)]
    rows = [effect.row(one) for one in found]
    if format == "json":
        json_object({"schema": "billsync.config-diff/1", "terms": differing, "effect": rows})
    else:
        table(
            format,
            names=effect.COLUMNS,
            rows=rows,
            blocks=lambda: [*effect.terms_blocks(differing), *effect.blocks(found)],
        )
    return 0


def _term(change: TermChange) -> dict[str, Any]:
    return {
        "contract": change.contract,
        "what": change.what,
        "term": change.term or None,
        "before": change.before or None,
        "after": change.after or None,
        "origin": str(change.origin),
    }


def _effects(config: Path | None, new: Terms) -> tuple[Terms, Terms, tuple[Effect, ...]]:
    """Both terms with what the ledger knows to be told, and tonight's evaluations under them, compared."""
    from billsync.cli.firm import look
    from billsync.reports.effect import effects
    from billsync.rules.engine import evaluate

    with look(config) as firm:
        new = firm.ledger.with_told(new)
        found = effects(evaluate(firm.facts()), evaluate(firm.facts(terms=new)))
        return firm.firm.terms, new, found


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
