"""Amounts far from what the same client was billed for the same kind of work: a finding, never a guess.

The robust z-score: 0.6745 x (amount - median) / median absolute deviation, with exact fractions, from 8 samples on.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

LEAST_SAMPLES: Final = 8
LIMIT: Final = Fraction(7, 2)
_NORMAL: Final = Fraction(6745, 10000)


def robust_z(samples: Sequence[int], amount: int) -> Fraction | None:
    """How unusual an amount is among earlier ones (minor units); None with fewer than 8 samples.

    The deviation counts as at least one percent of the median, else a fee that is always the same would make every
    cent an outlier."""
    if len(samples) < LEAST_SAMPLES:
        return None
    middle, spread = _middle_and_spread(tuple(samples))
    return _NORMAL * (amount - middle) / spread


@lru_cache(maxsize=64)
def _middle_and_spread(samples: tuple[int, ...]) -> tuple[Fraction, Fraction]:
    """Kept, because all the open work of a client is measured against the same samples."""
    middle = _median([Fraction(sample) for sample in samples])
    deviation = _median([abs(sample - middle) for sample in samples])
    return middle, max(deviation, abs(middle) / 100, Fraction(1))


def is_outlier(samples: Sequence[int], amount: int, limit: Fraction = LIMIT) -> bool:
    """Whether the amount is beyond `limit` on either side; never with fewer than 8 samples."""
    score = robust_z(samples, amount)
    return score is not None and abs(score) > limit


def _median(values: Sequence[Fraction]) -> Fraction:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
