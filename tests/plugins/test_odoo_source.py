from datetime import UTC, date
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.errors import BadAnswer, Refused, UsageError
from billsync.sdk.row import Row
from billsync.testing.account_contract import wrong_guess
from billsync.testing.bench import poll
from billsync.testing.odoo_projects import FakeOdooProjects
from billsync.testing.odoo_rpc import called
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import load
from billsync_plugins._odoo import cleaned
from billsync_plugins.sources import _odoo_sales as sales
from billsync_plugins.sources import _odoo_work as work
from billsync_plugins.sources.odoo import Odoo

MODELS = {
    "project.project": f"{work.PROJECT} sale_order_id",
    "project.milestone": f"{work.MILESTONE} {work.MILESTONE_SOLD}",
    "project.task": work.TASK,
    "account.analytic.line": f"{work.TIME} {work.TIME_SOLD}",
    "hr.expense": sales.EXPENSE,
    "sale.order": f"{sales.ORDER} state",
    "sale.order.line": f"{sales.ORDER_LINE} display_type",
}


class TestOdooSource(SourceContract):
    source = Odoo
    options = {"expenses": True, "orders": True, "zone": "Europe/Berlin"}
    tables = {
        "project": "project.project", "milestone": "project.milestone", "time": "account.analytic.line",
        "expense": "hr.expense", "contract": "sale.order",
    }  # fmt: skip
    lists = dict.fromkeys(tables, "/jsonrpc")
    promised = {
        "project": ("id", "name", "active"),
        "milestone": ("id", "name", "project_id", "is_reached"),
        "time": ("id", "project_id", "employee_id", "date", "unit_amount"),
        "expense": ("id", "date", "employee_id", "state", "total_amount_currency", "currency_id"),
        "contract": ("id", "name", "partner_id", "amount_untaxed", "date_order", "currency_id"),
    }

    def vendor(self):
        vendor = FakeOdooProjects()
        for name, fields in MODELS.items():
            vendor.model(name, fields.split())
        return vendor

    def of(self, kind):
        return lambda request: called(request)[:2] == (self.tables[kind], "search_read")

    def ignore_filters(self, kind):
        self.tracker.ignored.add("domain")

    def add(self, kind, number, on):
        rows: dict[str, dict[str, Any]] = {
            "project": {"name": f"Project {number}", "partner_id": [16, "Acme"]},
            "milestone": {"name": f"Phase {number}", "project_id": [2, "Site"], "deadline": str(on)},
            "time": {
                "project_id": [2, "Site"], "employee_id": [3, "Ana Roe"], "date": str(on), "name": "work",
                "unit_amount": Decimal("1.75"), "product_uom_id": [4, "Hours"], "validated": True,
                "timesheet_invoice_type": "billable_time",
            },
            "expense": {
                "date": str(on), "employee_id": [3, "Ana Roe"], "name": "Train", "state": "approved",
                "total_amount_currency": Decimal("19.90"), "currency_id": [1, "EUR"],
            },
            "contract": {
                "name": f"S{number:05d}", "partner_id": [16, "Acme"], "currency_id": [1, "EUR"], "state": "sale",
                "amount_untaxed": Decimal(22300), "date_order": f"{on} 23:30:00",
            },
        }  # fmt: skip
        return str(self.tracker.add(self.tables[kind], **rows[kind]))

    def change(self, kind, ident):
        other = {"time": {"unit_amount": Decimal(2)}, "contract": {"amount_untaxed": Decimal(1)}}
        self.tracker.edit(self.tables[kind], ident, **other.get(kind, {"name": "Else"}))

    def complete(self, ident, at):
        """As the server writes it: the day in the zone of whoever wrote it, here one without a zone."""
        self.tracker.edit("project.milestone", ident, is_reached=True, reached_date=str(at.astimezone(UTC).date()))

    def reopen(self, ident):
        self.tracker.edit("project.milestone", ident, is_reached=False, reached_date=False)

    def withdraw(self, ident):
        self.tracker.edit("account.analytic.line", ident, validated=False)


@pytest.fixture
def kit():
    kit = TestOdooSource()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def sold(kit, **more):
    """A sales order line."""
    line = {
        "order_id": [1, "S00001"], "name": "Design", "product_uom_qty": Decimal(2), "price_unit": Decimal(10000),
        "discount": Decimal(10), "price_subtotal": Decimal(18000), "currency_id": [1, "USD"], **more,
    }  # fmt: skip
    return kit.tracker.add("sale.order.line", **line)


