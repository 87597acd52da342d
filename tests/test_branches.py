"""Every branch of the code that works out money is run by the tests of the rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

TESTS = ("tests/unit/rules", "tests/unit/model/test_money.py")
SETTINGS = """
[run]
branch = true
source =
    billsync/rules
    billsync/model
"""


def test_every_branch_of_money_and_rules_is_run_by_their_own_tests(tmp_path: Path) -> None:
    settings, data, report = (tmp_path / name for name in ("settings.ini", "data", "report.json"))
    settings.write_text(SETTINGS, encoding="utf-8")

    def coverage(*words: str | Path) -> None:
        command = [
            sys.executable,
            "-m",
            "coverage",
            words[0],
            f"--rcfile={settings}",
            f"--data-file={data}",
            *words[1:],
        ]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert run.returncode == 0, f"{words[0]}: {run.stdout[-2000:]}{run.stderr[-2000:]}"

    coverage("run", "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    coverage("json", "-q", "--include=billsync/rules/*,billsync/model/money.py", "-o", report)
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    assert len(files) > 40, f"the rules were not looked at: {sorted(files)}"
    never = {
        Path(name).as_posix(): (told["missing_lines"], told["missing_branches"])
        for name, told in files.items()
        if told["missing_lines"] or told["missing_branches"]
    }
    assert not never, f"no test of the rules runs these lines, or takes these branches: {never}"
