"""From a script that fails to the smallest one that still fails in the same way: fewer nights, fewer events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from billsync.torture.play import Played, play
from billsync.torture.script import Script

_LONGEST = 400
"""Scripts tried at most."""


def shrink(failed: Played, *, again: Callable[[Script], Played] = play) -> Played:
    """The smallest run found that has a breach of the same kind."""
    kinds = {breach.kind for breach in failed.breaches}
    best, tried = failed, 0
    progress = True
    while progress and tried < _LONGEST:
        progress = False
        for candidate in _smaller(best.script):
            tried += 1
            played = again(candidate)
            if kinds & {breach.kind for breach in played.breaches}:
                best, progress = played, True
                break
            if tried >= _LONGEST:
                break
    return best


def _smaller(script: Script) -> Iterator[Script]:
    for number in reversed(range(len(script.nights))):
        yield script.without_night(number)
    for number, night in enumerate(script.nights):
        for place in range(len(night.trouble)):
            trouble = night.trouble[:place] + night.trouble[place + 1 :]
            yield script.with_night(number, replace(night, trouble=trouble))
        for place in range(len(night.day)):
            yield script.with_night(number, replace(night, day=night.day[:place] + night.day[place + 1 :]))
