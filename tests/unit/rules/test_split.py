from __future__ import annotations

import pytest

from billsync.model.contract import Payer
from billsync.rules.split import share_of
from tests.unit.rules.build import D


def payers(*shares: str) -> list[Payer]:
    return [Payer(client=name, share=D(share)) for name, share in zip("abcdef", shares, strict=False)]


@pytest.mark.parametrize(
    ("shares", "cumulative", "expected"),
    [
        (("70", "30"), 10001, {"a": 7001, "b": 3000}),  # 7000.7 and 3000.3
        (("1", "1"), 5, {"a": 3, "b": 2}),  # a tie: the earlier
        (("1", "1", "1"), 100, {"a": 34, "b": 33, "c": 33}),
        (("1", "1"), -5, {"a": -3, "b": -2}),
        (("0.5", "0.25"), 300, {"a": 200, "b": 100}),
        (("1", "0"), 99, {"a": 99, "b": 0}),
        (("1", "1"), 0, {"a": 0, "b": 0}),
    ],
)
def test_shares(shares: tuple[str, ...], cumulative: int, expected: dict[str, int]) -> None:
    assert share_of(payers(*shares), cumulative) == expected


def test_the_cumulative_amount_is_split_not_each_night() -> None:
    """0.01 a night for three nights, half each: 0.02 and 0.01 in all, not 0.03 and nothing."""
    nights = [share_of(payers("1", "1"), total) for total in (1, 2, 3)]
    assert nights == [{"a": 1, "b": 0}, {"a": 1, "b": 1}, {"a": 2, "b": 1}]


def test_nobody_to_pay_is_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        share_of([], 100)
