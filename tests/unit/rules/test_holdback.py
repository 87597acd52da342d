from __future__ import annotations

import pytest

from billsync.model.contract import Holdback
from billsync.rules.holdback import release_of, withheld_of
from tests.unit.rules.build import D

TEN = Holdback(percent=D(10))


@pytest.mark.parametrize(
    ("kind", "net", "withheld"),
    [
        ("dated", 2200000, 220000),
        ("milestone", 2750000, 275000),
        ("time", 2750000, 0),
        ("milestone", 5, 1),  # 0.5: the half goes up
        ("milestone", 4, 0),
        ("milestone", -25, -3),
        ("milestone", 0, 0),
    ],
)
def test_percent_of_the_net_amount_of_the_kinds_named(kind: str, net: int, withheld: int) -> None:
    assert withheld_of(TEN, kind, net) == withheld


def test_without_terms_nothing_is_withheld() -> None:
    assert withheld_of(None, "milestone", 1000) == 0


def test_half_even_where_the_contract_says_so() -> None:
    assert (withheld_of(TEN, "milestone", 5, "half_even"), withheld_of(TEN, "milestone", 15, "half_even")) == (0, 2)


def test_cumulative_amounts_round_once() -> None:
    """Three payments of 0.05 each: in all 10 % of 0.15 is 0.02, not three times 0.01."""
    steps = [withheld_of(TEN, "milestone", net) for net in (5, 10, 15)]
    assert steps == [1, 1, 2]


def test_a_release_pays_everything() -> None:
    assert release_of({"a": 220000, "b": 275000, "c": 0}, D(100)) == {"a": 220000, "b": 275000, "c": 0}
    assert release_of({}, D(100)) == {}


def test_a_release_in_part_sums_to_its_rounded_total() -> None:
    # 50 % of 0.03 is 0.015 -> 0.02: each has half a cent, the earlier two get one
    assert release_of({"a": 1, "b": 1, "c": 1}, D(50)) == {"a": 1, "b": 1, "c": 0}
    assert release_of({"a": 1, "b": 1, "c": 1, "d": 2}, D(50), "half_even") == {"a": 1, "b": 0, "c": 0, "d": 1}
    # 33.3 % of 10.00: 3.33; 6.66 -> 2.2178 and 1.1122
    assert release_of({"a": 666, "b": 334}, D("33.3")) == {"a": 222, "b": 111}


def test_what_was_withheld_of_a_deduction_is_released_beside_it() -> None:
    assert release_of({"a": 1000, "deduction": -300}, D(50)) == {"a": 500, "deduction": -150}
