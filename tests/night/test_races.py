"""Many processes at once: one ledger, one lock, one log-in. The long runs are `python -m benchmarks races`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.children import Nursery, SharedClock
from benchmarks.firm import small
from benchmarks.races import race, take_turns
from billsync.http import TokenStore
from billsync.sync import open_firm
from billsync.testing.quickbooks import FakeQuickBooks

CROWD = 10
PROCESSES = 20


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.mark.parametrize("sink", ["plain", "folder"])
def test_of_a_crowd_one_does_the_night(nursery, sink):
    """The first round begins without a ledger. The plain books here have no key and no unique numbers."""
    tally = race(nursery, 2, CROWD, sink=sink)
    assert tally.processes == 2 * CROWD
    assert (tally.doubles, tally.lost, tally.wrong) == (0, 0, [])
    assert set(tally.codes) <= {0, 6}, tally.codes


def test_two_are_never_inside_the_lock_at_once(nursery):
    took = take_turns(nursery, 200)
    assert took["wrong"] == [] and took["turns"] == 200


def ask(clock: str, *words: str) -> int:
    """One process that needs the books' access token, and goes on with it."""
    shared = SharedClock(Path(clock))
    firm = open_firm(Path(words[1]), now=shared.now, sleep=shared.sleep)
    with firm.sink("books") as books:
        return 0 if books.check().account else 1


@pytest.mark.parametrize("before", ["nobody has a token", "all have one that died"])
def test_twenty_processes_with_one_log_in_use_the_refresh_token_once(nursery, tmp_path, before):
    with small(tmp_path, "quickbooks") as firm:
        assert isinstance(firm.books, FakeQuickBooks)
        grants = firm.books.grants
        if before == "all have one that died":
            assert nursery.one(firm.job(call=f"{__name__}:ask")).code == 0, firm.said()
            grants.kill_access()
        served = grants.served
        done = nursery.run([firm.job(call=f"{__name__}:ask") for _ in range(PROCESSES)])
        assert [one.code for one in done] == [0] * PROCESSES, firm.said()[-1500:]
        assert (grants.served - served, grants.refused) == (1, 0), "a refresh token that works once was used again"
        kept = TokenStore.for_account(firm.home / "state", "books").load()
        assert kept is not None and kept.refresh == grants.refresh, "the token that lives is not the one that is kept"
