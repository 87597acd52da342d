"""Odoo, called: JSON-RPC of versions 17 to 19, the key in each call, rows in the order of their ids, false for nothing.

A list ends only where Odoo says that nothing comes after the last id: rows never shift under pages, whatever changes.
JSON-RPC is deprecated from 19 on and announced to go with 22. A key ends after at most 90 days from 18 on, and nobody
can ask when: write the date down.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from billsync.model.errors import AuthFailed, BadAnswer
from billsync.sdk import Api, BodyCredentials, Field, Http, Options, Secret, Single, Success
from billsync.sdk.api import Json
from billsync.sdk.parse import dig, need

RPC: Final = "/jsonrpc"
OVERLAP: Final = timedelta(minutes=30)
# Where `false` means no, not nothing.
_FLAGS: Final = frozenset("active is_reached is_move_sent price_include validated".split())


class DatabaseOptions(Options):
    """One database, and the user in whose name it is called."""

    url: str = Field(description="Address of the server, e.g. https://firm.odoo.com.")
    database: str = Field(description="Name of the database: Settings, Developer tools, or the list at /web/database.")
    login: str = Field(description="Login of the user whose key it is.")
    key: Secret = Field(description="API key of that user: Preferences, Account Security, New API Key.")
    company: int | None = Field(default=None, description="Id of the company, where the user sees several.")
    page_size: int = Field(default=500, ge=1, le=10_000, description="Rows asked for at a time.")


API: Final = Api(
    base_url="{url}",
    auth=BodyCredentials({"params.args.2": "key"}),
    success=(
        Success(
            at="error",
            absent=True,
            message_at="error.data.message",
            fails_as="Refused",  # each call is one transaction: an error has written nothing
            named_at="error.data.name",
            named={
                "odoo.exceptions.AccessDenied": "AuthFailed",
                "odoo.exceptions.AccessError": "Denied",
                "odoo.exceptions.MissingError": "Missing",
            },
        ),
    ),
    message_at=("error.data.message", "message"),
)


class Database:
    """Calls of one session. The session puts the key in its place, so that no call here holds it."""

    def __init__(self, http: Http, options: DatabaseOptions, account: str) -> None:
        self._http, self._options, self._account = http, options, account
        self._known: dict[tuple[str, str], str] = {}

    @cached_property
    def uid(self) -> int:
        """The user's id, asked once a session. AuthFailed: Odoo answers false to any bad login or key."""
        options = self._options
        args = [options.database, options.login, "", {}]
        uid = dig(self._http.read(RPC, _rpc("common", "authenticate", args)), "result")
        if uid is False:
            hint = f"a new key may be due: Odoo ends them; billsync auth login {self._account}"
            raise AuthFailed("the login or the key is not accepted", where=self._account, hint=hint, sent=False)
        if not isinstance(uid, int):
            raise BadAnswer("the answer to the log-in names no user", where=self._account)
        return uid

    def body(self, model: str, method: str, args: Sequence[Json], named: Mapping[str, Json] | None = None) -> Json:
        """The JSON of a call, without the key; the company goes along as context."""
        options, named = self._options, dict(named or {})
        if options.company is not None:
            named["context"] = {**named.get("context", {}), "allowed_company_ids": [options.company]}
        arguments = [options.database, self.uid, "", model, method, list(args), named]
        return _rpc("object", "execute_kw", arguments)

    def ask(self, model: str, method: str, args: Sequence[Json], named: Mapping[str, Json] | None = None) -> Json:
        """The answer to a call that only reads."""
        return need(self._http.read(RPC, self.body(model, method, args, named)), "result")

    def do(self, model: str, method: str, args: Sequence[Json]) -> None:
        """A write whose answer does not matter: done unless it is an error. Some methods answer without a result."""
        answer = self._http.write("POST", RPC, self.body(model, method, args)).json()
        need(answer, "jsonrpc")

    def rows(
        self, model: str, domain: Sequence[Json], fields: str, *, archived: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Rows of a model with the named fields, each once; None where Odoo says false."""
        last, seen, empty = 0, set[int](), 0
        context = {"active_test": not archived}
        while True:
            beyond = [["id", ">", last], *domain]
            named = {"fields": fields.split(), "limit": self._options.page_size, "order": "id", "context": context}
            body = self.body(model, "search_read", [beyond], named)
            page = list(self._http.rows(RPC, at="result", body=body, pages=Single()))
            fresh = [row for row in page if row["id"] not in seen]
            yield from map(cleaned, fresh)
            seen.update(row["id"] for row in fresh)
            last = max((last, *(row["id"] for row in page)))
            if page and not fresh:
                raise BadAnswer(f"a further page of {model} brought no new row", where=self._account)
            if len(page) < self._options.page_size:
                more = self.ask(model, "search_count", [[["id", ">", last], *domain]], {"context": context})
                if more == 0:
                    return
                empty = 0 if page else empty + 1
                if empty > 1:
                    raise BadAnswer(f"empty pages of {model}, though {more} rows follow", where=self._account)

    def known(self, model: str, wanted: str) -> str:
        """Those of the wanted fields that the model has: what it has depends on the installed modules."""
        if (model, wanted) not in self._known:
            there = self.ask(model, "fields_get", [wanted.split(), ["type"]])
            self._known[model, wanted] = " ".join(name for name in wanted.split() if name in there)
        return self._known[model, wanted]

    def count(self, model: str, domain: Sequence[Json]) -> int:
        """How many rows the user sees."""
        found: int = self.ask(model, "search_count", [list(domain)])
        return found


def changed_since(moment: datetime | None) -> list[Json]:
    """The domain of what was written since; nothing for None. A row bears the time at which its transaction began."""
    if moment is None:
        return []
    return [["write_date", ">=", (moment - OVERLAP).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")]]


def instant_text(text: str) -> str:
    """Odoo's times are UTC without saying so."""
    return f"{text.replace(' ', 'T')}Z"


def _rpc(service: str, method: str, args: Sequence[Json]) -> Json:
    params = {"service": service, "method": method, "args": list(args)}
    return {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}


def cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with None where `false` means nothing."""
    return {name: None if value is False and name not in _FLAGS else value for name, value in row.items()}
