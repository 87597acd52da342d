"""Jira on loopback: the parts of REST API 3 that billsync reads, for strangers too: they see empty lists."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import TOKEN, FakeTracker, Row

API: Final = "/rest/api/3"
EMAIL: Final = "ana@example.com"
ZONE: Final = "Europe/Berlin"
_STATUS: Final = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}


class FakeJira(FakeTracker):
    """One site. What the search does not show is set by `unindexed` and `archived`."""

    changed = "updated"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock, page_size=page_size, token=token)
        self.marks: dict[str, Any] = {}
        """Path of an issue or worklog -> the value of its property `billsync`."""
        self.unindexed: set[str] = set()
        """Ids of issues that the search does not know yet; it knows them when asked to reconcile."""
        self.archived: set[str] = set()
        """Ids of issues that no search shows, only the address of their own."""
        self._ids = 10_000
        self.add_field("customfield_10101", "Fee", "number")

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `jira` that is this one."""
        return {"base_url": self.url + API, "site": "acme.atlassian.net", "email": EMAIL, "token": self.token, **more}

    def stamp(self) -> str:
        """Changes have times of their own, a millisecond apart."""
        self._ids += 1
        return str(int(self.clock.now().timestamp()) * 1000 + self._ids % 1000)

    # ---- Records ---------------------------------------------------------------------------------------------

    def ident(self) -> str:
        """A new id."""
        self._ids += 1
        return str(self._ids)

    def add_field(self, ident: str, name: str, kind: str) -> Row:
        """A custom field of the site."""
        return self.insert("fields", {"id": ident, "name": name, "custom": True, "schema": {"type": kind}})

    def add_project(self, ident: str, key: str, name: str, *, client: str = "Acme") -> Row:
        """A project, whose category is its client."""
        category = {"id": "1", "name": client, "description": ""}
        return self.insert(
            "projects",
            {"id": ident, "key": key, "name": name, "archived": False, "projectCategory": category, "style": "classic"},
        )

    def add_issue(self, project: str, summary: str, *, kind: str = "Epic", parent: str = "", **fields: Any) -> Row:
        """An open issue; `fields` are its own, custom ones among them."""
        home = self.tables["projects"][project]
        ident = fields.pop("id", self.ident())
        above = {"id": parent, "key": f"{home['key']}-{parent}"} if parent else None
        base = {
            "summary": summary, "issuetype": {"name": kind}, "resolution": None, "resolutiondate": None,
            "duedate": None, "project": {"id": project, "key": home["key"], "name": home["name"]}, "parent": above,
            "attachment": [], **_state("new", None), **fields,
        }  # fmt: skip
        return self.insert("issues", {"id": ident, "key": f"{home['key']}-{ident}", "fields": base})

    def move(self, ident: str, category: str, at: datetime, **fields: Any) -> Row:
        """Put an issue into a status category at an instant, which is told in the zone of the user."""
        row = self.tables["issues"][ident]
        row["fields"] |= {**_state(category, at), **fields}
        return self.edit("issues", ident)

    def add_version(self, project: str, name: str, **more: Any) -> Row:
        """A version, not released unless `more` says otherwise."""
        return self.insert(
            "versions",
            {"id": self.ident(), "name": name, "projectId": int(project), "released": False, "archived": False, **more},
        )

    def add_worklog(self, issue: str, started: datetime, seconds: int, **more: Any) -> Row:
        """Work on an issue, started at an instant."""
        text = {"type": "text", "text": "Drew the plans"}
        comment = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [text]}]}
        return self.insert(
            "worklogs",
            {
                "id": self.ident(), "issueId": issue, "started": _local(started), "timeSpentSeconds": seconds,
                "author": {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ana Roe", "active": True},
                "timeSpent": "1d", "comment": comment, **more,
            },
        )  # fmt: skip

    # ---- Answers ---------------------------------------------------------------------------------------------

    def authorized(self, request: Request) -> bool:
        """The request bears the token of the user, or an access token that lives."""
        pair = b64encode(f"{EMAIL}:{self.token}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {pair}" or self.grants.alive(request)

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            answer: Response = self.grants.token(request)
            return answer
        if not request.path.startswith(API):
            return _error(404, "No such API")
        if request.headers.get("authorization", "").startswith("Bearer") and not self.authorized(request):
            return Response.json_of({"code": 401, "message": "Unauthorized"}, 401)
        steps = request.path.removeprefix(API).strip("/").split("/")
        if not self.authorized(request):
            return self._to_a_stranger(steps)
        return self._answer(steps, request)

    def _to_a_stranger(self, steps: list[str]) -> Response:
        if steps == ["myself"]:
            return _error(401, "Client must be authenticated to access this resource.")
        if steps == ["search", "jql"]:
            return Response.json_of({"issues": [], "isLast": True}, x_seraph_loginreason="AUTHENTICATED_FAILED")
        return Response.json_of({"values": [], "isLast": True, "lastPage": True, "total": 0})

    def _answer(self, steps: list[str], request: Request) -> Response:
        match [request.method, *steps]:
            case ["GET", "myself"]:
                me = {"accountId": "5b10", "displayName": "Ana Roe", "timeZone": ZONE, "active": True}
                return Response.json_of(me)
            case ["GET", "serverInfo"]:
                return Response.json_of({"baseUrl": "https://acme.atlassian.net", "versionNumbers": [1001, 0, 0]})
            case ["GET", "field"]:
                system = [{"id": name, "name": name, "custom": False} for name in ("summary", "aggregateprogress")]
                return Response.json_of([*system, *self.tables["fields"].values()])
            case ["GET", "project", "search"]:
                return self._list("projects", self.tables["projects"].values(), request)
            case ["GET", "project", key, "version"]:
                rows = [row for row in self.tables["versions"].values() if str(row["projectId"]) == key]
                return self._list("versions", rows, request)
            case ["GET", "project", key]:
                found = [row for row in self.tables["projects"].values() if key in (row["id"], row["key"])]
                return Response.json_of(_shown(found[0])) if found else _error(404, f"No project '{key}'")
            case ["POST", "search", "jql"]:
                return self._search(request)
            case ["GET", "issue", ident] if ident in self.tables["issues"]:
                names = request.query.get("fields", "").split(",")
                return Response.json_of(_chosen(self.tables["issues"][ident], names))
            case ["GET", "worklog", "updated"]:
                return self._updated(request)
            case ["POST", "worklog", "list"]:
                ids = [str(ident) for ident in request.json()["ids"]]
                logs = self.tables["worklogs"]
                return Response.json_of([_shown(logs[ident]) for ident in ids if ident in logs])
            case ["PUT", "issue", issue, *rest, "properties", "billsync"] if issue in self.tables["issues"]:
                self.marks["/".join(["issue", issue, *rest])] = request.json()
                return Response(status=200)
        return _error(404, "Issue does not exist or you do not have permission to see it.")

    def _list(self, table: str, rows: Iterable[Row], request: Request) -> Response:
        query, every = self.asked(request), [_shown(row) for row in rows]
        if int(query.get("maxResults", 50)) > 100:
            return _error(400, "maxResults")
        start = int(query.get("startAt", 0))
        found, after = self.page(table, every, start)
        bare: Row = {"startAt": start, "maxResults": self.page_size, "total": len(every), "isLast": after is None}
        if after is not None:
            again = {"turn": self.turn} if after == start else {}
            link = urlencode({"startAt": after, "maxResults": self.page_size, **again})
            bare["nextPage"] = f"{self.url}{request.path}?{link}"
        return Response.json_of({"values": found, **bare})

    def _search(self, request: Request) -> Response:
        asked = request.json()
        jql, fields = asked["jql"], asked.get("fields", ["id"])
        if not 1 <= asked.get("maxResults", 50) <= 5000 or len(asked.get("reconcileIssues", ())) > 50:
            return _error(400, "maxResults or reconcileIssues is out of bounds")
        condition = jql.partition("ORDER BY")[0].strip()
        if not condition:
            return _error(400, "Unbounded JQL queries are not allowed here.")
        hidden = self.archived | self.unindexed - set(map(str, asked.get("reconcileIssues", ())))
        shown = {ident: row for ident, row in self.tables["issues"].items() if ident not in hidden}
        try:
            ordered = sorted(
                ((int(ident), row) for ident, row in shown.items() if self._meets(ident, row, condition)),
                key=lambda pair: pair[0],
            )
        except LookupError as error:
            return _error(400, str(error.args[0]))
        token = b64decode(asked.get("nextPageToken", "")).decode()
        before = int(token.partition(":")[2] or 0)
        numbers = [number for number, _ in ordered]
        found, after = self.page("issues", [row for _, row in ordered], sum(number <= before for number in numbers))
        issues = [_chosen(row, fields) for row in found]
        if after is None:
            return Response.json_of({"issues": issues, "isLast": True})
        last = numbers[after - 1] if after else 0
        following = b64encode(f"{self.turn}:{last}".encode()).decode()
        return Response.json_of({"issues": issues, "isLast": False, "nextPageToken": following})

    def _meets(self, ident: str, row: Row, condition: str) -> bool:
        """The few forms of JQL that are asked here, joined by AND."""
        fields = row["fields"]
        for term in (part.strip("() ") for part in condition.split(" AND ")):
            if listed := re.fullmatch(r"id in \(?([\d, ]+)", term):
                good = ident in listed[1].split(", ")
            elif kind := re.fullmatch(r"issuetype = (\w+)", term):
                good = fields["issuetype"]["name"] == kind[1]
            elif homes := re.fullmatch(r"project in \(?(.+)", term):
                good = self._at_home(row, [key.strip('" ') for key in homes[1].split(",")])
            elif term == "parent is not EMPTY":
                good = fields["parent"] is not None
            else:
                raise LookupError(f"Error in the JQL Query: {term}")
            if not good:
                return False
        return True

    def _at_home(self, row: Row, keys: Sequence[str]) -> bool:
        known = {name for home in self.tables["projects"].values() for name in (home["id"], home["key"])}
        if unknown := [key for key in keys if key not in known]:
            raise LookupError(f"The value '{unknown[0]}' does not exist for the field 'project'.")
        home = row["fields"]["project"]
        return bool({home.get("id"), home.get("key")} & set(keys))

    def _updated(self, request: Request) -> Response:
        since = int(self.asked(request).get("since", 0))
        every = sorted(self.tables["worklogs"].values(), key=lambda row: int(row["updated"]))
        rows = [row for row in every if int(row["updated"]) >= since]
        found, after = self.page("worklogs", rows, 0)
        until = int(found[-1]["updated"]) if found else since
        values = [{"worklogId": int(row["id"]), "updatedTime": int(row["updated"]), "properties": []} for row in found]
        following = {"since": until + 1} if after else {"since": since, **({} if found else {"turn": self.turn})}
        link = f"{self.url}{request.path}?{urlencode(following)}"
        body = {"values": values, "since": since, "until": until, "lastPage": after is None, "nextPage": link}
        return Response.json_of(body)


def _state(category: str, at: datetime | None) -> Row:
    status = {"name": _STATUS[category], "statusCategory": {"id": 1, "key": category, "name": _STATUS[category]}}
    return {"status": status, "statuscategorychangedate": _local(at) if at else None}


def _local(at: datetime) -> str:
    return at.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M:%S.000%z")


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "updated"}


def _chosen(row: Row, names: Sequence[str]) -> Row:
    fields = {name: value for name, value in row.get("fields", {}).items() if name in names}
    return {**{name: row[name] for name in ("id", "key") if name in row}, "fields": fields}


def _error(status: int, message: str) -> Response:
    return Response.json_of({"errorMessages": [message], "errors": {}}, status)
