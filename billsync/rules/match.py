"""Which contract a time entry or an expense belongs to, and whether it is earned there.

Mapping is by stable project id per account, and by a person's word; nothing is matched on resemblance. Where two
contracts would take a record, none does: that is a person's decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from billsync.model.contract import Contract, ExpenseTerms, TimeTerms
from billsync.model.statement import NotEarned, NotValued, Unvalued
from billsync.model.work import Expense, Observation, TimeEntry
from billsync.rules.schedule import signed_by
from billsync.rules.view import View, identity_of, label_of

Worked = TimeEntry | Expense


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A time entry or an expense that is earned under a contract. `seen` is the version that counts.

    `gone`: deleted or vanished at the source · `stands`: billed, and its newest version is not good ·
    `worthless`: billed, approved, and marked as not billable since: an edit to a value of 0
    """

    identity: str
    seen: Observation
    contract: Contract
    gone: bool = False
    stands: bool = False
    worthless: bool = False

    @property
    def record(self) -> Worked:
        record = self.seen.record
        assert isinstance(record, TimeEntry | Expense)  # noqa: S101  only these become entries
        return record


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where one version of a record belongs: a contract, or why none."""

    contract: Contract | None
    why: Literal["", "unmapped", "not_billable"] = ""
    cause: str = ""
    text: str = ""


def date_of(record: Worked) -> date:
    """The date of work, in the account's zone."""
    return record.worked_on if isinstance(record, TimeEntry) else record.spent_on


def hours_of(record: object) -> Decimal | None:
    """Hours as the source says them; None for what has none."""
    return record.hours if isinstance(record, TimeEntry) else None


def entries(view: View) -> list[Entry]:
    """Everything earned in time and expenses; the rest goes to `view.found`."""
    earned = []
    for seen in view.records:
        if not isinstance(seen.record, TimeEntry | Expense):
            continue
        outcome = _outcome(view, seen, seen.record)
        if isinstance(outcome, Entry):
            earned.append(outcome)
        elif isinstance(outcome, Unvalued):
            view.found.not_valued.append(outcome)
        elif isinstance(outcome, NotEarned):
            view.found.not_earned.append(outcome)
    return earned


def map_record(view: View, seen: Observation, record: Worked) -> Mapping:
    """The contract that takes this version of the record."""
    by_hand = _mapped_by_hand(view, seen, record)
    if by_hand:
        return _in_force([by_hand], record)
    project = (seen.key.account, record.project)
    known = [contract for contract, _ in view.feeds.get(project, ())]
    if not known:
        return Mapping(None, "unmapped", "unmapped", f"no contract names project {project[1]} of {project[0]}")
    taking = [
        contract
        for contract, ref in view.feeds[project]
        if (not ref.feeds or seen.key.kind in ref.feeds) and _terms(contract, seen) is not None
    ]
    if not taking:
        return Mapping(None, "not_billable", "not_billable")
    return _in_force(taking, record)


def _mapped_by_hand(view: View, seen: Observation, record: Worked) -> Contract | None:
    for subject in (identity_of(seen.key), f"project/{seen.key.account}/{record.project}"):
        decision = view.decided.last("map", subject)
        if decision and decision.target in view.contracts:
            return view.contracts[decision.target]
    return None


def _terms(contract: Contract, seen: Observation) -> TimeTerms | ExpenseTerms | None:
    """The contract's terms for this kind of record, if they take it from this account."""
    terms = contract.time if seen.key.kind == "time" else contract.expenses
    return terms if terms and (not terms.accounts or seen.key.account in terms.accounts) else None


def _in_force(taking: Iterable[Contract], record: Worked) -> Mapping:
    on = date_of(record)
    contracts = list(taking)
    open_then = [
        contract
        for contract in contracts
        if (contract.starts_on or date.min) <= on <= (contract.ends_on or date.max) and signed_by(contract, on)
    ]
    if len(open_then) == 1:
        return Mapping(open_then[0])
    names = ", ".join(contract.id for contract in open_then or contracts)
    if open_then:
        return Mapping(None, "unmapped", "unmapped", f"several contracts take it: {names}")
    if not any(signed_by(contract, None) for contract in contracts):
        return Mapping(None, "unmapped", "contract_unsigned", f"nobody signed {names}")
    return Mapping(None, "unmapped", "no_contract_in_force", f"{names} is not in force on {on}")


