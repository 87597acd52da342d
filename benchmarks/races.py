"""Races: many processes on one ledger in the same second, two ledgers on one set of books, one log-in for all.

`python -m benchmarks races [--rounds N] [--processes P] [--pairs N] [--turns N] [--minutes M] [--format text|json]`

crowd   so many rounds of P processes `billsync sync`, let go at once, with new work before each round: exactly one
        does the night, every other one leaves with exit code 6, or comes after it and finds nothing to do (0).
        Each tenth round begins without a ledger, so that its making is raced for as well.
pairs   so many rounds of two processes
turns   eight processes take the run lock in turn, so often in all, and count under it in a file: one too few would
        show that two held it at once
The books are plain ones without a key and without unique numbers: there a second document would show. After every
round: one document for each piece of work; at the end of every tenth: the statement, the journal, the postings.
After `--minutes` no new ledger is begun, neither for the crowd nor, after as many again, for the pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.children import COMMAND, Done, Job, Nursery, SharedClock
from benchmarks.firm import Small, judged, memory, small

UNHELPED: Final = 12
"""Of torture.world.MANNERS: no key, no unique numbers, visible at once."""
FRESH: Final = 10
"""Rounds with one ledger."""
LOCKED: Final = 6
NIGHT: Final = "benchmarks.races:night"
TURNS: Final = "benchmarks.races:turns"
CONTENDERS: Final = 8


def turns(clock: str, *words: str) -> int:
    """Take the run lock until the count in the file is full. Exit code 1 where somebody else was inside as well."""
    from billsync.model.errors import Locked
    from billsync.sync.lock import run_lock

    ledger, often = Path(words[0]), int(words[1])
    count, inside = ledger.with_suffix(".count"), ledger.with_suffix(".inside")
    while True:
        try:
            with run_lock(ledger, now=SharedClock(Path(clock)).now):
                inside.open("x").close()
                done = int(count.read_text(encoding="utf-8")) + 1
                if done <= often:
                    count.write_text(str(done), encoding="utf-8")
                inside.unlink()
        except Locked:
            continue
        except FileExistsError:
            return 1
        if done >= often:
            return 0


def night(clock: str, *words: str) -> int:
    """`billsync sync`, without the words: the night itself and its exit code. For pairs, of which there are many."""
    from billsync.model.errors import BillsyncError
    from billsync.sync import open_firm, run

    shared = SharedClock(Path(clock))
    try:
        return run(open_firm(Path(words[1]), now=shared.now, sleep=shared.sleep)).exit_code
    except BillsyncError as error:
        return error.exit_code


@dataclass(slots=True)
class Tally:
    """What was counted. `late`: losers that needed more than two seconds from their start, as the clock on the wall
    has it; `busiest`: the most processor time that a loser used."""

    rounds: int = 0
    processes: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    doubles: int = 0
    lost: int = 0
    late: int = 0
    longest: float = 0
    busiest: float = 0
    wrong: list[str] = field(default_factory=list)

    def round(self, firm: Small, done: Sequence[Done]) -> None:
        """One round: who did the night, how the others left, what is in the books."""
        self.rounds += 1
        self.processes += len(done)
        self.codes.update(one.code for one in done)
        if any(one.code not in (0, LOCKED) for one in done):
            self.wrong.append(
                f"round {self.rounds}: exit codes {sorted(one.code for one in done)}: {firm.said()[-800:]}"
            )
        if not any(one.code == 0 for one in done):
            self.wrong.append(f"round {self.rounds}: nobody did the night")
        losers = [one for one in done if one.code == LOCKED]
        self.late += sum(one.seconds > 2 for one in losers)
        self.longest = max(self.longest, *(one.seconds for one in losers), 0)
        self.busiest = max(self.busiest, *(one.processor for one in losers), 0)
        have = sum(one.net for one in firm.standing())
        self.doubles += have > firm.due
        self.lost += have < firm.due

    def check(self, firm: Small) -> None:
        """The whole ledger against the books."""
        found = judged(firm)
        self.doubles += found.doubles
        self.lost += found.lost
        self.wrong += found.wrong


def race(
    nursery: Nursery,
    rounds: int,
    processes: int,
    *,
    call: str = COMMAND,
    sink: str = "plain",
    until: float | None = None,
) -> Tally:
    """So many rounds of so many processes, a new ledger each tenth round, none of which begins after `until`."""
    tally = Tally()
    while tally.rounds < rounds and (until is None or time.monotonic() < until):
        with (
            tempfile.TemporaryDirectory(prefix="billsync-race-", dir=memory()) as folder,
            small(Path(folder), sink, manners=UNHELPED) as firm,
        ):
            for _ in range(min(FRESH, rounds - tally.rounds)):
                done = nursery.run([firm.job("sync", "--quiet", call=call) for _ in range(processes)])
                tally.round(firm, done)
                firm.clock.advance(days=1)
                firm.work()
            firm.worked -= 1  # nobody was asked to bill the last of it
            tally.check(firm)
    return tally


def take_turns(nursery: Nursery, often: int) -> dict[str, Any]:
    """So many times is the lock taken, by one of eight processes."""
    with tempfile.TemporaryDirectory(prefix="billsync-turns-", dir=memory()) as folder:
        ledger, clock = Path(folder) / "billsync.db", Path(folder) / "clock"
        SharedClock(clock)
        ledger.with_suffix(".count").write_text("0", encoding="utf-8")
        job = Job(words=[str(ledger), str(often)], out=str(Path(folder) / "words"), call=TURNS, clock=str(clock))
        started = time.monotonic()
        done = nursery.run([job] * CONTENDERS)
        counted = int(ledger.with_suffix(".count").read_text(encoding="utf-8"))
    good = counted == often and all(one.code == 0 for one in done)
    wrong = [] if good else [f"counted {counted}, exit codes {[one.code for one in done]}"]
    return {"turns": counted, "processes": CONTENDERS, "wrong": wrong, "seconds": round(time.monotonic() - started)}


def main(words: Sequence[str] = ()) -> None:
    """Race, and print. Exit code 1 where anything was double, lost or wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks races")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=10_000)
    parser.add_argument("--minutes", type=int)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    asked = parser.parse_args(list(words))
    found: dict[str, Any] = {"processors": os.cpu_count()}
    with Nursery() as nursery:
        found["turns"] = take_turns(nursery, asked.turns)
        print(json.dumps({"turns": found["turns"]}), file=sys.stderr, flush=True)
        for name, rounds, processes, call in (
            ("crowd", asked.rounds, asked.processes, COMMAND),
            ("pairs", asked.pairs, 2, NIGHT),
        ):
            started = time.monotonic()
            until = started + asked.minutes * 60 if asked.minutes else None
            tally = race(nursery, rounds, processes, call=call, until=until)
            found[name] = _row(tally, time.monotonic() - started)
            print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1) if asked.format == "json" else _told(found))
    if any(found[name].get(what) for name in ("turns", "crowd", "pairs") for what in ("doubles", "lost", "wrong")):
        sys.exit(1)


