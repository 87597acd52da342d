"""From what a person typed to a decision in the journal.

What is meant is found first, on a ledger opened for looking; a name that fits several things is an error that names
them. Then, under the run's lock, the decision is written: by whom, about what exactly, why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from billsync.cli.explain import ambiguous
from billsync.cli.firm import Look, look
from billsync.cli.say import say
from billsync.model.book import DecisionKind, Terms
from billsync.model.errors import UsageError
from billsync.model.money import Money, decimal_of, exact_minor
from billsync.model.statement import Evaluation, HeldDraft
from billsync.reports import explain, invoices, queue
from billsync.reports.causes import title_of
from billsync.reports.reconcile import no_such

if TYPE_CHECKING:
    from billsync.sync.firm import Firm

LAST_LIST: Final = "last-list.json"
_DONE: Final[Mapping[DecisionKind, str]] = {
    "approve": "approved",
    "hold": "held",
    "release": "released",
    "exclude": "written off",
    "map": "mapped",
    "credit": "to be credited",
    "bill": "to be billed",
    "rebill": "to be billed again",
    "correct": "taken as a correction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What the decision is about, and what else it needs to say."""

    subjects: tuple[str, ...]
    target: str = ""
    amount: int | None = None


def decide(
    kind: DecisionKind,
    what: str,
    *,
    person: str,
    reason: str,
    config: Path | None,
    until: date | None = None,
    amount: str = "",
    invoice: str = "",
    contract: str = "",
    of: str = "",
    text: str = "",
) -> int:
    """Write one decision for each thing that `what` means."""
    with look(config) as firm:
        seen = _Seen(firm)
        meant = Meant(
            subjects=seen.subjects(kind, what),
            target=text or invoice or (seen.contract(contract) if contract else "") or (seen.one(of) if of else ""),
            amount=seen.amount(what, amount) if amount else None,
        )
        opened = firm.firm
        if kind == "bill" and meant.amount is None and what in opened.terms.contracts:
            raise UsageError("which sum shall be billed?", where=what, hint="add --amount 1234.50, before tax")
        due = _creditable(firm, what, meant) if kind == "credit" else ""
    _write(opened, kind, meant, person=person, reason=reason, until=until)
    with look(config) as firm:
        _, after = firm.evaluate()
    for subject in meant.subjects:
        said = f"{_DONE[kind]}: {subject}" + (f" ({meant.target})" if meant.target else "")
        say(f"{said}. Now: {_standing(after, subject, opened.terms)}{due}.")
    return 0


def _creditable(firm: Look, what: str, meant: Meant) -> str:
    """In words, what the next sync credits. UsageError where that cannot be."""
    from billsync.cli.credit import creditable

    facts = firm.facts(everything=True)
    sums = [
        creditable(facts, subject, meant.amount, name=what if len(meant.subjects) == 1 else subject, at=firm.firm.now())
        for subject in meant.subjects
    ]
    return f"; {sum(sums[1:], start=sums[0])} go on a credit memo" if sums else ""


def _standing(evaluation: Evaluation, subject: str, terms: Terms) -> str:
    """How the subject stands after the decision, so that one without effect is seen at once."""
    if any(draft.hash == subject for draft in evaluation.drafts):
        return "ready, the next sync bills it"
    for held in evaluation.held_drafts:
        if held.draft.hash == subject:
            return f"still held, {title_of(held.cause)}" + _who_may(held, terms)
    states = [
        f"{item.bucket.replace('_', ' ')} {Money(item.amount, item.currency)}"
        + (f", {title_of(item.cause)}" if item.cause else "")
        for item in evaluation.items
        if item.identity == subject
    ]
    return "; ".join(states) or "kept in the journal; the next sync acts on it"


def _who_may(held: HeldDraft, terms: Terms) -> str:
    """Who may approve a draft that still needs it, and how many must."""
    if held.cause != "needs_approval":
        return ""
    gates = [terms.contracts[name].gates for name in held.draft.contracts if name in terms.contracts]
    persons = sorted({approver.person for gate in gates for approver in gate.approvers})
    needed = max((gate.approvals for gate in gates), default=1)
    if needed == 1:
        who = " or ".join(persons) or "somebody"
    else:
        who = f"{needed} of {', '.join(persons)}" if persons else f"{needed} persons"
    return f": {who} must approve (--person says who you are)"


def let_go(what: str, *, person: str, reason: str, config: Path | None) -> int:
    """Let go of an invoice that the books no longer hold."""
    from billsync.sync.lock import run_lock

    with look(config) as firm:
        opened = firm.firm
        reference = _reference(firm, what)
        if not reference:
            raise no_such("invoice", what, [one.number or one.reference for one in _documents(firm)])
    with run_lock(opened.config.ledger_path, now=opened.now), opened.ledger() as ledger:
        ledger.let_go(reference, person=person, reason=reason, now=opened.now(), night=opened.today)
    say(f"let go: {what}. Its work is billed once more by the next `billsync sync`.")
    return 0


def remember(state: Path, entries: Sequence[queue.Entry]) -> None:
    """Keep which number of the list just printed means what, for the next command."""
    numbers = {str(entry.number): list(entry.subjects) for entry in entries}
    try:
        state.mkdir(parents=True, exist_ok=True)
        part = state / f".{LAST_LIST}.part"
        part.write_text(json.dumps(numbers), encoding="utf-8")
        part.replace(state / LAST_LIST)
    except OSError:  # a list can be read without being able to write; its numbers are then unknown afterwards
        return


