"""Billing once more what was credited: only by a person's word, and each credited cent at most once."""

from __future__ import annotations

from billsync.model.book import LEARNT, Decision
from billsync.rules.standing import Standing
from billsync.rules.view import View


def rebillable(view: View, identity: str, contract: str) -> dict[str, int]:
    """Minor units of what was credited that may be billed once more, by payer; all decisions so far together."""
    total: dict[str, int] = {}
    for _, allowed in allowances(view, identity, contract):
        for client, amount in allowed.items():
            total[client] = total.get(client, 0) + amount
    return total


def allowances(view: View, identity: str, contract: str) -> list[tuple[Decision, dict[str, int]]]:
    """What each decision allows to be billed once more, by payer, oldest first.

    A decision without an amount means all that was credited when the person decided; one that was learnt again from
    the books, what stands there by it."""
    clients = view.standings.clients(identity, contract)
    before = dict.fromkeys(clients, 0)
    found = []
    for decision in view.decided.of("rebill", identity):
        left = decision.amount
        allowed: dict[str, int] = {}
        for client in clients:
            standing = view.standings.of(identity, contract, client)
            room = _credited_until(view, standing, decision) - before[client]
            allowed[client] = max(0, room if left is None else min(room, left))
            if decision.target == LEARNT:
                allowed[client] = _billed_by(view, standing, decision)
            before[client] += allowed[client]
            left = None if left is None else left - allowed[client]
        found.append((decision, allowed))
    return found


def _credited_until(view: View, standing: Standing, decision: Decision) -> int:
    return sum(
        posting.fact.amount
        for posting in standing.postings
        if posting.fact.kind == "credited"
        and posting.at <= decision.at
        and view.standings.decision_of(posting) is not None
    )


def _billed_by(view: View, standing: Standing, decision: Decision) -> int:
    return sum(
        posting.fact.amount
        for posting in standing.postings
        if posting.fact.kind == "billed" and view.standings.decision_of(posting) == decision.id
    )
