"""Time and expenses of one contract, rated in the order of their places: value, cap, and what a line needs to say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from billsync.model.contract import Contract
from billsync.model.work import Expense, Observation, TimeEntry
from billsync.rules.hours import TimeWork
from billsync.rules.match import Entry, date_of, hours_of, unvalued
from billsync.rules.order import in_order
from billsync.rules.room import capped
from billsync.rules.valuation import Valued, exchange_rate, value_expense, value_time
from billsync.rules.view import View, Work, evidence_of, label_of


@dataclass(slots=True, kw_only=True)
class Counted:
    """What thresholds and budgets count, in the order of places: date, hours at the source, earned before caps."""

    steps: list[tuple[date, Decimal, int]] = field(default_factory=list)

    @property
    def hours(self) -> Decimal:
        """Approved billable hours as the source says them."""
        return sum((hours for _, hours, _ in self.steps), Decimal(0))

    @property
    def earned(self) -> int:
        """Earned time and expenses before caps, minor units."""
        return sum(amount for _, _, amount in self.steps)


def rate(view: View, contract: Contract, entries: Iterable[Entry]) -> tuple[list[Work], Counted]:
    """Work of the entries of one contract. Entries without a rate are not earned: they go to `view.found`."""
    queue = in_order(view, contract, entries)
    valued = _valued(view, contract, queue)
    counted = Counted()
    works = []
    for entry in queue:
        value = valued[entry.identity]
        if value.earned is None:
            works += _unrated(view, contract, entry, value)
            continue
        if not entry.worthless and value.earned >= 0:
            counted.steps.append((date_of(entry.record), hours_of(entry.record) or Decimal(0), value.earned))
        works.append(_work(view, contract, entry, value))
    corrected = _corrected(view, contract, works)
    return capped(view, contract, corrected, valued), counted


def _valued(view: View, contract: Contract, queue: Sequence[Entry]) -> dict[str, Valued]:
    """The value of each entry; what was marked as not billable after it was billed is worth 0 and takes no hours."""
    worthless = Valued(earned=0, because=("marked as not billable at the source",))
    valued = {entry.identity: worthless for entry in queue if entry.worthless}
    timed = [_time_work(view, entry, place) for place, entry in enumerate(queue) if not entry.worthless]
    hints = {entry.identity: hint for entry in queue if (hint := _hint(contract, entry.seen)) is not None}
    valued |= value_time(contract, [work for work in timed if work], source_rates=hints)
    for entry in queue:
        record = entry.record
        if isinstance(record, Expense) and not entry.worthless:
            found = exchange_rate(view.facts.exchange_rates, record.currency, contract.currency, record.spent_on)
            valued[entry.identity] = value_expense(contract, record, found)
    return valued


def _time_work(view: View, entry: Entry, place: int) -> TimeWork | None:
    record = entry.record
    if not isinstance(record, TimeEntry):
        return None
    return TimeWork(
        identity=entry.identity,
        person=view.person(entry.seen.key.account, record.person),
        project=record.project,
        role=record.role,
        task=record.task,
        on=record.worked_on,
        hours=record.hours,
        place=(view.today, place),
    )


def _hint(contract: Contract, seen: Observation) -> Decimal | None:
    """The rate the source carries, where it is in the contract's currency."""
    record = seen.record
    if not isinstance(record, TimeEntry) or record.currency not in (None, contract.currency):
        return None
    return record.rate


def _unrated(view: View, contract: Contract, entry: Entry, value: Valued) -> list[Work]:
    """Work without a rate: its last good version stands where it was billed, else it has no value yet."""
    on = date_of(entry.record)
    if view.standings.begun(entry.identity, contract.id):
        earlier = _last_rated(view, contract, entry)
        stands = earlier if earlier is not None else view.standings.value(entry.identity, contract.id)
        text = f"{label_of(view, entry.seen)}: billed, and has no rate any more; what was good last stands"
        view.say("reopened", entry.identity, text, on=on)
        work = _work(view, contract, entry, replace(value, earned=stands))
        return [replace(work, stands=True)]
    if contract.opening_before and on < contract.opening_before:
        view.found.not_valued.append(unvalued(view, entry.seen, "not_billable", "opening", contract))
        return []
    view.say(value.cause, entry.identity, f"{label_of(view, entry.seen)}: {value.because[0]}", on=on)
    view.found.not_valued.append(unvalued(view, entry.seen, "unrated", value.cause, contract))
    return []


