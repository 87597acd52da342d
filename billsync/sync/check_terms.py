"""What sources tell of the contracts that rest on them, for `billsync check`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from billsync.model.contract import Contract, Origin
from billsync.model.errors import LedgerError
from billsync.model.work import ChangeOrder, ContractTerms, Observation, SourceKey
from billsync.sync.firm import Firm

if TYPE_CHECKING:
    from billsync.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTerms:
    """One record behind a contract: what it says, as it says it, since when the firm's ledger knows it so.

    `since`: None where the ledger has not seen this version · `wrong`: what a person should look at
    """

    contract: str
    source: SourceKey
    amount: str = ""
    """`USD 110000`: as told."""
    signed_on: date | None = None
    lines: int = 0
    since: datetime | None = None
    wrong: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)


def told_terms(firm: Firm, ledger: Ledger) -> list[ToldTerms]:
    """Every record that contracts rest on, as `ledger` has just seen it."""
    terms = ledger.with_told(firm.terms)
    seen = {one.key: one for one in ledger.told(terms)}
    known = _known_since(firm)
    contracts = [contract for contract in terms.contracts.values() if contract.terms_from]
    return [row for contract in contracts for row in _rows(contract, seen, known)]


def _known_since(firm: Firm) -> dict[tuple[SourceKey, str], datetime]:
    """When the firm's own ledger first saw each version; nothing before the first night, or where it is to be migrated
    first: that is no question of the accounts."""
    if not firm.config.ledger_path.exists():
        return {}
    with suppress(LedgerError), firm.ledger(read_only=True) as ledger:
        return {(one.key, one.version): one.first_seen for one in ledger.told(firm.terms)}
    return {}


def _rows(
    contract: Contract, seen: dict[SourceKey, Observation], known: dict[tuple[SourceKey, str], datetime]
) -> Iterator[ToldTerms]:
    troubles = contract.told.troubles if contract.told else ()
    said = tuple(f"{one.text} ({one.where})" if one.where.file else one.text for one in troubles)
    for source in contract.terms_from.sources if contract.terms_from else ():
        yield _row(contract, source.key, source.origin, seen.get(source.key), known, said)
        said = ()
        orders = (
            one
            for one in seen.values()
            if isinstance(one.record, ChangeOrder)
            and (one.key.account, one.record.contract) == (source.account, source.contract)
        )
        for one in sorted(orders, key=lambda one: one.key.id):
            yield _row(contract, one.key, source.origin, one, known, ())


def _row(
    contract: Contract,
    key: SourceKey,
    origin: Origin,
    seen: Observation | None,
    known: dict[tuple[SourceKey, str], datetime],
    wrong: tuple[str, ...],
) -> ToldTerms:
    record = seen.record if seen else None
    if seen is None or not isinstance(record, ContractTerms | ChangeOrder):
        return ToldTerms(contract=contract.id, source=key, origin=origin, wrong=wrong)
    return ToldTerms(
        contract=contract.id,
        source=key,
        amount=f"{record.currency} {record.value:f}",
        signed_on=record.signed_on,
        lines=len(record.lines),
        since=known.get((key, seen.version)),
        wrong=wrong,
        origin=origin,
    )
