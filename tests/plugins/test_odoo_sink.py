import json
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from billsync.model.book import BookDocument
from billsync.model.errors import AuthFailed, BadAnswer, Denied, Refused, Unavailable, VendorError
from billsync.sync import books
from billsync.testing import Fault
from billsync.testing.account_contract import wrong_guess
from billsync.testing.invoices import credit_memo, invoice, line
from billsync.testing.odoo import FakeOdoo
from billsync.testing.odoo_rpc import KEY, called
from billsync.testing.sink_contract import SinkContract
from billsync.testing.vendor_contract import load, unread_examples
from billsync_plugins._odoo import cleaned
from billsync_plugins.sinks._odoo_books import tax_of
from billsync_plugins.sinks._odoo_documents import MOVE, receipt_of
from billsync_plugins.sinks.odoo import Odoo


@wrong_guess(
    "odoo/sink", "versions 18 and 19 take the documents of 17", by="test_a_refusal_says_that_nothing_was_written"
)
class TestOdoo(SinkContract):
    sink = Odoo
    helpless = ()  # an External ID is taken once, whatever else these books do

    def vendor(self):
        return FakeOdoo()

    def creates(self, request):
        return called(request)[:2] == ("account.move", "load")

    def test_the_dry_run_shows_the_bytes_that_are_sent(self):
        """But for the key, which a dry run must not show: the session puts it into the body."""
        document = invoice()
        opened = self.bench.open()
        address, content = opened.request(document, document.reference)
        assert not [request for request in self.books.log if self.creates(request)], "a dry run wrote"
        assert KEY not in content.decode()
        opened.create(document, document.reference)
        [sent] = [request for request in self.books.log if self.creates(request)]
        assert (f"{self.books.url}{sent.target}", sent.body.replace(KEY.encode(), b"")) == (address, content)

    def test_void_and_delete_by_hand_show(self):
        """A deletion leaves nothing: the run asks which of the known documents are gone."""
        opened, receipt = self.made()
        _, other = self.made(invoice(reference="BS-OTHER2345678"))
        self.books.clock.advance(3600)
        self.books.void(self.books.bearing(receipt.reference)[0])
        self.books.delete(self.books.bearing(other.reference)[0])
        now = self.back(minutes=30)
        assert (now[receipt.id].status, now[receipt.id].reference) == ("voided", receipt.reference)
        assert not opened.tells_deletions
        assert list(opened.absent([receipt.id, other.id])) == [other.id]

    def test_customers_and_taxes_can_be_read(self):
        """A tax is known by its id there, not by its name."""
        opened = self.bench.open()
        assert {party.id: party.name for party in opened.customers()} == self.books.customers
        self.books.tax_rates = {"vat": Decimal("19")}
        assert [(code.id, code.name, code.percent) for code in opened.taxes()] == [("1", "vat", Decimal(19))]


@pytest.fixture
def kit():
    kit = TestOdoo()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def loaded(kit, document):
    """Columns and rows of what would be sent."""
    body = json.loads(kit.bench.open().request(document, document.reference)[1])
    return [dict(zip(body["params"]["args"][5][0], row, strict=True)) for row in body["params"]["args"][5][1]]


def test_the_same_once_more_is_the_same_document_whatever_it_says(kit):
    opened, receipt = kit.made()
    again = opened.create(invoice(line(1), push="approved"), "key")
    assert (again.id, again.total) == (receipt.id, receipt.total), "what was made is read back, not assumed"
    assert len(kit.books.documents) == 1 and len(kit.books.files) == 1
    contexts = {str(called(request)[3]["context"]) for request in kit.books.log if kit.creates(request)}
    assert contexts == {"{'mode': 'update', 'noupdate': True, 'module': 'billsync'}"}, "without these lines double"


def test_a_lost_race_is_run_again(kit):
    kit.books.races = 2
    _, receipt = kit.made()
    assert [document.id for document in kit.books.bearing(receipt.reference)] == [receipt.id]


def test_a_race_that_never_ends_leaves_it_open(kit):
    kit.books.races = 99
    with pytest.raises(Unavailable) as failed:
        kit.made()
    assert failed.value.sent, "another process may have written it"


@pytest.mark.parametrize(("push", "status"), [("draft", "draft"), ("approved", "open"), ("sent", "open")])
def test_how_far_a_document_goes(kit, push, status):
    opened, receipt = kit.made(invoice(push=push))
    assert (receipt.status, receipt.remarks) == (status, ())
    assert receipt.number.startswith("INV/") == (push != "draft"), "a draft has no number that means anything"
    [found] = opened.find(invoice())
    assert found == receipt


def test_a_document_that_cannot_be_posted_stays_a_draft_and_says_why(kit):
    _, receipt = kit.made(invoice(line(-5, "Too much"), push="approved"))
    assert receipt.status == "draft" and "negative total" in receipt.remarks[0]