def _last_rated(view: View, contract: Contract, entry: Entry) -> int | None:
    """The value, on its own, of the newest earlier version that has one."""
    for version in reversed(view.facts.history.get(entry.seen.key, ())):
        earlier = replace(entry, seen=version)
        value = _valued(view, contract, [earlier])[entry.identity].earned
        if value is not None:
            return value
    return None


def _work(view: View, contract: Contract, entry: Entry, value: Valued) -> Work:
    record = entry.record
    return Work(
        identity=entry.identity,
        kind="time" if isinstance(record, TimeEntry) else "expense",
        contract=contract,
        name=label_of(view, entry.seen),
        value=value.earned or 0,
        done_on=date_of(record),
        key=entry.seen.key,
        project=(entry.seen.key.account, record.project),
        project_name=view.project_name((entry.seen.key.account, record.project)),
        person=_person(view, entry),
        hours=value.hours if isinstance(record, TimeEntry) else None,
        unit_price=value.unit_price,
        cost_centre=record.cost_centre if isinstance(record, TimeEntry) else None,
        purchase_order=record.purchase_order or contract.purchase_order,
        cause=_cause(view, contract, entry),
        stands=entry.stands,
        evidence=evidence_of(entry.seen),
        because=value.because,
    )


def _person(view: View, entry: Entry) -> str:
    record = entry.record
    if not record.person:
        return ""
    name = record.person_name if isinstance(record, TimeEntry) else None
    return name or view.person(entry.seen.key.account, record.person)


def _cause(view: View, contract: Contract, entry: Entry) -> str:
    """What stops the record itself."""
    record = entry.record
    if entry.gone:
        return "deleted"
    amount = record.hours if isinstance(record, TimeEntry) else record.amount
    if amount < 0:
        return "negative_quantity"
    if record.billed_at_source:
        return "billed_at_source"
    return "receipt_missing" if isinstance(record, Expense) and _no_receipt(view, contract, record) else ""


def _no_receipt(view: View, contract: Contract, expense: Expense) -> bool:
    """A receipt proves what was spent: the amount before the mark-up, in the contract's currency."""
    terms = contract.expenses
    if terms is None or terms.receipt_from is None or expense.receipt:
        return False
    at_cost = replace(contract, expenses=replace(terms, markup=Decimal(0)))
    rate = exchange_rate(view.facts.exchange_rates, expense.currency, contract.currency, expense.spent_on)
    spent = value_expense(at_cost, expense, rate).earned
    return spent is not None and spent >= terms.receipt_from


def _corrected(view: View, contract: Contract, works: list[Work]) -> list[Work]:
    """Negative quantities that a person mapped to what they correct count there, with their evidence."""
    by_identity = {work.identity: work for work in works}
    for work in works:
        decision = view.decided.last("correct", work.identity) if work.cause == "negative_quantity" else None
        target = by_identity.get(decision.target) if decision else None
        if decision is None or target is None or target.cause == "negative_quantity":
            continue
        by_identity[target.identity] = replace(
            target,
            value=target.value + work.value,
            hours=(target.hours or Decimal(0)) + work.hours if work.hours else target.hours,
            evidence=(*target.evidence, *work.evidence),
            because=(*target.because, f"corrected by {work.name} ({decision.person}: {decision.reason})"),
        )
        by_identity[work.identity] = replace(work, value=0, cause="", because=(f"corrects {target.name}",))
    return list(by_identity.values())
