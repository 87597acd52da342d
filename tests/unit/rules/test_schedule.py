from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from billsync.model.contract import ContractChange, ScheduleLine, Signature, Trigger
from billsync.rules.schedule import (
    LinesInForce,
    dated_occurrences,
    lines_in_force,
    percent_lines,
    progress,
    signed_by,
    value_in_force,
)
from tests.unit.rules.build import D, contract, day

# Percent lines


def percents(value: int, *parts: str) -> list[int]:
    lines = [(str(number), D(part)) for number, part in enumerate(parts)]
    return list(percent_lines(value, lines).values())


def test_percent_lines_are_parts_of_the_value() -> None:
    assert percent_lines(11000000, [("mobilisation", D(20)), ("final", D(80))]) == {
        "mobilisation": 2200000,
        "final": 8800000,
    }


@pytest.mark.parametrize(
    ("value", "parts", "expected"),
    [
        # 1.00 in thirds: 33.33 each, and the rest of 0.01 % is 0.01; one cent over goes to the earliest remainder .33
        (100, ("33.33", "33.33", "33.33"), [34, 33, 33]),
        # 3 cents in 50 %, 50 %: 1.5 each, the tie goes to the earlier line
        (3, ("50", "50"), [2, 1]),
        # 1 cent at 50 %: the line and the rest tie, the line is earlier
        (1, ("50",), [1]),
        # 1 cent at 40 %: the rest of 60 % has the larger remainder
        (1, ("40",), [0]),
        # 10 cents: 3.3, 3.3 and the rest 3.4, which has the largest remainder
        (10, ("33", "33"), [3, 3]),
        (-3, ("50", "50"), [-2, -1]),
        (0, ("50", "50"), [0, 0]),
        (100, (), []),
        (100, ("0",), [0]),
        (999, ("100",), [999]),
    ],
)
def test_largest_remainder_over_the_lines_and_the_rest(value: int, parts: tuple[str, ...], expected: list[int]) -> None:
    assert percents(value, *parts) == expected


def test_more_than_the_whole_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the percent lines sum to 100\.5 %, more than the contract value$"):
        percents(100, "50", "50.5")


# Value and lines in force


def line(id: str) -> ScheduleLine:
    return ScheduleLine(id=id, name=id, trigger=Trigger(kind="milestone"), amount=100)


def change(id: str, value: int, signed: str | None, *lines: str, removes: tuple[str, ...] = ()) -> ContractChange:
    return ContractChange(
        id=id,
        name=id,
        value=value,
        signed_on=day(signed) if signed else None,
        lines=tuple(map(line, lines)),
        removes=frozenset(removes),
    )


def test_change_orders_count_from_the_day_they_are_signed() -> None:
    terms = contract(
        value=11000000,
        change_orders=(
            change("CO-1", 1200000, "2026-05-02"),
            change("CO-2", 800000, None),
            change("CO-3", -500000, "2026-06-01"),
        ),
    )
    assert value_in_force(terms, day("2026-05-01")) == 11000000
    assert value_in_force(terms, day("2026-05-02")) == 12200000
    assert value_in_force(terms, day("2026-06-01")) == 11700000


def test_an_effective_date_does_not_move_the_day() -> None:
    early = ContractChange(id="CO", name="", value=5, signed_on=day("2026-05-02"), effective_on=day("2026-01-01"))
    assert value_in_force(contract(value=100, change_orders=(early,)), day("2026-05-01")) == 100


def test_a_contract_without_a_value_has_none() -> None:
    assert value_in_force(contract(change_orders=(change("CO", 5, "2026-01-01"),)), day("2026-05-01")) is None


@pytest.mark.parametrize(
    ("signature", "on", "signed"),
    [
        (Signature(), "2026-01-01", True),
        (Signature(on=day("2026-02-01")), "2026-01-01", True),  # not tracked
        (Signature(required=True), "2026-01-01", False),
        (Signature(required=True), None, False),
        (Signature(required=True, on=day("2026-02-01")), "2026-01-31", False),
        (Signature(required=True, on=day("2026-02-01")), "2026-02-01", True),
        (Signature(required=True, on=day("2026-02-01")), None, True),
    ],
)
def test_signatures(signature: Signature, on: str | None, signed: bool) -> None:
    terms = contract(value=100, signature=signature, lines=(line("a"),))
    when = day(on) if on else None
    assert signed_by(terms, when) is signed
    assert bool(lines_in_force(terms, when).signed) is signed
    assert bool(lines_in_force(terms, when).unsigned) is not signed
    if when:
        assert value_in_force(terms, when) == (100 if signed else 0)


def ids(lines: LinesInForce) -> tuple[list[str], list[str], list[str]]:
    return tuple([placed.line.id for placed in group] for group in (lines.signed, lines.removed, lines.unsigned))  # type: ignore[return-value]


