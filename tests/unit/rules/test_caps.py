from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from billsync.model.contract import Cap, Overtime, Prepaid, TimeTerms
from billsync.rules.caps import CapWork, apply_caps, hours_bought, work_of
from billsync.rules.hours import Slice
from billsync.rules.valuation import Valued, value_time
from tests.unit.rules.build import MONDAY, D, contract, day, entry, flat, queue


def money(*amounts: int, on: date = MONDAY, **fields: Any) -> list[CapWork]:
    """Work of so many minor units each, named "1", "2", ..."""
    return [
        CapWork(
            **{"identity": str(number), "kind": "time", "on": on, "purchase_order": None, "earned": amount, **fields}
        )
        for number, amount in enumerate(amounts, 1)
    ]


def hours(*slices: Slice, rate: str = "100", **fields: Any) -> CapWork:
    """Time at a rate; earned is the price of its slices unless given."""
    price = sum(part.hours * part.multiplier * D(rate) * 100 for part in slices if part.source == "rate")
    work = CapWork(
        identity="t", kind="time", on=MONDAY, purchase_order=None, earned=int(price), slices=slices, rate=D(rate)
    )
    return replace(work, **fields)


def capped(caps: list[Cap], *work: CapWork, **terms: Any) -> dict[str, int]:
    return apply_caps(contract(caps=tuple(caps), **terms), work).capped


def findings(caps: list[Cap], *work: CapWork) -> list[tuple[str, str, str]]:
    return [(found.code, found.cap, found.bucket) for found in apply_caps(contract(caps=tuple(caps)), work).findings]


# Amounts


def test_without_caps_nothing_is_capped() -> None:
    result = apply_caps(contract(), money(500000))
    assert (result.capped, result.because, result.findings) == ({}, {}, ())


def test_the_worked_example_of_advisory_time() -> None:
    # 30.00 h at 180.00 = 5,400.00, not to exceed 5,000.00: capped 400.00
    terms = contract(TimeTerms(card=flat("180.00")), caps=(Cap(id="advisory", amount=500000),))
    [valued] = value_time(terms, queue(entry("30.00")), source_rates={}).values()
    result = apply_caps(terms, [work_of(valued, identity="a", kind="time", on=MONDAY)])
    assert result.capped == {"a": 40000}
    assert result.because == {"a": ("400.00 USD above cap advisory of 5,000.00 USD",)}
    [found] = result.findings
    assert (found.code, found.cap, found.bucket, found.unit) == ("cap_reached", "advisory", "", "amount")
    assert (found.used, found.limit) == (500000, 500000)
    assert found.text == "cap advisory: 5,000.00 USD of 5,000.00 USD used, 400.00 USD capped"


def test_work_is_trimmed_in_the_order_it_comes() -> None:
    assert capped([Cap(id="c", amount=100)], *money(60, 60, 60)) == {"2": 20, "3": 60}


def test_excluded_work_takes_no_room_and_is_not_capped() -> None:
    work = money(60, 60, 60)
    work[0] = replace(work[0], takes_room=False)
    assert capped([Cap(id="c", amount=100)], *work) == {"3": 20}


def test_credited_work_gives_its_room_back() -> None:
    # 60 of which 25 were given back: 35, then 60 of the 65 that are left, then 5
    work = money(60, 60, 60)
    work[0] = replace(work[0], credited=25)
    assert capped([Cap(id="c", amount=100)], *work) == {"3": 55}


def test_a_credit_of_all_takes_nothing_and_corrections_neither_take_nor_give() -> None:
    work = [*money(60, -50, 0, 60)]
    work[0] = replace(work[0], credited=60)
    assert capped([Cap(id="c", amount=50)], *work) == {"4": 10}


def test_a_cap_of_nothing_caps_all() -> None:
    assert capped([Cap(id="c", amount=0)], *money(10)) == {"1": 10}
    assert findings([Cap(id="c", amount=0)], *money(10)) == [("cap_reached", "c", "")]
    assert findings([Cap(id="c", amount=0)]) == []


