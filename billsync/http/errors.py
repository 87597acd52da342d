"""From a status, a body or a broken connection to the error class that says what a person does next.

`sent` is False only where the vendor certainly did nothing: it was never reached, or it answered with a refusal.
A time-out, a reset, a 5xx or an unreadable answer leaves it open, and exactly-once then asks `find`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from billsync.http.call import Reply
from billsync.http.client import httpx
from billsync.http.paths import values_at
from billsync.http.waits import seconds
from billsync.model.errors import (
    AuthFailed,
    BadAnswer,
    Denied,
    Missing,
    RateLimited,
    Refused,
    Unavailable,
    VendorError,
)
from billsync.sdk.api import Api, Json, Success

CLASSES: Mapping[str, type[VendorError]] = {
    "AuthFailed": AuthFailed,
    "BadAnswer": BadAnswer,
    "Denied": Denied,
    "Missing": Missing,
    "RateLimited": RateLimited,
    "Refused": Refused,
}
_STATUS: Mapping[int, type[VendorError]] = {
    401: AuthFailed,
    402: Denied,
    403: Denied,
    404: Missing,
    408: Unavailable,
    410: Missing,
    425: Unavailable,
    429: RateLimited,
}
_WORDS: Mapping[type[VendorError], str] = {
    AuthFailed: "the credential is not accepted",
    Denied: "the credential has no right to this",
    Missing: "this is not there",
    RateLimited: "the vendor asks to slow down",
    Refused: "the vendor refused the request",
    Unavailable: "the vendor is not available",
}
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_TAGS = re.compile(r"<(script|style).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class LockedOut(RateLimited):
    """A throttle that no waiting within this poll can outlast."""


def locked_out(until: datetime, *, account: str) -> LockedOut:
    """The error of a call that was not made, because the vendor has locked this account out."""
    return LockedOut(
        f"the vendor has locked this account out until {until:%Y-%m-%d %H:%M} UTC",
        where=account,
        hint=hint_for(RateLimited, account),
        sent=False,
    )


def hint_for(kind: type[VendorError], account: str) -> str:
    """What a person does next."""
    hints: dict[type, str] = {
        AuthFailed: f"billsync auth login {account}",
        Denied: "give the user of this credential the right, or log in as one who has it",
        Missing: "it may have been deleted, or the credential cannot see it",
        RateLimited: "the poll is incomplete; the next run goes on from there",
        Unavailable: "the poll is incomplete; run again later",
    }
    return next((hints[base] for base in kind.__mro__ if base in hints), "")


def where(account: str, method: str, url: str, request_id: str = "") -> str:
    """`ACCOUNT: GET https://host/path (request id ...)`: the query is left out, it may hold keys and names."""
    address = url.partition("?")[0].partition("#")[0]
    return f"{account}: {method} {address}" + (f" (request id {request_id})" if request_id else "")


def of_status(reply: Reply, api: Api, *, account: str, now: datetime) -> VendorError | None:
    """The error of a status, None for 2xx. A redirect that was not followed is no answer."""
    if reply.status < 300 or reply.status == 304:
        return None
    if reply.status < 400:
        return BadAnswer(f"the vendor redirected ({reply.status})", where=reply.where, status=reply.status)
    kind = _kind(reply.status, api)
    words = _WORDS.get(kind, "the vendor answered")
    said = message(reply, api)
    error = kind(
        f"{words} ({reply.status})" + (f": {said}" if said else ""),
        where=reply.where,
        hint=hint_for(kind, account),
        status=reply.status,
        request_id=reply.headers.get(api.request_id.lower(), ""),
        sent=reply.status >= 500 or reply.status == 408,
    )
    if isinstance(error, Unavailable):
        error.retry_after = seconds(reply.headers.get("retry-after"), now)
    return error


def _kind(status: int, api: Api) -> type[VendorError]:
    if status in api.missing_means:
        return CLASSES[api.missing_means[status]]
    return _STATUS.get(status, Refused if status < 500 else Unavailable)


def message(reply: Reply, api: Api) -> str:
    """The vendor's own words, from where it puts them, else the beginning of the text without its tags."""
    try:
        raw = reply.json()
    except BadAnswer:
        return _short(_TAGS.sub(" ", reply.content[:4000].decode("utf-8", errors="replace")))
    for path in api.message_at:
        found = [value for value in values_at(raw, path) if isinstance(value, str) and value.strip()]
        if found:
            return _short(found[0])
    return _short(reply.content[:300].decode("utf-8", errors="replace")) if raw else ""


def _short(text: str) -> str:
    return " ".join(text.split())[:300]


def of_body(raw: Json, reply: Reply, tests: tuple[Success, ...], *, account: str) -> VendorError | None:
    """The error of a 2xx whose body fails a declared test of success."""
    for test in tests:
        found = values_at(raw, test.at)
        if _holds(test, found):
            continue
        names = values_at(raw, test.named_at) if test.named_at else []
        kind = CLASSES[next((test.named[str(name)] for name in names if str(name) in test.named), test.fails_as)]
        texts = values_at(raw, test.message_at) if test.message_at else []
        said = next((_short(str(text)) for text in texts), "")
        return kind(
            said or f"the answer says that it failed: {test.at} is {_short(str(found)) if found else 'absent'}",
            where=reply.where,
            hint=hint_for(kind, account),
            status=reply.status,
            sent=kind is BadAnswer,
        )
    return None


def _holds(test: Success, found: list[object]) -> bool:
    if test.absent:
        return all(value in (None, "", False, [], {}) for value in found)
    wanted = (*test.one_of, test.equals) if test.equals or not test.one_of else test.one_of
    return bool(found) and all(as_text(value) in wanted for value in found)


def as_text(value: object) -> str:
    """A JSON value as declarations write it: true, false, null, digits, text."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def unavailable(status: int, *, account: str, place: str) -> Unavailable:
    """A 5xx to a call that was made on the way to another one, which was therefore not sent."""
    what = f"{_WORDS[Unavailable]} ({status})"
    return Unavailable(what, where=place, hint=hint_for(Unavailable, account), status=status, sent=False)


def of_wire(error: httpx.RequestError, *, account: str, place: str) -> VendorError:
    """The error of a connection that failed; the library's own text may hold headers, so callers redact it."""
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, _NEVER_SENT):
        what = "the vendor did not answer in time"
    elif isinstance(error, _NEVER_SENT):
        what = f"the vendor could not be reached: {error}"
    else:
        what = f"the connection broke: {str(error) or type(error).__name__}"
    return Unavailable(what, where=place, hint=hint_for(Unavailable, account), sent=not isinstance(error, _NEVER_SENT))
