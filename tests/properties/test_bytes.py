"""The same facts give the same bytes, whatever order sets and hashes come in: other processes, other hash seeds."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT

PLAY = """
import hashlib
from decimal import Decimal
from billsync.model.contract import *
from billsync.rules.engine import evaluate
from tests.unit.rules.night import *

third = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
hundred = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal("99.995")),))
terms = Contract(
    id="C", client="acme", currency="USD", value=1000003,
    projects=(ProjectRef(account="work", id="P-1"), ProjectRef(account="work", id="P-2")),
    lines=tuple(ScheduleLine(id=f"l{n}", name="Design", percent=Decimal("33.33"), trigger=third) for n in range(3)),
    time=TimeTerms(rates=hundred, included=Included(hours=Decimal(1)), overtime=(
        Overtime(per="day", after=Decimal(2), multiplier=Decimal("1.5")),
        Overtime(per="week", after=Decimal(3), multiplier=Decimal(2)),
    )),
    expenses=ExpenseTerms(markup=Decimal("7.5")),
    payers=(Payer(client="acme", share=Decimal(1)), Payer(client="city", share=Decimal(2))),
    caps=(Cap(id="a", amount=90000), Cap(id="h", hours=Decimal(5))),
    holdback=Holdback(percent=Decimal("7.5"), kinds=frozenset({"milestone", "time", "dated", "expense"})),
    gates=Gates(references=("cost_centre", "job")), references={"job": "7", "cost_centre": "CC"},
    billing=Billing(group="project", dimensions={"Class": "A", "Job": "B"}),
)
firm = Firm(contracts=[terms], clients=[Client(id="acme", name="Acme"), Client(id="city", name="City")])
for n in range(9):
    person, place = "ana" if n % 3 else "bob", f"P-{n % 2 + 1}"
    firm.see(hours(f"t{n}", "1.15", f"2026-03-0{n % 3 + 1}", project=place, person=person))
firm.see(milestone("m", "Design", "2026-04-01"), spent("e", "33.33"), project(), project("P-2", "Barn"))
told = []
for night in range(2):
    told.append(repr(firm.look()))
    told.append(repr(firm.night()))
    firm.see(hours("t1", "2.30", "2026-03-02", person="ana"))
print(hashlib.sha256("".join(told).encode()).hexdigest(), len("".join(told)))
"""


def told(seed: int) -> str:
    """The digest of what two nights say, in a process whose hashes begin at this seed."""
    environ = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", PLAY], env=environ, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_same_facts_give_the_same_bytes_in_every_process() -> None:
    first = told(1)
    size = int(first.split()[1])
    assert size > 20000, f"the nights said next to nothing ({size} characters)"
    for seed in (2, 3):
        assert told(seed) == first, f"another order of hashes (seed {seed}) gave another answer"