def test_a_cap_binds_its_kinds() -> None:
    work = [*money(80), *money(80, kind="expense", identity="e"), *money(80, kind="milestone", identity="m")]
    assert capped([Cap(id="c", amount=100)], *work) == {"e": 60}
    assert capped([Cap(id="c", amount=100, kinds=frozenset({"expense"}))], *work) == {}


@pytest.mark.parametrize(
    ("per", "one", "same", "other", "bucket"),
    [
        ("month", "2028-02-01", "2028-02-29", "2028-03-01", "2028-02"),
        ("quarter", "2026-01-01", "2026-03-31", "2026-04-01", "2026-Q1"),
        ("quarter", "2026-10-01", "2026-12-31", "2027-01-01", "2026-Q4"),
        ("quarter", "2026-06-30", "2026-04-01", "2026-07-01", "2026-Q2"),
        ("year", "2026-01-01", "2026-12-31", "2027-01-01", "2026"),
    ],
)
def test_a_cap_of_a_period(per: Any, one: str, same: str, other: str, bucket: str) -> None:
    work = [
        *money(80, identity="one", on=day(one)),
        *money(80, identity="other", on=day(other)),
        *money(80, identity="same", on=day(same)),
    ]
    result = apply_caps(contract(caps=(Cap(id="c", amount=100, per=per),)), work)
    assert result.capped == {"same": 60}
    assert result.because["same"] == (f"0.60 USD above cap c of 1.00 USD in {bucket}",)
    first = result.findings[0]
    assert (first.code, first.bucket) == ("cap_reached", bucket)
    assert first.text == f"cap c in {bucket}: 1.00 USD of 1.00 USD used, 0.60 USD capped"


def test_a_cap_of_each_purchase_order() -> None:
    work = [
        *money(80, identity="a1", purchase_order="PO-A"),
        *money(80, identity="b1", purchase_order="PO-B"),
        *money(80, identity="a2", purchase_order="PO-A"),
        *money(80, identity="n1"),
        *money(80, identity="n2"),
    ]
    each = [Cap(id="c", amount=100, per="purchase_order")]
    assert capped(each, *work) == {"a2": 60, "n2": 60}
    # work without its own order has the contract's
    assert capped(each, *work, purchase_order="PO-B") == {"a2": 60, "n1": 60, "n2": 80}
    assert ("cap_reached", "c", "no order") in findings(each, *work)


def test_a_cap_of_one_purchase_order() -> None:
    work = [*money(80, identity="a", purchase_order="PO-A"), *money(80, identity="b", purchase_order="PO-B")]
    assert capped([Cap(id="c", amount=50, purchase_order="PO-B")], *work) == {"b": 30}
    assert capped([Cap(id="c", amount=50, purchase_order="PO-C")], *work, *money(80)) == {}
    assert capped([Cap(id="c", amount=50, purchase_order="PO-C")], *money(80), purchase_order="PO-C") == {"1": 30}


def test_of_several_caps_the_tightest_trims() -> None:
    caps = [Cap(id="year", amount=150, per="year"), Cap(id="month", amount=100, per="month")]
    march, april = money(120, on=day("2026-03-31")), money(120, on=day("2026-04-01"), identity="2")
    result = apply_caps(contract(caps=tuple(caps)), [*march, *april])
    # March: 100 by the month. April: 50 by the year.
    assert result.capped == {"1": 20, "2": 70}
    assert result.because == {
        "1": ("0.20 USD above cap month of 1.00 USD in 2026-03",),
        "2": ("0.70 USD above cap year of 1.50 USD in 2026",),
    }


def test_caps_that_trim_alike_are_both_named() -> None:
    result = apply_caps(contract(caps=(Cap(id="a", amount=100), Cap(id="b", amount=100))), money(130))
    assert result.because == {"1": ("0.30 USD above cap a of 1.00 USD", "0.30 USD above cap b of 1.00 USD")}


# Warnings