def test_a_stamp_that_cannot_be_kept_loses_no_document(kit):
    kit.books.fail(Fault(status=400), when=lambda request: called(request)[:2] == ("ir.attachment", "create"))
    _, receipt = kit.made()
    assert "the stamp was not kept" in receipt.remarks[0]
    again = kit.bench.open().create(invoice(), "key")
    assert again.stamp == invoice().stamp, "the next attempt of the same document makes up for it"


@pytest.mark.parametrize("fault", ["timeout_before", "reset_after", "error_before", "throttled", "creation"])
def test_what_a_lost_answer_left_undone_is_made_up_for(kit, fault):
    """The document stands without its stamp: the run finds it, and finishes it before it is adopted."""
    if fault == "creation":
        kit.books.fail("reset_after", when=kit.creates)
    else:
        kit.books.fail(fault, when=lambda request: called(request)[0] == "ir.attachment", times=99)
    opened = kit.bench.open(transport=kit.books.transport())
    with pytest.raises(VendorError) as failed:
        opened.create(invoice(push="approved"), "key")
    assert failed.value.sent, "the document is in the books"
    kit.books.forgive()
    [found] = opened.find(invoice())
    finished = opened.finish(invoice(push="approved"), found)
    assert (finished.stamp, finished.status, finished.remarks) == (invoice().stamp, "open", ())
    assert opened.find(invoice()) == [finished]
    assert opened.finish(invoice(push="approved"), finished) == finished, "nothing is done twice"


def test_reading_that_fails_after_the_document_was_made_is_no_refusal(kit):
    kit.books.fail(Fault(status=403), when=lambda request: called(request)[1] == "search_read", times=9)
    with pytest.raises(Denied) as failed:
        kit.made()
    assert failed.value.sent and kit.books.bearing(invoice().reference)


def test_a_bad_key_is_told_as_such(kit):
    kit.bench.more = {"key": "an-older-one"}
    with pytest.raises(AuthFailed, match="not accepted"):
        kit.bench.open().check()


def test_a_right_that_is_missing_is_told_as_such(kit):
    body = json.dumps({
        "jsonrpc": "2.0", "id": 1,
        "error": {"message": "Odoo Server Error", "data": {
            "name": "odoo.exceptions.AccessError", "debug": "Traceback: made-up", "message": "You are not allowed"}},
    }).encode()  # fmt: skip
    kit.books.fail(Fault(status=200, body=body), when=lambda request: called(request)[0] == "account.move")
    with pytest.raises(Denied, match="not allowed") as denied:
        kit.back()
    assert "Traceback" not in str(denied.value)


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "shown"),
    [
        ("12.5", "100", 125_000, ("12.50", "100.00")),
        ("1.333", "33.335", 4_444, ("1", "44.44")),
        ("1.333", "33.33", 4_433, ("1.33", "33.33")),
        ("0.005", "100", 50, ("1", "0.50")),
    ],
)
def test_quantity_and_price_go_along_where_two_decimals_give_the_amount(kit, quantity, price, amount, shown):
    entry = line(amount, "Hours", kind="time", quantity=Decimal(quantity), unit_price=Decimal(price))
    [row] = loaded(kit, invoice(entry))
    assert (row["invoice_line_ids/quantity"], row["invoice_line_ids/price_unit"]) == shown
    _, receipt = kit.made(invoice(entry))
    assert receipt.total == amount


def test_a_due_date_of_ours_stands_against_the_customers_terms(kit):
    [first, *_] = loaded(kit, invoice())
    assert (first["invoice_payment_term_id/.id"], first["invoice_date_due"]) == ("", "2026-04-30")
    for document in (invoice(due_on=None), credit_memo()):
        assert "invoice_payment_term_id/.id" not in loaded(kit, document)[0], "else the customer's terms are lost"


def test_products_taxes_and_analytic_accounts_are_mapped(kit):
    kit.bench.more = {
        "product": 5,
        "products": {"time": 6, "Travel": 7},
        "analytic": {"West": 3},
        "company": 1,
        "journal": 9,
    }
    lines = [
        line(100, "a"),
        line(100, "b", kind="time", tax_code="1"),
        line(100, "c", item="Travel", dimensions={"region": "West"}),
    ]
    rows = loaded(kit, invoice(*lines, purchase_order="PO-7"))
    assert [row["invoice_line_ids/product_id/.id"] for row in rows] == ["5", "6", "7"]
    assert [row["invoice_line_ids/tax_ids/.id"] for row in rows] == ["", "1", ""], "no tax code is no tax"
    assert [row["invoice_line_ids/analytic_distribution"] for row in rows] == ["", "", '{"3":100}']
    assert [row["id"] for row in rows] == ["billsync.BS-7KQ2M4XW9ABC", "", ""], "further lines are of the same document"
    assert (rows[0]["ref"], rows[0]["journal_id/.id"], rows[0]["company_id/.id"]) == ("PO-7", "9", "1")


