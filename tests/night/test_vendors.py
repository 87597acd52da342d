"""Harvest and Asana into QuickBooks, over real HTTP: first night, second night, edits, faults, and the kill."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from billsync.model.statement import Evaluation
from billsync.sync import NightSummary
from billsync.testing.server import Request, Response
from tests.night.firms import Vendors, vendors


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Vendors]:
    with vendors(tmp_path) as found:
        yield found


@pytest.fixture
def firm_now(tmp_path: Path) -> Iterator[Vendors]:
    """For processes of their own, which ask the system's clock."""
    with vendors(tmp_path, at=datetime.now(UTC)) as found:
        yield found


def evaluated(summary: NightSummary) -> Evaluation:
    assert summary.evaluation is not None
    for row in summary.evaluation.statement:
        assert row.difference == 0, f"the statement does not balance: {row}"
    return summary.evaluation


def billed(summary: NightSummary) -> int:
    return sum(row.billed - row.credited for row in evaluated(summary).statement)


def told(summary: NightSummary) -> str:
    return "; ".join(str(trouble) for trouble in summary.troubles) or "no trouble"


def invoices(firm: Vendors) -> list[int]:
    """Totals in the books, in cents."""
    return [document.total for document in firm.books.visible("invoice")]


def test_the_first_night_bills_what_is_due_once(firm: Vendors) -> None:
    summary = firm.night()
    assert summary.exit_code == 0, told(summary)
    assert invoices(firm) == [590_000], "20 h at 120.00, and two milestones of 1,000.00 and 2,500.00"
    assert billed(summary) == 590_000
    times = [poll for poll in summary.polls if poll.kind == "time" and poll.account == "hours"]
    assert times[0].pages >= 4, "ten entries, three a page"


def test_a_second_night_asks_for_changes_and_bills_nothing(firm: Vendors) -> None:
    firm.night()
    before = len(firm.harvest.log)
    firm.clock.advance(days=1)
    summary = firm.night()
    asked = [request for request in firm.harvest.log[before:] if request.path.endswith("/time_entries")]
    assert any("updated_since" in request.query for request in asked), "changes since the last night are asked for"
    assert summary.exit_code == 0, told(summary)
    assert invoices(firm) == [590_000]
    assert not summary.pushed


def test_an_entry_edited_after_billing_is_a_finding_with_its_money(firm: Vendors) -> None:
    firm.night()
    first = next(iter(firm.harvest.tables["time_entries"]))
    firm.clock.advance(days=1)
    firm.harvest.edit("time_entries", first, hours=Decimal("3.50"), rounded_hours=Decimal("3.50"))
    summary = firm.night()
    held = [item for item in evaluated(summary).items if item.bucket == "held"]
    assert [(item.cause, item.amount) for item in held] == [("drift", 18_000)], "1.50 h at 120.00 more than was billed"
    assert invoices(firm) == [590_000], "a drift is not billed by itself"
    assert summary.exit_code == 1


def test_an_entry_deleted_after_billing_is_a_finding_and_stays_billed(firm: Vendors) -> None:
    firm.night()
    first = next(iter(firm.harvest.tables["time_entries"]))
    firm.clock.advance(days=1)
    firm.harvest.delete("time_entries", first)
    summary = firm.night()
    codes = {finding.code for finding in evaluated(summary).findings}
    assert codes & {"deleted", "vanished"}, f"the deletion of billed work is not told: {codes}"
    assert billed(summary) == 590_000


def test_a_throttled_page_is_waited_for(firm: Vendors) -> None:
    firm.harvest.fail("throttled", when=lambda request: request.query.get("page") == "2")
    summary = firm.night()
    assert 7 in firm.clock.slept, "Retry-After: 7 is slept exactly"
    assert summary.exit_code == 0, told(summary)
    assert invoices(firm) == [590_000]


def test_a_dead_access_token_is_refreshed_with_rotation(firm: Vendors) -> None:
    firm.night()
    served = firm.books.grants.served
    firm.books.grants.kill_access()
    firm.clock.advance(days=1)
    firm.asana.complete("M-Permit")
    summary = firm.night()
    assert summary.exit_code == 0, told(summary)
    assert firm.books.grants.served > served
    assert firm.books.grants.refused == 0, "a used refresh token was used again"
    assert sum(invoices(firm)) == 740_000


