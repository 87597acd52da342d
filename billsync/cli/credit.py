"""Can as much be credited as a person asks for? The rules say: on tonight's facts, with the decision among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from billsync.model.book import LEARNT, Decision, Facts
from billsync.model.errors import UsageError
from billsync.model.money import Money
from billsync.model.statement import Evaluation


def creditable(facts: Facts, subject: str, amount: int | None, *, name: str, at: datetime) -> Money:
    """What the next sync would credit, before tax. UsageError where that is nothing, less than asked for, or was
    asked for before. `facts`: with work at rest, which may be what is credited. `name`: as the person calls it."""
    from billsync.rules.engine import evaluate

    _not_asked_before(facts, subject, amount, name, evaluate(facts))
    number = max((one.id for one in facts.decisions), default=0) + 1
    whole = Decision(id=number, kind="credit", subject=subject, person="?", reason="?", at=at)
    left = _credited(evaluate(replace(facts, decisions=(*facts.decisions, whole))), number)
    if left is None:
        raise UsageError(
            f"nothing of {name} can be credited: it is not billed, credited already, or still on its way",
            where="what was asked for before and waits for the next sync counts as credited",
            hint=f"`billsync explain {name}` tells what was billed, and what became of it",
        )
    if amount is not None and amount > left.minor:
        raise UsageError(
            f"{Money(amount, left.currency)} is more than what can be credited of {name}: {left}",
            where="--amount",
            hint=f"--amount {left.text}, or leave it out: then all of it is credited",
        )
    return left if amount is None else Money(amount, left.currency)


def _not_asked_before(facts: Facts, subject: str, amount: int | None, name: str, tonight: Evaluation) -> None:
    """The same credit twice before the first one is on a document: a slip of the hand."""
    for one in facts.decisions:
        same = (one.kind, one.subject, one.amount) == ("credit", subject, amount) and one.target != LEARNT
        if same and _credited(tonight, one.id) is not None:
            raise UsageError(
                f"the same credit of {name} was asked for before, and waits for the next sync",
                where=f"{one.person}, {one.at:%Y-%m-%d %H:%M} UTC: {one.reason}",
                hint="if the client is to get it twice: `billsync sync` first, then once more",
            )


def _credited(evaluation: Evaluation, decision: int) -> Money | None:
    """What tonight's drafts, held ones included, give back by a decision; None where they do not."""
    drafts = [*evaluation.drafts, *(held.draft for held in evaluation.held_drafts)]
    given = [
        Money(-part.amount, draft.currency)
        for draft in drafts
        for line in draft.lines
        for part in line.parts
        if line.kind == "credit" and part.decision == decision
    ]
    return sum(given[1:], start=given[0]) if given else None
