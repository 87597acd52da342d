"""What a change of terms would do to everything that is not billed yet: by contract and identity, old and new value.

Two evaluations of the same night are compared, one under each set of terms. Work that is billed, and is worth the same
under both, is in neither list; work that is billed and would drift is, with the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billsync.model.money import Money, plain
from billsync.model.statement import Evaluation
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, under
from billsync.reports.reconcile import cause_of, identity_of

COLUMNS: Final = ("contract", "identity", "name", "currency", "before", "after", "difference", "was", "will_be")
_OPEN: Final = frozenset({"held", "ready", "in_flight", "capped", "written_off"})
Key = tuple[str, str]
"""Contract and identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One identity that is not billed, or not wholly: minor units (0 where it has no value), and how it stands."""

    name: str
    currency: str
    amount: int
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One identity before and after; None: it is not there, or wholly billed."""

    contract: str
    identity: str
    before: Worth | None
    after: Worth | None

    @property
    def name(self) -> str:
        """What it is called."""
        return next((worth.name for worth in (self.after, self.before) if worth), "")

    @property
    def currency(self) -> str:
        """Of the amounts; "" where it has no value under either."""
        return next((worth.currency for worth in (self.after, self.before) if worth and worth.currency), "")


def effects(before: Evaluation, after: Evaluation) -> tuple[Effect, ...]:
    """What differs, by contract and identity."""
    old, new = dict(_worths(before)), dict(_worths(after))
    return tuple(
        Effect(contract=contract, identity=identity, before=old.get(key), after=new.get(key))
        for key in sorted({*old, *new})
        for contract, identity in [key]
        if old.get(key) != new.get(key)
    )


def _worths(evaluation: Evaluation) -> Iterator[tuple[Key, Worth]]:
    """Open amounts, work that is not earned yet, records without a value."""
    found: dict[Key, Worth] = {}
    for item in evaluation.items:
        if item.bucket not in _OPEN or not (item.amount or item.cause):
            continue
        state = item.bucket if item.bucket in ("ready", "capped") else f"{item.bucket}: {cause_of(item)}"
        _add(found, (item.contract, item.identity), item.name, item.currency, item.amount, state)
    for early in evaluation.not_earned:
        state = f"not earned: {early.cause}"
        _add(found, (early.contract, early.identity), early.name, early.currency, early.amount or 0, state)
    for one in evaluation.not_valued:
        _add(found, (one.contract, identity_of(one.key)), one.name, "", 0, one.cause or one.why)
    yield from found.items()


def _add(found: dict[Key, Worth], key: Key, name: str, currency: str, amount: int, state: str) -> None:
    known = found.get(key)
    states = known.states if known else ()
    found[key] = Worth(
        name=name,
        currency=currency,
        amount=amount + (known.amount if known else 0),
        states=states if state in states else (*states, state),
    )


def row(effect: Effect) -> Mapping[str, Any]:
    """For JSON and CSV: amounts as decimal text in major units, null where there is none."""
    before, after, currency = effect.before, effect.after, effect.currency
    return {
        "contract": effect.contract,
        "identity": effect.identity,
        "name": effect.name,
        "currency": currency or None,
        "before": plain(before.amount, currency) if before and currency else None,
        "after": plain(after.amount, currency) if after and currency else None,
        "difference": plain(_difference(effect), currency) if currency else None,
        "was": ", ".join(before.states) if before else None,
        "will_be": ", ".join(after.states) if after else None,
    }


def _difference(effect: Effect) -> int:
    return (effect.after.amount if effect.after else 0) - (effect.before.amount if effect.before else 0)


def terms_blocks(terms: Iterable[Mapping[str, Any]]) -> Iterator[Block]:
    """The terms that differ: rows with contract, what, term, before, after, origin."""
    rows = tuple(
        (one["contract"], one["term"] or f"the contract is {one['what']}", one["before"], one["after"], one["origin"])
        for one in terms
    )
    if not rows:
        yield Words("No term differs.")
        return
    columns = (column("Contract"), column("Term"), column("Now"), column("Then"), under("Where"))
    yield Table(title="Terms that differ", columns=columns, rows=rows)


def blocks(found: Iterable[Effect]) -> Iterator[Block]:
    """A table of what differs, or a sentence that nothing does."""
    effects = tuple(found)
    if not effects:
        yield Words("Nothing that is not billed yet would change.")
        return
    columns = (
        column("Contract"),
        under("Identity"),
        column("Item"),
        number("Now"),
        number("Then"),
        number("Difference"),
        column("Stands now"),
        column("Stands then"),
    )
    yield Table(title="Not billed yet, and changed by these terms", columns=columns, rows=tuple(map(_cells, effects)))


def _cells(effect: Effect) -> tuple[Cell, ...]:
    currency = effect.currency
    sides: list[Cell] = [
        Money(worth.amount, currency) if worth and currency else None for worth in (effect.before, effect.after)
    ]
    return (
        effect.contract or "no contract",
        effect.identity,
        effect.name,
        *sides,
        Money(_difference(effect), currency) if currency else None,
        _states(effect.before),
        _states(effect.after),
    )


def _states(worth: Worth | None) -> str:
    return ", ".join(worth.states).replace("_", " ") if worth else ""
