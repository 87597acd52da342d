from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.model.money import (
    Money,
    allocate,
    decimal_of,
    exact_minor,
    exponent,
    grouped,
    plain,
    round_places,
    round_whole,
    to_major,
    to_minor,
)


def test_exponents_are_those_of_iso_4217() -> None:
    """Every currency of the standard's own table that has minor units."""
    known = [currency for currency in iso4217.Currency if currency.exponent is not None]
    wrong = {c.code: (exponent(c.code), c.exponent) for c in known if exponent(c.code) != c.exponent}
    assert len(known) > 150
    assert not wrong, f"ours, the standard's: {wrong}"


@pytest.mark.parametrize("code", ["", "usd", "US", "USDT", "U$D", "USD "])
def test_what_is_no_currency_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r"is not a currency code of three capital letters$"):
        exponent(code)


@pytest.mark.parametrize(
    ("amount", "half_up", "half_even"),
    [
        ("0.5", 1, 0),
        ("1.5", 2, 2),
        ("2.5", 3, 2),
        ("-0.5", -1, 0),
        ("-2.5", -3, -2),
        ("3.5", 4, 4),
        ("4.5", 5, 4),
        ("2.4999999999999999999999999999999999", 2, 2),
        ("2.5000000000000000000000000000000001", 3, 3),
        ("-2.51", -3, -3),
        ("7", 7, 7),
        ("0", 0, 0),
    ],
)
def test_rounding_a_half(amount: str, half_up: int, half_even: int) -> None:
    assert round_whole(Decimal(amount)) == half_up
    assert round_whole(Decimal(amount), "half_even") == half_even


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.345", "USD", 1235),
        ("-12.345", "USD", -1235),
        ("12.5", "JPY", 13),
        ("1.2345", "KWD", 1235),
        ("1.23456", "CLF", 12346),
    ],
)
def test_minor_units_follow_the_currency(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor


def test_a_third_of_a_unit_is_rounded_exactly() -> None:
    assert to_minor(Fraction(200, 3), "USD") == 6667
    assert round_places(Fraction(1, 3), 4) == Decimal("0.3333")
    assert str(round_places(Fraction(-2, 3), 2)) == "-0.67"


def test_round_places_keeps_the_places() -> None:
    assert str(round_places(Decimal("2.5"), 2)) == "2.50"
    assert round_places(Decimal("2.125"), 2, "half_even") == Decimal("2.12")
    assert round_places(Decimal("1250"), -2) == Decimal(1300)


def test_exact_minor_refuses_to_round() -> None:
    assert exact_minor(Decimal("12.50"), "USD") == 1250
    with pytest.raises(ValueError, match=r"12\.505 has more decimals than USD allows \(2\)$"):
        exact_minor(Decimal("12.505"), "USD")


@pytest.mark.parametrize(
    ("minor", "currency", "text", "people"),
    [(123450, "USD", "1234.50", "1,234.50"), (-5, "USD", "-0.05", "-0.05"), (1234, "JPY", "1234", "1,234")],
)
def test_texts(minor: int, currency: str, text: str, people: str) -> None:
    assert plain(minor, currency) == text
    assert grouped(minor, currency) == people


@given(st.integers(-(10**30), 10**30), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_major_and_minor_are_the_same_amount(minor: int, currency: str) -> None:
    assert exact_minor(to_major(minor, currency), currency) == minor
    assert exact_minor(decimal_of(plain(minor, currency)), currency) == minor


def test_allocation_gives_the_spare_units_to_the_largest_remainders() -> None:
    # 100 / 3 = 33.33 each: one unit is over, all remainders tie, the earliest has it.
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    # 10 x 5/8 = 6.25, 10 x 3/8 = 3.75: the unit goes to the larger remainder.
    assert allocate(10, [5, 3]) == [6, 4]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert allocate(-1, [1, 1, 1]) == [-1, 0, 0]
    assert allocate(7, [0, Decimal("0.5"), 0]) == [0, 7, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_weights_that_split_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"weights must not be negative and not all zero$"):
        allocate(100, weights)


@given(st.integers(-(10**12), 10**12), st.lists(st.fractions(0, 1000), min_size=1, max_size=12))
def test_splitting_loses_nothing(total: int, weights: list[Fraction]) -> None:
    if not any(weights):
        weights = [*weights, Fraction(1)]
    parts = allocate(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / whole) < 1, "a part is a whole unit away from its exact share"


@pytest.mark.parametrize("text", ["", "abc", "1,5", "NaN", "Infinity", "-inf", "sNaN", "1 2"])
def test_text_that_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (finite )?number$"):
        decimal_of(text)


def test_text_with_blanks_around_is_a_number() -> None:
    assert decimal_of(" 12.50 ") == Decimal("12.50")


def test_money_adds_in_one_currency_only() -> None:
    assert Money(150, "USD") + Money(50, "USD") == Money(200, "USD")
    assert Money(150, "USD") - Money(50, "USD") == Money.of("1.00", "USD")
    assert -Money(150, "USD") == Money.of(Decimal("-1.5"), "USD")
    assert Money(1, "USD")
    assert not Money(0, "USD")
    for operation in (Money.__add__, Money.__sub__):
        with pytest.raises(ValueError, match=r"USD and EUR cannot be added$"):
            operation(Money(1, "USD"), Money(1, "EUR"))


@pytest.mark.parametrize("minor", [1.0, True, Decimal(1), "1"])
def test_money_is_of_whole_minor_units(minor: object) -> None:
    with pytest.raises(TypeError, match=r"minor units are an int, not (float|bool|Decimal|str)$"):
        Money(minor, "USD")  # type: ignore[arg-type]


def test_money_checks_its_currency_and_prints() -> None:
    with pytest.raises(ValueError, match="not a currency code"):
        Money(1, "dollars")
    assert str(Money(123456, "USD")) == "USD 1,234.56"
    assert Money(123456, "USD").text == "1234.56"
