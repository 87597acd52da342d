"""The worked example of the documentation (billing.md 9): every figure, as a person reads it and as JSON.

The command line runs in this process on a clock that stands, because ages and findings depend on the day.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from billsync.cli import main
from tests.conftest import ROOT

C = "ACME-2026-01"
Said = Callable[..., str]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """Run a command on the firm, which must end with exit code 1; what it wrote on stdout."""
    folder = tmp_path / "firm"
    shutil.copytree(ROOT / "examples" / "worked-example", folder)
    for path in folder.rglob("*.csv"):
        os.utime(path, (1_700_000_000, 1_700_000_000))  # at rest for long, so that no export is waited for
    with time_machine.travel(datetime(2026, 5, 25, 6, 0, tzinfo=UTC), tick=False):

        def run(*words: str) -> str:
            code = main(["--config", str(folder / "billsync.yaml"), *words])
            told = capsys.readouterr()
            assert code == 1, f"{words} ended with {code}: {told.out}{told.err}"
            return told.out

        yield run


def test_every_figure_as_json(said: Said) -> None:
    night = json.loads(said("sync", "--format", "json"))
    [document] = night["pushed"]
    assert (document["outcome"], document["amount"], document["currency"]) == ("created", "49550.00", "USD")

    told = json.loads(said("reconcile", "--format", "json"))
    assert (told["verdict"], told["as_of"], told["unknown"]) == ("findings", "2026-05-25", [])
    assert told["statement"] == [
        {
            "currency": "USD",
            "client": "acme",
            "contract": C,
            "earned": "87900.00",  # 22,000.00 + 27,500.00 + 33,000.00 + 5,400.00
            "billed": "49550.00",  # 22,000.00 - 2,200.00 + 27,500.00 - 2,750.00 + 5,000.00
            "credited": "0.00",
            "withheld": "4950.00",
            "capped": "400.00",
            "written_off": "0.00",
            "held": "33000.00",
            "ready": "0.00",
            "in_flight": "0.00",
            "difference": "0.00",
        }
    ]
    assert sorted(
        (item["identity"], item["bucket"], item["cause"] or "", item["amount"]) for item in told["items"]
    ) == [
        (f"{C}/line/mobilisation", "billed", "", "19800.00"),
        (f"{C}/line/mobilisation", "withheld", "withheld", "2200.00"),
        (f"{C}/line/permit", "held", "acceptance_missing", "33000.00"),
        (f"{C}/line/schematic", "billed", "", "24750.00"),
        (f"{C}/line/schematic", "withheld", "withheld", "2750.00"),
        ("time/work/T-1", "billed", "", "1440.00"),
        ("time/work/T-2", "billed", "", "1440.00"),
        ("time/work/T-3", "billed", "", "1170.00"),
        ("time/work/T-4", "billed", "", "950.00"),
        ("time/work/T-4", "capped", "cap_reached", "400.00"),
    ]
    early = {one["identity"]: (one["cause"], one["hours"], one["amount"]) for one in told["not_earned"]}
    assert early == {
        "time/work/T-5": ("unapproved", "4", None),
        f"{C}/line/final": ("open_milestone", None, "27500.00"),
        f"{C}/line/garage": ("open_milestone", None, "12000.00"),
        f"{C}/line/deck": ("change_order_unsigned", None, "8000.00"),
    }
    findings = {one["code"]: one for one in told["findings"] if one["code"] != "person_silent"}
    assert set(findings) == {"acceptance_missing", "change_order_unsigned", "cap_reached"}
    assert findings["change_order_unsigned"]["amount"] == "8000.00"
    assert findings["acceptance_missing"]["age_days"] == 45  # 10 April to 25 May


def test_every_figure_as_text(said: Said) -> None:
    assert "USD 49,550.00" in said("sync")
    lines = [" ".join(line.split()) for line in said("reconcile").splitlines()]
    for line in (
        "FINDINGS: 1 item (USD 33,000.00) not billed and 3 findings, waiting for a person.",
        "earned USD 87,900.00",
        "billed = USD 49,550.00",
        "withheld + USD 4,950.00",
        "capped + USD 400.00",
        "held + USD 33,000.00",
        "difference USD 0.00",
        "USD 33,000.00 45 d Permit set ACME-2026-01/line/permit acceptance missing project manager",
        "not earned yet change order not signed contract owner 1 USD 8,000.00",
        "not earned yet not finished yet project manager 2 USD 39,500.00",
        "not earned yet not approved yet project manager 1 4.00 h",
    ):
        assert line in lines, f"{line!r} is not among\n" + "\n".join(lines)


def test_a_second_night_bills_nothing_and_says_the_same(said: Said) -> None:
    told: list[Any] = []
    for _ in range(2):
        pushed = json.loads(said("sync", "--format", "json"))["pushed"]
        told.append((len(pushed), json.loads(said("reconcile", "--format", "json"))["statement"]))
    assert [count for count, _ in told] == [1, 0]
    assert told[0][1] == told[1][1]
