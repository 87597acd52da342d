"""What Odoo sold: sales orders as contracts, the worth of their lines, and expenses that go onto them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Final

from billsync.model.work import Approval, ApprovalState, ContractTerms, Expense, TermsLine
from billsync.sdk.api import Json
from billsync.sdk.parse import day_in_zone
from billsync.sdk.row import Row
from billsync_plugins._odoo import Database, instant_text

EXPENSE: Final = "date employee_id name product_id state total_amount_currency currency_id sale_order_id"
ORDER: Final = "name partner_id currency_id amount_untaxed date_order client_order_ref"
ORDER_LINE: Final = "order_id name product_uom_qty price_unit discount price_subtotal currency_id"
_EXPENSES: Final[Mapping[str, ApprovalState]] = {
    "draft": "open", "reported": "open", "submit": "submitted", "submitted": "submitted", "approve": "approved",
    "approved": "approved", "post": "approved", "posted": "approved", "in_payment": "approved", "paid": "approved",
    "done": "approved", "refused": "rejected",
}  # fmt: skip


class Sales:
    """Reads of one session. What several kinds of record refer to is asked for once in a night."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def orders(self, zone: str) -> Iterator[ContractTerms]:
        """Confirmed sales orders with their lines."""
        lines = defaultdict[str, list[Row]](list)
        for line in self.lines.values():
            lines[line.ident("order_id.0")].append(line)
        for raw in self._database.rows("sale.order", [["state", "in", ["sale", "done"]]], ORDER):
            number = str(raw["id"])
            yield order(raw, lines[number], self.projects.get(number), zone)

    @cached_property
    def lines(self) -> dict[str, Row]:
        """Sales order lines by id, without headings and notes."""
        rows = self._database.rows("sale.order.line", [["display_type", "=", False]], ORDER_LINE)
        return {row.ident("id"): row for row in Row.each(rows, "sales order line")}

    @cached_property
    def projects(self) -> dict[str, str]:
        """Sales order -> the first of its projects."""
        found: dict[str, str] = {}
        sold = [["sale_order_id", "!=", False]]
        rows = self._database.rows("project.project", sold, "sale_order_id", archived=True)
        for row in Row.each(rows, "project"):
            found.setdefault(row.ident("sale_order_id.0"), row.ident("id"))
        return found


def price_of(line: Row) -> Decimal:
    """What a sales order line is worth, before tax, in major units."""
    return line.dec("product_uom_qty") * line.dec("price_unit") * (100 - line.dec("discount")) / 100


def oversold(rows: Iterable[Json]) -> list[str]:
    """Sales order lines whose milestones add up to more than the line, in sentences: Odoo does not object."""
    shares: dict[str, Decimal] = {}
    for raw in rows:
        row = Row(raw, "milestone")
        line = row.maybe.text("sale_line_id.1")
        if line:
            shares[line] = shares.get(line, Decimal(0)) + row.dec("quantity_percentage")
    return [f"the milestones of {line} add up to {share * 100:f} %" for line, share in shares.items() if share > 1]


def expense(raw: Json, projects: Mapping[str, str]) -> Expense:
    """`projects`: sales order -> its project. Only what goes onto a sales order is passed on."""
    row = Row(raw, "expense")
    order = row.maybe.ident("sale_order_id.0")
    return Expense(
        id=row.ident("id"),
        project=projects.get(order or "", "none"),
        spent_on=row.day("date"),
        amount=row.dec("total_amount_currency"),
        currency=row.text("currency_id.1"),
        billable=order is not None,
        approval=Approval(state=row.one_of("state", _EXPENSES)),
        person=row.ident("employee_id.0"),
        category=row.maybe.text("product_id.1"),
        notes=row.text("name"),
    )


def order(raw: Json, lines: Iterable[Row], project: str | None, zone: str) -> ContractTerms:
    """A confirmed sales order, before tax; signed on the day it was confirmed."""
    row = Row(raw, "sales order")
    custom = {"number": row.text("name"), "purchase_order": row.maybe.text("client_order_ref") or ""}
    return ContractTerms(
        id=row.ident("id"),
        client=row.text("partner_id.1"),
        project=project,
        value=row.dec("amount_untaxed"),
        currency=row.text("currency_id.1"),
        signed_on=day_in_zone(instant_text(row.text("date_order")), zone, "date_order"),
        lines=tuple(
            TermsLine(id=line.ident("id"), name=line.text("name"), amount=line.dec("price_subtotal")) for line in lines
        ),
        custom=custom,
    )
