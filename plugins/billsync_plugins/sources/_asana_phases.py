"""Asana's projects and their phases: tasks, sections or the projects themselves, and the custom fields of each."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from billsync.model.errors import BadAnswer
from billsync.model.work import Acceptance, Milestone, Project
from billsync.sdk import Field, Options
from billsync.sdk.api import Json
from billsync.sdk.parse import dec, dig
from billsync.sdk.row import Row

FIELDS = "name,resource_subtype,format,currency_code,number_value,display_value,date_value.date".split(",")
OPT_FIELDS = [f"custom_fields.{name}" for name in FIELDS]
PROJECT = ["name", "archived", "completed", "completed_at", "due_on", "owner", "permalink_url", *OPT_FIELDS]
TASK = "name,resource_subtype,completed,completed_at,approval_status,due_on,parent.name,permalink_url".split(",")
TASK += ["memberships.project.name", "memberships.section.name", *OPT_FIELDS]


class PhaseOptions(Options):
    """How a phase is read from a task or project."""

    zone: str = Field(default="UTC", description="Zone in which dates of completion are told, e.g. Europe/Berlin.")
    amount_field: str | None = Field(default=None, description="Gid of the number field with a phase's amount.")
    percent_field: str | None = Field(default=None, description="Gid of the number field with percent complete.")
    accepted_field: str | None = Field(default=None, description="Gid of the field (choice or date) of acceptance.")
    accepted: tuple[str, ...] = Field(default=("Accepted", "Yes"), description="Choices that mean accepted.")
    mark_field: str | None = Field(default=None, description="Gid of the text field that takes our reference.")
    client_field: str | None = Field(default=None, description="Gid of the projects' field with the client.")
    budget_field: str | None = Field(default=None, description="Gid of the projects' number field with the budget.")
    fields: Mapping[str, str] = Field(default={}, description="Further custom fields: own name -> gid.")


def project(raw: Json, options: PhaseOptions) -> Project:
    """The client and the budget come from custom fields."""
    row = Row(raw, "project", "gid")
    budget, currency = amount_of(row, options.budget_field)
    return Project(
        id=row.ident("gid"),
        name=row.text("name"),
        client=text_of(row, options.client_field),
        status="completed" if row.flag("completed") else "archived" if row.flag("archived") else "active",
        closed=row.flag("completed") or row.flag("archived"),
        budget=budget,
        currency=currency,
        manager=row.maybe.text("owner.name"),
        url=row.maybe.text("permalink_url"),
    )


def phase(raw: Json, project: str, options: PhaseOptions, attachments: Iterable[str] = ()) -> Milestone:
    """A task or a whole project. Of an approval task only `approved` is complete."""
    row = Row(raw, "phase", "gid")
    approval = row.text("approval_status") if row.maybe.text("resource_subtype") == "approval" else None
    done = row.flag("completed") and approval in (None, "approved")
    amount, currency = amount_of(row, options.amount_field)
    own = {name: text_of(row, gid) for name, gid in options.fields.items()}
    return Milestone(
        id=row.ident("gid"),
        project=project,
        name=row.text("name"),
        status=approval or ("completed" if done else "open"),
        completed_on=row.day_in("completed_at", options.zone) if done else None,
        due_on=row.maybe.day("due_on"),
        percent=percent_of(row, options.percent_field),
        amount=amount,
        currency=currency,
        acceptance=acceptance_of(row, options.accepted_field, options.accepted),
        attachments=tuple(attachments),
        parent=row.maybe.text("parent.gid"),
        url=row.maybe.text("permalink_url"),
        custom={name: value for name, value in own.items() if value is not None},
    )


def section(raw: Json, project: str, tasks: list[Json], zone: str) -> Milestone:
    """A section is complete with the last of its tasks; without tasks it is open."""
    row = Row(raw, "section", "gid")
    of_project = [Row(task, "task", "gid") for task in tasks]
    mine = [task for task in of_project if row.ident("gid") in _sections(task)]
    dates = [task.day_in("completed_at", zone) for task in mine if task.flag("completed")]
    complete = bool(mine) and len(dates) == len(mine)
    return Milestone(
        id=row.ident("gid"),
        project=project,
        name=row.text("name"),
        status="completed" if complete else "open",
        completed_on=max(dates) if complete else None,
        done=Decimal(len(dates)),
        total=Decimal(len(mine)),
    )


def _sections(task: Row) -> set[str | None]:
    return {dig(membership, "section.gid") for membership in task.rows("memberships")}


def field(row: Row, gid: str | None) -> Row | None:
    """The custom field of a task or project; None when no gid is configured or the object does not have the field."""
    found = row.rows("custom_fields") if gid else []
    return next((Row(raw, "custom field", "gid") for raw in found if raw.get("gid") == gid), None)


def amount_of(row: Row, gid: str | None) -> tuple[Decimal | None, str | None]:
    """Number and currency, the latter where the field's format is a currency."""
    found = field(row, gid)
    if found is None:
        return None, None
    money = found.text("format") == "currency"
    return found.maybe.dec("number_value"), found.text("currency_code") if money else None


def percent_of(row: Row, gid: str | None) -> Decimal | None:
    """Percent, 0 to 100. A percentage field must hold the fraction of what it shows."""
    found = field(row, gid)
    number = None if found is None else found.maybe.dec("number_value")
    if found is None or number is None or found.text("format") != "percentage":
        return number
    shown = found.text("display_value").strip()
    told = dec(shown.rstrip("% "), "display_value") if shown.endswith("%") else dec(shown, "display_value") * 100
    places = max(0, -int(told.as_tuple().exponent))
    if abs(number * 100 - told) > Decimal(1).scaleb(-places):
        raise BadAnswer(f"custom field {found.text('gid')}: {number} is no fraction of {shown!r}")
    return number * 100


def text_of(row: Row, gid: str | None) -> str | None:
    """What Asana shows."""
    found = field(row, gid)
    return None if found is None else found.maybe.text("display_value")


def acceptance_of(row: Row, gid: str | None, accepted: Iterable[str]) -> Acceptance | None:
    """A date field is accepted once it has a date, a choice once it is one of `accepted`; None without the field."""
    found = field(row, gid)
    if found is None:
        return None
    if found.text("resource_subtype") == "date":
        on = found.maybe.day("date_value.date")
        return Acceptance(accepted=on is not None, on=on)
    shown = found.maybe.text("display_value")
    return Acceptance(accepted=shown is not None and shown.casefold() in {word.casefold() for word in accepted})


def check_known(rows: Iterable[Json], gids: Iterable[str | None], what: str) -> None:
    """A configured field that no object has is an error: it was deleted, or the plan lost custom fields."""
    objects = [Row(raw, what, "gid") for raw in rows]
    for gid in filter(None, gids):
        if objects and all(field(row, gid) is None for row in objects):
            raise BadAnswer(f"none of {len(objects)} {what}s has the custom field {gid}", hint="was it deleted?")
