"""Work that stands in no schedule line: milestones at their own amount, amounts a person asked for, and work that was
billed under terms or records that are not there any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from billsync.model.contract import Contract, LineKind, MilestoneTerms
from billsync.model.statement import NotEarned
from billsync.model.work import Milestone, Observation, SourceKey
from billsync.rules import because
from billsync.rules.match import unvalued
from billsync.rules.milestones import Matched, dated_ahead, look, missing, own_amount
from billsync.rules.schedule import signed_by
from billsync.rules.view import View, Work, evidence_of


def loose_milestones(view: View, used: Iterable[SourceKey]) -> Iterator[Work]:
    """Milestones that no schedule line means: billed at their own amount where one contract says so."""
    taken = set(used)
    for seen in view.records:
        if isinstance(seen.record, Milestone) and seen.key not in taken:
            work = _loose(view, seen, seen.record)
            if work is not None:
                yield work


def _loose(view: View, seen: Observation, milestone: Milestone) -> Work | None:
    project = (seen.key.account, milestone.project)
    feeding = [contract for contract, ref in view.feeds.get(project, ()) if not ref.feeds or "milestone" in ref.feeds]
    billing = [contract for contract in feeding if contract.milestones is not None]
    if len(billing) == 1 and billing[0].milestones is not None:
        return _at_own_amount(view, seen, billing[0], billing[0].milestones)
    if view.feeds.get(project) and not any(contract.lines or contract.change_orders for contract in feeding):
        view.found.not_valued.append(unvalued(view, seen, "not_billable", "not_billable"))
    elif seen.vanished is not None:
        view.found.not_valued.append(unvalued(view, seen, "not_billable", "deleted"))
    else:
        _no_line(view, seen, milestone, feeding)
    return None


def _no_line(view: View, seen: Observation, milestone: Milestone, feeding: list[Contract]) -> None:
    """Finished work that nobody bills is a finding; open work waits."""
    done = milestone.completed_on is not None and milestone.completed_on <= view.today
    contract = feeding[0].id if len(feeding) == 1 else ""
    if not done:
        _wait(view, seen, milestone, f"milestone/{seen.key.account}/{seen.key.id}", contract, "open_milestone", None)
        return
    names = " and ".join(other.id for other in feeding)
    why = f"no line of {names} names it" if feeding else f"no contract names project {milestone.project}"
    identity = f"milestone/{seen.key.account}/{seen.key.id}"
    view.say("unmapped", identity, f"{milestone.name}: done, and {why}", on=milestone.completed_on)
    view.found.not_valued.append(replace(unvalued(view, seen, "unmapped", "unmapped"), contract=contract))


def _wait(
    view: View, seen: Observation, milestone: Milestone, identity: str, contract: str, cause: str, amount: int | None
) -> None:
    currency = view.contracts[contract].currency if contract else ""
    view.found.not_earned.append(
        NotEarned(
            key=seen.key,
            identity=identity,
            name=milestone.name,
            project=view.project_name((seen.key.account, milestone.project)),
            contract=contract,
            cause=cause,
            owner=view.owner(cause),
            due_on=milestone.due_on,
            amount=amount,
            currency=currency,
        )
    )


def _at_own_amount(view: View, seen: Observation, contract: Contract, terms: MilestoneTerms) -> Work | None:
    identity = f"{contract.id}/milestone/{seen.key.account}/{seen.key.id}"
    billed = view.standings.begun(identity, contract.id)
    found = look(view, seen, terms.complete, billed)
    value = own_amount(contract, found.record)
    if found.done_on is None:
        return _open(view, found, contract, terms, identity, value)
    if not signed_by(contract, view.today):
        text = f"{found.record.name}: done on {found.done_on}, and contract {contract.id} is not signed"
        view.say("contract_unsigned", identity, text, on=found.done_on, amount=value, currency=contract.currency)
        _wait(view, seen, found.record, identity, contract.id, "contract_unsigned", value)
        return None
    if value is None and not billed:
        text = f"{found.record.name}: done, and it has no amount at the source in {contract.currency}"
        view.say("amount_missing", identity, text, on=found.done_on)
        view.found.not_valued.append(unvalued(view, seen, "unrated", "amount_missing", contract))
        return None
    if found.reopened:
        _say_open_again(view, found, identity)
    stands = found.reopened or value is None
    earned = value if value is not None else view.standings.value(identity, contract.id)
    return _milestone_work(view, found, contract, terms, identity, earned, stands)


def _open(
    view: View, found: Matched, contract: Contract, terms: MilestoneTerms, identity: str, value: int | None
) -> Work | None:
    if view.standings.begun(identity, contract.id):
        _say_open_again(view, found, identity)
        stands = view.standings.value(identity, contract.id)
        return _milestone_work(view, found, contract, terms, identity, stands, True)
    if found.gone:
        view.found.not_valued.append(unvalued(view, found.seen, "not_billable", "deleted", contract))
        return None
    ahead = dated_ahead(view, found.seen, terms.complete)
    _wait(view, found.seen, found.record, identity, contract.id, "future" if ahead else "open_milestone", value)
    return None


def _say_open_again(view: View, found: Matched, identity: str) -> None:
    text = f"{found.record.name}: billed, and open again at the source; its last finished version stands"
    view.say("reopened", identity, text, on=found.done_on)


def _milestone_work(
    view: View,
    found: Matched,
    contract: Contract,
    terms: MilestoneTerms,
    identity: str,
    value: int,
    stands: bool,
) -> Work:
    record = found.record
    project = (found.seen.key.account, record.project)
    done = f"done on {found.done_on}" if found.done_on else "billed"
    return Work(
        identity=identity,
        kind="milestone",
        contract=contract,
        name=record.name,
        value=value,
        done_on=found.done_on,
        key=found.seen.key,
        project=project,
        project_name=view.project_name(project),
        purchase_order=contract.purchase_order,
        cause="deleted" if found.gone else missing(terms.requires, record, contract.purchase_order),
        stands=stands,
        evidence=evidence_of(found.version),
        because=(f"{record.name} {done}, {because.amount(value, contract.currency)} by its own amount",),
    )


def manual_work(view: View, contract: Contract) -> Iterator[Work]:
    """Amounts a person asked to bill on the contract: who, how much, why."""
    for decision in view.decided.of("bill", contract.id):
        if decision.amount is None:
            continue
        yield Work(
            identity=f"{contract.id}/manual/{decision.id}",
            kind="manual",
            contract=contract,
            name=decision.target or decision.reason,
            value=decision.amount,
            done_on=min(decision.at.date(), view.today),
            purchase_order=contract.purchase_order,
            because=(f"{decision.person}: {decision.reason}",),
            decision=decision.id,
        )


def leftovers(view: View, works: Iterable[Work]) -> Iterator[Work]:
    """Identities that were billed and have no work tonight under that contract.

    Moved to another contract: worth nothing here any more. Gone from the terms, or their record is unmapped: what was
    billed stands, and a person is told."""
    known = {(work.identity, work.contract.id) for work in works}
    elsewhere: dict[str, str] = {}
    for work in works:
        elsewhere.setdefault(work.identity, work.contract.id)
    for identity, contract_id in view.standings.identities():
        if (identity, contract_id) in known or not view.standings.begun(identity, contract_id):
            continue
        yield _leftover(view, identity, contract_id, elsewhere.get(identity, ""))


def _leftover(view: View, identity: str, contract_id: str, moved_to: str) -> Work:
    contract = view.contracts.get(contract_id) or _lost_contract(view, identity, contract_id)
    billed = view.standings.value(identity, contract_id)
    seen = _record_of(view, identity)
    on = _last_work(view, identity, contract_id)
    if not moved_to and billed:
        text = f"{identity}: billed under {contract_id}, whose terms or records do not show it any more; it stands"
        view.say("moved", identity, text, on=on, amount=billed, currency=contract.currency)
    return Work(
        identity=identity,
        kind=_kind_of(identity),
        contract=contract,
        name=getattr(seen.record, "name", "") or identity if seen else identity,
        value=0 if moved_to else billed,
        done_on=on,
        key=seen.key if seen else None,
        purchase_order=contract.purchase_order,
        cause="moved" if moved_to else "",
        stands=not moved_to,
        evidence=evidence_of(seen) if seen else (),
        because=(f"moved to {moved_to}" if moved_to else "what was billed stands",),
    )


def _record_of(view: View, identity: str) -> Observation | None:
    kind, _, rest = identity.partition("/")
    account, _, name = rest.partition("/")
    if kind == "time":
        return view.by_key.get(SourceKey(account=account, kind="time", id=name))
    if kind == "expense":
        return view.by_key.get(SourceKey(account=account, kind="expense", id=name))
    return None


def _kind_of(identity: str) -> LineKind:
    if identity.startswith("time/"):
        return "time"
    if identity.startswith("expense/"):
        return "expense"
    return "manual" if "/manual/" in identity else "milestone"


def _last_work(view: View, identity: str, contract_id: str) -> date | None:
    nights = [standing.last_night for standing in view.standings.all_of(identity, contract_id)]
    return max((night for night in nights if night), default=None)


def _lost_contract(view: View, identity: str, contract_id: str) -> Contract:
    """A contract that is not in the configuration any more, as its postings know it."""
    client = view.standings.clients(identity, contract_id)[0]
    return Contract(id=contract_id, client=client, currency=view.standings.of(identity, contract_id, client).currency)
