from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from billsync.model.errors import UsageError
from billsync.reports import audit_export
from billsync.reports.render.csv import read_rows

COLUMNS = {"journal": ("seq", "event", "reason"), "posting": ("id", "amount")}
ROWS: dict[str, list[dict[str, Any]]] = {
    "journal": [{"seq": 1, "event": "decided", "reason": "=cmd|' /C calc'!A0"}],
    "posting": [{"id": 1, "amount": -1250}, {"id": 2, "amount": None}],
}


def test_the_files_come_whole_with_sums_that_other_programs_check(tmp_path):
    folder = tmp_path / "audit"
    assert audit_export.write(folder, COLUMNS, ROWS.__getitem__) == {"journal": 1, "posting": 2}
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "journal.csv", "posting.csv"]
    assert audit_export.check(folder) == []
    check = (
        "import hashlib, pathlib, sys; folder = pathlib.Path(sys.argv[1]); "
        "lines = (folder / 'SHA256SUMS').read_text().splitlines(); "
        "sys.exit(any(hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest "
        "for digest, name in (line.split('  ') for line in lines)))"
    )
    assert subprocess.run([sys.executable, "-c", check, str(folder)], check=False).returncode == 0


def test_what_was_written_is_read_back(tmp_path):
    audit_export.write(tmp_path / "audit", COLUMNS, ROWS.__getitem__)
    with (tmp_path / "audit" / "journal.csv").open(encoding="utf-8", newline="") as file:
        assert list(read_rows(file)) == [{"seq": "1", "event": "decided", "reason": "=cmd|' /C calc'!A0"}]
    text = (tmp_path / "audit" / "posting.csv").read_text(encoding="utf-8")
    assert text == "id,amount\n1,-1250\n2,\n", "numbers stay numbers"
    assert ",'=cmd" in (tmp_path / "audit" / "journal.csv").read_text(encoding="utf-8")


def test_an_altered_file_and_a_missing_one_are_named(tmp_path):
    folder = tmp_path / "audit"
    audit_export.write(folder, COLUMNS, ROWS.__getitem__)
    (folder / "posting.csv").write_text("id,amount\n1,-1251\n2,\n", encoding="utf-8")
    (folder / "journal.csv").unlink()
    assert audit_export.check(folder) == ["journal.csv", "posting.csv"]


def test_an_audit_is_never_written_over_another(tmp_path):
    with pytest.raises(UsageError, match="exists already"):
        audit_export.write(tmp_path, COLUMNS, ROWS.__getitem__)


def test_a_failure_half_way_leaves_nothing(tmp_path):
    def broken(table: str):
        if table == "posting":
            raise OSError(28, "No space left on device")
        return ROWS[table]

    with pytest.raises(UsageError, match="No space left"):
        audit_export.write(tmp_path / "audit", COLUMNS, broken)
    assert list(tmp_path.iterdir()) == []
