"""When a contract was last billed and a person last worked, also where all of that is at rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from billsync.ledger import Ledger
from billsync.model.contract import ProjectRef
from tests.unit.ledger.conftest import (
    CONTRACT,
    NIGHT,
    World,
    bill,
    entry,
    evaluation,
    facts,
    invoice,
    line,
    observe,
    rest_of,
    terms,
    time_part,
)

OTHER = replace(CONTRACT, id="C-2", projects=(ProjectRef(account="work", id="P-2"),))


def test_the_last_night_a_contract_was_billed_outlives_the_rest_of_its_work(ledger: Ledger, world: World) -> None:
    one = entry("1")
    observe(ledger, world.clock, one)
    before = world.clock()
    bill(ledger, world.clock, invoice("BS-1", line("time", time_part(one, 20000))))
    ledger.keep(evaluation(resting=(rest_of(one),)), terms=terms(), now=world.clock(), night=NIGHT)
    now = facts(ledger, world.clock, terms(CONTRACT, OTHER))
    assert (now.records, now.postings) == ((), ())
    assert now.last_billed == {"C-1": NIGHT}
    assert facts(ledger, world.clock, as_of=before).last_billed == {}


def test_who_worked_when_within_six_weeks(ledger: Ledger, world: World) -> None:
    observe(
        ledger,
        world.clock,
        entry("1", on=date(2026, 2, 1)),
        entry("2", on=date(2026, 2, 20)),
        entry("3", on=date(2026, 3, 9)),  # after tonight
        entry("4", on=date(2026, 2, 3), person="bob"),
        entry("5", on=date(2025, 12, 1), person="old"),
    )
    assert facts(ledger, world.clock).last_worked == {"work:ana": date(2026, 2, 20), "work:bob": date(2026, 2, 3)}
