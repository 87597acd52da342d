"""How an account signs in, read from what its connector declares: which options each way takes, and which rights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from billsync.sdk.account import Account
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

LOGIN: Final = "billsync auth login"
STORE: Final = "billsync auth set"
_WORDS: Final[Mapping[type[Any], str]] = {
    Bearer: "a token",
    Basic: "a user and a password or token",
    ApiKey: "an API key",
    BodyCredentials: "credentials inside each call",
    OAuth1: "OAuth 1.0 tokens",
    SessionLogin: "a log-in at the start of each run",
}
_GRANTS: Final[Mapping[str, str]] = {
    "code": "a person's log-in (OAuth 2)",
    "client": "the app's own credentials (OAuth 2)",
    "assertion": "a signed assertion (OAuth 2, JWT)",
}
_REFRESH: Final = "a person's refresh token (OAuth 2)"
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way in. `options` must be given for it; `scopes` are the rights that are asked for."""

    words: str
    options: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    person_logs_in: bool = False
    """True: `billsync auth login ACCOUNT` once, at a browser."""


def ways_of(found: type[Account[Any]]) -> tuple[Way, ...]:
    """Every way in, in the order of the connector; one without options where nothing is asked for."""
    api, known = found.api or Api(base_url=""), found.options_class.model_fields
    auth = api.auth
    alternatives = list(auth.ways.values()) if isinstance(auth, OneOf) else [auth]
    return tuple(_way(one, api, known) for one in alternatives)


def _way(auth: Any, api: Api, known: Iterable[str]) -> Way:
    named = dict.fromkeys([*_PLACEHOLDER.findall(f"{api.base_url} {dict(api.headers)}"), *_named(auth)])
    options = tuple(name for name in named if name in known)
    if not isinstance(auth, OAuth2):
        return Way(words=_WORDS.get(type(auth), "the address alone" if options else "no log-in"), options=options)
    if auth.grant == "code" and not auth.authorize_url:
        return Way(words=_REFRESH, options=(*options, *filter(None, [auth.refresh_token])), scopes=auth.scopes)
    device = ", also from a machine without a browser (--device)" if auth.device_url else ""
    return Way(
        words=_GRANTS[auth.grant] + device,
        options=options,
        scopes=auth.scopes,
        person_logs_in=auth.grant == "code",
    )


def _named(auth: Any) -> Iterator[str]:
    """The options that a declaration names: its own members, and what stands in braces."""
    match auth:
        case NoAuth():
            return
        case Basic():
            yield from (one for one in (auth.user, auth.password) if not one.startswith("="))
        case BodyCredentials():
            yield from auth.members.values()
        case OAuth2():
            yield auth.client_id
            yield from (one for one in (auth.client_secret, auth.assertion_key) if one)
            yield from _PLACEHOLDER.findall(str(asdict(auth)))
        case OAuth1():
            yield from (auth.consumer_key, auth.consumer_secret, auth.token, auth.token_secret)
        case SessionLogin():
            yield from _PLACEHOLDER.findall(str(dict(auth.body)))
        case _:
            yield auth.option
