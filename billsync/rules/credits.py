"""Credits that a person asked for: which identities give back how much, in cents, on which documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from billsync.model.book import Decision, Posting
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
    nets = [_billed_until(share, decision, document) for share in shares]
    whole = sum(nets)
    if whole <= 0 or any(share.standing.references for share in shares):
        return
    wanted = whole if decision.amount is None else min(decision.amount, whole)
    for share, part in zip(shares, allocate(wanted, nets), strict=True):
        stands = _still_there(share, decision, document) - taken.get(id(share), 0)
        left = min(part - _given_back(view, share, decision), stands)
        if left > 0:
            taken[id(share)] = taken.get(id(share), 0) + left
            yield Credit(share=share, amount=left, decision=decision)


def _billed_until(share: Share, decision: Decision, document: str) -> int:
    """Billed less credited when the person decided; only what stands on the document where one is named."""
    postings = [posting for posting in share.standing.postings if posting.at <= decision.at]
    return max(0, sum(_effect(posting, document) for posting in postings))


def _still_there(share: Share, decision: Decision, document: str) -> int:
    """What stands of that today: what was credited, trued down or let go since is not credited again, and what was
    billed since was not meant."""
    return sum(
        _effect(posting, document)
        for posting in share.standing.postings
        if posting.at <= decision.at or posting.fact.kind == "credited" or posting.fact.amount < 0
    )


def _effect(posting: Posting, document: str) -> int:
    fact = posting.fact
    if fact.kind == "billed" and (not document or fact.invoice == document):
        return fact.amount
    return -fact.amount if fact.kind == "credited" else 0


def _given_back(view: View, share: Share, decision: Decision) -> int:
    return sum(
        posting.fact.amount
        for posting in share.standing.postings
        if posting.fact.kind == "credited" and view.standings.decision_of(posting) == decision.id
    )


def wait_for_credits(credits: Iterable[Credit]) -> None:
    """The drift of a share waits for its credit: that settles what is worth less, and holds what is worth more."""
    for credit in credits:
        for part in credit.share.ready:
            if part.kind == "drift":
                part.bucket, part.cause = "held", "credited" if part.amount > 0 else "drift"