def _row(tally: Tally, seconds: float) -> dict[str, Any]:
    codes = {str(code): count for code, count in sorted(tally.codes.items())}
    return {
        "rounds": tally.rounds, "processes": tally.processes, "codes": codes, "doubles": tally.doubles,
        "lost": tally.lost, "late": tally.late, "longest": round(tally.longest, 2),
        "processor": round(tally.busiest, 2), "wrong": tally.wrong[:5], "seconds": round(seconds),
    }  # fmt: skip


def _told(found: dict[str, Any]) -> str:
    took = found["turns"]
    lines = [f"turns: the lock taken {took['turns']} times by {took['processes']} processes, {took['seconds']} s"]
    lines += [f"  WRONG: {what}" for what in took["wrong"]]
    for name in ("crowd", "pairs"):
        row = found[name]
        lines.append(
            f"{name}: {row['rounds']} rounds, {row['processes']} processes, exit codes {row['codes']}, doubles "
            f"{row['doubles']}, lost {row['lost']}; {row['seconds']} s on {found['processors']} processors"
        )
        lines.append(
            f"  who found the lock taken was gone after {row['longest']} s at most ({row['late']} after more than "
            f"2 s), with {row['processor']} s of processor"
        )
        lines += [f"  WRONG: {what}" for what in row["wrong"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
