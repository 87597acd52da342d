from datetime import timedelta
from decimal import Decimal

import pytest

from billsync.model.errors import BadAnswer, Refused, VendorError
from billsync.testing import FakeQuickBooks, Fault, Manners
from billsync.testing.account_contract import wrong_guess
from billsync.testing.invoices import credit_memo, invoice, line
from billsync.testing.sink_contract import SinkContract
from billsync_plugins.sinks._quickbooks_company import tax_of
from billsync_plugins.sinks.quickbooks import QuickBooks


class TestQuickBooks(SinkContract):
    sink = QuickBooks

    def vendor(self):
        return FakeQuickBooks()

    def creates(self, request):
        kinds = ("/invoice", "/creditmemo")
        return request.method == "POST" and request.path.endswith(kinds) and "operation" not in request.query


class TestQuickBooksWithoutOwnNumbers(TestQuickBooks):
    """QuickBooks numbers the documents: ours are known by the private note alone."""

    helpless = (*TestQuickBooks.helpless, "unique numbers")

    def vendor(self):
        vendor = FakeQuickBooks()
        vendor.own_numbers = False
        return vendor

    def test_two_machines_at_once(self):
        """Without own numbers only `requestid` keeps two machines apart; these books honour it."""
        super().test_two_machines_at_once()
        [document] = self.books.documents.values()
        assert document.number != invoice().reference, "QuickBooks gives the number"

    def test_a_number_is_not_sent(self):
        self.made()
        assert "DocNumber" not in self.books.log[-1].json()
        assert "own numbers are off" in " ".join(self.bench.open().check().remarks)


@pytest.fixture
def kit():
    kit = TestQuickBooks()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def test_the_same_key_is_the_same_requestid_in_every_attempt_and_process(kit):
    for _ in range(2):
        kit.books.fail("reset_before", when=kit.creates)
        with pytest.raises(VendorError):
            kit.bench.open().create(invoice(), "BS-KEY")
    first, second = (request.query["requestid"] for request in kit.books.log if kit.creates(request))
    assert first == second and len(first) <= QuickBooks.idempotency.max_length
    other, _ = kit.bench.open().request(invoice(), "BS-OTHER")
    assert first not in other


def test_a_number_that_is_taken_leads_to_the_document_that_has_it(kit):
    kit.books.manners = Manners(key_window=0)
    _, receipt = kit.made()
    opened = kit.bench.open()
    with pytest.raises(Refused, match=r"Duplicate Document Number.*TxnId=") as refused:
        opened.create(invoice(), "BS-KEY")
    assert not refused.value.sent, "a duplicate number is a refusal: nothing was written"
    assert [found.id for found in opened.find(invoice())] == [receipt.id]


def test_a_document_renumbered_by_hand_is_found_by_its_note(kit):
    _, receipt = kit.made()
    kit.books.edit(kit.books.documents["101"], number="1044")
    [found] = kit.bench.open().find(invoice())
    assert (found.id, found.number, found.reference) == (receipt.id, "1044", invoice().reference)


def test_apostrophes_cannot_break_a_query(kit):
    kit.books.customers["O'Neil"] = "O'Neil"
    document = invoice(customer="O'Neil")
    _, receipt = kit.made(document)
    assert [found.id for found in kit.bench.open().find(document)] == [receipt.id]


def test_warnings_are_told(kit):
    kit.books.warnings = ["The element ClassRef was ignored"]
    _, receipt = kit.made()
    assert receipt.remarks == ("The element ClassRef was ignored",)


def test_sent_means_mailed(kit):
    _, receipt = kit.made(invoice(push="sent", email="ap@example.com"))
    assert receipt.status == "sent" and receipt.remarks == ()
    created = next(request.json() for request in kit.books.log if kit.creates(request))
    assert (created["EmailStatus"], created["BillEmail"]) == ("NeedToSend", {"Address": "ap@example.com"})


