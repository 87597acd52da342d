"""Which milestone a schedule line means, and whether it is done by the contract's own test.

By stable id, else by exact name (Unicode NFC, case kept) within the contract's projects; two of one name are nobody's
guess. Work that was billed and is open again stands by its last version that was done.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from billsync.model.contract import Condition, Contract, MilestoneMatch
from billsync.model.money import to_minor
from billsync.model.work import Milestone, Observation
from billsync.rules.conditions import met_on
from billsync.rules.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A milestone as a line sees it. `version` is the one that counts, `done_on` the day it was done (None: open).

    `gone`: vanished at the source · `reopened`: done in an earlier version, billed, and open now."""

    seen: Observation
    version: Observation
    done_on: date | None
    gone: bool
    reopened: bool = False

    @property
    def record(self) -> Milestone:
        record = self.version.record
        assert isinstance(record, Milestone)  # noqa: S101  only milestones are matched
        return record


def candidates(view: View, contract: Contract) -> Iterator[Observation]:
    """The milestones of the contract's projects that it takes, vanished ones included."""
    for ref in contract.projects:
        if not ref.feeds or "milestone" in ref.feeds:
            yield from view.milestones.get((ref.account, ref.id), ())


def matching(view: View, contract: Contract, match: MilestoneMatch | None) -> list[Observation]:
    """The milestones a line may mean: those that are there; vanished ones only where none is."""
    if match is None:
        return []
    found = [seen for seen in candidates(view, contract) if _fits(match, seen)]
    there = [seen for seen in found if seen.vanished is None]
    return there or found


def _fits(match: MilestoneMatch, seen: Observation) -> bool:
    if match.account is not None and seen.key.account != match.account:
        return False
    if match.id is not None:
        return seen.key.id == match.id
    return match.name is not None and _nfc(getattr(seen.record, "name", "")) == _nfc(match.name)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def matched(
    view: View, contract: Contract, match: MilestoneMatch | None, complete: Condition, identity: str
) -> tuple[Matched | None, list[Observation]]:
    """The milestone of a line and whether it is done; and every milestone that it may mean (two: ambiguous)."""
    billed = view.standings.begun(identity, contract.id)
    found = matching(view, contract, match)
    known = _billed_before(view, contract, identity) if billed else None
    if known is not None and (known in found or not found):
        return look(view, known, complete, billed), [known]
    if len(found) != 1:
        return None, found
    return look(view, found[0], complete, billed), found


def _billed_before(view: View, contract: Contract, identity: str) -> Observation | None:
    """The milestone whose version stands behind what was billed, whatever it is called today."""
    for standing in view.standings.all_of(identity, contract.id):
        evidence = standing.evidence
        for proof in evidence[0] if evidence else ():
            if proof.key.kind == "milestone" and proof.key in view.by_key:
                return view.by_key[proof.key]
    return None


def look(view: View, seen: Observation, complete: Condition, billed: bool) -> Matched:
    """A milestone by the contract's test; where it was billed, by its last version that was done."""
    versions = (*view.facts.history.get(seen.key, ()), seen)
    for number in range(len(versions), 0, -1):
        done_on = met_on(complete, versions[:number], view.today)
        if done_on is not None and done_on <= view.today:
            reopened = number < len(versions)
            return Matched(
                seen=seen,
                version=versions[number - 1],
                done_on=done_on,
                gone=seen.vanished is not None,
                reopened=reopened,
            )
        if not billed:
            break
    return Matched(seen=seen, version=seen, done_on=None, gone=seen.vanished is not None)


def dated_ahead(view: View, seen: Observation, complete: Condition) -> bool:
    """True where the source says that it will be done on a day that has not come."""
    day = met_on(complete, [seen], view.today)
    return day is not None and day > view.today


def missing(requires: frozenset[str], record: Milestone | None, purchase_order: str | None) -> str:
    """The first requirement that is not there, as a cause; "" where all are."""
    acceptance = record.acceptance if record else None
    there = {
        "acceptance": bool(acceptance and acceptance.accepted),
        "document": bool(record and (record.attachments or (acceptance and acceptance.evidence))),
        "purchase_order": bool(purchase_order),
    }
    return next((f"{need}_missing" for need in ("acceptance", "document", "purchase_order")
                 if need in requires and not there[need]), "")  # fmt: skip


def own_amount(contract: Contract, record: Milestone) -> int | None:
    """The milestone's own amount at the source, in minor units of the contract's currency; None without one."""
    if record.amount is None or record.currency not in (None, contract.currency):
        return None
    return to_minor(record.amount, contract.currency, contract.rounding)
