"""Tonight's documents: group what is ready, keep back what waits for its day, ask the gates of the draft as a whole.

An approval is of a hash: of who is billed, in which books, for which work in which version, to the cent. What changes
from night to night without changing the document (the reason's wording, the mark of late work) is not in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from billsync.model.contract import Contract
from billsync.model.invoice import Draft, Line, Part
from billsync.model.statement import HeldDraft
from billsync.model.work import canonical_bytes, digest
from billsync.rules.credits import Credit
from billsync.rules.document_lines import lines_of, own_net
from billsync.rules.groups import Charge, Group, Grouping, leave_others, period_of, wait_for_period
from billsync.rules.release import Retainage
from billsync.rules.settle import Share
from billsync.rules.view import View

Push = Literal["preview", "draft", "approved", "sent"]
_CAREFUL_FIRST: Final[tuple[Push, ...]] = ("preview", "draft", "approved", "sent")


@dataclass(slots=True, kw_only=True)
class Documents:
    """The drafts of a night: those that go, those that a gate stops."""

    drafts: list[Draft] = field(default_factory=list)
    held: list[HeldDraft] = field(default_factory=list)


def documents(
    view: View, shares: Iterable[Share], asked: Sequence[Credit], retainage: Mapping[str, Retainage]
) -> Documents:
    """Group, draft and gate. Open amounts that wait get their cause here, in place."""
    grouping = Grouping(view)
    credited = {id(credit.share) for credit in asked}
    for share in shares:
        for part in share.ready:
            grouping.group(share).charges.append(Charge(share=share, open=part))
        payable = released(share, retainage[share.work.contract.id])
        if payable and id(share) not in credited:
            grouping.group(share).releases.append((share, payable))
    for credit in asked:
        grouping.group(credit.share, credit=True).credits.append(credit)
    made = Documents()
    for group in grouping.all():
        for charge in [*leave_others(view, group), *wait_for_period(view, group)]:
            charge.open.cause = "waits_for_period"
        if group.charges or group.releases or group.credits:
            _place(view, group, _draft(view, group, retainage), made)
    return made


def released(share: Share, retainage: Retainage) -> int:
    """Holdback of the share that is to be paid out tonight, minor units."""
    if not retainage.released:
        return 0
    return max(0, share.standing.retained - retainage.target(share.work.kind, own_net(share)))


def _place(view: View, group: Group, draft: Draft, made: Documents) -> None:
    cause = _stopped(view, group, draft)
    if cause:
        made.held.append(HeldDraft(draft=draft, cause=cause, owner=view.owner(cause)))
    else:
        made.drafts.append(draft)
    for charge in group.charges:
        if cause:
            charge.open.bucket, charge.open.cause = "held", cause
        elif view.standings.refused(charge.share.work.identity, group.client):
            charge.open.bucket, charge.open.cause = "held", "refused"


def _stopped(view: View, group: Group, draft: Draft) -> str:
    """The gate that stops the draft as a whole; "" where it goes."""
    if draft.push == "preview":
        return "preview"
    if view.decided.held(draft.hash):
        return "hold"
    return "" if all(_approved(view, contract, draft) for contract in group.contracts) else "needs_approval"


def _approved(view: View, contract: Contract, draft: Draft) -> bool:
    """Below the release threshold of the contract, or approved by enough of those who may."""
    gates = contract.gates
    if gates.release_threshold is None or draft.total < gates.release_threshold:
        return True
    persons = view.decided.approvers(draft.hash)
    if gates.approvals > 1:
        persons -= _askers(view, draft)
    if gates.approvers:
        persons &= {
            approver.person
            for approver in gates.approvers
            if (approver.up_to is None or abs(draft.total) <= approver.up_to)
            and (not approver.clients or draft.client in approver.clients)
        }
    return len(persons) >= gates.approvals


def _askers(view: View, draft: Draft) -> frozenset[str]:
    """The persons who asked for something on the draft: a manual amount, a credit, billing once more."""
    asked = {part.decision for line in draft.lines for part in line.parts if part.decision is not None}
    return frozenset(view.decided.by_id[number].person for number in asked if number in view.decided.by_id)


def _draft(view: View, group: Group, retainage: Mapping[str, Retainage]) -> Draft:
    lines = lines_of(view, group, retainage)
    orders = {line.purchase_order for line in lines if line.kind not in ("holdback", "release")}
    terms = [contract.billing.terms_days for contract in group.contracts if contract.billing.terms_days is not None]
    references = {name: text for contract in group.contracts for name, text in contract.references.items()}
    period = period_of(view, group)
    draft = Draft(
        kind="credit_memo" if sum(line.amount for line in lines) < 0 or group.credits else "invoice",
        key=f"{group.key}/{period}" if period else group.key,
        client=group.client,
        contracts=tuple(contract.id for contract in group.contracts),
        currency=group.currency,
        sink=group.sink,
        lines=lines,
        purchase_order=orders.pop() if len(orders) == 1 else None,
        references=references,
        terms_days=min(terms, default=None),
        push=_push(view, group),
    )
    return replace(draft, hash=_hash(draft), reference=_reference(view, group, draft))


def _push(view: View, group: Group) -> Push:
    """The most careful of the contracts' modes; a document without books is only shown."""
    modes: list[Push] = []
    for contract in group.contracts:
        mode = contract.billing.push or view.facts.sinks.get(group.sink, "preview")
        modes += [known for known in _CAREFUL_FIRST if known == mode]
    return min(modes, key=_CAREFUL_FIRST.index, default="preview")


def _hash(draft: Draft) -> str:
    """What an approval is of."""
    lines = [_content(line) for line in draft.lines]
    return digest(
        {
            "kind": draft.kind,
            "client": draft.client,
            "contracts": draft.contracts,
            "currency": draft.currency,
            "sink": draft.sink,
            "push": draft.push,
            "purchase_order": draft.purchase_order,
            "references": draft.references,
            "terms_days": draft.terms_days,
            "lines": lines,
        }
    )


def _content(line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "text": line.text,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "tax_code": line.tax_code,
        "item": line.item,
        "purchase_order": line.purchase_order,
        "dimensions": line.dimensions,
        "parts": [[part.contract, *_of_part(part)] for part in line.parts],
    }


def _of_part(part: Part) -> list[Any]:
    """Whose work, in which version, how much, by whose word."""
    versions = [f"{proof.key}@{proof.version}" for proof in part.evidence]
    return [part.identity, part.amount, part.decision or 0, versions]


def _reference(view: View, group: Group, draft: Draft) -> str:
    """The same for the same work in the same state, on every night and in every ledger that knows as much; another one
    once something of it was posted, so that work billed again after a credit or a void is another document."""
    parts = [
        [line.kind, part.contract, *_of_part(part), _count(view, draft, part)]
        for line in draft.lines
        for part in line.parts
    ]
    content = {
        "sink": group.sink,
        "client": group.client,
        "group": group.key,
        "kind": draft.kind,
        "parts": sorted(parts),
    }
    return "BS-" + base64.b32encode(hashlib.sha256(canonical_bytes(content)).digest()).decode()[:12]


def _count(view: View, draft: Draft, part: Part) -> int:
    return len(view.standings.of(part.identity, part.contract, draft.client).postings)
