"""Terms that come from a source: what is in doubt is said, and exactly what depends on it waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.book import LEARNT, Coverage
from billsync.model.contract import (
    Client,
    Contract,
    ContractChange,
    MilestoneMatch,
    Origin,
    ProjectRef,
    Rate,
    RateCard,
    ScheduleLine,
    TimeTerms,
    Trigger,
)
from billsync.model.sourced import TermsFrom, TermsSource, TermsTold, TermsTrouble, TermsVersion
from billsync.model.work import ChangeOrder, ContractTerms, PollReceipt, SourceKey, Window
from tests.unit.rules.night import Firm, causes, codes, day, hours, milestone, row

HUNDRED = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))
TERMS = SourceKey(account="crm", kind="contract", id="K-1")
CHANGE = SourceKey(account="crm", kind="change_order", id="K/2")
T1, LINE = "time/work/t1", "C/line/d"


def contract(*troubles: TermsTrouble, told: bool = True, **more: Any) -> Contract:
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name="Design"))
    versions = (TermsVersion(key=TERMS, version="v1"), TermsVersion(key=CHANGE, version="v2"))
    fields: dict[str, Any] = {
        "id": "C",
        "client": "acme",
        "currency": "USD",
        "projects": (ProjectRef(account="work", id="P-1"),),
        "time": TimeTerms(rates=HUNDRED),
        "lines": (ScheduleLine(id="d", name="Design", amount=500, trigger=trigger),),
        "terms_from": TermsFrom(sources=(TermsSource(account="crm", contract="K-1"),)),
        "told": TermsTold(versions=versions, troubles=troubles) if told else None,
        **more,
    }
    return Contract(**fields)


def firm(*troubles: TermsTrouble, **more: Any) -> Firm:
    of = Firm(contracts=[contract(*troubles, **more)])
    return of.see(hours("t1", "1.00"), milestone("m", "Design", "2026-04-01"))


def waits(of: Firm) -> dict[str, str]:
    """Identity -> the cause it is held for; "" where it goes."""
    return {item.identity: item.cause if item.bucket == "held" else "" for item in of.look().items}


@pytest.mark.parametrize(
    ("holds", "lines", "waiting"),
    [
        ("all", (), {T1: "contract_differs", LINE: "contract_differs"}),
        ("schedule", (), {T1: "", LINE: "contract_differs"}),
        ("lines", ("d",), {T1: "", LINE: "contract_differs"}),
        ("lines", ("other",), {T1: "", LINE: ""}),
        ("nothing", (), {T1: "", LINE: ""}),
    ],
)
def test_exactly_what_depends_on_a_doubt_waits(holds: Any, lines: Any, waiting: dict[str, str]) -> None:
    doubt = TermsTrouble(code="contract_differs", text="written 5.00, told 6.00", holds=holds, lines=frozenset(lines))
    of = firm(doubt)
    assert waits(of) == waiting
    assert "contract_differs" in codes(of.look()), "a doubt is said whether it holds something or not"


def test_a_doubt_says_its_money_its_change_order_and_where_it_is_written() -> None:
    where = Origin(file="acme.yaml", line=7)
    of = firm(TermsTrouble(code="contract_differs", text="told 6.00", subject="CO-1", amount=100, where=where))
    [found] = [one for one in of.look().findings if one.code == "contract_differs"]
    assert (found.identity, found.amount, found.currency) == ("C/change/CO-1", 100, "USD")
    assert found.text == f"C: told 6.00 ({where})"
    of = firm(TermsTrouble(code="contract_gone", text="gone"))
    [found] = [one for one in of.look().findings if one.code == "contract_gone"]
    assert (found.identity, found.text) == ("C", "C: gone")


def test_terms_that_were_never_told_bill_nothing() -> None:
    assert waits(firm(told=False)) == {T1: "contract_not_told", LINE: "contract_not_told"}
    held = next(one for one in firm(told=False).look().findings if one.identity == T1)
    assert "its source told nothing yet" in held.text


def poll(complete: bool) -> PollReceipt:
    at = datetime(2026, 5, 10, 1, tzinfo=UTC)
    window = Window(since=day("2026-01-01"), until=day("2026-05-10"))
    return PollReceipt(
        account="crm", kind="contract", window=window, full=True, started=at, finished=at, pages=1, records=1,
        complete=complete, reason="" if complete else "page 2 failed",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("coverage", "code", "reason"),
    [
        (Coverage(account="crm", kind="contract", last_complete=None, last=None), "stale_poll", "never read"),
        (
            Coverage(account="crm", kind="change_order", last_complete=None, last=poll(False)),
            "incomplete_poll",
            "page 2",
        ),
        (Coverage(account="crm", kind="time", last_complete=None, last=None), "", ""),
        (Coverage(account="other", kind="contract", last_complete=None, last=None), "", ""),
    ],
    ids=["never read", "broken off", "another kind", "another account"],
)
def test_nothing_new_leaves_under_terms_that_were_not_read(coverage: Coverage, code: str, reason: str) -> None:
    of = firm()
    of.facts_more = {"coverage": (coverage,)}
    assert waits(of) == {T1: code, LINE: code}
    said = [one.text for one in of.look().findings if one.identity == "C"]
    assert [reason in text for text in said] == ([True] if code else [])


def test_a_true_up_waits_for_terms_in_doubt() -> None:
    of = firm(after_billing="true_up")
    of.night()
    of.contracts = [contract(TermsTrouble(code="contract_differs", text="x", holds="all"), after_billing="true_up")]
    of.see(hours("t1", "2.00"))
    assert causes(of.look(), T1) == [("billed", "", 10000), ("held", "contract_differs", 10000)]


def test_a_line_rests_on_the_versions_of_its_contract_and_its_change_order() -> None:
    of = firm()
    [proofs] = [part.evidence for line in of.look().drafts[0].lines for part in line.parts if line.kind == "milestone"]
    assert [(one.key, one.version) for one in proofs][1:] == [(TERMS, "v1")]
    line = replace(of.contracts[0].lines[0], id="g")
    change = ContractChange(id="K-2", name="More", value=500, signed_on=day("2026-03-01"), lines=(line,))
    of.contracts = [contract(lines=(), change_orders=(change,))]
    [proofs] = [part.evidence for line in of.look().drafts[0].lines for part in line.parts if line.kind == "milestone"]
    assert [one.key for one in proofs][1:] == [TERMS, CHANGE]
    [why] = [item.because for item in of.look().items if item.identity == "C/line/g"]
    assert "terms of crm/change_order/K/2, version v2" in why


def test_contracts_of_the_source_that_nobody_takes_are_said() -> None:
    of = firm()
    taken = ContractTerms(
        id="K-1", client="Acme", project=None, value=Decimal(5), currency="USD", signed_on=day("2026-01-01")
    )
    signed = ChangeOrder(
        id="X", contract="K-7", name="More", value=Decimal(5), currency="USD", signed_on=day("2026-01-01")
    )
    of.see(
        taken, replace(taken, id="K-9", client="Nobody"), signed, replace(signed, id="Y", signed_on=None), account="crm"
    )
    of.see(replace(taken, id="K-3"), account="other")
    assert "unmapped" not in codes(of.look()), "said only where the firm takes all contracts of the account"
    of.facts_more = {"contracts_from": "crm"}
    found = {one.identity: one.text for one in of.look().findings if one.code == "unmapped"}
    assert set(found) == {"contract/crm/K-9", "change_order/crm/X"}
    assert "no client is 'Nobody' there" in found["contract/crm/K-9"]
    assert "a change order of contract 'K-7'" in found["change_order/crm/X"]
    of.vanish("K-9", "contract", "crm")
    assert [one.identity for one in of.look().findings if one.code == "unmapped"] == ["change_order/crm/X"]


def test_a_client_without_a_customer_in_its_books_waits_and_is_told_which() -> None:
    of = firm(terms_from=None, told=None)
    of.facts_more = {"needs_customer": frozenset({"books"})}
    assert waits(of) == {T1: "customer_missing", LINE: "customer_missing"}
    assert all("acme has no customer in the books books" in one.text for one in of.look().findings)
    of.clients = [Client(id="acme", name="Acme", customers={"books": "7"})]
    assert waits(of) == {T1: "", LINE: ""}


def test_what_the_books_show_as_billed_once_more_is_allowed_to_the_cent() -> None:
    """A ledger learnt again knows of a word only what stands in the books by it."""
    of = firm()
    of.night()
    of.decide("credit", T1)
    of.night()
    of.decide("rebill", T1, amount=4000)
    of.night()
    assert row(of.look()).billed == 10000 + 500 + 4000
    of.decisions[-1] = replace(of.decisions[-1], amount=None, target=LEARNT)
    assert of.look().drafts == (), "more was billed once more than the books show"
    assert causes(of.look(), T1)[-1] == ("held", "credited", 6000)
