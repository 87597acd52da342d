"""docs/audit.md says what the code does: the columns of the export, the reasons of the checker, the commands."""

from __future__ import annotations

import re

from billsync.ledger.export import COLUMNS
from tests.conftest import ROOT
from tests.unit.audit.conftest import TOOL

TEXT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")


def test_every_column_of_the_export_is_documented_in_its_order():
    told = {
        name: tuple(re.findall(r"`(\w+)`", columns))
        for name, columns in re.findall(r"^\| `(\w+)\.csv` \| (.*) \|$", TEXT, re.MULTILINE)
    }
    assert told == dict(COLUMNS)


def test_the_reasons_are_those_of_the_checker():
    reasons = re.findall(r"^\| ([^|`]+) \| [^|]+ \|$", TEXT, re.MULTILINE)
    code = TOOL.read_text(encoding="utf-8")
    known = [reason for reason in reasons if reason in code]
    assert len(known) >= 5, f"the table of reasons and the checker differ: {reasons}"


def test_the_commands_exist():
    from billsync.cli.audit import app

    known = {command.name or (command.callback and command.callback.__name__) for command in app.registered_commands}
    assert set(re.findall(r"billsync audit (\w+)", TEXT)) == known
