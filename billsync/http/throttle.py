"""Is this answer a "slow down", and how long? 429 and whatever else the vendor declares."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billsync.http.call import Reply
from billsync.http.errors import LockedOut, as_text, hint_for, message
from billsync.http.paths import values_at
from billsync.http.waits import seconds
from billsync.model.errors import BadAnswer, RateLimited
from billsync.sdk.api import Api, Throttle


def throttled(reply: Reply, api: Api, *, account: str, now: datetime) -> RateLimited | None:
    """The RateLimited of an answer that asks to slow down; None for any other answer."""
    declared = next((throttle for throttle in api.throttles if _matches(throttle, reply)), None)
    if declared is None and reply.status != 429:
        return None
    wait = seconds(reply.headers.get("retry-after"), now)
    if declared is not None:
        told = _told(declared, reply, now)
        wait = told if told is not None else wait if wait is not None else declared.wait
    words = f" for {wait} s" if wait is not None else ""
    said = message(reply, api)
    error = (LockedOut if declared is not None and declared.ends_poll else RateLimited)(
        f"the vendor asks to slow down{words} ({reply.status})" + (f": {said}" if said else ""),
        where=reply.where,
        hint=hint_for(RateLimited, account),
        status=reply.status,
        request_id=reply.headers.get(api.request_id.lower(), ""),
        sent=reply.status >= 500,
    )
    error.retry_after = wait
    return error


def _matches(throttle: Throttle, reply: Reply) -> bool:
    if throttle.status is not None and throttle.status != reply.status:
        return False
    if throttle.body_has and throttle.body_has not in reply.content.decode("utf-8", errors="replace"):
        return False
    if throttle.at and not any(as_text(found) == throttle.equals for found in _members(reply, throttle.at)):
        return False
    return throttle.status is not None or bool(throttle.body_has) or bool(throttle.at)


def _told(throttle: Throttle, reply: Reply, now: datetime) -> int | None:
    """The wait that the vendor gives where the declaration says; the longest, if it gives several."""
    if not throttle.wait_at:
        return None
    header = throttle.wait_at.removeprefix("header:")
    found = [reply.headers.get(header.lower())] if header != throttle.wait_at else _members(reply, throttle.wait_at)
    return max((wait for value in found if (wait := seconds(value, now)) is not None), default=None)


def _members(reply: Reply, path: str) -> list[Any]:
    try:
        return values_at(reply.json(), path)
    except BadAnswer:
        return []
