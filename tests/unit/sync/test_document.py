"""A document says quantity and price only where the books make the same amount of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billsync.model.book import Terms
from billsync.model.contract import Client, Contract
from billsync.model.invoice import Draft, Line, Part
from billsync.sync.document import document
from billsync_plugins.sinks.quickbooks import QuickBooks

CONTRACT = Contract(id="C", client="acme", currency="USD")
TERMS = Terms(
    zone="UTC",
    contracts={"C": CONTRACT},
    clients={"acme": Client(id="acme", name="Acme", customers={"books": "1"})},
    sources={},
    sinks={"books": "draft"},
)


def line(hours: str, price: str, amount: int) -> Line:
    part = Part(identity="time/a/1", contract="C", amount=amount, quantity=Decimal(hours))
    return Line(
        kind="time",
        text="Design",
        amount=amount,
        parts=(part,),
        quantity=Decimal(hours),
        unit_price=Decimal(price),
    )


def sent(one: Line) -> Line:
    draft = Draft(
        kind="invoice", key="C", client="acme", contracts=("C",), currency="USD", sink="books", lines=(one,),
        reference="BS-AAAABBBBCCCC",
    )  # fmt: skip
    sink = object.__new__(QuickBooks)
    return document(draft, TERMS, sink, ledger_id="L", today=date(2026, 3, 31)).lines[0]


def test_quantity_and_price_go_where_their_product_is_the_amount() -> None:
    assert sent(line("2.50", "120.00", 30_000)).quantity == Decimal("2.50")


def test_an_eighth_of_an_hour_goes_by_its_amount_where_the_books_keep_fewer_decimals() -> None:
    decimals = QuickBooks.rounding.quantity_decimals
    hours = Decimal(3) + Decimal(1).scaleb(-decimals - 1) * 5
    amount = int(hours * 10_000)
    got = sent(line(str(hours), "100.00", amount))
    assert (got.quantity, got.unit_price, got.amount) == (None, None, amount)