def approved(record: Worked, contract: Contract) -> bool:
    """Approved at the source, or the contract says that it needs none."""
    terms = contract.time if isinstance(record, TimeEntry) else contract.expenses
    return record.approval.state == "approved" or (terms is not None and terms.approval == "not_required")


def _billable(record: Worked, contract: Contract) -> bool:
    """Billable by the source's word, and of a category that the contract takes."""
    categories = contract.expenses.categories if contract.expenses else frozenset()
    taken = isinstance(record, TimeEntry) or not categories or record.category in categories
    return record.billable and taken


def _outcome(view: View, seen: Observation, record: Worked) -> Entry | Unvalued | NotEarned | None:
    """What becomes of a record; None: it was billed, is not good any more, and what was billed stands."""
    identity = identity_of(seen.key)
    billed = [name for name in view.standings.contracts(identity) if view.standings.begun(identity, name)]
    if billed:
        return _billed_entry(view, seen, identity, billed)
    return _new_entry(view, seen, record, identity)


def _billed_entry(view: View, seen: Observation, identity: str, billed: list[str]) -> Entry | None:
    """Work that was billed before: its newest good version counts; without one, what was billed stands."""
    for version in (seen, *reversed(view.facts.history.get(seen.key, ()))):
        record = version.record
        assert isinstance(record, TimeEntry | Expense)  # noqa: S101  a record never changes its kind
        contract = map_record(view, version, record).contract
        if contract and approved(record, contract) and date_of(record) <= view.today:
            stands = version is not seen
            if stands:
                _say_reopened(view, seen, identity)
            return Entry(
                identity=identity,
                seen=version,
                contract=contract,
                gone=seen.vanished is not None,
                stands=stands,
                worthless=not _billable(record, contract),
            )
    return None


def _say_reopened(view: View, seen: Observation, identity: str) -> None:
    if seen.vanished is None:
        text = f"{label_of(view, seen)}: billed, and not approved, billable and mapped any more; what was billed stands"
        view.say("reopened", identity, text, on=_on(seen))


def _on(seen: Observation) -> date | None:
    return date_of(seen.record) if isinstance(seen.record, TimeEntry | Expense) else None


def _new_entry(view: View, seen: Observation, record: Worked, identity: str) -> Entry | Unvalued | NotEarned:
    gone = seen.vanished is not None
    if not record.billable:
        return unvalued(view, seen, "not_billable", "deleted" if gone else "not_billable")
    mapping = map_record(view, seen, record)
    contract = mapping.contract
    if contract is None:
        if gone or mapping.why == "not_billable":
            return unvalued(view, seen, "not_billable", "deleted" if gone else "not_billable")
        view.say(mapping.cause, identity, f"{label_of(view, seen)}: {mapping.text}", on=date_of(record))
        return unvalued(view, seen, "unmapped", mapping.cause)
    if not _billable(record, contract):
        return unvalued(view, seen, "not_billable", "not_billable", contract)
    if date_of(record) > view.today:
        return _not_earned(view, seen, record, contract, "future")
    if not approved(record, contract):
        if gone:
            return unvalued(view, seen, "not_billable", "deleted", contract)
        return _not_earned(view, seen, record, contract, "unapproved")
    return Entry(identity=identity, seen=seen, contract=contract, gone=gone)


def unvalued(view: View, seen: Observation, why: NotValued, cause: str, contract: Contract | None = None) -> Unvalued:
    """A record without a value, in hours."""
    record = seen.record
    on = date_of(record) if isinstance(record, TimeEntry | Expense) else getattr(record, "completed_on", None)
    return Unvalued(
        key=seen.key,
        name=label_of(view, seen),
        project=view.project_name((seen.key.account, getattr(record, "project", ""))),
        why=why,
        cause=cause,
        owner=view.owner(cause),
        done_on=on,
        age_days=view.age(on),
        hours=hours_of(record),
        contract=contract.id if contract else "",
    )


def _not_earned(view: View, seen: Observation, record: Worked, contract: Contract, cause: str) -> NotEarned:
    return NotEarned(
        key=seen.key,
        identity=identity_of(seen.key),
        name=label_of(view, seen),
        project=view.project_name((seen.key.account, record.project)),
        contract=contract.id,
        cause=cause,
        owner=view.owner(cause),
        due_on=date_of(record),
        hours=hours_of(record),
    )
