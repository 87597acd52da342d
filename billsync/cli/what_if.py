"""billsync what-if: history under other terms, without touching anything."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from billsync.cli.app import ConfigFile, TableFormat, parse_date, single


def what_if(
    contracts: Annotated[
        Path, typer.Option("--contracts", metavar="DIR", help="Folder of contract files with the other terms.")
    ],
    since: Annotated[
        date, typer.Option("--since", parser=parse_date, metavar="DATE", help="Work done on that day or later.")
    ],
    each: Annotated[bool, typer.Option("--each", help="Every item in a row of its own.")] = False,
    format: TableFormat = "text",
    config: ConfigFile = None,
) -> int:
    """What was billed, and what other terms would have made of it.

    A contract in DIR stands for the firm's contract of the same id; the others
    stay as they are. All history is rated once more and nothing is written.
    Amounts are before holdback.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import table
    from billsync.config import load, resolve
    from billsync.reports import what_if as report
    from billsync.rules.anew import unbilled
    from billsync.rules.engine import evaluate

    with look(config) as firm:
        other = firm.ledger.with_told(resolve(load(firm.firm.config.path, contracts=contracts)))
        facts = firm.facts(everything=True)
    rows = report.rerated(evaluate(facts), evaluate(unbilled(facts, other.contracts)), since=since)
    shown = rows if each else report.by_contract(rows)
    names = [name for name in report.COLUMNS if each or name not in ("identity", "name")]
    told = [{name: value for name, value in report.row(one).items() if name in names} for one in shown]
    table(format, names=names, rows=told, blocks=lambda: report.blocks(shown, since=since))
    return 0


app = single(
    what_if,
    examples_of=(
        "billsync what-if --contracts renewal --since 2026-01-01",
        "billsync what-if --contracts renewal --since 2026-01-01 --each",
        "billsync what-if --contracts renewal --since 2026-01-01 --format csv",
    ),
)