def test_a_paid_document_is_not_cancelled(kit):
    """Cancelling would undo the payment's match."""
    opened, receipt = kit.made(invoice(push="approved"))
    kit.books.pay(kit.books.bearing(receipt.reference)[0], 100)
    with pytest.raises(Refused, match="edited or paid"):
        opened.void(receipt)


def test_a_deletion_in_the_books_is_found_by_a_run(kit):
    """Through the read-back of a night, with what its ledger knows."""
    opened, receipt = kit.made()
    _, other = kit.made(invoice(reference="BS-OTHER2345678"))
    known = [
        BookDocument(sink="odoo", receipt=one, read_at=kit.books.clock.now(), expected_total=0)
        for one in (receipt, other)
    ]
    kit.books.delete(kit.books.bearing(other.reference)[0])
    ledger: Any = SimpleNamespace(documents=lambda sink: known)
    firm: Any = SimpleNamespace(sleep=kit.books.clock.sleep)
    gone = books._deleted(firm, ledger, opened, list(opened.read_back(None)), whole=True)
    assert [(one.id, one.status) for one in gone] == [(other.id, "deleted")]
    calls = len(kit.books.log)
    assert list(opened.absent([])) == [] and len(kit.books.log) == calls, "a firm without documents asks nothing"


def test_a_company_that_rounds_another_way_is_told(kit):
    kit.books.rounds_globally = True
    assert "rounded once a document" in kit.bench.open().check().remarks[0]


def test_many_documents_are_read_in_few_calls(kit):
    for number in range(450):
        kit.books.enter(f"H-{number}", 100)
    before = len(kit.books.log)
    assert len(kit.back()) == 450
    assert len(kit.books.log) - before == 12


def test_a_quiet_night_takes_few_calls(kit):
    kit.made()
    kit.books.clock.advance(days=1)
    before = len(kit.books.log)
    assert list(kit.bench.open().read_back(kit.books.clock.now() - timedelta(hours=1))) == []
    assert [called(request)[1] for request in kit.books.log[before:]] == ["", "search_read", "search_count"]


# Published and observed examples


def test_what_we_load_has_the_form_that_was_tried(kit, contracts):
    """Same columns, context and places as the observed request, but for those that the firm adds."""
    tried = next(
        entry["body"]["params"]["args"]
        for entry in load(contracts / "odoo.examples.json")
        if "account.move.load (request" in entry["endpoint"]
    )
    ours = json.loads(kit.bench.open().request(invoice(), "key")[1])["params"]["args"]
    assert ours[3:5] == tried[3:5] and ours[6]["context"] == tried[6]["context"]
    assert set(tried[5][0]) <= set(ours[5][0])
    assert [cell == "" for cell in ours[5][1][1][:6]] == [True] * 6, "further lines fill line columns only"


def test_examples_are_read(contracts):
    [part_paid] = [
        entry["body"]["result"][0]
        for entry in load(contracts / "odoo.examples.json")
        if "account.move.read part paid" in entry["endpoint"]
    ]

    def moves(body):
        return [receipt_of(dict(cleaned(row)), [], None, "") for row in body["result"] if "currency_id" in row]

    def posted(body):
        read = moves(body)
        paid = receipt_of(dict(cleaned({**body["result"][0], **part_paid})), [], None, "")
        assert (paid.status, paid.balance, paid.payments[0].amount) == ("part_paid", 365_750, 100_000)
        return read

    start = "POST /jsonrpc execute_kw "
    readers = {
        f"{start}account.move.search_read draft": moves,
        f"{start}account.move.search_read posted": posted,
        f"{start}account.move.line.search_read product lines": lambda body: body["result"],
        f"{start}account.tax.search_read": lambda body: [tax_of(cleaned(row)) for row in body["result"]],
    }
    excused = {"POST": "calls and errors: the fake answers in their form", "XML-RPC": "not spoken here"}
    assert unread_examples(contracts / "odoo.examples.json", readers, excused) == []


@wrong_guess("odoo/sink", "the states of payment beyond Community's")
def test_a_state_of_payment_that_nobody_knows_is_refused(kit):
    _, receipt = kit.made(invoice(push="approved"))
    raw = dict(next(iter(kit.bench.open().database.rows("account.move", [["id", "=", int(receipt.id)]], MOVE))))
    assert receipt_of(raw, [], None, "").status == "open"
    with pytest.raises(BadAnswer, match="payment_state"):
        receipt_of({**raw, "payment_state": "half_way"}, [], None, "")
