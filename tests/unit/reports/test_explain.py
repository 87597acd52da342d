from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billsync.model.book import BookDocument, Decision, Facts, Intent, NewPosting, Place, Posting
from billsync.model.invoice import Evidence, Invoice, Receipt
from billsync.model.work import Approval, Observation, TimeEntry, version_of
from billsync.reports import explain, invoices
from billsync.reports.render.text import plain
from tests.unit.reports import worked

KEY = worked.key("time", "T-30")
IDENTITY = "time/work/T-30"


def at(day: int, hour: int = 2) -> datetime:
    return datetime(2026, 5, day, hour, tzinfo=UTC)


def entry(hours: str, state="approved") -> TimeEntry:
    return TimeEntry(
        id="T-30",
        project="P-1",
        person="ana",
        worked_on=date(2026, 4, 30),
        hours=Decimal(hours),
        billable=True,
        approval=Approval(state=state, by="Bo"),
    )


def seen(record: TimeEntry, first: datetime, vanished: datetime | None = None) -> Observation:
    return Observation(
        key=KEY, version=version_of(record), record=record, first_seen=first, last_seen=first, vanished=vanished
    )


POSTING = Posting(
    id=1,
    at=at(3),
    night=date(2026, 5, 3),
    fact=NewPosting(
        identity=IDENTITY,
        contract=worked.CONTRACT,
        client="acme",
        currency="USD",
        kind="billed",
        amount=500_000,
        invoice="BS-BBBBBBBBBBBB",
        evidence=(Evidence(key=KEY, version="v"),),
        because=("30.00 h x 180.00 = 5,400.00", "capped at 5,000.00"),
    ),
)
DECISION = Decision(
    id=1,
    kind="hold",
    subject=IDENTITY,
    person="ana",
    reason="client asks",
    at=at(5, 9),
    until=date(2026, 5, 9),
)
RECEIPT = Receipt(
    id="1", number="INV-7", reference="BS-BBBBBBBBBBBB", status="paid", currency="USD", total=500_000, balance=0,
    issued_on=date(2026, 5, 3),
)  # fmt: skip
INTENT = Intent(
    reference="BS-BBBBBBBBBBBB",
    sink="books",
    key="k",
    state="confirmed",
    input_hash="h",
    draft=worked.DRAFT,
    invoice=Invoice(
        kind="invoice", reference="BS-BBBBBBBBBBBB", customer="acme", client="acme", client_name="Acme Corporation",
        currency="USD", issued_on=date(2026, 5, 3), due_on=None, lines=worked.DRAFT.lines, stamp="",
    ),
    planned_at=at(3),
    receipt=RECEIPT,
)  # fmt: skip
BOOK = BookDocument(sink="books", receipt=RECEIPT, read_at=at(6), expected_total=500_000)


def facts(**changes) -> Facts:
    fields: dict[str, Any] = {
        "now": at(10),
        "today": worked.TODAY,
        "contracts": worked.TERMS.contracts,
        "clients": worked.TERMS.clients,
        "records": (seen(entry("30.00"), at(4)),),
        "history": {KEY: (seen(entry("28.00", "open"), at(1)),)},
        "postings": (POSTING,),
        "intents": (),
        "decisions": (DECISION,),
        "places": {IDENTITY: Place(identity=IDENTITY, contract=worked.CONTRACT, night=date(2026, 5, 3), rank=1)},
    }
    return Facts(**(fields | changes))


def told(identity: str = IDENTITY, given: Facts | None = None):
    documents = invoices.build([INTENT], [BOOK])
    return explain.build(identity, given or facts(), worked.evaluation(), documents)


def test_the_life_of_an_item_is_told_in_order():
    events = [(event.at, event.what) for event in told().events]
    assert [when for when, _ in events] == sorted(when for when, _ in events)
    words = [what for _, what in events]
    assert words[0].startswith("first seen at work: ") and "hours 28.00" in words[0]
    assert words[1:] == [
        "first earned in the night of 2026-05-03",
        "billed USD 5,000.00 on BS-BBBBBBBBBBBB",
        "changed at work: hours 28.00 -> 30.00, approval open by Bo -> approved by Bo",
        "ana: hold until 2026-05-09, because client asks",
    ]


