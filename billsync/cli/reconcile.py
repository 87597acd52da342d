"""billsync reconcile: what was earned, what was billed, and for the rest why not and whose move it is."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from billsync.cli.app import ConfigFile, OutputFile, ReportFormat, parse_date, single

if TYPE_CHECKING:
    from billsync.reports.reconcile import Reconciliation


def reconcile(
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=parse_date, metavar="DATE", help="As it stood at the end of that day."),
    ] = None,
    client: Annotated[str | None, typer.Option("--client", metavar="CLIENT", help="Only this client (its id).")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Leave out what is billed.")] = False,
    format: ReportFormat = "text",
    out: OutputFile = None,
    config: ConfigFile = None,
) -> int:
    """What was earned, what was billed, and why the rest was not.

    The statement balances to 0.00 for every client, contract and currency. What an account did not tell completely
    reads NOT KNOWN, never as nothing to bill. Exit code: 0 all billed, 1 findings, 3 an account not known, 4 the
    books refused or have not answered.
    """
    from billsync.cli.firm import look
    from billsync.reports.reconcile import build

    with look(config) as firm:
        _, evaluation = firm.evaluate(as_of=as_of)
        report = build(
            evaluation,
            as_of=as_of or firm.firm.today,
            terms=firm.firm.terms,
            firm=firm.firm.config.firm.name,
            settled=() if open_only else firm.settled(evaluation),
            client=client,
            open_only=open_only,
        )
        _write(report, format, out)
    return report.exit_code


def _write(report: Reconciliation, format: str, out: Path | None) -> None:
    """Render the report; a format's library is imported only when it is asked for."""
    from billsync.cli.say import show, write, write_bytes

    if format == "text" and out is None:
        from billsync.reports.reconcile_blocks import blocks

        show(blocks(report))
    elif format == "xlsx":
        from billsync.reports.render.xlsx import write_reconciliation

        write_bytes(lambda file: write_reconciliation(report, file), out, what="an XLSX file")
    else:
        renderer = import_module(f"billsync.reports.render.{format}").write_reconciliation
        write(lambda file: renderer(report, file), out)


app = single(
    reconcile,
    examples_of=(
        "billsync reconcile",
        "billsync reconcile --client acme --open",
        "billsync reconcile --as-of 2026-06-30 --format xlsx --out june.xlsx",
        "billsync reconcile --format json | jq '.items[] | select(.bucket == \"held\")'",
    ),
)
