"""The firm's terms as billsync understood them: every default filled in, amounts in major units, no secret.

What `billsync config show` prints; a contract's fingerprint is what postings carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from billsync.model.book import Terms
from billsync.model.contract import Contract, ScheduleLine, Trigger, without_origins
from billsync.model.money import Money
from billsync.model.work import canonical
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, under, whole

CONFIG: Final = "billsync.config/1"


def row(terms: Terms, accounts: Iterable[tuple[str, str, str]], firm: str) -> dict[str, Any]:
    """`billsync.config/1`. Amounts inside contracts are minor units, as the rules read them; `accounts` are
    (name, role, kind)."""
    return {
        "schema": CONFIG,
        "firm": {"name": firm, "zone": terms.zone},
        "accounts": [{"name": name, "role": role, "kind": kind} for name, role, kind in accounts],
        "clients": [_plain(client) for client in terms.clients.values()],
        "contracts": [
            {"fingerprint": contract.fingerprint(), **_plain(without_origins(contract))}
            for contract in terms.contracts.values()
        ],
    }


def blocks(terms: Terms, accounts: Iterable[tuple[str, str, str]], firm: str) -> list[Block]:
    """The terms for the screen."""
    columns = (whole("Account"), whole("Role"), column("Kind"))
    found: list[Block] = [
        Words(f"{firm}, nights in {terms.zone}", "heading"),
        Table(title="Accounts", columns=columns, rows=tuple(accounts)),
    ]
    for contract in terms.contracts.values():
        found.extend(_contract(contract, terms))
    return found


def _plain(value: Any) -> dict[str, Any]:
    known: dict[str, Any] = canonical(value)
    return {name: entry for name, entry in known.items() if name != "origin"}


def _contract(contract: Contract, terms: Terms) -> Iterator[Block]:
    client = terms.clients[contract.client].name
    yield Words(f"{contract.id} {contract.name}".strip(), "heading")
    yield Words(f"{client}, {contract.currency}; {'; '.join(_facts(contract))}.")
    rows = [*_lines(contract.lines, "", contract.currency)]
    for change in contract.change_orders:
        signed = f"{change.id}, signed {change.signed_on}" if change.signed_on else f"{change.id}, not signed"
        rows.extend(_lines(change.lines, signed, contract.currency))
    if rows:
        columns = (column("Line"), under("Change order"), column("Billed when"), number("Amount"))
        yield Table(columns=columns, rows=tuple(rows))


def _facts(contract: Contract) -> Iterator[str]:
    """What was agreed beside the schedule, one phrase each."""
    if contract.terms_from is not None:
        named = ", ".join(f"{one.account}/{one.contract}" for one in contract.terms_from.sources)
        yield f"terms from {named}"
    if contract.value is not None:
        yield f"value {Money(contract.value, contract.currency)}"
    if contract.signature.required:
        yield f"signed {contract.signature.on}" if contract.signature.on else "not signed"
    projects = ", ".join(f"{project.account}/{project.id}" for project in contract.projects)
    yield f"projects {projects}" if projects else "no project"
    if contract.milestones is not None:
        yield "milestones at their own amount"
    if contract.time is not None:
        yield from _time(contract)
    if contract.expenses is not None:
        yield f"expenses plus {contract.expenses.markup} %" if contract.expenses.markup else "expenses at cost"
    for cap in contract.caps:
        limits = [str(Money(cap.amount, contract.currency))] if cap.amount is not None else []
        limits += [f"{cap.hours} h"] if cap.hours is not None else []
        yield f"not to exceed {' and '.join(limits)} per {cap.per.replace('_', ' ')}"
    if contract.holdback is not None:
        yield f"holdback {contract.holdback.percent} % of {', '.join(sorted(contract.holdback.kinds))}"
    if contract.gates.release_threshold is not None:
        yield f"approval from {Money(contract.gates.release_threshold, contract.currency)} on"
    billing = contract.billing
    yield f"billed {billing.period.replace('_', ' ')}, grouped by {billing.group.replace('_', ' ')}"


def _time(contract: Contract) -> Iterator[str]:
    time = contract.time
    if time is None:
        return
    cards = [card for card in (time.rates, time.card) if card is not None]
    rates = sum(len(card.rates) for card in cards)
    name = f" of card {time.card.id}" if time.card is not None else ""
    yield f"time at {rates} rate{'' if rates == 1 else 's'}{name}"
    if time.approval == "not_required":
        yield "time needs no approval"


def _lines(lines: Iterable[ScheduleLine], change: str, currency: str) -> Iterator[tuple[Cell, ...]]:
    for line in lines:
        amount: Cell = f"{line.percent} %" if line.percent is not None else "at the source"
        if line.amount is not None:
            amount = Money(line.amount, currency)
        needs = f", needs {', '.join(sorted(line.requires))}" if line.requires else ""
        yield (f"{line.name} ({line.id})", change, when(line.trigger) + needs, amount)


def when(trigger: Trigger) -> str:
    """The event that makes a line billable, in words."""
    if trigger.kind == "milestone":
        match = trigger.match
        name = (match.name or match.id or "") if match is not None else ""
        test = "" if trigger.complete.kind == "completed" else f" ({trigger.complete.kind})"
        return f"milestone {name!r}{test}"
    if trigger.kind == "dated":
        every = f", every {trigger.every}" if trigger.every else ""
        return f"on {trigger.on or 'signing'}{every}"
    if trigger.kind == "progress":
        return f"by progress of the {trigger.progress_of}"
    return "at its threshold" if trigger.kind == "threshold" else "by a person's decision"