def test_a_milestone_is_worth_its_share_of_what_was_sold(kit):
    line = sold(kit)
    first = kit.add("milestone", 0, kit.window.since)
    kit.tracker.edit(
        "project.milestone", first, sale_line_id=[line, "S00001 - Design"], quantity_percentage=Decimal("0.4")
    )
    plain = kit.add("milestone", 1, kit.window.since)
    found = kit.read("milestone")
    assert (found[first].amount, found[first].currency) == (Decimal(7200), "USD")
    assert (found[plain].amount, found[plain].currency) == (None, None)
    kit.tracker.edit("sale.order.line", line, price_unit=Decimal(20000))
    assert kit.read("milestone")[first].amount == Decimal(14400), "a new price does not touch the milestone at Odoo"


def test_milestones_of_more_than_was_sold_are_told(kit):
    line = sold(kit)
    for number in range(2):
        ident = kit.add("milestone", number, kit.window.since)
        kit.tracker.edit("project.milestone", ident, sale_line_id=[line, "S00001 - Design"], quantity_percentage=1)
    opened = kit.bench.open()
    poll(opened, "milestone", kit.window)
    assert opened.findings == ["the milestones of S00001 - Design add up to 200 %"]


@pytest.mark.parametrize(
    ("by", "row", "on"),
    [
        ("state", {"state": "1_done", "date_last_stage_update": "2026-03-10 23:30:00"}, date(2026, 3, 11)),
        ("state", {"state": "1_canceled", "date_last_stage_update": "2026-03-10 23:30:00"}, None),
        ("state", {"state": "01_in_progress", "date_end": "2026-03-10 12:00:00"}, None),
        ("stage", {"state": "01_in_progress", "date_end": "2026-03-10 12:00:00"}, date(2026, 3, 10)),
        ("stage", {"state": "1_done", "date_last_stage_update": "2026-03-10 12:00:00"}, None),
    ],
)
def test_a_task_is_done_by_state_or_by_stage_as_the_firm_says(kit, by, row, on):
    kit.bench.more = {"phases": "tasks", "done": by, "zone": "Europe/Berlin"}
    usual = {"name": "Permit set", "project_id": [2, "Site"], "date_last_stage_update": "2026-03-01 08:00:00"}
    ident = kit.tracker.add("project.task", **{**usual, **row})
    assert kit.read("milestone")[str(ident)].completed_on == on


@pytest.mark.parametrize(
    ("row", "billable", "billed"),
    [
        ({}, True, False),
        ({"timesheet_invoice_type": "non_billable"}, False, False),
        ({"timesheet_invoice_id": [195, "Draft Invoice"]}, True, True),
    ],
)
def test_whether_time_is_billable_or_billed_there(kit, row, billable, billed):
    ident = kit.add("time", 0, kit.window.since)
    kit.tracker.edit("account.analytic.line", ident, **row)
    entry = kit.read("time")[ident]
    assert (entry.billable, entry.billed_at_source, entry.hours) == (billable, billed, Decimal("1.75"))


def test_the_rate_is_the_sales_order_lines_and_never_the_cost(kit):
    ident = kit.add("time", 0, kit.window.since)
    kit.tracker.edit("account.analytic.line", ident, so_line=[sold(kit, price_unit=Decimal(180)), "S00001 - Advisory"])
    entry = kit.read("time")[ident]
    assert (entry.rate, entry.currency, entry.approval.state) == (Decimal(180), "USD", "approved")


@wrong_guess("odoo/source", "`validated` is the name of")
def test_community_knows_no_approval_and_no_sales(kit):
    kit.tracker.fields["account.analytic.line"] -= set(work.TIME_SOLD.split())
    kit.tracker.fields["project.milestone"] -= set(work.MILESTONE_SOLD.split())
    time, phase = kit.add("time", 0, kit.window.since), kit.add("milestone", 0, kit.window.since)
    for name in work.TIME_SOLD.split():
        kit.tracker.tables["account.analytic.line"][time].pop(name, None)
    entry = kit.read("time")[time]
    assert (entry.approval.state, entry.billable, entry.rate) == ("none", True, None)
    assert kit.read("milestone")[phase].amount is None
    assert "no approval" in " ".join(kit.bench.open().check().remarks)


