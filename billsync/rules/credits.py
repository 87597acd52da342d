"""Credits that a person asked for: which identities give back how much, in cents, on which documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from billsync.model.book import Decision
from billsync.model.money import allocate
from billsync.rules.settle import Share
from billsync.rules.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Give `amount` of a share back, by this decision."""

    share: Share
    amount: int
    decision: Decision


def credits(view: View, shares: Iterable[Share]) -> Iterator[Credit]:
    """What is still to be credited. A decision names an identity or a document; without an amount, all of it."""
    known = list(shares)
    by_identity: dict[str, list[Share]] = {}
    by_document: dict[str, list[Share]] = {}
    for share in known:
        by_identity.setdefault(share.work.identity, []).append(share)
        for name in {posting.fact.invoice for posting in share.standing.postings if posting.fact.invoice}:
            by_document.setdefault(name, []).append(share)
    taken: dict[int, int] = {}
    for decision in view.decided.all:
        if decision.kind != "credit":
            continue
        document = decision.subject if decision.subject not in by_identity else ""
        mine = by_identity.get(decision.subject) or by_document.get(decision.subject, [])
        yield from _of_decision(view, decision, mine, document, taken)


def _of_decision(
    view: View, decision: Decision, shares: list[Share], document: str, taken: dict[int, int]
) -> Iterator[Credit]:
    """The part of a decision that is on no document yet. Nothing on its way is credited before it is known."""
    nets = [_billed_until(view, share, decision, document) for share in shares]
    whole = sum(nets)
    if whole <= 0 or any(share.standing.references for share in shares):
        return
    wanted = whole if decision.amount is None else min(decision.amount, whole)
    for share, part in zip(shares, allocate(wanted, [max(0, net) for net in nets]), strict=True):
        left = min(part - _given_back(view, share, decision), share.standing.net - taken.get(id(share), 0))
        if left > 0:
            taken[id(share)] = taken.get(id(share), 0) + left
            yield Credit(share=share, amount=left, decision=decision)


def _billed_until(view: View, share: Share, decision: Decision, document: str) -> int:
    """Billed less credited when the person decided; only what stands on the document where one is named."""
    total = 0
    for posting in share.standing.postings:
        fact = posting.fact
        if posting.at > decision.at or (document and fact.kind == "billed" and fact.invoice != document):
            continue
        if fact.kind == "billed":
            total += fact.amount
        elif fact.kind == "credited":
            total -= fact.amount
    return max(0, total)


def _given_back(view: View, share: Share, decision: Decision) -> int:
    return sum(
        posting.fact.amount
        for posting in share.standing.postings
        if posting.fact.kind == "credited" and view.standings.decision_of(posting) == decision.id
    )
