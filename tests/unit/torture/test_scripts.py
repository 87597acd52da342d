"""Single runs that once broke an invariant, or that show what a night does then."""

from __future__ import annotations

from billsync.torture import Script, play
from billsync.torture.play import Played
from billsync.torture.script import Event, Night

AHEAD = Event(what="jump", how=0)
WORK = Event(what="insert", name="time", at=1, how=0)
WITHOUT_DATES, WITH_DATES = 4, 0
"""Numbers of books: plain ones with a key for ever, whose answers tell no time, and such as do."""


def played(*nights: Night, books: int) -> Played:
    """A firm of one contract; no breach."""
    run = play(Script(seed=0, sink="plain", shape=1, books=books, changes="since", nights=nights))
    assert not run.breaches, run.breaches
    return run


def said(run: Played, what: str) -> list[str]:
    return [line for line in run.protocol if what in line]


def test_nothing_is_dated_by_a_clock_that_the_vendors_contradict() -> None:
    run = played(Night(wait=0, day=(WORK, AHEAD)), Night(wait=86_400), books=WITH_DATES)
    assert len(said(run, "nothing was sent: this computer's clock says 2027-03-0")) >= 2, "not told every night"
    created = said(run, " created ")
    assert created and all(line[:10] == "2026-03-04" for line in created), "sent before the clock was right"


def test_an_older_ledger_is_noticed_though_the_clock_is_ahead() -> None:
    """Read back by our own clock, the books would be asked for changes of next year only."""
    run = played(
        Night(wait=0, day=(WORK, AHEAD), trouble=(Event(what="crash", at=26),)),
        Night(wait=345_600, day=(Event(what="backup"),)),
        Night(wait=86_400, day=(Event(what="restore"),)),
        Night(wait=86_400),
        books=WITHOUT_DATES,
    )
    assert said(run, "hold 1 invoices that this ledger does not know"), "the older ledger was believed"
    assert len(said(run, " created ")) == 1


def test_a_night_that_asked_nobody_is_no_measure_of_the_clock() -> None:
    dies = Event(what="crash", at=1)
    played(Night(wait=0), Night(wait=86_400, day=(AHEAD,), trouble=(dies,)), Night(wait=86_400), books=WITHOUT_DATES)
