from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from billsync.rules import because


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("180", "180.00"),
        ("180.5", "180.50"),
        ("0.125", "0.125"),
        ("1200.100", "1,200.10"),
        ("1E+3", "1,000.00"),
        ("0", "0.00"),
    ],
)
def test_at_least_two_decimals_and_all_that_count(value: str, text: str) -> None:
    assert because.decimals(Decimal(value)) == text


def test_units() -> None:
    assert because.hours(Decimal("3.2")) == "3.20 h"
    assert because.hours(Fraction(250, 9)) == "27.7778 h"
    assert because.percent(Decimal("12.50")) == "12.5 %"
    assert because.percent(Decimal(10)) == "10 %"
    assert because.amount(108000, "USD") == "1,080.00 USD"
    assert because.amount(1080, "JPY") == "1,080 JPY"
