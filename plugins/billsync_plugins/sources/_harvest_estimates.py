"""Harvest's estimates: what a client accepted is a contract, before tax."""

from decimal import Decimal

from billsync.model.work import ContractTerms, TermsLine
from billsync.sdk.api import Json
from billsync.sdk.row import Row

ACCEPTED = {"accepted": True}


def contract(raw: Json, zone: str) -> ContractTerms:
    """Its `amount` holds taxes and discount: the value is without the taxes. Signed on the day it was accepted.

    A state that was not asked for means that the filter was ignored: nothing is read from it."""
    row = Row(raw, "estimate")
    row.one_of("state", ACCEPTED)
    taxes = [row.maybe.dec(name) or Decimal(0) for name in ("tax_amount", "tax2_amount")]
    custom = {name: row.maybe.text(name) for name in ("number", "purchase_order", "subject")}
    return ContractTerms(
        id=row.ident("id"),
        client=row.text("client.name"),
        project=None,
        value=row.dec("amount") - sum(taxes),
        currency=row.text("currency"),
        signed_on=row.day_in("accepted_at", zone),
        lines=tuple(map(line, row.rows("line_items"))),
        custom={name: text for name, text in custom.items() if text},
    )


def line(raw: Json) -> TermsLine:
    """A line, before the estimate's discount."""
    row = Row(raw, "line of an estimate")
    name = row.maybe.text("description") or row.text("kind")
    return TermsLine(id=row.ident("id"), name=name, amount=row.dec("amount"))
