"""From the configuration to the terms that the rules read, with everything checked that can be without polling.

Amounts become minor units, defaults are filled in, and each term keeps its file and line. Whatever contradicts itself
is told at once, before anything is polled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from billsync.config.check import check
from billsync.config.contracts import ContractEntry, HoldbackEntry, MilestonesEntry
from billsync.config.contradictions import contradictions
from billsync.config.exchange import exchange_rates
from billsync.config.gates import BillingEntry, GatesEntry, winner
from billsync.config.lines import Scope, change, condition, release, schedule
from billsync.config.load import Config
from billsync.config.problems import Problems
from billsync.config.rating import caps, card, expense_terms, time_terms
from billsync.config.schema import ClientEntry, ConfigEntry
from billsync.config.shared import with_feeds
from billsync.config.sourced import check_sources, scope_of, terms_from
from billsync.model.book import AccountTerms, ContractsFrom, Terms
from billsync.model.contract import (
    Approver,
    Billing,
    Client,
    Contract,
    Gates,
    Holdback,
    MilestoneTerms,
    Origin,
    Payer,
    ProjectRef,
    RateCard,
    Signature,
)
from billsync.model.sourced import TermsFrom, TermsSource
from billsync.model.work import Kind


def resolve(config: Config, *, offered: Mapping[str, frozenset[Kind]] | None = None) -> Terms:
    """The terms of the firm. UsageError with file and line of everything that contradicts itself.

    `offered`: account -> kinds of record that its connector offers, for the accounts that name none themselves.
    """
    problems = Problems()
    entry = config.entry
    check(config, problems)
    cards = {name: card(name, written, entry.firm.currency) for name, written in entry.rate_cards.items()}
    contracts = [contract(written, config, cards, problems) for written in entry.contracts]
    contradictions(config, contracts, cards, problems)
    rates = exchange_rates(config, problems)
    offers = offered or {}
    check_sources(config, offers, problems)
    firm_source = contracts_from(config, problems)
    problems.raise_any()
    made_contracts = with_feeds(contracts)
    return Terms(
        zone=entry.firm.zone,
        contracts={made.id: made for made in made_contracts},
        clients={written.id: client(written) for written in entry.clients},
        sources={
            account.name: AccountTerms(
                kinds=frozenset(account.kinds or offers.get(account.name, frozenset())),
                stale_after_hours=account.stale_after_hours,
            )
            for account in config.sources()
        },
        sinks={account.name: account.push for account in config.sinks()},
        persons=dict(persons(entry)),
        owners=dict(entry.owners),
        exchange_rates=rates,
        written={made.id: made for made in made_contracts if made.terms_from},
        contracts_from=firm_source,
    )


def contracts_from(config: Config, problems: Problems) -> ContractsFrom | None:
    """For each client that the account knows by a name: the contract that one of its contracts makes. It bills what is
    told and nothing else: no time, no expenses, no milestones beside the lines."""
    written = config.entry.contracts_from
    if written is None:
        return None
    models = {}
    for known in config.entry.clients:
        for there in known.accounts.get(written.account, ()):
            made = ContractEntry.model_validate(
                {"id": known.id, "client": known.id, "time": False, "expenses": False, "milestones": False}
            )
            model = contract(made, config, {}, problems)
            source = TermsSource(
                account=written.account,
                contract="",
                projects=written.projects or "",
                lines=written.lines,
                origin=written.origin,
            )
            models[there] = replace(
                model, origin=written.origin, terms_from=TermsFrom(sources=(source,)), currency=config.firm.currency
            )
    return ContractsFrom(account=written.account, clients=models)


def client(entry: ClientEntry) -> Client:
    """Who is billed."""
    return Client(
        id=entry.id,
        name=entry.name,
        customers=dict(entry.customers),
        email=entry.email,
        address=entry.address,
        tax_number=entry.tax_number,
        requires_purchase_order=entry.requires_purchase_order,
        origin=entry.origin,
    )


def persons(entry: ConfigEntry) -> Iterator[tuple[str, str]]:
    """`account:person` -> the firm's own id of the person."""
    for person, written in entry.people.items():
        for account, ids in written.accounts.items():
            for there in ids:
                yield f"{account}:{there}", person


