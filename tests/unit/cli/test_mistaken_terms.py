"""Terms that cannot be true are named with file and line, in three lines, before anything is polled."""

from __future__ import annotations

from pathlib import Path

import pytest

from billsync.cli import main

FIRM = """\
firm: {name: Roe Architects, currency: USD}
sources:
  work: {kind: files, path: exports, projects: projects.csv, milestones: milestones.csv, time: time.csv}
sinks:
  books: {kind: folder, path: invoices}
clients:
  acme: Acme Holdings
"""
# What is added, with the line at fault marked, and what is said of it.
MISTAKES = {
    "a contract that ends before it starts": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    starts: 2026-03-01
    ends: 2026-02-01  # HERE
""",
        "it ends before it starts",
    ),
    "approvals that nobody may give": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    gates:
      release_threshold: 25000  # HERE
""",
        "1 must approve its drafts, but nobody may",
    ),
    "one project for two contracts": (
        """\
contracts:
  - {id: A, client: acme, project: work/P}
  - id: B
    client: acme
    project: work/P  # HERE
""",
        "project work/P feeds",
    ),
    "a schedule that does not sum to the value": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    value: 100  # HERE
    schedule:
      - {id: sd, milestone: Schematic design, amount: 60}
      - {id: cd, milestone: Construction documents, amount: 39.99}
""",
        "the schedule sums to 99.99, not to its value 100.00",
    ),
    "a change order that does not sum to its value": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    value: 60
    schedule:
      - {id: sd, milestone: Schematic design, amount: 60}
    change_orders:
      - id: CO-1
        value: 50  # HERE
        signed: 2026-03-01
        schedule: [{id: garage, milestone: Garage, amount: 40}]
""",
        "change order 'CO-1' sums to 40.00, not to its value 50.00",
    ),
    "rates that overlap": (
        """\
rate_cards:
  default:
    rates:
      - {amount: 150}
      - {amount: 180, role: architect, until: 2026-06-30}
      - {amount: 190, role: architect, since: 2026-06-30}  # HERE
""",
        "two rates for the same work on the same days",
    ),
    "a cap in another currency": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    time:
      rates: {default: 150}
      cap:
        amount: 5000
        currency: EUR  # HERE
""",
        "in EUR",
    ),
    "a template for a kind of line": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    billing:
      period: monthly
      templates:
        milestone: "{{ text }}"
        time: "{{ persn }}"  # HERE
    time: {rates: {default: 150}}
""",
        "the line template for 'time' of contract A fails: 'persn' is undefined",
    ),
    "a template that fails where a line has no price": (
        """\
contracts:
  - {id: A, client: acme, project: work/P, time: {rates: {default: 150}}}
billing:
  templates:
    milestone: "{{ text }}"
    time: "{{ unit_price + 1 }}"  # HERE
""",
        "the line template for 'time' of contract A fails: unsupported operand",
    ),
    "a template for a kind that is none": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    billing:
      templates: {tyme: "{{ text }}"}  # HERE
""",
        "the line template for 'tyme' of contract A: there is no such kind",
    ),
    "a template of one line of a change order": (
        """\
contracts:
  - id: A
    client: acme
    project: work/P
    change_orders:
      - id: CO-1
        value: 40
        signed: 2026-03-01
        schedule:
          - {id: garage, milestone: Garage, amount: 40, template: "{% if %}"}  # HERE
""",
        "the template of line 'garage' of contract A fails",
    ),
}


def firm(folder: Path, text: str) -> tuple[Path, int]:
    """The firm with `text` added, and the number of the line at fault."""
    whole = FIRM + text
    path = folder / "billsync.yaml"
    path.write_text(whole, encoding="utf-8")
    [line] = [number for number, line in enumerate(whole.splitlines(), start=1) if line.endswith("# HERE")]
    return path, line


@pytest.mark.parametrize("command", [("sync",), ("config", "check")], ids=" ".join)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_file_and_line_before_anything_is_polled(tmp_path, capsys, name, command):
    text, said = MISTAKES[name]
    path, line = firm(tmp_path, text)
    assert main([*command, "--config", str(path)]) == 2
    told = capsys.readouterr()
    assert said in told.err and f"billsync.yaml:{line}" in told.err, told.err
    assert told.out == ""
    assert not (tmp_path / "billsync.db").exists(), "the ledger was opened though the terms are wrong"


def test_the_firm_without_mistakes_is_good(tmp_path, capsys):
    """Else every test above might pass for a mistake in the firm itself."""
    path = tmp_path / "billsync.yaml"
    contract = "contracts:\n  - {id: A, client: acme, project: work/P, billing: {templates: {time: '{{ text }}'}}}\n"
    path.write_text(FIRM + contract, encoding="utf-8")
    assert main(["config", "check", "--config", str(path)]) == 0, capsys.readouterr().err