@pytest.mark.parametrize(
    ("amount", "code"),
    [(7999, None), (8000, "cap_warning"), (9999, "cap_warning"), (10000, "cap_reached"), (10001, "cap_reached")],
)
def test_a_warning_from_the_level_and_reached_from_the_limit(amount: int, code: str | None) -> None:
    assert findings([Cap(id="c", amount=10000)], *money(amount)) == ([(code, "c", "")] if code else [])


def test_the_level_is_the_contracts() -> None:
    assert findings([Cap(id="c", amount=10000, warning=D("50.5"))], *money(5049)) == []
    assert findings([Cap(id="c", amount=10000, warning=D("50.5"))], *money(5050)) == [("cap_warning", "c", "")]


def test_a_warning_is_a_sentence() -> None:
    [found] = apply_caps(
        contract(caps=(Cap(id="c", amount=10000, hours=D(3)),)), [hours(Slice(hours=D("2.5")), rate="10")]
    ).findings
    assert found.text == "cap c: 2.50 h of 3.00 h used"
    assert (found.unit, found.used, found.limit) == ("hours", Fraction(5, 2), 3)


# Hours

BASE, LATE = Slice(hours=D(8)), Slice(hours=D(2), multiplier=D("1.5"))


@pytest.mark.parametrize(
    ("limit", "left_out"),
    [
        ("10", None),
        ("9", 15000),  # 8 h base and 1 h overtime: 950.00 of 1,100.00
        ("8", 30000),
        ("5", 60000),
        ("0", 110000),
    ],
)
def test_a_cap_hit_inside_an_entry_bills_base_hours_first(limit: str, left_out: int | None) -> None:
    # 8 h x 100 + 2 h x 150 = 1,100.00; also where the overtime slice stands first
    for slices in ((BASE, LATE), (LATE, BASE)):
        assert capped([Cap(id="c", hours=D(limit))], hours(*slices)) == ({"t": left_out} if left_out else {})


def test_the_billed_part_is_priced_and_rounded_and_the_capped_part_is_the_difference() -> None:
    # 1.5 h x 33.33 = 49.995 -> 50.00. Capped at 0.5 h: 16.665 -> 16.67, capped 33.33; half-even: 16.66, capped 33.34
    work = hours(Slice(hours=D("1.5")), rate="33.33", earned=5000)
    assert capped([Cap(id="c", hours=D("0.5"))], work) == {"t": 3333}
    assert capped([Cap(id="c", hours=D("0.5"))], work, rounding="half_even") == {"t": 3334}


def test_included_and_prepaid_hours_take_no_room() -> None:
    work = hours(Slice(hours=D(3), source="included"), Slice(hours=D(2), source="prepaid"), Slice(hours=D(4)))
    assert capped([Cap(id="c", hours=D(4))], work) == {}
    assert capped([Cap(id="c", hours=D(3))], work) == {"t": 10000}


def test_hours_paid_by_a_block_of_money_take_no_room() -> None:
    # 5 h x 100; a block paid 150.00, the first 1.5 h. Of the other 3.5 h a cap of 2 h lets 200.00 through.
    work = hours(Slice(hours=D(5)), earned=35000, drawn=15000)
    assert capped([Cap(id="c", hours=D("3.5"))], work) == {}
    assert capped([Cap(id="c", hours=D(2))], work) == {"t": 15000}
    assert capped([Cap(id="c", hours=D(0))], work) == {"t": 35000}
    # The block paid base hours; what is left is 0.5 h base and 2 h overtime.
    mixed = hours(BASE, LATE, earned=35000, drawn=75000)
    assert capped([Cap(id="c", hours=D(1))], mixed) == {"t": 22500}


def test_expenses_buy_no_hours() -> None:
    assert capped([Cap(id="c", hours=D(1))], *money(5000, kind="expense")) == {}


def test_amount_trims_and_hours_count_what_was_billed() -> None:
    # 250.00 of the first entry's 300.00 are 2.5 h; the second finds 1.5 of 4 h but no money: then the amount cap is
    # the only one that is reached.
    caps = [Cap(id="money", amount=25000, purchase_order="A"), Cap(id="time", hours=D(4))]
    first = hours(Slice(hours=D(3)), identity="1", purchase_order="A")
    second = hours(Slice(hours=D(3)), identity="2", purchase_order="B")
    result = apply_caps(contract(caps=tuple(caps)), [first, second])
    assert result.capped == {"1": 5000, "2": 15000}
    assert [(found.cap, found.used) for found in result.findings] == [("money", 25000), ("time", 4)]


