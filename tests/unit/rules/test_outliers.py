from __future__ import annotations

from fractions import Fraction

import pytest

from billsync.rules.outliers import is_outlier, robust_z

SAMPLES = [900, 950, 980, 1000, 1000, 1020, 1050, 1100]


def test_too_few_samples_say_nothing() -> None:
    assert robust_z(SAMPLES[:7], 10**9) is None
    assert not is_outlier(SAMPLES[:7], 10**9)


def test_the_score_is_exact() -> None:
    # median 1000; deviations 100 50 20 0 0 20 50 100, their median (20 + 50) / 2 = 35; 0.6745 x 350 / 35 = 6.745
    assert robust_z(SAMPLES, 1350) == Fraction(6745, 1000)
    assert robust_z(SAMPLES, 650) == Fraction(-6745, 1000)
    assert robust_z(SAMPLES, 1000) == 0
    # an odd number of samples: median 1000, deviations 0 0 20 20 50 50 100 100 400, their median 50
    assert robust_z([*SAMPLES, 1400], 1500) == Fraction(6745, 1000)


@pytest.mark.parametrize(("amount", "outlier"), [(1181, False), (1182, True), (819, False), (818, True)])
def test_beyond_three_and_a_half_on_either_side(amount: int, outlier: bool) -> None:
    # 3.5 x 35 / 0.6745 = 181.62
    assert is_outlier(SAMPLES, amount) is outlier


def test_the_limit_itself_is_no_outlier() -> None:
    assert not is_outlier(SAMPLES, 1350, Fraction(6745, 1000))
    assert is_outlier(SAMPLES, 1350, Fraction(6744, 1000))


def test_a_fee_that_is_always_the_same_may_change_a_little() -> None:
    # one percent of 1,000.00 is 10.00: 3.5 x 10 / 0.6745 = 51.89
    fees = [100000] * 8
    assert not is_outlier(fees, 105189)
    assert is_outlier(fees, 105190)
    assert not is_outlier([-100000] * 8, -105189)
    assert robust_z([0] * 8, 2) == Fraction(13490, 10000)  # never divided by nothing: one minor unit at least


def test_the_order_of_samples_does_not_matter() -> None:
    assert robust_z(SAMPLES[::-1], 1234) == robust_z(SAMPLES, 1234)
