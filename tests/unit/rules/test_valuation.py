from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import ExchangeRate
from billsync.model.contract import ExpenseTerms, Included, Overtime, Prepaid, Rate, TimeTerms
from billsync.model.work import Approval, Expense
from billsync.rules.hours import TimeWork
from billsync.rules.valuation import Valued, exchange_rate, value_expense, value_time
from tests.unit.rules.build import D, card, contract, day, entry, flat, queue


def worth(
    time: TimeTerms | None, *entries: TimeWork, source: dict[str, Decimal] | None = None, **terms: Any
) -> list[Valued]:
    return list(value_time(contract(time, **terms), queue(*entries), source_rates=source or {}).values())


def earned(time: TimeTerms, *entries: TimeWork, **terms: Any) -> list[int | None]:
    return [valued.earned for valued in worth(time, *entries, **terms)]


# Time


@pytest.mark.parametrize(
    ("hours", "rate", "currency", "minor"),
    [
        ("30", "180.00", "USD", 540000),
        ("0.05", "0.10", "USD", 1),  # 0.005: the half goes up
        ("1.3333", "150", "USD", 20000),  # 199.995
        ("2.5", "101", "JPY", 253),  # 252.5 yen
        ("0.3333333333333333333333333333", "90", "USD", 3000),  # a third of an hour, to 28 digits
        ("0", "180", "USD", 0),
        ("-1", "180", "USD", -18000),
    ],
)
def test_hours_times_rate_rounded_once(hours: str, rate: str, currency: str, minor: int) -> None:
    time = TimeTerms(card=card(Rate(amount=D(rate)), currency=currency))
    assert earned(time, entry(hours), currency=currency) == [minor]


def test_half_even_where_the_contract_says_so() -> None:
    time = TimeTerms(card=flat("0.10"))
    assert earned(time, entry("0.05"), entry("0.15"), rounding="half_even") == [0, 2]
    assert earned(time, entry("0.05"), entry("0.15")) == [1, 2]


def test_each_entry_is_rounded_by_itself() -> None:
    # 0.05 h x 0.10 = 0.005 each: three cents, not one and a half
    assert earned(TimeTerms(card=flat("0.10")), *[entry("0.05")] * 3) == [1, 1, 1]


def test_the_discount_goes_into_the_one_rounding() -> None:
    # 0.5 x 0.33 x 0.5 = 0.0825 -> 0.08; rounded between, 0.17 x 0.5 = 0.085 -> 0.09
    assert earned(TimeTerms(card=flat("0.33"), discount=D(50)), entry("0.5")) == [8]
    # 0.99 x 0.01 x 0.5 = 0.00495 -> 0.00; rounded between, 0.01 x 0.5 = 0.005 -> 0.01
    assert earned(TimeTerms(card=flat("0.01"), discount=D(50)), entry("0.99")) == [0]
    assert earned(TimeTerms(card=flat("180"), discount=D(100)), entry("1")) == [0]


def test_overtime_included_and_prepaid_hours() -> None:
    time = TimeTerms(
        card=flat("100"),
        overtime=(Overtime(per="day", after=D(8), multiplier=D("1.5")),),
        included=Included(hours=D(3)),
        prepaid=(Prepaid(id="B-1", hours=D(2)),),
    )
    # 10 h: 3 included, 2 prepaid, 3 x 100, 2 x 150
    [valued] = worth(time, entry("10"))
    assert valued.earned == 60000
    assert valued.hours == 10
    assert valued.priced_hours == 5
    assert valued.unit_price is None  # two prices
    assert valued.because == (
        "default rate 100.00",
        "2.00 h overtime x 1.5 (above 8.00 h a day)",
        "3.00 h of the hours included in 2026-03 (0.00 h left)",
        "2.00 h of prepaid block B-1 (0.00 h left)",
        "3.00 h x 100.00 + 2.00 h x 100.00 x 1.5 = 600.00 USD",
    )


def test_the_unit_price_is_what_an_hour_costs() -> None:
    time = TimeTerms(
        card=flat("180"),
        overtime=(Overtime(per="day", after=D(8), multiplier=D("1.5")),),
        discount=D("12.5"),
    )
    plain, late = worth(time, entry("8"), entry("1"))
    # 180 x 0.875 = 157.50; x 1.5 = 236.25
    assert (plain.unit_price, plain.rate, plain.earned) == (D("157.5"), D("157.5"), 126000)
    assert (late.unit_price, late.rate, late.earned) == (D("236.25"), D("157.5"), 23625)
    assert late.because[-1] == "1.00 h x 180.00 x 1.5, less 12.5 % discount = 236.25 USD"


