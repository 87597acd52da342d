"""From written rate cards, time, expense and cap terms to the model's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from billsync.config.contracts import ContractEntry
from billsync.config.lines import Scope
from billsync.config.problems import nearest
from billsync.config.rates import (
    CapEntry,
    IncludedEntry,
    IncrementEntry,
    MinimumEntry,
    RateCardEntry,
    RateEntry,
    RatesByName,
    TimeEntry,
)
from billsync.model.contract import (
    Cap,
    ExpenseTerms,
    Included,
    Increment,
    Minimum,
    Origin,
    Overtime,
    Prepaid,
    Rate,
    RateCard,
    TimeTerms,
)

DEFAULT_CARD = "default"


def card(name: str, entry: RateCardEntry, currency: str) -> RateCard:
    """A card in its own currency, or in `currency` where it names none."""
    rates = _by_name(entry.rates) if isinstance(entry.rates, RatesByName) else map(_rate, entry.rates)
    return RateCard(id=name, currency=entry.currency or currency, rates=tuple(rates))


def _rate(entry: RateEntry) -> Rate:
    return Rate(
        amount=entry.amount,
        person=entry.person,
        project=entry.project,
        role=entry.role,
        task=entry.task,
        since=entry.since,
        until=entry.until,
        origin=entry.origin,
    )


def _by_name(entry: RatesByName) -> Iterator[Rate]:
    if entry.default is not None:
        yield Rate(amount=entry.default, origin=entry.where("default"))
    for role, amount in entry.roles.items():
        yield Rate(amount=amount, role=role, origin=entry.where("roles", role))
    for person, amount in entry.people.items():
        yield Rate(amount=amount, person=person, origin=entry.where("people", person))
    for task, amount in entry.tasks.items():
        yield Rate(amount=amount, task=task, origin=entry.where("tasks", task))


def time_terms(entry: ContractEntry, cards: Mapping[str, RateCard], scope: Scope) -> TimeTerms | None:
    """The contract's terms of time; by default at the default card where it has no schedule, here or at a source."""
    written = entry.time
    if written is None:
        if entry.schedule or entry.off("time") or entry.terms_from or not cards:
            return None
        found = _default_card(cards, scope, entry.origin)
        return TimeTerms(card=found) if found else None
    own = card(entry.id, written.rates, scope.currency) if written.rates else None
    return TimeTerms(
        accounts=frozenset(written.accounts),
        rates=own,
        card=_card(written, own, cards, scope),
        source_rates=written.source_rates,
        approval=written.approval,
        increment=_increment(written.increment),
        minimum=_minimum(written.minimum),
        overtime=tuple(Overtime(per=o.per, after=o.after, multiplier=o.multiplier) for o in written.overtime),
        included=_included(written.included),
        prepaid=_prepaid(written, scope),
        discount=written.discount or Decimal(0),
    )


def _increment(entry: IncrementEntry | None) -> Increment | None:
    return Increment(hours=entry.hours, per=entry.per, mode=entry.mode) if entry else None


def _minimum(entry: MinimumEntry | None) -> Minimum | None:
    return Minimum(hours=entry.hours, per=entry.per) if entry else None


def _included(entry: IncludedEntry | None) -> Included | None:
    return Included(hours=entry.hours, roll_over=entry.roll_over, since=entry.since) if entry else None


def _card(written: TimeEntry, own: RateCard | None, cards: Mapping[str, RateCard], scope: Scope) -> RateCard | None:
    """The named card; the default one only where the contract has no rates of its own: rates are never guessed."""
    if written.rate_card is not None:
        if written.rate_card in cards:
            return cards[written.rate_card]
        hint = nearest(written.rate_card, cards)
        scope.mistake(f"there is no rate card {written.rate_card!r}", written.where("rate_card"), hint)
        return None
    if own is not None or written.source_rates:
        return None
    return _default_card(cards, scope, written.origin)


def _default_card(cards: Mapping[str, RateCard], scope: Scope, where: Origin) -> RateCard | None:
    """The card called `default`, or the only one."""
    found = cards.get(DEFAULT_CARD) or (next(iter(cards.values())) if len(cards) == 1 else None)
    if found is None:
        has = f"there are {len(cards)} rate cards and none is called default" if cards else "there is no rate card"
        scope.mistake(
            f"time is billed, but no rate is known: {has}",
            where,
            "name one (`time: {rate_card: ...}`), give `rates`, or write `time: false`",
        )
    return found


def _prepaid(written: TimeEntry, scope: Scope) -> tuple[Prepaid, ...]:
    blocks = []
    for block in written.prepaid:
        if (block.hours is None) == (block.amount is None):
            scope.mistake(f"prepaid block {block.id!r} is of hours or of an amount", block.origin, "keep one of them")
        if block.since and block.expires and block.expires < block.since:
            scope.mistake(f"prepaid block {block.id!r} expires before it begins", block.where("expires"))
        blocks.append(
            Prepaid(
                id=block.id,
                hours=block.hours,
                amount=scope.optional(block.amount, block.where("amount")),
                since=block.since,
                expires=block.expires,
            )
        )
    return tuple(blocks)


def expense_terms(entry: ContractEntry, scope: Scope) -> ExpenseTerms | None:
    """The contract's terms of expenses; None: they are not passed on."""
    written = entry.expenses
    if written is None:
        return None
    return ExpenseTerms(
        accounts=frozenset(written.accounts),
        approval=written.approval,
        markup=written.markup or Decimal(0),
        receipt_from=scope.optional(written.receipt_from, written.where("receipt_from")),
        categories=frozenset(written.categories),
    )


def caps(entry: ContractEntry, scope: Scope) -> tuple[Cap, ...]:
    """All caps of the contract, those of time and of expenses first."""
    made = []
    if entry.time and entry.time.cap:
        made.append(_cap(entry.time.cap, "time", frozenset({"time"}), scope))
    if entry.expenses and entry.expenses.cap:
        made.append(_cap(entry.expenses.cap, "expense", frozenset({"expense"}), scope))
    made += [
        _cap(cap, f"cap-{at}", frozenset({"time", "expense"}), scope) for at, cap in enumerate(entry.caps, start=1)
    ]
    for at, one in enumerate(made):
        if one.id in {other.id for other in made[:at]}:
            scope.mistake(f"two caps are called {one.id!r}", entry.where("caps"), "give each an `id` of its own")
    return tuple(made)


def _cap(entry: CapEntry, name: str, kinds: frozenset[str], scope: Scope) -> Cap:
    if entry.amount is None and entry.hours is None:
        scope.mistake("a cap has neither amount nor hours", entry.origin)
    if entry.currency and entry.currency != scope.currency:
        scope.mistake(
            f"a cap in {entry.currency}, while the contract is in {scope.currency}",
            entry.where("currency"),
            f"write the cap in {scope.currency}",
        )
    return Cap(
        id=entry.id or name,
        amount=scope.optional(entry.amount, entry.where("amount")),
        hours=entry.hours,
        per=entry.per,
        kinds=frozenset(entry.on) if entry.on else kinds,
        purchase_order=entry.purchase_order,
        warning=Decimal(80) if entry.warning is None else entry.warning,
    )
