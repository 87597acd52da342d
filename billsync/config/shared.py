"""A project that feeds several contracts: which of them takes which kind of record.

A contract takes the kinds that it has terms for. Where a project stands in one contract only, nothing is narrowed;
where it stands in several, each takes its own kinds, and two that take the same kind at the same time are a mistake
(`check` tells it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from billsync.model.contract import Contract, ProjectRef


def kinds_taken(contract: Contract, project: ProjectRef) -> frozenset[str]:
    """Kinds of record that the contract takes from the project."""
    if project.feeds:
        return project.feeds
    taken = {"project"}
    schedule = (*contract.lines, *(line for change in contract.change_orders for line in change.lines))
    if contract.milestones or contract.terms_from or any(line.trigger.match for line in schedule):
        taken.add("milestone")
    if contract.time:
        taken.add("time")
    if contract.expenses:
        taken.add("expense")
    return frozenset(taken)


def with_feeds(contracts: Sequence[Contract]) -> list[Contract]:
    """The contracts, with `feeds` filled in for projects that stand in more than one of them."""
    seen: dict[tuple[str, str], int] = {}
    for contract in contracts:
        for key in {(project.account, project.id) for project in contract.projects}:
            seen[key] = seen.get(key, 0) + 1

    def narrowed(contract: Contract) -> Contract:
        return replace(
            contract,
            projects=tuple(
                replace(project, feeds=kinds_taken(contract, project))
                if seen[project.account, project.id] > 1
                else project
                for project in contract.projects
            ),
        )

    return [
        narrowed(contract) if any(seen[p.account, p.id] > 1 for p in contract.projects) else contract
        for contract in contracts
    ]
