"""Where each identity stands: what postings and documents on their way say of it, by contract and payer.

Amounts are signed minor units. A document that was sent and whose outcome is not known counts as on its way: nothing of
it is billed again until it is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from billsync.model.book import Intent, Posting
from billsync.model.invoice import Draft, Evidence, Line, Part
from billsync.rules.decided import Decided


@dataclass(slots=True, kw_only=True)
class Moves:
    """Sums of one kind of evidence: postings, or lines on their way.

    `own` was billed on documents of ours, `rebilled` is the part of it that a person asked to bill once more;
    `elsewhere` was billed by hand or before billsync; `credited` by a person's word, `trued_down` by a true-up.
    """

    own: int = 0
    rebilled: int = 0
    elsewhere: int = 0
    credited: int = 0
    trued_down: int = 0
    withheld: int = 0
    released: int = 0
    written_off: int = 0

    @property
    def net(self) -> int:
        """Billed less credited, before holdback."""
        return self.own + self.elsewhere - self.credited - self.trued_down


@dataclass(slots=True, kw_only=True)
class Standing:
    """One identity under one contract, towards one payer."""

    posted: Moves = field(default_factory=Moves)
    flying: Moves = field(default_factory=Moves)
    currency: str = ""
    postings: list[Posting] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    """Documents on their way that bear it."""

    def sum(self, name: str) -> int:
        """One figure over postings and documents on their way."""
        return int(getattr(self.posted, name)) + int(getattr(self.flying, name))

    @property
    def net(self) -> int:
        """Billed less credited, with what is on its way: what the client owes or owed for it, before holdback."""
        return self.posted.net + self.flying.net

    @property
    def value(self) -> int:
        """The value that was billed, true-ups included: what a person credited, or had billed once more, left it."""
        return self.sum("own") + self.sum("elsewhere") - self.sum("rebilled") - self.sum("trued_down")

    @property
    def retained(self) -> int:
        """Withheld and not released, with what is on its way."""
        return self.sum("withheld") - self.sum("released")

    @property
    def outstanding(self) -> int:
        """Withheld and not released, on confirmed documents."""
        return self.posted.withheld - self.posted.released

    @property
    def begun(self) -> bool:
        """True where something of it was ever billed and still stands, even if it was credited since."""
        return bool(self.sum("own") or self.sum("elsewhere") or self.references)

    @property
    def invoices(self) -> tuple[str, ...]:
        """Documents whose billed amount stands."""
        totals: dict[str, int] = defaultdict(int)
        for posting in self.postings:
            if posting.fact.kind == "billed" and posting.fact.invoice:
                totals[posting.fact.invoice] += posting.fact.amount
        return tuple(name for name, total in totals.items() if total)

    @property
    def evidence(self) -> tuple[tuple[Evidence, ...], str] | None:
        """The versions last billed, and the fingerprint of the terms then."""
        for posting in reversed(self.postings):
            if posting.fact.kind == "billed" and posting.reverses is None:
                return posting.fact.evidence, posting.fact.fingerprint
        return None

    @property
    def last_night(self) -> date | None:
        """The last night on which something of it was billed."""
        return max((posting.night for posting in self.postings if posting.fact.kind == "billed"), default=None)


class Standings:
    """All standings, by identity, contract and payer."""

    def __init__(self, postings: Iterable[Posting], intents: Iterable[Intent], decided: Decided) -> None:
        self._decided = decided
        self._of: dict[str, dict[str, dict[str, Standing]]] = {}
        ordered = sorted(postings, key=lambda posting: posting.id)
        self.by_id: Mapping[int, Posting] = {posting.id: posting for posting in ordered}
        for posting in ordered:
            self._post(posting)
        for intent in sorted(intents, key=lambda intent: intent.reference):
            if intent.state in ("sending", "unknown"):
                self._fly(intent.draft)
        self._refused: dict[tuple[str, str], datetime] = {}
        for intent in intents:
            if intent.state == "refused":
                self._refuse(intent)

    def of(self, identity: str, contract: str, client: str) -> Standing:
        """The standing; an empty one where nothing happened."""
        found = self._of.get(identity, {}).get(contract, {}).get(client)
        return found if found is not None else Standing()

    def clients(self, identity: str, contract: str) -> Sequence[str]:
        """Payers that were billed for it."""
        return sorted(self._of.get(identity, {}).get(contract, {}))

    def all_of(self, identity: str, contract: str) -> Iterator[Standing]:
        """Its standings towards every payer."""
        yield from self._of.get(identity, {}).get(contract, {}).values()

    def contracts(self, identity: str) -> Sequence[str]:
        """Contracts under which it was billed."""
        return sorted(self._of.get(identity, {}))

    def identities(self) -> Iterator[tuple[str, str]]:
        """Every identity and contract with a standing."""
        for identity in sorted(self._of):
            for contract in sorted(self._of[identity]):
                yield identity, contract

    def net(self, identity: str, contract: str) -> int:
        """Billed less credited over all payers, with what is on its way."""
        return sum(standing.net for standing in self.all_of(identity, contract))

    def value(self, identity: str, contract: str) -> int:
        """The value that was billed over all payers; see Standing.value."""
        return sum(standing.value for standing in self.all_of(identity, contract))

    def begun(self, identity: str, contract: str) -> bool:
        """True where something of it was billed under this contract and still stands."""
        return any(standing.begun for standing in self.all_of(identity, contract))

    def refused(self, identity: str, client: str) -> bool:
        """True where the books refused its last document and nothing of it was posted since."""
        return (identity, client) in self._refused

    def decision_of(self, posting: Posting) -> int | None:
        """The decision that asked for it; for a reversal, the one behind what it reverses."""
        original = self.by_id.get(posting.reverses) if posting.reverses is not None else None
        return (original or posting).fact.decision

    def _at(self, identity: str, contract: str, client: str) -> Standing:
        return self._of.setdefault(identity, {}).setdefault(contract, {}).setdefault(client, Standing())

    def _post(self, posting: Posting) -> None:
        fact = posting.fact
        standing = self._at(fact.identity, fact.contract, fact.client)
        standing.postings.append(posting)
        standing.currency = fact.currency
        moves, amount, decision = standing.posted, fact.amount, self.decision_of(posting)
        if fact.kind == "billed":
            self._bill(moves, amount, decision)
        elif fact.kind == "opening":
            moves.elsewhere += amount
        elif fact.kind == "credited":
            _credit(moves, amount, decision)
        else:
            setattr(moves, fact.kind, getattr(moves, fact.kind) + amount)

    def _bill(self, moves: Moves, amount: int, decision: int | None) -> None:
        kind = self._kind(decision)
        if kind == "map":
            moves.elsewhere += amount
            return
        moves.own += amount
        if kind == "rebill":
            moves.rebilled += amount

    def _kind(self, decision: int | None) -> str:
        found = None if decision is None else self._decided.by_id.get(decision)
        return found.kind if found else ""

    def _fly(self, draft: Draft) -> None:
        for line in draft.lines:
            for part in line.parts:
                standing = self._at(part.identity, part.contract, draft.client)
                standing.currency = draft.currency
                if draft.reference not in standing.references:
                    standing.references.append(draft.reference)
                self._fly_part(standing.flying, line, part)

    def _fly_part(self, moves: Moves, line: Line, part: Part) -> None:
        if line.kind == "holdback":
            moves.withheld -= part.amount
        elif line.kind == "release":
            moves.released += part.amount
        elif line.kind == "credit" or (line.kind == "adjustment" and part.amount < 0):
            _credit(moves, -part.amount, part.decision)
        else:
            self._bill(moves, part.amount, part.decision)

    def _refuse(self, intent: Intent) -> None:
        at = intent.settled_at or intent.planned_at
        for line in intent.draft.lines:
            for part in line.parts:
                standing = self.of(part.identity, part.contract, intent.draft.client)
                if not any(posting.at > at for posting in standing.postings):
                    self._refused[part.identity, intent.draft.client] = at


def _credit(moves: Moves, amount: int, decision: int | None) -> None:
    if decision is None:
        moves.trued_down += amount
    else:
        moves.credited += amount
