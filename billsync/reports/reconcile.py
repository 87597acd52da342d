"""The reconciliation: for every finished piece of work, whether it was billed, on which invoice, or why not.

`build` takes an evaluation as it is; a client's report is the same evaluation with the others' rows left out, and
what is not known stays not known. Amounts are minor units, ages days since the work was done.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from billsync.model.book import Terms
from billsync.model.errors import UsageError
from billsync.model.money import Money
from billsync.model.statement import (
    Bucket,
    Evaluation,
    Finding,
    Item,
    NotEarned,
    StatementRow,
    Unknown,
    Unvalued,
    Verdict,
)
from billsync.model.work import SourceKey
from billsync.reports.exit import exit_code

WAITING: frozenset[Bucket] = frozenset({"held", "in_flight"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The report. `settled` are billed items at rest; there may be a million, so they are read while they are
    written, once."""

    as_of: date
    verdict: Verdict
    statement: tuple[StatementRow, ...]
    items: tuple[Item, ...]
    not_valued: tuple[Unvalued, ...]
    not_earned: tuple[NotEarned, ...]
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    settled: Iterable[Item] = ()
    client_names: Mapping[str, str] = field(default_factory=dict)
    contract_names: Mapping[str, str] = field(default_factory=dict)
    only_client: str = ""
    firm: str = ""

    @property
    def exit_code(self) -> int:
        """For cron."""
        return exit_code(self.verdict, self.items)

    @property
    def unbilled(self) -> tuple[Item, ...]:
        """Items that are not on an invoice, whatever the reason; the largest first."""
        open_items = (item for item in self.items if item.bucket != "billed" and (item.amount or item.cause))
        return tuple(sorted(open_items, key=lambda item: (item.currency, -abs(item.amount), item.identity)))

    @property
    def without_value(self) -> tuple[Unvalued, ...]:
        """Records that a person must look at before they can be worth anything."""
        return tuple(one for one in self.not_valued if one.why != "not_billable")

    @property
    def other_findings(self) -> tuple[Finding, ...]:
        """Findings that do not only repeat why an item waits, or why a record has no value."""
        told = {(item.identity, item.cause) for item in self.items if item.bucket in WAITING}
        told |= {(identity_of(one.key), one.cause) for one in self.not_valued}
        return tuple(one for one in self.findings if (one.identity, one.code) not in told)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseTotal:
    """Unbilled items of one bucket, cause, owner and currency."""

    bucket: Bucket
    cause: str
    owner: str
    items: int
    amount: Money
    oldest_days: int


def build(
    evaluation: Evaluation,
    *,
    as_of: date,
    terms: Terms,
    settled: Iterable[Item] = (),
    client: str | None = None,
    open_only: bool = False,
    firm: str = "",
) -> Reconciliation:
    """The report of an evaluation; `client` leaves one client's rows, `open_only` leaves billed items out.

    Raises UsageError where the configuration has no such client.
    """
    if client is not None and client not in terms.clients:
        raise no_such("client", client, terms.clients)
    report = Reconciliation(
        as_of=as_of,
        verdict=evaluation.verdict,
        statement=evaluation.statement,
        items=evaluation.items,
        not_valued=evaluation.not_valued,
        not_earned=evaluation.not_earned,
        unknown=evaluation.unknown,
        findings=evaluation.findings,
        settled=settled,
        client_names={key: value.name for key, value in terms.clients.items()},
        contract_names={key: value.name for key, value in terms.contracts.items()},
        firm=firm,
    )
    if client is not None:
        report = _of_client(report, client, terms)
    return _without_billed(report) if open_only else report


