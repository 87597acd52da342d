"""The ten worked contracts of examples/contracts: statement, documents and findings as they were worked out by hand.

A folder holds the firm, its records and `expected.yaml`; a night may bring files that replace the firm's.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billsync.config.yaml import read
from billsync.model.money import exact_minor, plain
from billsync.model.statement import BUCKETS, Evaluation
from billsync.sync import NightSummary, open_firm, run
from billsync.testing.clock import Clock
from tests.conftest import ROOT

CONTRACTS = ROOT / "examples" / "contracts"
EXPECTED = "expected.yaml"


def folders() -> list[Path]:
    return sorted(path.parent for path in CONTRACTS.glob(f"*/{EXPECTED}"))


def night(folder: Path, clock: Clock) -> NightSummary:
    return run(open_firm(folder / "billsync.yaml", environ={}, now=clock.now, sleep=clock.sleep))


def evaluated(summary: NightSummary) -> Evaluation:
    assert summary.troubles == [], f"an account or the books had a trouble: {summary.troubles}"
    assert summary.evaluation is not None
    return summary.evaluation


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """The documents in the books, by number."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in (folder / "invoices").glob("*.json"))
    return {document["number"]: document for document in found}


def told_statement(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The rows in words, without what is nothing."""
    rows = []
    for row in evaluation.statement:
        amounts = {name: getattr(row, name) for name in ("earned", *BUCKETS)}
        told = {name: plain(amount, row.currency) for name, amount in amounts.items() if amount}
        rows.append({"contract": row.contract, "client": row.client, "currency": row.currency, **told})
    return sorted(rows, key=str)


def expected_statement(rows: Iterable[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    written = []
    for row in rows:
        named = {name: row[name] for name in ("contract", "client")} | {"currency": row.get("currency", currency)}
        amounts = {name: money(row[name], named["currency"]) for name in ("earned", *BUCKETS) if name in row}
        assert set(row) <= set(named) | set(amounts), f"{EXPECTED} has a row with a name that is none: {dict(row)}"
        written.append(named | amounts)
    return sorted(written, key=str)


def told_document(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "client": document["customer"]["id"],
        "currency": document["currency"],
        "total": document["total"],
        "order": document["purchase_order"],
        "lines": sorted(
            (line["kind"], line["amount"], (line["dimensions"] or {}).get("cost_centre", ""))
            for line in document["lines"]
        ),
    }


def expected_document(document: dict[str, Any], currency: str) -> dict[str, Any]:
    currency = document.get("currency", currency)
    lines = [(kind, money(amount, currency), *centre) for kind, amount, *centre in document["lines"]]
    return {
        "client": document["client"],
        "currency": currency,
        "total": money(document["total"], currency),
        "order": document.get("purchase_order"),
        "lines": sorted((*line, "")[:3] for line in lines),
    }


def money(written: Decimal | int, currency: str) -> str:
    """The amount as it stands on documents; it must be whole minor units."""
    return plain(exact_minor(Decimal(written), currency), currency)


@pytest.mark.parametrize("example", folders(), ids=lambda path: path.name)
def test_every_night_is_what_was_worked_out_by_hand(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / "firm"
    shutil.copytree(example, folder)
    currency = read(folder / "billsync.yaml")["firm"]["currency"]
    clock = Clock()
    known: set[str] = set()
    for expected in read(folder / EXPECTED)["nights"]:
        at = expected["at"]
        if "files" in expected:
            shutil.copytree(folder / expected["files"], folder, dirs_exist_ok=True)
        clock.set(datetime.fromisoformat(at))
        evaluation = evaluated(night(folder, clock))

        assert told_statement(evaluation) == expected_statement(expected["statement"], currency), at
        assert all(row.difference == 0 for row in evaluation.statement)
        made = [document for number, document in documents(folder).items() if number not in known]
        wanted = [expected_document(document, currency) for document in expected["documents"]]
        assert sorted(map(told_document, made), key=str) == sorted(wanted, key=str), at
        assert sorted(finding.code for finding in evaluation.findings) == expected["findings"], at
        if "not_earned" in expected:
            assert {one.identity: one.cause for one in evaluation.not_earned} == expected["not_earned"], at
        if "not_valued" in expected:
            valueless = {f"{one.key.kind}/{one.key.account}/{one.key.id}": one.cause for one in evaluation.not_valued}
            assert valueless == expected["not_valued"], at
        known |= set(documents(folder))

        clock.advance(seconds=3600)
        again = night(folder, clock)
        assert again.pushed == [], f"a second night at {at} billed something once more"
        assert told_statement(evaluated(again)) == told_statement(evaluation), f"{at}: another night, another statement"
    assert known, "the example bills nothing"


def test_what_the_ten_contracts_show() -> None:
    """The folders are numbered 01 to 10, and together they bill every kind of work but what a person asks for."""
    assert [path.name[:2] for path in folders()] == [f"{number:02}" for number in range(1, 11)]
    kinds: Counter[str] = Counter()
    for folder in folders():
        for expected in read(folder / EXPECTED)["nights"]:
            kinds.update(kind for document in expected["documents"] for kind, *_ in document["lines"])
    assert set(kinds) == {"milestone", "dated", "progress", "threshold", "time", "expense", "holdback", "release"}


@pytest.mark.parametrize(("zone", "issued"), [("America/Denver", None), ("Pacific/Auckland", "2026-03-31")])
def test_the_same_instant_is_another_night_in_another_zone(tmp_path: Path, zone: str, issued: str | None) -> None:
    """The retainer is billed on the last of the month, by the firm's own calendar: 30 March noon UTC is the 31st in
    Auckland."""
    folder = tmp_path / "firm"
    shutil.copytree(CONTRACTS / "05-managed-services", folder)
    config = folder / "billsync.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("America/Denver", zone), encoding="utf-8")
    evaluated(night(folder, Clock(datetime.fromisoformat("2026-03-30T12:00:00Z"))))
    assert [document["issued_on"] for document in documents(folder).values()] == ([issued] if issued else [])
