"""What is open of each identity towards each payer: its value now against what was billed, credited and is on its way.

    value - capped - (billed - rebilled - trued down) - written off = new work, or drift of billed work
    credited by a person's word                                      = held until billed once more or written off

Amounts are signed minor units. The buckets of a share sum to what is earned of it, whatever happened before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from billsync.model.book import Decision
from billsync.model.contract import Contract, without_origins
from billsync.model.statement import Bucket
from billsync.model.work import canonical_bytes
from billsync.rules.again import rebillable
from billsync.rules.gates import Gatekeeper
from billsync.rules.split import share_of
from billsync.rules.standing import Standing
from billsync.rules.view import View, Work

OpenKind = Literal["new", "drift", "rebill", "credited", "written_off", "elsewhere"]


@dataclass(slots=True, kw_only=True)
class Open:
    """An amount of a share that is not settled: what it is, in which bucket, and why it waits."""

    kind: OpenKind
    amount: int
    bucket: Bucket
    cause: str = ""
    decision: Decision | None = None


@dataclass(slots=True, kw_only=True)
class Share:
    """One identity towards one payer."""

    work: Work
    client: str
    earned: int
    capped: int
    standing: Standing
    opens: list[Open] = field(default_factory=list)

    @property
    def ready(self) -> list[Open]:
        """What the next draft may bill or credit."""
        return [part for part in self.opens if part.bucket == "ready"]


def settle(view: View, works: Iterable[Work], gatekeeper: Gatekeeper) -> list[Share]:
    """Shares of all work, with what is open of each."""
    shares = []
    for work in works:
        mine = _shares(view, work)
        allowed = rebillable(view, work.identity, work.contract.id)
        for share in mine:
            share.opens = list(_opens(view, share, allowed.get(share.client, 0), gatekeeper))
        _new_payers_wait(mine)
        shares += mine
    return shares


def _new_payers_wait(shares: list[Share]) -> None:
    """A payer who is new owes nothing before the old one got back what is too much: no cent is owed twice."""
    too_much = any(part.kind == "drift" and part.amount < 0 for share in shares for part in share.opens)
    for share in shares:
        for part in share.ready:
            if too_much and part.kind == "new":
                part.bucket, part.cause = "held", "moved"


def _shares(view: View, work: Work) -> list[Share]:
    """One share a payer; clients that were billed before and pay no more are worth 0."""
    contract = work.contract
    clients = [payer.client for payer in contract.payers] or [contract.client]
    clients += [client for client in view.standings.clients(work.identity, contract.id) if client not in clients]
    standings = {client: view.standings.of(work.identity, contract.id, client) for client in clients}
    if work.stands and work.value == sum(standing.value for standing in standings.values()):
        earned = {client: standing.value for client, standing in standings.items()}
        billable = earned
    else:
        earned, billable = _split(work, work.value), _split(work, work.value - work.capped)
    return [
        Share(
            work=work,
            client=client,
            earned=earned.get(client, 0),
            capped=earned.get(client, 0) - billable.get(client, 0),
            standing=standing,
        )
        for client, standing in standings.items()
    ]


def _split(work: Work, amount: int) -> dict[str, int]:
    payers = work.contract.payers
    return share_of(payers, amount) if payers else {work.contract.client: amount}


def _opens(view: View, share: Share, allowed: int, gatekeeper: Gatekeeper) -> Iterator[Open]:
    standing = share.standing
    moved = share.earned - share.capped - standing.value - standing.sum("written_off")
    waiting = standing.sum("credited") - allowed
    again = allowed - standing.sum("rebilled")
    no_room = min(max(0, again), share.work.no_room)
    again, waiting = again - no_room, waiting + no_room
    if moved < 0:  # what was given back settles what is worth less, before anything else does
        settled = min(-moved, max(0, waiting))
        moved, waiting = moved + settled, waiting - settled
        settled = min(-moved, max(0, again))
        moved, again = moved + settled, again - settled
    whole = moved + waiting + again
    by_word = _by_word(view, share, whole)
    if by_word:
        yield by_word
        return
    if moved:
        yield _moved(view, share, moved, waiting > 0, gatekeeper)
    if again:
        cause = gatekeeper.cause(share.work, share.client)
        decision = view.decided.last("rebill", share.work.identity)
        yield Open(kind="rebill", amount=again, bucket="held" if cause else "ready", cause=cause, decision=decision)
    if waiting:
        yield Open(kind="credited", amount=waiting, bucket="held", cause="credited")


def _by_word(view: View, share: Share, whole: int) -> Open | None:
    """What a person, or the opening balance, settles whole."""
    if not whole:
        return None
    work = share.work
    excluded = view.decided.excluded(work.identity)
    if excluded:
        return Open(kind="written_off", amount=whole, bucket="written_off", cause="excluded", decision=excluded)
    mapped = view.decided.last("map", work.identity)
    if mapped and mapped.target not in view.contracts and not _done(share, mapped):
        return Open(kind="elsewhere", amount=whole, bucket="billed", cause="mapped", decision=mapped)
    if _opening(share):
        return Open(kind="elsewhere", amount=whole, bucket="billed", cause="opening")
    return None


def _done(share: Share, decision: Decision) -> bool:
    return any(posting.fact.decision == decision.id for posting in share.standing.postings)


def _opening(share: Share) -> bool:
    """Billed before billsync: dated before the first day, or listed and never billed since."""
    work, contract = share.work, share.work.contract
    if share.standing.sum("own") or work.cause == "moved":
        return False
    if work.identity in contract.opening_items:
        return not share.standing.begun
    before = contract.opening_before
    return before is not None and work.done_on is not None and work.kind != "progress" and work.done_on < before


def _moved(view: View, share: Share, amount: int, credited: bool, gatekeeper: Gatekeeper) -> Open:
    """New work, or the drift of billed work."""
    work = share.work
    fresh = not share.standing.begun or work.kind == "progress"
    if fresh or (amount > 0 and _room_came_back(view, share)):
        cause = "credited" if credited else gatekeeper.cause(work, share.client)
        return Open(kind="new", amount=amount, bucket="held" if cause else "ready", cause=cause)
    cause = gatekeeper.cause_of_drift(work, amount, credited=credited)
    if cause:
        return Open(kind="drift", amount=amount, bucket="held", cause=cause)
    return Open(kind="drift", amount=amount, bucket="ready", cause="moved" if work.cause == "moved" else "drift")


def _room_came_back(view: View, share: Share) -> bool:
    """The same version at the same price, trimmed by a cap before: it takes room by itself, it did not change."""
    now, last = share.work.contract, share.standing.evidence
    if last is None or last[0] != share.work.evidence:
        return False
    if last[1] == view.fingerprint(now):
        return bool(now.caps)
    former = view.facts.former.get(last[1])
    return former is not None and bool(former.caps or now.caps) and _same_price(former, now)


def _same_price(former: Contract, now: Contract) -> bool:
    """Caps apart, both terms price work alike."""
    then, today = (
        canonical_bytes([one.time, one.expenses, one.milestones, one.lines, one.rounding, one.currency])
        for one in map(without_origins, (former, now))
    )
    return then == today
