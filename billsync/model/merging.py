"""One contract of what is written and what its sources told. Pure: the same records give the same terms.

What is written stands; of several sources the first stands. Where a later one says otherwise, that is told with both
figures and what depends on it waits. What nobody states is taken from nowhere: an amount in another currency, a record
that is not there, lines beside a schedule that is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from billsync.model.book import Terms
from billsync.model.contract import Contract
from billsync.model.merge import Merge, stable
from billsync.model.sourced import TermsTold
from billsync.model.work import ChangeOrder, ContractTerms, Observation, SourceKey


def merged(terms: Terms, seen: Iterable[Observation]) -> Terms:
    """The terms with what `seen` (newest versions of contracts and change orders) tells; twice is the same as once."""
    if not terms.written and terms.contracts_from is None:
        return terms
    records = {one.key: one for one in seen}
    contracts = {name: one for name, one in terms.contracts.items() if not (one.told and one.told.created)}
    contracts |= {name: _merge(written, records) for name, written in terms.written.items()}
    for name, one in _created(terms, contracts, records):
        contracts[name] = one
    return replace(terms, contracts=contracts)


def accounts_of(terms: Terms) -> frozenset[str]:
    """The accounts whose contracts and change orders these terms rest on."""
    named = {source.account for one in terms.written.values() if one.terms_from for source in one.terms_from.sources}
    return frozenset(named | ({terms.contracts_from.account} if terms.contracts_from else set()))


def _created(
    terms: Terms, contracts: Mapping[str, Contract], records: Mapping[SourceKey, Observation]
) -> Iterable[tuple[str, Contract]]:
    """A contract for each record of a mapped client that no written contract takes its terms from."""
    firm = terms.contracts_from
    if firm is None:
        return
    taken = {source.key for one in contracts.values() if one.terms_from for source in one.terms_from.sources}
    for key in sorted(records, key=str):
        record = records[key].record
        if key.account != firm.account or not isinstance(record, ContractTerms) or key in taken:
            continue
        model, name = firm.clients.get(record.client), f"{key.account}:{stable(key.id)}"
        if model is None or model.terms_from is None or name in contracts:
            continue
        sources = tuple(replace(source, contract=key.id) for source in model.terms_from.sources)
        made = replace(
            model,
            id=name,
            name=record.custom.get("name", ""),
            terms_from=replace(model.terms_from, sources=sources),
            told=TermsTold(created=True),
        )
        yield name, _merge(made, records)


def _merge(written: Contract, records: Mapping[SourceKey, Observation]) -> Contract:
    if written.terms_from is None:
        return written
    merge = Merge(written, written.terms_from)
    for source in written.terms_from.sources:
        seen = records.get(source.key)
        if seen is None or not isinstance(seen.record, ContractTerms):
            merge.trouble("contract_not_told", f"{source.key} was never shown", "all")
            continue
        orders = [
            one
            for one in records.values()
            if one.key.account == source.account
            and isinstance(one.record, ChangeOrder)
            and one.record.contract == source.contract
        ]
        merge.take(source, seen, seen.record)
        merge.orders(source, orders)
    return merge.made()