def test_lines_are_told_apart_by_signature() -> None:
    terms = contract(
        signature=Signature(required=True, on=day("2026-02-01")),
        lines=(line("a"), line("b")),
        change_orders=(
            change("CO-2", 0, None, "deck", removes=("a",)),
            change("CO-3", 0, "2026-06-01", "c", removes=("b", "garage")),
            change("CO-1", 0, "2026-05-02", "garage"),
        ),
    )
    lines = lines_in_force(terms)
    # CO-1 is signed before CO-3, so its garage is there to be removed
    assert ids(lines) == (["a", "c"], ["b", "garage"], ["deck"])
    assert [placed.since for placed in lines.signed] == [day("2026-02-01"), day("2026-06-01")]
    garage = lines.removed[1]
    assert garage.change is not None
    assert (garage.change.id, garage.since) == ("CO-1", day("2026-05-02"))
    assert (garage.removed_on, garage.removed_by) == (day("2026-06-01"), "CO-3")
    [deck] = lines.unsigned
    assert deck.change is not None
    assert (deck.change.id, deck.since) == ("CO-2", None)


def test_every_unsigned_change_is_told() -> None:
    terms = contract(change_orders=(change("CO-1", 0, None, "deck"), change("CO-2", 0, "2026-06-01", "garage")))
    assert ids(lines_in_force(terms, day("2026-05-01"))) == ([], [], ["garage", "deck"])


def test_lines_as_of_a_day_leave_later_signatures_out() -> None:
    terms = contract(lines=(line("a"),), change_orders=(change("CO", 0, "2026-06-01", "b", removes=("a",)),))
    assert ids(lines_in_force(terms, day("2026-05-31"))) == (["a"], [], ["b"])
    assert ids(lines_in_force(terms, day("2026-06-01"))) == (["b"], ["a"], [])


def test_a_change_may_replace_a_line_by_one_of_the_same_id() -> None:
    terms = contract(lines=(line("a"),), change_orders=(change("CO", 0, "2026-06-01", "a", removes=("a",)),))
    lines = lines_in_force(terms)
    assert ids(lines) == (["a"], ["a"], [])
    assert lines.signed[0].change is not None
    assert lines.removed[0].change is None


# Dated lines


def occurrences(on: str, every: str | None, until: str, end: str | None = None) -> list[str]:
    trigger: dict[str, Any] = {"on": day(on), "every": every, "until": day(end) if end else None}
    return [str(found) for found in dated_occurrences(Trigger(kind="dated", **trigger), day(until))]


@pytest.mark.parametrize(
    ("on", "every", "until", "expected"),
    [
        ("2026-02-01", None, "2026-01-31", []),
        ("2026-02-01", None, "2026-02-01", ["2026-02-01"]),
        ("2026-02-01", None, "2030-01-01", ["2026-02-01"]),
        ("2026-01-31", "month", "2026-01-30", []),
        ("2026-01-31", "month", "2026-04-29", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("2026-01-31", "month", "2026-04-30", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2027-12-30", "month", "2028-03-01", ["2027-12-30", "2028-01-30", "2028-02-29"]),
        ("2026-11-30", "quarter", "2027-05-30", ["2026-11-30", "2027-02-28", "2027-05-30"]),
        ("2026-11-30", "quarter", "2027-05-29", ["2026-11-30", "2027-02-28"]),
        ("2024-02-29", "year", "2028-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2024-02-29", "year", "2025-02-27", ["2024-02-29"]),
        ("2026-12-15", "month", "2027-01-14", ["2026-12-15"]),
        ("9999-11-30", "month", "9999-12-31", ["9999-11-30", "9999-12-30"]),
    ],
)
def test_dated_lines(on: str, every: str | None, until: str, expected: list[str]) -> None:
    assert occurrences(on, every, until) == expected


def test_a_repeated_line_ends_on_its_last_day_inclusive() -> None:
    assert occurrences("2026-01-01", "month", "2026-12-31", "2026-03-01") == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert occurrences("2026-01-01", "month", "2026-02-15", "2026-03-01") == ["2026-01-01", "2026-02-01"]


def test_a_line_without_a_day_has_no_occurrence() -> None:
    assert dated_occurrences(Trigger(kind="dated", every="month"), day("2026-12-31")) == []


# Progress


@pytest.mark.parametrize(
    ("percent", "billed", "earned", "findings"),
    [
        (D("0"), 0, 0, ()),
        (D("33.335"), 0, 3334, ()),  # 33.335 % of 100.00: the half goes up
        (Fraction(200, 3), 0, 6667, ()),  # 2 of 3
        (D("50"), 5000, 5000, ()),
        (D("100"), 5000, 10000, ()),
        (D("120"), 0, 10000, ("over_100_percent",)),
        (D("40"), 5000, 5000, ("progress_backwards",)),
        (D("-5"), 0, 0, ("progress_backwards",)),
        (D("101"), 12000, 12000, ("over_100_percent", "progress_backwards")),
    ],
)
def test_progress(percent: Decimal | Fraction, billed: int, earned: int, findings: tuple[str, ...]) -> None:
    answer = progress(10000, percent, billed)
    assert (answer.earned, answer.findings) == (earned, findings)


def test_progress_rounds_as_the_contract_says() -> None:
    assert progress(10000, D("33.345"), 0).earned == 3335
    assert progress(10000, D("33.345"), 0, "half_even").earned == 3334
