"""Who is asked again, when, and how long is waited."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from billsync.model.errors import RateLimited, Unavailable, VendorError
from billsync.sdk import Throttle
from tests.unit.http.vendor import Hangs, Resets, Says

OK = Says({"ok": True})


def test_retry_after_in_seconds_is_slept_exactly(vendor, opened, api, clock):
    vendor.on("/v1/x", Says(status=429, headers={"Retry-After": "17"}), OK)
    assert opened(api()).get("/x") == {"ok": True}
    assert clock.slept == [17]


def test_retry_after_as_a_date_is_slept_exactly(vendor, opened, api, clock):
    until = clock.now() + timedelta(seconds=95)
    vendor.on("/v1/x", Says(status=429, headers={"Retry-After": format_datetime(until, usegmt=True)}), OK)
    opened(api()).get("/x")
    assert clock.slept == [95]


def test_without_a_time_the_waits_double(vendor, opened, api, clock):
    vendor.on("/v1/x", *[Says(status=429)] * 4, OK)
    opened(api()).get("/x")
    assert clock.slept == [1, 2, 4, 8]


def test_a_retry_after_of_nothing_is_no_busy_loop(vendor, opened, api, clock):
    vendor.on("/v1/x", *[Says(status=429, headers={"Retry-After": "0"})] * 3, OK)
    opened(api()).get("/x")
    assert clock.slept == [1, 1, 1]


@pytest.mark.parametrize("failure", [Says("down", 500), Says(status=502), Says(status=503), Resets()])
def test_reads_outlast_a_short_outage(vendor, opened, api, clock, failure):
    vendor.on("/v1/x", failure, failure, OK)
    assert opened(api()).read("/x", {"q": 1}) == {"ok": True}
    assert clock.slept == [1, 2]


def test_a_read_that_times_out_is_sent_again(vendor, opened, api, clock):
    vendor.on("/v1/x", Hangs(), OK)
    assert opened(api(read_timeout=1)).get("/x") == {"ok": True}
    assert clock.slept == [1]


def test_a_long_outage_ends_the_poll(vendor, opened, api, clock):
    vendor.on("/v1/x", Says(status=503))
    with pytest.raises(Unavailable):
        opened(api()).get("/x")
    assert clock.slept == [1, 2, 4, 8]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_not_asked_again(vendor, opened, api, clock, status):
    vendor.on("/v1/x", Says(status=status), OK)
    with pytest.raises(Exception, match=str(status)):
        opened(api()).get("/x")
    assert clock.slept == []


def test_a_wait_beyond_the_polls_patience_is_not_begun(vendor, opened, api, clock):
    vendor.on("/v1/x", Says({"message": "hourly quota"}, 429, {"Retry-After": "3600"}), OK)
    with pytest.raises(RateLimited, match=r"3600 s.*hourly quota") as caught:
        opened(api(), session={"patience": 900}).get("/x")
    assert (caught.value.retry_after, clock.slept) == (3600, [])


def test_the_patience_is_that_of_all_calls_together(vendor, opened, api, clock):
    slow = Says(status=429, headers={"Retry-After": "40"})
    vendor.on("/v1/x", slow, OK, slow, OK, slow, OK)
    session = opened(api(), session={"patience": 100})
    session.get("/x")
    session.get("/x")
    with pytest.raises(RateLimited):
        session.get("/x")
    assert clock.slept == [40, 40]


def test_whoever_watches_hears_of_waits(vendor, opened, api):
    heard: list[str] = []
    vendor.on("/v1/x", Says(status=429, headers={"Retry-After": "5"}), OK)
    opened(api(), session={"on_event": heard.append}).get("/x")
    assert heard == ["waiting 5 s: the vendor asks to slow down for 5 s (429)"]


@pytest.mark.parametrize(
    ("throttle", "says", "slept"),
    [
        (Throttle(status=402, wait=60), Says("quota", 402), 60),
        (
            Throttle(status=403, body_has="REQUEST_LIMIT_EXCEEDED"),
            Says([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403),
            30,
        ),
        (Throttle(status=429, wait=30), Says(status=429), 30),
        (Throttle(status=503), Says(status=503, headers={"Retry-After": "12"}), 12),
        (
            Throttle(at="errors.*.extensions.code", equals="BUDGET", wait_at="errors.*.extensions.retry_in_seconds"),
            Says({"errors": [{"extensions": {"code": "BUDGET", "retry_in_seconds": 21}}]}),
            21,
        ),
        (Throttle(status=200, body_has="HTTP error 429"), Says("Teams returned HTTP error 429"), 30),
        (
            Throttle(status=429, wait_at="header:X-RateLimit-Reset"),
            Says(status=429, headers={"X-RateLimit-Reset": "1772413245"}),
            45,
        ),
        (Throttle(status=429, wait_at="header:X-Reset"), Says(status=429, headers={"X-Reset": "1772413245500"}), 46),
        (
            Throttle(status=429, wait_at="header:X-Reset"),
            Says(status=429, headers={"X-Reset": "2026-03-02T01:00:50Z"}),
            50,
        ),
        (Throttle(status=429, wait_at="reset"), Says({"reset": 1.2}, 429), 2),
        (Throttle(status=429, wait_at="reset", wait=9), Says({"reset": "soon"}, 429), 9),
    ],
)
def test_slow_down_has_many_faces(vendor, opened, api, clock, throttle, says, slept):
    vendor.on("/v1/x", says, OK)
    assert opened(api(throttles=(throttle,))).get("/x") == {"ok": True}
    assert clock.slept == [slept]


def test_a_throttle_is_not_seen_where_it_is_not_declared(vendor, opened, api, clock):
    vendor.on("/v1/x", Says({"errorCode": "INSUFFICIENT_ACCESS"}, 403), OK)
    with pytest.raises(Exception, match="no right"):
        opened(api(throttles=(Throttle(status=403, body_has="REQUEST_LIMIT_EXCEEDED"),))).get("/x")
    assert clock.slept == []


def test_a_lock_out_ends_the_poll_at_once(vendor, opened, api, clock):
    vendor.on("/v1/x", Says({"message": "blocked for 30 minutes"}, 400), OK)
    declared = api(throttles=(Throttle(status=400, body_has="blocked", ends_poll=True, wait=1),))
    with pytest.raises(RateLimited, match="30 minutes"):
        opened(declared).get("/x")
    assert (clock.slept, len(vendor.seen)) == ([], 1)


def test_a_write_is_not_repeated_even_when_the_vendor_asks_to_slow_down(vendor, opened, api, clock):
    vendor.on("/v1/x", Says(status=429, headers={"Retry-After": "1"}), OK)
    with pytest.raises(RateLimited) as caught:
        opened(api()).write("POST", "/x", {})
    assert (caught.value.sent, len(vendor.seen), clock.slept) == (False, 1, [])


@pytest.mark.parametrize("failure", [Says(status=503), Says(status=429), Resets(), Hangs()])
def test_a_write_under_a_key_that_the_vendor_honours_is_repeated(vendor, opened, api, failure):
    vendor.on("/v1/x", failure, Says({"id": 1}))
    got = opened(api(write_timeout=1)).write("POST", "/x", {}, headers={"Idempotency-Key": "k"}, keyed=True)
    assert got.json() == {"id": 1}
    assert [seen.headers["idempotency-key"] for seen in vendor.seen] == ["k", "k"]


@pytest.mark.parametrize("final", [Says({"message": "number exists"}, 409), Says(status=429), Says(status=404)])
def test_a_refusal_after_an_attempt_that_may_have_arrived_proves_nothing(vendor, opened, api, final):
    vendor.on("/v1/x", Resets(), final)
    with pytest.raises(VendorError) as caught:
        opened(api(), session={"patience": 1}).write("POST", "/x", {}, keyed=True)
    assert caught.value.sent, "the first attempt may have written"


def test_maintenance_with_an_end_is_waited_for(vendor, opened, api, clock):
    until = clock.now() + timedelta(seconds=300)
    vendor.on("/v1/x", Says(status=503, headers={"Retry-After": format_datetime(until, usegmt=True)}), OK)
    assert opened(api()).get("/x") == {"ok": True}
    assert clock.slept == [300]


def test_a_locked_out_account_is_left_alone_until_the_lock_ends(vendor, opened, api, clock):
    vendor.on("/v1/x", Says("blocked", 400), OK)
    session = opened(api(throttles=(Throttle(status=400, body_has="blocked", ends_poll=True, wait=1800),)))
    with pytest.raises(RateLimited):
        session.get("/x")
    with pytest.raises(RateLimited, match="until 2026-03-02 01:30 UTC") as caught:
        session.write("POST", "/x", {})
    assert (caught.value.sent, len(vendor.seen)) == (False, 1)
    clock.sleep(1800)
    assert session.get("/x") == {"ok": True}
