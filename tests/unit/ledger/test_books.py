"""What the books say: changes by hand, strangers, phantoms, documents let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billsync.model.errors import KeyReuse, UsageError
from billsync.model.invoice import Receipt
from billsync.model.work import digest
from tests.unit.ledger.conftest import (
    NIGHT,
    assert_sound,
    bill,
    draft_of,
    entry,
    evaluation,
    facts,
    invoice,
    line,
    observe,
    part,
    receipt_of,
    rest_of,
    terms,
    time_part,
)  # fmt: skip

DOCUMENT = invoice("BS-1", line("time", time_part(entry("1"), 20000)))


def read(ledger, world, *receipts):
    return ledger.read_back("books", receipts, read_at=world.clock())


def net(ledger, world, kind="billed"):
    sums: dict[str, int] = {}
    for one in facts(ledger, world.clock).postings:
        if one.fact.kind == kind:
            sums[one.fact.identity] = sums.get(one.fact.identity, 0) + one.fact.amount
    return sums


def let_go(ledger, world, reference="BS-1"):
    return ledger.let_go(reference, person="ana", reason="voided by mistake", now=world.clock(), night=NIGHT)


def test_what_people_do_in_the_books_is_told(ledger, world):
    receipt = bill(ledger, world.clock, DOCUMENT)
    assert read(ledger, world, receipt) == []
    part_paid = replace(receipt, status="part_paid", balance=5000, revision="1")
    assert read(ledger, world, part_paid) == [
        "N-BS-1 (BS-1): open became part_paid",
        "N-BS-1 (BS-1): balance USD 200.00 became USD 50.00",
    ]
    assert read(ledger, world, part_paid) == [], "told twice"
    edited = replace(part_paid, total=19000, line_amounts=(19000,), revision="2")
    assert read(ledger, world, edited) == ["N-BS-1 (BS-1): total USD 200.00 became USD 190.00"]
    assert read(ledger, world, replace(edited, revision="3")) == [
        "N-BS-1 (BS-1): edited in the books (revision 2 became 3)"
    ]
    assert read(ledger, world, replace(edited, status="deleted")) == ["N-BS-1 (BS-1): part_paid became deleted"]
    [document] = ledger.documents("books")
    assert (document.receipt.status, document.expected_total, document.read_at) == ("deleted", 20000, world.clock.at)
    assert ledger.documents("other") == () and ledger.documents() == (document,)
    assert_sound(ledger)


def test_the_books_are_read_up_to_the_newest_change_they_told(ledger, world):
    """By their clock: ours may be ahead. Where ours was behind it counts, so that nothing is ever skipped."""
    receipt = bill(ledger, world.clock, DOCUMENT)
    assert ledger.last_read_back("books") is None, "it was never read"
    read(ledger, world)
    assert ledger.last_read_back("books") is None, "books that told no time are read whole"
    earlier = world.clock.at - timedelta(days=400)
    read(ledger, world, replace(receipt, updated_at=earlier), replace(receipt, id="x", reference="", updated_at=None))
    assert ledger.last_read_back("books") == earlier and ledger.last_read_back("other") is None
    read(ledger, world, replace(receipt, updated_at=earlier - timedelta(days=1)))
    assert ledger.last_read_back("books") == earlier, "it went back"
    read(ledger, world, replace(receipt, updated_at=earlier + timedelta(days=9999)))
    assert ledger.last_read_back("books") == world.clock.at, "a change of the future skips what comes before it"
    assert_sound(ledger)


def test_a_payment_makes_no_difference_and_an_edit_does(ledger, world):
    other = invoice("BS-2", line("time", time_part(entry("2"), 100)))
    first, second = bill(ledger, world.clock, DOCUMENT), bill(ledger, world.clock, other)
    observe(ledger, world.clock, entry("1"), entry("2"))
    ledger.keep(
        evaluation(resting=(rest_of(entry("1")), rest_of(entry("2"), amount=100))),
        terms=terms(), now=world.clock(), night=NIGHT,
    )  # fmt: skip
    assert facts(ledger, world.clock).documents == ()
    read(ledger, world, replace(first, status="paid", balance=0), replace(second, line_amounts=(60, 40)))
    assert [one.receipt.reference for one in facts(ledger, world.clock).documents] == ["BS-2"]
    assert net(ledger, world) == {"time/work/2": 100}, "what stands on an edited document must be looked at again"


def test_a_document_with_another_total_than_predicted_differs_from_the_start(ledger, world):
    ledger.plan(draft_of(DOCUMENT), DOCUMENT, input_hash="h", now=world.clock())
    ledger.sending("BS-1", world.clock())
    ledger.confirm("BS-1", receipt_of(DOCUMENT, total=20001), expected_total=20000, now=world.clock(), night=NIGHT)
    observe(ledger, world.clock, entry("1"))
    ledger.keep(evaluation(resting=(rest_of(entry("1")),)), terms=terms(), now=world.clock(), night=NIGHT)
    [document] = facts(ledger, world.clock).documents
    assert (document.receipt.total, document.expected_total) == (20001, 20000)


def test_phantoms_are_documents_of_our_customers_without_our_reference(ledger, world):
    receipt = bill(ledger, world.clock, DOCUMENT)
    by_hand = replace(receipt, id="7", number="7", reference="", stamp="")
    elsewhere = replace(by_hand, id="8", customer="99")
    read(ledger, world, by_hand, elsewhere, receipt)
    assert [one.receipt for one in ledger.phantoms("books")] == [by_hand] and ledger.phantoms("other") == ()
    assert ledger.documents() and len(ledger.documents()) == 1


def test_a_stranger_bears_our_prefix_and_is_not_known(ledger, world):
    ours = bill(ledger, world.clock, DOCUMENT)
    unknown = receipt_of(invoice("BS-2", line("time", part("time/work/2", 5))))
    forked = replace(ours, stamp=invoice("BS-1", *DOCUMENT.lines, ledger_id="another ledger").stamp)
    theirs = replace(unknown, reference="INV-7", stamp="")
    assert ledger.foreign("books", [ours, theirs]) == []
    assert ledger.foreign("books", [unknown]) == [unknown]
    assert ledger.foreign("books", [forked]) == [forked]


@pytest.mark.parametrize(
    "state, stranger", [("planned", False), ("sending", False), ("refused", True), ("abandoned", True)]
)
def test_what_this_ledger_never_sent_was_sent_by_another(ledger, world, state, stranger):
    ledger.plan(draft_of(DOCUMENT), DOCUMENT, input_hash="h", now=world.clock())
    if state == "sending":
        ledger.sending("BS-1", world.clock())
    if state == "refused":
        ledger.refuse("BS-1", "no", world.clock())
    if state == "abandoned":
        ledger.abandon("BS-1", "never sent", world.clock())
    assert bool(ledger.foreign("books", [receipt_of(DOCUMENT)])) is stranger


def test_a_voided_document_is_let_go_once(ledger, world):
    receipt = bill(ledger, world.clock, DOCUMENT)
    read(ledger, world, replace(receipt, status="voided"))
    assert net(ledger, world) == {"time/work/1": 20000}, "a void alone must not make anything billable again"
    assert let_go(ledger, world) == (1,)
    assert net(ledger, world) == {"time/work/1": 0}
    reversal = facts(ledger, world.clock).postings[-1]
    [decision] = ledger.decisions()
    assert (reversal.reverses, reversal.fact.decision, reversal.fact.invoice) == (1, decision.id, "BS-1")
    assert (decision.kind, decision.subject, decision.person) == ("let_go", "BS-1", "ana")
    with pytest.raises(UsageError, match="let go before"):
        let_go(ledger, world)
    assert_sound(ledger)


def test_a_document_that_stands_cannot_be_let_go(ledger, world):
    bill(ledger, world.clock, DOCUMENT)
    with pytest.raises(UsageError, match="is open in the books"):
        let_go(ledger, world)
    with pytest.raises(UsageError, match="no confirmed document"):
        let_go(ledger, world, "BS-9")
    assert ledger.decisions() == (), "a refused wish left a decision"


def test_a_document_with_a_credit_on_it_cannot_be_let_go_before_the_credit(ledger, world):
    credit = invoice("BS-2", line("credit", part("time/work/1", -500)))
    first, second = bill(ledger, world.clock, DOCUMENT), bill(ledger, world.clock, credit)
    read(ledger, world, replace(first, status="voided"), replace(second, status="voided"))
    with pytest.raises(UsageError, match=r"^N-BS-1 .*a credit stands on it \(N-BS-2\)"):
        let_go(ledger, world)
    let_go(ledger, world, "BS-2")
    let_go(ledger, world)
    assert net(ledger, world) == {"time/work/1": 0} and net(ledger, world, "credited") == {"time/work/1": 0}


def test_a_credit_that_was_billed_once_more_cannot_be_let_go_before_that_bill(ledger, world):
    word = ledger.decide("rebill", "time/work/1", person="ana", reason="after all", at=world.clock())
    credit = invoice("BS-2", line("credit", part("time/work/1", -500)))
    again = invoice("BS-3", line("time", part("time/work/1", 500, decision=word.id)))
    receipts = [bill(ledger, world.clock, one) for one in (DOCUMENT, credit, again)]
    read(ledger, world, *(replace(one, status="voided") for one in receipts))
    with pytest.raises(UsageError, match=r"a billing once more stands on it \(N-BS-3\)"):
        let_go(ledger, world, "BS-2")
    for name in ("BS-3", "BS-2", "BS-1"):
        let_go(ledger, world, name)
    assert_sound(ledger)


def test_a_deleted_document_of_which_the_books_tell_the_id_only_can_be_let_go(ledger, world):
    made = bill(ledger, world.clock, DOCUMENT)
    tombstone = Receipt(id=made.id, number="", reference="", status="deleted", currency="USD", total=0)
    [told] = read(ledger, world, tombstone)
    assert "open became deleted" in told
    [known] = ledger.documents()
    assert (known.receipt.reference, known.receipt.number, known.receipt.status) == ("BS-1", made.number, "deleted")
    assert read(ledger, world, tombstone) == []
    let_go(ledger, world)
    assert_sound(ledger)


def test_books_that_told_nothing_yet_are_asked_for_changes_since_our_first_document(ledger, world):
    read(ledger, world)
    assert ledger.last_read_back("books") is None
    at = world.clock()
    bill(ledger, world.clock, DOCUMENT, updated_at=at)
    assert ledger.last_read_back("books") is not None, "read whole, some books do not tell what was deleted"


def test_a_document_whose_hold_back_was_released_cannot_be_let_go_before_the_release(ledger, world):
    held = invoice("BS-1", line("milestone", part("C-1/line/sd", 1000)), line("holdback", part("C-1/line/sd", -100)))
    release = invoice("BS-2", line("release", part("C-1/release/end", 100)))
    for document in (held, release):
        read(ledger, world, replace(bill(ledger, world.clock, document), status="deleted"))
    with pytest.raises(UsageError, match="a release of the hold-back stands on it"):
        let_go(ledger, world)
    let_go(ledger, world, "BS-2")
    let_go(ledger, world)
    assert net(ledger, world, "withheld") == {"C-1/line/sd": 0}


def test_an_earlier_credit_does_not_stand_on_a_later_document(ledger, world):
    first = bill(ledger, world.clock, DOCUMENT)
    credit = invoice("BS-2", line("credit", part("time/work/1", -500)))
    bill(ledger, world.clock, credit)
    again = bill(ledger, world.clock, invoice("BS-3", line("time", part("time/work/1", 500))))
    read(ledger, world, first, replace(again, status="voided"))
    let_go(ledger, world, "BS-3")
    assert net(ledger, world) == {"time/work/1": 20000}


def test_a_reference_that_was_let_go_is_used_up(ledger, world):
    read(ledger, world, replace(bill(ledger, world.clock, DOCUMENT), status="voided"))
    let_go(ledger, world)
    with pytest.raises(KeyReuse, match="needs a new reference"):
        ledger.plan(draft_of(DOCUMENT), DOCUMENT, input_hash=digest(DOCUMENT.lines), now=world.clock())
