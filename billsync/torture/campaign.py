"""Many seeds, on as many processes as wanted: counted, and the first failures shrunk."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from billsync.torture.draw import draw
from billsync.torture.play import Played, play
from billsync.torture.shrink import shrink

SHRUNK: Final = 3
"""Failures that are shrunk; of the others the seed is told."""


@dataclass(slots=True, kw_only=True)
class Campaign:
    """What came of many runs. `seconds` by the clock on the wall."""

    sink: str
    seed: int
    runs: int = 0
    nights: int = 0
    events: int = 0
    documents: int = 0
    crashes: int = 0
    seconds: float = 0.0
    breaches: Counter[str] = field(default_factory=Counter)
    failed: list[Played] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON. `duplicates` and `lost` count runs, as `failures` does, whatever the reason."""
        return {
            "schema": "billsync.torture/1",
            "sink": self.sink,
            "seed": self.seed,
            "runs": self.runs,
            "nights": self.nights,
            "events": self.events,
            "documents": self.documents,
            "crashes": self.crashes,
            "duplicates": self.breaches["duplicate"],
            "lost": self.breaches["lost"],
            "failures": len(self.failed),
            "seconds": str(round(self.seconds, 1)),
            "breaches": dict(sorted(self.breaches.items())),
            "failed": [
                {"seed": one.script.seed, "breaches": [f"{b.kind}: {b.what}" for b in one.breaches],
                 "script": one.script.json()}
                for one in self.failed
            ],
        }  # fmt: skip


def campaign(
    *, runs: int, seed: int, sink: str = "plain", jobs: int = 1, progress: Callable[[Campaign], None] | None = None
) -> Campaign:
    """Play the seeds from `seed` on. With several jobs the order differs, the result does not."""
    told = Campaign(sink=sink, seed=seed)
    began = time.monotonic()
    for played in _played(range(seed, seed + runs), sink, jobs):
        told.runs += 1
        told.nights += played.nights
        told.events += played.events
        told.documents += played.documents
        told.crashes += played.crashes
        if played.breaches:
            told.breaches.update({breach.kind for breach in played.breaches})
            told.failed.append(played)
        told.seconds = time.monotonic() - began
        if progress is not None:
            progress(told)
    told.failed.sort(key=lambda one: one.script.seed)
    told.failed[:SHRUNK] = [shrink(one) for one in told.failed[:SHRUNK]]
    return told


def _played(seeds: Iterable[int], sink: str, jobs: int) -> Iterator[Played]:
    one = partial(_one, sink=sink)
    if jobs <= 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(one, seeds, chunksize=20)


def _one(seed: int, *, sink: str) -> Played:
    played = play(draw(seed, sink=sink))
    return played if played.breaches else replace(played, protocol=())
