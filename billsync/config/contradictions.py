"""Terms that contradict each other, told with file and line before anything is polled.

A schedule that does not sum to its contract's value, rates that overlap, terms in another currency, dates that run
backwards, approvals that nobody may give, two contracts that take the same work of one project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations

from billsync.config.contracts import ContractEntry
from billsync.config.gates import BillingEntry, GatesEntry, winner
from billsync.config.lines import Scope
from billsync.config.load import Config
from billsync.config.problems import Problems
from billsync.config.shared import kinds_taken
from billsync.config.sums import check_sums
from billsync.model.contract import Contract, Origin, RateCard
from billsync.model.ratecard import LEVELS, named, overlapping, share_a_day


def contradictions(
    config: Config, contracts: Sequence[Contract], cards: Mapping[str, RateCard], problems: Problems
) -> None:
    """Note everything in the terms that cannot be true together."""
    for name, card in cards.items():
        _check_card(card, config.entry.rate_cards[name].origin, problems)
    _check_gates(config.entry.approvals, problems)
    for contract, entry in zip(contracts, config.entry.contracts, strict=True):
        scope = Scope(contract=contract.id, currency=contract.currency, problems=problems)
        _check_work(contract, entry, scope)
        check_sums(contract, entry, scope)
        _check_time(contract, entry, scope)
        _check_dates(contract, entry, config.entry.billing, scope)
        _check_approvers(contract, entry, config.entry.approvals, scope)
        _check_gates(entry.gates, problems)
        if contract.time and contract.time.rates and entry.time and entry.time.rates:
            _check_card(contract.time.rates, entry.time.rates.origin, problems)
    _check_shared(contracts, config.entry.contracts, problems)


def _check_work(contract: Contract, entry: ContractEntry, scope: Scope) -> None:
    """Work must come from somewhere, and from projects that the contract names."""
    lines = (*contract.lines, *(line for change in contract.change_orders for line in change.lines))
    needs = any(line.trigger.kind in ("milestone", "progress", "threshold") for line in lines)
    told = contract.terms_from is not None  # the source may name the project, and bring the lines
    if not contract.projects and not told and (needs or entry.time or entry.expenses or not lines):
        scope.mistake("it names no project", entry.origin, "write `project: ACCOUNT/ID`")
    accounts = {project.account for project in contract.projects}
    for terms, key in ((entry.time, "time"), (entry.expenses, "expenses")):
        for account in terms.accounts if terms else ():
            if terms and account not in accounts:
                scope.mistake(
                    f"{key} comes from {account!r}, where it has no project",
                    terms.where("accounts"),
                    f"add the project at {account!r} to `projects`",
                )
    written = [*entry.schedule, *(line for order in entry.change_orders for line in order.schedule)]
    for one in written:
        if one.milestone and one.milestone.account and one.milestone.account not in accounts:
            scope.mistake(
                f"line {one.id!r} waits for a milestone at {one.milestone.account!r}, where it has no project",
                one.milestone.where("account"),
                "name one of the contract's own accounts",
            )


def _check_time(contract: Contract, entry: ContractEntry, scope: Scope) -> None:
    """Rates in the contract's currency (that there is one at all is seen when the terms are resolved)."""
    time = contract.time
    if time is None:
        return
    where = entry.time.origin if entry.time else entry.origin
    if time.card and time.card.currency != contract.currency:
        scope.mistake(
            f"rate card {time.card.id!r} is in {time.card.currency}, the contract in {contract.currency}",
            entry.time.where("rate_card") if entry.time else where,
            f"name a card in {contract.currency}, or write `time: false`",
        )
    if time.rates and time.rates.currency != contract.currency:
        rates = entry.time.rates if entry.time else None
        scope.mistake(
            f"its rates are in {time.rates.currency}, the contract in {contract.currency}",
            rates.where("currency") if rates else where,
            f"write them in {contract.currency}",
        )