def test_a_record_that_is_gone_says_when():
    gone = facts(records=(seen(entry("30.00"), at(4), vanished=at(8)),))
    assert told(given=gone).events[-1].what == "gone from work"


def test_each_step_of_the_amount_is_there_also_when_only_the_posting_knows_it():
    assert told().because == POSTING.fact.because


def test_where_it_stands_names_every_bucket_and_the_invoice_in_the_books():
    words = plain(explain.blocks(told()))
    for expected in ("billed", "capped", "USD 400.00", "above the cap", "INV-7", "paid in books"):
        assert expected in words


def test_what_is_missing_is_said_with_the_next_step():
    words = plain(explain.blocks(told("ACME-2026-01/line/permit")))
    assert "acceptance missing" in words and "Next: have the client accept it" in words


def test_open_and_unmapped_work_can_be_explained_too():
    assert "not finished yet" in plain(explain.blocks(told("ACME-2026-01/line/final")))
    assert "no contract names it" in plain(explain.blocks(told("time/work/T-99")))


def test_an_item_is_found_by_identity_id_name_or_beginning():
    known = explain.identities(facts(), worked.evaluation())
    assert explain.named(IDENTITY, known) == (IDENTITY,)
    assert explain.named("T-30", known) == (IDENTITY,)
    assert explain.named("permit SET", known) == ("ACME-2026-01/line/permit",)
    assert explain.named("ACME-2026-01/line/sch", known) == ("ACME-2026-01/line/schematic",)
    assert explain.named("nothing like it", known) == ()
    assert len(explain.named("ACME-2026-01/line", known)) == 4


def test_rows_for_machines_carry_amounts_as_text():
    row = explain.row(told())
    assert row["schema"] == "billsync.explain/1"
    assert [(state["bucket"], state["amount"]) for state in row["states"]] == [
        ("billed", "5000.00"), ("capped", "400.00"),
    ]  # fmt: skip
    assert row["invoices"] == [{"number": "INV-7", "reference": "BS-BBBBBBBBBBBB", "status": "paid"}]


# Invoices


def test_an_invoice_shows_the_books_word_and_where_it_differs():
    edited = replace(BOOK, receipt=replace(RECEIPT, total=510_000))
    voided = replace(BOOK, receipt=replace(RECEIPT, status="voided"))
    assert [invoices.build([INTENT], [book])[0].remark for book in (BOOK, edited, voided)] == [
        "",
        "the books' total differs from what was sent (USD 5,000.00)",
        "voided in the books",
    ]


def test_a_document_without_an_answer_is_listed_with_its_state():
    [document] = invoices.build([replace(INTENT, state="unknown", receipt=None, reason="timed out")], [])
    assert (document.number, document.status, document.remark) == ("", "unknown", "timed out")
    assert document.total.minor == 3_300_000


def test_abandoned_attempts_are_no_invoices():
    assert invoices.build([replace(INTENT, state="abandoned")], []) == ()


def test_an_invoice_is_found_by_number_reference_or_beginning():
    documents = invoices.build([INTENT], [BOOK])
    for name in ("INV-7", "BS-BBBBBBBBBBBB", "BS-BBB"):
        assert invoices.find(name, documents) == documents
    assert invoices.find("INV", documents) == () and invoices.find("INV-8", documents) == ()


def test_an_invoice_tells_each_lines_reason_and_evidence():
    words = plain(invoices.show_blocks(invoices.build([INTENT], [BOOK])[0]))
    for expected in ("Invoice INV-7", "Permit set", "33,000.00 is the amount", "work/milestone/M-2", "0123456789ab"):
        assert expected in words
    row = invoices.full_row(invoices.build([INTENT], [BOOK])[0])
    assert row["lines"][0]["parts"][0]["evidence"] == [
        {"record": "work/milestone/M-2", "version": "0123456789abcdef01234567"}
    ]
    assert tuple(invoices.row(invoices.build([INTENT], [BOOK])[0])) == invoices.COLUMNS
