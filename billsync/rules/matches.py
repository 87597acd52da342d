"""What each rule of each contract matches among the records that were read: the answer of `billsync check`.

A rule that matches nothing is how a firm loses money quietly: a renamed milestone, a project id with a typo.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from billsync.model.book import Facts
from billsync.model.contract import Contract, Origin, ScheduleLine
from billsync.model.work import Expense, TimeEntry
from billsync.rules.match import map_record
from billsync.rules.milestones import candidates, matching
from billsync.rules.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMatch:
    """One rule, and how many records it matches. `wrong` says what a person should look at, "" where all is well."""

    contract: str
    rule: str
    records: int
    origin: Origin
    wrong: str = ""


def rule_matches(facts: Facts) -> list[RuleMatch]:
    """Every rule of every contract, in the order in which the contracts are read."""
    view = View(facts)
    return [row for contract in view.contracts.values() for row in _rules(view, contract)]


def _rules(view: View, contract: Contract) -> Iterator[RuleMatch]:
    yield from _projects(view, contract)
    schedule = [*contract.lines, *(line for change in contract.change_orders for line in change.lines)]
    for line in schedule:
        if line.trigger.match is not None:
            yield _line(view, contract, line)
    if contract.milestones is not None:
        loose = sum(1 for seen in candidates(view, contract) if seen.vanished is None)
        yield RuleMatch(
            contract=contract.id, rule="milestones at their own amount", records=loose, origin=contract.origin
        )
    for kind, terms in ((TimeEntry, contract.time), (Expense, contract.expenses)):
        if terms is not None:
            yield _entries(view, contract, kind)


def _projects(view: View, contract: Contract) -> Iterator[RuleMatch]:
    asked = {account for account, _ in view.projects}
    for ref in contract.projects:
        found = (ref.account, ref.id) in view.projects
        wrong = "" if found or ref.account not in asked else f"{ref.account} shows no project {ref.id!r}"
        yield RuleMatch(
            contract=contract.id,
            rule=f"project {ref.account}/{ref.id}",
            records=int(found),
            origin=contract.origin,
            wrong=wrong,
        )


def _line(view: View, contract: Contract, line: ScheduleLine) -> RuleMatch:
    found = [seen for seen in matching(view, contract, line.trigger.match) if seen.vanished is None]
    match = line.trigger.match
    said = (match.id or match.name or "") if match is not None else ""
    wrong = ""
    if not found:
        wrong = f"no milestone {said!r} in its projects"
    elif len(found) > 1:
        wrong = f"{len(found)} milestones are called {said!r}: name one by id"
    return RuleMatch(
        contract=contract.id,
        rule=f"line {line.id}: milestone {said}",
        records=len(found),
        origin=line.origin,
        wrong=wrong,
    )


def _entries(view: View, contract: Contract, kind: type[TimeEntry] | type[Expense]) -> RuleMatch:
    mine = [
        seen
        for seen in view.records
        if isinstance(seen.record, kind) and map_record(view, seen, seen.record).contract is contract
    ]
    return RuleMatch(
        contract=contract.id,
        rule="time entries" if kind is TimeEntry else "expenses",
        records=len(mine),
        origin=contract.origin,
        wrong="" if mine else "none of its projects shows any",
    )
