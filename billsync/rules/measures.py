"""How far something is: percent done of a progress line, and the day a threshold was reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from billsync.model.contract import Contract, ScheduleLine, Trigger
from billsync.model.money import round_places, to_minor
from billsync.model.work import Project
from billsync.rules import because
from billsync.rules.conditions import units_percent
from billsync.rules.milestones import Matched
from billsync.rules.rating import Counted
from billsync.rules.view import View


def measured(
    view: View, contract: Contract, line: ScheduleLine, found: Matched | None, counted: Counted
) -> Decimal | Fraction | None:
    """Cumulative percent of a progress line; None where the source does not say."""
    of = line.trigger.progress_of
    if of == "budget":
        return _of_budget(view, contract, counted)
    if of == "project":
        percents = [project.percent for project in projects(view, contract) if project.percent is not None]
        return min(percents, default=None)  # several projects are as far as the last of them
    if found is None:
        return None
    milestone = found.record
    if of == "units":
        return units_percent(milestone)
    if milestone.percent is None and milestone.completed_on and milestone.completed_on <= view.today:
        return Decimal(100)
    return milestone.percent


def in_words(percent: Decimal | Fraction) -> str:
    """`62.5 %`, with at most two decimals."""
    return because.percent(round_places(percent, 2))


def projects(view: View, contract: Contract) -> Iterator[Project]:
    """The contract's projects as their sources last told them."""
    for ref in contract.projects:
        seen = view.projects.get((ref.account, ref.id))
        if seen and isinstance(seen.record, Project) and seen.vanished is None:
            yield seen.record


def _budgets(view: View, contract: Contract) -> tuple[int, Decimal]:
    """Budgets of the contract's projects: minor units, and hours. 0 where none is told."""
    money = sum(
        to_minor(project.budget, contract.currency)
        for project in projects(view, contract)
        if project.budget is not None and project.currency in (None, contract.currency)
    )
    hours = sum((project.budget_hours or Decimal(0) for project in projects(view, contract)), Decimal(0))
    return money, hours


def _of_budget(view: View, contract: Contract, counted: Counted) -> Fraction | None:
    """Percent of the budget in money that is earned; of the budget in hours where there is no money."""
    money, hours = _budgets(view, contract)
    if money > 0:
        return Fraction(counted.earned * 100, money)
    return Fraction(counted.hours) * 100 / Fraction(hours) if hours > 0 else None


def reached_on(view: View, contract: Contract, trigger: Trigger, counted: Counted) -> date | None:
    """The date of the work that reached the threshold, in the order of places; None: not reached.

    Hours are approved billable hours as the source says them; money is earned time and expenses before caps."""
    amount, hours = trigger.at_amount, trigger.at_hours
    if trigger.at_percent is not None:
        budget, budget_hours = _budgets(view, contract)
        share = Fraction(trigger.at_percent) / 100
        needed: Fraction | None = share * budget if budget > 0 else None
        needed_hours = share * Fraction(budget_hours) if budget <= 0 < budget_hours else None
    else:
        needed = None if amount is None else Fraction(amount)
        needed_hours = None if hours is None else Fraction(hours)
    if needed is None and needed_hours is None:
        return None
    earned, worked = 0, Fraction(0)
    for on, step_hours, step_amount in counted.steps:
        earned += step_amount
        worked += Fraction(step_hours)
        if (needed is not None and earned >= needed) or (needed_hours is not None and worked >= needed_hours):
            return on
    return None
