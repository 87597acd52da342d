"""The token endpoint of an OAuth 2 vendor: how it is asked, and what its refusals mean.

authlib writes the requests (grants, client authentication, signed assertions); they are sent and judged here, so
that no secret of theirs reaches an error, and so that a failure never counts as a sent invoice (`sent=False`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from billsync.http import errors
from billsync.http.call import decode
from billsync.http.client import httpx, timeout
from billsync.http.parts import Parts
from billsync.http.redact import Redactor
from billsync.http.tokens import Token
from billsync.http.waits import seconds
from billsync.model.errors import AuthFailed, BadAnswer, RateLimited, SecretError, Unavailable, VendorError
from billsync.sdk.api import OAuth2
from billsync.sdk.exact import exact_json

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 300
_TIMEOUT = 60


class InvalidGrant(AuthFailed):
    """The refresh token (or code) is dead."""


class Pending(AuthFailed):
    """Device flow: the person has not yet agreed. `slower`: the vendor asks for longer pauses."""

    slower = False


class TokenEndpoint:
    """Asks one vendor for tokens on behalf of one account."""

    def __init__(
        self,
        declared: OAuth2,
        *,
        parts: Parts,
        now: Callable[[], datetime],
    ) -> None:
        self.declared = declared
        self.account = parts.account
        self._values = parts.values
        self._client = parts.client
        self._redactor = parts.redactor
        self._agent = parts.agent
        self._now = now

    @property
    def url(self) -> str:
        """The option `token_url`, else the declared address."""
        return self._values.known("token_url") or self._values.fill(self.declared.token_url)

    def scope(self) -> str | None:
        """The scopes in one text, those of the option `more_scopes` among them; None when there are none."""
        more = (self._values.known("more_scopes") or "").split()
        return self.declared.scope_separator.join([*self.declared.scopes, *more]) or None

    def ask(self, grant_type: str, params: Mapping[str, str | None], *, url: str = "") -> dict[str, Any]:
        """The token answer. InvalidGrant, AuthFailed, Unavailable, RateLimited or BadAnswer, all with sent=False."""
        from authlib.oauth2.auth import ClientAuth

        self._redactor.learn(*(params.get(name) for name in ("refresh_token", "code", "code_verifier", "device_code")))
        extra = {name: self._values.fill(value) for name, value in self.declared.token_extra.items()}
        members = {"grant_type": grant_type, **extra, **params}
        if self._signs_client():
            members |= {"client_assertion": self.assertion(), "client_assertion_type": _CLIENT_ASSERTION}
        form = urlencode({name: value for name, value in members.items() if value})
        headers = {name: self._values.fill(value) for name, value in self.declared.token_headers.items()}
        headers |= {"accept": "application/json", "user-agent": self._agent}
        target = url or self.url
        method, client_id, secret = self._client_auth()
        if method:
            auth = ClientAuth(client_id, secret, method)
            target, headers, form = auth.prepare("POST", target, headers, form)
        return self._sent(target, headers, form)

    def _client_auth(self) -> tuple[str, str, str]:
        """How the client proves itself, with its id and secret; no method where it has no id (Hubstaff)."""
        declared = self.declared
        client_id = self._values.option(declared.client_id) if declared.client_id else ""
        if not client_id or self._signs_client():
            return "", client_id, ""
        secret = self._values.option(declared.client_secret) if declared.client_secret else ""
        if not secret:
            return "none", client_id, ""
        self._redactor.learn_pair(client_id, secret)
        return ("client_secret_basic" if declared.client_auth == "basic" else "client_secret_post"), client_id, secret

    def _signs_client(self) -> bool:
        return self.declared.grant == "client" and self.declared.assertion_key is not None

    def assertion(self) -> str:
        """A JWT signed with the account's key, good for five minutes."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import import_key

        algorithm = self.declared.assertion_algorithm
        header = {name: self._values.fill(value) for name, value in self.declared.assertion_headers.items()}
        try:
            key = import_key(
                self._values.option(self.declared.assertion_key or ""), "EC" if algorithm.startswith("E") else "RSA"
            )
            header = {"typ": "JWT", "alg": algorithm, **header}
            signed = jwt.encode(header, self._claims(), key, algorithms=[algorithm])
        except (JoseError, ValueError, TypeError):
            raise SecretError(
                f"the key in option {self.declared.assertion_key!r} cannot sign {algorithm}",
                where=self.account,
                hint="it must be a private key in PEM form, of the kind that the vendor asks for",
            ) from None
        self._redactor.learn(signed)
        return signed

    def _claims(self) -> dict[str, Any]:
        """iss, sub, aud, iat, exp and jti (RFC 7523, 3), then what the connector declared beside or instead of them."""
        client_id = self._values.option(self.declared.client_id)
        issued = int(self._now().timestamp())
        scope = self.scope()
        return {
            "iss": client_id,
            "sub": client_id,
            "aud": self.url,
            "iat": issued,
            "exp": issued + _ASSERTION_SECONDS,
            "jti": hashlib.sha256(f"{client_id} {self._now().isoformat()}".encode()).hexdigest()[:32],
            **({"scope": scope} if scope and self._signs_client() else {}),
            **{name: self._values.fill(value) for name, value in self.declared.assertion_claims.items()},
        }

    def _sent(self, target: str, headers: dict[str, str], form: str) -> dict[str, Any]:
        pairs = dict(parse_qsl(form, keep_blank_values=True))
        as_json = self.declared.token_json
        media = "application/json" if as_json else "application/x-www-form-urlencoded"
        place = self._redactor.text(errors.where(self.account, "POST", target))
        try:
            response = self._client.post(
                target,
                content=exact_json(pairs) if as_json else form.encode(),
                headers={**headers, "content-type": media},
                timeout=timeout(_TIMEOUT),
            )
        except httpx.RequestError as error:
            failed = errors.of_wire(error, account=self.account, place=place)
            raise _unsent(failed, self._redactor) from None
        return self._judged(response, place)

    def _judged(self, response: httpx.Response, place: str) -> dict[str, Any]:
        status = response.status_code
        if status == 429 or status >= 500:
            kind = RateLimited if status == 429 else Unavailable
            error = kind(f"the token host answered {status}", where=place, status=status, sent=False)
            error.retry_after = seconds(response.headers.get("retry-after"), self._now())
            raise error
        try:
            raw = decode(response.content, where=place, mask=self._redactor.text)
        except BadAnswer as error:
            raise _unsent(error, self._redactor) from None
        if isinstance(raw, dict) and status < 300 and "error" not in raw:
            return raw
        raise self._refused(raw if isinstance(raw, dict) else {}, status, place)

    def _refused(self, raw: Mapping[str, Any], status: int, place: str) -> VendorError:
        code = str(raw.get("error", status))
        said = raw.get("error_description") or raw.get("message") or ""
        hint = f"billsync auth login {self.account}"
        if code in {"authorization_pending", "slow_down"}:
            pending = Pending("the person has not agreed yet", where=place, status=status, sent=False)
            pending.slower = code == "slow_down"
            return pending
        kind = InvalidGrant if code in {"invalid_grant", "invalid_code", "expired_token"} else AuthFailed
        if code in {"invalid_client", "unauthorized_client", "invalid_client_secret"}:
            hint = "compare the client id and secret with the vendor's developer page"
        what = self._redactor.text(f"the token host refused: {code}" + (f": {said}" if said else ""))
        return kind(" ".join(what.split())[:300], where=place, hint=hint, status=status, sent=False)

    def token(self, raw: Mapping[str, Any], *, old: Token | None, refresh: str | None = None) -> Token:
        """The token of an answer. What the answer leaves out is kept from before: refresh token, members, endings."""
        access = raw.get("access_token")
        if not isinstance(access, str) or not access:
            raise BadAnswer("the token host sent no access_token", where=f"{self.account}: {self.url}", sent=False)
        rotated = raw.get("refresh_token")
        self._redactor.learn(access, rotated if isinstance(rotated, str) else None, _text(raw.get("id_token")))
        now, declared = self._now(), self.declared
        names = {*declared.keep, declared.base_url_from} - {""}
        kept = {name: str(raw[name]) for name in names if raw.get(name) is not None}
        endings = {what: at for name, what in declared.expiry_members.items() if (at := _after(now, raw.get(name)))}
        endings = {**(old.endings if old else {}), **endings}
        ends = [*endings.values()]
        if declared.grant_days is not None:
            ends.append(now + timedelta(days=declared.grant_days))
        return Token(
            access=access,
            refresh=_text(rotated) or refresh or (old.refresh if old else None),
            expires_at=_after(now, raw.get("expires_in")),
            members={**(old.members if old else {}), **kept},
            grant_expires_at=min(ends, default=None),
            endings=endings,
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _after(now: datetime, value: Any) -> datetime | None:
    """`value` seconds (number or text) from now; None where it is no such number."""
    text = str(value).partition(".")[0]
    return now + timedelta(seconds=int(text)) if text.isdigit() and int(text) > 0 else None


def _unsent(error: VendorError, redactor: Redactor) -> VendorError:
    """An error before the call itself: nothing of it was sent."""
    error.sent = False
    error.what = redactor.text(error.what)
    error.args = (error.what,)
    return error
