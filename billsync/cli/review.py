"""billsync review: what waits for a person, and the decisions a person can take.

Every decision names who took it and why, and is kept for ever in the journal. It takes effect with the next sync.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from billsync.cli.app import ConfigFile, TableFormat, group, os_user, parse_date

if TYPE_CHECKING:
    from billsync.model.book import DecisionKind

app = group(
    "What waits for a person, and the decisions they can take.",
    examples_of=(
        "billsync review                       the queue, numbered",
        "billsync review approve 1 --reason 'checked with Ana'",
        "billsync review hold 3 --until 2026-08-31 --reason 'client disputes it'",
        "billsync review map time/work/T-9 --invoice INV-77 --reason 'billed by hand'",
    ),
    no_args_is_help=False,
    invoke_without_command=True,
)

Subject: TypeAlias = Annotated[
    str, typer.Argument(metavar="WHAT", help="A number of the last list, an identity, or the beginning of one.")
]
Reason: TypeAlias = Annotated[str, typer.Option("--reason", "-r", help="Why: kept in the journal.", metavar="TEXT")]
Person: TypeAlias = Annotated[
    str,
    typer.Option(
        "--person", envvar="BILLSYNC_PERSON", help="Who decides; else the user of this computer.", metavar="NAME"
    ),
]


@app.callback()
def review(context: typer.Context, config: ConfigFile = None) -> int | None:
    """What waits for a person, and the decisions they can take.

    Without a decision it lists the queue. Decisions take effect with the next sync.
    """
    return None if context.invoked_subcommand else list_queue(config=config)


@app.command("list")
def list_queue(
    each: Annotated[bool, typer.Option("--each", help="Every time entry and expense in a row of its own.")] = False,
    format: TableFormat = "text",
    config: ConfigFile = None,
) -> int:
    """List what waits, whose move it is, and worth how much.

    Time and expenses that wait for the same reason share a row; a decision about its number is about all of them.
    """
    from billsync.cli.decide import remember
    from billsync.cli.firm import look
    from billsync.cli.say import table
    from billsync.reports import queue

    with look(config) as firm:
        _, evaluation = firm.evaluate()
        entries = queue.build(evaluation, each=each)
        remember(firm.firm.config.state_dir, entries)
    rows = [queue.row(entry) for entry in entries]
    if format == "csv":
        rows = [row | {"subjects": " ".join(row["subjects"])} for row in rows]
    table(format, names=queue.COLUMNS, rows=rows, blocks=lambda: queue.blocks(entries))
    return 1 if entries else 0


@app.command()
def approve(what: Subject, reason: Reason, person: Person = "", config: ConfigFile = None) -> int:
    """Approve a draft as it stands.

    The approval is of this very draft: if tonight's differs by a cent or a word, it waits again.
    """
    return _decide("approve", what, config, person, reason)


@app.command()
def hold(
    what: Subject,
    reason: Reason,
    until: Annotated[
        date | None, typer.Option("--until", parser=parse_date, metavar="DATE", help="Last day of the hold.")
    ] = None,
    person: Person = "",
    config: ConfigFile = None,
) -> int:
    """Hold an item back, until a day or until released."""
    return _decide("hold", what, config, person, reason, until=until)


@app.command()
def release(what: Subject, reason: Reason, person: Person = "", config: ConfigFile = None) -> int:
    """Release what is held, or let a look-alike pass."""
    return _decide("release", what, config, person, reason)


@app.command()
def exclude(what: Subject, reason: Reason, person: Person = "", config: ConfigFile = None) -> int:
    """Write an item off: it is never billed."""
    return _decide("exclude", what, config, person, reason)


@app.command("map")
def map_item(
    what: Subject,
    reason: Reason,
    invoice: Annotated[
        str, typer.Option("--invoice", metavar="NUMBER", help="The invoice that billed it by hand.")
    ] = "",
    contract: Annotated[str, typer.Option("--contract", metavar="ID", help="The contract it belongs to.")] = "",
    person: Person = "",
    config: ConfigFile = None,
) -> int:
    """Say on which invoice it stands, or to which contract it belongs."""
    from billsync.model.errors import UsageError

    if bool(invoice) == bool(contract):
        raise UsageError("say one of --invoice and --contract", hint="see `billsync review map --help`")
    return _decide("map", what, config, person, reason, invoice=invoice, contract=contract)


@app.command()
def credit(
    what: Subject,
    reason: Reason,
    amount: Annotated[
        str, typer.Option("--amount", metavar="AMOUNT", help="Only so much, before tax; else all of it.")
    ] = "",
    person: Person = "",
    config: ConfigFile = None,
) -> int:
    """Give an item or a whole invoice back, on a credit memo."""
    return _decide("credit", what, config, person, reason, amount=amount)


@app.command()
def bill(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="A contract, project/ACCOUNT/ID, or a line or release that waits for a person's word."
        ),
    ],
    reason: Reason,
    amount: Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="Before tax; a contract needs it.")] = "",
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="The line's words on the invoice.")] = "",
    person: Person = "",
    config: ConfigFile = None,
) -> int:
    """Bill by word: a sum, a line, a release, what a project has ready."""
    return _decide("bill", what, config, person, reason, amount=amount, text=text)


@app.command()
def rebill(what: Subject, reason: Reason, person: Person = "", config: ConfigFile = None) -> int:
    """Bill again what was credited, once."""
    return _decide("rebill", what, config, person, reason)


@app.command()
def correct(
    what: Subject,
    reason: Reason,
    of: Annotated[str, typer.Option("--of", metavar="ITEM", help="The item that the correction corrects.")],
    person: Person = "",
    config: ConfigFile = None,
) -> int:
    """Say which item a negative record corrects."""
    return _decide("correct", what, config, person, reason, of=of)


@app.command("let-go")
def let_go(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number or reference.")],
    reason: Reason,
    person: Person = "",
    config: ConfigFile = None,
) -> int:
    """Let go of an invoice that was voided or deleted in the books.

    Its work may then be billed once more, at its value then.
    """
    from billsync.cli.decide import let_go as act

    return act(invoice, person=person or os_user(), reason=reason, config=config)


def _decide(kind: DecisionKind, what: str, config: Path | None, person: str, reason: str, **more: Any) -> int:
    from billsync.cli.decide import decide

    return decide(kind, what, person=person or os_user(), reason=reason, config=config, **more)
