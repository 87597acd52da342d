"""The lines of a draft: time by person, project and price; expenses and schedule lines one by one; then what is kept
back, paid out, trued up or given back. The order is fixed, and each line says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from billsync.model.contract import Contract, LineKind
from billsync.model.invoice import Line, Part
from billsync.model.money import exponent
from billsync.rules import because
from billsync.rules.credits import Credit
from billsync.rules.groups import Charge, Group, asked_now
from billsync.rules.release import Retainage
from billsync.rules.settle import Share
from billsync.rules.view import View, Work

AnyKind = LineKind | Literal["holdback", "release", "adjustment", "credit"]
_ORDER: Final = (
    "milestone", "dated", "progress", "threshold", "block", "manual", "time", "expense", "adjustment", "credit",
    "holdback", "release",
)  # fmt: skip


def lines_of(view: View, group: Group, retainage: Mapping[str, Retainage]) -> tuple[Line, ...]:
    """All lines of a group's document, contract by contract."""
    lines: list[tuple[tuple[object, ...], Line]] = []
    for contract in group.contracts:
        mine = [charge for charge in group.charges if charge.contract.id == contract.id]
        given = [credit for credit in group.credits if credit.share.work.contract.id == contract.id]
        paid = [(share, amount) for share, amount in group.releases if share.work.contract.id == contract.id]
        made = [*_work_lines(view, contract, mine), *_credit_lines(view, contract, given)]
        made += _holdback_lines(view, contract, mine, given, paid, retainage[contract.id])
        lines += [(_rank(contract, line), line) for line in made]
    return tuple(line for _, line in sorted(lines, key=lambda pair: pair[0]))


def _rank(contract: Contract, line: Line) -> tuple[object, ...]:
    on = line.done_on.isoformat() if line.done_on else ""
    names = tuple(part.identity for part in line.parts)
    return (contract.id, _ORDER.index(line.kind), on if line.kind != "time" else "", line.text, names)


def _work_lines(view: View, contract: Contract, charges: Iterable[Charge]) -> Iterator[Line]:
    together: dict[tuple[object, ...], list[Charge]] = defaultdict(list)
    for charge in charges:
        together[_together(view, charge)].append(charge)
    for same in together.values():
        ordered = sorted(same, key=lambda charge: (str(charge.share.work.done_on), charge.share.work.identity))
        yield _work_line(view, contract, ordered)


def _together(view: View, charge: Charge) -> tuple[object, ...]:
    """Entries that share a line: new time of one person, project and price. Everything else stands alone."""
    work = charge.share.work
    if work.kind != "time" or charge.open.kind != "new" or charge.open.amount != work.value:
        return (work.identity, charge.open.kind)
    price = None if work.unit_price is None else because.decimals(work.unit_price)
    late = _late(view, work)
    return (work.person, work.project, price, work.purchase_order, work.cost_centre, late)


def _work_line(view: View, contract: Contract, charges: list[Charge]) -> Line:
    first = charges[0]
    work = first.share.work
    kind: AnyKind = "adjustment" if first.open.kind == "drift" else work.kind
    parts = tuple(_part(view, charge) for charge in charges)
    amount = sum(part.amount for part in parts)
    quantity = _quantity(parts)
    days = [charge.share.work.done_on for charge in charges if charge.share.work.done_on]
    return Line(
        kind=kind,
        text=_text(first, len(charges), days),
        amount=amount,
        parts=parts,
        quantity=quantity,
        unit_price=_price(work, quantity, amount, contract.currency),
        done_on=max(days, default=None),
        done_since=min(days) if len(set(days)) > 1 else None,
        project=work.project_name or None,
        person=work.person or None,
        tax_code=_coded(contract.billing.tax, kind, work.kind),
        item=(work.line.item if work.line else None) or _coded(contract.billing.items, kind, work.kind),
        purchase_order=work.purchase_order,
        dimensions=_dimensions(contract, work),
        late=_late(view, work),
    )


def _part(view: View, charge: Charge) -> Part:
    work, part = charge.share.work, charge.open
    why = list(work.because)
    if part.kind == "drift":
        why.append(f"{because.amount(part.amount, work.contract.currency)} since it was billed")
    if part.kind == "rebill" and part.decision:
        why.append(f"billed once more: {part.decision.person}, {part.decision.reason}")
    asked = asked_now(view, work)
    if asked:
        why.append(f"out of cycle: {asked.person}, {asked.reason}")
    if work.contract.payers:
        why.append(f"share of {charge.share.client}: {because.amount(charge.share.earned, work.contract.currency)}")
    return Part(
        identity=work.identity,
        contract=work.contract.id,
        amount=part.amount,
        quantity=work.hours if part.kind == "new" and part.amount == work.value else None,
        evidence=work.evidence,
        because=tuple(why),
        fingerprint=view.fingerprint(work.contract),
        decision=part.decision.id if part.decision else work.decision,
    )


def _quantity(parts: Iterable[Part]) -> Decimal | None:
    known = [part.quantity for part in parts]
    return sum((hours for hours in known if hours is not None), Decimal(0)) if None not in known else None


