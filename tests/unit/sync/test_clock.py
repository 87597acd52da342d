"""A clock that every vendor contradicts dates nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from billsync.sync.clock import wrong_clock

NOW = datetime(2027, 3, 2, 7, 0, tzinfo=UTC)


def told(**hours: float) -> str:
    firm: Any = SimpleNamespace(
        now=lambda: NOW, vendors_ahead=lambda: {name: timedelta(hours=one) for name, one in hours.items()}
    )
    return wrong_clock(firm)


@pytest.mark.parametrize("hours", [{}, {"work": 0.9}, {"work": -9000, "books": 0.2}, {"books": -1}])
def test_one_vendor_that_agrees_is_enough_and_none_says_nothing(hours: dict[str, float]) -> None:
    assert told(**hours) == ""


def test_the_sentence_tells_both_times() -> None:
    said = told(work=-8760, books=-8759)
    assert "2027-03-02 07:00" in said and "books says 2026-03-02 08:00" in said, said
    assert "nothing was sent" in said and "set the clock" in said


def test_a_clock_that_is_behind_is_wrong_too() -> None:
    assert "work says 2027-03-02 09:00" in told(work=2)
