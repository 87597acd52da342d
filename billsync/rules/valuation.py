"""What approved work is worth: hours x rate x multiplier x (1 - discount), rounded once an entry.

Included and prepaid hours are worth 0. A block of prepaid money is drawn by the rounded value. Expenses are
amount x exchange rate x (1 + mark-up), rounded once. What has no rate has no value: `earned` is None, with the cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from billsync.model.book import ExchangeRate
from billsync.model.contract import Contract, Origin, Prepaid, RateCard, TimeTerms
from billsync.model.money import to_minor
from billsync.model.work import Expense
from billsync.rules import because
from billsync.rules.hours import Charged, Slice, TimeWork, by_expiry, charge
from billsync.rules.rates import FoundRate, RateTable

_EXACT: Final = Context(prec=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """The value of one identity in minor units of the contract's currency, before caps and holdback.

    `earned` None: unrated, see `cause` ("no_rate", "no_fx_rate"). `hours` are the billable hours, `priced_hours` those
    that cost money; `unit_price` is the price of each of them in major units (None where they differ, or part is
    prepaid money). `rate` is the price of an hour without multiplier, `drawn` what a block of money paid (minor).
    """

    earned: int | None
    hours: Decimal | None = None
    unit_price: Decimal | None = None
    because: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ()
    cause: str = ""
    rate: Decimal | None = None
    drawn: int = 0

    @property
    def priced_hours(self) -> Decimal:
        """Hours that are neither included nor prepaid."""
        return sum((part.hours for part in self.slices if part.source == "rate"), Decimal(0))


def value_time(
    contract: Contract, work: Sequence[TimeWork], *, source_rates: Mapping[str, Decimal]
) -> dict[str, Valued]:
    """Value time entries of one contract, given in the order of their places; by identity.

    `source_rates`: the rates the source carries, by identity, in the contract's currency; used where no card matches
    and the contract allows it.
    Unrated work takes no included hours and no overtime: it is not earned yet.
    """
    time = _usable(contract)
    table = RateTable(time)
    rates = {entry.identity: _rate_of(time, table, entry, source_rates) for entry in work}
    charged = charge(time, [entry for entry in work if rates[entry.identity]])
    blocks = [
        _Block(terms=block, left=block.amount)
        for block in by_expiry(time.prepaid)
        if block.amount is not None and block.hours is None
    ]
    valued = {}
    for entry in work:
        rate = rates[entry.identity]
        if rate is None:
            why = f"no rate for {entry.person} on {entry.project} on {entry.on}"
            valued[entry.identity] = Valued(earned=None, hours=entry.hours, because=(why,), cause="no_rate")
        else:
            open_blocks = [block for block in blocks if block.open(entry.on)]
            valued[entry.identity] = _price(contract, time.discount, rate, charged[entry.identity], open_blocks)
    return valued


@dataclass(slots=True, kw_only=True)
class _Block:
    """A block of prepaid money and what is left of it, in minor units."""

    terms: Prepaid
    left: int

    def open(self, on: date) -> bool:
        return (self.terms.since or date.min) <= on <= (self.terms.expires or date.max)


def _usable(contract: Contract) -> TimeTerms:
    """The terms of time, without cards in another currency; included hours begin with the contract unless told."""
    time = contract.time or TimeTerms()
    included = time.included and replace(time.included, since=time.included.since or contract.starts_on)
    cards: dict[str, RateCard | None] = {
        name: card if card and card.currency == contract.currency else None
        for name, card in (("rates", time.rates), ("card", time.card))
    }
    return replace(time, included=included, rates=cards["rates"], card=cards["card"])


def _rate_of(
    time: TimeTerms, table: RateTable, entry: TimeWork, source_rates: Mapping[str, Decimal]
) -> FoundRate | None:
    found = table.find(person=entry.person, project=entry.project, role=entry.role, task=entry.task, on=entry.on)
    if found or not time.source_rates or entry.identity not in source_rates:
        return found
    amount = source_rates[entry.identity]
    return FoundRate(
        amount=amount, because=f"rate {because.decimals(amount)} of the source's own entry", origin=Origin()
    )


def price_of(slices: Sequence[Slice], rate: Decimal) -> Fraction:
    """Exact price in major units of the slices that are paid at the rate."""
    return sum(
        (Fraction(part.hours) * Fraction(part.multiplier) * Fraction(rate) for part in slices if part.source == "rate"),
        Fraction(0),
    )


def _price(
    contract: Contract, discount: Decimal, rate: FoundRate, charged: Charged, blocks: Sequence[_Block]
) -> Valued:
    net_rate = _EXACT.multiply(rate.amount, (100 - discount).scaleb(-2, _EXACT))
    price = to_minor(price_of(charged.slices, net_rate), contract.currency, contract.rounding)
    drawn, why_drawn = _draw(blocks, price, contract.currency)
    multipliers = {part.multiplier for part in charged.slices if part.source == "rate"}
    one_price = len(multipliers) == 1 and not drawn
    why_price = _sum_sentence(contract, rate, charged, discount, price)
    return Valued(
        earned=price - drawn,
        hours=charged.billable_hours,
        unit_price=_EXACT.multiply(net_rate, multipliers.pop()) if one_price else None,
        because=(rate.because, *charged.because, why_price, *why_drawn),
        slices=charged.slices,
        rate=net_rate,
        drawn=drawn,
    )


def _draw(blocks: Sequence[_Block], price: int, currency: str) -> tuple[int, list[str]]:
    """Minor units that blocks of money pay of a price, and why."""
    rest, why = price, []
    for block in blocks:
        took = min(rest, block.left)
        if took > 0:
            block.left -= took
            rest -= took
            paid, left = (because.amount(minor, currency) for minor in (took, block.left))
            why.append(f"{paid} of prepaid block {block.terms.id} ({left} left)")
    return price - rest, why


def _sum_sentence(contract: Contract, rate: FoundRate, charged: Charged, discount: Decimal, price: int) -> str:
    terms = [
        f"{because.hours(part.hours)} x {because.decimals(rate.amount)}"
        + (f" x {because.decimals(part.multiplier, 1)}" if part.multiplier != 1 else "")
        for part in charged.slices
        if part.source == "rate"
    ]
    less = f", less {because.percent(discount)} discount" if discount and terms else ""
    return f"{' + '.join(terms) or 'no hours to price'}{less} = {because.amount(price, contract.currency)}"


def value_expense(contract: Contract, expense: Expense, rate: ExchangeRate | None) -> Valued:
    """Value an expense; `rate` is asked only where it was spent in another currency than the contract's.

    ValueError for an exchange rate of other currencies: that would be a wrong amount, not a missing one."""
    markup = contract.expenses.markup if contract.expenses else Decimal(0)
    exact = Fraction(expense.amount) * (1 + Fraction(markup) / 100)
    if expense.currency != contract.currency:
        if rate is None:
            why = f"no exchange rate {expense.currency} to {contract.currency} on {expense.spent_on} or before"
            return Valued(earned=None, because=(why,), cause="no_fx_rate")
        if (rate.currency, rate.into) != (expense.currency, contract.currency):
            raise ValueError(
                f"{rate.currency} to {rate.into} does not turn {expense.currency} into {contract.currency}"
            )
        exact *= Fraction(rate.rate)
    else:
        rate = None
    earned = to_minor(exact, contract.currency, contract.rounding)
    return Valued(earned=earned, because=tuple(_expense_sentences(contract, expense, rate, markup, earned)))


def _expense_sentences(
    contract: Contract, expense: Expense, rate: ExchangeRate | None, markup: Decimal, earned: int
) -> Iterator[str]:
    yield f"spent {because.decimals(expense.amount)} {expense.currency} on {expense.spent_on}"
    if rate:
        yield f"1 {rate.currency} = {because.decimals(rate.rate, 0)} {rate.into} on {rate.on} ({rate.source})"
    if markup:
        yield f"mark-up {because.percent(markup)}"
    yield f"= {because.amount(earned, contract.currency)}"


def exchange_rate(rates: Sequence[ExchangeRate], currency: str, into: str, on: date) -> ExchangeRate | None:
    """The rate stored for the date, else the last one before it; of two for one date, the one stored first."""
    known = [rate for rate in rates if (rate.currency, rate.into) == (currency, into) and rate.on <= on]
    return max(known, key=lambda rate: rate.on, default=None)
