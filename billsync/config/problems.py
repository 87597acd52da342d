"""Collects what is wrong with a configuration, so that a person sees all of it at once, each with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from billsync.model.contract import Origin
from billsync.model.errors import UsageError

SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: what, where, and what to do about it."""

    what: str
    where: Origin
    hint: str = ""


class Problems:
    """The mistakes of one load, in the order of file and line when they are raised."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, what: str, where: Origin, hint: str = "") -> None:
        """Note a mistake; the same one in the same place counts once."""
        problem = Problem(what=what, where=where, hint=hint)
        if problem not in self._found:
            self._found.append(problem)

    def add_error(self, error: UsageError) -> None:
        """Note a mistake that was raised elsewhere and names its place itself."""
        self.add(error.what, Origin(file=error.where), error.hint)

    def raise_any(self) -> None:
        """UsageError with up to 20 of the mistakes, each with file and line; nothing where there is none."""
        if self._found:
            raise self.error()

    def error(self) -> UsageError:
        """All mistakes as one error: three lines for one mistake, a line each for several."""
        found = sorted(self._found, key=lambda problem: (problem.where.file, problem.where.line))
        if len(found) == 1:
            return UsageError(found[0].what, where=str(found[0].where), hint=found[0].hint)
        shown = [f"{problem.where}: {problem.what}{_aside(problem.hint)}" for problem in found[:SHOWN]]
        if len(found) > SHOWN:
            shown.append(f"and {len(found) - SHOWN} more")
        return UsageError(
            f"{len(found)} mistakes in the configuration",
            where="\n".join(shown),
            hint="`billsync config schema` prints every key; config.example.yaml explains them",
        )


def _aside(hint: str) -> str:
    return f" ({hint})" if hint else ""


def meant_by(word: str, known: Iterable[str]) -> str:
    """The known word that is nearest to `word`; empty where none is near."""
    return next(iter(get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)), "")


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'received'?`, or the known words where none is near; empty where there are none."""
    words = sorted(set(known))
    if meant := meant_by(word, words):
        return f"did you mean {meant!r}?"
    return f"known: {', '.join(words[:25])}" if words else ""
