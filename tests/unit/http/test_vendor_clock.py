"""What the vendor's own clock says, from the Date of its answers."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest


@pytest.mark.parametrize(
    ("headers", "ahead"),
    [
        ({"Date": 72}, timedelta(hours=72)),
        ({"Date": -2}, timedelta(hours=-2)),
        ({}, None),
        ({"Date": "the day before yesterday"}, None),
        ({"Date": "Mon, 99 Mar 2026 07:00:00 GMT"}, None),
        ({"Date": 72, "Age": "86400"}, None),
    ],
)
def test_the_date_of_an_answer_is_compared_with_our_clock(opened, api, clock, headers, ahead):
    """A number stands for hours from our clock. What a cache answers is as old as it is."""
    told = {
        name: format_datetime(clock.now().replace(microsecond=0) + timedelta(hours=value), usegmt=True)
        if isinstance(value, int)
        else value
        for name, value in headers.items()
    }
    answers = httpx.MockTransport(lambda request: httpx.Response(200, json={"ok": True}, headers=told))
    session = opened(api(), session={"transport": answers})
    assert session.get("/x") == {"ok": True}
    assert session.stats.ahead == ahead
