"""The session of one account: what a connector sees as `self.http`.

It joins the declared Api, the account's options and its token store to one line (exchange.py) and offers reads,
writes and rows on it. Open one per account and poll; threads may share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlencode

from billsync.http import expiry
from billsync.http.addresses import Addresses
from billsync.http.call import Call, Reply
from billsync.http.client import httpx
from billsync.http.credential import chosen, credential
from billsync.http.exchange import Exchange
from billsync.http.jobs import awaited
from billsync.http.limits import Gate
from billsync.http.oauth2 import OAuth2Auth
from billsync.http.pages import walk
from billsync.http.parts import Parts
from billsync.http.retry import Patience
from billsync.http.stats import Stats
from billsync.http.tokens import Token, TokenStore
from billsync.http.turns import Ask, below_data, in_variables
from billsync.model.errors import SecretError, UsageError
from billsync.sdk.api import GRAPHQL_SUCCESS, Api, Json, OAuth2, Params, Success
from billsync.sdk.exact import exact_json
from billsync.sdk.options import Options
from billsync.sdk.paging import Pages, Relay
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
        tokens: TokenStore | None = None,
        on_event: Callable[[str], None] | None = None,
    ) -> None:
        self.api = api = chosen(api, options, account=account)
        self.account = account
        self.stats = Stats()
        self._options = options
        self._oauth: OAuth2Auth | None = None
        self._parts = Parts(api, options, account=account, transport=transport, members=self._members)
        if isinstance(api.auth, OAuth2):
            store = tokens or TokenStore.for_account(state, account)
            self._oauth = OAuth2Auth(api, api.auth, store, parts=self._parts, now=now)
        self._addresses = Addresses(api, options, values=self._parts.values, granted=self._granted)
        waits = Patience(int(patience), sleep=sleep, stats=self.stats, tell=on_event or (lambda text: None))
        self._gate = Gate(
            api.limits, account=account, state=state, concurrency=api.concurrency, now=now, patience=waits
        )
        self._exchange = Exchange(
            api=api,
            parts=self._parts,
            auth=credential(api, parts=self._parts, oauth=self._oauth, address=self._addresses.url),
            addresses=self._addresses,
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
        self._parts.client.close()
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
            url=self._addresses.url(path, params),
            headers={**media, **(headers or {})},
            content=body,
            reads=False,
            keyed=keyed,
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
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[dict[str, Json]]:
        ask = Ask(params=dict(params or {}), body=body, headers=dict(headers or {}))
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

    def job(
        self,
        path: str,
        params: Params | None = None,
        *,
        at: str,
        done: Sequence[str],
        failed: Sequence[str] = (),
        every: int = 5,
        body: Json = None,
    ) -> Json:
        call = self._reading(path, params, body=body)
        return awaited(self._exchange, call, at=at, done=done, failed=failed, every=every)

    def token_member(self, name: str) -> str:
        value = self._members().get(name)
        if value is None:
            raise SecretError(
                f"the log-in of this account left no {name!r}",
                where=self.account,
                hint=f"billsync auth login {self.account}",
            )
        return value

    def expiries(self) -> list[expiry.Expiry]:
        """What of this account's credentials ends, and when, soonest first. Makes no call."""
        found = expiry.of_options(dict(self._options))
        if self._oauth:
            found += expiry.of_token(self._oauth.known())
        if self.api.certificate:
            found.append(expiry.of_certificate(Path(self._parts.values.option(self.api.certificate.certificate))))
        return sorted(found, key=lambda one: one.at)

    # ---- How it is put together ------------------------------------------------------------------------------

    def _page(self, path: str, turn: Ask, success: tuple[Success, ...] | None = None) -> Reply:
        call = self._reading(path, turn.params, turn.headers, body=turn.body)
        reply = self._exchange.send(replace(call, url=turn.link or call.url, success=success))
        self.stats.add(pages=1)
        return reply

    def _reading(
        self, path: str, params: Params | None, headers: Mapping[str, str] | None = None, *, body: Json = None
    ) -> Call:
        media, content = _written(body, None, None)
        return Call(
            method="GET" if body is None else "POST",
            url=self._addresses.url(path, params),
            headers={**media, **(headers or {})},
            content=content,
            reads=True,
            timeout=self.api.read_timeout,
        )

    def _members(self) -> Mapping[str, str]:
        token = self._oauth.known() if self._oauth else None
        return token.members if token else {}

    def _granted(self) -> Token:
        if self._oauth is None:
            raise UsageError("this account has no OAuth 2 token", where=self.account)
        return self._oauth.current()


def _written(json: Json, form: Mapping[str, str] | None, content: bytes | None) -> tuple[dict[str, str], bytes | None]:
    """Media type and bytes of a body: JSON, a form, or bytes whose type the caller names in the headers."""
    if content is not None:
        return {}, content
    if form is not None:
        return {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode()
    if json is not None:
        return {"content-type": "application/json"}, exact_json(json)
    return {}, None