def test_one_cap_of_amount_and_hours() -> None:
    cap = Cap(id="c", amount=50000, hours=D(4))
    result = apply_caps(contract(caps=(cap,)), [hours(Slice(hours=D(6)))])
    assert result.capped == {"t": 20000}
    assert result.because["t"] == ("200.00 USD above cap c of 500.00 USD and 4.00 h",)
    assert [(found.code, found.unit) for found in result.findings] == [
        ("cap_warning", "amount"),
        ("cap_reached", "hours"),
    ]


def test_a_rounded_price_never_counts_more_hours_than_there_were() -> None:
    # 0.333 h x 0.05 = 0.01665 -> 0.02, which would buy 0.4 h
    cap = Cap(id="c", hours=D("0.333"))
    [found] = apply_caps(contract(caps=(cap,)), [hours(Slice(hours=D(1)), rate="0.05")]).findings
    assert found.used == Fraction(333, 1000)


def test_work_worth_nothing_takes_no_hours() -> None:
    free = hours(Slice(hours=D(5)), rate="0")
    assert capped([Cap(id="c", hours=D(1))], free, hours(Slice(hours=D(1)), identity="u")) == {}


def test_hours_that_an_amount_buys() -> None:
    work = hours(BASE, LATE)
    terms = contract()
    # 950.00: 8 h for 800.00, one more for 150.00
    assert hours_bought(work, 95000, terms) == 9
    assert hours_bought(work, 10000, terms) == 1
    assert hours_bought(work, 110000, terms) == 10
    assert hours_bought(work, 0, terms) == 0
    assert hours_bought(replace(work, earned=60000, drawn=50000), 30000, terms) == 3
    # rounded down to 0.03, and still all of it
    assert hours_bought(hours(Slice(hours=D("3.4")), rate="0.01", earned=3), 3, terms) == Fraction(34, 10)
    # rounded up to 0.02 while 0.35 h x 0.05 = 0.0175: all of it is 0.35 h
    assert hours_bought(hours(Slice(hours=D("0.35")), rate="0.05", earned=2), 2, terms) == Fraction(35, 100)


def test_hours_in_other_currencies() -> None:
    # yen have no minor unit: 3 h x 5000 = 15000
    work = hours(Slice(hours=D(3)), rate="5000", earned=15000)
    assert capped([Cap(id="c", hours=D(2))], work, currency="JPY") == {"t": 5000}


def test_valued_time_with_overtime_and_a_block_of_money_fits_together() -> None:
    time = TimeTerms(
        card=flat("100"),
        overtime=(Overtime(per="day", after=D(8), multiplier=D("1.5")),),
        prepaid=(Prepaid(id="B", amount=20000),),
        discount=D(10),
    )
    terms = contract(time, caps=(Cap(id="c", hours=D(7)),))
    # 10 h: 8 x 90 + 2 x 135 = 990.00, 200.00 of it prepaid: 2.222 h; 7 h more end at 9.222 h:
    # 8 x 90 + 1.222 x 135 = 885.00, less 200.00 = 685.00; capped 790.00 - 685.00
    [valued] = value_time(terms, queue(entry("10")), source_rates={}).values()
    assert valued.earned == 79000
    work = work_of(valued, identity="a", kind="time", on=MONDAY, purchase_order="PO", credited=0, takes_room=True)
    assert (work.drawn, work.rate, work.purchase_order) == (20000, D(90), "PO")
    assert apply_caps(terms, [work]).capped == {"a": 10500}


def test_unrated_work_wants_no_room() -> None:
    with pytest.raises(ValueError, match="a is unrated and takes no room"):
        work_of(Valued(earned=None, cause="no_rate"), identity="a", kind="time", on=MONDAY)