def _price(work: Work, quantity: Decimal | None, amount: int, currency: str) -> Decimal | None:
    """The price of an hour, where hours x price is the amount to the cent; None else."""
    if quantity is None or work.unit_price is None:
        return None
    exact = Fraction(quantity) * Fraction(work.unit_price) * 10 ** exponent(currency)
    return work.unit_price if exact == amount else None


def _text(charge: Charge, count: int, days: Sequence[date]) -> str:
    """The work's own words; of several entries the person, the project, and their first and last day."""
    work = charge.share.work
    if charge.open.kind == "drift":
        return f"Adjustment: {work.name}"
    if work.kind == "time" and count > 1:
        span = " to ".join(str(day) for day in sorted({min(days), max(days)})) if days else ""
        return ", ".join(filter(None, [work.person, work.project_name, span]))
    return work.name


def _late(view: View, work: Work) -> bool:
    """Dated in a period that is closed: billed tonight, with a mark."""
    closed = work.contract.gates.closed_through
    return closed is not None and work.done_on is not None and work.done_on <= closed


def _coded(codes: Mapping[str, str], kind: str, of: str) -> str | None:
    """A tax code or item by line kind; adjustments and credits take that of the work they are about."""
    return codes.get(kind) or codes.get(of) or codes.get("default")


def _dimensions(contract: Contract, work: Work) -> Mapping[str, str]:
    own = {"cost_centre": work.cost_centre} if work.cost_centre else {}
    return {**contract.billing.dimensions, **own}


def _credit_lines(view: View, contract: Contract, credits: Iterable[Credit]) -> Iterator[Line]:
    for credit in credits:
        work = credit.share.work
        why = f"credited: {credit.decision.person}, {credit.decision.reason}"
        part = Part(
            identity=work.identity,
            contract=contract.id,
            amount=-credit.amount,
            evidence=work.evidence,
            because=(why,),
            fingerprint=view.fingerprint(contract),
            decision=credit.decision.id,
        )
        yield Line(
            kind="credit",
            text=f"Credit: {work.name}",
            amount=part.amount,
            parts=(part,),
            done_on=work.done_on,
            project=work.project_name or None,
            person=work.person or None,
            tax_code=_coded(contract.billing.tax, "credit", work.kind),
            item=(work.line.item if work.line else None) or _coded(contract.billing.items, "credit", work.kind),
            purchase_order=work.purchase_order,
            dimensions=_dimensions(contract, work),
        )


def _holdback_lines(
    view: View,
    contract: Contract,
    charges: Iterable[Charge],
    credits: Iterable[Credit],
    paid: Iterable[tuple[Share, int]],
    retainage: Retainage,
) -> Iterator[Line]:
    """One line of what is kept back of this document's work, one of what is paid out."""
    moved: dict[str, tuple[Share, int]] = {}
    changes = [(charge.share, charge.open.amount) for charge in charges]
    changes += [(credit.share, -credit.amount) for credit in credits]
    for share, amount in changes:
        before = moved.get(share.work.identity, (share, 0))[1]
        moved[share.work.identity] = (share, before + amount)
    released = {share.work.identity: amount for share, amount in paid}
    kept = []
    for identity, (share, amount) in sorted(moved.items()):
        held = share.standing.retained - released.get(identity, 0)
        more = retainage.target(share.work.kind, own_net(share) + amount) - held
        if more:
            kept.append(_holdback_part(view, share, -more, f"withheld of {share.work.name}"))
    yield from _summed(contract, "holdback", _holdback_text(contract), kept)
    out = [
        _holdback_part(view, share, amount, f"released: {', '.join(retainage.names)}")
        for share, amount in sorted(paid, key=lambda pair: pair[0].work.identity)
    ]
    yield from _summed(contract, "release", f"Holdback released: {', '.join(retainage.names)}", out)


def own_net(share: Share) -> int:
    """Billed on documents of ours less credited: what holdback is a percent of."""
    standing = share.standing
    return standing.sum("own") - standing.sum("credited") - standing.sum("trued_down")


def _holdback_text(contract: Contract) -> str:
    return f"Holdback {because.percent(contract.holdback.percent)}" if contract.holdback else "Holdback"


def _holdback_part(view: View, share: Share, amount: int, why: str) -> Part:
    work = share.work
    return Part(
        identity=work.identity,
        contract=work.contract.id,
        amount=amount,
        evidence=work.evidence,
        because=(why,),
        fingerprint=view.fingerprint(work.contract),
    )


def _summed(contract: Contract, kind: Literal["holdback", "release"], text: str, parts: list[Part]) -> Iterator[Line]:
    if parts:
        yield Line(
            kind=kind,
            text=text,
            amount=sum(part.amount for part in parts),
            parts=tuple(parts),
            tax_code=_coded(contract.billing.tax, kind, "milestone"),
            item=_coded(contract.billing.items, kind, kind),
            dimensions=contract.billing.dimensions,
        )
