"""billsync explain: was this billed? On which invoice, in which steps, and if not, why?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, single

if TYPE_CHECKING:
    from billsync.cli.firm import Look
    from billsync.reports.invoices import Document

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")]


def explain(
    what: Annotated[
        str, typer.Argument(metavar="ITEM|INVOICE", help="An identity, a record's id or name, or an invoice's number.")
    ],
    format: Format = "text",
    config: ConfigFile = None,
) -> int:
    """The life of one item or invoice, and every step of its amount.

    An item is a milestone, a schedule line, a time entry or an expense; `billsync reconcile` prints their identities.
    A draft that waits for approval is named by its hash, as `billsync review` shows it.
    """
    from billsync.cli.firm import look
    from billsync.reports import invoices

    with look(config) as firm:
        documents = invoices.build(firm.ledger.intents(), firm.ledger.documents())
        found = invoices.find(what, documents)
        if len(found) == 1:
            _say_document(found[0], format)
        elif found:
            raise ambiguous(what, [one.number or one.reference for one in found])
        else:
            _explain_item(what, firm, documents, format)
    return 0


def ambiguous(what: str, candidates: Sequence[str]) -> Exception:
    """The error for a name that fits several things: it names them."""
    from billsync.model.errors import UsageError

    shown = ", ".join(candidates[:8]) + (f" and {len(candidates) - 8} more" if len(candidates) > 8 else "")
    return UsageError(f"{what!r} fits {len(candidates)} things", where=shown, hint="give more of its name")


def _say_document(document: Document, format: str) -> None:
    from billsync.cli.say import json_object, show
    from billsync.reports import invoices

    if format == "json":
        json_object(invoices.full_row(document))
    else:
        show(invoices.show_blocks(document))


def _explain_item(what: str, firm: Look, documents: Sequence[Document], format: str) -> None:
    from billsync.cli.say import json_object, show
    from billsync.reports import explain as report
    from billsync.reports.invoices import line_blocks
    from billsync.reports.reconcile import no_such

    facts, evaluation = firm.evaluate()
    drafts = [*evaluation.drafts, *(held.draft for held in evaluation.held_drafts)]
    for draft in drafts:
        if len(what) >= 6 and draft.hash.startswith(what):
            show(line_blocks(draft.lines, draft.currency))
            return
    known = report.identities(facts, evaluation)
    found = report.named(what, known)
    if not found:  # billed and at rest: not part of tonight's evaluation
        at_rest = {item.identity: {item.name, item.key.id if item.key else ""} for item in firm.settled(evaluation)}
        found = report.named(what, at_rest)
        facts, evaluation = firm.evaluate(only=found[0] if len(found) == 1 else what)
    if not found:
        raise no_such("item or invoice", what, known)
    if len(found) > 1:
        raise ambiguous(what, found)
    one = report.build(found[0], facts, evaluation, documents, zone=firm.firm.terms.zone)
    if format == "json":
        json_object(report.row(one))
    else:
        show(report.blocks(one))


app = single(
    explain,
    examples_of=(
        "billsync explain 'Schematic design'",
        "billsync explain ACME-2026-01/line/permit-set",
        "billsync explain time/work/T-1004 --format json",
        "billsync explain BS-7KQ2M4XW9ABC",
    ),
)
