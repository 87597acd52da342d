"""The outbox: which state may follow which, and what a confirmed document posts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billsync.model.codec import encode
from billsync.model.errors import KeyReuse, LedgerError, UsageError
from tests.unit.ledger.conftest import (
    NIGHT,
    assert_sound,
    bill,
    draft_of,
    entry,
    facts,
    invoice,
    line,
    part,
    receipt_of,
    time_part,
)  # fmt: skip

DOCUMENT = invoice("BS-1", line("time", time_part(entry("1"), 20000)))


def plan(ledger, world, document=DOCUMENT, input_hash="h1"):
    return ledger.plan(draft_of(document), document, input_hash=input_hash, now=world.clock())


def confirm(ledger, world, document=DOCUMENT, **more):
    receipt = receipt_of(document, **more)
    return ledger.confirm(document.reference, receipt, expected_total=receipt.total, now=world.clock(), night=NIGHT)


def amounts(ledger, world):
    return [(one.fact.kind, one.fact.identity, one.fact.amount) for one in facts(ledger, world.clock).postings]


def test_a_document_goes_its_way_and_is_kept_to_the_byte(ledger, world):
    planned = plan(ledger, world)
    assert (planned.state, planned.attempts, planned.draft, planned.invoice) == (
        "planned",
        0,
        draft_of(DOCUMENT),
        DOCUMENT,
    )
    sending = ledger.sending("BS-1", world.clock())
    assert (sending.state, sending.attempts, sending.sent_at) == ("sending", 1, world.clock.at)
    done = confirm(ledger, world)
    assert (done.state, done.receipt, done.settled_at) == ("confirmed", receipt_of(DOCUMENT), world.clock.at)
    assert ledger.intent("BS-1") == done and ledger.intents("confirmed") == (done,) and ledger.intents("planned") == ()
    [told] = [row for row in ledger.journal_rows() if row.event == "planned"]
    assert encode(DOCUMENT) in told.body, "the exact bytes of the document must be in the journal before it is sent"
    assert_sound(ledger)


def test_a_draft_with_its_own_line_texts_comes_back(ledger, world):
    draft = replace(draft_of(DOCUMENT), lines=(replace(DOCUMENT.lines[0], text="before the template"),))
    ledger.plan(draft, DOCUMENT, input_hash="h", now=world.clock())
    assert ledger.intent("BS-1").draft == draft and ledger.intent("BS-1").invoice == DOCUMENT


def test_planning_the_same_again_returns_what_is_there(ledger, world):
    first = plan(ledger, world)
    rows = len(list(ledger.journal_rows()))
    assert plan(ledger, world) == first and len(list(ledger.journal_rows())) == rows
    ledger.sending("BS-1", world.clock())
    tomorrow = replace(DOCUMENT, issued_on=NIGHT + timedelta(days=1))
    assert plan(ledger, world, tomorrow).invoice == DOCUMENT, "what was sent must not be exchanged for another document"


def test_what_never_left_is_planned_anew(ledger, world):
    plan(ledger, world)
    tomorrow = replace(DOCUMENT, issued_on=NIGHT + timedelta(days=1))
    assert plan(ledger, world, tomorrow).invoice == tomorrow
    ledger.sending("BS-1", world.clock())
    ledger.refuse("BS-1", "no such customer", world.clock())
    again = plan(ledger, world, DOCUMENT, input_hash="h2")
    assert (again.state, again.invoice, again.input_hash, again.attempts) == ("planned", DOCUMENT, "h2", 1)


@pytest.mark.parametrize("state", ["planned", "sending", "unknown", "confirmed"])
def test_one_reference_never_stands_for_two_contents(ledger, world, state):
    plan(ledger, world)
    if state != "planned":
        ledger.sending("BS-1", world.clock())
    if state == "unknown":
        ledger.unsure("BS-1", "time-out", world.clock())
    if state == "confirmed":
        confirm(ledger, world)
    with pytest.raises(KeyReuse, match="another document"):
        plan(ledger, world, input_hash="h2")
    assert ledger.intent("BS-1").state == state


def test_an_unknown_outcome_can_become_anything_but_forgotten(ledger, world):
    plan(ledger, world)
    ledger.sending("BS-1", world.clock())
    assert ledger.unsure("BS-1", "time-out", world.clock()).reason == "time-out"
    with pytest.raises(LedgerError, match="unknown and cannot become abandoned"):
        ledger.abandon("BS-1", "never mind", world.clock())
    assert ledger.sending("BS-1", world.clock()).attempts == 2
    assert ledger.unsure("BS-1", "time-out", world.clock()).state == "unknown"
    assert confirm(ledger, world).state == "confirmed"


def test_a_confirmed_document_stays_confirmed(ledger, world):
    bill(ledger, world.clock, DOCUMENT)
    for change in (ledger.refuse, ledger.unsure, ledger.abandon):
        with pytest.raises(LedgerError, match="is confirmed and cannot become"):
            change("BS-1", "no", world.clock())
    with pytest.raises(LedgerError, match="is confirmed"):
        ledger.sending("BS-1", world.clock())


def test_what_nobody_planned_cannot_move(ledger, world):
    with pytest.raises(LedgerError, match="no document was planned"):
        ledger.sending("BS-9", world.clock())
    with pytest.raises(LedgerError, match="no document was planned"):
        confirm(ledger, world)


def test_confirming_twice_changes_nothing(ledger, world):
    bill(ledger, world.clock, DOCUMENT)
    rows = len(list(ledger.journal_rows()))
    confirm(ledger, world, status="paid")
    assert len(list(ledger.journal_rows())) == rows and len(amounts(ledger, world)) == 1


def test_two_documents_of_one_reference_are_told(ledger, world):
    bill(ledger, world.clock, DOCUMENT)
    with pytest.raises(KeyReuse, match="two documents"):
        confirm(ledger, world, id="another")


def test_a_refused_document_that_the_books_hold_after_all_is_adopted(ledger, world):
    plan(ledger, world)
    ledger.refuse("BS-1", "said no", world.clock())
    confirm(ledger, world)
    assert amounts(ledger, world) == [("billed", "time/work/1", 20000)]


def test_every_kind_of_line_posts_what_it_means(ledger, world):
    document = invoice(
        "BS-1",
        line("milestone", part("C-1/line/sd", 50000)),
        line("time", part("time/work/1", 100, quantity=Decimal("0.25")), part("time/work/2", 0)),
        line("holdback", part("C-1/line/sd", -5000)),
        line("release", part("C-1/release/end", 700)),
        line("adjustment", part("time/work/3", 30), part("time/work/4", -40)),
        line("credit", part("time/work/5", -60)),
    )
    bill(ledger, world.clock, document)
    found = facts(ledger, world.clock).postings
    assert [(one.fact.kind, one.fact.identity, one.fact.amount) for one in found] == [
        ("billed", "C-1/line/sd", 50000),
        ("billed", "time/work/1", 100),
        ("withheld", "C-1/line/sd", 5000),
        ("released", "C-1/release/end", 700),
        ("billed", "time/work/3", 30),
        ("credited", "time/work/4", 40),
        ("credited", "time/work/5", 60),
    ]
    fact = found[1].fact
    assert (fact.invoice, fact.client, fact.currency, fact.quantity) == ("BS-1", "acme", "USD", Decimal("0.25"))
    assert found[1].at == world.clock.at and found[1].night == NIGHT
    assert_sound(ledger)


def test_a_posting_keeps_its_evidence_and_reasons(ledger, world):
    bill(ledger, world.clock, DOCUMENT)
    [posted], given = facts(ledger, world.clock).postings, DOCUMENT.lines[0].parts[0]
    assert (posted.fact.evidence, posted.fact.because, posted.fact.fingerprint, posted.fact.contract) == (
        given.evidence, given.because, given.fingerprint, given.contract,
    )  # fmt: skip


def test_open_documents_are_facts(ledger, world):
    states = {}
    for reference in ("BS-1", "BS-2", "BS-3", "BS-4", "BS-5", "BS-6"):
        plan(ledger, world, replace(DOCUMENT, reference=reference))
    ledger.sending("BS-2", world.clock())
    ledger.sending("BS-3", world.clock())
    ledger.unsure("BS-3", "time-out", world.clock())
    ledger.refuse("BS-4", "no", world.clock())
    ledger.abandon("BS-5", "never sent", world.clock())
    ledger.sending("BS-6", world.clock())
    confirm(ledger, world, replace(DOCUMENT, reference="BS-6"))
    states = {one.reference: one.state for one in facts(ledger, world.clock).intents}
    assert states == {"BS-1": "planned", "BS-2": "sending", "BS-3": "unknown", "BS-4": "refused"}
    assert [one.reference for one in ledger.intents()] == [f"BS-{number}" for number in range(1, 7)]


def test_decisions_are_kept_in_order_with_who_and_why(ledger, world):
    made = ledger.decide(
        "hold", "time/work/1", person="ana", reason="client asked", at=world.clock(), until=NIGHT, amount=5, target="x"
    )
    second = ledger.decide("release", "time/work/1", person="bob", reason="settled", at=world.clock())
    assert facts(ledger, world.clock).decisions == ledger.decisions() == (made, second)
    assert (made.id, made.until, made.amount, made.target, made.at) == (
        1,
        NIGHT,
        5,
        "x",
        second.at - timedelta(seconds=1),
    )
    told = list(ledger.journal_rows())[-1]
    assert (told.actor, told.event, told.reason) == ("bob", "decided", "settled")
    assert_sound(ledger)


@pytest.mark.parametrize("wrong", [{"reason": " "}, {"person": ""}, {"subject": ""}, {"kind": "forget"}])
def test_a_decision_without_a_reason_is_none(ledger, world, wrong):
    given = {"kind": "hold", "subject": "time/work/1", "person": "ana", "reason": "why"} | wrong
    with pytest.raises(UsageError):
        ledger.decide(given["kind"], given["subject"], person=given["person"], reason=given["reason"], at=world.clock())
    assert ledger.decisions() == ()
