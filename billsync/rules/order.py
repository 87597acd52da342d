"""Places: the order in which work takes included hours, overtime, the minimum of a day and room under a cap.

By the night in which it was first earned, then date worked, then id. A place is kept while the work is earned or
billed, also when it is worth 0 (billing.md 8, "Order").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from billsync.model.book import Place
from billsync.model.contract import Contract
from billsync.rules.match import Entry, date_of
from billsync.rules.view import View, Work

Rank = tuple[date, int, int, date, str]
"""What places are compared by: night, new tonight, rank that night, date worked, identity."""


def place_key(view: View, contract: str, identity: str, on: date | None) -> Rank:
    """The place of an identity; new ones stand at the end of tonight, by date worked and id."""
    place = view.facts.places.get(identity)
    if place is None or place.contract != contract:
        return (view.today, 1, 0, on or date.min, identity)
    return (place.night, 0, place.rank, on or date.min, identity)


def in_order(view: View, contract: Contract, entries: Iterable[Entry]) -> list[Entry]:
    """Entries of one contract by place; those that are new tonight come last, by date worked and id."""
    return sorted(entries, key=lambda entry: place_key(view, contract.id, entry.identity, date_of(entry.record)))


def by_place(view: View, works: Iterable[Work]) -> list[Work]:
    """Work by place."""
    return sorted(works, key=lambda work: place_key(view, work.contract.id, work.identity, work.done_on))


def new_places(view: View, works: Sequence[Work], events: Iterable[tuple[str, str]]) -> tuple[Place, ...]:
    """Places of what is first earned tonight, ranked by date worked and id after those of earlier runs tonight.

    `events`: releases and "ready for billing" occurrences (identity, contract) that are true; they are placed too."""
    places = view.facts.places
    ranks: dict[str, int] = {}
    for place in places.values():
        if place.night == view.today:
            ranks[place.contract] = max(ranks.get(place.contract, 0), place.rank + 1)
    wanted = [(work.done_on or date.min, work.identity, work.contract.id) for work in works]
    wanted += [(view.today, identity, contract) for identity, contract in events]
    made = []
    for _, identity, contract in sorted(wanted):
        known = places.get(identity)
        if known is not None and known.contract == contract:
            continue
        rank = ranks.get(contract, 0)
        ranks[contract] = rank + 1
        made.append(Place(identity=identity, contract=contract, night=view.today, rank=rank))
    return tuple(made)


def left_places(view: View, works: Sequence[Work], events: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Identities that are neither earned nor billed under the contract of their place any more.

    Work that moved to another contract leaves its old place and gets a new one."""
    earned = {(work.identity, work.contract.id) for work in works} | set(events)
    elsewhere = {identity for identity, _ in earned}
    return tuple(
        sorted(
            place.identity
            for place in view.facts.places.values()
            if (place.identity, place.contract) not in earned
            and (place.identity in elsewhere or not view.standings.begun(place.identity, place.contract))
        )
    )
