from __future__ import annotations

from decimal import Decimal

import pytest

from billsync.rules.tax import Predicted, predict, sendable
from billsync.sdk.sink import RoundingModel
from tests.unit.rules.build import D

LINE = RoundingModel()
DOCUMENT = RoundingModel(tax_per="document")
RATE = RoundingModel(tax_per="rate")


def totals(model: RoundingModel, *lines: tuple[int, str], currency: str = "USD") -> tuple[int, int, int]:
    answer = predict([(amount, None, None, D(percent)) for amount, percent in lines], model, currency)
    return answer.net, answer.tax, answer.total


def test_tax_per_line_per_document_and_per_rate() -> None:
    # 0.10 at 5 %: 0.005 each. Three lines, one of them at 15 %: 0.005, 0.005, 0.015.
    lines = [(10, "5"), (10, "5"), (10, "15")]
    assert totals(LINE, *lines) == (30, 1 + 1 + 2, 34)
    assert totals(DOCUMENT, *lines) == (30, 3, 33)  # 0.025 -> 0.03
    assert totals(RATE, *lines) == (30, 1 + 2, 33)  # 0.01 and 0.015 -> 0.02


def test_line_rate_and_document_are_three_answers() -> None:
    lines = [(10, "4"), (10, "4"), (10, "3"), (10, "3")]
    # cents of 0.4, 0.4, 0.3, 0.3: none by line; 0.8 -> 1 and 0.6 -> 1 by rate; 1.4 -> 1 by document
    assert totals(LINE, *lines)[1] == 0
    assert totals(RATE, *lines)[1] == 2
    assert totals(DOCUMENT, *lines)[1] == 1


def test_half_even_books() -> None:
    even = RoundingModel(rounding="half_even")
    assert totals(even, (10, "5"), (10, "15")) == (20, 0 + 2, 22)
    assert totals(LINE, (10, "5"), (10, "15")) == (20, 1 + 2, 23)


def test_untaxed_and_negative_lines() -> None:
    assert totals(LINE, (1000, "0"), (-110, "20")) == (890, -22, 868)
    assert predict([], LINE, "USD") == Predicted(net=0, tax=0, total=0)


def test_inclusive_amounts_contain_their_tax() -> None:
    inclusive = RoundingModel(inclusive=True)
    # 120.00 with 20 %: 20.00 of it; 10.00 with 19 %: 1.5966 -> 1.60
    assert totals(inclusive, (12000, "20"), (1000, "19")) == (13000 - 2160, 2160, 13000)
    # twice 1.5966 = 3.193 -> 3.19 where the document is rounded
    assert totals(RoundingModel(inclusive=True, tax_per="document"), (1000, "19"), (1000, "19"))[1] == 319


def test_currencies_with_other_minor_units() -> None:
    assert totals(LINE, (1005, "10"), currency="JPY") == (1005, 101, 1106)  # 100.5 yen
    # Books with two decimals round a dinar's fils away: 1.234 -> 1.23, tax 0.0615 -> 0.06
    assert totals(LINE, (1234, "5"), currency="KWD") == (1230, 60, 1290)
    # With three decimals they do not: tax 0.0617 -> 0.062
    assert totals(RoundingModel(decimals=3), (1234, "5"), currency="KWD") == (1234, 62, 1296)
    # More decimals than the currency has change nothing.
    assert totals(RoundingModel(decimals=4), (10, "5")) == totals(LINE, (10, "5"))


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


FOUR = RoundingModel(unit_price_decimals=4)


@pytest.mark.parametrize(
    ("amount", "quantity", "price", "model", "may"),
    [
        (540000, "30", "180", LINE, True),
        (15188, "1.125", "135", LINE, False),  # 1.13 x 135 = 152.55
        (15255, "1.125", "135", LINE, True),  # what these books make of it
        (15188, "1.125", "135", RoundingModel(quantity_decimals=3), True),  # 151.875 -> 151.88
        (15188, "1.125", "135", RoundingModel(quantity_decimals=3, rounding="half_even"), True),
        (15186, "1.125", "135", RoundingModel(quantity_decimals=3), False),
        (14288, "100", "1.42875", LINE, False),  # 100 x 1.43
        (14288, "100", "1.42875", FOUR, True),  # 100 x 1.4288 = 142.88
        (14287, "100", "1.42875", FOUR, False),
        (15120, "1.125", "135", RoundingModel(rounding="half_even"), True),  # 1.12 x 135
        (14289, "100", "1.42885", FOUR, True),  # 1.4289
        (14288, "100", "1.42885", RoundingModel(unit_price_decimals=4, rounding="half_even"), True),  # 1.4288
        (500000, "30", "180", LINE, False),  # trimmed by a cap
        (1, None, "180", LINE, False),
        (1, "30", None, LINE, False),
        (-18000, "-1", "180", LINE, True),
    ],
)
def test_quantity_and_price_are_sent_only_where_their_product_is_our_amount(
    amount: int, quantity: str | None, price: str | None, model: RoundingModel, may: bool
) -> None:
    assert sendable(amount, number(quantity), number(price), model, "USD") is may


def test_sendable_in_other_currencies() -> None:
    assert sendable(253, D("2.5"), D(101), LINE, "JPY")  # 252.5 yen
    assert not sendable(252, D("2.5"), D(101), LINE, "JPY")
    assert sendable(
        1235, D("1.234"), D("1.001"), RoundingModel(quantity_decimals=3, unit_price_decimals=3, decimals=3), "KWD"
    )
