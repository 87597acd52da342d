"""Stays below the vendor's limits before he has to say so.

Windows shorter than an hour are counted in this process; budgets of an hour or more are kept in the state folder,
so that all runs and processes of an account share them. Windows slide: in any stretch of `per` seconds there are at
most `calls` x `share` %.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from billsync.http.call import Reply
from billsync.http.paths import values_at
from billsync.http.retry import Patience
from billsync.model.errors import BadAnswer, RateLimited, UsageError
from billsync.sdk.api import Limit

DURABLE = 3600
"""Limits over so many seconds or more outlive the process."""


class Gate:
    """Lets calls of one account pass: at most so many at once, and so many per time."""

    def __init__(
        self,
        limits: tuple[Limit, ...],
        *,
        account: str,
        state: Path,
        concurrency: int,
        now: Callable[[], datetime],
        patience: Patience,
    ) -> None:
        self._account = account
        self._now = now
        self._patience = patience
        self._slots = threading.BoundedSemaphore(max(concurrency, 1))
        self._buckets = [(limit, _bucket(limit, account=account, state=state)) for limit in limits]

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the calls that may be under way at once; waits for the limits first."""
        with self._slots:
            for limit, bucket in self._buckets:
                self._take(limit, bucket)
            yield

    def charge(self, reply: Reply) -> None:
        """Count what an answer has cost beyond the one point taken before it."""
        for limit, bucket in self._buckets:
            for _ in range(_cost(limit, reply) - 1):
                if not bucket.put(self._item(1)):
                    break

    def close(self) -> None:
        """Release the files of durable budgets."""
        for _, bucket in self._buckets:
            bucket.close()

    def _take(self, limit: Limit, bucket: Any) -> None:
        bucket.leak(self._milliseconds())
        while not bucket.put(item := self._item(1)):
            wait = -(-int(bucket.waiting(item)) // 1000) or 1
            if not self._patience.allows(wait):
                raise _used_up(limit, wait, self._account)
            self._patience.wait(wait, f"{self._account} allows {limit.calls} calls in {limit.per} s")

    def _item(self, weight: int) -> Any:
        from pyrate_limiter import RateItem

        return RateItem(self._account, self._milliseconds(), weight)

    def _milliseconds(self) -> int:
        return int(self._now().timestamp() * 1000)


def _used_up(limit: Limit, wait: int, account: str) -> RateLimited:
    error = RateLimited(
        f"the budget of {limit.calls} calls in {limit.per} s is used up for another {wait} s",
        where=account,
        hint="the poll is incomplete; the next run goes on from there",
        sent=False,
    )
    error.retry_after = wait
    return error


def _bucket(limit: Limit, *, account: str, state: Path) -> Any:
    """The counter of one limit. pyrate-limiter is loaded only where a connector declares a limit."""
    from pyrate_limiter import InMemoryBucket, Rate, SQLiteBucket

    rates = [Rate(max(1, limit.calls * limit.share // 100), limit.per * 1000)]
    if limit.per < DURABLE:
        return InMemoryBucket(rates)
    file = state / "budgets" / f"{quote(account, safe='')}-{limit.per}.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        return SQLiteBucket.init_from_file(rates, db_path=str(file), use_file_lock=True)
    except OSError as error:
        what = f"the budget of calls cannot be kept: {error.strerror or error}"
        hint = "check the rights of the state folder, and the disk's free space"
        raise UsageError(what, where=str(file), hint=hint) from None


def _cost(limit: Limit, reply: Reply) -> int:
    if not limit.cost_at:
        return 1
    if limit.cost_at.startswith("header:"):
        found: list[Any] = [reply.headers.get(limit.cost_at.removeprefix("header:").lower())]
    else:
        try:
            found = values_at(reply.json(), limit.cost_at)
        except BadAnswer:
            found = []
    return next((int(cost) for cost in map(str, found) if cost.isdigit()), 1)