def _check_dates(contract: Contract, entry: ContractEntry, firm: BillingEntry, scope: Scope) -> None:
    if entry.starts and entry.ends and entry.ends < entry.starts:
        scope.mistake("it ends before it starts", entry.where("ends"), f"it starts on {entry.starts}")
    for order in entry.change_orders:
        if isinstance(order.signed, date) and isinstance(entry.signed, date) and order.signed < entry.signed:
            scope.mistake(
                f"change order {order.id!r} is signed before the contract",
                order.where("signed"),
                f"the contract is signed on {entry.signed}",
            )
    if contract.billing.period == "weekly" and contract.billing.day > 7:
        where = winner(entry.billing, firm, "day").where("day")
        scope.mistake("a week has no day above 7", where, "1 is Monday, 7 is Sunday")


def _check_card(card: RateCard, where: Origin, problems: Problems) -> None:
    """No two rates for the same person, project, role, task and day."""
    if not card.rates:
        problems.add(f"rate card {card.id!r} has no rates", where, "as in `rates: {default: 180}`")
    known = [set(names) for names in LEVELS]
    for rate in card.rates:
        has = named(rate).keys()
        if has not in known:
            problems.add(
                f"rate card {card.id!r}: a rate names {' and '.join(sorted(has))}",
                rate.origin,
                "known: person and project, person, role and project, role, task, project, or none of them",
            )
        if rate.since and rate.until and rate.until < rate.since:
            problems.add(f"rate card {card.id!r}: a rate ends before it begins", rate.origin, f"since {rate.since}")
    for one, other in overlapping(card):
        problems.add(
            f"rate card {card.id!r}: two rates for the same work on the same days",
            other.origin,
            f"the other one: {one.origin}; give them `since` and `until` (both inclusive)",
        )


def _check_gates(gates: GatesEntry, problems: Problems) -> None:
    names = [approver.person for approver in gates.approvers]
    for at, approver in enumerate(gates.approvers):
        if approver.person in names[:at]:
            problems.add(f"the approver {approver.person!r} stands twice", approver.where("person"))


def _check_approvers(contract: Contract, entry: ContractEntry, firm: GatesEntry, scope: Scope) -> None:
    """Where approvals are demanded, as many persons as demanded may give them for this client."""
    gates = contract.gates
    clients = {contract.client, *(payer.client for payer in contract.payers)}
    able = {approver.person for approver in gates.approvers if not approver.clients or clients <= approver.clients}
    written = winner(entry.gates, firm, "release_threshold")
    if gates.release_threshold is not None and len(able) < gates.approvals:
        scope.mistake(
            f"{gates.approvals} must approve its drafts, but {len(able) or 'nobody'} may",
            written.where("release_threshold"),
            "name them under `approvers`",
        )
    if gates.release_threshold is None and gates.approvals > 1:
        scope.mistake(
            f"`approvals: {gates.approvals}` means nothing without a `release_threshold`",
            winner(entry.gates, firm, "approvals").where("approvals"),
            "`release_threshold: 0` asks for it on every draft",
        )


def _check_shared(contracts: Sequence[Contract], entries: Sequence[ContractEntry], problems: Problems) -> None:
    """One project may feed one kind of record to one contract at a time."""
    taken: dict[tuple[str, str, str], list[int]] = {}
    for at, contract in enumerate(contracts):
        for key in {(p.account, p.id, kind) for p in contract.projects for kind in kinds_taken(contract, p)}:
            taken.setdefault(key, []).append(at)
    for (account, name, kind), takers in sorted(taken.items()):
        if kind == "project":
            continue
        for one, other in combinations(takers, 2):
            first, second = contracts[one], contracts[other]
            if share_a_day((first.starts_on, first.ends_on), (second.starts_on, second.ends_on)):
                problems.add(
                    f"project {account}/{name} feeds {kind} to {first.id!r} and to {second.id!r}",
                    entries[other].where("projects" if entries[other].projects else "project"),
                    f"the other one: {first.origin}; say with `feeds` who takes what, or give them `starts` and `ends`",
                )
