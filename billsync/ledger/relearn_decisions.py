"""Decisions learnt again: what a lost ledger's documents say of who asked for what is on them.

They keep their numbers where these are free, because a manual amount's identity is made of one. A credit and a billing
once more come back with the target LEARNT: they stand for what the documents show. A sum or a line that a person had
billed comes back as it was. Stamps of version 1 say less: there a line of credits is by somebody's word, who is not
known, and a manual amount is known by its identity.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from billsync.ledger.decisions import decisions
from billsync.ledger.projection import next_id, record
from billsync.ledger.rest import wake_identities
from billsync.ledger.stamp import Stamp, Stamped
from billsync.model.book import LEARNT, Decision, DecisionKind

_STAND_FOR_DOCUMENTS: Final[frozenset[DecisionKind]] = frozenset({"credit", "rebill"})
_UNKNOWN: Final = "not known"


class Decided:
    """The decisions of this ledger, and of those that wrote the stamps, by the numbers they have here."""

    def __init__(self, conn: sqlite3.Connection, stamps: Sequence[Stamp], person: str, at: datetime) -> None:
        """stamps: of the documents that will be learnt; their decisions keep the numbers that are free."""
        self._conn = conn
        self._person = person
        self._at = at
        self._here = {one.id: one for one in decisions(conn)}
        self._numbers: dict[tuple[str, int], int | None] = {}
        told = [(bears.ledger, one) for bears in stamps for one in (*bears.decisions, *_manual_amounts(bears, at))]
        last = next_id(conn, "decision") - 1
        self._next = max([last, *(one.id for _, one in told)]) + 1
        taken: dict[tuple[str, int], Decision] = {}
        for ledger, decision in sorted(told, key=lambda one: (one[1].id, one[0])):  # the journal tells them in order
            if (ledger, decision.id) in self._numbers:
                continue
            if self._is_here(decision):
                self._numbers[ledger, decision.id] = decision.id
            elif decision.id > last:
                last = self._numbers[ledger, decision.id] = self._record(decision, decision.id)
            else:
                taken[ledger, decision.id] = decision
        for key, decision in taken.items():
            stands = decision.kind in _STAND_FOR_DOCUMENTS  # a manual amount is known by its number and no other
            self._numbers[key] = self._record(decision, self._free()) if stands else None

    def of(self, bears: Stamp) -> Stamp:
        """The stamp with each part's decision as it is numbered here."""
        return replace(bears, parts=tuple(self._part(bears, part) for part in bears.parts))

    def _part(self, bears: Stamp, part: Stamped) -> Stamped:
        told = part.decision if bears.decided else _manual(part)
        number = None if told is None else self._numbers.get((bears.ledger, told))
        if number is None and part.line_kind == "credit":
            number = self._asked_for(part)
        return replace(part, decision=number)

    def _is_here(self, told: Decision) -> bool:
        known = self._here.get(told.id)
        return known is not None and (known.kind, known.subject, known.at) == (told.kind, told.subject, told.at)

    def _free(self) -> int:
        self._next += 1
        return self._next - 1

    def _record(self, told: Decision, number: int) -> int:
        target = LEARNT if told.kind in _STAND_FOR_DOCUMENTS else told.target
        made = replace(told, id=number, person=told.person or _UNKNOWN, reason=LEARNT, target=target)
        record(self._conn, "decided", made, at=self._at, actor=self._person, reason=LEARNT)
        wake_identities(self._conn, [made.subject])
        self._here[number] = made
        return number

    def _asked_for(self, part: Stamped) -> int:
        """Where the stamp does not say: a credit that an older backup knows, else one that stands for it."""
        found = self._conn.execute("SELECT DISTINCT invoice FROM posting WHERE identity = ?", (part.identity,))
        subjects = {part.identity, *(row[0] for row in found)}
        asked = [one.id for one in self._here.values() if one.kind == "credit" and one.subject in subjects]
        if asked:
            return max(asked)
        credit = Decision(
            id=0, kind="credit", subject=part.identity, person="", reason=LEARNT, at=self._at, amount=-part.amount
        )
        return self._record(credit, self._free())


def _manual_amounts(bears: Stamp, at: datetime) -> Iterator[Decision]:
    """Version 1: the decision behind each manual amount, as its identity tells it."""
    amounts: dict[tuple[int, str], int] = {}
    for part in () if bears.decided else bears.parts:
        number = _manual(part)
        if number is not None and part.line_kind == "manual":
            amounts[number, part.contract] = amounts.get((number, part.contract), 0) + part.amount
    for (number, contract), amount in amounts.items():
        yield Decision(id=number, kind="bill", subject=contract, person="", reason=LEARNT, at=at, amount=amount)


def _manual(part: Stamped) -> int | None:
    """The number of the decision in a manual amount's identity."""
    start = f"{part.contract}/manual/"
    number = part.identity.removeprefix(start)
    return int(number) if part.identity.startswith(start) and number.isdecimal() else None
