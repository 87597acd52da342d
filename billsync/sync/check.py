"""Looking before the first night: whose accounts these are, what they show, and what each rule matches.

Nothing is written: what is read goes into a ledger in a temporary folder that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from billsync.config import AccountConfig
from billsync.model.errors import BillsyncError
from billsync.rules.matches import RuleMatch, rule_matches
from billsync.sdk.sink import Sink
from billsync.sdk.source import Identity
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
    trouble: BillsyncError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The whole look. Exit code 2 where an account cannot be used, 1 where a rule matches nothing, else 0."""

    accounts: tuple[AccountCheck, ...]
    rules: tuple[RuleMatch, ...]

    @property
    def exit_code(self) -> int:
        """2 an account cannot be used · 1 something a person should look at · 0 all well."""
        if any(row.trouble for row in self.accounts):
            return 2
        return int(
            any(rule.wrong for rule in self.rules) or any(row.remarks for row in self.accounts if not row.identity)
        )


def check(firm: Firm, *, progress: Progress | None = None) -> Checked:
    """Open every account, read every source once, and count what each rule matches."""
    progress = progress or Quiet()
    accounts = [*_sources(firm, progress), *_sinks(firm, progress)]
    return Checked(accounts=tuple(accounts), rules=tuple(_rules(firm, progress)))


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
                remarks = (*identity.remarks, *_customers(firm, sink))
        except BillsyncError as error:
            yield AccountCheck(account=account, identity=None, trouble=error)
        else:
            yield AccountCheck(account=account, identity=identity, remarks=(*remarks, *_endings(firm, account)))


def _endings(firm: Firm, account: AccountConfig) -> tuple[str, ...]:
    """Credentials that end soon."""
    return firm.endings.get(account.name, ())


def _customers(firm: Firm, sink: Sink[Any]) -> Iterator[str]:
    """Clients whose customer these books do not know."""
    if not sink.needs_customer:
        return
    known = {party.id: party.name for party in sink.customers()}
    for client in firm.terms.clients.values():
        customer = client.customers.get(sink.account)
        if customer is None:
            yield f"client {client.id}: no customer of these books ({client.origin})"
        elif customer not in known:
            yield f"client {client.id}: there is no customer {customer!r} in these books ({client.origin})"


def _rules(firm: Firm, progress: Progress) -> list[RuleMatch]:
    from billsync.ledger import Ledger

    with (
        tempfile.TemporaryDirectory(prefix="billsync-check-") as folder,
        Ledger.open(Path(folder) / "check.db", now=firm.now, new_id=firm.new_id) as ledger,
    ):
        _read_all(firm, ledger, progress)
        facts = ledger.facts(firm.terms, now=firm.now(), today=firm.today, everything=True)
        return rule_matches(facts)


def _read_all(firm: Firm, ledger: Ledger, progress: Progress) -> None:
    nothing = {name: Memory(last={}, last_full={}) for name in firm.terms.sources}
    wanted = Wanted(now=firm.now(), today=firm.today, beginning=beginning(firm))
    for _, answers in poll_all(firm, nothing, wanted, progress):
        for answer in answers:
            ledger.observe(answer.receipt, answer.records, night=firm.today)
