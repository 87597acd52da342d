"""billsync invoice: what was sent, and what the books say of it now."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, TableFormat, group

app = group(
    "The invoices of ours, and what the books say of them.",
    examples_of=(
        "billsync invoice list",
        "billsync invoice list --client acme --format csv",
        "billsync invoice show INV-0012",
    ),
)


@app.command("list")
def list_invoices(
    client: Annotated[str | None, typer.Option("--client", metavar="CLIENT", help="Only this client (its id).")] = None,
    format: TableFormat = "text",
    config: ConfigFile = None,
) -> int:
    """List our invoices, the newest first.

    Status and balance are the books' own words at the last read-back; a remark says where they differ from what
    was sent.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import table
    from billsync.reports import invoices
    from billsync.reports.reconcile import no_such

    with look(config) as firm:
        if client is not None and client not in firm.firm.terms.clients:
            raise no_such("client", client, firm.firm.terms.clients)
        documents = invoices.build(firm.ledger.intents(), firm.ledger.documents())
    chosen = [one for one in documents if client in (None, one.client)]
    rows = [invoices.row(one) for one in chosen]
    if format == "csv":
        rows = [one | {"contracts": " ".join(one["contracts"])} for one in rows]
    table(format, rows=rows, names=invoices.COLUMNS, blocks=lambda: invoices.blocks(chosen))
    return 0


@app.command()
def show(
    number: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number or reference, or the beginning of it.")],
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Show one invoice, line by line.

    Each line with the steps that gave its amount and the versions of the work behind it; then the evidence that
    hangs at it in the books.
    """
    from billsync.cli.explain import ambiguous
    from billsync.cli.firm import look
    from billsync.cli.say import json_object
    from billsync.cli.say import show as draw
    from billsync.reports import invoices
    from billsync.reports.reconcile import no_such

    with look(config) as firm:
        documents = invoices.build(firm.ledger.intents(), firm.ledger.documents())
        found = invoices.find(number, documents)
        files = firm.ledger.attachments.of(found[0].reference) if len(found) == 1 else ()
    if not found:
        raise no_such("invoice", number, [one.number or one.reference for one in documents])
    if len(found) > 1:
        raise ambiguous(number, [one.number or one.reference for one in found])
    if format == "json":
        json_object(invoices.full_row(found[0], files))
    else:
        draw(invoices.show_blocks(found[0], files, documents))
    return 0
