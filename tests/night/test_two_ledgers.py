"""Two machines, each with a ledger of its own, bill the same firm's work into one set of books.

That is a mistake of whoever set them up. What is promised: one after the other they never bill the same work twice, and
the second one is noticed before it sends anything. At the very same time, each before the other's document can be seen,
they give the same work the same reference: books with unique numbers or a key make one document of it. Books without
either make two, which the next night notices.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.children import Nursery, command
from benchmarks.firm import Small, configure, judged, small
from billsync.model.book import Intent
from billsync.sync.push import Push

KEY, UNIQUE, UNHELPED, LATE = 1, 9, 12, 11
"""Plain books: a key for ever, seen after 20 seconds; unique numbers; neither; unique numbers, seen after a minute."""
BOOKS = [("quickbooks", 0), ("plain", UNIQUE), ("plain", KEY), ("folder", 0)]
named = pytest.mark.parametrize(("sink", "manners"), BOOKS, ids=["quickbooks", "unique number", "key", "folder"])


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@contextmanager
def two_machines(folder: Path, sink: str, manners: int) -> Iterator[tuple[Small, Small]]:
    """One firm, two configurations that differ in ledger and state only; the vendors know one log-in for both."""
    with small(folder, sink, manners=manners, rotates=False) as first:
        configure(first, config="second.yaml", ledger="second.db", state="second")
        yield first, replace(first, config="second.yaml")


def nights(nursery: Nursery, *machines: Small, call: str = "") -> list[int]:
    """A night of each machine, all let go at once; the exit codes."""
    more = {"call": call} if call else {}
    return [one.code for one in nursery.run([machine.job("sync", **more) for machine in machines])]


def in_the_books(firm: Small) -> tuple[int, int]:
    """What stands there, and what is due, in cents."""
    return sum(one.net for one in firm.standing()), firm.due


def references(firm: Small) -> list[str]:
    with firm.open().ledger(read_only=True) as ledger:
        return sorted(intent.reference for intent in ledger.intents())


@named
def test_one_after_the_other_the_second_is_noticed_and_sends_nothing(nursery, tmp_path, sink, manners):
    with two_machines(tmp_path, sink, manners) as (first, second):
        assert nights(nursery, first) == [0], first.said()[-1500:]
        first.clock.advance(300)  # beyond the books' own delay: see below for what is within it
        first.work()
        assert nights(nursery, second) == [5], second.said()[-1500:]
        assert "ledger relearn books" in first.said(), "what to do is not told"
        assert len(first.standing()) == 2, "a ledger that knows nothing of the books sent something"

        first.clock.advance(300)
        assert nursery.one(second.job("ledger", "relearn", "books")).code == 0, second.said()[-1500:]
        assert nights(nursery, second) == [0], second.said()[-1500:]
        assert in_the_books(first) == (first.due, first.due), "after learning it bills what is new, and that once"

        first.clock.advance(300)
        assert nights(nursery, first) == [5], "now the first does not know what the second has billed"
        assert in_the_books(first) == (first.due, first.due)


# ---- At the same time ----------------------------------------------------------------------------------------------


def meet(clock: str, *words: str) -> int:
    """`billsync`, that waits before its first document until another process has come as far: both have read the books
    by then, and neither has seen the other."""
    config = Path(words[1])
    create = Push._create

    def together(self: Push, intent: Intent) -> None:
        config.with_suffix(".ready").touch()
        for _ in range(12_000):  # the other may have failed: a minute, and the test will tell
            if len(list(config.parent.glob("*.ready"))) >= 2:
                break
            time.sleep(0.005)
        create(self, intent)

    setattr(Push, "_create", together)  # noqa: B010  in a process of its own
    return command(clock, *words)


@named
def test_at_the_same_time_the_same_work_is_one_document(nursery, tmp_path, sink, manners):
    with two_machines(tmp_path, sink, manners) as (first, second):
        codes = nights(nursery, first, second, call=f"{__name__}:meet")
        assert set(codes) <= {0, 4}, first.said()[-2000:]
        assert references(first) == references(second), "two ledgers that know the same must give it the same reference"
        assert in_the_books(first) == (first.due, first.due), "the same work was billed twice"
        assert len(first.standing()) == 2

        first.clock.advance(300)
        after = [nights(nursery, machine)[0] for machine in (first, second)]
        assert 5 in after, f"nobody noticed that two ledgers are at work: {after}"
        assert in_the_books(first) == (first.due, first.due)
        for machine, code in zip((first, second), after, strict=True):
            assert code == 5 or judged(machine).wrong == ()


def test_books_that_help_in_no_way_get_two_documents_and_the_next_night_says_so(nursery, tmp_path):
    """Not promised, and not silent either."""
    with two_machines(tmp_path, "plain", UNHELPED) as (first, second):
        nights(nursery, first, second, call=f"{__name__}:meet")
        assert references(first) == references(second)
        assert len(first.standing()) == 4, "these books keep one document of two: this test wants others"
        first.clock.advance(300)
        assert [nights(nursery, machine)[0] for machine in (first, second)] == [5, 5], (
            "two documents, and nobody says so"
        )
        assert len(first.standing()) == 4


def test_a_second_ledger_within_the_books_own_delay_sends_nothing_twice_where_numbers_are_unique(nursery, tmp_path):
    with two_machines(tmp_path, "plain", LATE) as (first, second):
        assert nights(nursery, first) == [0]
        assert nights(nursery, second) == [4], "it sees nothing, sends, and is refused: that is no good night"
        assert in_the_books(first) == (first.due, first.due)
        first.clock.advance(300)
        assert nights(nursery, second) == [5], second.said()[-1500:]
        assert in_the_books(first) == (first.due, first.due)


def test_overlapping_work_at_the_same_time_is_told_the_next_night(nursery, tmp_path):
    """Not promised: the second machine has read one entry more, so its document is another one."""
    with two_machines(tmp_path, "plain", UNIQUE) as (first, second):
        other = first.home / "second-data"
        other.mkdir()
        config = first.home / "second.yaml"
        config.write_text(config.read_text(encoding="utf-8").replace('"data"', '"second-data"'), encoding="utf-8")
        rows = (first.home / "data" / "time.csv").read_text(encoding="utf-8")
        first.work()
        (first.home / "data" / "time.csv").replace(other / "time.csv")
        (first.home / "data" / "time.csv").write_text(rows, encoding="utf-8")
        nights(nursery, first, second, call=f"{__name__}:meet")
        assert not set(references(first)) & set(references(second))
        first.clock.advance(300)
        assert [nights(nursery, machine)[0] for machine in (first, second)] == [5, 5], first.said()[-2000:]
