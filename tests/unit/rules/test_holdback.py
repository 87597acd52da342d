from __future__ import annotations

import pytest

from billsync.model.contract import Holdback
from billsync.rules.holdback import withheld_of
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
