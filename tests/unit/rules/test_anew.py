"""History as though nothing had been billed: what people decided about work stays, what was billed is forgotten."""

from __future__ import annotations

from dataclasses import replace

from billsync.model.contract import TimeTerms
from billsync.rules.anew import unbilled
from billsync.rules.engine import evaluate
from tests.unit.rules.build import flat
from tests.unit.rules.night import Firm, figures, hours, row
from tests.unit.rules.test_gates import contract


def test_history_is_rated_once_more_under_other_terms() -> None:
    of = Firm(contracts=[contract(time=TimeTerms(rates=flat("100")))])
    of.see(hours("a", "2.00"), hours("b", "3.00"), hours("c", "4.00"))
    of.decide("exclude", "time/work/c")
    billed = of.night()
    assert figures(row(billed)) == {"earned": 90000, "billed": 50000, "written_off": 40000}
    of.decide("credit", "time/work/a", amount=20000)
    of.night()

    dearer = {"C": replace(of.contracts[0], time=TimeTerms(rates=flat("150")))}
    before = of.facts()
    anew = unbilled(before, dearer)
    assert figures(row(evaluate(anew))) == {"earned": 135000, "ready": 75000, "written_off": 60000}
    assert before.postings and not anew.postings, "the history itself was changed"


def test_a_map_to_a_contract_stays_and_a_map_to_an_invoice_goes() -> None:
    of = Firm(contracts=[contract(time=TimeTerms(rates=flat("100")))])
    of.see(hours("a", "2.00", project="elsewhere"), hours("b", "3.00"))
    of.decide("map", "time/work/a", target="C")
    of.decide("map", "time/work/b", target="INV-7")
    facts = of.facts()
    assert {one.target for one in unbilled(facts, facts.contracts).decisions} == {"C"}
    assert figures(row(evaluate(unbilled(facts, facts.contracts)))) == {"earned": 50000, "ready": 50000}
