from __future__ import annotations

from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from billsync.model.contract import Origin, Rate, TimeTerms
from billsync.rules.rates import find_rate, overlapping
from tests.unit.rules.build import D, card, day, flat

WORK = {"person": "ana", "project": "P-1", "role": "architect", "task": "design"}
# From the most to the least specific, each with an amount that tells it.
LEVELS = [
    Rate(amount=D(7), person="ana", project="P-1"),
    Rate(amount=D(6), person="ana"),
    Rate(amount=D(5), role="architect", project="P-1"),
    Rate(amount=D(4), role="architect"),
    Rate(amount=D(3), task="design"),
    Rate(amount=D(2), project="P-1"),
    Rate(amount=D(1)),
]


def rate_of(time: TimeTerms, on: str = "2026-03-02", **work: str | None) -> Decimal | None:
    found = find_rate(time, on=day(on), **{**WORK, **work})  # type: ignore[arg-type]
    return found.amount if found else None


@pytest.mark.parametrize(("higher", "lower"), list(combinations(LEVELS, 2)))
def test_the_more_specific_row_wins_wherever_it_stands(higher: Rate, lower: Rate) -> None:
    for rows in ((higher, lower), (lower, higher)):
        assert rate_of(TimeTerms(card=card(*rows))) == higher.amount


@pytest.mark.parametrize(
    ("other", "amount"),
    [
        ({"project": "P-2"}, 6),  # ana elsewhere
        ({"person": "bo"}, 5),  # another architect here
        ({"person": "bo", "project": "P-2"}, 4),
        ({"person": "bo", "role": None}, 3),
        ({"person": "bo", "role": None, "task": None}, 2),
        ({"person": "bo", "role": "drafter", "task": "survey", "project": "P-2"}, 1),
    ],
)
def test_a_row_must_match_all_it_names(other: dict[str, Any], amount: int) -> None:
    assert rate_of(TimeTerms(card=card(*LEVELS)), **other) == amount


def test_no_row_no_rate() -> None:
    assert rate_of(TimeTerms()) is None
    assert rate_of(TimeTerms(card=card(Rate(amount=D(9), person="bo")))) is None


def test_a_row_that_names_more_goes_before_its_level() -> None:
    rows = [Rate(amount=D(1), task="design"), Rate(amount=D(2), task="design", project="P-1")]
    assert rate_of(TimeTerms(card=card(*rows))) == 2
    assert rate_of(TimeTerms(card=card(*rows)), project="P-2") == 1
    person_first = [Rate(amount=D(3), person="ana", task="design"), Rate(amount=D(4), person="ana", project="P-1")]
    assert rate_of(TimeTerms(card=card(*person_first))) == 4


def test_the_contracts_own_rates_go_before_the_card_at_every_level() -> None:
    time = TimeTerms(rates=flat("90"), card=card(*LEVELS))
    assert rate_of(time) == 90
    own_for_bo = TimeTerms(rates=card(Rate(amount=D(90), person="bo")), card=card(*LEVELS))
    assert rate_of(own_for_bo) == 7
    assert rate_of(own_for_bo, person="bo") == 90


@pytest.mark.parametrize(
    ("on", "amount"),
    [("2025-12-31", None), ("2026-01-01", 100), ("2026-06-30", 100), ("2026-07-01", 110), ("2030-01-01", 110)],
)
def test_dates_are_inclusive(on: str, amount: int | None) -> None:
    rows = [
        Rate(amount=D(100), since=day("2026-01-01"), until=day("2026-06-30")),
        Rate(amount=D(110), since=day("2026-07-01")),
    ]
    assert rate_of(TimeTerms(card=card(*rows)), on=on) == amount
    assert overlapping(card(*rows)) == []


def test_out_of_force_a_specific_row_leaves_the_next_level() -> None:
    rows = [Rate(amount=D(200), person="ana", until=day("2026-03-01")), Rate(amount=D(150))]
    assert rate_of(TimeTerms(card=card(*rows))) == 150
    assert rate_of(TimeTerms(card=card(*rows)), on="2026-03-01") == 200


def test_it_says_why_and_where() -> None:
    origin = Origin(file="cards.yaml", line=12)
    row = Rate(amount=D("180"), person="ana", project="P-1", since=day("2026-01-01"), origin=origin)
    found = find_rate(
        TimeTerms(card=card(row)), person="ana", project="P-1", role=None, task=None, on=day("2026-03-02")
    )
    assert found is not None
    assert found.because == "rate 180.00 of person ana on P-1 since 2026-01-01"
    assert found.origin == origin


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (Rate(amount=D("95.5")), "default rate 95.50"),
        (Rate(amount=D("95.125"), project="P-1"), "default rate 95.125 on P-1"),
        (Rate(amount=D(95), role="architect", task="design"), "rate 95.00 of role architect, task design"),
        (Rate(amount=D(95), task="design", until=day("2026-12-31")), "rate 95.00 of task design until 2026-12-31"),
    ],
)
def test_each_level_has_its_sentence(row: Rate, sentence: str) -> None:
    found = find_rate(TimeTerms(card=card(row)), on=day("2026-03-02"), **WORK)
    assert found is not None
    assert found.because == sentence


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (Rate(amount=D(1)), Rate(amount=D(2)), True),
        (Rate(amount=D(1), person="ana"), Rate(amount=D(2), person="bo"), False),
        (Rate(amount=D(1), person="ana"), Rate(amount=D(2)), False),
        (Rate(amount=D(1), until=day("2026-06-30")), Rate(amount=D(2), since=day("2026-06-30")), True),
        (Rate(amount=D(1), since=day("2026-06-30")), Rate(amount=D(2), until=day("2026-06-30")), True),
        (Rate(amount=D(1), until=day("2026-06-29")), Rate(amount=D(2), since=day("2026-06-30")), False),
        # ana's design work as an architect: both match, neither is more specific.
        (
            Rate(amount=D(1), person="ana", task="design"),
            Rate(amount=D(2), person="ana", role="architect"),
            True,
        ),
        (
            Rate(amount=D(1), person="ana", task="design"),
            Rate(amount=D(2), person="ana", task="survey"),
            False,
        ),
        (Rate(amount=D(1), task="design", project="P-1"), Rate(amount=D(2), task="design"), False),
        (Rate(amount=D(1), task="design", project="P-1"), Rate(amount=D(2), role="architect", project="P-1"), False),
    ],
)
def test_overlapping_rows(one: Rate, other: Rate, overlap: bool) -> None:
    assert overlapping(card(one, other)) == ([(one, other)] if overlap else [])
