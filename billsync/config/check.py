"""Names that lead nowhere and ids that stand twice, told with file and line before anything is polled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from billsync.config.contracts import ContractEntry
from billsync.config.load import Config
from billsync.config.problems import Problems, nearest
from billsync.model.contract import Origin
from billsync.reports.causes import CAUSES

Named = tuple[str, Origin]


def check(config: Config, problems: Problems) -> None:
    """Note every unknown client, account, sink and person, and every id that is used twice."""
    entry = config.entry
    sources = {account.name for account in config.sources()}
    sinks = {account.name for account in config.sinks()}
    clients = {client.id for client in entry.clients}
    _twice("client", ((client.id, client.where("id")) for client in entry.clients), problems)
    _twice("contract", ((contract.id, contract.where("id")) for contract in entry.contracts), problems)
    for client in entry.clients:
        _known("sink", ((name, client.where("customers", name)) for name in client.customers), sinks, problems)
        _known("source", ((name, client.where("accounts", name)) for name in client.accounts), sources, problems)
    _check_people(config, sources, problems)
    _check_clients(config, problems)
    for gates in (entry.approvals, *(contract.gates for contract in entry.contracts)):
        for approver in gates.approvers:
            _known("client", ((name, approver.where("clients")) for name in approver.clients), clients, problems)
    for billing in (entry.billing, *(contract.billing for contract in entry.contracts)):
        if billing.sink:
            _known("sink", [(billing.sink, billing.where("sink"))], sinks, problems)
    codes = ((code, entry.where("owners", code)) for code in entry.owners if not code.startswith("hold_"))
    _known("cause or finding", codes, CAUSES, problems)
    for contract in entry.contracts:
        _known("client", _clients_of(contract), clients, problems)
        _known("source", _accounts_of(contract), sources, problems)
        _check_ids(contract, problems)


def _twice(what: str, named: Iterable[Named], problems: Problems) -> None:
    first: dict[str, Origin] = {}
    for name, where in named:
        if name in first:
            problems.add(f"the {what} {name!r} stands twice", where, f"the other one: {first[name]}")
        first.setdefault(name, where)


def _known(what: str, named: Iterable[Named], known: Iterable[str], problems: Problems) -> None:
    words = set(known)
    for name, where in named:
        if name not in words:
            problems.add(f"there is no {what} {name!r}", where, nearest(name, words))


def _clients_of(contract: ContractEntry) -> Iterator[Named]:
    yield contract.client, contract.where("client")
    for payer in contract.payers:
        yield payer.client, payer.where("client")


def _accounts_of(contract: ContractEntry) -> Iterator[Named]:
    for project in ([contract.project] if contract.project else []) + list(contract.projects):
        yield project.account, project.where("account")
    for terms in (contract.time, contract.expenses):
        if terms:
            yield from ((account, terms.where("accounts")) for account in terms.accounts)


def _check_people(config: Config, sources: set[str], problems: Problems) -> None:
    """An id at a source is one person; rates name people that exist, where people are listed at all."""
    people = config.entry.people
    owner: dict[str, str] = {}
    for person, written in people.items():
        _known("source", ((name, written.where("accounts", name)) for name in written.accounts), sources, problems)
        for account, ids in written.accounts.items():
            for there in ids:
                other = owner.setdefault(f"{account}:{there}", person)
                if other != person:
                    problems.add(
                        f"{there!r} at {account!r} is {other!r} and {person!r}",
                        written.where("accounts", account),
                        "an id at a source is one person",
                    )
    if people:
        cards = list(config.entry.rate_cards.values())
        cards += [c.time.rates for c in config.entry.contracts if c.time and c.time.rates]
        for card in cards:
            _known("person", card.persons(), people, problems)


def _check_clients(config: Config, problems: Problems) -> None:
    """A name at a source is one client."""
    owner: dict[tuple[str, str], str] = {}
    for client in config.entry.clients:
        for account, names in client.accounts.items():
            for name in names:
                other = owner.setdefault((account, name), client.id)
                if other != client.id:
                    where = client.where("accounts", account)
                    problems.add(f"{name!r} at {account!r} is {other!r} and {client.id!r}", where, "one of them")


def _check_ids(contract: ContractEntry, problems: Problems) -> None:
    lines = [*contract.schedule, *(line for order in contract.change_orders for line in order.schedule)]
    groups: Mapping[str, Iterable[Named]] = {
        "line": ((line.id, line.where("id")) for line in lines),
        "change order": ((order.id, order.where("id")) for order in contract.change_orders),
        "payer": ((payer.client, payer.where("client")) for payer in contract.payers),
        "project": (
            (f"{project.account}/{project.id}", project.origin)
            for project in ([contract.project] if contract.project else []) + list(contract.projects)
        ),
        "release": (
            (release.id, release.where("id")) for release in (contract.holdback.release if contract.holdback else ())
        ),
        "prepaid block": ((block.id, block.where("id")) for block in (contract.time.prepaid if contract.time else ())),
    }
    for what, named in groups.items():
        _twice(f"{what} of contract {contract.id!r}", named, problems)
    known = {line.id for line in lines}
    for order in contract.change_orders:
        _known(
            f"line in contract {contract.id!r} called",
            ((line, order.where("removes")) for line in order.removes),
            known,
            problems,
        )
