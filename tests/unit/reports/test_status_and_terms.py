from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from billsync.model.book import Coverage
from billsync.model.contract import (
    Cap,
    Contract,
    ContractChange,
    Gates,
    Holdback,
    MilestoneMatch,
    ProjectRef,
    ScheduleLine,
    Signature,
    Trigger,
)
from billsync.model.work import PollReceipt, Window
from billsync.reports import ledger_status, terms
from billsync.reports.render.text import plain
from tests.unit.reports import worked
from tests.unit.reports.test_explain import INTENT

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
POLL = PollReceipt(
    account="work",
    kind="time",
    window=Window(since=date(2026, 1, 1), until=date(2026, 5, 10)),
    started=NOW,
    finished=NOW,
    pages=1,
    records=2,
    complete=True,
    full=True,
)
FRESH = Coverage(account="work", kind="time", last_complete=NOW - timedelta(hours=3), last=POLL)


def status(*coverage: Coverage, intents=()):
    return ledger_status.build(path=Path("firm.db"), ledger_id="0" * 32, coverage=coverage, intents=intents, now=NOW)


def test_a_ledger_that_is_current_and_settled_is_0():
    assert status(FRESH, intents=[INTENT]).exit_code == 0


def test_an_account_is_not_current_when_stale_never_read_or_broken_off():
    stale = replace(FRESH, last_complete=NOW - timedelta(hours=27))
    never = replace(FRESH, last_complete=None, last=None)
    broken = replace(FRESH, last=replace(POLL, complete=False, reason="page 2 of 3 failed"))
    for one in (stale, never, broken):
        found = status(FRESH, one)
        assert found.exit_code == 3, one
        assert [entry["current"] for entry in ledger_status.row(found)["accounts"]] == [True, False]
    assert "page 2 of 3 failed" in plain(ledger_status.blocks(status(broken)))


def test_a_document_without_an_answer_is_4():
    found = status(FRESH, intents=[INTENT, replace(INTENT, state="unknown")])
    assert found.exit_code == 4
    assert ledger_status.row(found)["documents"] == {"confirmed": 1, "unknown": 1}


CONTRACT = Contract(
    id="ACME-2026-01",
    client="acme",
    currency="USD",
    value=11_000_000,
    signature=Signature(required=True, on=date(2026, 2, 1)),
    projects=(ProjectRef(account="work", id="P-1"),),
    lines=(
        ScheduleLine(
            id="mob", name="Mobilisation", percent=Decimal(20), trigger=Trigger(kind="dated", on=date(2026, 2, 1))
        ),
        ScheduleLine(
            id="permit",
            name="Permit set",
            amount=3_300_000,
            requires=frozenset({"acceptance"}),
            trigger=Trigger(kind="milestone", match=MilestoneMatch(name="Permit set")),
        ),
    ),
    change_orders=(
        ContractChange(
            id="CO-2",
            name="Deck",
            value=800_000,
            signed_on=None,
            lines=(
                ScheduleLine(
                    id="deck",
                    name="Deck",
                    amount=800_000,
                    trigger=Trigger(kind="milestone", match=MilestoneMatch(id="M-9")),
                ),
            ),
        ),
    ),
    caps=(Cap(id="time", amount=500_000),),
    holdback=Holdback(percent=Decimal(10)),
    gates=Gates(release_threshold=1_000_000),
)
TERMS = replace(worked.TERMS, contracts={CONTRACT.id: CONTRACT})
ACCOUNTS = [("work", "source", "files"), ("books", "sink", "folder")]


def test_terms_are_told_in_the_words_of_the_field():
    told = plain(terms.blocks(TERMS, ACCOUNTS, "Demo"))
    for expected in (
        "value USD 110,000.00", "signed 2026-02-01", "projects work/P-1", "holdback 10 % of dated, milestone",
        "not to exceed USD 5,000.00 per contract", "approval from USD 10,000.00 on", "on 2026-02-01", "20 %",
        "milestone 'Permit set', needs acceptance", "CO-2, not signed", "milestone 'M-9'",
    ):  # fmt: skip
        assert expected in told, told


def test_terms_for_machines_carry_the_fingerprint_and_no_places():
    row = terms.row(TERMS, ACCOUNTS, "Demo")
    assert row["contracts"][0]["fingerprint"] == CONTRACT.fingerprint()
    assert row["contracts"][0]["lines"][1]["amount"] == 3_300_000
    assert "origin" not in row["contracts"][0] and "origin" not in row["clients"][0]
