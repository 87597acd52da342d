"""The log-in of a person to an OAuth 2 account: what `billsync auth login ACCOUNT` carries out.

By browser (authorization code with PKCE; the code comes back on a loopback port or is pasted) or, on a machine
without one, by a code that the person types in elsewhere. Random texts, clock and sleep are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from billsync.http.client import httpx
from billsync.http.credential import chosen
from billsync.http.endpoint import Pending, TokenEndpoint
from billsync.http.parts import Parts
from billsync.http.tokens import Token, TokenStore
from billsync.model.errors import AuthFailed, BadAnswer, UsageError
from billsync.sdk.api import Api, OAuth2
from billsync.sdk.options import Options

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What the person types in, and where. `interval` and `expires_in` in seconds."""

    user_code: str
    verification_url: str
    interval: int
    expires_in: int
    device_code: str = field(repr=False)


class Login:
    """Gets the first token of one account and stores it. UsageError for an account without OAuth 2."""

    def __init__(
        self,
        api: Api,
        options: Options,
        *,
        account: str,
        state: Path,
        now: Callable[[], datetime],
        transport: httpx.BaseTransport | None = None,
        tokens: TokenStore | None = None,
    ) -> None:
        api = chosen(api, options, account=account)
        if not isinstance(api.auth, OAuth2):
            raise UsageError(
                "this account has no log-in: its credential stands in the configuration",
                where=account,
                hint=f"billsync check {account}",
            )
        self._declared = api.auth
        self._account = account
        self._store = tokens or TokenStore.for_account(state, account)
        self._parts = Parts(api, options, account=account, transport=transport, members=dict)
        self._endpoint = TokenEndpoint(self._declared, parts=self._parts, now=now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.client.close()

    def url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Where the person agrees. `state` and `verifier` are random texts: the redirect must bring `state` back."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        declared, values = self._declared, self._parts.values
        extra: dict[str, str] = {name: values.fill(value) for name, value in declared.extra.items()}
        if declared.pkce:
            extra |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
        address = values.known("authorize_url") or values.fill(declared.authorize_url)
        return str(
            prepare_grant_uri(
                address,
                client_id=values.option(declared.client_id),
                response_type="code",
                redirect_uri=redirect_uri,
                scope=self._endpoint.scope(),
                state=state,
                **extra,
            )
        )

    def exchange(
        self, *, code: str, verifier: str, redirect_uri: str, members: Mapping[str, str] | None = None
    ) -> Token:
        """The code of the redirect for a token, stored. `members`: what the redirect itself told (realmId)."""
        proof = verifier if self._declared.pkce else None
        raw = self._endpoint.ask(
            "authorization_code", {"code": code, "redirect_uri": redirect_uri, "code_verifier": proof}
        )
        token = self._endpoint.token(raw, old=None)
        return self._stored(replace(token, members={**token.members, **(members or {})}))

    def device(self) -> DeviceCode:
        """Begin the log-in by device. BadAnswer when the vendor's answer lacks a part."""
        values = self._parts.values
        address = values.known("device_url") or values.fill(self._declared.device_url)
        raw = self._endpoint.ask("", {"scope": self._endpoint.scope()}, url=address)
        try:
            return DeviceCode(
                user_code=str(raw["user_code"]),
                verification_url=str(raw.get("verification_uri_complete") or raw["verification_uri"]),
                interval=int(raw.get("interval", 5)),
                expires_in=int(raw["expires_in"]),
                device_code=str(raw["device_code"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise BadAnswer(f"the device answer lacks {error}", where=address, sent=False) from None

    def wait(self, device: DeviceCode, *, sleep: Callable[[float], None]) -> Token:
        """Wait for the person, then store the token. AuthFailed when they refuse or the code runs out."""
        waited, interval = 0, max(1, device.interval)
        while waited < device.expires_in:
            sleep(interval)
            waited += interval
            try:
                raw = self._endpoint.ask(_DEVICE_GRANT, {"device_code": device.device_code})
            except Pending as pending:
                interval += 5 if pending.slower else 0
                continue
            return self._stored(self._endpoint.token(raw, old=None))
        raise AuthFailed(
            "nobody agreed before the code ran out",
            where=f"{self._account}: {self._endpoint.url}",
            hint=f"billsync auth login {self._account}",
            sent=False,
        )

    def _stored(self, token: Token) -> Token:
        with self._store.lock():
            self._store.save(token)
        return token
