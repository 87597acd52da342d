"""Credentials that need a call of their own first: a session log-in, a CSRF token with its cookies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

from billsync.http import errors
from billsync.http.auth import Flow
from billsync.http.call import decode
from billsync.http.client import httpx
from billsync.http.parts import Parts
from billsync.http.paths import values_at, with_member
from billsync.model.errors import AuthFailed, BadAnswer, RateLimited
from billsync.sdk.api import Csrf, SessionLogin
from billsync.sdk.exact import exact_json

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class SessionAuth(httpx.Auth):
    """Logs in when first needed and again when the session has ended; keeps the key in memory only."""

    requires_response_body = True

    def __init__(
        self,
        declared: SessionLogin,
        *,
        parts: Parts,
        address: Callable[[str], str],
        expired: Callable[[httpx.Response], bool],
    ) -> None:
        self._declared = declared
        self._parts = parts
        self._address = address
        self._expired = expired
        self._key: str | None = None
        self._turn = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Flow:
        key = self._logged_in(stale=None)
        self._put(request, key)
        response = yield request
        if self._expired(response):
            self._put(request, self._logged_in(stale=key))
            yield request

    def _put(self, request: httpx.Request, key: str) -> None:
        with_cookies(request, self._parts.client)
        if self._declared.token_at:
            request.headers[self._declared.header] = f"{self._declared.prefix}{key}"

    def _logged_in(self, *, stale: str | None) -> str:
        """The session key ("" where cookies are all): this thread's log-in, or that of another one meanwhile."""
        with self._turn:
            if self._key is None or self._key == stale:
                self._key = self._login()
            return self._key

    def _login(self) -> str:
        declared, parts = self._declared, self._parts
        body: object = {}
        for member, option in declared.body.items():
            body = with_member(body, member, parts.values.option(option))
        address = self._address(declared.path)
        place = parts.redactor.text(errors.where(parts.account, "POST", address))
        try:
            response = parts.client.post(
                address,
                content=exact_json(body),
                headers={"content-type": "application/json", "accept": "application/json", "user-agent": parts.agent},
            )
        except httpx.RequestError as error:
            failed = errors.of_wire(error, account=parts.account, place=place)
            failed.sent = False
            raise failed from None
        return self._read(response, place)

    def _read(self, response: httpx.Response, place: str) -> str:
        hint = "compare user, password and key of this account with the vendor's settings"
        if response.status_code >= 500:
            raise errors.unavailable(response.status_code, account=self._parts.account, place=place)
        if response.status_code == 429:
            what = "the vendor allows no further log-in now"
            again = errors.hint_for(RateLimited, self._parts.account)
            raise RateLimited(what, where=place, hint=again, status=429, sent=False)
        if response.status_code >= 300:
            what = f"the log-in was refused ({response.status_code})"
            raise AuthFailed(what, where=place, hint=hint, status=response.status_code, sent=False)
        if not self._declared.token_at:
            return f"session {id(response)}"  # differs from log-in to log-in; the cookies are what counts
        try:
            found = values_at(decode(response.content, where=place), self._declared.token_at)
        except BadAnswer:
            found = []
        if not found or not isinstance(found[0], str | int) or found[0] in ("", False):
            raise AuthFailed("the log-in gave no session", where=place, hint=hint, sent=False)
        self._parts.redactor.learn(str(found[0]))
        return str(found[0])


class CsrfAuth(httpx.Auth):
    """Puts the CSRF token and the cookies that belong to it on each write; fetches a new pair once when refused."""

    requires_response_body = True

    def __init__(self, declared: Csrf, inner: httpx.Auth, *, parts: Parts, address: Callable[[str], str]) -> None:
        self._declared = declared
        self._inner = inner
        self._parts = parts
        self._address = address
        self._token: str | None = None
        self._turn = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Flow:
        if request.method in _READS:
            yield from self._inner.auth_flow(request)
            return
        token = self._fetched(stale=None)
        self._put(request, token)
        response = yield from _last(self._inner.auth_flow(request))
        if self._refused(response):
            self._put(request, self._fetched(stale=token))
            yield from self._inner.auth_flow(request)

    def _put(self, request: httpx.Request, token: str) -> None:
        with_cookies(request, self._parts.client)
        request.headers[self._declared.header] = token

    def _refused(self, response: httpx.Response) -> bool:
        """True for "your token is not valid", not for a right that is missing."""
        named = response.headers.get(self._declared.header, "").lower() == "required"
        return response.status_code in self._declared.expired and (named or "csrf" in response.text.lower())

    def _fetched(self, *, stale: str | None) -> str:
        with self._turn:
            if self._token is None or self._token == stale:
                self._token = self._fetch()
            return self._token

    def _fetch(self) -> str:
        """The token, whatever the status: some services answer 405 and send it all the same."""
        parts, address = self._parts, self._address(self._declared.path)
        place = parts.redactor.text(errors.where(parts.account, "GET", address))
        headers = {self._declared.header: self._declared.fetch, "user-agent": parts.agent, "accept": "application/json"}
        try:
            response = parts.client.get(address, headers=headers, auth=self._inner)
        except httpx.RequestError as error:
            failed = errors.of_wire(error, account=parts.account, place=place)
            failed.sent = False
            raise failed from None
        token = str(response.headers.get(self._declared.header, ""))
        if not token or token.lower() == "required":
            what = f"no CSRF token came ({response.status_code})"
            raise AuthFailed(what, where=place, hint="is the service active for this user?", sent=False)
        parts.redactor.learn(token)
        return token


def _last(flow: Flow) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
    """Runs a flow inside another one; its last response."""
    request = next(flow)
    while True:
        response = yield request
        try:
            request = flow.send(response)
        except StopIteration:
            return response


def with_cookies(request: httpx.Request, client: httpx.Client) -> None:
    """Replace the cookies of a request, which was built before the log-in, by those of now."""
    request.headers.pop("cookie", None)
    client.cookies.set_cookie_header(request)
