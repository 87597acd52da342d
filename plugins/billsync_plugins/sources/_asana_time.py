"""Asana's time entries: what is asked for, whether a list told all of it, and how an entry becomes ours."""

from collections.abc import Mapping

from billsync.model.work import Approval, ApprovalState, TimeEntry
from billsync.sdk.api import Json
from billsync.sdk.row import Row

ENTRY = "duration_minutes,entered_on,attributable_to.name,created_by.name,categories.name".split(",")
ENTRY += ["task.name", "approval_status", "billable_status", "description"]  # documented for the single record
APPROVALS: Mapping[str, ApprovalState] = {
    "APPROVED": "approved", "SUBMITTED": "submitted", "DRAFT": "open", "REJECTED": "rejected"
}  # fmt: skip
BILLABLE = {"billable": True, "nonBillable": False, "notApplicable": False}


def is_whole(raw: Json) -> bool:
    """Whether a list told approval and billable state: documented for the single record only."""
    return "approval_status" in raw and "billable_status" in raw


def time_entry(raw: Json) -> TimeEntry:
    """Minutes become hours; a category stands for the task where there is none."""
    row = Row(raw, "time entry", "gid")
    return TimeEntry(
        id=row.ident("gid"),
        project=row.maybe.ident("attributable_to.gid") or "none",
        person=row.ident("created_by.gid"),
        person_name=row.maybe.text("created_by.name"),
        worked_on=row.day("entered_on"),
        hours=row.hours("duration_minutes", "minutes"),
        billable=row.one_of("billable_status", BILLABLE),
        approval=Approval(state=row.one_of("approval_status", APPROVALS)),
        task=row.maybe.text("task.name") or row.maybe.text("categories.0.name"),
        notes=row.maybe.text("description"),
    )
