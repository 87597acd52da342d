"""Retainage events: which releases are true tonight, and how much of each identity is still to be withheld then.

A release pays its percent of what is withheld when it becomes true, and from then on only the rest is withheld of new
work: after a full release nothing is withheld any more. Once something of it was paid out, a release stands.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from billsync.model.contract import Contract, HoldbackRelease
from billsync.model.work import SourceKey
from billsync.rules.holdback import withheld_of
from billsync.rules.milestones import matched
from billsync.rules.view import View


class Retainage:
    """The holdback of one contract tonight. `events`: identities of its releases that are true."""

    def __init__(self, view: View, contract: Contract) -> None:
        self._contract = contract
        self.events: list[str] = []
        self.names: list[str] = []
        self.used: set[SourceKey] = set()
        kept = Decimal(1)
        terms = contract.holdback
        for release in terms.releases if terms else ():
            identity = f"{contract.id}/release/{release.id}"
            if self._true(view, release, identity) and not view.decided.held(identity):
                self.events.append(identity)
                self.names.append(release.id)
                kept *= (100 - release.percent) / 100
        self._kept = kept

    @property
    def released(self) -> bool:
        """True where some release is true."""
        return bool(self.events)

    def target(self, kind: str, net: int) -> int:
        """Minor units that are to be withheld of an identity's net billed amount, after releases; rounded once."""
        terms = self._contract.holdback
        if terms is None:
            return 0
        left = replace(terms, percent=terms.percent * self._kept)
        return withheld_of(left, kind, net, self._contract.rounding)

    def _true(self, view: View, release: HoldbackRelease, identity: str) -> bool:
        trigger = release.trigger
        found, candidates = matched(view, self._contract, trigger.match, trigger.complete, identity)
        self.used |= {seen.key for seen in candidates}
        place = view.facts.places.get(identity)
        if place is not None and _paid_out(view, self._contract, place.night):
            return True
        if trigger.kind == "dated":
            return trigger.on is not None and trigger.on <= view.today
        if trigger.kind == "milestone":
            return found is not None and found.done_on is not None
        return bool(view.decided.of("bill", identity) or view.decided.released(identity))


def _paid_out(view: View, contract: Contract, since: date) -> bool:
    """Something of the contract's holdback was paid out on that night or later."""
    return any(
        posting.fact.kind == "released" and posting.fact.contract == contract.id and posting.night >= since
        for posting in view.facts.postings
    )
