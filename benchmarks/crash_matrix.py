"""The crash matrix: a real `billsync sync` is killed with SIGKILL at every edge of everything it writes, under every
fault of its books, and must be recovered by one further run.

`python -m benchmarks crash-matrix [--kills N] [--minutes M] [--seed S] [--workers W] [--format text|json]`

For each kind of books and each fault a first run counts the edges (edges.py); then, for each edge of it, a fresh firm
is made, a child dies there, and one more `billsync sync` follows, as cron would start it. Where the books' delay
forbids certainty that run must say so (exit code 4, the intent *unknown*, its money in flight, nothing sent), and the
next one, once `settle` has passed by the injected clock, must end it. A refresh token that works once and died with the
process needs a person: that must be told too. In the end: one document a reference, none lost, postings equal to the
documents, the statement balanced to 0.00, the journal whole, no file by half, no secret in one.

    during   the fault strikes the run that is killed
    after    the run that recovers meets it, at its first question or its first write
    twice    the run that recovers is killed as well, at any edge; a third one recovers
    anywhere the run is killed from outside, at some millisecond, wherever it is: inside the database, too

`--kills` takes so many of all cells, by the seed, in turn one of each books, boundary and fault; after `--minutes` it
tells of those that were done.
"""

from __future__ import annotations

import argparse
import errno
import json
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from benchmarks.children import COMMAND, Nursery
from benchmarks.edges import KINDS
from benchmarks.firm import SINKS, Small, columns, is_write, judged, memory, small
from billsync.http import Token, TokenStore
from billsync.testing.faults import FAULTS
from billsync.testing.server import Request

