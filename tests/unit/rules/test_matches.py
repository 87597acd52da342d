"""What each rule of each contract matches: a rule that matches nothing is named, with where it is written."""

from __future__ import annotations

from billsync.model.contract import (
    ContractChange,
    ExpenseTerms,
    MilestoneMatch,
    MilestoneTerms,
    Origin,
    ProjectRef,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from billsync.rules.matches import rule_matches
from tests.unit.rules.build import contract, flat
from tests.unit.rules.night import Firm, hours, milestone, project, spent


def line(id: str, match: MilestoneMatch | None, number: int) -> ScheduleLine:
    trigger = Trigger(kind="milestone", match=match) if match else Trigger(kind="manual")
    return ScheduleLine(id=id, name=id, trigger=trigger, amount=100, origin=Origin(file="c.yaml", line=number))


def test_each_rule_says_how_many_records_it_matches_and_what_is_wrong() -> None:
    terms = contract(
        TimeTerms(rates=flat()),
        projects=(ProjectRef(account="work", id="P-1"), ProjectRef(account="work", id="P-9"),
                  ProjectRef(account="quiet", id="Q")),
        lines=(
            line("one", MilestoneMatch(name="Design"), 1),
            line("two", MilestoneMatch(name="Phase"), 2),
            line("word", None, 3),
        ),
        change_orders=(
            ContractChange(
                id="CO", name="CO", value=100, signed_on=None, lines=(line("gone", MilestoneMatch(id="M-7"), 4),)
            ),
        ),
        milestones=MilestoneTerms(),
        expenses=ExpenseTerms(),
    )  # fmt: skip
    of = Firm(contracts=[terms])
    of.see(project(), milestone("1", "Design"), milestone("2", "Phase"), milestone("3", "Phase"))
    of.see(milestone("M-7", "Left"), hours("t", "1.00"), hours("u", "1.00", project="elsewhere"))
    of.vanish("M-7", kind="milestone")
    found = {one.rule: (one.records, one.wrong) for one in rule_matches(of.facts())}
    assert found == {
        "project work/P-1": (1, ""),
        "project work/P-9": (0, "work shows no project 'P-9'"),
        "project quiet/Q": (0, ""),  # an account that shows no projects at all cannot miss one
        "line one: milestone Design": (1, ""),
        "line two: milestone Phase": (2, "2 milestones are called 'Phase': name one by id"),
        "line gone: milestone M-7": (0, "no milestone 'M-7' in its projects"),
        "milestones at their own amount": (3, ""),
        "time entries": (1, ""),
        "expenses": (0, "none of its projects shows any"),
    }
    assert {one.origin.line for one in rule_matches(of.facts()) if one.rule.startswith("line")} == {1, 2, 4}


def test_expenses_that_a_contract_takes_are_counted() -> None:
    of = Firm(contracts=[contract(expenses=ExpenseTerms(), projects=(ProjectRef(account="work", id="P-1"),))])
    of.see(spent("e", "10.00"))
    assert [(one.rule, one.records) for one in rule_matches(of.facts())] == [("project work/P-1", 0), ("expenses", 1)]
