"""Contracts whose terms come from a source: from what is written to the model's, and what cannot be true of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from billsync.config.contracts import ContractEntry
from billsync.config.lines import Scope
from billsync.config.load import Config
from billsync.config.problems import Problems, nearest
from billsync.model.contract import Origin
from billsync.model.sourced import TermsFrom, TermsSource
from billsync.model.work import Kind


def scope_of(entry: ContractEntry, config: Config, problems: Problems) -> Scope:
    """The contract that is being resolved."""
    currency = entry.currency or config.firm.currency
    return Scope(contract=entry.id, currency=currency, problems=problems, sourced=bool(entry.terms_from))


def terms_from(entry: ContractEntry, config: Config) -> TermsFrom | None:
    """Where its terms come from, and where the configuration speaks of the same; None: from nowhere else."""
    if not entry.terms_from:
        return None
    accounts = {written.account for written in entry.terms_from}
    client = next((one for one in config.entry.clients if one.id == entry.client), None)
    called = {name: words[0] for name, words in client.accounts.items() if len(words) == 1} if client else {}
    return TermsFrom(
        sources=tuple(
            TermsSource(
                account=written.account,
                contract=written.contract,
                projects=written.projects or "",
                lines=written.lines,
                origin=written.origin,
            )
            for written in entry.terms_from
        ),
        pending=frozenset(order.id for order in entry.change_orders if order.signed == "pending"),
        client={name: there for name, there in called.items() if name in accounts},
        places={term: entry.where(term) for term in ("value", "currency", "signed")},
    )


def check_sources(config: Config, offered: Mapping[str, frozenset[Kind]], problems: Problems) -> None:
    """Note accounts that do not exist or hold no contracts, and contracts that two would bill."""
    sources = {account.name: account for account in config.sources()}
    for what, account, where in _named(config):
        if account not in sources:
            problems.add(f"{what}: there is no source {account!r}", where, nearest(account, sources))
            continue
        kinds = sources[account].kinds or offered.get(account, frozenset({"contract"}))
        if "contract" not in kinds:
            problems.add(
                f"{what}: {account!r} offers no contracts",
                where,
                f"it is asked for {', '.join(sorted(kinds))}; `billsync plugins show {sources[account].kind}`",
            )
    _check_twice(config, problems)
    _check_projects(config, sources, problems)


def _named(config: Config) -> Iterator[tuple[str, str, Origin]]:
    for contract in config.entry.contracts:
        for written in contract.terms_from:
            yield f"contract {contract.id!r}: from", written.account, written.where("account")
    firm = config.entry.contracts_from
    if firm is not None:
        yield "contracts_from", firm.account, firm.where("account")


def _check_twice(config: Config, problems: Problems) -> None:
    """One record at a source is one contract, else its lines would be billed twice."""
    first: dict[tuple[str, str], Origin] = {}
    for contract in config.entry.contracts:
        for written in contract.terms_from:
            key = (written.account, written.contract)
            if key in first:
                problems.add(
                    f"contract {contract.id!r}: {written.account}/{written.contract} is taken twice",
                    written.origin,
                    f"the other one: {first[key]}",
                )
            first.setdefault(key, written.origin)


def _check_projects(config: Config, sources: Mapping[str, object], problems: Problems) -> None:
    for written in [*(one for contract in config.entry.contracts for one in contract.terms_from)]:
        if written.projects and written.projects not in sources:
            where = written.where("projects")
            problems.add(f"there is no source {written.projects!r}", where, nearest(written.projects, sources))
    firm = config.entry.contracts_from
    if firm is not None and firm.projects and firm.projects not in sources:
        problems.add(f"there is no source {firm.projects!r}", firm.where("projects"), nearest(firm.projects, sources))
    if firm is not None and not any(firm.account in client.accounts for client in config.entry.clients):
        problems.add(
            f"contracts_from: no client is known at {firm.account!r}",
            firm.where("account"),
            f"name them: clients: ID: accounts: {{{firm.account}: NAME THERE}}",
        )
