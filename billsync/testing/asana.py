"""Asana on loopback: the parts of API 1.0 that billsync reads: `opt_fields`, offsets, the `data` around everything."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from billsync.sdk.parse import instant
from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import TOKEN, FakeTracker, Row

WORKSPACE: Final = "900"
_COMPACT: Final = ("gid", "name", "resource_type", "resource_subtype")
_ENTRY: Final = ("gid", "resource_type", "duration_minutes", "entered_on", "attributable_to", "created_by")
_SINGLE_ONLY: Final = ("approval_status", "billable_status", "description", "task", "created_at")
_NEVER_LIST_ALL: Final = 2
"""Lists longer than this are refused without `limit`; the vendor's number is larger and not told."""


class FakeAsana(FakeTracker):
    """One workspace. `tells_approval`: whether the list of time entries honours the names it does not document."""

    unique = "gid"
    changed = "modified_at"

    token_path = "/-/oauth_token"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock, page_size=page_size, token=token)
        self.tells_approval = False
        self._gids = 1000

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `asana` that is this one."""
        return {"base_url": self.url, "token": self.token, "workspace": WORKSPACE, **more}

    def stamp(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.clock.now().microsecond // 1000:03d}Z"

    def gid(self) -> str:
        """A new id."""
        self._gids += 1
        return str(self._gids)

    # ---- Records ---------------------------------------------------------------------------------------------

    def add_project(self, gid: str, name: str, *, fields: Iterable[Row] = (), **more: Any) -> Row:
        """A project; `fields` are custom fields (see `number_field`)."""
        return self.insert(
            "projects",
            {
                "gid": gid, "resource_type": "project", "name": name, "archived": False, "completed": False,
                "completed_at": None, "due_on": None, "owner": {"gid": "1", "name": "Pat Lee"},
                "permalink_url": f"https://app.asana.com/0/{gid}", "custom_fields": list(fields), **more,
            },
        )  # fmt: skip

    def add_section(self, gid: str, project: str, name: str) -> Row:
        """A section of a project."""
        return self.insert(
            "sections", {"gid": gid, "resource_type": "section", "name": name, "project": {"gid": project}}
        )

    def add_task(
        self, projects: str | Sequence[str], name: str, *, subtype: str = "milestone", section: str = "", **more: Any
    ) -> Row:
        """An open task in one or several projects; `more` may hold `gid`, `custom_fields`, `due_on` ..."""
        homes = [projects] if isinstance(projects, str) else list(projects)
        member = {"gid": section, "name": self.tables["sections"][section]["name"]} if section else None
        return self.insert(
            "tasks",
            {
                "gid": self.gid(), "resource_type": "task", "resource_subtype": subtype, "name": name,
                "completed": False, "completed_at": None, "due_on": None, "parent": None,
                "approval_status": "pending" if subtype == "approval" else None, "custom_fields": [],
                "memberships": [{"project": {"gid": home, "name": home}, "section": member} for home in homes],
                "permalink_url": "https://app.asana.com/0/0/1", **more,
            },
        )  # fmt: skip

    def complete(self, gid: str, at: str | None = None, approval: str | None = None) -> Row:
        """Complete a task now, or at an instant in Asana's spelling; an approval task with its outcome."""
        return self.edit(
            "tasks",
            gid,
            completed=True,
            completed_at=at or self.stamp(),
            **({"approval_status": approval} if approval else {}),
        )

    def reopen(self, gid: str) -> Row:
        """Open a completed task again."""
        return self.edit("tasks", gid, completed=False, completed_at=None)

    def add_entry(self, project: str | None, on: date, minutes: int, **more: Any) -> Row:
        """Time; approved and billable unless `more` says otherwise."""
        return self.insert(
            "entries",
            {
                "gid": self.gid(), "resource_type": "time_tracking_entry", "duration_minutes": minutes,
                "entered_on": str(on), "attributable_to": {"gid": project, "name": project} if project else None,
                "created_by": {"gid": "11", "name": "Ana Roe"}, "categories": [], "task": None,
                "approval_status": "APPROVED", "billable_status": "billable", "description": None, **more,
            },
        )  # fmt: skip

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            answer: Response = self.grants.token(request)
            return answer
        if not self.authorized(request):
            return _error(401, "Not Authorized")
        match [*request.path.strip("/").split("/"), "", ""][:3]:
            case ["users", "me", _]:
                return _one(
                    {"gid": "1", "name": "Pat Lee", "email": "pat@example.com", "workspaces": [_SPACE]}, request
                )
            case ["workspaces", "900", "projects"]:
                return self._list("projects", request, self.tables["projects"].values())
            case ["projects", gid, "sections"]:
                return self._list(
                    "sections", request, [row for row in self._all("sections") if row["project"]["gid"] == gid]
                )
            case ["projects", gid, ""] if gid in self.tables["projects"]:
                return _one(self.tables["projects"][gid], request)
            case ["tasks", "", _]:
                return self._tasks(request)
            case ["tasks", gid, ""] if gid in self.tables["tasks"] and request.method == "PUT":
                return self._marked(gid, request.json()["data"]["custom_fields"])
            case ["attachments", "", _]:
                return self._list(
                    "attachments",
                    request,
                    [row for row in self._all("attachments") if row["parent"] == request.query["parent"]],
                )
            case ["time_tracking_entries", "", _]:
                return self._entries(request)
            case ["time_tracking_entries", gid, _] if gid in self.tables["entries"]:
                return _one(self.tables["entries"][gid], request)
        return _error(404, "Unknown object")

    def _marked(self, gid: str, values: dict[str, str]) -> Response:
        """Text fields of a task, written; a field that the task does not have is refused."""
        fields = {field["gid"]: field for field in self.tables["tasks"][gid]["custom_fields"]}
        if unknown := values.keys() - fields.keys():
            return _error(400, f"Custom field with ID {min(unknown)} is not on given object")
        for field, text in values.items():
            fields[field].update(text_value=text, display_value=text)
        return Response.json_of({"data": {"gid": gid}})

    def _all(self, table: str) -> list[Row]:
        return list(self.tables[table].values())

    def _tasks(self, request: Request) -> Response:
        project, since = request.query.get("project"), request.query.get("modified_since")
        if project is None:
            return _error(400, "You should specify one of workspace, project, tag, section")
        if project not in self.tables["projects"]:
            return _error(404, f"project: Unknown object: {project}")
        rows = [
            row
            for row in self._all("tasks")
            if any(home["project"]["gid"] == project for home in row.get("memberships", ()))
        ]
        if since:
            rows = [row for row in rows if instant(row["modified_at"]) >= instant(since)]
        return self._list("tasks", request, rows)

    def _entries(self, request: Request) -> Response:
        query = self.asked(request)
        first, last = query.get("entered_on_start_date"), query.get("entered_on_end_date")
        if "workspace" in query and first is None and last is None:
            return _error(400, "entered_on_start_date or entered_on_end_date is required")
        rows = [
            row
            for row in self._all("entries")
            if (first or "") <= row.get("entered_on", first or "") <= (last or "9999")
        ]
        if "attributable_to" in query:
            rows = [row for row in rows if (row["attributable_to"] or {}).get("gid") == query["attributable_to"]]
        hidden = () if self.tells_approval else _SINGLE_ONLY
        return self._list("entries", request, [{k: v for k, v in row.items() if k not in hidden} for row in rows])

    def _list(self, table: str, request: Request, rows: Iterable[Row]) -> Response:
        """Offsets name the last row that was sent: what goes away before it does not move the rest."""
        ordered = sorted(rows, key=_order)
        limit = request.query.get("limit")
        if limit is None:
            if len(ordered) > _NEVER_LIST_ALL:
                return _error(400, "The result is too large. You should use pagination.")
            return Response.json_of({"data": [chosen(row, request) for row in ordered]})
        if not 1 <= int(limit) <= 100:
            return _error(400, "limit: must be between 1 and 100")
        start = _start(ordered, request.query.get("offset"))
        found, after = self.page(table, ordered, start)
        following = None
        if after is not None:
            last = ordered[after - 1].get("gid", "") if after else ""
            token = urlsafe_b64encode(f"{self.turn}:{last}".encode()).decode()
            following = {"offset": token, "path": "/next", "uri": f"{self.url}/next"}
        return Response.json_of({"data": [chosen(row, request) for row in found], "next_page": following})


