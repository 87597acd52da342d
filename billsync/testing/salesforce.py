"""Salesforce on loopback: SOQL as billsync writes it, describe, cursors, three ways in, quota as 403."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from billsync.sdk.parse import dig, instant
from billsync.testing.clock import Clock
from billsync.testing.oauth import CLIENT
from billsync.testing.server import Request, Response
from billsync.testing.tracker import FakeTracker, Row

_DATA: Final = "/services/data/v62.0/"
_SOQL: Final = re.compile(
    r"SELECT (?P<what>.+?) FROM (?P<name>\w+)(?: WHERE (?P<where>.+?))?(?: ORDER BY Id(?P<down> DESC)?)?"
    r"(?: LIMIT (?P<limit>\d+))?"
)
_CONDITION: Final = re.compile(r"([\w.]+) (=|!=|>=|<=) ('[^']*'|\S+)")
ALWAYS: Final = {"Id": "id", "Name": "string", "SystemModstamp": "datetime", "IsDeleted": "boolean"}


class FakeSalesforce(FakeTracker):
    """One org. `fields`: object -> field -> type; a lookup `X__c` of type `reference` has the parent `X__r`."""

    unique = "Id"
    changed = "SystemModstamp"
    token_path = "/services/oauth2/token"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3) -> None:
        super().__init__(clock=clock, page_size=page_size)
        self.fields: dict[str, dict[str, str]] = {}
        self.bin: list[str] = []
        self._cursors: list[tuple[str, list[Row], list[str]]] = []
        self._ids = 0

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `salesforce` that is this org; the token answer names its address."""
        return {**self.grants.options(f"{self.url}{self.token_path}"), **more}

    def secrets(self) -> list[str]:
        return [CLIENT[1], *self.grants.given]

    # ---- Records ---------------------------------------------------------------------------------------------

    def describe(self, name: str, **fields: str) -> None:
        """An object with these fields beside those that all have."""
        self.fields[name] = {**ALWAYS, **fields}

    def add(self, name: str, **values: Any) -> str:
        """A row; fields that are not told are null. A parent's members are told as `Parent__r={...}`."""
        self._ids += 1
        ident = f"a1B5e{self._ids:010d}AAV"
        empty = dict.fromkeys(self.fields[name])
        parents = dict.fromkeys(map(_parent, self._lookups(name)))
        self.insert(name, {**empty, **parents, "Id": ident, "Name": f"Row {self._ids}", "IsDeleted": False,
                           self.changed: self.stamp(), **values})  # fmt: skip
        return ident

    def edit(self, table: str, ident: int | str, **members: Any) -> Row:
        """Change fields; names of custom ones hold `__` themselves."""
        row = self.tables[table][str(ident)]
        row.update(members)
        row[self.changed] = self.stamp()
        return row

    def delete(self, table: str, ident: int | str) -> Row:
        self.bin.append(table)
        return super().delete(table, ident)

    def stamp(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def asked_for(self, request: Request) -> str:
        """The object whose rows a request asks for; "" for other requests."""
        if request.path == f"{_DATA}query" and (match := _SOQL.fullmatch(request.query["q"])):
            return match["name"]
        if request.path.startswith(f"{_DATA}query/"):
            return self._cursors[int(request.path.rpartition("/")[2].split("-")[1])][0]
        return ""

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            return self._token(request)
        if not self.grants.alive(request):
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        path = request.path.removeprefix(_DATA).split("/")
        match [request.method, *path]:
            case ["GET", "query"]:
                return self._query(request.query["q"])
            case ["GET", "queryAll"]:
                name = request.query["q"].split(" FROM ")[1].split()[0]
                return Response.json_of({"totalSize": self.bin.count(name), "done": True, "records": []})
            case ["GET", "query", locator]:
                number, start = (int(part) for part in locator.split("-")[1:3])
                return self._batch(number, start)
            case ["GET", "sobjects", name, "describe"] if name in self.fields:
                return Response.json_of({"name": name, "fields": self._described(name)})
            case ["PATCH", "sobjects", name, ident] if ident in self.tables.get(name, {}):
                self.edit(name, ident, **request.json())
                return Response(status=204)
        return _error(404, "NOT_FOUND", "The requested resource does not exist")

    def _token(self, request: Request) -> Response:
        """No `expires_in`: how long a session lives is the org's setting."""
        form, more = request.form, {"instance_url": self.url, "expires_in": None}
        if form.get("grant_type") == "refresh_token":
            answer: Response = self.grants.token(request, **more)
            return answer
        known = form.get("client_id") == CLIENT[0] and form.get("client_secret") == CLIENT[1]
        signed = form.get("grant_type", "").endswith("jwt-bearer") and form.get("assertion", "").count(".") == 2
        if not signed and not (form.get("grant_type") == "client_credentials" and known):
            return Response.json_of({"error": "invalid_grant", "error_description": "authentication failure"}, 400)
        issued: Response = self.grants.issue(**more, refresh_token=None)
        return issued

    def _lookups(self, name: str) -> list[str]:
        return [field for field, kind in self.fields[name].items() if kind == "reference"]

    def _described(self, name: str) -> list[Row]:
        parents = {field: _parent(field) for field in self._lookups(name)}
        return [
            {"name": field, "label": field.replace("_", " "), "type": kind, "relationshipName": parents.get(field)}
            for field, kind in self.fields[name].items()
        ]

    def _query(self, soql: str) -> Response:
        if soql == "SELECT Id, Name FROM Organization":
            rows = [{"Id": "00D5e000000AbCdEAK", "Name": "Made-up Builders"}]
            return Response.json_of({"totalSize": 1, "done": True, "records": rows})
        match = _SOQL.fullmatch(soql)
        if match is None:
            return _error(400, "MALFORMED_QUERY", f"unexpected token: {soql}")
        name = match["name"]
        if name not in self.fields:
            return _error(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        wanted = match["what"].split(", ")
        conditions = _CONDITION.findall((match["where"] or "").replace("(", "").replace(")", ""))
        known = {*self.fields[name], *map(_parent, self._lookups(name))}
        for field in (*wanted, *(entry[0] for entry in conditions)):
            if field.partition(".")[0] not in known:
                return _error(400, "INVALID_FIELD", f"No such column '{field}' on entity '{name}'")
        ignored = "q" in self.ignored
        rows = [row for row in self.tables[name].values() if ignored or all(_holds(row, *one) for one in conditions)]
        rows.sort(key=lambda row: str(row.get("Id")), reverse=bool(match["down"]))
        self._cursors.append((name, rows[: int(match["limit"] or len(rows))], wanted))
        return self._batch(len(self._cursors) - 1, 0)

    def _batch(self, number: int, start: int) -> Response:
        """Rows from a cursor, which was filled when the query came."""
        name, rows, wanted = self._cursors[number]
        found, after = self.page(name, rows, start)
        answer: Row = {"totalSize": len(rows), "done": after is None}
        if after is not None:
            answer["nextRecordsUrl"] = f"{_DATA}query/01gRO0000016PIAYA2-{number}-{after}-{self.turn}"
        return Response.json_of({**answer, "records": [_shown(row, wanted, name) for row in found]})


def _shown(row: Row, wanted: list[str], name: str) -> Row:
    """The selected fields; a row that lacks one shows it as little as the fake keeps it."""
    shown: Row = {"attributes": {"type": name, "url": f"{_DATA}sobjects/{name}/{row.get('Id')}"}}
    for field in wanted:
        first = field.partition(".")[0]
        if first in row:
            shown[first] = row[first]
    return shown


def _parent(field: str) -> str:
    """`Project__c` points to `Project__r`, `AccountId` to `Account`."""
    return f"{field.removesuffix('__c')}__r" if field.endswith("__c") else field.removesuffix("Id")


def _holds(row: Mapping[str, Any], field: str, operator: str, literal: str) -> bool:
    """A row that lacks what a condition looks at passes it: then the connector must say so."""
    if field.partition(".")[0] not in row:
        return True
    value = dig(row, field)
    wanted: Any = {"true": True, "false": False, "null": None}.get(literal, literal.strip("'"))
    if operator in ("=", "!="):
        return bool(value == wanted) == (operator == "=")
    left: Any = instant(value) if "T" in literal else str(value)
    right: Any = instant(wanted) if "T" in literal else wanted
    return bool(left >= right if operator == ">=" else left <= right)


def _error(status: int, code: str, message: str) -> Response:
    return Response.json_of([{"message": message, "errorCode": code}], status)