def test_a_mail_that_fails_does_not_lose_the_document(kit):
    kit.books.fail(Fault(status=400), when=lambda request: request.path.endswith("/send"))
    _, receipt = kit.made(invoice(push="sent", email="ap@example.com"))
    assert receipt.status == "open" and "not mailed" in receipt.remarks[0]


@pytest.mark.parametrize("document", [invoice(), credit_memo(push="sent")])
def test_nothing_is_mailed_unasked(kit, document):
    _, receipt = kit.made(document)
    assert receipt.status == "open" and not [request for request in kit.books.log if request.path.endswith("/send")]


def test_a_foreign_currency_needs_books_that_take_it(kit):
    document = invoice(currency="EUR")
    with pytest.raises(Refused, match="USD only") as refused:
        kit.bench.open().create(document, "key")
    assert not refused.value.sent and not kit.books.documents
    kit.books.multicurrency = True
    _, receipt = kit.made(document)
    assert (receipt.currency, receipt.total) == ("EUR", document.total)


def test_a_currency_without_cents_is_sent_whole(kit):
    kit.books.multicurrency = True
    _, receipt = kit.made(invoice(line(12_345), currency="JPY"))
    assert (receipt.total, kit.books.log[-1].json()["Line"][0]["Amount"]) == (12_345, 12_345)


def test_preferences_that_cannot_be_read_are_no_doubt_about_the_document(kit):
    kit.books.fail(Fault(status=500), when=lambda request: "Preferences" in request.target, times=9)
    with pytest.raises(VendorError) as failed:
        kit.bench.open().create(invoice(), "key")
    assert not failed.value.sent, "only the preferences were asked for"


def test_a_fault_inside_a_good_answer_is_a_fault(kit):
    body = b'{"CDCResponse": [{"QueryResponse": [{"Fault": {"Error": [{"Detail": "too old"}], "type": "X"}}]}]}'
    kit.books.fail(Fault(status=200, body=body), when=lambda request: request.path.endswith("/cdc"))
    with pytest.raises(BadAnswer, match="too old"):
        kit.back(minutes=10)


def test_a_payment_that_does_not_touch_its_invoice_shows(kit):
    """Remembered, not documented: that a payment moves the invoice's LastUpdatedTime. Nothing rests on it."""
    _, receipt = kit.made()
    kit.books.clock.advance(days=1)
    kit.books.pay(kit.books.documents["101"], touches=False)
    assert kit.back(minutes=30)[receipt.id].status == "paid"


def test_earlier_payments_of_a_changed_invoice_are_told_too(kit):
    _, receipt = kit.made()
    first = kit.books.pay(kit.books.documents["101"], 1_000)
    kit.books.clock.advance(days=1)
    second = kit.books.pay(kit.books.documents["101"], 2_000)
    told = kit.back(minutes=30)[receipt.id].payments
    assert {(payment.id, payment.amount) for payment in told} == {(first.id, 1_000), (second.id, 2_000)}


def test_money_taken_back_shows(kit):
    _, receipt = kit.made()
    payment = kit.books.pay(kit.books.documents["101"])
    kit.books.clock.advance(days=1)
    kit.books.take_back(payment)
    now = kit.back(minutes=30)[receipt.id]
    assert (now.status, now.payments, now.balance) == ("open", (), receipt.total)


def test_after_more_than_a_month_everything_is_read(kit):
    _, receipt = kit.made()
    kit.books.clock.advance(days=45)
    assert kit.back(days=44).keys() == {receipt.id}
    assert not [request for request in kit.books.log if request.path.endswith("/cdc")], "CDC looks back 30 days only"


def test_changes_that_were_cut_are_read_in_full(kit):
    for number in range(1_005):
        kit.books.enter(f"H-{number}", 100)
    assert len(kit.back(minutes=30)) == 1_005


def test_many_pages_with_deletions_between_them_lose_nothing(kit):
    documents = [kit.books.enter(f"H-{number}", 100) for number in range(2_100)]
    gone = documents[:50]
    asked = []

    def meanwhile(request):
        asked.append(request)
        if "startposition 901" in request.target.replace("%20", " "):
            for document in gone:
                kit.books.delete(document)

    kit.books.watch.append(meanwhile)
    found = kit.back()
    staying = {f"Invoice/{document.id}" for document in documents[50:]}
    assert staying <= found.keys(), f"{len(staying - found.keys())} documents were pulled over a border between pages"


