"""Xero's projects and time as records: how it is charged, at what rate, whether Xero has billed it itself."""

from collections.abc import Mapping
from typing import Final

from billsync.model.errors import BadAnswer
from billsync.model.work import Approval, Project, TimeEntry
from billsync.sdk.api import Json
from billsync.sdk.row import Row

_BILLED: Final = {"ACTIVE": False, "LOCKED": True, "INVOICED": True}
_CHARGES: Final = {"TIME": True, "FIXED": False, "NON_CHARGEABLE": False}


def project(raw: Json) -> Project:
    """The estimate is money; the contact stands as an id, for its name is another API's."""
    row = Row(raw, "project", "projectId")
    status = row.text("status")
    return Project(
        id=row.ident("projectId"),
        name=row.text("name"),
        client=row.maybe.ident("contactId"),
        status=status.lower(),
        closed=status == "CLOSED",
        budget=row.maybe.dec("estimate.value"),
        currency=row.maybe.text("currencyCode"),
    )


def without_time(row: Row) -> bool:
    """Whether a project need not be asked. BadAnswer where its two counts of minutes contradict each other."""
    none = row.maybe.dec("minutesLogged") == 0
    if none and row.maybe.dec("minutesToBeInvoiced"):
        raise BadAnswer(f"project {row.ident('projectId')}: minutes are to be invoiced, but none logged")
    return none


def time_entry(raw: Json, tasks: Mapping[str, Row], users: Mapping[str, Row], zone: str) -> TimeEntry:
    """Minutes become hours. The rate is the task's, in major units an hour, where it is charged by the hour."""
    row = Row(raw, "time entry", "timeEntryId")
    user, task = users.get(row.ident("userId")), tasks.get(row.ident("taskId"))
    if task is None:
        task = Row({}, f"task {row.ident('taskId')} of time entry {row.ident('timeEntryId')}")
    charge, hourly = task.text("chargeType"), task.one_of("chargeType", _CHARGES)
    return TimeEntry(
        id=row.ident("timeEntryId"),
        project=row.ident("projectId"),
        person=row.ident("userId"),
        person_name=user.text("name") if user else None,
        worked_on=row.day_in("dateUtc", zone),
        hours=row.hours("duration", "minutes"),
        billable=hourly,
        approval=Approval(state="none"),
        task=task.text("name"),
        notes=row.maybe.text("description"),
        rate=task.maybe.dec("rate.value") if hourly else None,
        currency=task.maybe.text("rate.currency") if hourly else None,
        billed_at_source=row.one_of("status", _BILLED),
        custom={"charge": charge},
    )
