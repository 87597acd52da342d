"""Xero Projects on loopback: projects by state, time and tasks of each, numbered pages with their totals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from billsync.sdk.parse import instant
from billsync.sdk.row import utc_text
from billsync.testing.clock import Clock
from billsync.testing.oauth import CLIENT
from billsync.testing.server import Request, Response
from billsync.testing.tracker import FakeTracker, Row
from billsync.testing.xero import TENANT

_ROOT: Final = "/projects.xro/2.0/"
_UNIQUE: Final = {"projects": "projectId", "time": "timeEntryId", "tasks": "taskId", "users": "userId"}


class FakeXeroProjects(FakeTracker):
    """The projects of one organisation; time lies at noon of the organisation's zone."""

    changed = "dateEnteredUtc"
    token_path = "/connect/token"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, zone: str = "Pacific/Auckland") -> None:
        super().__init__(clock=clock, page_size=page_size)
        self.zone = zone
        self._ids = 0
        self.insert("users", {"userId": self.uuid(), "name": "Ana Roe", "email": "ana@example.com"})
        self.user = next(iter(self.tables["users"]))

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of a source of kind `xero` that is this organisation."""
        return {
            "base_url": self.url, "tenant": TENANT, "zone": self.zone,
            **self.grants.options(f"{self.url}{self.token_path}"), **more,
        }  # fmt: skip

    def secrets(self) -> list[str]:
        return [CLIENT[1], *self.grants.given]

    def uuid(self) -> str:
        """A new id."""
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"

    def insert(self, table: str, row: Row) -> Row:
        """Add a row; each list has an id of its own name."""
        row.setdefault(self.changed, self.stamp())
        self.tables[table][row[_UNIQUE[table]]] = row
        return row

    # ---- Records ---------------------------------------------------------------------------------------------

    def add_project(self, name: str, *, status: str = "INPROGRESS", minutes: int = 60) -> str:
        """A project; `minutes` were logged on it."""
        estimate = {"currency": "NZD", "value": Decimal("99.99")}
        row = {"projectId": self.uuid(), "name": name, "status": status, "currencyCode": "NZD", "estimate": estimate}
        contact = {"contactId": self.uuid(), "minutesLogged": minutes}
        return str(self.insert("projects", {**row, **contact})["projectId"])

    def add_task(self, project: str, name: str, *, charge: str = "TIME") -> str:
        """A task of a project, at 120 an hour or for 120 in all."""
        rate = {"currency": "NZD", "value": Decimal("120.0")}
        row = {"taskId": self.uuid(), "projectId": project, "name": name, "chargeType": charge, "rate": rate}
        return str(self.insert("tasks", {**row, "status": "ACTIVE"})["taskId"])

    def add_time(self, project: str, task: str, on: date, minutes: int, *, at: time = time(12), **more: Any) -> str:
        """Minutes on a task."""
        moment = datetime.combine(on, at, ZoneInfo(self.zone))
        row = {
            "timeEntryId": self.uuid(), "projectId": project, "taskId": task, "userId": self.user,
            "dateUtc": utc_text(moment), "duration": minutes, "description": "Survey", "status": "ACTIVE", **more,
        }  # fmt: skip
        return str(self.insert("time", row)["timeEntryId"])

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            answer: Response = self.grants.token(request)
            return answer
        if not self.grants.alive(request):
            return Response.json_of({"Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired"}, 401)
        if request.path == "/connections":
            return Response.json_of([{"tenantId": TENANT, "tenantName": "Demo Company (NZ)"}])
        if request.headers.get("xero-tenant-id") != TENANT:
            return Response.json_of({"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}, 403)
        match request.path.removeprefix(_ROOT).split("/"):
            case ["Projects"]:
                return self._list("projects", request, {})
            case ["ProjectsUsers"]:
                return self._list("users", request, {})
            case ["Projects", project, ("Time" | "Tasks") as name] if project in self.tables["projects"]:
                return self._list(name.lower(), request, {"projectId": project})
        return Response.json_of({"message": "The requested resource was not found"}, 404)

    def _list(self, table: str, request: Request, of: Mapping[str, str]) -> Response:
        query = self.asked(request)
        rows = [row for row in self.tables[table].values() if _matches(row, {**query, **of})]
        number, most = int(query.get("page", 1)), int(query.get("pageSize", 50))
        if not 1 <= most <= 500:
            return Response.json_of({"message": "pageSize must be between 1 and 500"}, 400)
        found, _ = self.page(table, rows, 0 if self._looping else (number - 1) * self.page_size)
        count = -(-len(rows) // self.page_size)
        pagination = {"page": number, "pageSize": self.page_size, "pageCount": count, "itemCount": len(rows)}
        return Response.json_of({"pagination": pagination, "items": found})


def _matches(row: Row, query: Mapping[str, str]) -> bool:
    """A row that lacks what a filter looks at passes it: then the connector must say so."""
    if query.get("states", str(row.get("status"))) != str(row.get("status", query.get("states"))):
        return False
    if query.get("projectId", row.get("projectId")) != row.get("projectId", query.get("projectId")):
        return False
    if "dateUtc" not in row:
        return True
    after, before = query.get("dateAfterUtc"), query.get("dateBeforeUtc")
    at = instant(row["dateUtc"])
    return (after is None or at >= instant(after)) and (before is None or at <= instant(before))