def test_a_query_that_ignores_its_start_is_refused(kit):
    for number in range(1_000):
        kit.books.enter(f"H-{number}", 100)
    page = kit.books.json_of
    rows = [page(document) for document in kit.books.documents.values()]
    kit.books._query = lambda statement: kit.books._said({"QueryResponse": {"Invoice": rows}})
    with pytest.raises(BadAnswer, match="nothing new"):
        list(kit.bench.open().company.select("Invoice"))


@pytest.mark.parametrize(
    ("rates", "percent"),
    [
        ({"r1": Decimal("19")}, Decimal(19)),
        ({"r1": None}, None),
        ({"r1": Decimal(5), "r2": Decimal("9.975")}, Decimal("14.975")),
    ],
)
def test_the_percent_of_a_code_is_the_sum_of_its_rates(rates, percent):
    details = [{"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount"} for rate in rates]
    raw = {"Id": "5", "Name": "HST", "Taxable": True, "SalesTaxRateList": {"TaxRateDetail": details}}
    assert tax_of(raw, rates).percent == percent
    details[0]["TaxTypeApplicable"] = "TaxOnAmountPlusTax"
    assert tax_of(raw, rates).percent is None, "tax on tax is QuickBooks' to compute"


def test_items_classes_and_terms_are_mapped(kit):
    kit.bench.more = {"item": "1", "items": {"time": "2", "Travel": "3"}, "classes": {"West": "9"}, "terms": "4"}
    lines = [
        line(100, "a"),
        line(100, "b", kind="time"),
        line(100, "c", item="Travel", dimensions={"class": "West"}),
        line(100, "d", item="77"),
    ]
    body = kit.bench.open().request(invoice(*lines, due_on=None), "key")[1].decode()
    assert [f'"ItemRef":{{"value":"{number}"}}' in body for number in ("1", "2", "3", "77")] == [True] * 4
    assert '"ClassRef":{"value":"9"}' in body and '"SalesTermRef":{"value":"4"}' in body


def test_a_quiet_night_takes_few_calls(kit):
    kit.made()
    kit.books.clock.advance(days=1)
    opened = kit.bench.open()
    before = len(kit.books.log)
    assert list(opened.read_back(kit.books.clock.now() - timedelta(hours=1))) == []
    called = [request.path.rpartition("/")[2] for request in kit.books.log[before:]]
    assert sorted(called) == ["bearer", "cdc", "cdc", "cdc", "query"], called


def test_a_throttle_without_a_wait_is_waited_out_for_a_minute(kit):
    body = b'{"Fault": {"Error": [{"Detail": "Throttled", "code": "003001"}], "type": "SystemFault"}}'
    kit.books.fail(Fault(status=429, body=body), when=lambda request: "Preferences" in request.target)
    assert kit.bench.open().check().account
    assert kit.books.clock.slept == [60]


def test_a_create_that_is_throttled_is_not_repeated(kit):
    kit.books.fail(Fault(status=429, body=b"{}"), when=kit.creates)
    with pytest.raises(VendorError) as throttled:
        kit.bench.open().create(invoice(), "key")
    assert not throttled.value.sent and len([r for r in kit.books.log if kit.creates(r)]) == 1


@wrong_guess("quickbooks", "a payment taken back moves that time")
def test_a_payment_that_is_taken_back_without_a_trace_shows_once_all_is_read(kit):
    _, receipt = kit.made()
    document = kit.books.documents["101"]
    payment = kit.books.pay(document)
    kit.books.clock.advance(days=1)
    before = document.updated_at, document.revision
    kit.books.take_back(payment)
    document.updated_at, document.revision = before
    assert receipt.id not in kit.back(minutes=30), "the changes do not tell"
    now = kit.back()[receipt.id]
    assert (now.status, now.payments, now.balance) == ("open", (), receipt.total)
