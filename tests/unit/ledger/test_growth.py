"""What a night costs does not grow with the years: counted in steps of SQLite's own machine, not in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from billsync.ledger import Ledger
from billsync.model.work import TimeEntry, Window
from tests.unit.ledger.conftest import (
    NIGHT,
    World,
    bill,
    entry,
    evaluation,
    facts,
    invoice,
    line,
    observe,
    place,
    rest_of,
    terms,
    time_part,
)  # fmt: skip

LONG_AGO = date(2025, 12, 1)


class Steps:
    """Steps that SQLite took, in hundreds."""

    taken = 0

    @contextmanager
    def counted(self, ledger: Ledger) -> Iterator[None]:
        self.taken = 0
        ledger._conn.set_progress_handler(self.step, 100)
        yield
        ledger._conn.set_progress_handler(None, 0)

    def step(self) -> int:
        self.taken += 1
        return 0


def history(folder: Path, size: int) -> tuple[World, list[TimeEntry]]:
    """So many entries billed and at rest, and twenty that are open."""
    world = World(folder / f"{size}.db")
    old = [entry(f"old-{number}", on=LONG_AGO - timedelta(days=number)) for number in range(size)]
    new = [entry(f"new-{number}") for number in range(20)]
    with world.open() as ledger:
        observe(ledger, world.clock, *old, *new)
        observe(ledger, world.clock, entry("x", on=LONG_AGO), account="tempo")
        for start in range(0, size, 100):
            parts = [time_part(one, 20000) for one in old[start : start + 100]]
            bill(ledger, world.clock, invoice(f"BS-{start}", line("time", *parts)))
        places = tuple(place(f"time/work/{one.id}") for one in (*old, *new))
        ledger.keep(evaluation(places=places), terms=terms(), now=world.clock(), night=NIGHT)
        ledger.keep(evaluation(resting=tuple(map(rest_of, old))), terms=terms(), now=world.clock(), night=NIGHT)
    return world, new


def load(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    assert len(facts(ledger, world.clock).records) == 21


def explain(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    assert facts(ledger, world.clock, only="time/work/old-7").records


def poll_changes(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    assert observe(ledger, world.clock, *(replace(one, notes="x") for one in new), full=False).changed == 20


def poll_the_window(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    window = Window(since=date(2026, 1, 1), until=date(2026, 12, 31))
    assert observe(ledger, world.clock, *new[1:], window=window).vanished == 1


def send(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    bill(ledger, world.clock, invoice("BS-new", line("time", *(time_part(one, 20000) for one in new))))


def let_go(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    [document] = [one for one in ledger.documents() if one.receipt.reference == "BS-0"]
    ledger.read_back("books", [replace(document.receipt, status="voided")], read_at=world.clock())
    ledger.let_go("BS-0", person="ana", reason="void", now=world.clock(), night=NIGHT)


def rest(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    night = evaluation(resting=tuple(rest_of(one, amount=0) for one in new), left=("time/work/new-1",))
    ledger.keep(night, terms=terms(), now=world.clock(), night=NIGHT)


def decide(ledger: Ledger, world: World, new: list[TimeEntry]) -> None:
    ledger.decide("hold", "time/work/old-3", person="ana", reason="why", at=world.clock())


@pytest.mark.parametrize("step", [load, explain, poll_changes, poll_the_window, send, let_go, rest, decide])
def test_a_step_of_a_night_does_not_grow_with_history(tmp_path: Path, step: Callable[..., Any]) -> None:
    taken = []
    for size in (300, 3000):
        world, new = history(tmp_path, size)
        with world.open() as ledger:
            steps = Steps()
            with steps.counted(ledger):
                step(ledger, world, new)
            taken.append(steps.taken)
    assert taken[1] < 2 * taken[0] + 50, f"ten times the history took {taken[1]} steps instead of {taken[0]}"


def test_a_first_sweep_grows_with_its_records_only(tmp_path: Path) -> None:
    taken = []
    for size in (1000, 8000):
        world = World(tmp_path / f"{size}.db")
        with world.open() as ledger:
            steps = Steps()
            with steps.counted(ledger):
                observe(ledger, world.clock, *(entry(str(number)) for number in range(size)))
                observe(ledger, world.clock, *(entry(str(number)) for number in range(size)))
            taken.append(steps.taken)
    assert taken[1] < 10 * taken[0], f"eight times the records took {taken[1]} steps instead of {taken[0]}"