def test_time_in_days_is_not_taken_for_hours(kit):
    ident = kit.add("time", 0, kit.window.since)
    kit.tracker.edit("account.analytic.line", ident, product_uom_id=[5, "Days"])
    with pytest.raises(BadAnswer, match="in Days"):
        kit.read("time")


@wrong_guess("odoo/source", "the states of expenses")
def test_an_unknown_word_is_no_guess(kit):
    ident = kit.add("expense", 0, kit.window.since)
    kit.tracker.edit("hr.expense", ident, state="half_approved")
    with pytest.raises(BadAnswer, match="half_approved"):
        kit.read("expense")


@wrong_guess("odoo/source", "versions 18 and 19 have the fields of 17")
def test_a_field_that_is_gone_fails_the_poll(kit):
    kit.tracker.fields["hr.expense"].discard("total_amount_currency")
    with pytest.raises(Refused, match="total_amount_currency"):
        kit.read("expense")


def test_expenses_and_contracts_find_their_project_by_the_sales_order(kit):
    contract = kit.add("contract", 1, date(2026, 3, 10))
    project = kit.add("project", 0, kit.window.since)
    kit.tracker.edit("project.project", project, sale_order_id=[int(contract), "S00001"])
    sold(kit, order_id=[int(contract), "S00001"])
    mine, internal = (kit.add("expense", number, kit.window.since) for number in range(2))
    kit.tracker.edit("hr.expense", mine, sale_order_id=[int(contract), "S00001"])
    found = kit.read("expense")
    assert [(found[one].project, found[one].billable) for one in (mine, internal)] == [(project, True), ("none", False)]
    terms = kit.read("contract")[contract]
    assert (terms.project, terms.value, terms.signed_on) == (project, Decimal(22300), date(2026, 3, 11))
    assert [line.amount for line in terms.lines] == [Decimal(18000)]


def test_quotations_are_no_contracts(kit):
    ident = kit.add("contract", 0, kit.window.since)
    kit.tracker.edit("sale.order", ident, state="sent")
    assert kit.read("contract") == {}


def test_expenses_and_contracts_are_read_only_where_asked_for(kit):
    kit.bench.more = {}
    assert Odoo.kinds(kit.bench.open().options) == {"project", "milestone", "time"}


def test_check_tells_how_much_is_seen(kit):
    kit.add("project", 0, kit.window.since)
    remarks = kit.bench.open().check().remarks
    assert "sees 1 projects" in remarks and "sees 0 timesheets" in remarks
    assert "may be hidden" in " ".join(remarks), "an empty list may be a missing right"


def test_pages_that_stay_empty_though_rows_follow_are_refused(kit):
    kit.fill("time")
    for number in (2, 3, 4):
        kit.tracker.misbehave("account.analytic.line", number, "empty")
    with pytest.raises(BadAnswer, match="rows follow"):
        kit.read("time")


def test_other_kinds_are_refused(kit):
    with pytest.raises(UsageError, match="change"):
        poll(kit.bench.open(), "change_order", kit.window)


def test_examples_are_read(contracts):
    found = {
        entry["endpoint"].removeprefix("POST /jsonrpc execute_kw "): entry["body"]
        for entry in load(contracts / "odoo.examples.json")
    }

    def rows(start):
        [body] = [body for endpoint, body in found.items() if endpoint.startswith(start)]
        return [cleaned(row) for row in body["result"]]

    lines = {str(row["id"]): Row(row, "line") for row in rows("sale.order.line.read")}
    reached, open_one = (work.milestone(row, lines) for row in rows("project.milestone.search_read"))
    assert (reached.amount, reached.completed_on) == (Decimal(8000), date(2026, 11, 22))
    assert open_one.completed_on is None
    entries = [work.time_entry(row, lines, ("Hours",)) for row in rows("account.analytic.line.search_read timesheets")]
    assert entries[0].billed_at_source and entries[0].rate == Decimal(180)
    tasks = [work.task(row | {"date_deadline": None}, "UTC", "state") for row in rows("project.task.search_read done")]
    assert [task.completed_on for task in tasks] == [date(2026, 11, 22)] * 2
    [project] = [work.project(row) for row in rows("project.project.read")]
    assert project.client == "Acme Homes Inc"
    [order] = [sales.order(row, [], None, "UTC") for row in rows("sale.order.read")]
    assert order.custom == {"number": "S00001", "purchase_order": "PO-77"}
