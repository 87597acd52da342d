"""What is settled without a document of ours, and the findings of what is open."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from billsync.model.book import NewPosting
from billsync.model.money import round_places
from billsync.rules import because
from billsync.rules.gates import Gatekeeper
from billsync.rules.settle import Open, Share
from billsync.rules.view import View

_SAID_ELSEWHERE: Final = frozenset(
    {"needs_approval", "preview", "hold", "refused", "waits_for_period", "outlier", "reopened"}
)
_TEXTS: Final = {
    "acceptance_missing": "done, and the client's acceptance is missing",
    "document_missing": "done, and the document the contract asks for is missing",
    "receipt_missing": "the receipt is missing",
    "deleted": "earned, not billed, and deleted at the source",
    "negative_quantity": "a negative quantity: which work does it correct?",
    "billed_at_source": "marked as billed at the source, and on no invoice of ours",
    "purchase_order_missing": "the client wants a purchase order number",
    "reference_missing": "a reference the contract asks for is missing",
    "customer_missing": "the payer is no client of the configuration",
    "period_closed": "the books are closed for documents dated today",
    "credited": "credited, and neither billed once more nor written off",
    "drift": "changed since it was billed",
    "moved": "moved to another contract or payer after it was billed",
}


def settled_by_hand(view: View, shares: Iterable[Share]) -> tuple[NewPosting, ...]:
    """Postings of work that was billed before billsync, or on an invoice a person named."""
    made = [
        _posting(view, share, part)
        for share in shares
        for part in share.opens
        if part.kind == "elsewhere"
    ]  # fmt: skip
    return tuple(sorted(made, key=lambda fact: (fact.contract, fact.identity, fact.client)))


def _posting(view: View, share: Share, part: Open) -> NewPosting:
    work, decision = share.work, part.decision
    why = f"billed by hand: {decision.person}, {decision.reason}" if decision else "billed before billsync"
    return NewPosting(
        identity=work.identity,
        contract=work.contract.id,
        client=share.client,
        currency=work.contract.currency,
        kind="billed" if decision else "opening",
        amount=part.amount,
        invoice=decision.target if decision else "",
        quantity=work.hours,
        evidence=work.evidence,
        fingerprint=view.fingerprint(work.contract),
        because=(*work.because, why),
        decision=decision.id if decision else None,
    )


def say_open(view: View, shares: Iterable[Share], gatekeeper: Gatekeeper) -> None:
    """A finding for each open amount that waits for a person, and for what is unusual."""
    for share in shares:
        for part in share.opens:
            if part.bucket == "held" and part.cause not in _SAID_ELSEWHERE:
                _say(view, share, part, gatekeeper)
        if share.work.cause == "deleted" and share.standing.begun:
            _say_vanished(view, share)
        _say_outlier(view, share, gatekeeper)


def _say(view: View, share: Share, part: Open, gatekeeper: Gatekeeper) -> None:
    work = share.work
    text = gatekeeper.text(part.cause, work, share.client) or f"{work.name}: {_TEXTS.get(part.cause, part.cause)}"
    view.say(part.cause, work.identity, text, on=work.done_on, amount=part.amount, currency=work.contract.currency)


def _say_vanished(view: View, share: Share) -> None:
    """Billed work that is gone at the source stands until a person credits it or lets it stand."""
    work, net = share.work, share.standing.net
    if net and not view.decided.released(work.identity):
        text = f"{work.name}: billed, and gone at the source"
        view.say("vanished", work.identity, text, on=work.done_on, amount=net, currency=work.contract.currency)


def _say_outlier(view: View, share: Share, gatekeeper: Gatekeeper) -> None:
    work = share.work
    fresh = any(part.kind == "new" for part in share.opens)
    if not fresh or not gatekeeper.outlier(work, share.client) or view.decided.released(work.identity):
        return
    score = round_places(gatekeeper.score(work, share.client) or Fraction(0), 1)
    figure = because.amount(work.value - work.capped, work.contract.currency)
    text = f"{work.name}: {figure} is far from what {share.client} was billed for {work.kind} (z {score})"
    view.say("outlier", work.identity, text, on=work.done_on, amount=work.value, currency=work.contract.currency)
