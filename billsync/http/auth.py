"""Declared credentials made real: each is an httpx.Auth flow, put on a request at the last moment.

OAuth 2 has its own module (oauth2.py); so have the flows that first need a call of their own (login.py).
"""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping

from billsync.http.call import decode
from billsync.http.client import httpx
from billsync.http.fill import Values
from billsync.http.paths import with_member
from billsync.http.redact import Redactor
from billsync.model.errors import SecretError
from billsync.sdk.api import ApiKey, Basic, Bearer, BodyCredentials, OAuth1
from billsync.sdk.exact import exact_json

Flow = Generator[httpx.Request, httpx.Response, None]


class HeaderAuth(httpx.Auth):
    """A fixed header: bearer tokens, keys and basic."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def __repr__(self) -> str:
        return f"HeaderAuth({self._name})"

    def auth_flow(self, request: httpx.Request) -> Flow:
        request.headers[self._name] = self._value
        yield request


class QueryAuth(httpx.Auth):
    """A key in the query, where the vendor knows no other way."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Flow:
        request.url = request.url.copy_set_param(self._name, self._value)
        yield request


class BodyAuth(httpx.Auth):
    """Members inside each JSON body."""

    requires_request_body = True

    def __init__(self, members: Mapping[str, str]) -> None:
        self._members = members

    def auth_flow(self, request: httpx.Request) -> Flow:
        body = decode(request.content, where=str(request.url.copy_with(query=None))) if request.content else {}
        for member, value in self._members.items():
            body = with_member(body, member, value)
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        yield httpx.Request(
            request.method,
            request.url,
            headers={**headers, "content-type": "application/json"},
            content=exact_json(body),
            extensions=request.extensions,
        )


class OAuth1Auth(httpx.Auth):
    """OAuth 1.0 with HMAC-SHA256 and a realm; every request has its own nonce and signature."""

    def __init__(self, declared: OAuth1, values: Values) -> None:
        try:
            from oauthlib import oauth1
        except ImportError:
            raise SecretError(
                "this account signs by OAuth 1.0, which needs a further library",
                hint="pip install 'billsync[oauth1]'",
            ) from None
        self._client = oauth1.Client(
            values.option(declared.consumer_key),
            client_secret=values.option(declared.consumer_secret),
            resource_owner_key=values.option(declared.token),
            resource_owner_secret=values.option(declared.token_secret),
            realm=values.option(declared.realm) if declared.realm else None,
            signature_method=oauth1.SIGNATURE_HMAC_SHA256,
        )

    def auth_flow(self, request: httpx.Request) -> Flow:
        _, headers, _ = self._client.sign(str(request.url), http_method=request.method, headers={})
        request.headers["authorization"] = headers["Authorization"]
        yield request


def fixed(declared: Bearer | Basic | ApiKey | BodyCredentials, values: Values, redactor: Redactor) -> httpx.Auth:
    """The flow of a credential that does not change. SecretError for one that HTTP cannot carry."""
    match declared:
        case Bearer():
            return HeaderAuth("authorization", f"{declared.scheme} {_plain(values, declared.option)}".strip())
        case Basic():
            user, password = values.option(declared.user), values.option(declared.password)
            redactor.learn_pair(user, password)
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            return HeaderAuth("authorization", f"Basic {pair}")
        case ApiKey(place="query"):
            return QueryAuth(declared.name, declared.prefix + values.option(declared.option))
        case ApiKey():
            return HeaderAuth(declared.name, declared.prefix + _plain(values, declared.option))
        case BodyCredentials():
            return BodyAuth({member: values.option(option) for member, option in declared.members.items()})


def _plain(values: Values, option: str) -> str:
    """A secret that can stand in a header: a line break at its end is the commonest fault of a secret file."""
    value = values.option(option)
    if not value.isascii() or not value.isprintable():
        raise SecretError(
            f"the secret of option {option!r} holds a line break or a character that HTTP does not allow",
            hint="store it again without the line break",
        )
    return value


def is_expired(response: httpx.Response, statuses: tuple[int, ...], text: str) -> bool:
    """True when the vendor says that the token or session has ended: a status, and a text where it is ambiguous."""
    return response.status_code in statuses and (not text or text in response.text)
