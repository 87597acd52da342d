"""The session of one account: what a connector sees as `self.http`.

It joins the declared Api, the account's options and its token store to one line (exchange.py) and offers reads,
writes and rows on it. Open one per account and poll; threads may share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlencode

from billsync import __version__
from billsync.http.auth import OAuth1Auth, fixed
from billsync.http.call import Call, Reply, encode, query, with_query
from billsync.http.client import httpx, new_client
from billsync.http.exchange import Exchange
from billsync.http.fill import Values
from billsync.http.hosts import Hosts
from billsync.http.limits import Gate
from billsync.http.pages import walk
from billsync.http.redact import Redactor
from billsync.http.retry import Patience
from billsync.http.stats import Stats
from billsync.http.turns import Ask, below_data, in_variables
from billsync.model.errors import SecretError, UsageError
from billsync.sdk.api import (
    GRAPHQL_SUCCESS,
    Api,
    Json,
    NoAuth,
    OAuth1,
    OAuth2,
    Pages,
    Params,
    Relay,
    SessionLogin,
    Success,
)
from billsync.sdk.options import Options
from billsync.sdk.parse import need


class Session:
    """Implements sdk.api.Http. `sleep` and `now` are injected; `patience` is the seconds that waits may sum to."""

    def __init__(
        self,
        api: Api,
        options: Options,
        *,
        account: str,
        state: Path,
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
        patience: float = 900,
        transport: httpx.BaseTransport | None = None,
        tokens: Any = None,
        on_event: Callable[[str], None] | None = None,
    ) -> None:
        self.api = api
        self.account = account
        self.stats = Stats()
        self._options = options
        self._redactor = Redactor(options.secrets())
        self._values = Values(options, account=account, members=self._members)
        self._client = new_client(transport=transport, connections=api.concurrency)
        waits = Patience(int(patience), sleep=sleep, stats=self.stats, tell=on_event or (lambda text: None))
        self._gate = Gate(
            api.limits, account=account, state=state, concurrency=api.concurrency, now=now, patience=waits
        )
        self._exchange = Exchange(
            api=api,
            account=account,
            client=self._client,
            auth=self._auth(),
            hosts=self._hosts,
            headers=self._headers,
            agent=self._agent(),
            redactor=self._redactor,
            gate=self._gate,
            patience=waits,
            stats=self.stats,
            now=now,
        )

    def __repr__(self) -> str:
        return f"Session({self.account!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the budgets' files."""
        self._client.close()
        self._gate.close()

    # ---- What a connector calls ------------------------------------------------------------------------------

    def get(self, path: str, params: Params | None = None, *, headers: Mapping[str, str] | None = None) -> Json:
        return self._exchange.send(self._reading(path, params, headers=headers)).json()

    def read(self, path: str, json: Json = None, params: Params | None = None) -> Json:
        return self._exchange.send(self._reading(path, params, body={} if json is None else json)).json()

    def answer(self, path: str, params: Params | None = None, *, headers: Mapping[str, str] | None = None) -> Reply:
        call = self._reading(path, params, headers=headers)
        return self._exchange.send(replace(call, expects="anything"))

    def write(
        self,
        method: Literal["POST", "PUT", "PATCH", "DELETE"],
        path: str,
        json: Json = None,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        keyed: bool = False,
    ) -> Reply:
        media, body = _written(json, form, content)
        call = Call(
            method=method,
            url=self._url(path, params),
            headers={**media, **(headers or {})},
            content=body,
            repeatable=keyed,
            timeout=self.api.write_timeout,
            expects="anything",
        )
        return self._exchange.send(call)

    def rows(
        self,
        path: str,
        params: Params | None = None,
        *,
        at: str = "",
        unique: str = "id",
        pages: Pages | None = None,
        body: Json = None,
    ) -> Iterator[dict[str, Json]]:
        ask = Ask(params=dict(params or {}), body=body)
        return walk(pages or self.api.pages, ask, lambda turn: self._page(path, turn), at=at, unique=unique)

    def graphql(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        *,
        path: str = "",
        at: str = "",
        unique: str = "id",
        pages: Pages | None = None,
    ) -> Iterator[dict[str, Json]]:
        body = {"query": query, "variables": dict(variables or {})}
        turning = in_variables(pages or self.api.pages)
        tests = (*self.api.success, GRAPHQL_SUCCESS)

        def fetch(turn: Ask) -> Reply:
            return self._page(path, turn, tests)

        if not at and not isinstance(turning, Relay):
            return iter([need(fetch(Ask(body=body)).json(), "data")])
        return walk(turning, Ask(body=body), fetch, at=below_data(at), unique=unique)

    def token_member(self, name: str) -> str:
        value = self._members().get(name)
        if value is None:
            raise SecretError(
                f"the log-in of this account left no {name!r}",
                where=self.account,
                hint=f"billsync auth login {self.account}",
            )
        return value

    # ---- How it is put together ------------------------------------------------------------------------------

    def _page(self, path: str, turn: Ask, success: tuple[Success, ...] | None = None) -> Reply:
        call = self._reading(turn.link or path, None if turn.link else turn.params, turn.headers, body=turn.body)
        reply = self._exchange.send(call if success is None else replace(call, success=success))
        self.stats.add(pages=1)
        return reply

    def _reading(
        self, path: str, params: Params | None, headers: Mapping[str, str] | None = None, *, body: Json = None
    ) -> Call:
        media, content = _written(body, None, None)
        return Call(
            method="GET" if body is None else "POST",
            url=self._url(path, params, verbatim="://" in path and params is None),
            headers={**media, **(headers or {})},
            content=content,
            repeatable=True,
            timeout=self.api.read_timeout,
        )

    def _url(self, path: str, params: Params | None, *, verbatim: bool = False) -> str:
        """The address of a path below the base URL; a whole address stays what it is."""
        if verbatim:
            return path
        filled = self._values.fill_path(path)
        url = filled if "://" in filled else self._base()
        if filled and filled != url:
            url = f"{url.rstrip('/')}/{filled.lstrip('/')}"
        constant = {name: self._values.fill(value) for name, value in self.api.params.items()}
        return with_query(url, query({**constant, **(params or {})}, self.api.list_style))

    def _base(self) -> str:
        return self._options.base_url or self._values.fill(self.api.base_url)

    def _members(self) -> Mapping[str, str]:
        return {}

    def _hosts(self) -> Hosts:
        trusted = [self._values.fill(host) for host in self.api.hosts]
        return Hosts(self._base(), trusted=trusted, downloads=[self._values.fill(h) for h in self.api.download_hosts])

    def _headers(self) -> Mapping[str, str]:
        return {name: self._values.fill(value) for name, value in self.api.headers.items()}

    def _agent(self) -> str:
        contact = self._values.known("contact")
        return f"billsync/{__version__}" + (f" (+{contact})" if contact else "")

    def _auth(self) -> httpx.Auth:
        declared = self.api.auth
        match declared:
            case NoAuth():
                return httpx.Auth()
            case OAuth1():
                return OAuth1Auth(declared, self._values)
            case OAuth2() | SessionLogin():
                raise UsageError("this kind of credential is not carried out yet", where=self.account)
            case _:
                return fixed(declared, self._values, self._redactor)


def _written(json: Json, form: Mapping[str, str] | None, content: bytes | None) -> tuple[dict[str, str], bytes | None]:
    """Media type and bytes of a body: JSON, a form, or bytes whose type the caller names in the headers."""
    if content is not None:
        return {}, content
    if form is not None:
        return {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode()
    if json is not None:
        return {"content-type": "application/json"}, encode(json)
    return {}, None
