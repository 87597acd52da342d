"""Every mistake of shape or meaning is told before anything is polled, with file, line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from billsync.model.errors import UsageError
from tests.unit.config.firm import CARD, FIRM, config, mistake, place, terms

CONTRACT = "contracts:\n  - id: A\n    client: acme\n    project: work/P\n"
CASES = {
    name: body
    for name, _, body in (
        block.partition("\n")
        for block in Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8").split("\n## ")[1:]
    )
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_with_file_line_and_advice(case: str, tmp_path: Path) -> None:
    text, _, answer = CASES[case].partition("\n=> ")
    what, _, hint = answer.strip().partition("\n-> ")
    error = mistake(tmp_path, text + "\n")
    assert what in error.what, f"{case}: {error}"
    assert hint in error.hint, f"{case}: {error}"
    assert error.where == place(tmp_path, text, "# HERE"), f"{case}: {error}"
    assert error.exit_code == 2


def test_a_duplicate_contract_names_both_places(tmp_path: Path) -> None:
    error = mistake(tmp_path, CONTRACT + "  - id: A\n    client: city\n    project: other/P\n")
    first = FIRM.count("\n") + 2
    assert error.where == f"{tmp_path / 'billsync.yaml'}:{first + 3}"
    assert error.hint == f"the other one: {tmp_path / 'billsync.yaml'}:{first}"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        "contracts:\n  - id: A\n    client: nobody\n    project: wrok/P\n    ends: 2026-01-01\n    starts: 2026-02-01\n"
    )
    error = mistake(tmp_path, text)
    assert error.what == "3 mistakes in the configuration"
    first = FIRM.count("\n")
    lines = error.where.splitlines()
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in lines] == [str(first + 3), str(first + 4), str(first + 5)]
    assert "no client 'nobody'" in lines[0] and "no source 'wrok'" in lines[1] and "ends before" in lines[2]


def test_no_more_than_twenty_mistakes_are_shown(tmp_path: Path) -> None:
    error = mistake(tmp_path, "clients_:\n" + "".join(f"key{i}: 1\n" for i in range(30)))
    shown = error.where.splitlines()
    assert error.what == "31 mistakes in the configuration"
    assert (len(shown), shown[-1]) == (21, "and 11 more")


def test_no_message_holds_the_value_it_complains_of(tmp_path: Path) -> None:
    text = "contracts:\n  - {id: A, client: acme, value: s3cr3t, currency: [s3cr3t], rounding: s3cr3t}\n"
    assert "s3cr3t" not in str(mistake(tmp_path, text))


@pytest.mark.parametrize(
    ("first", "second", "sum_is_right"),
    [("2026-01-31", "2026-03-31", True), ("2026-01-31", "2026-03-30", False), ("2026-01-31", "2026-02-28", False)],
)
def test_repeated_lines_count_both_ends_and_short_months(
    first: str, second: str, sum_is_right: bool, tmp_path: Path
) -> None:
    text = (
        CONTRACT + "    value: 300\n    schedule:\n"
        f"      - {{id: a, on: {first}, every: month, until: {second}, amount: 100}}\n"
    )
    if sum_is_right:
        assert terms(tmp_path, text).contracts["A"].value == 30000
    else:
        assert "the schedule sums to 200.00" in mistake(tmp_path, text).what


def test_what_cannot_be_summed_beforehand_is_not_summed(tmp_path: Path) -> None:
    text = (
        CONTRACT + "    value: 300\n    schedule:\n"
        "      - {id: a, on: 2026-01-01, every: month, amount: 100}\n      - {id: b, milestone: B}\n"
    )
    assert len(terms(tmp_path, text).contracts["A"].lines) == 2


def test_contracts_that_follow_each_other_may_share_a_project(tmp_path: Path) -> None:
    text = (
        CARD + CONTRACT + "    ends: 2025-12-31\n"
        "  - id: B\n    client: acme\n    project: work/P\n    starts: 2026-01-01\n"
    )
    assert set(terms(tmp_path, text).contracts) == {"A", "B"}


def test_mistakes_of_the_file_itself(tmp_path: Path) -> None:
    for text, what, line in [
        ("", "empty or no mapping", 1),
        ("- a\n", "empty or no mapping", 1),
        ("firm: {name: X, zone: Mars/Olympus}\n", "there is no zone 'Mars/Olympus'", 1),
        ("firm: {name: X}\nsources:\n  a: {kind: files, zone: ../etc}\n", "there is no zone", 3),
        ("firm: {name: X}\nsources: {a: {kind: f}}\nsinks:\n  a: {kind: g}\n", "'a' names a sink and a source", 4),
        ("firm: {name: X}\nsinks:\n  a: {kind: g, default: true}\n  b: {kind: g, default: true}\n", "two sinks", 4),
        ("firm: {name: X}\nsources:\n  a b: {kind: f}\n", "no name of an account", 3),
        ("firm: {name: X}\ncontracts_dir: nowhere\n", "no folder 'nowhere'", 2),
    ]:
        with pytest.raises(UsageError) as caught:
            config(tmp_path, text)
        assert what in caught.value.what, str(caught.value)
        assert caught.value.where == f"{tmp_path / 'billsync.yaml'}:{line}", str(caught.value)
