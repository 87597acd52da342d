"""Credit sequences through real nights, many more than the tests play: `python -m benchmarks credits --sequences N`.

    --sequences N    so many for each sink (20 unless told)      --seed S    the first number
    --sink NAME      folder or quickbooks; both unless told

A sequence that breaks an invariant is printed with its number and steps; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Any


def main(words: list[str]) -> None:
    """Play, and print what was played and what broke."""
    from tests.night.credit_firm import SINKS
    from tests.night.credit_play import Broken, play

    parser = argparse.ArgumentParser(prog="python -m benchmarks credits")
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sink", choices=SINKS)
    asked = parser.parse_args(words)
    broken = 0
    for sink in [asked.sink] if asked.sink else SINKS:
        told: Counter[str] = Counter()
        began = time.process_time()
        for seed in range(asked.seed, asked.seed + asked.sequences):
            try:
                told += _counted(play(sink, seed))
            except Broken as what:
                broken += 1
                print(f"{sink} {seed}: {what}")
        seconds = time.process_time() - began
        figures = ", ".join(f"{count} {name}" for name, count in told.items())
        print(f"credits into {sink}: {asked.sequences} sequences, {figures}, {seconds:.0f} s of one core")
    print(f"{broken} broke an invariant")
    sys.exit(1 if broken else 0)


def _counted(played: Any) -> Counter[str]:
    made = played.model.sent.values()
    return Counter(
        steps=len(played.steps),
        documents=len(made),
        memos=sum(one.invoice.kind == "credit_memo" for one in made),
        **{"let go": sum(one.let_go for one in made)},
    )