def test_work_that_the_retainer_pays_is_worth_nothing_and_says_so() -> None:
    [valued] = worth(TimeTerms(card=flat(), included=Included(hours=D(3)), discount=D(5)), entry("2"))
    assert (valued.earned, valued.unit_price, valued.priced_hours) == (0, None, D(0))
    assert valued.because[-1] == "no hours to price = 0.00 USD"


def test_included_hours_begin_with_the_contract_unless_told() -> None:
    time = TimeTerms(card=flat("1"), included=Included(hours=D(10), roll_over=12))
    late = entry("50", day("2026-03-10"))
    assert earned(time, late, starts_on=day("2026-01-15")) == [2000]  # January to March: 30 h included
    assert earned(time, late) == [4000]
    told = TimeTerms(card=flat("1"), included=Included(hours=D(10), roll_over=12, since=day("2026-02-01")))
    assert earned(told, late, starts_on=day("2026-01-15")) == [3000]


def test_without_a_rate_hours_are_counted_and_not_valued() -> None:
    time = TimeTerms(card=card(Rate(amount=D(100), person="ana")))
    [valued] = worth(time, entry("2", person="bo"))
    assert (valued.earned, valued.cause, valued.hours, valued.slices) == (None, "no_rate", D(2), ())
    assert valued.because == ("no rate for bo on P-1 on 2026-03-02",)
    assert worth(None, entry("2"))[0].cause == "no_rate"


def test_unrated_work_takes_no_included_hours() -> None:
    time = TimeTerms(card=card(Rate(amount=D(100), person="ana")), included=Included(hours=D(2)))
    assert earned(time, entry("2", person="bo"), entry("3")) == [None, 10000]


def test_a_card_in_another_currency_gives_no_rate() -> None:
    euro = card(Rate(amount=D(100)), currency="EUR")
    assert earned(TimeTerms(card=euro), entry("1")) == [None]
    assert earned(TimeTerms(rates=euro, card=flat("90")), entry("1")) == [9000]


def test_the_sources_rate_is_used_only_where_agreed_and_no_card_matches() -> None:
    hint = {"1": D("75.5")}
    agreed = TimeTerms(source_rates=True)
    [valued] = worth(agreed, entry("2"), source=hint)
    assert (valued.earned, valued.because[0]) == (15100, "rate 75.50 of the source's own entry")
    assert worth(TimeTerms(), entry("2"), source=hint)[0].cause == "no_rate"
    assert worth(agreed, entry("2"))[0].cause == "no_rate"
    assert worth(TimeTerms(source_rates=True, card=flat("100")), entry("2"), source=hint)[0].earned == 20000


def test_a_block_of_money_pays_until_it_is_empty() -> None:
    time = TimeTerms(card=flat("100"), prepaid=(Prepaid(id="B-1", amount=25000),))
    first, second, third = worth(time, entry("2"), entry("2"), entry("1"))
    assert [work.earned for work in (first, second, third)] == [0, 15000, 10000]
    assert [work.drawn for work in (first, second, third)] == [20000, 5000, 0]
    assert second.because[-1] == "50.00 USD of prepaid block B-1 (0.00 USD left)"
    assert third.because == ("default rate 100.00", "1.00 h x 100.00 = 100.00 USD")  # an empty block says nothing
    assert (second.unit_price, third.unit_price) == (None, D(100))


def test_blocks_of_money_by_expiry_and_date_beside_blocks_of_hours() -> None:
    blocks = (
        Prepaid(id="later", amount=10000),
        Prepaid(id="march", amount=5000, since=day("2026-03-02"), expires=day("2026-03-31")),
        Prepaid(id="hours", hours=D(1), amount=99900),  # a block of hours, whatever was paid for it
    )
    time = TimeTerms(card=flat("100"), prepaid=blocks)
    [valued] = worth(time, entry("3"))
    assert (valued.earned, valued.drawn) == (5000, 15000)
    assert [why for why in valued.because if "block" in why] == [
        "1.00 h of prepaid block hours (0.00 h left)",
        "50.00 USD of prepaid block march (0.00 USD left)",
        "100.00 USD of prepaid block later (0.00 USD left)",
    ]
    assert earned(time, entry("3", day("2026-03-01"))) == [10000]
    assert earned(time, entry("3", day("2026-03-31"))) == [5000]
    assert earned(time, entry("3", day("2026-04-01"))) == [10000]


def test_a_block_pays_its_last_cent() -> None:
    time = TimeTerms(card=flat("100"), prepaid=(Prepaid(id="B-1", amount=10001),))
    assert earned(time, entry("1"), entry("1")) == [0, 9999]


def test_a_correction_draws_no_block() -> None:
    time = TimeTerms(card=flat("100"), prepaid=(Prepaid(id="B-1", amount=10000),))
    assert earned(time, entry("-1"), entry("2")) == [-10000, 10000]


# Expenses


