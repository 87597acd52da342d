"""The token endpoint of OAuth 2 with rotation: a refresh token works once, and a used one is dead."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta
from typing import Any, Final

from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response

CLIENT: Final = ("made-up-client", "made-up-client-secret-77a1")


class Grants:
    """One person's grant. `refresh` is the only refresh token that works; access tokens live an hour."""

    def __init__(self, clock: Clock, *, lives: int = 3600, rotates: bool = True, grace: int = 0) -> None:
        self.clock = clock
        self.lives = lives
        self.rotates = rotates
        self.grace = grace
        """Seconds for which the refresh token before works once more: whoever lost the answer can ask again."""
        self._before = ("", clock.now())
        self.refresh = "made-up-refresh-token-0"
        self.served = 0
        self.refused = 0
        self.first = self.refresh
        self.given: list[str] = []
        """Every token that was given out here; the first refresh token came from a person's log-in."""
        self._access: dict[str, datetime] = {}

    def token(self, request: Request, **members: Any) -> Response:
        """Answer a request to the token endpoint; `members` go into a good answer."""
        form, client = _asked(request)
        if client != CLIENT:
            self.refused += 1
            return Response.json_of({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "refresh_token" or not self._good(form.get("refresh_token", "")):
            self.refused += 1
            return Response.json_of({"error": "invalid_grant", "error_description": "Incorrect or expired Token"}, 400)
        return self.issue(**members)

    def _good(self, refresh: str) -> bool:
        before, at = self._before
        return refresh == self.refresh or (refresh == before and self.clock.now() < at + timedelta(seconds=self.grace))

    def issue(self, **members: Any) -> Response:
        """A new token; `members` go into the answer, those that are None do not."""
        self.served += 1
        access = f"made-up-access-token-{self.served}"
        self._access[access] = self.clock.now() + timedelta(seconds=self.lives)
        if self.rotates:
            self._before = (self.refresh, self.clock.now())
            self.refresh = f"made-up-refresh-token-{self.served}"
        self.given += [access, self.refresh]
        answer = {
            "token_type": "bearer", "expires_in": self.lives, "access_token": access, "refresh_token": self.refresh,
            **members,
        }  # fmt: skip
        return Response.json_of({name: value for name, value in answer.items() if value is not None})

    def options(self, token_url: str) -> dict[str, str]:
        """Options of an account that logs in here, with the grant's first refresh token."""
        client, secret = CLIENT
        first = {"client_id": client, "client_secret": secret, "refresh_token": self.first}
        return {"token_url": token_url, **first}

    def alive(self, request: Request) -> bool:
        """The request bears an access token that lives."""
        access = request.headers.get("authorization", "").removeprefix("Bearer ")
        until = self._access.get(access)
        return until is not None and self.clock.now() < until

    def kill_access(self) -> None:
        """All access tokens die now, whatever was said about their life."""
        self._access.clear()


def _asked(request: Request) -> tuple[dict[str, str], tuple[str, ...]]:
    """Parameters, whether in a form or in JSON; and the client, whether it proves itself by Basic or among them."""
    as_json = request.headers.get("content-type", "").startswith("application/json")
    members: dict[str, str] = request.json() if as_json else request.form
    scheme, _, pair = request.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        return members, tuple(b64decode(pair).decode().split(":"))
    return members, (members.get("client_id", ""), members.get("client_secret", ""))
