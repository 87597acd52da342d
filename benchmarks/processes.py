"""Whole processes timed in turn (A B A B ...), so that a machine whose speed drifts slows both."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians in seconds, and the median of the ratios pair by pair."""

    ours: float
    theirs: float
    ratio: float
    runs: int


def in_turn(ours: Sequence[str], theirs: Sequence[str], *, runs: int = 15, warm_up: int = 2) -> Pair:
    """Time two commands in turn. CalledProcessError when one of them fails."""
    a, b = [], []
    for _ in range(runs + warm_up):
        a.append(_once(ours))
        b.append(_once(theirs))
    a, b = a[warm_up:], b[warm_up:]
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    return Pair(statistics.median(a), statistics.median(b), statistics.median(ratios), runs)


def _once(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started
