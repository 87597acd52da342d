"""From a draft to the document that leaves: customer, dates, stamp, line texts. Frozen before the first request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billsync.ledger import stamp
from billsync.model.book import Decision, Terms
from billsync.model.errors import UsageError
from billsync.model.invoice import Draft, Invoice, Line, TaxCode
from billsync.reports.render.line_text import line_text
from billsync.rules.tax import TaxLine, predict, sendable
from billsync.sdk.sink import Sink


def document(
    draft: Draft,
    terms: Terms,
    sink: Sink[Any],
    *,
    ledger_id: str,
    today: date,
    decisions: Mapping[int, Decision] | None = None,
) -> Invoice:
    """The invoice or credit memo of a draft, dated today. UsageError when the client has no customer in these books.

    decisions: those that its parts name, for the stamp.
    """
    client = terms.clients[draft.client]
    customer = client.customers.get(draft.sink) or (client.id if not sink.needs_customer else "")
    if not customer:
        raise UsageError(
            f"the client {client.name!r} has no customer in the books {draft.sink!r}",
            where=str(client.origin),
            hint=f"clients: {client.id}: customers: {{{draft.sink}: ID}}; `billsync check` lists the customers",
        )
    lines = tuple(
        replace(
            _as_sent(line, sink, draft.currency),
            text=line_text(line, terms.contracts[line.parts[0].contract], client.name, draft.currency),
        )
        for line in draft.lines
    )
    invoice = Invoice(
        kind=draft.kind,
        reference=draft.reference,
        customer=customer,
        client=client.id,
        client_name=client.name,
        currency=draft.currency,
        issued_on=today,
        due_on=None if draft.terms_days is None else today + timedelta(days=draft.terms_days),
        lines=lines,
        stamp="",
        push="draft" if draft.push == "preview" else draft.push,
        purchase_order=draft.purchase_order,
        references=draft.references,
        address=client.address,
        email=client.email,
    )
    return replace(invoice, stamp=stamp.pack(ledger_id, invoice, sink.limits.stamp, decisions))


def _as_sent(line: Line, sink: Sink[Any], currency: str) -> Line:
    """The line without quantity and price where the books' own product of the two would not be our amount."""
    if sendable(line.amount, line.quantity, line.unit_price, sink.rounding, currency):
        return line
    return replace(line, quantity=None, unit_price=None)


def expected_total(invoice: Invoice, sink: Sink[Any], taxes: Mapping[str, TaxCode]) -> int | None:
    """What the books' own arithmetic will make of the document, tax included, in minor units.

    None where the books compute a tax we cannot know (an automated sales tax): then their answer stands.
    """
    taxed: list[TaxLine] = []
    for line in invoice.lines:
        code = taxes.get(line.tax_code) if line.tax_code else None
        if line.tax_code and (code is None or code.percent is None):
            return None
        percent = code.percent if code is not None and code.percent is not None else Decimal(0)
        taxed.append((line.amount, line.quantity, line.unit_price, percent))
    return predict(taxed, sink.rounding, invoice.currency).total