def test_a_source_that_fails_on_a_later_page_is_unknown_and_loses_nothing(firm: Vendors) -> None:
    firm.night()
    firm.clock.advance(days=1)
    firm.harvest.add_time(31, firm.clock.now().date(), "1.00")
    pages = {"page": 0}

    def second_page(request: Request) -> bool:
        if request.path.endswith("/time_entries") and "updated_since" not in request.query:
            pages["page"] += 1
            return pages["page"] >= 2
        return False

    firm.harvest.fail("error_before", when=second_page, times=50)
    summary = firm.night()
    assert summary.exit_code == 3
    evaluation = evaluated(summary)
    assert evaluation.verdict == "unknown"
    assert ("hours", "time") in {(one.account, one.kind) for one in evaluation.unknown}
    gone = {finding.code for finding in evaluation.findings} & {"deleted", "vanished"}
    assert not gone, "an incomplete poll called something vanished"
    assert billed(summary) == 602_000, "the hour that was read before the failure is billed as usual"


def test_secrets_are_nowhere_in_the_ledger_or_the_state(firm: Vendors) -> None:
    firm.night()
    kept = [path for path in firm.folder.rglob("*") if path.is_file() and "tokens" not in path.parts]
    for secret in (firm.harvest.token, "made-up-client-secret-77a1"):
        holders = [path.name for path in kept if secret.encode() in path.read_bytes()]
        assert not holders, f"a secret was written to {holders}"


# ---- The kill ----------------------------------------------------------------------------------------------------


def is_create(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/invoice")


def kill_at_create(firm: Vendors, *, committed: bool) -> None:
    """SIGKILL the night while its create request is at the vendor, before or after the vendor took it."""
    process: list[subprocess.Popen[str]] = []
    ready = threading.Event()
    handle = firm.books.handle

    def killing(request: Request) -> Response:
        if not is_create(request):
            return handle(request)
        ready.wait(30)
        response = handle(request) if committed else Response(status=500)
        process[0].send_signal(signal.SIGKILL)
        process[0].wait(30)
        return response

    firm.books.handle = killing  # type: ignore[method-assign]
    process.append(firm.process("sync"))
    ready.set()
    process[0].communicate(timeout=120)
    firm.books.handle = handle  # type: ignore[method-assign]
    assert process[0].returncode == -signal.SIGKILL, "the night was not killed while it was sending"


def test_killed_after_the_books_took_it_the_next_sync_adopts_it(firm_now: Vendors) -> None:
    kill_at_create(firm_now, committed=True)
    assert len(invoices(firm_now)) == 1
    done = firm_now.billsync("sync")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(invoices(firm_now)) == 1, "the invoice was made twice"
    row = firm_now.reconcile()["statement"][0]
    assert (row["billed"], row["difference"]) == ("5900.00", "0.00")


def test_killed_before_the_books_took_it_nothing_is_lost(firm_now: Vendors) -> None:
    kill_at_create(firm_now, committed=False)
    assert invoices(firm_now) == []
    done = firm_now.billsync("sync")
    row = firm_now.reconcile()["statement"][0]
    if done.returncode == 4:  # not certain yet: it is said, and nothing is sent again
        assert row["in_flight"] == "5900.00" and invoices(firm_now) == []
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert row["billed"] == "5900.00" and invoices(firm_now) == [590_000]


def test_two_syncs_at_once_one_leaves_with_code_6(firm_now: Vendors) -> None:
    waiting = threading.Event()
    asked = threading.Event()
    handle = firm_now.harvest.handle

    def slow(request: Request) -> Response:
        asked.set()
        waiting.wait(30)
        return handle(request)

    firm_now.harvest.handle = slow  # type: ignore[method-assign]
    with firm_now.process("sync") as first:
        assert asked.wait(30), "the first sync never asked"
        second = firm_now.billsync("sync")
        waiting.set()
        out, err = first.communicate(timeout=120)
    assert second.returncode == 6, second.stdout + second.stderr
    assert str(first.pid) in second.stderr, "the holder of the lock is not named"
    assert first.returncode == 0, out + err
    assert len(invoices(firm_now)) == 1
