"""History re-rated: as billed, and as it would have been billed under other terms, by contract or by identity.

Amounts are minor units before holdback, less what was credited. Work that a gate of its own stops under the other terms
counts only where it was billed in fact: nobody would have billed it earlier for another rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from billsync.model.money import Money, plain
from billsync.model.statement import Evaluation, Item
from billsync.reports.blocks import Block, Table, Words, column, number

COLUMNS: Final = ("contract", "identity", "name", "currency", "billed", "would_be", "difference")
_POSTED: Final[Mapping[str, int]] = {"billed": 1, "withheld": 1, "credited": -1}
_OF_THE_DOCUMENT: Final = frozenset({"needs_approval", "preview", "period_closed"})
"""Gates of a document as a whole: they delay an invoice and do not decide what its work is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerated:
    """One contract, or one identity of it (else "")."""

    contract: str
    currency: str
    billed: int
    would_be: int
    identity: str = ""
    name: str = ""


def rerated(then: Evaluation, anew: Evaluation, *, since: date) -> tuple[Rerated, ...]:
    """By identity: work done on `since` or later. `anew`: the same history unbilled, under the other terms."""
    rows: dict[tuple[str, str, str], Rerated] = {}
    for item in then.items:
        if _counts(item, since) and item.bucket in _POSTED:
            _add(rows, item, billed=_POSTED[item.bucket] * item.amount)
    billed = {identity for _, identity, _ in rows}
    for item in anew.items:
        if _counts(item, since) and _would_be_billed(item, billed):
            _add(rows, item, would_be=item.amount)
    return tuple(rows[key] for key in sorted(rows) if rows[key].billed or rows[key].would_be)


def by_contract(rows: Iterable[Rerated]) -> tuple[Rerated, ...]:
    """The sums of each contract and currency."""
    sums: dict[tuple[str, str], Rerated] = {}
    for one in rows:
        known = sums.get((one.contract, one.currency))
        sums[one.contract, one.currency] = Rerated(
            contract=one.contract,
            currency=one.currency,
            billed=one.billed + (known.billed if known else 0),
            would_be=one.would_be + (known.would_be if known else 0),
        )
    return tuple(sums[key] for key in sorted(sums))


def _counts(item: Item, since: date) -> bool:
    return item.done_on is not None and item.done_on >= since


def _would_be_billed(item: Item, billed: set[str]) -> bool:
    gate = item.bucket == "held" and (item.identity in billed or item.cause in _OF_THE_DOCUMENT)
    return item.bucket in ("ready", "billed") or gate


def _add(rows: dict[tuple[str, str, str], Rerated], item: Item, *, billed: int = 0, would_be: int = 0) -> None:
    key = (item.contract, item.identity, item.currency)
    known = rows.get(key)
    rows[key] = Rerated(
        contract=item.contract,
        currency=item.currency,
        billed=billed + (known.billed if known else 0),
        would_be=would_be + (known.would_be if known else 0),
        identity=item.identity,
        name=item.name,
    )


def row(one: Rerated) -> Mapping[str, Any]:
    """For JSON and CSV: amounts as decimal text in major units."""
    return {
        "contract": one.contract,
        "identity": one.identity or None,
        "name": one.name or None,
        "currency": one.currency,
        "billed": plain(one.billed, one.currency),
        "would_be": plain(one.would_be, one.currency),
        "difference": plain(one.would_be - one.billed, one.currency),
    }


def blocks(rows: Iterable[Rerated], *, since: date) -> Iterator[Block]:
    """The table; nothing is written anywhere by showing it."""
    shown = tuple(rows)
    if not shown:
        yield Words(f"No work since {since} was billed, nor would be.")
        return
    each = any(one.identity for one in shown)
    names = (column("Item"), column("Identity")) if each else ()
    columns = (column("Contract"), *names, number("As billed"), number("As it would be"), number("Difference"))
    cells = tuple(
        (
            one.contract,
            *((one.name, one.identity) if each else ()),
            Money(one.billed, one.currency),
            Money(one.would_be, one.currency),
            Money(one.would_be - one.billed, one.currency),
        )
        for one in shown
    )
    yield Table(
        title=f"Work since {since}, before holdback",
        columns=columns,
        rows=cells,
        note="Nothing was changed: these are the same records under other terms.",
    )
