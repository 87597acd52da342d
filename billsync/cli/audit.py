"""billsync audit: everything for the accountant, and whether anything was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, group

TAMPERED = 5

app = group(
    "Every fact and decision for your accountant; whether any was changed.",
    examples_of=(
        "billsync audit verify",
        "billsync audit export --dir audit-2026-07",
    ),
)


@app.command()
def export(
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="A new folder for the files.")],
    config: ConfigFile = None,
) -> int:
    """Write the whole ledger as CSV files.

    One file a table, with fixed columns, and SHA256SUMS over them; amounts are in minor units (cents).
    """
    from billsync.cli.firm import look
    from billsync.cli.say import show
    from billsync.ledger.export import COLUMNS
    from billsync.reports import audit_export
    from billsync.reports.blocks import Table, Words, column, number

    with look(config) as firm:
        counts = audit_export.write(directory, COLUMNS, firm.ledger.export_rows)
    rows = tuple((f"{table}.csv", count) for table, count in counts.items())
    show([Words(f"Wrote {directory}"), Table(columns=(column("File"), number("Rows")), rows=rows)])
    return 0


@app.command()
def verify(
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Check that nothing was changed afterwards.

    Every hash of the journal is worked out anew and every table is compared with it; a row that was altered,
    removed or added is named. Exit code 5 where something is wrong.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import json_object, show
    from billsync.reports.blocks import Table, Words, column, number

    with look(config) as firm:
        found = firm.ledger.verify()
    if format == "json":
        problems = [{"seq": seq, "what": what} for seq, what in found.problems]
        whole = {"schema": "billsync.verify/1", "ok": found.ok, "rows": found.rows, "head": found.head}
        json_object(whole | {"root": found.root, "problems": problems})
    elif found.ok:
        show(
            [
                Words(f"The journal is whole: {found.rows} rows, none changed.", "good"),
                Words(f"Head: {found.head}", "quiet"),
            ]
        )
    else:
        rows = tuple(found.problems)
        title = f"NOT WHOLE: {len(rows)} of {found.rows} rows are not what was written."
        show([Words(title, "unsure"), Table(columns=(number("Row"), column("What is wrong")), rows=rows)])
    return 0 if found.ok else TAMPERED
