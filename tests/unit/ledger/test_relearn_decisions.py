"""Whose word asked for what: in the stamp of a document, and in a ledger that was learnt again from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.ledger import Ledger, stamp
from billsync.model.book import LEARNT, Decision
from billsync.model.invoice import Invoice
from tests.unit.ledger.conftest import (
    NIGHT,
    World,
    assert_sound,
    bill,
    facts,
    invoice,
    line,
    part,
    receipt_of,
)  # fmt: skip

AT = datetime(2026, 3, 1, 12, 30, 5, 250, tzinfo=UTC)
T1 = "time/work/1"
MANUAL = "C-1/manual/4"


def asked(number: int, kind: str = "credit", subject: str = T1, **more: Any) -> Decision:
    given: dict[str, Any] = {"amount": 500, "target": "", **more}
    return Decision(id=number, kind=kind, subject=subject, person="eve", reason="a secret", at=AT, **given)  # type: ignore[arg-type]


def stamped(document: Invoice, *decisions: Decision, limit: int = 4000) -> Invoice:
    return replace(document, stamp=stamp.pack("ledger-0", document, limit, {one.id: one for one in decisions}))


def first_version(document: Invoice) -> Invoice:
    """The same document with the stamp that was written before decisions were in it."""
    [content] = [one for one in stamp._candidates("ledger-0", document, {}) if "p" in one][:1]
    return replace(document, stamp=stamp._write({name: content[name] for name in "lrkcp"}))


BILLED = stamped(invoice("BS-1", line("time", part(T1, 20000))))
MEMO = invoice("BS-2", line("credit", part(T1, -500, decision=7)), line("holdback", part(T1, 50)))
AGAIN = invoice("BS-3", line("time", part(T1, 300, decision=9)))


def relearn(ledger: Ledger, world: World, *documents: Invoice) -> Any:
    receipts = [receipt_of(one) for one in documents]
    return ledger.relearn("books", receipts, person="ana", now=world.clock(), night=NIGHT)


def moves(ledger: Ledger, world: World) -> list[tuple[str, str, int, str]]:
    """Kind of posting, identity, amount, and the kind of decision behind it."""
    found = facts(ledger, world.clock)
    kinds = {one.id: one.kind for one in found.decisions}
    return [
        (one.fact.kind, one.fact.identity, one.fact.amount, kinds.get(one.fact.decision, ""))
        for one in found.postings
        if one.fact.identity in (T1, MANUAL)
    ]


# Stamps


def test_a_stamp_says_who_asked_for_what_and_not_why():
    found = stamp.unpack(stamped(MEMO, asked(7)).stamp)
    assert found is not None and found.decided
    assert [one.decision for one in found.parts] == [7, None]
    assert found.decisions == (replace(asked(7), reason=""),)
    assert b"secret" not in stamped(MEMO, asked(7)).stamp.encode()


def test_a_stamp_of_the_first_version_is_read_and_says_that_it_does_not_know():
    found = stamp.unpack(first_version(MEMO).stamp)
    assert found is not None and found.complete and not found.decided and found.decisions == ()
    assert [(one.line_kind, one.amount, one.decision) for one in found.parts] == [
        ("credit", -500, None), ("holdback", 50, None),
    ]  # fmt: skip


def test_a_document_nobody_asked_for_has_a_stamp_no_longer_than_before():
    assert len(BILLED.stamp) <= len(first_version(BILLED).stamp) + 8


@given(st.integers(1, 40), st.sampled_from([250, 600, 1200, 2400, 4000]))
def test_a_stamp_with_decisions_fits_its_room_and_keeps_them_as_long_as_its_parts(count: int, limit: int):
    lines = [line("credit", part(f"time/work/{number}", -100 - number, decision=number)) for number in range(1, count)]
    document = invoice("BS-9", line("time", part(T1, 9)), *lines)
    decisions = [asked(number, subject=f"time/work/{number}", target="x" * 200) for number in range(1, count)]
    text = stamped(document, *decisions, limit=limit).stamp
    assert len(text) <= limit
    found = stamp.unpack(text)
    if found is not None and found.complete:
        assert [one.decision for one in found.parts] == [None, *range(1, count)]
        assert [one.id for one in found.decisions] == [*range(1, count)]


# Learnt again


def test_credits_and_what_was_billed_once_more_are_learnt_as_such(world, ledger):
    memo = stamped(MEMO, asked(7))
    again = stamped(AGAIN, asked(9, "rebill"))
    assert relearn(ledger, world, again, memo, BILLED).unlearned == ()
    assert sorted(moves(ledger, world)) == [
        ("billed", T1, 300, "rebill"), ("billed", T1, 20000, ""), ("credited", T1, 500, "credit"),
        ("withheld", T1, -50, ""),
    ]  # fmt: skip
    made = {one.id: one for one in ledger.decisions()}
    assert made == {
        7: replace(asked(7), reason=LEARNT, target=LEARNT),
        9: replace(asked(9, "rebill"), reason=LEARNT, target=LEARNT),
    }
    assert ledger.decide("hold", T1, person="bob", reason="wait", at=world.clock()).id == 10
    assert_sound(ledger)


def test_a_manual_amount_keeps_its_number_and_words(world, ledger):
    document = stamped(
        invoice("BS-1", line("manual", part(MANUAL, 500, decision=4))), asked(4, "bill", "C-1", target="Model photos")
    )
    relearn(ledger, world, document)
    assert moves(ledger, world) == [("billed", MANUAL, 500, "bill")]
    assert ledger.decisions() == (replace(asked(4, "bill", "C-1", target="Model photos"), reason=LEARNT),)


def test_stamps_of_the_first_version_tell_credits_by_their_lines_and_manual_amounts_by_their_names(world, ledger):
    manual = first_version(invoice("BS-4", line("manual", part(MANUAL, 700))))
    down = first_version(invoice("BS-5", line("adjustment", part(T1, -40))))
    relearn(ledger, world, BILLED, first_version(MEMO), manual, down)
    assert sorted(moves(ledger, world)) == [
        ("billed", MANUAL, 700, "bill"), ("billed", T1, 20000, ""), ("credited", T1, 40, ""),
        ("credited", T1, 500, "credit"), ("withheld", T1, -50, ""),
    ]  # fmt: skip
    assert [(one.id, one.kind, one.subject, one.amount) for one in ledger.decisions()] == [
        (4, "bill", "C-1", 700), (5, "credit", T1, 500),
    ]  # fmt: skip
    assert_sound(ledger)


@pytest.mark.parametrize("first", [False, True])
def test_a_credit_that_an_older_backup_knows_is_not_asked_for_twice(world, ledger, first):
    bill(ledger, world.clock, BILLED)
    known = ledger.decide("credit", T1, person="eve", reason="late", at=world.clock(), amount=500)
    memo = invoice("BS-2", line("credit", part(T1, -500, decision=known.id)))
    relearn(ledger, world, first_version(memo) if first else stamped(memo, known))
    assert ledger.decisions() == (known,)
    assert moves(ledger, world)[-1] == ("credited", T1, 500, "credit")


def test_a_number_that_was_taken_meanwhile_is_another_one_for_a_credit(world, ledger):
    bill(ledger, world.clock, BILLED)
    for _ in range(8):
        ledger.decide("hold", "C-1", person="bob", reason="wait", at=world.clock())
    relearn(ledger, world, stamped(MEMO, asked(7)), stamped(AGAIN, asked(9, "rebill")))
    assert [(one.id, one.kind) for one in ledger.decisions()[8:]] == [(9, "rebill"), (10, "credit")]
    assert ("credited", T1, 500, "credit") in moves(ledger, world)
    assert_sound(ledger)


def test_work_keeps_the_place_of_the_document_it_was_first_billed_on(world, ledger):
    later = stamped(
        invoice(
            "BS-6",
            line("time", part("time/work/0", 1)),
            line("adjustment", part(T1, 5)),
            issued_on=NIGHT.replace(day=9),
        )
    )
    relearn(ledger, world, later, BILLED)
    places = facts(ledger, world.clock).places
    assert [(name, places[name].night.day, places[name].rank) for name in (T1, "time/work/0")] == [
        (T1, NIGHT.day, 0), ("time/work/0", 9, 0),
    ]  # fmt: skip


def test_what_was_billed_once_more_and_voided_waits_for_a_person(world, ledger):
    gone = replace(receipt_of(stamped(AGAIN, asked(9, "rebill"))), status="voided")
    receipts = [receipt_of(BILLED), receipt_of(stamped(MEMO, asked(7))), gone]
    found = ledger.relearn("books", receipts, person="ana", now=world.clock(), night=NIGHT)
    assert found.let_go == (), "it stands on the first invoice as well, but by another word"


def test_a_credit_memo_that_was_voided_and_made_again_had_been_let_go(world, ledger):
    memo = stamped(invoice("BS-2", line("credit", part(T1, -500, decision=7))), asked(7))
    anew = stamped(invoice("BS-8", line("credit", part(T1, -500, decision=7))), asked(7))
    receipts = [receipt_of(BILLED), replace(receipt_of(memo), status="voided"), receipt_of(anew)]
    found = ledger.relearn("books", receipts, person="ana", now=world.clock(), night=NIGHT)
    assert found.let_go == ("BS-2",)
    assert_sound(ledger)
