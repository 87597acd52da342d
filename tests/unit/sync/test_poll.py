"""What a night asks of a vendor whose clock is not ours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.model.work import PollReceipt, Window
from billsync.sync.clock import APART, wrong_clock
from billsync.sync.poll import Ask, Memory, Wanted, plan_asks

NIGHT = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)
BEGINNING = date(2026, 1, 1)


def asks(last: datetime, now: datetime, beginning: date = BEGINNING) -> list[Ask]:
    """What is asked for time at `now`, after a complete sweep at `last`."""
    seen = PollReceipt(
        account="a", kind="time", window=Window(since=BEGINNING, until=now.date()), started=last, finished=last,
        pages=1, records=1, complete=True, full=True,
    )  # fmt: skip
    source: Any = SimpleNamespace(shows_absence=lambda kind: True, offers=SimpleNamespace(changes="since"))
    account: Any = SimpleNamespace(window_days=3)
    memory = Memory(last={"time": seen}, last_full={"time": seen})
    return plan_asks(account, source, ["time"], memory, Wanted(now=now, today=now.date(), beginning=beginning))


@given(st.timedeltas(min_value=-APART, max_value=APART), st.timedeltas(min_value=timedelta(0), max_value=APART))
def test_a_change_after_the_last_poll_is_asked_for_by_any_clock_that_is_not_called_wrong(
    ahead: timedelta, later: timedelta
) -> None:
    firm: Any = SimpleNamespace(now=lambda: NIGHT, vendors_ahead=lambda: {"a": ahead})
    assert wrong_clock(firm) == ""
    changed = NIGHT + later + ahead  # by the vendor's clock
    since = asks(NIGHT, NIGHT + timedelta(days=1))[0].window.changed_since
    assert since is not None and since <= changed


@pytest.mark.parametrize("days", [1, 365])
def test_what_was_read_while_the_clock_was_ahead_is_read_whole(days: int) -> None:
    [ask] = asks(NIGHT + timedelta(days=days), NIGHT)
    assert ask.full and ask.window.changed_since is None and ask.window.since == BEGINNING


def test_a_contract_that_begins_earlier_than_the_last_sweep_is_read_whole_once_more() -> None:
    night = NIGHT + timedelta(days=1)
    earlier = BEGINNING - timedelta(days=1)
    [ask] = asks(NIGHT, night, earlier)
    assert ask.full and ask.window.changed_since is None and ask.window.since == earlier
    assert len(asks(NIGHT, night, BEGINNING + timedelta(days=1))) == 2, "a later one needs no sweep"
