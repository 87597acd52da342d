"""Odoo's projects, milestones, tasks and timesheets as records of ours."""

from collections.abc import Iterable, Mapping
from typing import Final

from billsync.model.errors import BadAnswer
from billsync.model.work import Approval, ApprovalState, Milestone, Project, TimeEntry, Window
from billsync.sdk.api import Json
from billsync.sdk.parse import day_in_zone
from billsync.sdk.row import Row
from billsync_plugins._odoo import changed_since, instant_text
from billsync_plugins.sources._odoo_sales import price_of

PROJECT: Final = "name active partner_id user_id date"
MILESTONE: Final = "name project_id deadline is_reached reached_date"
MILESTONE_SOLD: Final = "sale_line_id quantity_percentage"
TASK: Final = "name project_id state date_end date_last_stage_update date_deadline milestone_id"
TIME: Final = "date employee_id project_id task_id name unit_amount product_uom_id"
TIME_SOLD: Final = "so_line timesheet_invoice_type timesheet_invoice_id validated"
_BILLABLE: Final[Mapping[str, bool]] = {
    "billable_time": True, "billable_fixed": True, "billable_milestones": True, "billable_manual": True,
    "non_billable": False, "non_billable_project": False, "timesheet_revenues": False, "service_revenues": False,
    "other_revenues": False, "other_costs": False,
}  # fmt: skip
_DONE: Final[Mapping[str, bool]] = {
    "1_done": True, "1_canceled": False, "01_in_progress": False, "02_changes_requested": False,
    "03_approved": False, "04_waiting_normal": False,
}  # fmt: skip


def within(window: Window) -> list[Json]:
    """The domain of work that is dated within a window, and changed since."""
    dated = [["date", ">=", str(window.since)], ["date", "<=", str(window.until)]]
    return [*dated, *changed_since(window.changed_since)]


def project(raw: Json) -> Project:
    """Archived ones are closed; their milestones and time stay visible."""
    row = Row(raw, "project")
    return Project(
        id=row.ident("id"),
        name=row.text("name"),
        client=row.maybe.text("partner_id.1"),
        status="active" if row.flag("active") else "archived",
        closed=not row.flag("active"),
        manager=row.maybe.text("user_id.1"),
    )


def milestone(raw: Json, sold: Mapping[str, Row]) -> Milestone:
    """Its amount is its share of the sales order line, less the line's discount; none where nothing was sold."""
    row = Row(raw, "milestone")
    reached, line = row.flag("is_reached"), sold.get(row.maybe.ident("sale_line_id.0") or "")
    share = row.dec("quantity_percentage") if line else None
    return Milestone(
        id=row.ident("id"),
        project=row.ident("project_id.0"),
        name=row.text("name"),
        status="reached" if reached else "open",
        completed_on=row.day("reached_date") if reached else None,
        due_on=row.maybe.day("deadline"),
        amount=share * price_of(line) if line and share is not None else None,
        currency=line.text("currency_id.1") if line else None,
    )


def task(raw: Json, zone: str, by: str) -> Milestone:
    """Done by its state or by the end that a folded stage sets: which of the two counts is the firm's setting."""
    row = Row(raw, "task")
    done = row.one_of("state", _DONE) if by == "state" else row.maybe.text("date_end") is not None
    ended = row.maybe.text("date_end") or row.text("date_last_stage_update")
    return Milestone(
        id=row.ident("id"),
        project=row.maybe.ident("project_id.0") or "none",
        name=row.text("name"),
        status=row.text("state"),
        completed_on=day_in_zone(instant_text(ended), zone, "date_end") if done else None,
        due_on=row.maybe.day("date_deadline"),
        parent=row.maybe.ident("milestone_id.0"),
    )


def time_entry(raw: Json, sold: Mapping[str, Row], hours: Iterable[str]) -> TimeEntry:
    """`amount` of a timesheet is its cost: the rate is the sales order line's, of time that is sold by the hour."""
    row = Row(raw, "timesheet")
    unit = row.maybe.text("product_uom_id.1")
    if unit is not None and unit not in hours:
        raise BadAnswer(f"timesheet {raw['id']} is in {unit}", hint=f"if these are hours, say hours: [{unit}]")
    how, line = row.maybe.text("timesheet_invoice_type"), sold.get(row.maybe.ident("so_line.0") or "")
    validated = row.flag("validated") if "validated" in raw else None
    state: ApprovalState = "none" if validated is None else "approved" if validated else "submitted"
    return TimeEntry(
        id=row.ident("id"),
        project=row.ident("project_id.0"),
        person=row.ident("employee_id.0"),
        person_name=row.text("employee_id.1"),
        worked_on=row.day("date"),
        hours=row.dec("unit_amount"),
        billable=how is None or row.one_of("timesheet_invoice_type", _BILLABLE),
        approval=Approval(state=state),
        task=row.maybe.text("task_id.1"),
        notes=row.maybe.text("name"),
        rate=line.dec("price_unit") if line and how == "billable_time" else None,
        currency=line.text("currency_id.1") if line else None,
        billed_at_source=row.maybe.ident("timesheet_invoice_id.0") is not None,
    )
