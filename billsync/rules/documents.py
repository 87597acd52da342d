"""What the books say of our documents: voided, deleted or edited ones are findings; their postings stay."""

from __future__ import annotations

from collections.abc import Iterable

from billsync.model.book import BookDocument
from billsync.model.statement import Item
from billsync.rules import because
from billsync.rules.settle import Share
from billsync.rules.view import View


def say_documents(view: View, shares: Iterable[Share]) -> dict[str, str]:
    """Find documents that are not as they were sent; returns reference -> cause of those that still carry work."""
    carried: dict[str, int] = {}
    for share in shares:
        for posting in share.standing.postings:
            fact = posting.fact
            if fact.invoice:
                sign = {"billed": 1, "released": 1, "credited": -1, "withheld": -1}.get(fact.kind, 0)
                carried[fact.invoice] = carried.get(fact.invoice, 0) + sign * fact.amount
    troubles: dict[str, str] = {}
    for document in sorted(view.facts.documents, key=lambda one: (one.sink, one.receipt.reference, one.receipt.id)):
        reference = document.receipt.reference
        code = _trouble(document)
        if code and not _let_go(view, reference):
            troubles[reference] = code
            _say(view, document, code, carried.get(reference))
    return troubles


def say_under_way(view: View, items: Iterable[Item]) -> None:
    """Documents whose outcome is not known, and that no item shows as in flight: a release of holdback, which stays
    withheld until it is on an invoice, or lines that take back what they bill."""
    shown = {name for item in items if item.bucket == "in_flight" for name in item.invoice.split(", ")}
    for intent in sorted(view.facts.intents, key=lambda one: one.reference):
        if intent.state in ("sending", "unknown") and intent.reference not in shown:
            draft = intent.draft
            text = f"{intent.reference}: sent, and it is not known yet whether the books hold it"
            view.say("unknown_outcome", intent.reference, text, amount=draft.total, currency=draft.currency)


def _let_go(view: View, reference: str) -> bool:
    return view.decided.last("let_go", reference) is not None


def _trouble(document: BookDocument) -> str:
    receipt = document.receipt
    if receipt.status == "voided":
        return "voided"
    if receipt.status == "deleted":
        return "deleted_in_books"
    return "edited_in_books" if receipt.total != document.expected_total else ""


def _say(view: View, document: BookDocument, code: str, carried: int | None) -> None:
    receipt = document.receipt
    name = receipt.number or receipt.reference
    if code == "edited_in_books":
        effect = receipt.total - document.expected_total
        was, now = (because.amount(minor, receipt.currency) for minor in (document.expected_total, receipt.total))
        text = f"{name}: the books say {now}, it was sent as {was}"
    else:
        effect = carried if carried is not None else document.expected_total
        word = "voided" if code == "voided" else "deleted"
        text = f"{name}: {word} in the books, {because.amount(effect, receipt.currency)} of work stands on it"
    view.say(code, receipt.reference, text, on=receipt.issued_on, amount=effect, currency=receipt.currency)
