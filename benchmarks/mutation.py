"""Small faults put into the code of money, one at a time: how many of them do the tests notice?

`python -m benchmarks mutation [--files FILE ...] [--sample N] [--seed S] [--jobs J] [--format json]`. What is put in
says mutation_operators.py, how it is tried mutation_run.py. A mutant that means the same cannot be noticed: the list
mutation_equivalent.toml names each with its reason, by what it changes and not by its line; an entry that fits no
mutant any more is an error. The score of a file is the share of all others that some test notices. `--again REPORT`
tries only the survivors of an earlier report (`--format json`). A sample is the same for the same seed, and says that
it is one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.mutation_operators import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parent.parent
EQUIVALENT: Final = ROOT / "benchmarks" / "mutation_equivalent.toml"
TESTS: Final = ("tests/unit/rules", "tests/unit/model", "tests/properties")

Key = tuple[str, str, str]
"""File, function and change: what a mutant is known by."""


@dataclass(slots=True)
class Score:
    """One file: mutants it has and those tried, and what became of them."""

    file: str
    has: int
    tried: int = 0
    noticed: int = 0
    equivalent: int = 0
    survived: list[Mutant] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """Of those tried that do not mean the same; 100 where there are none."""
        judged = self.noticed + len(self.survived)
        return 100 * self.noticed / judged if judged else 100.0


def every_file() -> list[str]:
    """The money itself, and all rules, by path from the root."""
    rules = sorted((ROOT / "billsync" / "rules").glob("*.py"))
    return ["billsync/model/money.py", *(path.relative_to(ROOT).as_posix() for path in rules)]


def equivalents() -> Mapping[Key, str]:
    """The mutants that mean the same, each with its reason."""
    rows = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", [])
    return {(row["file"], row["function"], row["change"]): row["reason"] for row in rows}


def main(words: Sequence[str] = ()) -> None:
    """Try the mutants, and print the score of each file and every survivor."""
    asked = _arguments(words)
    same = equivalents()
    found = {file: mutants(file, (ROOT / file).read_text(encoding="utf-8")) for file in asked.files}
    _no_stale(found, same)
    scores = {file: Score(file, len(of)) for file, of in found.items()}
    chosen = [mutant for file, of in found.items() for mutant in _chosen(file, of, asked)]
    for mutant in chosen:
        scores[mutant.file].tried += 1
        scores[mutant.file].equivalent += mutant.key in same
    began = time.monotonic()
    _try([mutant for mutant in chosen if mutant.key not in same], asked, scores)
    shown = _as_json if asked.format == "json" else _as_text
    shown(list(scores.values()), asked, time.monotonic() - began)


def _try(judged: Sequence[Mutant], asked: argparse.Namespace, scores: Mapping[str, Score]) -> None:
    from benchmarks.mutation_run import try_all  # forks: not on every platform, and not needed for --list

    def told(mutant: Mutant, noticed: bool) -> None:
        score = scores[mutant.file]
        score.noticed += noticed
        if not noticed:
            score.survived.append(mutant)
            print(f"survived: {_line(mutant)}", file=sys.stderr, flush=True)

    try_all(judged, asked.tests, asked.jobs, told)


def _chosen(file: str, of: Sequence[Mutant], asked: argparse.Namespace) -> list[Mutant]:
    """All mutants of a file, a sample of so many, or the survivors of an earlier report."""
    if asked.again:
        report = json.loads(Path(asked.again).read_text(encoding="utf-8"))
        keys = {(row["file"], row["function"], row["change"]) for row in report["survived"]}
        return [mutant for mutant in of if mutant.key in keys]
    drawn = random.Random(f"{asked.seed}/{file}").sample(of, min(asked.sample or len(of), len(of)))
    return sorted(drawn, key=lambda mutant: mutant.number)


def _no_stale(found: Mapping[str, Sequence[Mutant]], same: Mapping[Key, str]) -> None:
    """Entries of the list that fit no mutant: the code changed, and someone has to look again."""
    known = {mutant.key for of in found.values() for mutant in of}
    stale = [key for key in same if key[0] in found and key not in known]
    if stale:
        sys.exit("no such mutant any more, in mutation_equivalent.toml:\n" + "\n".join(map(str, stale)))


def _line(mutant: Mutant) -> str:
    return f"{mutant.file}:{mutant.line}: {mutant.function}: {mutant.change}"


def _total(scores: Sequence[Score]) -> Score:
    total = Score("in total", sum(score.has for score in scores))
    for score in scores:
        total.tried += score.tried
        total.noticed += score.noticed
        total.equivalent += score.equivalent
        total.survived += score.survived
    return total


def _as_text(scores: Sequence[Score], asked: argparse.Namespace, seconds: float) -> None:
    print(f"{'file':36} mutants  tried  noticed  survived  mean the same    score")
    for score in [*(score for score in scores if score.has), _total(scores)]:
        figures = f"{score.has:7} {score.tried:6} {score.noticed:8} {len(score.survived):9} {score.equivalent:14}"
        print(f"{score.file:36} {figures} {score.percent:7.1f} %")
    for mutant in _total(scores).survived:
        print(f"survived: {_line(mutant)}")
    sample = f"a sample of {asked.sample} a file, seed {asked.seed}" if asked.sample else "every mutant"
    print(f"{sample}, {seconds:.0f} s with {asked.jobs} at once")


def _as_json(scores: Sequence[Score], asked: argparse.Namespace, seconds: float) -> None:
    def row(score: Score) -> dict[str, Any]:
        return {
            "file": score.file,
            "mutants": score.has,
            "tried": score.tried,
            "noticed": score.noticed,
            "survived": len(score.survived),
            "equivalent": score.equivalent,
            "score": round(score.percent, 1),
        }

    total = _total(scores)
    survived = [
        {"file": one.file, "line": one.line, "function": one.function, "change": one.change} for one in total.survived
    ]
    report = {
        "sample": asked.sample,
        "seed": asked.seed,
        "seconds": round(seconds),
        "files": [row(score) for score in scores if score.has],
        "total": row(total),
        "survived": survived,
    }
    print(json.dumps(report, indent=1))


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks mutation", description=__doc__)
    parser.add_argument(
        "--files", nargs="+", default=every_file(), metavar="FILE", help="from the root; all unless said"
    )
    parser.add_argument("--tests", nargs="+", default=list(TESTS), metavar="PATH", help="which tests have to notice")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="so many mutants of each file; 0: all")
    parser.add_argument("--seed", type=int, default=7, metavar="S")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes at once")
    parser.add_argument("--again", default="", metavar="REPORT", help="only the survivors of this report")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
