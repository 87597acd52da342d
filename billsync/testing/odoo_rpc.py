"""JSON-RPC as Odoo speaks it: log-ins that answer false, errors in status 200, domains, fields that must exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from billsync.testing.server import PAGE, Request, Response

DATABASE: Final = "firm"
LOGIN: Final = "billing-bot@example.com"
KEY: Final = "made-up-odoo-key-91ab40"
UID: Final = 6
Json = Any
Call = tuple[str, str, list[Any], dict[str, Any]]
"""Model, method, positional and named arguments."""


class OdooError(Exception):
    """An error as the server names it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


def account(url: str, **more: Any) -> dict[str, Any]:
    """Options that open a fake database."""
    return {"url": url, "database": DATABASE, "login": LOGIN, "key": KEY, **more}


def called(request: Request) -> Call:
    """What a request calls; nothing for a log-in."""
    params = request.json()["params"]
    if params["service"] != "object":
        return "", "", [], {}
    model, method, args, named = params["args"][3:7]
    return model, method, args, named


def served(request: Request, run: Callable[[Call], Json], *, key: str = KEY) -> Response:
    """The answer to a JSON-RPC request. A method that answers None leaves the result out."""
    if request.path != "/jsonrpc":
        return Response(status=404, body=PAGE, headers={"Content-Type": "text/html"})
    params = request.json()["params"]
    head: dict[str, Any] = {"jsonrpc": "2.0", "id": request.json()["id"]}
    if params["service"] == "common":
        good = params["args"][:3] == [DATABASE, LOGIN, key]
        return Response.json_of({**head, "result": UID if good else False})
    try:
        if params["args"][:3] != [DATABASE, UID, key]:
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        result = run(called(request))
    except OdooError as error:
        data = {"name": error.name, "debug": "Traceback (most recent call last): ...", "message": error.message}
        fault = {"code": 200, "message": "Odoo Server Error", "data": {**data, "arguments": [error.message]}}
        return Response.json_of({**head, "error": fault})
    return Response.json_of(head if result is None else {**head, "result": result})


def selected(rows: Iterable[Json], call: Call) -> Json:
    """`search_read` or `search_count` of rows; a field that nobody has is an error."""
    model, method, args, named = call
    found = sorted((row for row in rows if matches(row, args[0])), key=lambda row: int(row.get("id", 0)))
    if method == "search_count":
        return len(found)
    if method != "search_read":
        raise OdooError("builtins.AttributeError", f"The method '{model}.{method}' does not exist")
    return [shown(row, named["fields"], model) for row in found[: named.get("limit") or None]]


def shown(row: Json, fields: Sequence[str], model: str) -> Json:
    """The wanted fields of a row; one that the fake took away is left out."""
    unknown = [name for name in fields if name not in row and name not in row.get("_gone", ())]
    if unknown:
        raise OdooError("builtins.ValueError", f"Invalid field '{unknown[0]}' on model '{model}'")
    return {name: row[name] for name in ("id", *fields) if name in row}


def matches(row: Mapping[str, Any], domain: Iterable[Sequence[Any]]) -> bool:
    """Whether all terms hold. A field that the row lacks lets it pass: then the connector must say so."""
    return all(_holds(row, *term) for term in domain)


def _holds(row: Mapping[str, Any], field: str, operator: str, wanted: Any) -> bool:
    if field not in row:
        return True
    value = row[field][0] if isinstance(row[field], list) and row[field] else row[field]
    match operator:
        case "=" | "!=":
            return bool(value == wanted) == (operator == "=")
        case "in":
            return value in wanted
        case "=like":
            return str(value).startswith(str(wanted).removesuffix("%"))
        case ">":
            return bool(value > wanted)
        case ">=":
            return bool(value >= wanted)
        case "<=":
            return bool(value <= wanted)
    raise OdooError("builtins.ValueError", f"Invalid operator {operator!r} in domain term")


def clock_text(at: datetime) -> str:
    """A time as Odoo shows it."""
    return at.strftime("%Y-%m-%d %H:%M:%S")
