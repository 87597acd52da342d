"""Single runs that once broke an invariant, or that show what a night does then."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from billsync.ledger import Ledger
from billsync.sync import night
from billsync.torture import Script, play
from billsync.torture.play import Played
from billsync.torture.script import Event, Night

AHEAD = Event(what="jump", how=0)
WORK = Event(what="insert", name="time", at=1, how=0)
WITHOUT_DATES, WITH_DATES = 4, 0
"""Numbers of books: plain ones with a key for ever, whose answers tell no time, and such as do."""


JUMPED = (Night(wait=0, day=(WORK, AHEAD)), Night(wait=86_400))
RESTORED = (
    Night(wait=0, day=(WORK, AHEAD), trouble=(Event(what="crash", at=26),)),
    Night(wait=345_600, day=(Event(what="backup"),)),
    Night(wait=86_400, day=(Event(what="restore"),)),
    Night(wait=86_400),
)


def run_of(*nights: Night, books: int) -> Played:
    """A firm of one contract."""
    return play(Script(seed=0, sink="plain", shape=1, books=books, changes="since", nights=nights))


def played(*nights: Night, books: int) -> Played:
    """The same without a breach."""
    run = run_of(*nights, books=books)
    assert not run.breaches, run.breaches
    return run


def said(run: Played, what: str) -> list[str]:
    return [line for line in run.protocol if what in line]


def test_nothing_is_dated_by_a_clock_that_the_vendors_contradict() -> None:
    run = played(*JUMPED, books=WITH_DATES)
    assert len(said(run, "nothing was sent: this computer's clock says 2027-03-0")) >= 2, "not told every night"
    created = said(run, " created ")
    assert created and all(line[:10] == "2026-03-04" for line in created), "sent before the clock was right"


def test_an_older_ledger_is_noticed_though_the_clock_is_ahead() -> None:
    """Read back by our own clock, the books would be asked for changes of next year only."""
    run = played(*RESTORED, books=WITHOUT_DATES)
    assert said(run, "hold 1 invoices that this ledger does not know"), "the older ledger was believed"
    assert len(said(run, " created ")) == 1


def test_it_is_caught_when_the_vendors_clocks_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "wrong_clock", lambda firm: "")
    kinds = {breach.kind for breach in run_of(*JUMPED, books=WITH_DATES).breaches}
    assert kinds & {"silent", "document"}, "an invoice was dated next year, and nobody noticed"


def test_it_is_caught_when_the_books_are_asked_by_our_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def when_read(ledger: Ledger, sink: str) -> datetime | None:
        read = [json.loads(row.body) for row in ledger.journal_rows() if row.event == "read"]
        found = [body["read_at"] for body in read if body["sink"] == sink]
        return datetime.fromisoformat(found[-1]) if found else None

    monkeypatch.setattr(Ledger, "last_read_back", when_read)
    assert "duplicate" in {breach.kind for breach in run_of(*RESTORED, books=WITHOUT_DATES).breaches}


def test_a_night_that_asked_nobody_is_no_measure_of_the_clock() -> None:
    dies = Event(what="crash", at=1)
    played(Night(wait=0), Night(wait=86_400, day=(AHEAD,), trouble=(dies,)), Night(wait=86_400), books=WITHOUT_DATES)


@pytest.mark.parametrize("sink", ["plain", "quickbooks", "xero", "odoo", "folder"])
@pytest.mark.parametrize("last", [86_400, 3_456_000])
def test_a_deletion_after_forty_quiet_days_is_told(sink: str, last: int) -> None:
    """Books that tell deletions for thirty days only tell none of it by themselves."""
    quiet, deleted = Night(wait=3_456_000), Night(wait=last, day=(Event(what="hand", name="delete"),))
    nights = (Night(wait=0, day=(WORK,)), quiet, deleted)
    run = play(Script(seed=0, sink=sink, shape=1, books=4, changes="since", nights=nights))
    assert not run.breaches, run.breaches
    assert said(run, "became deleted"), "nobody was told"
