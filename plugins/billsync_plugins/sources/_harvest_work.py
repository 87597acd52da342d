"""Harvest's projects, time and expenses as records: whose, how far approved, billed there or not."""

from collections.abc import Mapping
from typing import Any

from billsync.model.work import Approval, ApprovalState, Expense, Project, TimeEntry
from billsync.sdk.api import Json
from billsync.sdk.row import Row

APPROVALS: Mapping[str, ApprovalState] = {"approved": "approved", "submitted": "submitted", "unsubmitted": "open"}


def project(raw: Json) -> Project:
    """Harvest's `budget` counts hours, `cost_budget` money of the client's currency; `fee` is a fixed fee."""
    row = Row(raw, "project")
    return Project(
        id=row.ident("id"),
        name=row.text("name"),
        client=row.text("client.name"),
        status="active" if row.flag("is_active") else "archived",
        closed=not row.flag("is_active"),
        budget=row.maybe.dec("cost_budget"),
        budget_hours=row.maybe.dec("budget"),
        currency=row.maybe.text("client.currency"),
        custom={name: str(raw[name]) for name in ("code", "bill_by", "fee") if raw.get(name) not in (None, "")},
    )


def time_entry(raw: Json, hours: str, unapproved: ApprovalState | None, currencies: dict[str, str | None]) -> TimeEntry:
    """`hours`: the member that is billed · `currencies`: project id -> currency of its client, in which the rate is."""
    row = Row(raw, "time entry")
    return TimeEntry(
        **_common(row, unapproved),
        person_name=row.text("user.name"),
        worked_on=row.day("spent_date"),
        hours=row.dec(hours),
        task=row.text("task.name"),
        rate=row.maybe.dec("billable_rate"),
        currency=currencies.get(row.ident("project.id")),
        url=row.maybe.text("external_reference.permalink"),
    )


def expense(raw: Json, unapproved: ApprovalState | None) -> Expense:
    """`total_cost` is in major units of the client's currency."""
    row = Row(raw, "expense")
    return Expense(
        **_common(row, unapproved),
        spent_on=row.day("spent_date"),
        amount=row.dec("total_cost"),
        currency=row.text("client.currency"),
        category=row.text("expense_category.name"),
        receipt=row.maybe.text("receipt.url"),
    )


def _common(row: Row, unapproved: ApprovalState | None) -> dict[str, Any]:
    told = row.one_of("approval_status", APPROVALS)
    state = "open" if row.maybe.flag("is_running") else unapproved if unapproved and told != "approved" else told
    return {
        "id": row.ident("id"),
        "project": row.ident("project.id"),
        "person": row.ident("user.id"),
        "billable": row.flag("billable"),
        "approval": Approval(state=state),
        "billed_at_source": row.flag("is_billed"),
        "notes": row.maybe.text("notes"),
    }
