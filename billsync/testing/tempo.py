"""Tempo on loopback: the parts of REST API 4 that billsync reads; sheets of weeks, and refusals in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote, urlencode

from billsync.sdk.parse import instant
from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import TOKEN, FakeTracker, Row

API: Final = "/4"
ANA: Final = "123456:01234567-89ab-cdef-0123-456789abcdef"
ACCOUNT: Final = "_Account_"
_UNIQUE: Final = {"worklogs": "tempoWorklogId", "accounts": "key", "attributes": "key"}
_MONEY: Final = ("expenses", "fixed-revenues")


class FakeTempo(FakeTracker):
    """One site. Timesheets are weeks; a person's sheet is open until it is handed in and approved."""

    changed = "updatedAt"
    token_path = "/oauth/token/"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock, page_size=page_size, token=token)
        self.sheets: dict[tuple[str, date], Row] = {}
        """Person and Monday -> the status of the sheet."""
        self.teams: dict[str, list[str]] = {}
        self.occurrences: dict[str, list[Row]] = {}
        """Project -> what Tempo has counted out of recurring expenses."""
        self._ids = 100
        self.add_attribute(ACCOUNT, "Account", "ACCOUNT")

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `tempo` that is this one."""
        return {"base_url": self.url + API, "site": "acme.atlassian.net", "token": self.token, **more}

    def insert(self, table: str, row: Row) -> Row:
        row.setdefault(self.changed, self.stamp())
        self.tables[table][str(row[_UNIQUE.get(table, "id")])] = row
        return row

    # ---- Records ---------------------------------------------------------------------------------------------

    def add_attribute(
        self, key: str, name: str, kind: str = "INPUT_FIELD", names: Mapping[str, str] | None = None
    ) -> Row:
        """A work attribute; `names` of a static list: stored value -> what people see."""
        listed = {"names": dict(names), "values": list(names)} if names else {}
        return self.insert("attributes", {"key": key, "name": name, "type": kind, "required": False, **listed})

    def add_account(self, key: str, name: str, *, customer: str = "Acme", status: str = "OPEN") -> Row:
        """An account of a customer."""
        self._ids += 1
        client = {"id": self._ids, "key": customer.upper(), "name": customer}
        return self.insert(
            "accounts",
            {"id": self._ids, "key": key, "name": name, "status": status, "global": False, "customer": client},
        )

    def add_worklog(
        self,
        account: str | None,
        on: date,
        seconds: int,
        *,
        person: str = ANA,
        billable: int | None = None,
        project: int = 31,
        approved: bool = True,
        **attributes: str,
    ) -> Row:
        """Hours of a person on an issue of a Jira project; the sheet of the week becomes approved if it is new."""
        self._ids += 1
        values = {**({ACCOUNT: account} if account else {}), **attributes}
        if approved and (person, _monday(on)) not in self.sheets:
            self.decide(person, on, "APPROVED")
        return self.insert(
            "worklogs",
            {
                "tempoWorklogId": self._ids, "issue": {"id": 10042}, "timeSpentSeconds": seconds, "jira": project,
                "billableSeconds": seconds if billable is None else billable, "startDate": str(on),
                "startTime": "09:00:00", "description": "Review", "createdAt": self.stamp(),
                "author": {"accountId": person},
                "attributes": {"values": [{"key": key, "value": value} for key, value in values.items()]},
            },
        )  # fmt: skip

    def decide(self, person: str, on: date, status: str) -> None:
        """Put a person's sheet of the week into a status; no worklog is touched by that."""
        told = {"key": status, "updatedAt": self.stamp(), "actor": {"accountId": "the-boss"}}
        self.sheets[person, _monday(on)] = told

    def add_project(self, ident: str, name: str, **more: Any) -> Row:
        """A project of Financial Manager."""
        return self.insert("projects", {"id": ident, "name": name, "status": "IN_PROGRESS", **more})

    def add_money(
        self, kind: str, project: str, on: date, value: str, *, currency: str = "EUR", again: bool = False
    ) -> Row:
        """An expense or a fixed revenue; `again`: it recurs every month."""
        self._ids += 1
        return self.insert(
            kind,
            {
                "id": f"1a9a8a45-{self._ids}", "home": project, "date": str(on), "description": f"Entry {self._ids}",
                "amount": {"value": Decimal(value), "currencyCode": currency}, "category": {"name": "Travel"},
                "account": {"key": "ACME"}, "recurrence": {"type": "MonthlyRecurrence" if again else "NoRecurrence"},
            },
        )  # fmt: skip

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            answer: Response = self.grants.token(request)
            return answer
        if not self.authorized(request):
            page = b"<html><body>Invalid token</body></html>"
            return Response(status=401, body=page, headers={"Content-Type": "text/html"})
        steps = [unquote(step) for step in request.path.removeprefix(API).strip("/").split("/")]
        match [request.method, *steps]:
            case ["GET", "globalconfiguration"]:
                return Response.json_of({"approvalPeriod": "WEEK", "approvalWeekStart": 1, "weekStart": 1})
            case ["GET", "work-attributes"]:
                return self._list("attributes", self._all("attributes"), request)
            case ["GET", "accounts" | "projects" as table]:
                return self._list(table, self._all(table), request)
            case ["GET", "worklogs"]:
                return self._list("worklogs", self._worklogs(self.asked(request)), request)
            case ["POST", "worklogs", "search"]:
                return self._list("searched", self._worklogs(_as_query(request.json())), request)
            case ["POST", "worklogs", "work-attribute-values"]:
                return self._mark(request.json())
            case ["GET", "projects", project, table] if table in _MONEY:
                return self._list(table, [row for row in self._all(table) if row["home"] == project], request)
            case ["GET", "projects", project, "actuals", "expenses"]:
                return self._list("actuals", self.occurrences.get(project, []), request)
        return self._sheet(steps, request)

    def _all(self, table: str) -> list[Row]:
        return list(self.tables[table].values())

    def _worklogs(self, query: Mapping[str, str]) -> list[Row]:
        """In the order of their dates and ids, as Tempo lists them."""
        first, last = query.get("from", ""), query.get("to", "9999")
        since = query.get("updatedFrom")
        rows = [row for row in self._all("worklogs") if first <= row.get("startDate", "2026-03-02") <= last]
        if since:
            rows = [row for row in rows if instant(row["updatedAt"]) >= instant(since)]
        if query.get("projectId"):
            rows = [row for row in rows if str(row["jira"]) in query["projectId"].split(",")]
        if query.get("authorIds"):
            rows = [row for row in rows if row["author"]["accountId"] in query["authorIds"].split(",")]
        return sorted(rows, key=lambda row: (row.get("startDate", ""), row.get("tempoWorklogId", 0)))

    def _list(self, table: str, rows: Iterable[Row], request: Request) -> Response:
        every, start = [_shown(row) for row in rows], int(self.asked(request).get("offset", 0))
        found, after = self.page(table, every, start)
        metadata: Row = {"count": len(found), "offset": start, "limit": self.page_size}
        if after is not None:
            metadata["next"] = f"{self.url}{request.path}?{urlencode({'offset': after, 'limit': self.page_size})}"
        return Response.json_of({"self": self.url + request.path, "metadata": metadata, "results": found})

    def _mark(self, marks: list[Row]) -> Response:
        for mark in marks:
            row = self.tables["worklogs"].get(str(mark["tempoWorklogId"]))
            if row is None:
                return _error(404, f"Worklog '{mark['tempoWorklogId']}' not found")
            if (self._status(row["author"]["accountId"], date.fromisoformat(row["startDate"])))["key"] == "APPROVED":
                return _error(400, "The timesheet of this period is approved")
            known = {value["key"] for value in row["attributes"]["values"]}
            if known & {value["key"] for value in mark["attributeValues"]}:
                return _error(400, "A value exists already")
            row["attributes"]["values"] += mark["attributeValues"]
        return Response(status=204)

    # ---- Timesheets ------------------------------------------------------------------------------------------

    def _status(self, person: str, on: date) -> Row:
        return self.sheets.get((person, _monday(on)), {"key": "OPEN"})

    def _sheet(self, steps: list[str], request: Request) -> Response:
        match [request.method, *steps]:
            case ["GET", "periods"]:
                first, last = (date.fromisoformat(request.query[name]) for name in ("from", "to"))
                weeks = (last - _monday(first)).days // 7 + 1
                mondays = [_monday(first) + timedelta(days=7 * number) for number in range(weeks)]
                return Response.json_of({"periods": [_period(monday) for monday in mondays]})
            case ["GET", "timesheet-approvals", "user", person]:
                return Response.json_of(self._approval(person, request))
            case ["GET", "timesheet-approvals", "team", team] if team in self.teams:
                found = [self._approval(person, request) for person in self.teams[team]]
                return Response.json_of({"self": "", "metadata": {"count": len(found)}, "results": found})
            case ["POST", "timesheet-approvals", "logs", "search"]:
                return self._logs(request)
        return _error(404, "Not found, or no permission")

    def _approval(self, person: str, request: Request) -> Row:
        monday = _monday(date.fromisoformat(request.query["from"]))
        status = self._status(person, monday)
        return {"period": _period(monday), "status": status, "user": {"accountId": person}, "timeSpentSeconds": 0}

    def _logs(self, request: Request) -> Response:
        since = instant(request.json()["updatedFrom"])
        rows = [
            {"period": _period(monday), "status": status, "user": {"accountId": person}}
            for (person, monday), status in self.sheets.items()
            if instant(status["updatedAt"]) >= since
        ]
        found, after = self.page("logs", rows, int(request.query.get("nextPageToken", "t0")[1:]))
        metadata = {"limit": self.page_size, **({"nextPageToken": f"t{after}"} if after is not None else {})}
        return Response.json_of({"self": "", "metadata": metadata, "results": found})


def _as_query(body: Row) -> dict[str, str]:
    ids = {name: ",".join(map(str, body.get(key, ()))) for name, key in _SEARCHED.items()}
    return {**{name: text for name, text in body.items() if isinstance(text, str)}, **ids}


_SEARCHED: Final = {"authorIds": "authorIds", "projectId": "projectIds"}


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


def _period(monday: date) -> Row:
    return {"from": str(monday), "to": str(monday + timedelta(days=6))}


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("jira", "home")}


def _error(status: int, message: str) -> Response:
    """Tempo documents an object here, and sends a list as well."""
    told: Any = {"message": message}
    return Response.json_of({"errors": [told] if status == 400 else told}, status)
