"""Report jobs: asked until they are done, within the patience of the poll."""

from __future__ import annotations

import pytest

from billsync.model.errors import BadAnswer, RateLimited
from tests.unit.http.vendor import Says


def test_a_job_is_asked_until_it_is_done(vendor, opened, api, clock):
    vendor.on("/v1/job", Says({"state": "queued"}), Says({"state": "running"}), Says({"state": "done", "url": "u"}))
    got = opened(api()).job("/job", {"id": 7}, at="state", done=["done"], failed=["failed"], every=10)
    assert got == {"state": "done", "url": "u"}
    assert clock.slept == [10, 10]
    assert {seen.param("id") for seen in vendor.seen} == {"7"}


@pytest.mark.parametrize("says", [Says({"state": "failed"}), Says({"state": None}), Says({})])
def test_a_job_that_failed_is_never_an_empty_report(vendor, opened, api, says):
    vendor.on("/v1/job", says)
    with pytest.raises(BadAnswer, match="ended without a result"):
        opened(api()).job("/job", at="state", done=["done"], failed=["failed", "null"])


def test_a_job_that_takes_too_long_ends_the_poll(vendor, opened, api, clock):
    vendor.on("/v1/job", Says({"ready": False}))
    with pytest.raises(RateLimited, match="patience"):
        opened(api(), session={"patience": 12}).job("/job", at="ready", done=["true"], body={"id": 7})
    assert clock.slept == [5, 5]
    assert vendor.seen[0].method == "POST"
