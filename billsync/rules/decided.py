"""What people decided, indexed once: holds and exclusions, maps, corrections, credits, approvals.

Of several decisions of the kinds hold, release and exclude about one subject the last one counts. A hold ends with its
last day, inclusive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from billsync.model.book import Decision, DecisionKind


class Decided:
    """Decisions by what they are about."""

    def __init__(self, decisions: Iterable[Decision], today: date) -> None:
        self._today = today
        self._state: dict[str, Decision] = {}
        self._of: dict[tuple[DecisionKind, str], list[Decision]] = defaultdict(list)
        self.touched: set[str] = set()
        """Every subject and target: what a person looked at never rests unseen."""
        self.all: tuple[Decision, ...] = tuple(sorted(decisions, key=lambda decision: decision.id))
        self.by_id: Mapping[int, Decision] = {decision.id: decision for decision in self.all}
        for decision in self.all:
            self._of[decision.kind, decision.subject].append(decision)
            self.touched |= {decision.subject, decision.target}
            if decision.kind in ("hold", "release", "exclude"):
                self._state[decision.subject] = decision

    def of(self, kind: DecisionKind, subject: str) -> tuple[Decision, ...]:
        """Decisions of one kind about a subject, oldest first."""
        return tuple(self._of.get((kind, subject), ()))

    def last(self, kind: DecisionKind, subject: str) -> Decision | None:
        """The newest decision of one kind about a subject."""
        found = self._of.get((kind, subject))
        return found[-1] if found else None

    def excluded(self, identity: str) -> Decision | None:
        """The exclusion in force."""
        state = self._state.get(identity)
        return state if state and state.kind == "exclude" else None

    def held(self, *subjects: str) -> Decision | None:
        """The hold in force on any of these subjects."""
        for subject in subjects:
            state = self._state.get(subject)
            if state and state.kind == "hold" and (state.until is None or state.until >= self._today):
                return state
        return None

    def released(self, identity: str) -> bool:
        """True where a person said, last of all: this may go."""
        state = self._state.get(identity)
        return state is not None and state.kind == "release"

    def approvers(self, draft_hash: str) -> frozenset[str]:
        """The persons who approved exactly this draft."""
        return frozenset(decision.person for decision in self.of("approve", draft_hash))