_SPACE: Final[Row] = {"gid": WORKSPACE, "name": "My Company Workspace"}


def _start(rows: Sequence[Row], offset: str | None) -> int:
    if not offset:
        return 0
    last = urlsafe_b64decode(offset).decode().partition(":")[2]
    return sum(_order(row) <= (len(last), last) for row in rows)


def _order(row: Row) -> tuple[int, str]:
    """Gids are numbers written as text."""
    return len(row.get("gid", "")), row.get("gid", "")


def chosen(row: Row, request: Request) -> Row:
    """The members that Asana shows: compact ones, and those asked for by `opt_fields`."""
    wanted = [path.split(".") for path in request.query.get("opt_fields", "").split(",") if path]
    compact = _ENTRY if row.get("resource_type") == "time_tracking_entry" else _COMPACT
    shown: Row = {name: row[name] for name in ("gid", "resource_type") if name in row}
    if not wanted:
        return {name: row[name] for name in compact if name in row}
    for name, *rest in wanted:
        if name in row:
            shown[name] = _inner(row[name], shown.get(name), rest)
    return shown


def _inner(value: Any, before: Any, path: list[str]) -> Any:
    """The part of a member that a path names, joined to what other paths named before."""
    if isinstance(value, list):
        earlier = before if isinstance(before, list) else [None] * len(value)
        return [_inner(item, old, path) for item, old in zip(value, earlier, strict=True)]
    if not isinstance(value, dict) or (not path and before):
        return value if before is None else before
    kept = dict(before) if isinstance(before, dict) else {key: value[key] for key in ("gid",) if key in value}
    for name in path[:1]:
        if name in value:
            kept[name] = _inner(value[name], kept.get(name), path[1:])
    return kept


def _one(row: Row, request: Request) -> Response:
    full = request.query.get("opt_fields") is None
    return Response.json_of({"data": row if full else chosen(row, request)})


def _error(status: int, message: str) -> Response:
    return Response.json_of({"errors": [{"message": message, "help": "see the documentation"}]}, status)


def number_field(gid: str, name: str, value: Any, **more: Any) -> Row:
    """A custom field of numbers; `format` currency with `currency_code`, or percentage, in `more`."""
    shown = (
        ""
        if value is None
        else f"{value * 100:f}".rstrip("0").rstrip(".") + "%"
        if more.get("format") == "percentage"
        else str(value)
    )
    return {
        "gid": gid, "name": name, "resource_subtype": "number", "format": "none", "currency_code": None,
        "number_value": value, "display_value": shown or None, **more,
    }  # fmt: skip


def choice_field(gid: str, name: str, value: str | None) -> Row:
    """A custom field with choices."""
    return {"gid": gid, "name": name, "resource_subtype": "enum", "display_value": value}


def date_field(gid: str, name: str, value: date | None) -> Row:
    """A custom field with a date."""
    told = {"date": str(value), "date_time": None} if value else None
    return {
        "gid": gid,
        "name": name,
        "resource_subtype": "date",
        "date_value": told,
        "display_value": str(value) if value else None,
    }