def cause_totals(report: Reconciliation) -> tuple[CauseTotal, ...]:
    """What is unbilled by cause: what waits for a person first, then by amount."""
    groups: dict[tuple[Bucket, str, str, str], list[Item]] = {}
    for item in report.unbilled:
        key = (item.bucket, cause_of(item), item.owner, item.currency)
        groups.setdefault(key, []).append(item)
    totals = [
        CauseTotal(
            bucket=bucket,
            cause=cause,
            owner=owner,
            items=len(items),
            amount=Money(sum(item.amount for item in items), currency),
            oldest_days=max(item.age_days for item in items),
        )
        for (bucket, cause, owner, currency), items in groups.items()
    ]
    return tuple(sorted(totals, key=lambda total: (total.bucket not in WAITING, -abs(total.amount.minor), total.cause)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Records beside the statement: how many of one cause and owner, with their hours and what they would be worth
    where that is known. `place`: the contract or project of work without a value."""

    heading: str
    cause: str
    place: str
    owner: str
    records: int
    hours: Decimal
    amount: Money | None


def asides(report: Reconciliation) -> tuple[Aside, ...]:
    """Work that is not earned yet, then work that has no value, contract by contract."""
    early = [(("not earned yet", one.cause, "", one.owner), one.hours, _worth(one)) for one in report.not_earned]
    valueless = [
        (("not valued", one.cause or one.why, one.contract or one.project, one.owner), one.hours, None)
        for one in report.not_valued
    ]
    return (*_summed(early), *_summed(valueless))


def no_such(what: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that does not exist, with the nearest that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "there are: " + (", ".join(names[:10]) or "none")
    return UsageError(f"there is no {what} called {name!r}", hint=hint)


def _worth(one: NotEarned) -> Money | None:
    return Money(one.amount, one.currency) if one.amount is not None and one.currency else None


def _summed(rows: Iterable[tuple[tuple[str, str, str, str], Decimal | None, Money | None]]) -> list[Aside]:
    groups: dict[tuple[str, ...], list[tuple[Decimal, Money | None]]] = {}
    for name, hours, worth in rows:
        groups.setdefault((*name, worth.currency if worth else ""), []).append((hours or Decimal(0), worth))
    return [
        Aside(
            heading=heading,
            cause=cause,
            place=place,
            owner=owner,
            records=len(group),
            hours=sum((hours for hours, _ in group), Decimal(0)),
            amount=Money(sum(worth.minor for _, worth in group if worth), currency) if currency else None,
        )
        for (heading, cause, place, owner, currency), group in sorted(groups.items())
    ]


def identity_of(key: SourceKey) -> str:
    """The identity of a source record (billing.md 2), also while no contract bills it."""
    return f"{key.kind}/{key.account}/{key.id}"


def cause_of(item: Item) -> str:
    """The item's cause, or one for its bucket: the rules name a cause wherever somebody has to move."""
    return item.cause or {"ready": "next_sync", "capped": "cap_reached"}.get(item.bucket, item.bucket)


def _without_billed(report: Reconciliation) -> Reconciliation:
    return replace(report, items=tuple(item for item in report.items if item.bucket != "billed"), settled=())


def _of_client(report: Reconciliation, client: str, terms: Terms) -> Reconciliation:
    contracts = {
        contract.id
        for contract in terms.contracts.values()
        if client == contract.client or client in {payer.client for payer in contract.payers}
    }
    items = tuple(item for item in report.items if item.client == client)
    not_valued = tuple(one for one in report.not_valued if one.contract in contracts)
    not_earned = tuple(one for one in report.not_earned if one.contract in contracts)
    known = {item.identity for item in items} | {one.identity for one in not_earned} | {client} | contracts
    known |= {identity_of(one.key) for one in not_valued}
    findings = tuple(
        one for one in report.findings if one.identity in known or one.identity.split("/", 1)[0] in contracts
    )
    waits = bool(findings) or any(item.bucket in WAITING for item in items)
    return replace(
        report,
        verdict="unknown" if report.unknown else "findings" if waits else "balanced",
        statement=tuple(row for row in report.statement if row.client == client),
        items=items,
        not_valued=not_valued,
        not_earned=not_earned,
        findings=findings,
        settled=(item for item in report.settled if item.client == client),
        only_client=client,
    )
