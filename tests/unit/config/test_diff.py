"""What a change of terms changes, in words; nothing where only the spelling changed."""

from __future__ import annotations

from pathlib import Path

from billsync.config.diff import changes
from tests.unit.config.firm import CARD, terms

ONE = """\
contracts:
  - id: A
    client: acme
    project: work/P
    value: 100
    schedule:
      - {id: sd, milestone: Schematic design, amount: 60}
      - {id: cd, milestone: Construction documents, amount: 40}
    time: {rates: {people: {ana: 220}}}
    holdback: 10
"""


def test_each_term_that_differs_is_said_before_and_after(tmp_path: Path) -> None:
    two = (
        ONE.replace("amount: 60", "amount: 55.50").replace("amount: 40}", "amount: 44.50, requires: [acceptance]}")
        .replace("ana: 220", "ana: 230").replace("    holdback: 10\n", "")
        + "  - {id: B, client: city, project: work/Q}\n"
    )  # fmt: skip
    found = changes(terms(tmp_path, CARD + ONE), terms(tmp_path, CARD + two))
    said = {(change.contract, change.what, change.term, change.before, change.after) for change in found}
    assert said == {
        ("A", "changed", "lines.sd.amount", "USD 60.00", "USD 55.50"),
        ("A", "changed", "lines.cd.amount", "USD 40.00", "USD 44.50"),
        ("A", "changed", "lines.cd.requires", "", "acceptance"),
        ("A", "changed", "time.rates.rates.ana.amount", "220", "230"),
        ("A", "changed", "holdback.percent", "10", ""),
        ("A", "changed", "holdback.kinds", "dated, milestone", ""),
        ("B", "new", "", "", ""),
    }
    assert all(change.origin.file == str(tmp_path / "billsync.yaml") for change in found)


def test_a_contract_that_is_gone_is_named_where_it_stood(tmp_path: Path) -> None:
    (found,) = changes(terms(tmp_path, CARD + ONE), terms(tmp_path, CARD))
    assert (found.contract, found.what, found.origin.line) == ("A", "gone", 13)


def test_another_spelling_is_no_change(tmp_path: Path) -> None:
    again = ONE.replace("value: 100", "\n    # the same\n    value: 100.00").replace(
        "holdback: 10", "holdback: {percent: 10}"
    )
    assert changes(terms(tmp_path, CARD + ONE), terms(tmp_path, CARD + again)) == ()
