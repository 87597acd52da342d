"""A firm that keeps its contracts and their schedules in two files, through whole nights."""

from __future__ import annotations

from pathlib import Path

import pytest

from billsync.model.errors import UsageError
from billsync.testing.clock import Clock
from tests.night.crm import house


def test_a_table_of_lines_is_the_schedule_of_a_contract_in_files(tmp_path: Path) -> None:
    tables = {"contracts": "contracts.csv", "contract_lines": "lines.csv"}
    firm = house(tmp_path, None, Clock(), {"kind": "files", "path": "data", **tables})
    lines = tmp_path / "data" / "lines.csv"
    contract = "id,client,value,currency,signed\nC-1,Acme Inc,110000,USD,2026-02-01\n"
    (tmp_path / "data" / "contracts.csv").write_text(contract, encoding="utf-8")
    rows = "line id,contract,name,milestone,amount,percent,on\ndesign,C-1,Schematic design,M-Design,44000,,\n"
    lines.write_text(rows + "start,C-1,,,,60 %,2026-03-01\nx,C-2,,,1,,\n", encoding="utf-8")
    firm.write(**{"from": {"account": "crm", "contract": "C-1", "projects": "work"}})
    firm.done("Design")
    summary = firm.night()
    assert firm.invoices() == ["110000.00"], "44,000.00 for the milestone, 60 % on its day"
    assert summary.findings == ["lines.csv: lines of C-2, which is no contract here"]
    lines.write_text(rows + "start,C-1,,,5,60 %,2026-03-01\n", encoding="utf-8")
    told = firm.night()
    assert any("lines.csv:3: amount, percent: one of them" in one for one in told.findings), told.findings
    assert told.exit_code == 3, "a schedule with a hole is no schedule"
    firm.config["sources"]["crm"].pop("contracts")
    firm.write()
    with pytest.raises(UsageError, match="no table of contracts"):
        firm.open()