def expense(amount: str, currency: str = "USD", on: str = "2026-03-02") -> Expense:
    return Expense(
        id="E-1",
        project="P-1",
        spent_on=day(on),
        amount=D(amount),
        currency=currency,
        billable=True,
        approval=Approval(state="approved"),
    )


def rate(
    amount: str, on: str = "2026-03-01", currency: str = "EUR", into: str = "USD", source: str = "ECB"
) -> ExchangeRate:
    return ExchangeRate(currency=currency, into=into, on=day(on), rate=D(amount), source=source)


def test_an_expense_is_passed_on_with_its_mark_up_in_one_rounding() -> None:
    # 12.05 x 1.075 = 12.95375
    marked_up = contract(expenses=ExpenseTerms(markup=D("7.5")))
    valued = value_expense(marked_up, expense("12.05"), None)
    assert (valued.earned, valued.drawn) == (1295, 0)
    assert valued.because == ("spent 12.05 USD on 2026-03-02", "mark-up 7.5 %", "= 12.95 USD")
    assert value_expense(contract(), expense("12.05"), None).because == (
        "spent 12.05 USD on 2026-03-02",
        "= 12.05 USD",
    )
    # 0.05 x 1.1 = 0.055: half-up 0.06, half-even 0.06; 0.45 x 1.1 = 0.495 -> 0.50, 0.50; 0.05 x 1.5 = 0.075
    assert (
        value_expense(contract(expenses=ExpenseTerms(markup=D(10)), rounding="half_even"), expense("0.45"), None).earned
        == 50
    )
    assert (
        value_expense(contract(expenses=ExpenseTerms(markup=D(30)), rounding="half_even"), expense("0.05"), None).earned
        == 6
    )
    assert value_expense(contract(expenses=ExpenseTerms(markup=D(30))), expense("0.05"), None).earned == 7


def test_exchange_and_mark_up_are_rounded_together() -> None:
    # 10.01 x 1.0853 x 1.05 = 11.40705... -> 11.41; rounded between, 10.86 x 1.05 = 11.403 -> 11.40
    valued = value_expense(contract(expenses=ExpenseTerms(markup=D(5))), expense("10.01", "EUR"), rate("1.0853"))
    assert valued.earned == 1141
    assert valued.because == (
        "spent 10.01 EUR on 2026-03-02",
        "1 EUR = 1.0853 USD on 2026-03-01 (ECB)",
        "mark-up 5 %",
        "= 11.41 USD",
    )


def test_a_whole_exchange_rate_is_told_without_decimals() -> None:
    assert value_expense(contract(), expense("10", "EUR"), rate("2")).because[1] == "1 EUR = 2 USD on 2026-03-01 (ECB)"


def test_minor_units_are_those_of_the_contract() -> None:
    yen = rate("0.0067", currency="JPY")
    assert value_expense(contract(), expense("1500", "JPY"), yen).earned == 1005
    dollars = rate("149.5", currency="USD", into="JPY")
    assert value_expense(contract(currency="JPY"), expense("10.01", "USD"), dollars).earned == 1496  # 1496.495


def test_an_expense_without_an_exchange_rate_is_unrated() -> None:
    valued = value_expense(contract(), expense("10", "EUR"), None)
    assert (valued.earned, valued.cause) == (None, "no_fx_rate")
    assert valued.because == ("no exchange rate EUR to USD on 2026-03-02 or before",)


@pytest.mark.parametrize(
    "wrong", [rate("2", currency="GBP"), rate("2", into="GBP"), rate("2", currency="USD", into="EUR")]
)
def test_an_exchange_rate_of_other_currencies_is_refused(wrong: ExchangeRate) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z]{3} to [A-Z]{3} does not turn EUR into USD$"):
        value_expense(contract(), expense("10", "EUR"), wrong)


def test_at_home_no_exchange_rate_is_used() -> None:
    valued = value_expense(contract(), expense("10"), rate("2"))
    assert (valued.earned, len(valued.because)) == (1000, 2)


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("2026-02-28", None),
        ("2026-03-01", "1.10"),
        ("2026-03-02", "1.10"),
        ("2026-03-03", "1.30"),
        ("2027-01-01", "1.30"),
    ],
)
def test_the_rate_of_the_date_else_the_last_before(on: str, found: str | None) -> None:
    rates = [
        rate("1.30", "2026-03-03"),
        rate("1.10", "2026-03-01"),
        rate("9", "2026-03-02", currency="GBP"),
        rate("9", "2026-03-02", into="CHF"),
        rate("1.40", "2026-03-03", source="bank"),  # stored second for its date
    ]
    answer = exchange_rate(rates, "EUR", "USD", day(on))
    assert (answer.rate if answer else None) == (D(found) if found else None)
    assert answer is None or isinstance(answer.on, date)
