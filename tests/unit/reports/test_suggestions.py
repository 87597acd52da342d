"""How alike names are: a score people can trust, the same on every machine."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from billsync.reports.suggestions import _scalar, likeness


def test_case_accents_punctuation_and_order_do_not_matter() -> None:
    assert likeness("Roé, Ana", "ana roe") == 100
    assert likeness("House on the hill", "HOUSE ON THE HILL!") == 100
    assert likeness("", "Roe") == likeness("--", "Roe") == 0
    assert likeness("Library", "Garage") < 60 < likeness("Springfield Library", "Library of Springfield")


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_score_is_between_0_and_100(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 100


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_the_line_reads_back_as_the_same_text(text: str) -> None:
    assert yaml.safe_load(f"{{of: {_scalar(text)}}}") == {"of": text}
