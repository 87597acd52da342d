"""What may be sent again is sent again, within the patience of the poll.

Only calls that cannot change the vendor's data are repeated, or writes under a key that the vendor honours. A vendor
that says how long to wait is waited for exactly that long; else waits double. There is no jitter: one account has
one worker, and a test can count the seconds. A wait that would exceed the patience is not begun.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from billsync.http.errors import LockedOut
from billsync.http.stats import Stats
from billsync.model.errors import RateLimited, Unavailable, VendorError

T = TypeVar("T")
ATTEMPTS = 5
"""Times that a call is sent to a vendor who is not available."""
THROTTLED_ATTEMPTS = 20
"""Times that a call is sent to a vendor who asks to slow down: he is there, and told us to come back."""
LONGEST_STEP = 60


class Patience:
    """Waits of one session: `seconds` in all, by an injected `sleep`, told to whoever watches."""

    def __init__(
        self, seconds: int, *, sleep: Callable[[float], None], stats: Stats, tell: Callable[[str], None]
    ) -> None:
        self._left_at_start = seconds
        self._sleep = sleep
        self._stats = stats
        self._tell = tell

    def allows(self, seconds: int) -> bool:
        """True when a further wait still fits."""
        return self._stats.waited + seconds <= self._left_at_start

    def wait(self, seconds: int, why: str) -> None:
        """Sleep, and count it."""
        if seconds > 0:
            self._tell(f"waiting {seconds} s: {why}")
            self._stats.add(waited=seconds)
            self._sleep(seconds)

    def insist(self, once: Callable[[], T], *, repeatable: bool) -> T:
        """The result of `once`, called again while that is allowed and can help; else its last error."""
        retrying = Retrying(
            retry=retry_if_exception(lambda error: repeatable and _can_pass(error)),
            wait=lambda state: _next_wait(state),
            stop=self._is_over,
            sleep=lambda seconds: None,  # the wait happens in _before, which knows why
            before_sleep=self._before,
            reraise=True,
        )
        return retrying(once)

    def _is_over(self, state: RetryCallState) -> bool:
        tries = THROTTLED_ATTEMPTS if isinstance(_error(state), RateLimited) else ATTEMPTS
        return state.attempt_number >= tries or not self.allows(_next_wait(state))

    def _before(self, state: RetryCallState) -> None:
        self._stats.add(retries=1)
        self.wait(_next_wait(state), str(_error(state).what))


def _can_pass(error: BaseException) -> bool:
    return isinstance(error, RateLimited | Unavailable) and not isinstance(error, LockedOut)


def _error(state: RetryCallState) -> VendorError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, VendorError):
        raise TypeError(f"only vendor errors are retried, not {error!r}")
    return error


def _next_wait(state: RetryCallState) -> int:
    """Seconds: what the vendor said (at least one, or a `Retry-After: 0` would be a busy loop), else 1, 2, 4 ... 60."""
    error = _error(state)
    told = error.retry_after if isinstance(error, RateLimited | Unavailable) else None
    return max(1, told) if told is not None else min(LONGEST_STEP, 1 << (state.attempt_number - 1))