MANNERED: Final = (1, 8, 9, 11, 12, 14)
"""Plain books: a key for ever, for six minutes; unique numbers, visible at once, after a minute; no help at all,
visible at once, after a minute."""
UNHELPED: Final = (12, 14)
"""Neither key nor unique number: a request that is delivered twice is two documents, which is not promised."""
DISK: Final = tuple(errno.errorcode[one] for one in (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES))
SETTLED: Final = 200
"""Seconds after which every kind of books here shows what it has."""
MOMENTS: Final = 40
"""Kills from outside, spread over the time of one run."""
_NOWHERE: Final[Any] = {"edge": 0, "kind": "", "what": ""}
Phase = Literal["during", "after", "twice", "anywhere"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kill: which books, which fault, when, and at which edge. `place`: which file operation fails, which
    question or write; for `twice`: the edge of the second kill; for `anywhere`: the millisecond."""

    sink: str
    manners: int
    fault: str
    phase: Phase
    edge: int
    kind: str
    what: str
    place: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a kill. `how`: at once, after settling, by a log-in; "" where it was not recovered."""

    cell: Cell
    killed: int
    how: str = ""
    doubles: int = 0
    lost: int = 0
    wrong: tuple[str, ...] = ()


class Matrix:
    """Runs cells, each in a folder of its own. `call`: what the children do instead of `billsync`."""

    def __init__(self, nursery: Nursery, *, call: str = COMMAND) -> None:
        self._nursery = nursery
        self._call = call

    # ---- Which cells there are -----------------------------------------------------------------------------------

    def cells(self, sinks: Sequence[str] = SINKS) -> Iterator[Cell]:
        """Every kill of every fault, the second kills aside. Of plain books each kill has other manners than the one
        before: their runs pass the same edges."""
        for sink in sinks:
            number = 0
            for cell in self._cells(sink):
                number += 1
                helped = [one for one in MANNERED if cell.fault != "twice" or one not in UNHELPED]
                yield replace(cell, manners=helped[number % len(helped)]) if sink == "plain" else cell

    def _cells(self, sink: str) -> Iterator[Cell]:
        manners = MANNERED[0] if sink == "plain" else 0
        clean = self.counted(Cell(sink=sink, manners=manners, fault="none", phase="during", **_NOWHERE))
        yield from clean
        yield from self._moments(sink, manners)
        touching = _from_the_first_write(clean)
        for cell in _faults(sink, manners):
            if cell.phase == "during":
                yield from _from_the_first_write(self.counted(cell))
            else:
                for at in touching[cell.place :: 3]:  # each edge under every third fault
                    yield replace(cell, edge=at.edge, kind=at.kind, what=at.what)

    def _moments(self, sink: str, manners: int) -> Iterator[Cell]:
        """Kills at some millisecond of a run, by the time that one takes which lives."""
        cell = Cell(sink=sink, manners=manners, fault="none", phase="anywhere", **{**_NOWHERE, "kind": "anywhere"})
        with self._firm(cell) as firm:
            milliseconds = int(self._nursery.one(firm.job("sync")).seconds * 1000)
        for number in range(MOMENTS):
            yield replace(cell, place=1 + milliseconds * number // MOMENTS)

    def counted(self, cell: Cell) -> list[Cell]:
        """The cells of one fault, by a run that meets it and lives."""
        with self._firm(cell) as firm:
            self._arm(firm, cell)
            self._nursery.one(firm.watched("sync", **_error(cell, "during")))
            edges = firm.edges()
        return [replace(cell, edge=number, kind=kind, what=what) for number, (kind, what) in enumerate(edges, 1)]

    # ---- One kill ------------------------------------------------------------------------------------------------

    def run(self, cell: Cell) -> Outcome:
        """Kill, recover, judge."""
        with self._firm(cell) as firm:
            if cell.phase == "during":
                self._arm(firm, cell)
            after = cell.place / 1000 if cell.phase == "anywhere" else 0
            job = firm.watched("sync", edge=cell.edge, after=after, **_error(cell, "during"))
            done = self._nursery.one(job)
            if not done.killed:
                return Outcome(cell=cell, killed=0, how="the run ended before")
            if cell.edge:
                kind, what = firm.edges()[-1]
                cell = replace(cell, kind=kind, what=what)
            firm.books.forgive()
            killed = 1
            if cell.phase == "after":
                self._arm(firm, cell)
                code = self._nursery.one(firm.watched("sync", **_error(cell, "after"))).code
                firm.books.forgive()
                if code not in (0, 4):
                    return Outcome(cell=cell, killed=1, wrong=(f"exit code {code} under the fault",))
            elif cell.phase == "twice":
                killed += self._nursery.one(firm.watched("sync", edge=cell.place)).killed
            return self._recovered(firm, cell, killed)

    def _recovered(self, firm: Small, cell: Cell, killed: int) -> Outcome:
        code = self._nursery.one(firm.job("sync")).code
        how, wrong = "at once", []
        if code == 4 and _asks_for_a_log_in(firm):
            how = "by a log-in"
            _log_in(firm)
            code = self._nursery.one(firm.job("sync")).code
        if code == 4:
            how = "after settling"
            wrong = _unknown(firm)
            firm.clock.advance(SETTLED)
            code = self._nursery.one(firm.job("sync")).code
        if code != 0:
            wrong.append(f"the recovering run ends with exit code {code}")
        firm.clock.advance(SETTLED)
        firm.books.settle()  # what was under way has arrived
        found = judged(firm)
        wrong += found.wrong
        good = not (wrong or found.doubles or found.lost)
        return Outcome(
            cell=cell,
            killed=killed,
            how=how if good else "",
            doubles=found.doubles,
            lost=found.lost,
            wrong=tuple(wrong),
        )

    def _arm(self, firm: Small, cell: Cell) -> None:
        if cell.fault not in FAULTS:
            return
        if cell.phase == "after" and cell.place % 2:
            firm.books.fail(cell.fault, when=_is_question)
        else:
            firm.books.fail(cell.fault, when=is_write)

    @contextmanager
    def _firm(self, cell: Cell) -> Iterator[Small]:
        """A firm for one cell, and its folder, both gone afterwards."""
        with (
            tempfile.TemporaryDirectory(prefix="billsync-crash-", dir=memory()) as folder,
            small(Path(folder), cell.sink, manners=cell.manners) as firm,
        ):
            firm.call = self._call
            yield firm


def _is_question(request: Request) -> bool:
    return request.method == "GET" and "token" not in request.path


def _faults(sink: str, manners: int) -> Iterator[Cell]:
    """The faults of a kind of books, before their edges are known."""
    named: Any = {"sink": sink, "manners": manners, **_NOWHERE}
    if sink == "folder":
        for number, fault in enumerate(DISK):
            for place in range(1 + number, 60, 14):
                yield Cell(fault=fault, phase="during", place=place, **named)
            yield Cell(fault=fault, phase="after", place=1 + number, **named)
        return
    for number, fault in enumerate(FAULTS):
        yield Cell(fault=fault, phase="during", **named)
        yield Cell(fault=fault, phase="after", place=number % 3, **named)


def _error(cell: Cell, phase: Phase) -> dict[str, Any]:
    """The error of a disk, for a child."""
    if cell.fault not in DISK or cell.phase != phase:
        return {}
    return {"error": (getattr(errno, cell.fault), cell.place)}


def _from_the_first_write(cells: Sequence[Cell]) -> list[Cell]:
    """Edges before the books were touched are the same under every fault."""
    first = min((one.edge for one in cells if one.kind == ("file" if one.sink == "folder" else "send")), default=1)
    return [one for one in cells if one.edge >= first]


def _asks_for_a_log_in(firm: Small) -> bool:
    """The last run could not even begin with the books: their refresh token died with the process."""
    return firm.books.grants is not None and "billsync auth login books" in firm.said(last=True)


def _log_in(firm: Small) -> None:
    """What a person does who is asked to."""
    grants = firm.books.grants
    grants.issue()
    TokenStore.for_account(firm.home / "state", "books").save(Token(access="", refresh=grants.refresh))


def _unknown(firm: Small) -> list[str]:
    """What is wrong while the run says that it does not know."""
    found = judged(firm, ended=False)
    wrong = list(found.wrong)
    if found.doubles or found.lost:
        wrong.append(f"{found.doubles} doubles and {found.lost} lost while it was unknown")
    if not found.open:
        wrong.append("exit code 4, and no intent is open")
    return wrong


# ---- The whole ---------------------------------------------------------------------------------------------------


def chosen(cells: Sequence[Cell], kills: int, seed: int) -> list[Cell]:
    """So many cells, by the seed: in turn one of each books, boundary and fault; each tenth is killed twice."""
    random = Random(seed)
    groups: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.sink, cell.kind, cell.fault].append(cell)
    for group in groups.values():
        random.shuffle(group)
    clean = [cell for cell in cells if cell.fault == "none" and cell.edge]
    found: list[Cell] = []
    while len(found) < kills:
        for name in random.sample(sorted(groups), len(groups)):
            if groups[name]:
                found.append(groups[name].pop())
            if len(found) % 10 == 9 or not any(groups.values()):
                found.append(replace(random.choice(clean), phase="twice", place=random.randint(1, 60)))
    return found[:kills]


def play(cells: Sequence[Cell], *, workers: int = 1, until: float | None = None, watch: Any = None) -> list[Outcome]:
    """Run the cells in so many threads, each with a nursery of its own; none is begun after `until`."""
    local = threading.local()
    nurseries: list[Nursery] = []

    def begin() -> None:
        nurseries.append(Nursery().__enter__())
        local.matrix = Matrix(nurseries[-1])

    def one(cell: Cell) -> Outcome:
        if until is not None and time.monotonic() > until:
            return Outcome(cell=cell, killed=0, how="not begun")
        outcome: Outcome = local.matrix.run(cell)
        if watch is not None:
            watch(outcome)
        return outcome

    try:
        with ThreadPoolExecutor(workers, initializer=begin) as pool:
            return list(pool.map(one, cells))
    finally:
        for nursery in nurseries:
            nursery.__exit__(None, None, None)


def report(outcomes: Sequence[Outcome], seconds: float, seed: int, cells: int) -> dict[str, Any]:
    """Figures by boundary and fault, and every cell that did not hold."""
    rows: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in (one for one in outcomes if one.killed):
        row = rows[one.cell.sink, one.cell.kind, one.cell.fault]
        row["kills"] += one.killed
        row["recovered"] += one.killed if one.how and one.killed else 0
        row["doubles"] += one.doubles
        row["lost"] += one.lost
        row[one.how] += one.killed
    failed = [{**asdict(one.cell), "wrong": one.wrong, "doubles": one.doubles, "lost": one.lost}
              for one in outcomes if one.killed and not one.how]  # fmt: skip
    sums = {name: sum(row[name] for row in rows.values()) for name in ("kills", "recovered", "doubles", "lost")}
    ways = {name: sum(row[name] for row in rows.values()) for name in ("at once", "after settling", "by a log-in")}
    table = [
        {"sink": sink, "boundary": kind, "fault": fault, **{name: row[name] for name in sums}}
        for (sink, kind, fault), row in sorted(rows.items(), key=lambda pair: (pair[0][0], KINDS.index(pair[0][1])))
    ]
    return {"seed": seed, "cells": cells, **sums, **ways, "seconds": round(seconds), "rows": table, "failed": failed}


def _told(found: dict[str, Any]) -> str:
    head = ("books", "boundary", "fault", "kills", "recovered", "doubles", "lost")
    rows = [tuple(row[name] for name in ("sink", *head[1:])) for row in found["rows"]]
    sums = ("all", "", "", *(found[name] for name in head[3:]))
    lines = [columns([head, *rows, sums])]
    lines.append(
        f"seed {found['seed']}, of {found['cells']} cells: {found['at once']} recovered at once, "
        f"{found['after settling']} after settling, {found['by a log-in']} by a log-in; {found['seconds']} s"
    )
    lines += [f"NOT RECOVERED: {json.dumps(one)}" for one in found["failed"]]
    return "\n".join(lines)


def main(words: Sequence[str] = ()) -> None:
    """Run, and print. Exit code 1 where a kill was not recovered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks crash-matrix")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    asked = parser.parse_args(list(words))
    started = time.monotonic()
    with ThreadPoolExecutor(len(SINKS)) as pool:
        cells = [cell for found in pool.map(_cells_of, SINKS) for cell in found]
    print(f"{len(cells)} cells, counted in {time.monotonic() - started:.0f} s", file=sys.stderr)
    progress = _Progress(asked.kills)
    until = started + asked.minutes * 60 if asked.minutes else None
    picked = chosen(cells, asked.kills, asked.seed)
    outcomes = play(picked, workers=asked.workers, until=until, watch=progress.note)
    found = report(outcomes, time.monotonic() - started, asked.seed, len(cells))
    print(json.dumps(found, indent=1) if asked.format == "json" else _told(found))
    if found["failed"] or found["doubles"] or found["lost"]:
        sys.exit(1)


def _cells_of(sink: str) -> list[Cell]:
    with Nursery() as nursery:
        return list(Matrix(nursery).cells([sink]))


class _Progress:
    """A line for every hundredth kill, and for each that was not recovered, on stderr."""

    def __init__(self, of: int) -> None:
        self._of = of
        self._count = 0

    def note(self, outcome: Outcome) -> None:
        """One more."""
        self._count += 1
        if outcome.killed and not outcome.how:
            print(f"NOT RECOVERED: {outcome}", file=sys.stderr, flush=True)
        if self._count % 100 == 0:
            print(f"{self._count} of {self._of}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
