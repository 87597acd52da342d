"""A work log: a tracker of no vendor with projects, milestones, time and expenses, and the source that reads it.

`billsync torture` polls it. Lists are paged by offset, with a total, in the order in which rows were made; people may
insert, edit and delete rows while pages are read. `worklog_source(changes)` is the connector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import urlencode

from billsync.model.work import (
    Acceptance,
    Approval,
    ApprovalState,
    Expense,
    Milestone,
    Project,
    Record,
    TimeEntry,
    Window,
)
from billsync.sdk import Api, Bearer, Field, Identity, Offers, Options, Secret, Source
from billsync.sdk.api import Json
from billsync.sdk.paging import NextLink
from billsync.sdk.parse import instant
from billsync.sdk.row import Row, inside, utc_text
from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import FakeTracker

WORK_TOKEN: Final = "made-up-work-token-52ce"
TABLES: Final = ("projects", "milestones", "time", "expenses")
_STATES: Final[Mapping[str, ApprovalState]] = {"approved": "approved", "submitted": "submitted", "rejected": "rejected"}
Changes = Literal["since", "window", "whole"]


class FakeWorklog(FakeTracker):
    """One account; ids are given in order, and never twice."""

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3) -> None:
        super().__init__(clock=clock, page_size=page_size, token=WORK_TOKEN)
        self._ids = 0

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account that is this one."""
        return {"base_url": self.url, "token": self.token, **more}

    def secrets(self) -> list[str]:
        return [self.token]

    def add(self, table: str, **members: Any) -> str:
        """A new row; returns its id. A milestone is open, time and expenses are submitted, unless told otherwise."""
        self._ids += 1
        ident = f"{table[0]}{self._ids}"
        work = {"state": "submitted", "billable": True, "person": "ana"}
        usual: dict[str, Any] = {"milestones": {"done": None}, "projects": {}}.get(table, work)
        self.insert(table, {"id": ident, **usual, **members})
        return ident

    def handle(self, request: Request) -> Response:
        table = request.path.strip("/")
        if not self.authorized(request):
            return Response.json_of({"message": "the token is not known"}, 401)
        if table == "me":
            return Response.json_of({"name": "Ana"})
        if table not in TABLES:
            return Response.json_of({"message": "there is no such list"}, 404)
        query = self.asked(request)
        rows = [row for row in self.tables[table].values() if _matches(row, query)]
        found, after = self.page(table, rows, int(query.get("start", 0)))
        following = None
        if after is not None:
            kept = {key: value for key, value in query.items() if key not in ("start", "turn")}
            following = f"{self.url}/{table}?{urlencode({**kept, 'start': after, 'turn': self.turn})}"
        return Response.json_of({"rows": found, "total": len(rows), "next": following})


def _matches(row: Json, query: Mapping[str, str]) -> bool:
    since = query.get("since")
    if since and instant(row["updated_at"]) < instant(since):
        return False
    on = str(row.get("on", query.get("from", "")))
    return query.get("from", "") <= on <= query.get("to", "9999")


class WorklogOptions(Options):
    """One work log."""

    token: Secret = Field(description="Token of the account.")


class Worklog(Source[WorklogOptions]):
    """Everything of one work log, with native approval."""

    kind = "worklog"
    title = "Work log"
    docs = "docs/exactly-once.md"
    api = Api(base_url="http://127.0.0.1", auth=Bearer("token"), pages=NextLink(at="next", total_at="total"))
    offers = Offers(kinds=frozenset({"project", "milestone", "time", "expense"}), approval="native", changes="since")

    def check(self) -> Identity:
        return Identity(account=str(self.http.get("/me")["name"]))

    def projects(self, window: Window) -> Iterator[Project]:
        for row in self._rows("projects"):
            yield Project(id=row.ident("id"), name=row.text("name"), currency="USD")

    def milestones(self, window: Window) -> Iterator[Milestone]:
        return map(_milestone, self._rows("milestones"))

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        return inside(window, map(_time, self._rows("time", window)))

    def expenses(self, window: Window) -> Iterator[Expense]:
        return inside(window, map(_expense, self._rows("expenses", window)))

    def _rows(self, table: str, window: Window | None = None) -> Iterator[Row]:
        params: dict[str, str | None] = {}
        if window is not None:
            since = utc_text(window.changed_since) if window.changed_since else None
            params = {"from": str(window.since), "to": str(window.until), "since": since}
        return (Row(raw, table) for raw in self.http.rows(f"/{table}", params, at="rows"))


@cache
def worklog_source(changes: Changes) -> type[Worklog]:
    """The source, for work logs that tell changes in this way."""
    offers = Offers(kinds=Worklog.offers.kinds, approval="native", changes=changes)
    return type("Worklog", (Worklog,), {"offers": offers, "options_class": WorklogOptions})


def _milestone(row: Row) -> Milestone:
    done = row.maybe.day("done")
    accepted = row.maybe.flag("accepted")
    return Milestone(
        id=row.ident("id"),
        project=row.ident("project"),
        name=row.text("name"),
        status="done" if done else "open",
        completed_on=done,
        amount=row.maybe.dec("amount"),
        currency="USD",
        acceptance=None if accepted is None else Acceptance(accepted=accepted, on=done),
    )


def _time(row: Row) -> TimeEntry:
    return TimeEntry(
        id=row.ident("id"),
        project=row.ident("project"),
        person=row.text("person"),
        worked_on=row.day("on"),
        hours=row.dec("hours"),
        billable=row.flag("billable"),
        approval=Approval(state=row.one_of("state", _STATES)),
    )


def _expense(row: Row) -> Expense:
    return Expense(
        id=row.ident("id"),
        project=row.ident("project"),
        spent_on=row.day("on"),
        amount=row.dec("amount"),
        currency="USD",
        billable=row.flag("billable"),
        approval=Approval(state=row.one_of("state", _STATES)),
    )


def record_of(table: str, row: Row) -> Record:
    """The record of a row, as the source reads it."""
    readers: Mapping[str, Callable[[Row], Record]] = {"milestones": _milestone, "time": _time, "expenses": _expense}
    return readers[table](row)
