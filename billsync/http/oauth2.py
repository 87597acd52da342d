"""OAuth 2: the access token on each request, and its refresh. The log-in of a person is in login.py.

A refresh is done by one thread of one process at a time; the rotated refresh token is stored before the new access
token is used, because a crash in between would otherwise lock the firm out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from billsync.http.auth import Flow, is_expired
from billsync.http.client import httpx
from billsync.http.endpoint import JWT_BEARER, InvalidGrant, TokenEndpoint
from billsync.http.parts import Parts
from billsync.http.tokens import Token, TokenStore
from billsync.model.errors import AuthFailed
from billsync.sdk.api import Api, OAuth2


class OAuth2Auth(httpx.Auth):
    """Puts the access token on a request; a refused one is refreshed once and the request sent again.

    That holds for writes too: a vendor that refuses the token has written nothing."""

    def __init__(
        self, api: Api, declared: OAuth2, store: TokenStore, *, parts: Parts, now: Callable[[], datetime]
    ) -> None:
        self._api = api
        self._declared = declared
        self._endpoint = TokenEndpoint(declared, parts=parts, now=now)
        self._store = store
        self._values = parts.values
        self._redactor = parts.redactor
        self._now = now
        self._held: Token | None = None
        self._turn = threading.Lock()

    requires_response_body = True

    def auth_flow(self, request: httpx.Request) -> Flow:
        token = self.current()
        request.headers["authorization"] = f"{self._declared.scheme} {token.access}"
        response = yield request
        if is_expired(response, self._api.expired, self._api.expired_body):
            token = self.renewed(stale=token.access)
            request.headers["authorization"] = f"{self._declared.scheme} {token.access}"
            yield request

    def current(self) -> Token:
        """A token that can be used now."""
        token = self.known()
        return token if token is not None and token.is_fresh(self._now()) else self.renewed(stale=None)

    def known(self) -> Token | None:
        """The token as it was last seen, fresh or not; None when there is none."""
        return self._held or self.stored()

    def stored(self) -> Token | None:
        """What the store holds, remembered, its secrets known to the redactor."""
        token = self._store.load()
        if token is not None:
            self._redactor.learn(token.access, token.refresh)
            self._held = token
        return token

    def renewed(self, *, stale: str | None) -> Token:
        """A token other than the stale one: another thread's or process's, else a new one, stored before it is used."""
        with self._turn, self._store.lock():
            token = self.stored()
            if token is not None and token.access != stale and token.is_fresh(self._now()):
                return token
            new = self._obtained(token)
            self._store.save(new)
            self._held = new
            return new

    def _obtained(self, token: Token | None) -> Token:
        declared = self._declared
        if declared.grant == "code":
            return self._refreshed(token)
        extra = {name: self._values.fill(value) for name, value in declared.extra.items()}
        if declared.grant == "assertion":
            raw = self._endpoint.ask(JWT_BEARER, {"assertion": self._endpoint.assertion(), **extra})
        else:
            raw = self._endpoint.ask("client_credentials", {"scope": self._endpoint.scope(), **extra})
        return self._endpoint.token(raw, old=token)

    def _refreshed(self, token: Token | None) -> Token:
        """By the stored refresh token, else by the option's. A dead one is compared with the store once more:
        a process that does not share our lock (another machine, one keyring) may have rotated it."""
        option = self._declared.refresh_token
        first = self._values.known(option) if option else None
        refresh = (token.refresh if token else None) or first
        if not refresh:
            raise self._login("nobody has logged in to this account yet")
        # A store that cannot be written is found out now: after the refresh the old token is dead.
        self._store.save(token or Token(access="", refresh=refresh))
        try:
            return self._by(refresh, token)
        except InvalidGrant as error:
            later = self.stored()
            if later is not None and later.refresh not in (None, refresh):
                return later if later.is_fresh(self._now()) else self._by(str(later.refresh), later)
            if first and first != refresh:
                return self._by(first, token)
            raise self._login(f"the log-in is no longer valid: {error.what}", error) from None

    def _by(self, refresh: str, old: Token | None) -> Token:
        return self._endpoint.token(
            self._endpoint.ask("refresh_token", {"refresh_token": refresh}), old=old, refresh=refresh
        )

    def _login(self, what: str, cause: AuthFailed | None = None) -> AuthFailed:
        account = self._endpoint.account
        return AuthFailed(
            what,
            where=cause.where if cause else f"{account}: {self._endpoint.url}",
            hint=f"billsync auth login {account}",
            status=cause.status if cause else None,
            sent=False,
        )
