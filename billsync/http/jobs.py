"""Report jobs: started by a call, asked until they are done; the download is a call like any other."""

from __future__ import annotations

from collections.abc import Sequence

from billsync.http.call import Call
from billsync.http.errors import as_text, hint_for
from billsync.http.exchange import Exchange
from billsync.http.paths import values_at
from billsync.model.errors import BadAnswer, RateLimited
from billsync.sdk.api import Json


def awaited(exchange: Exchange, call: Call, *, at: str, done: Sequence[str], failed: Sequence[str], every: int) -> Json:
    """The answer in which the member at `at` is one of `done`. The pauses count against the poll's patience."""
    pause = max(1, every)
    while True:
        reply = exchange.send(call)
        state = next((as_text(value) for value in values_at(reply.json(), at)), None)
        if state in done:
            return reply.json()
        if state is None or state in failed:
            raise BadAnswer(f"the job ended without a result: {at} is {state or 'absent'}", where=reply.where)
        if not exchange.patience.allows(pause):
            account = exchange.parts.account
            raise RateLimited(
                f"the job was still {state!r} when the poll's patience ended",
                where=reply.where,
                hint=hint_for(RateLimited, account),
            )
        exchange.patience.wait(pause, f"the vendor works on a report ({state})")