def contract(entry: ContractEntry, config: Config, cards: Mapping[str, RateCard], problems: Problems) -> Contract:
    """One contract with its defaults filled in."""
    scope = scope_of(entry, config, problems)
    opening = entry.opening or config.entry.opening
    return Contract(
        id=entry.id,
        client=entry.client,
        currency=scope.currency,
        name=entry.name or "",
        projects=projects(entry),
        value=scope.optional(entry.value, entry.where("value")),
        signature=signature(entry),
        starts_on=entry.starts,
        ends_on=entry.ends,
        purchase_order=entry.purchase_order,
        references=dict(entry.references),
        lines=schedule(entry, scope),
        milestones=milestones(entry),
        change_orders=tuple(change(order, scope) for order in entry.change_orders),
        time=time_terms(entry, cards, scope),
        expenses=expense_terms(entry, scope),
        caps=caps(entry, scope),
        holdback=holdback(entry.holdback, scope) if entry.holdback else None,
        payers=tuple(Payer(client=payer.client, share=payer.share) for payer in entry.payers),
        gates=gates(entry.gates, config.entry.approvals, config.firm.currency, scope),
        billing=billing(entry.billing, config),
        rounding=entry.rounding,
        after_billing=entry.after_billing,
        opening_before=opening.before if opening else None,
        opening_items=frozenset(opening.items if opening else ()),
        terms_from=terms_from(entry, config),
        origin=entry.origin,
    )


def projects(entry: ContractEntry) -> tuple[ProjectRef, ...]:
    """The projects of the contract, `project` first."""
    written = ([entry.project] if entry.project else []) + list(entry.projects)
    return tuple(ProjectRef(account=p.account, id=p.id, feeds=frozenset(p.feeds)) for p in written)


def signature(entry: ContractEntry) -> Signature:
    """Not written: signatures are not tracked, so nothing waits for one."""
    if entry.signed is None:
        return Signature()
    return Signature(required=True, on=entry.signed if entry.signed != "pending" else None)


def milestones(entry: ContractEntry) -> MilestoneTerms | None:
    """Milestones outside the schedule: as written; by default where there is no schedule at all."""
    written = entry.milestones
    if written is None:
        if entry.off("milestones") or entry.schedule or entry.terms_from:
            return None
        written = MilestonesEntry()
    return MilestoneTerms(complete=condition(written.complete), requires=frozenset(written.requires))


def holdback(entry: HoldbackEntry, scope: Scope) -> Holdback:
    """Retainage and what releases it."""
    return Holdback(
        percent=entry.percent,
        kinds=frozenset(entry.on),
        releases=tuple(release(written, scope) for written in entry.release),
    )


def gates(own: GatesEntry, firm: GatesEntry, firm_currency: str, scope: Scope) -> Gates:
    """The contract's gates, over the firm's key by key."""

    def chosen(key: str) -> GatesEntry:
        return winner(own, firm, key)

    def amount(by_currency: Mapping[str, Decimal] | None, where: Origin, plain: str) -> int | None:
        if by_currency is None:
            return None
        amounts = {(currency or plain): value for currency, value in by_currency.items()}
        if scope.currency not in amounts:
            scope.mistake(
                f"approvals know no amount in {scope.currency}",
                where,
                f"write it by currency: {{{', '.join(f'{c}: ...' for c in sorted({*amounts, scope.currency}))}}}",
            )
            return None
        return scope.minor(amounts[scope.currency], where)

    threshold, approvers = chosen("release_threshold"), chosen("approvers")
    return Gates(
        purchase_order=chosen("purchase_order").purchase_order,
        references=chosen("references").references,
        release_threshold=amount(
            threshold.release_threshold,
            threshold.where("release_threshold"),
            scope.currency if threshold is own else firm_currency,
        ),
        approvals=chosen("approvals").approvals,
        approvers=tuple(
            Approver(
                person=approver.person,
                role=approver.role,
                up_to=amount(
                    approver.up_to, approver.where("up_to"), scope.currency if approvers is own else firm_currency
                ),
                clients=frozenset(approver.clients),
            )
            for approver in approvers.approvers
        ),
        outlier_blocks=chosen("outlier_blocks").outlier_blocks,
        closed_through=chosen("closed_through").closed_through,
    )


def billing(own: BillingEntry, config: Config) -> Billing:
    """The contract's billing, over the firm's key by key; tax codes over those of its sink."""
    firm = config.entry.billing

    def chosen(key: str) -> BillingEntry:
        return winner(own, firm, key)

    sink = chosen("sink").sink
    sinks = config.sinks()
    books = next((account for account in sinks if account.name == sink), sinks[0] if sinks and not sink else None)
    return Billing(
        group=chosen("group").group,
        period=chosen("period").period,
        day=chosen("day").day,
        through=chosen("through").through,
        sink=sink,
        push=chosen("push").push,
        terms_days=chosen("terms_days").terms_days,
        templates={**firm.templates, **own.templates},
        items={**firm.items, **own.items},
        tax={**(books.tax_codes if books else {}), **firm.tax, **own.tax},
        tax_evidence=chosen("tax_evidence").tax_evidence,
        dimensions={**firm.dimensions, **own.dimensions},
        evidence=chosen("evidence").evidence,
    )
