"""Jira's issues and versions as milestones, and the shapes that its fields come in.

Custom fields are known by id (`GET /field` lists them): names are not unique, and Jira shows a field that does not
exist like one that is empty, so configured ones are looked up first.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from billsync.model.errors import BadAnswer
from billsync.model.work import Acceptance, Milestone, Project
from billsync.sdk import Field, TokenOrLogin
from billsync.sdk.api import Json
from billsync.sdk.parse import dig
from billsync.sdk.row import Row

ISSUE = "summary status statuscategorychangedate resolution resolutiondate duedate project parent".split()
OPEN = {"new", "indeterminate", "undefined"}


class IssueOptions(TokenOrLogin):
    """Which issues or versions are milestones, and where their facts stand. Fields are named by id."""

    milestones: Literal["issues", "versions"] = Field(default="issues", description="What is billed.")
    jql: str = Field(default="issuetype = Epic", description="Which issues are milestones.")
    dropped: tuple[str, ...] = Field(default=(), description="Resolutions of work that was not done, e.g. Won't Do.")
    zone: str | None = Field(default=None, description="Zone of dates; unset: that of the credential's user profile.")
    children: bool = Field(default=False, description="Count the child issues of each milestone: done of total.")
    amount_field: str | None = Field(default=None, description="Number field with the amount: customfield_NNNNN.")
    currency: str | None = Field(default=None, description="Currency of the amounts.")
    percent_field: str | None = Field(
        default=None, description="Number field with percent complete (0-100), or aggregateprogress.percent (of time)."
    )
    accepted_field: str | None = Field(default=None, description="Field of acceptance: a choice, or a date.")
    accepted: tuple[str, ...] = Field(default=("Accepted", "Yes"), description="Choices that mean accepted.")
    attachments: bool = Field(default=False, description="Read the names of attachments.")
    fields: Mapping[str, str] = Field(default={}, description="Further fields: own name -> id.")

    def mapped(self) -> set[str]:
        """Ids of the fields that the firm has named."""
        named = (self.amount_field, self.percent_field, self.accepted_field, *self.fields.values())
        return {path.partition(".")[0] for path in named if path}


def project(raw: Json) -> Project:
    """The client is the project's category."""
    row = Row(raw, "project")
    closed = bool(row.maybe.flag("archived") or row.maybe.flag("deleted"))
    return Project(
        id=row.ident("id"),
        name=row.text("name"),
        client=row.maybe.text("projectCategory.name"),
        status="archived" if closed else "active",
        closed=closed,
        custom={"key": row.text("key")},
    )


def version(raw: Json, project: str) -> Milestone:
    """Complete on the release date that people gave it; without one it stays open, and its status says why."""
    row = Row(raw, "version")
    on, released = row.maybe.day("releaseDate"), row.flag("released")
    return Milestone(
        id=row.ident("id"),
        project=project,
        name=row.text("name"),
        status=("released" if on else "released without a date") if released else "unreleased",
        completed_on=on if released else None,
        due_on=None if released else on,
    )


def issue(raw: Json, options: IssueOptions, zone: str, children: Mapping[str, list[bool]]) -> Milestone:
    """Complete in the status category `done`, on the day it came there; dropped work never is."""
    row = Row(raw, "issue")
    category, resolution = row.text("fields.status.statusCategory.key"), row.maybe.text("fields.resolution.name")
    if category != "done" and category not in OPEN:
        raise BadAnswer(f"issue {row.text('key')}: the status category {category!r} is not known")
    done = category == "done" and resolution not in options.dropped
    entered = "statuscategorychangedate" if dig(raw, "fields.statuscategorychangedate") else "resolutiondate"
    below = children.get(row.ident("id"), [])
    own = {name: shown(dig(raw, f"fields.{path}")) for name, path in options.fields.items()}
    return Milestone(
        id=row.ident("id"),
        project=row.ident("fields.project.id"),
        name=row.text("fields.summary"),
        status=row.text("fields.status.name"),
        completed_on=row.day_in(f"fields.{entered}", zone) if done else None,
        due_on=row.maybe.day("fields.duedate"),
        percent=row.maybe.dec(f"fields.{options.percent_field}") if options.percent_field else None,
        done=Decimal(sum(below)) if options.children else None,
        total=Decimal(len(below)) if options.children else None,
        amount=row.maybe.dec(f"fields.{options.amount_field}") if options.amount_field else None,
        currency=options.currency,
        acceptance=acceptance(raw, options),
        attachments=tuple(sorted(file["filename"] for file in row.maybe.rows("fields.attachment") or ())),
        parent=row.maybe.ident("fields.parent.id"),
        custom={"key": row.text("key"), **{name: text for name, text in own.items() if text}},
    )


def done_children(found: Iterable[Json]) -> dict[str, list[bool]]:
    """Parent -> whether each of its children is done."""
    below: dict[str, list[bool]] = {}
    for row in Row.each(found, "issue"):
        done = row.text("fields.status.statusCategory.key") == "done"
        below.setdefault(row.ident("fields.parent.id"), []).append(done)
    return below


def acceptance(raw: Json, options: IssueOptions) -> Acceptance | None:
    """A date is acceptance on that day, another value if it is one of the choices; None without the option."""
    if not options.accepted_field:
        return None
    text = shown(dig(raw, f"fields.{options.accepted_field}"))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return Acceptance(accepted=True, on=Row({"on": text}, "acceptance").day("on"))
    return Acceptance(accepted=text.casefold() in {word.casefold() for word in options.accepted})


def shown(value: Any) -> str:
    """A field as text: choices by value, cascading ones with their child, users by name, several with commas."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, dict) and value.get("type") == "doc":
        return prose(value)
    if isinstance(value, dict):
        name = next((value[key] for key in ("value", "displayName", "name", "key") if value.get(key)), None)
        if name is None:
            raise BadAnswer(f"a field has a shape that is not known: {', '.join(sorted(value))}")
        return " / ".join(filter(None, (str(name), shown(value.get("child")))))
    return "" if value is None else str(value)


def prose(node: Json) -> str:
    """The words of a rich text (Atlassian Document Format), or of a plain one."""
    if not isinstance(node, dict):
        return str(node or "")
    inner = " ".join(filter(None, (prose(part) for part in node.get("content", ()))))
    return str(node.get("text", "")) or inner
