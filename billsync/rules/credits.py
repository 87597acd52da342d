"""Credits that a person asked for: which identities give back how much, in cents, on which documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from billsync.model.book import LEARNT, Decision, Posting
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
    taken = _Taken()
    for decision in view.decided.all:
        if decision.kind != "credit" or decision.target == LEARNT:
            continue
        document = decision.subject if decision.subject not in by_identity else ""
        mine = by_identity.get(decision.subject) or by_document.get(decision.subject, [])
        yield from _of_decision(view, decision, mine, document, taken)


class _Taken:
    """What earlier decisions take tonight, of each share, in all and on one document."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[int, str], int] = defaultdict(int)

    def take(self, share: Share, document: str, amount: int) -> None:
        for name in {document, ""}:
            self._amounts[id(share), name] += amount

    def of(self, share: Share, document: str) -> int:
        return self._amounts[id(share), document]


def _of_decision(view: View, decision: Decision, shares: list[Share], document: str, taken: _Taken) -> Iterator[Credit]:
    """The part of a decision that is on no document yet. Nothing on its way is credited before it is known."""
    nets = [_billed_until(view, share, decision, document) for share in shares]
    whole = sum(nets)
    if whole <= 0 or any(share.standing.references for share in shares):
        return
    wanted = whole if decision.amount is None else min(decision.amount, whole)
    for share, part in zip(shares, allocate(wanted, nets), strict=True):
        stands = min(_still_there(view, share, decision, name) - taken.of(share, name) for name in {document, ""})
        left = min(part - _given_back(view, share, decision), stands)
        if left > 0:
            taken.take(share, document, left)
            yield Credit(share=share, amount=left, decision=decision)


def _billed_until(view: View, share: Share, decision: Decision, document: str) -> int:
    """Billed less credited when the person decided; only what stands on the document where one is named."""
    postings = [posting for posting in share.standing.postings if posting.at <= decision.at]
    return max(0, min(sum(_effect(view, posting, name) for posting in postings) for name in {document, ""}))


def _still_there(view: View, share: Share, decision: Decision, document: str) -> int:
    """What stands of that today: what was credited, trued down or let go since is not credited again, and what was
    billed since was not meant."""
    return sum(
        _effect(view, posting, document)
        for posting in share.standing.postings
        if posting.at <= decision.at or posting.fact.kind == "credited" or posting.fact.amount < 0
    )


def _effect(view: View, posting: Posting, document: str) -> int:
    """What a posting adds to what stands of a share: in all, or on one document (billed there, credited of it)."""
    fact = posting.fact
    if fact.kind == "billed":
        return fact.amount if document in ("", fact.invoice) else 0
    if fact.kind != "credited":
        return 0
    decided = view.decided.by_id.get(view.standings.decision_of(posting) or 0)
    return -fact.amount if not document or (decided is not None and decided.subject == document) else 0


def _given_back(view: View, share: Share, decision: Decision) -> int:
    return sum(
        posting.fact.amount
        for posting in share.standing.postings
        if posting.fact.kind == "credited" and view.standings.decision_of(posting) == decision.id
    )


def wait_for_credits(asked: Iterable[Credit], shares: Iterable[Share]) -> None:
    """What else is open of a share waits for its credit, a document of its own, tonight's or one on its way: that
    settles what is worth less, and what is held back of the share is worked out anew when it is known."""
    credited = [credit.share for credit in asked] + [share for share in shares if share.standing.flying.credited]
    for share in credited:
        for part in share.ready:
            part.bucket, part.cause = "held", "credited" if part.amount > 0 else "drift"
