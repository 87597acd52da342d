"""The vendor's limits are kept before he has to say so."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from billsync.model.errors import RateLimited, UsageError
from billsync.sdk import Limit
from tests.unit.http.vendor import Says, Seen

OK = Says({"ok": True})


def test_a_short_window_slides(vendor, opened, api, clock):
    vendor.on("/v1/x", OK)
    session = opened(api(limits=(Limit(10, 15),)))
    for _ in range(19):
        session.get("/x")
    assert clock.slept == [16, 16], "9 of 10 calls (90 %) may pass in 15 s"
    assert session.stats.waited == 32


def test_the_tightest_of_several_limits_counts(vendor, opened, api, clock):
    vendor.on("/v1/x", OK)
    session = opened(api(limits=(Limit(100, 60, share=100), Limit(2, 1, share=100))))
    for _ in range(5):
        session.get("/x")
    assert len(clock.slept) == 2


def test_a_daily_budget_is_kept_across_runs(vendor, opened, api, clock):
    vendor.on("/v1/x", OK)
    daily = api(limits=(Limit(10, 86_400, share=50),))
    for _ in range(5):
        opened(daily).get("/x")
    with pytest.raises(RateLimited, match="budget of 10 calls in 86400 s is used up") as caught:
        opened(daily).get("/x")
    assert caught.value.sent is False
    assert len(vendor.seen) == 5
    clock.sleep(86_401)
    assert opened(daily).get("/x") == {"ok": True}


def test_a_budget_belongs_to_one_account(vendor, opened, api):
    vendor.on("/v1/x", OK)
    daily = api(limits=(Limit(1, 86_400, share=100),))
    opened(daily).get("/x")
    opened(daily, session={"account": "a/b:c"}).get("/x")
    assert len(vendor.seen) == 2


PROCESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from billsync.http import Session
from billsync.model.errors import RateLimited, UsageError
from billsync.sdk import Api, Limit, Options

api = Api(base_url=sys.argv[1], limits=(Limit(12, 86400, share=100),))
with Session(api, Options(), account="acme", state=Path(sys.argv[2]), sleep=lambda s: None,
             now=lambda: datetime(2026, 3, 2, tzinfo=UTC)) as session:
    try:
        for _ in range(20):
            session.get("/x")
    except RateLimited:
        pass
"""


def test_a_daily_budget_is_shared_by_processes(vendor, tmp_path: Path):
    vendor.on("/x", OK)
    command = [sys.executable, "-c", PROCESS, vendor.url, str(tmp_path)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(vendor.seen) == 12


def test_points_are_charged_as_the_answers_tell_them(vendor, opened, api):
    vendor.on("/v1/x", Says({"cost": 4}))
    session = opened(api(limits=(Limit(10, 3600, share=100, cost_at="cost"),)))
    session.get("/x")
    session.get("/x")
    session.get("/x")
    with pytest.raises(RateLimited):
        session.get("/x")
    assert len(vendor.seen) == 3


@pytest.mark.parametrize("allowed", [1, 3])
def test_no_more_calls_are_under_way_than_the_vendor_allows(vendor, opened, api, allowed):
    turn, together = threading.Lock(), threading.Barrier(allowed)
    under_way: list[int] = []
    most: list[int] = []

    def busy(seen: Seen) -> Says:
        with turn:
            under_way.append(1)
            most.append(len(under_way))
        together.wait(30)  # breaks unless as many as allowed are here at once
        with turn:
            under_way.pop()
        return OK

    vendor.on("/v1/x", busy)
    session = opened(api(concurrency=allowed))
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda _: session.get("/x"), range(9)))
    assert max(most) == allowed


def test_a_budget_that_cannot_be_kept_is_said_at_once(opened, api, tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(UsageError, match="budget of calls cannot be kept"):
        opened(api(limits=(Limit(1, 86_400),)))
