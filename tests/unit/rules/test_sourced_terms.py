"""Terms in doubt: what waits, what goes, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import Coverage
from billsync.model.contract import (
    Contract,
    MilestoneMatch,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from billsync.model.sourced import Holds, TermsFrom, TermsSource, TermsTold, TermsTrouble, TermsVersion
from billsync.model.work import ChangeOrder, Kind, PollReceipt, SourceKey, Window
from tests.unit.rules.night import Firm, causes, codes, day, hours, milestone

CRM = TermsFrom(sources=(TermsSource(account="crm", contract="800"),))
KEY = SourceKey(account="crm", kind="contract", id="800")
LINE, TIME = "C/line/design", "time/work/t"


def firm(told: TermsTold | None) -> Firm:
    """A finished line of 1,000.00 and an hour of 100.00, under terms of a source."""
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    hundred = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))
    made = Contract(
        id="C",
        client="acme",
        currency="USD",
        projects=(ProjectRef(account="work", id="P-1"),),
        lines=(ScheduleLine(id="design", name="Design", trigger=trigger, amount=100_000),),
        time=TimeTerms(rates=hundred),
        terms_from=CRM,
        told=told,
    )
    return Firm(contracts=[made]).see(milestone("m", "Design", "2026-03-02"), hours("t", "1.00"))


def doubt(holds: Holds, *lines: str, code: str = "contract_differs", **more: Any) -> TermsTold:
    trouble = TermsTrouble(code=code, text="1 here, 2 there", holds=holds, lines=frozenset(lines), **more)
    return TermsTold(troubles=(trouble,))


@pytest.mark.parametrize(
    ("told", "waiting"),
    [
        (TermsTold(), set()),
        (doubt("nothing"), set()),
        (doubt("all"), {LINE, TIME}),
        (doubt("schedule"), {LINE}),
        (doubt("lines", "design"), {LINE}),
        (doubt("lines", "other"), set()),
    ],
)
def test_only_what_depends_on_the_doubt_waits(told: TermsTold, waiting: set[str]) -> None:
    after = firm(told).look()
    assert {one.identity for one in after.items if one.bucket == "held"} == waiting
    assert {one.cause for one in after.items if one.bucket == "held"} <= {"contract_differs"}


def test_without_a_word_of_the_source_nothing_goes() -> None:
    after = firm(None).look()
    assert causes(after, LINE) == [("held", "contract_not_told", 100_000)] and after.drafts == ()


def test_a_doubt_is_said_once_of_the_contract_with_its_money_and_owner() -> None:
    after = firm(doubt("nothing", amount=500, subject="CO-1")).look()
    [said] = [one for one in after.findings if one.code == "contract_differs"]
    assert (said.identity, said.amount, said.currency, said.owner) == ("C/change/CO-1", 500, "USD", "contract owner")
    assert "1 here, 2 there" in said.text


def coverage(kind: Kind, *, complete: bool, hours_ago: int) -> Coverage:
    at = datetime(2026, 5, 10, 2, tzinfo=UTC) - timedelta(hours=hours_ago)
    window = Window(since=day("2026-01-01"), until=day("2026-05-10"))
    receipt = PollReceipt(
        account="crm", kind=kind, window=window, started=at, finished=at, pages=1, records=1, complete=complete,
        full=True, reason="" if complete else "503",
    )  # fmt: skip
    return Coverage(account="crm", kind=kind, last_complete=at, last=receipt)


@pytest.mark.parametrize(
    ("kind", "complete", "hours_ago", "cause"),
    [
        ("contract", False, 0, "incomplete_poll"),
        ("change_order", False, 0, "incomplete_poll"),
        ("contract", True, 30, "stale_poll"),
        ("contract", True, 1, ""),
        ("project", False, 0, ""),
    ],
)
def test_terms_that_were_not_read_bill_nothing(kind: Kind, complete: bool, hours_ago: int, cause: str) -> None:
    of = firm(TermsTold())
    of.facts_more["coverage"] = (coverage(kind, complete=complete, hours_ago=hours_ago),)
    after = of.look()
    held = {one.cause for one in after.items if one.bucket == "held"}
    assert held == ({cause} if cause else set())
    assert (cause in codes(after)) == bool(cause)


def test_a_line_is_pinned_to_the_versions_of_its_own_terms() -> None:
    order = SourceKey(account="crm", kind="change_order", id="CO-1")
    versions = tuple(TermsVersion(key=key, version=f"v-{key.kind}") for key in (KEY, order))
    [draft] = firm(TermsTold(versions=versions)).look().drafts
    pinned = {str(one.key) for made in draft.lines for part in made.parts for one in part.evidence}
    assert "crm/contract/800" in pinned and "crm/change_order/CO-1" not in pinned, pinned


def test_a_change_order_of_nobody_is_said_where_all_contracts_are_to_be_taken() -> None:
    of = firm(TermsTold())
    record = ChangeOrder(
        id="CO-9", contract="999", name="Deck", value=Decimal(8), currency="USD",
        signed_on=day("2026-05-01"),
    )  # fmt: skip
    of.see(record, account="crm")
    assert "unmapped" not in codes(of.look())
    of.facts_more["contracts_from"] = "crm"
    [said] = [one for one in of.look().findings if one.code == "unmapped"]
    assert "'999'" in said.text, said
