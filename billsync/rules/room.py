"""Room under the caps of a contract: who wants how much of it, in which order.

Work takes room at its place. What was excluded and let in again, and what was credited and is billed once more, takes
room as if it came on the day of that decision: what others were billed in the meantime keeps its room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from billsync.model.contract import Contract
from billsync.rules.again import allowances
from billsync.rules.caps import CapWork, apply_caps, work_of
from billsync.rules.order import Rank, place_key
from billsync.rules.valuation import Valued
from billsync.rules.view import View, Work

_AGAIN: Final = "again:"
_AFTER_ALL: Final = 2
"""Behind what has a rank (0) and what is new (1) that night."""


def capped(view: View, contract: Contract, works: list[Work], valued: Mapping[str, Valued]) -> list[Work]:
    """The work with what lies above a cap; warnings and reached caps are findings."""
    if not contract.caps:
        return works
    queue = sorted(
        (wish for work in works for wish in _wishes(view, work, valued[work.identity])), key=lambda wish: wish[0]
    )
    result = apply_caps(contract, [wish for _, wish in queue])
    for found in result.findings:
        view.say(found.code, contract.id, f"{contract.id}: {found.text}")
    no_room: dict[str, int] = defaultdict(int)
    for name, amount in result.capped.items():
        if name.startswith(_AGAIN):
            no_room[name.split(":", 2)[2]] += amount
    return [
        replace(
            work,
            capped=result.capped.get(work.identity, 0),
            no_room=no_room.get(work.identity, 0),
            because=(*work.because, *result.because.get(work.identity, ())),
        )
        for work in works
    ]


def _wishes(view: View, work: Work, value: Valued) -> Iterator[tuple[Rank, CapWork]]:
    """Excluded work takes no room beyond what was billed of it; what was credited takes none until billed once more."""
    assert work.done_on is not None  # noqa: S101  entries are dated
    contract = work.contract.id
    billed = view.standings.net(work.identity, contract)
    excluded = view.decided.excluded(work.identity) is not None
    wanted = billed if excluded else work.value
    credited = 0 if excluded else min(max(work.value, 0), _credited(view, work))
    wish = work_of(
        replace(value, earned=wanted, slices=value.slices if wanted == value.earned else ()),
        identity=work.identity,
        kind=work.kind,
        on=work.done_on,
        purchase_order=work.purchase_order,
        credited=credited,
        takes_room=not excluded or billed > 0,
    )
    place = place_key(view, contract, work.identity, work.done_on)
    let_in = _let_in_again(view, work.identity)
    yield (_not_before(place, let_in) if let_in else place), wish
    if not excluded:
        yield from _again(view, work, wish, place)


def _again(view: View, work: Work, wish: CapWork, place: Rank) -> Iterator[tuple[Rank, CapWork]]:
    """What was credited and is billed once more: the end of the work's price, from the day of each decision."""
    left = wish.credited
    for decision, allowed in allowances(view, work.identity, work.contract.id):
        amount = min(left, sum(allowed.values()))
        if amount > 0:
            later = replace(
                wish,
                identity=f"{_AGAIN}{decision.id}:{work.identity}",
                earned=amount,
                drawn=wish.drawn + wish.earned - left,
                credited=0,
            )
            left -= amount
            yield _not_before(place, decision.at.date()), later


def _not_before(place: Rank, day: date) -> Rank:
    """The place, or one after everything that was placed until the end of a day, whichever is later."""
    return place if place[0] > day else (day, _AFTER_ALL, *place[2:])


def _let_in_again(view: View, identity: str) -> date | None:
    """The day on which an exclusion was taken back."""
    excluded, release = view.decided.of("exclude", identity), view.decided.last("release", identity)
    return release.at.date() if excluded and release and release.id > excluded[0].id else None


def _credited(view: View, work: Work) -> int:
    return sum(standing.sum("credited") for standing in view.standings.all_of(work.identity, work.contract.id))