def _numbers(state: Path) -> dict[str, list[str]]:
    try:
        numbers: dict[str, list[str]] = json.loads((state / LAST_LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return numbers


class _Seen:
    """What the ledger shows tonight: everything a person can decide about."""

    def __init__(self, firm: Look) -> None:
        self._firm = firm
        facts, self._evaluation = firm.evaluate()
        self._entries = queue.build(self._evaluation, each=True)
        self._named = explain.identities(facts, self._evaluation)
        self._known = set(self._named)
        self._contracts = frozenset(firm.firm.terms.contracts)
        self._projects = frozenset(
            f"project/{seen.key.account}/{project}"
            for seen in facts.records
            if (project := getattr(seen.record, "project", None))
        )

    def subjects(self, kind: DecisionKind, what: str) -> tuple[str, ...]:
        """The subjects of a decision of this kind. UsageError where nothing or too much fits."""
        numbered = _numbers(self._firm.firm.config.state_dir)
        drafts = self._drafts()
        if what in self._whole(kind):
            return (what,)
        found = queue.chosen(what, self._entries, numbered, (*self._known, *drafts)) or explain.named(what, self._named)
        if kind == "credit" and not found and (reference := _reference(self._firm, what)):
            return (reference,)
        found = found or self._at_rest(what)
        if not found:
            hint = "numbers are those of the last `billsync review`" if what.isdigit() else ""
            error = no_such("item, draft or row of the last list", what, (*self._known, *self._whole(kind)))
            raise UsageError(error.what, hint=hint or error.hint)
        if len(found) > 1 and what not in numbered:
            raise ambiguous(what, found)
        return _fitting(kind, found, drafts)

    def _whole(self, kind: DecisionKind) -> frozenset[str]:
        """What may be decided for everything in it: a contract is held, released, billed on; a project too."""
        if kind in ("hold", "release"):
            return self._contracts
        if kind == "bill":
            return self._contracts | self._projects
        return self._projects if kind == "map" else frozenset()

    def one(self, what: str) -> str:
        """The one identity that `what` means."""
        found = queue.chosen(what, self._entries, {}, self._known) or self._at_rest(what)
        if not found:
            raise no_such("item", what, self._known)
        if len(found) > 1:
            raise ambiguous(what, found)
        return found[0]

    def contract(self, name: str) -> str:
        """A contract that exists."""
        if name not in self._firm.firm.terms.contracts:
            raise no_such("contract", name, self._firm.firm.terms.contracts)
        return name

    def amount(self, what: str, text: str) -> int:
        """Minor units of an amount before tax, in the currency of what it is about."""
        contracts = self._firm.firm.terms.contracts
        currencies = {item.currency for item in self._evaluation.items if item.identity == what}
        currencies |= {contract.currency for name, contract in contracts.items() if what.split("/")[0] == name}
        currencies |= {one.total.currency for one in _documents(self._firm) if what in (one.number, one.reference)}
        if len(currencies) != 1:
            raise UsageError("--amount needs one item or invoice, named in full", where=what)
        try:
            minor = exact_minor(decimal_of(text), currencies.pop())
        except ValueError as error:
            raise UsageError(str(error), where="--amount", hint="write it as 1234.50") from None
        if minor <= 0:
            raise UsageError("the amount must be positive", where="--amount")
        return minor

    def _drafts(self) -> dict[str, tuple[str, ...]]:
        """Hash of each draft -> the identities on it."""
        drafts = [*self._evaluation.drafts, *(held.draft for held in self._evaluation.held_drafts)]
        return {draft.hash: tuple(part.identity for line in draft.lines for part in line.parts) for draft in drafts}

    def _at_rest(self, what: str) -> tuple[str, ...]:
        """Billed work that nothing has touched is not part of tonight's evaluation: look it up by its name."""
        return explain.named(what, explain.identities(*self._firm.evaluate(only=what)))


def _fitting(kind: DecisionKind, found: tuple[str, ...], drafts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Approvals are of drafts, everything else of items; to hold a draft is to hold what is on it."""
    if kind == "approve":
        if any(subject not in drafts for subject in found):
            raise UsageError("only a draft can be approved", where=", ".join(found[:3]), hint="see `billsync review`")
        return found
    if kind == "hold":
        return tuple(dict.fromkeys(one for subject in found for one in drafts.get(subject, (subject,))))
    if any(subject in drafts for subject in found):
        raise UsageError(f"a draft cannot be the subject of `{kind}`", hint="name one of the items on it")
    return found


def _write(firm: Firm, kind: DecisionKind, meant: Meant, *, person: str, reason: str, until: date | None) -> None:
    from billsync.sync.lock import run_lock

    with run_lock(firm.config.ledger_path, now=firm.now), firm.ledger() as ledger, ledger.transaction():
        for subject in meant.subjects:
            ledger.decide(
                kind,
                subject,
                person=person,
                reason=reason,
                at=firm.now(),
                until=until,
                amount=meant.amount,
                target=meant.target,
            )


def _documents(firm: Look) -> tuple[invoices.Document, ...]:
    return invoices.build(firm.ledger.intents(), firm.ledger.documents())


def _reference(firm: Look, what: str) -> str:
    """The reference of the invoice that `what` names; empty where there is none."""
    found = invoices.find(what, _documents(firm))
    if len(found) > 1:
        raise ambiguous(what, [one.number or one.reference for one in found])
    return found[0].reference if found else ""
