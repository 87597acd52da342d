"""Looking before the first night: whose accounts these are, what they show, who is told, what each rule matches.

Nothing is written: what is read goes into a ledger in a temporary folder that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from billsync.config import AccountConfig
from billsync.model.contract import Client
from billsync.model.errors import BillsyncError
from billsync.rules.matches import RuleMatch, rule_matches
from billsync.sdk.sink import Sink
from billsync.sdk.source import Identity
from billsync.sync.check_terms import ToldTerms, told_terms
from billsync.sync.firm import Firm
from billsync.sync.night import beginning
from billsync.sync.poll import Memory, Wanted, poll_all
from billsync.sync.summary import Progress, Quiet

if TYPE_CHECKING:
    from billsync.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """One account: who it says we are, what it shows; `trouble` where it cannot be used."""

    account: AccountConfig
    identity: Identity | None
    remarks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Sinks: clients to be billed there who are no customer of these books."""
    trouble: BillsyncError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The whole look. Exit code 2 where an account cannot be used, 1 where a rule matches nothing, else 0."""

    accounts: tuple[AccountCheck, ...]
    rules: tuple[RuleMatch, ...]
    told: tuple[ToldTerms, ...] = ()

    @property
    def exit_code(self) -> int:
        """2 an account cannot be used · 1 something a person should look at · 0 all well."""
        if any(row.trouble for row in self.accounts):
            return 2
        wrong = any(rule.wrong for rule in self.rules) or any(told.wrong for told in self.told)
        return int(wrong or any(row.missing or (row.remarks and not row.identity) for row in self.accounts))


def check(firm: Firm, *, progress: Progress | None = None) -> Checked:
    """Open every account, read every source once, and count what each rule matches."""
    progress = progress or Quiet()
    accounts = [*_sources(firm, progress), *_sinks(firm, progress), *_notifiers(firm, progress)]
    rules, told = _rules(firm, progress)
    return Checked(accounts=tuple(accounts), rules=tuple(rules), told=tuple(told))


def _sources(firm: Firm, progress: Progress) -> Iterator[AccountCheck]:
    for account in firm.config.sources():
        progress.say(f"asking {account.name}")
        try:
            with firm.source(account.name) as source:
                identity = source.check()
        except BillsyncError as error:
            yield AccountCheck(account=account, identity=None, trouble=error)
        else:
            partly = () if identity.sees_everything else ("sees only part: what it does not show proves nothing",)
            yield AccountCheck(
                account=account,
                identity=identity,
                remarks=(*partly, *identity.remarks, *firm.endings.get(account.name, ())),
            )


def _sinks(firm: Firm, progress: Progress) -> Iterator[AccountCheck]:
    for account in firm.config.sinks():
        progress.say(f"asking {account.name}")
        try:
            with firm.sink(account.name) as sink:
                identity = sink.check()
                missing = tuple(_customers(firm, sink))
        except BillsyncError as error:
            yield AccountCheck(account=account, identity=None, trouble=error)
        else:
            remarks = (*identity.remarks, *missing, *_endings(firm, account))
            yield AccountCheck(account=account, identity=identity, remarks=remarks, missing=missing)


def _notifiers(firm: Firm, progress: Progress) -> Iterator[AccountCheck]:
    """As far as the channel can be tried without a message to anybody."""
    for account in firm.config.notifiers():
        progress.say(f"asking {account.name}")
        try:
            with firm.notifier(account.name) as notifier:
                identity = notifier.check()
        except BillsyncError as error:
            yield AccountCheck(account=account, identity=None, trouble=error)
        else:
            yield AccountCheck(
                account=account, identity=identity, remarks=(*identity.remarks, *_endings(firm, account))
            )


def _endings(firm: Firm, account: AccountConfig) -> tuple[str, ...]:
    """Credentials that end soon."""
    return firm.endings.get(account.name, ())


def _customers(firm: Firm, sink: Sink[Any]) -> Iterator[str]:
    """Clients to be billed here whom these books do not know as a customer."""
    if not sink.needs_customer:
        return
    known = {party.id: party.name for party in sink.customers()}
    for client in _billed_in(firm, sink.account):
        customer = client.customers.get(sink.account)
        if customer is None:
            yield f"client {client.id}: no customer of these books ({client.origin})"
        elif customer not in known:
            yield f"client {client.id}: there is no customer {customer!r} in these books ({client.origin})"


def _billed_in(firm: Firm, sink: str) -> list[Client]:
    """The clients and payers whose contracts go to these books; one that names these books in any case."""
    terms = firm.terms
    default = next(iter(terms.sinks), "")
    models = terms.contracts_from.clients.values() if terms.contracts_from else ()
    contracts = [one for one in (*terms.contracts.values(), *models) if (one.billing.sink or default) == sink]
    billed = {name for one in contracts for name in (one.client, *(payer.client for payer in one.payers))}
    return [client for client in terms.clients.values() if client.id in billed or sink in client.customers]


def _rules(firm: Firm, progress: Progress) -> tuple[list[RuleMatch], list[ToldTerms]]:
    from billsync.ledger import Ledger

    with (
        tempfile.TemporaryDirectory(prefix="billsync-check-") as folder,
        Ledger.open(Path(folder) / "check.db", now=firm.now, new_id=firm.new_id) as ledger,
    ):
        _read_all(firm, ledger, progress)
        facts = ledger.facts(firm.terms, now=firm.now(), today=firm.today, everything=True)
        return rule_matches(facts), told_terms(firm, ledger)


def _read_all(firm: Firm, ledger: Ledger, progress: Progress) -> None:
    nothing = {name: Memory(last={}, last_full={}) for name in firm.terms.sources}
    wanted = Wanted(now=firm.now(), today=firm.today, beginning=beginning(firm))
    for _, answers in poll_all(firm, nothing, wanted, progress):
        for answer in answers:
            ledger.observe(answer.receipt, answer.records, night=firm.today)
