"""Sentences of the fine print that no other test plays from facts to statement; and the table that names them all."""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from billsync.model.contract import (
    Billing,
    Cap,
    Contract,
    Gates,
    Holdback,
    Increment,
    MilestoneMatch,
    Overtime,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from tests.conftest import ROOT
from tests.unit.rules.night import Firm, causes, codes, day, figures, hours, milestone, row

TABLE = ROOT / "docs" / "fine-print.md"
HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))


def contract(id: str = "C", project: str = "P-1", **more: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": id,
        "client": "acme",
        "currency": "USD",
        "projects": (ProjectRef(account="work", id=project),),
        "time": TimeTerms(rates=HUNDRED),
        **more,
    }
    return Contract(**fields)


def line(trigger: Trigger, **more: Any) -> ScheduleLine:
    fields: dict[str, Any] = {"id": "l", "name": "Line", "amount": 100000, "trigger": trigger, **more}
    return ScheduleLine(**fields)


# Caps and the contract value


def test_earned_work_takes_its_room_though_a_gate_holds_it() -> None:
    of = Firm(contracts=[contract(caps=(Cap(id="cap", amount=15000),))])
    of.see(hours("a", "1.00", "2026-03-01"), hours("b", "1.00", "2026-03-02"))
    of.decide("hold", "time/work/a")
    after = of.night()
    assert causes(after, "time/work/a") == [("held", "hold", 10000)]
    assert causes(after, "time/work/b") == [("billed", "", 5000), ("capped", "cap_reached", 5000)], (
        "later work took the room of what is only held"
    )


def test_the_contract_value_binds_no_time() -> None:
    of = Firm(contracts=[contract(value=5000)]).see(hours("a", "1.00"))
    assert figures(row(of.night())) == {"earned": 10000, "billed": 10000}


# Hours


def test_overtime_counts_the_hours_of_its_own_contract() -> None:
    time = TimeTerms(rates=HUNDRED, overtime=(Overtime(per="day", after=Decimal(8), multiplier=Decimal(2)),))
    of = Firm(contracts=[contract(time=time), contract("D", "P-2", time=time)])
    of.see(hours("a", "6.00"), hours("b", "6.00", project="P-2"), hours("c", "3.00"))
    amounts = {item.identity: item.amount for item in of.night().items}
    assert amounts == {"time/work/a": 60000, "time/work/b": 60000, "time/work/c": 40000}


def test_a_threshold_of_hours_counts_what_the_source_says_not_what_is_charged() -> None:
    time = TimeTerms(rates=HUNDRED, increment=Increment(hours=Decimal(1)))
    of = Firm(contracts=[contract(time=time, lines=(line(Trigger(kind="threshold", at_hours=Decimal(2))),))])
    of.see(hours("a", "1.25"))
    assert figures(row(of.look())) == {"earned": 20000, "ready": 20000}, "charged 2 h, worked 1.25 h: not reached"
    of.see(hours("b", "0.75"))
    assert row(of.look()).earned == 30000 + 100000


def test_a_threshold_of_money_counts_what_is_above_a_cap() -> None:
    terms = contract(
        lines=(line(Trigger(kind="threshold", at_amount=30000)),),
        caps=(Cap(id="cap", amount=10000, warning=Decimal(80)),),
    )
    of = Firm(contracts=[terms]).see(hours("a", "3.00"))
    assert figures(row(of.night())) == {"earned": 130000, "billed": 110000, "capped": 20000}


# Gates


def test_the_release_threshold_looks_at_the_draft_net_of_holdback() -> None:
    kept = Holdback(percent=Decimal(10), kinds=frozenset({"time"}))
    of = Firm(contracts=[contract(holdback=kept, gates=Gates(release_threshold=90001))]).see(hours("a", "10.00"))
    assert [draft.total for draft in of.look().drafts] == [90000], "1,000.00 less 10 % is below the threshold"
    of.contracts = [contract(holdback=kept, gates=Gates(release_threshold=90000))]
    assert [held.cause for held in of.look().held_drafts] == ["needs_approval"], "equal needs approval"


# Periods

FIFTH = Trigger(kind="dated", on=day("2026-05-05"))
DESIGN = MilestoneMatch(name="Design")


@pytest.mark.parametrize(
    ("terms", "starts"),
    [
        ({"trigger": Trigger(kind="milestone", match=DESIGN)}, True),
        ({"trigger": Trigger(kind="progress", match=DESIGN, progress_of="milestone")}, True),
        ({"trigger": FIFTH, "percent": Decimal(20), "amount": None}, True),
        ({"trigger": FIFTH}, False),
    ],
    ids=["milestone", "progress", "percent", "amount on a date"],
)
def test_a_milestone_percent_or_progress_line_brings_all_that_is_ready(terms: dict[str, Any], starts: bool) -> None:
    billing = Billing(period="milestone")
    of = Firm(contracts=[contract(value=500000, lines=(line(**terms),), billing=billing)])
    of.see(hours("a", "1.00"), milestone("m", "Design", "2026-05-09"))
    after = of.night()
    assert row(after).earned == 110000
    assert row(after).billed == (110000 if starts else 0), codes(after)


# The table


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def rows() -> list[str]:
    return [row for row in TABLE.read_text(encoding="utf-8").splitlines() if row.startswith("| ") and "---" not in row]


def test_every_sentence_of_the_table_names_a_test_that_exists() -> None:
    assert len(rows()) > 100, "the table of the fine print is not whole"
    for text in rows():
        sentence, _, named = text.strip("| ").rpartition(" | ")
        if named == "test":
            continue  # the head of a table
        found = re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", named)
        assert found, f"no test stands for: {sentence}"
        for file, name in found:
            path = ROOT / "tests" / file
            assert path.is_file(), f"{file} is no file of tests: {sentence}"
            assert name in names_in(path), f"{file} has no {name}: {sentence}"
