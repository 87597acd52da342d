"""Terms that change after work was billed: what was billed stays explained; a price is no limit, a limit no price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.contract import Cap, Contract, ContractChange, ProjectRef, Rate, RateCard, TimeTerms
from tests.unit.rules.night import Firm, causes, codes, day, figures, hours, lines, row

T1 = "time/work/t1"
T2 = "time/work/t2"


def card(*rates: tuple[int, str | None, str | None]) -> TimeTerms:
    made = tuple(
        Rate(amount=Decimal(amount), since=since and day(since), until=until and day(until))  # type: ignore[arg-type]
        for amount, since, until in rates
    )
    return TimeTerms(rates=RateCard(id="r", currency="USD", rates=made))


HUNDRED = card((100, None, None))


def contract(**more: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": "C",
        "client": "acme",
        "currency": "USD",
        "projects": (ProjectRef(account="work", id="P-1"),),
        "time": HUNDRED,
        **more,
    }
    return Contract(**fields)


def cap(amount: int) -> tuple[Cap, ...]:
    return (Cap(id="nte", amount=amount),)


def billed(*worked: Any, **more: Any) -> Firm:
    firm = Firm(contracts=[contract(**more)])
    firm.see(*worked)
    firm.night()
    return firm


def change(firm: Firm, **more: Any) -> None:
    """New terms from tonight on; the ledger keeps the old ones."""
    [old] = firm.contracts
    former = {**firm.facts_more.get("former", {}), old.fingerprint(): old}
    firm.contracts = [replace(old, **more)]
    firm.facts_more = {"former": former}


@pytest.mark.parametrize("after", ["review", "true_up"])
def test_a_rate_from_a_later_day_on_rates_no_earlier_work_anew(after: str) -> None:
    firm = billed(hours("t1", "10.00", "2026-03-02"), after_billing=after)
    change(firm, time=card((100, None, "2026-03-31"), (150, "2026-04-01", None)))
    firm.see(hours("t2", "1.00", "2026-04-01"))
    after_it = firm.night()
    assert figures(row(after_it)) == {"earned": 115000, "billed": 115000} and codes(after_it) == []
    [first] = [posting for posting in firm.postings if posting.fact.identity == T1]
    assert first.fact.fingerprint != firm.contracts[0].fingerprint(), "explained by the terms it was billed under"


@pytest.mark.parametrize(("rate", "difference"), [(150, 50000), (80, -20000)])
def test_another_rate_for_days_already_billed_is_a_finding(rate: int, difference: int) -> None:
    firm = billed(hours("t1", "10.00"))
    change(firm, time=card((rate, None, None)))
    after = firm.night()
    assert causes(after, T1) == [("billed", "", 100000), ("held", "drift", difference)]
    assert codes(after) == ["drift"] and after.drafts == ()


@pytest.mark.parametrize(("rate", "difference", "kind"), [(150, 50000, "invoice"), (80, -20000, "credit_memo")])
def test_another_rate_for_days_already_billed_is_trued_up_to_the_cent(rate: int, difference: int, kind: str) -> None:
    firm = billed(hours("t1", "10.00"), after_billing="true_up")
    change(firm, time=card((rate, None, None)))
    [draft] = firm.look().drafts
    assert (draft.kind, lines([draft])) == (kind, [("adjustment", difference)])
    after = firm.night()
    assert row(after).billed - row(after).credited == 100000 + difference and after.drafts == ()


@pytest.mark.parametrize("after", ["review", "true_up"])
def test_a_raised_cap_gives_room_to_what_it_trimmed_in_order(after: str) -> None:
    work = [hours("t1", "10.00", "2026-03-02"), hours("t2", "10.00", "2026-03-03"), hours("t3", "10.00", "2026-03-04")]
    firm = billed(*work, caps=cap(150000), after_billing=after)
    assert figures(row(firm.look())) == {"earned": 300000, "billed": 150000, "capped": 150000}
    change(firm, caps=cap(220000))
    [draft] = firm.look().drafts
    assert lines([draft]) == [("time", 50000), ("time", 20000)], "the rest of t2, then t3, as work and not as drift"
    assert [part.identity for line in draft.lines for part in line.parts] == [T2, "time/work/t3"]
    after_it = firm.night()
    assert figures(row(after_it)) == {"earned": 300000, "billed": 220000, "capped": 80000}
    assert codes(after_it) == ["cap_reached"]


def test_a_cap_that_goes_gives_room_to_all_that_it_trimmed() -> None:
    firm = billed(hours("t1", "10.00"), caps=cap(60000))
    change(firm, caps=())
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000} and codes(after) == []


def test_a_raised_cap_together_with_another_rate_is_a_finding() -> None:
    firm = billed(hours("t1", "10.00"), caps=cap(60000))
    change(firm, caps=cap(200000), time=card((110, None, None)))
    assert causes(firm.night(), T1) == [("billed", "", 60000), ("held", "drift", 50000)]


def test_a_raised_cap_for_work_that_was_edited_meanwhile_is_a_finding() -> None:
    firm = billed(hours("t1", "10.00"), caps=cap(60000))
    change(firm, caps=cap(200000))
    firm.see(hours("t1", "9.00"))
    assert causes(firm.night(), T1) == [("billed", "", 60000), ("held", "drift", 30000)]


def test_a_lowered_cap_takes_nothing_back_by_itself() -> None:
    firm = billed(hours("t1", "10.00"), caps=cap(100000))
    change(firm, caps=cap(60000))
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000, "capped": 40000, "held": -40000}
    assert causes(after, T1)[-1] == ("held", "drift", -40000)


def test_a_change_order_adds_value_and_rates_nothing_anew() -> None:
    firm = billed(hours("t1", "10.00"), value=500000)
    order = ContractChange(id="CO-1", name="More", value=100000, signed_on=day("2026-05-01"))
    change(firm, change_orders=(order,))
    after = firm.night()
    assert figures(row(after)) == {"earned": 100000, "billed": 100000} and codes(after) == []
