"""From a declared credential to the httpx.Auth that carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from billsync.http.auth import OAuth1Auth, fixed, is_expired
from billsync.http.client import httpx
from billsync.http.handshake import CsrfAuth, SessionAuth
from billsync.http.parts import Parts
from billsync.model.errors import UsageError
from billsync.sdk.api import (
    Api,
    ApiKey,
    Basic,
    Bearer,
    BodyCredentials,
    NoAuth,
    OAuth1,
    OAuth2,
    OneOf,
    SessionLogin,
)
from billsync.sdk.options import Options


def chosen(api: Api, options: Options, *, account: str) -> Api:
    """The same API with the one credential that the options of an account give. UsageError when they give none."""
    if not isinstance(api.auth, OneOf):
        return api
    for option, way in api.auth.ways.items():
        if getattr(options, option, None) is not None:
            return replace(api, auth=way)
    raise UsageError("the account has no credential", where=account, hint=f"set one of: {', '.join(api.auth.ways)}")


def credential(api: Api, *, parts: Parts, oauth: httpx.Auth | None, address: Callable[[str], str]) -> httpx.Auth:
    """The flow for one account; with the CSRF token around it where the vendor wants one."""
    inner = _credential(api, parts=parts, oauth=oauth, address=address)
    return CsrfAuth(api.csrf, inner, parts=parts, address=address) if api.csrf else inner


def _credential(api: Api, *, parts: Parts, oauth: httpx.Auth | None, address: Callable[[str], str]) -> httpx.Auth:
    declared = api.auth
    match declared:
        case NoAuth():
            return httpx.Auth()
        case Bearer() | Basic() | ApiKey() | BodyCredentials():
            return fixed(declared, parts.values, parts.redactor)
        case OAuth1():
            return OAuth1Auth(declared, parts.values)
        case OAuth2():
            return oauth or httpx.Auth()
        case SessionLogin():
            return SessionAuth(
                declared,
                parts=parts,
                address=address,
                expired=lambda response: is_expired(response, declared.expired, api.expired_body),
            )
        case OneOf():
            raise UsageError("the way in is not chosen", where=parts.account)
        case _:
            assert_never(declared)
