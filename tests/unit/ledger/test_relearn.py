"""Stamps, and a ledger learnt again from them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from zlib import compress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.ledger import stamp
from billsync.ledger.backup import restore
from billsync.model.invoice import Evidence
from billsync.model.work import SourceKey
from tests.unit.ledger.conftest import (
    NIGHT,
    World,
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

WORK = [entry(str(number)) for number in range(3)]
SHEET = SourceKey(account="sheet", kind="milestone", id="row/7")
DOCUMENT = invoice(
    "BS-1",
    line("milestone", part("C-1/line/sd", 50000, evidence=(Evidence(key=SHEET, version="v1"),), fingerprint="f")),
    line("time", *(time_part(one, 20000) for one in WORK)),
    line("holdback", part("C-1/line/sd", -5000)),
)


def test_a_stamp_brings_back_every_identity_with_what_it_was_billed_for():
    found = stamp.unpack(DOCUMENT.stamp)
    assert found is not None and found.complete and found.count == 5
    assert (found.ledger, found.reference, found.client, found.currency) == ("ledger-0", "BS-1", "acme", "USD")
    given = [(number, one.kind, each) for number, one in enumerate(DOCUMENT.lines) for each in one.parts]
    for was, (number, kind, each) in zip(found.parts, given, strict=True):
        assert (was.line, was.line_kind, was.identity, was.contract) == (number, kind, each.identity, each.contract)
        assert (was.amount, was.quantity) == (each.amount, each.quantity)
        assert (was.evidence, was.fingerprint) == (each.evidence, each.fingerprint)


def test_a_stamp_is_found_in_a_note_that_people_and_books_have_touched():
    wrapped = "\n".join(DOCUMENT.stamp[at : at + 40] for at in range(0, len(DOCUMENT.stamp), 40))
    assert stamp.unpack(f"Dear accountant, {wrapped}\r\nthanks. BS1:") == stamp.unpack(DOCUMENT.stamp)


@pytest.mark.parametrize("text", ["", "no stamp", "BS1:00000000:AAAA.", "BS1:12345678:", "BS1::."])
def test_what_is_no_stamp_is_none(text):
    assert stamp.unpack(text) is None


@given(st.integers(0, len(DOCUMENT.stamp) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_an_altered_stamp_is_no_stamp(at, letter):
    altered = DOCUMENT.stamp[:at] + letter + DOCUMENT.stamp[at + 1 :]
    assert altered == DOCUMENT.stamp or stamp.unpack(altered) is None


def test_a_checksum_alone_makes_no_stamp():
    for content in (b"[]", b"{}", b'{"l":"x"}', b"not json", compress(b"x")):
        data = urlsafe_b64encode(compress(content)).decode()
        assert stamp.unpack(f"BS1:{sha256(data.encode()).hexdigest()[:8]}:{data}.") is None


@given(st.integers(0, 60), st.integers(0, 3000))
def test_a_stamp_fits_whatever_room_there_is(count, limit):
    document = invoice(
        "BS-9", *(line("time", time_part(entry(f"entry-{number}"), 100 + number)) for number in range(count))
    )
    text = stamp.pack("ledger-0", document, limit=limit)
    assert len(text) <= limit
    found = stamp.unpack(text)
    if found is None:
        assert text == "" and limit < 300, "there was room for the shortest form"
    else:
        assert (found.ledger, found.reference, found.count) == ("ledger-0", "BS-9", count)
        assert found.complete is bool(found.parts) or count == 0
        assert sum(one.amount for one in found.parts) in (0, document.total)


def postings(ledger, world):
    return [
        (one.fact.kind, one.fact.identity, one.fact.amount, one.fact.evidence, one.fact.quantity, one.fact.invoice)
        for one in facts(ledger, world.clock).postings
    ]


def relearn(ledger, world, *receipts):
    return ledger.relearn("books", receipts, person="ana", now=world.clock(), night=NIGHT)


def test_a_lost_ledger_is_learnt_again_from_the_books(world, tmp_path):
    credit = invoice("BS-2", line("credit", part("time/work/1", -500)), issued_on=NIGHT + timedelta(days=1))
    with world.open() as lost:
        receipts = [bill(lost, world.clock, DOCUMENT), bill(lost, world.clock, credit, status="paid")]
        had, documents = postings(lost, world), [one.receipt for one in lost.documents()]
    new = World(tmp_path / "new.db", clock=world.clock, ids=iter([5]))
    with new.open() as ledger:
        assert ledger.foreign("books", receipts) == receipts
        found = relearn(ledger, new, *reversed(receipts))
        assert (found.documents, found.postings, found.unlearned, found.let_go) == (("BS-1", "BS-2"), 6, (), ())
        assert postings(ledger, new) == had
        assert [one.receipt for one in ledger.documents()] == documents
        assert ledger.foreign("books", receipts) == [], "learnt documents are strangers no more"
        assert relearn(ledger, new, *receipts).documents == (), "learnt twice"
        learnt = ledger.intent("BS-1")
        assert learnt is not None and learnt.state == "confirmed" and learnt.invoice.total == DOCUMENT.total
        told = [row for row in ledger.journal_rows() if row.event in ("planned", "confirmed", "relearned")]
        assert len(told) == 5 and {row.actor for row in told} == {"ana"}
        assert_sound(ledger)


def test_an_older_backup_learns_what_it_missed(world, tmp_path):
    second = invoice("BS-2", line("time", time_part(WORK[1], 7)))
    with world.open() as ledger:
        first = bill(ledger, world.clock, DOCUMENT)
        ledger.plan(draft_of(second), second, input_hash="h", now=world.clock())
        ledger.abandon("BS-2", "planned, never sent", world.clock())
        ledger.backup(tmp_path / "old.db", world.clock())
        later = [
            bill(ledger, world.clock, second),
            bill(ledger, world.clock, invoice("BS-3", line("time", time_part(entry("9"), 9)))),
        ]
        had = postings(ledger, world)
    restore(tmp_path / "old.db", world.path, force=True)
    with world.open() as ledger:
        assert ledger.foreign("books", [first, *later]) == later
        assert relearn(ledger, world, first, *later).documents == ("BS-2", "BS-3")
        assert postings(ledger, world) == had and ledger.foreign("books", [first, *later]) == []
        assert ledger.intent("BS-2").invoice == second, "what is on file must not be replaced by the poorer stamp"
        assert_sound(ledger)


def test_what_cannot_be_learnt_is_named(world, ledger):
    bare = receipt_of(replace(DOCUMENT, stamp=""))
    copied = replace(receipt_of(DOCUMENT), reference="BS-2")
    small = invoice("BS-3", *(line("time", time_part(entry(f"entry {number}"), 1)) for number in range(50)))
    small = replace(small, stamp=stamp.pack("ledger-0", small, limit=250))
    converted = replace(receipt_of(invoice("BS-4", *DOCUMENT.lines)), currency="EUR")
    found = relearn(ledger, world, bare, copied, receipt_of(small), converted)
    assert found.documents == () and [reference for reference, _ in found.unlearned] == ["BS-1", "BS-2", "BS-3", "BS-4"]
    reasons = " ".join(why for _, why in found.unlearned)
    for word in ("no stamp", "belongs to BS-1", "no room for its 50 items", "USD, the books say EUR"):
        assert word in reasons
    assert postings(ledger, world) == []


def test_a_voided_document_is_learnt_as_it_stands(world, ledger):
    found = relearn(ledger, world, receipt_of(DOCUMENT, status="voided"))
    assert found.documents == ("BS-1",) and found.let_go == ()
    assert len(postings(ledger, world)) == 5, "only a person makes voided work billable again"
    ledger.let_go("BS-1", person="ana", reason="void", now=world.clock(), night=NIGHT)


def test_a_voided_document_whose_work_was_billed_again_is_let_go_at_once(world, ledger):
    again = invoice("BS-2", *DOCUMENT.lines)
    found = relearn(ledger, world, receipt_of(DOCUMENT, status="voided"), receipt_of(again))
    assert found.let_go == ("BS-1",)
    sums: dict[str, int] = {}
    for kind, identity, amount, *_ in postings(ledger, world):
        sums[f"{kind} {identity}"] = sums.get(f"{kind} {identity}", 0) + amount
    assert sums["billed C-1/line/sd"] == 50000 and sums["billed time/work/0"] == 20000, "billed twice after the loss"
    assert_sound(ledger)


def test_a_document_that_two_ledgers_know_is_ours_once_a_person_says_so(world, ledger):
    bill(ledger, world.clock, DOCUMENT)
    theirs = receipt_of(invoice("BS-1", *DOCUMENT.lines, ledger_id="twin"))
    assert ledger.foreign("books", [theirs]) == [theirs]
    assert relearn(ledger, world, theirs).documents == (), "it is on file already"
    assert ledger.foreign("books", [theirs]) == []
    assert_sound(ledger)


def test_a_second_ledger_on_the_same_books_stays_a_stranger(world, ledger):
    relearn(ledger, world, receipt_of(invoice("BS-1", *DOCUMENT.lines, ledger_id="twin")))
    later = receipt_of(invoice("BS-2", line("time", part("time/work/8", 1)), ledger_id="twin"))
    assert ledger.foreign("books", [later]) == [later], "the other ledger is still at work and nobody noticed"
