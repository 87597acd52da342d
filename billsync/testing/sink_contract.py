"""The tests that every sink inherits: whatever goes wrong, whenever, one reference is one document.

    class TestQuickBooks(SinkContract):
        sink = QuickBooks

        def vendor(self): ...                     fake books (a FakeBooks)
        def creates(self, request): ...           True for the request that creates a document

Each fault meets the push protocol of a run: ask, send, ask again, and send again only what is certain not to be there.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from billsync.http import Session
from billsync.model.errors import BillsyncError, Refused, VendorError
from billsync.model.invoice import Invoice, Receipt
from billsync.model.money import round_whole
from billsync.sdk.sink import Sink
from billsync.testing.account_contract import AccountContract, over_the_wire
from billsync.testing.bench import Found
from billsync.testing.books import BookLine, FakeBooks, Manners
from billsync.testing.clock import Clock
from billsync.testing.faults import FAULTS
from billsync.testing.invoices import credit_memo, invoice, line
from billsync.testing.server import Request

MANNERS: Mapping[str, Manners] = {
    "a key for ever": Manners(key_window=None, unique_numbers=False),
    "a key for a day": Manners(key_window=86_400, unique_numbers=False),
    "a key for six minutes": Manners(key_window=360, unique_numbers=False),
    "no key": Manners(key_window=0, unique_numbers=False),
    "unique numbers": Manners(key_window=0, unique_numbers=True),
    "late to show": Manners(key_window=0, unique_numbers=False, visible_after=20),
}


class SinkContract(AccountContract):
    """Derive a class named Test...; everything below is then a test of your connector."""

    sink: ClassVar[type[Sink[Any]]]
    taxed: ClassVar[bool] = True
    """False: these books take no tax codes from us."""
    helpless: ClassVar[tuple[str, ...]] = ("no key", "late to show")
    """Manners under which a request that some proxy delivers twice makes two documents: then both must be found."""

    # ---- What the author of a connector writes -----------------------------------------------------------------

    def vendor(self) -> FakeBooks:
        raise NotImplementedError

    def creates(self, request: Request) -> bool:
        """True for the request that creates a document (one that answers a look-up is not)."""
        raise NotImplementedError

    def rewrite(self, reference: str) -> Sequence[str]:
        """References that a careless search would take for ours."""
        return (reference.lower(), f"{reference}X", f"X{reference}", reference[:-1], reference.replace("-", " "))

    # ---- How the tests are run ---------------------------------------------------------------------------------

    def connector(self) -> type[Sink[Any]]:
        return self.sink

    def cases(self) -> Mapping[str, Any]:
        return {"fault": sorted(FAULTS), "manners": list(MANNERS), "look": ["before sending", "after trouble"]}

    def busy(self, opened: Any) -> None:
        document = invoice()
        opened.create(document, document.reference)
        opened.find(document)
        list(opened.read_back(None))

    @property
    def books(self) -> Any:
        """The fake books of this test, of the class that `vendor` makes."""
        return self.bench.vendor

    def behave(self, manners: str) -> None:
        """Give the books manners; they keep their own rounding."""
        self.books.manners = replace(MANNERS[manners], rounding=self.books.manners.rounding)

    def made(self, document: Invoice | None = None) -> tuple[Sink[Any], Receipt]:
        """A document that was created without trouble."""
        opened, document = self.bench.open(), document or invoice()
        return opened, opened.create(document, document.reference)

    def back(self, opened: Sink[Any] | None = None, **ago: int) -> Found:
        """What is read back, by id: all, or what changed since so long ago."""
        since = self.books.clock.now() - timedelta(**ago) if ago else None
        return Found({receipt.id: receipt for receipt in (opened or self.bench.open()).read_back(since)})

    # ---- One document ------------------------------------------------------------------------------------------

    def test_what_was_created_is_found(self) -> None:
        document = invoice()
        opened = self.bench.open()
        assert list(opened.find(document)) == [], "nothing was created yet"
        receipt = opened.create(document, document.reference)
        found = list(self.bench.open().find(document))
        assert [one.id for one in found] == [receipt.id], "what was created must be found by another session"
        assert found[0] == replace(receipt, remarks=()), "created and found tell different things"
        assert (receipt.reference, receipt.total, receipt.kind) == (document.reference, document.total, "invoice")
        assert receipt.line_amounts == tuple(one.amount for one in document.lines)
        assert receipt.status == ("draft" if self.sink.drafts else "open")

    @over_the_wire
    def test_the_dry_run_shows_the_bytes_that_are_sent(self) -> None:
        document = invoice()
        opened = self.bench.open()
        address, content = opened.request(document, document.reference)
        assert not [request for request in self.books.log if self.creates(request)], "a dry run wrote"
        opened.create(document, document.reference)
        [sent] = [request for request in self.books.log if self.creates(request)]
        assert (f"{self.books.url}{sent.target}", sent.body) == (address, content)

    def test_the_stamp_survives(self) -> None:
        document = invoice(stamp="BS1:0f3c9a11:" + "x" * (self.sink.limits.stamp - 14) + ".")
        opened, receipt = self.made(document)
        assert len(document.stamp) == self.sink.limits.stamp, "the test must fill what the sink declares"
        assert receipt.stamp == document.stamp
        [found] = opened.find(document)
        assert found.stamp == document.stamp, "a lost ledger could not be learnt again"
        assert self.back()[receipt.id].stamp == document.stamp

    def test_a_credit_memo_keeps_its_sign(self) -> None:
        document = credit_memo()
        opened, receipt = self.made(document)
        assert (receipt.kind, receipt.total, receipt.line_amounts) == ("credit_memo", -50_000, (-50_000,))
        assert [one.id for one in opened.find(document)] == [receipt.id]
        assert self.back()[receipt.id].total == -50_000

    def test_only_our_exact_reference_is_ours(self) -> None:
        document = invoice()
        for near in self.rewrite(document.reference):
            self.books.enter(near, document.total, note=f"see {near}", issued_on=document.issued_on)
        found = self.bench.open().find(document)
        assert list(found) == [], f"{found[0].number!r} was taken for {document.reference!r}" if found else ""

    def test_amounts_come_out_to_the_cent(self) -> None:
        if not self.taxed:
            return self.aside("these books take no tax codes from us")
        self.books.tax_rates = {"vat": Decimal("19"), "low": Decimal("7.7")}
        amounts = [(1_005, "vat"), (1_005, "vat"), (333, "low"), (-3, "low"), (99, None)]
        document = invoice(*(line(amount, str(n), tax_code=code) for n, (amount, code) in enumerate(amounts)))
        _, receipt = self.made(document)
        tax = self._tax([BookLine(amount=amount, tax=code) for amount, code in amounts])
        assert (receipt.total, receipt.tax) == (document.total + tax, tax), "not what the rounding model predicts"
        assert receipt.line_amounts == tuple(amount for amount, _ in amounts)

    def _tax(self, lines: Sequence[BookLine]) -> int:
        """By the model that the sink declares, worked out here."""
        parts: dict[object, Fraction] = {}
        for number, one in enumerate(lines):
            group = {"line": number, "rate": one.tax, "document": 0}[self.sink.rounding.tax_per]
            percent = Fraction(self.books.tax_rates.get(one.tax or "", Decimal(0)))
            parts[group] = parts.get(group, Fraction(0)) + one.amount * percent / 100
        return sum(round_whole(part, self.sink.rounding.rounding) for part in parts.values())

    def test_quantity_times_price_that_is_not_the_amount_is_not_sent(self) -> None:
        document = invoice(line(3_333, "Thirds", kind="time", quantity=Decimal("0.3333"), unit_price=Decimal("99.99")))
        _, receipt = self.made(document)
        assert receipt.total == 3_333, "the books worked out another amount"

    # ---- Evidence ----------------------------------------------------------------------------------------------

    def hanging(self, receipt: Receipt) -> Mapping[str, bytes]:
        """What hangs at the document in the books themselves: name -> content."""
        [document] = self.books.bearing(receipt.reference)
        files: Mapping[str, bytes] = document.files
        return files

    def test_evidence_hangs_at_its_own_document(self) -> None:
        if not self.sink.attaches:
            return self.aside("these books take no attachments")
        opened, receipt = self.made()
        _, other = self.made(invoice(reference="BS-OTHER2345678"))
        content = 'line,notes\r\n1,"M\u00fcller, "500%" & more\n--x"\n'.encode()
        opened.attach(receipt, "BS-1 detail & more.csv", content, "text/csv")
        there = self.hanging(receipt)
        assert there.get("BS-1 detail & more.csv") == content, f"not to the byte, or not there: {sorted(there)}"
        assert "BS-1 detail & more.csv" not in self.hanging(other), "it hangs at a document of somebody else"
        names = self.bench.open().attached(receipt)
        assert names is None or "BS-1 detail & more.csv" in names, f"another session is told only of {names}"
        assert "BS-1 detail & more.csv" not in (opened.attached(other) or ()), "told of a document that has none"
        now = self.back()[receipt.id]
        assert (now.revision, now.total) == (receipt.revision, receipt.total), "evidence looks like an edit by hand"
        assert now.stamp == receipt.stamp, "evidence hides the stamp"

    def test_a_page_is_taken_where_the_sink_says_so(self) -> None:
        if not (self.sink.attaches and self.sink.attaches_pages):
            return self.aside("these books take no HTML as attachment")
        opened, receipt = self.made()
        opened.attach(receipt, "detail.html", b"<!doctype html><p>x</p>", "text/html")
        assert self.hanging(receipt).get("detail.html") == b"<!doctype html><p>x</p>"

    @over_the_wire
    def test_an_attachment_that_fails_is_no_attachment(self, bad: str) -> None:
        if not self.sink.attaches:
            return self.aside("these books take no attachments")
        opened, receipt = self.made()
        opened = self.bench.open(transport=self.no_wait(bad))
        opened.check()
        self.books.fail(bad, when=lambda request: self.api_call(request) and not self.creates(request), times=9)
        self.refused(VendorError, opened.attach, receipt, "detail.csv", b"a,b\n", "text/csv")
        assert len(self.books.bearing(receipt.reference)) == 1, "an attachment made another document"

    # ---- Whatever goes wrong -----------------------------------------------------------------------------------

    def push(self, document: Invoice, *, first: bool = False) -> str:
        """One night's try: ask unless nothing was ever sent, send what is not there; and what the run knows then."""
        opened = self.bench.open(transport=self.bench.vendor.transport())
        try:
            if not first and opened.find(document):
                return "confirmed"
            opened.create(document, document.reference)
        except VendorError as error:
            return "unknown" if error.sent else "refused"
        return "confirmed"

    @over_the_wire
    def test_one_document_whatever_goes_wrong(self, fault: str, manners: str) -> None:
        self.behave(manners)
        document = invoice()
        self.books.fail(fault, when=self.creates)
        outcome = self.push(document, first=True)
        if outcome == "refused":
            self.books.settle()
            assert not self.books.bearing(document.reference), f"{fault}: `sent` is False, but the document is there"
        for _ in range(3):
            self.books.clock.advance(self.sink.settle + 1)
            outcome = self.push(document) if outcome != "confirmed" else outcome
        self.books.settle()
        standing = self.books.bearing(document.reference)
        doubled = fault == "twice" and manners in self.helpless
        assert len(standing) == (2 if doubled else 1), f"{fault}, {manners}: {len(standing)} documents"
        found = self.bench.open().find(document)
        assert len(found) == len(standing), "every document of the reference must be found, doubles above all"

    @over_the_wire
    def test_what_is_there_is_adopted_not_sent_again(self, fault: str) -> None:
        self.behave("no key")
        document = invoice()
        self.books.fail(fault, when=self.creates)
        self.push(document, first=True)
        self.books.settle()
        self.books.clock.advance(self.sink.settle + 1)
        before = len([request for request in self.books.log if self.creates(request)])
        there = bool(self.books.bearing(document.reference))
        assert self.push(document) == "confirmed"
        after = len([request for request in self.books.log if self.creates(request)])
        assert (after == before) == there, (
            "sent although it was there" if there else "not sent although it was not there"
        )

    @over_the_wire
    def test_a_look_up_that_fails_is_not_an_empty_look_up(self, bad: str) -> None:
        document = invoice()
        opened = self.bench.open(transport=self.no_wait(bad))
        opened.create(document, document.reference)
        self.books.fail(bad, when=lambda request: self.api_call(request) and not self.creates(request), times=9)
        self.refused(VendorError, lambda: list(opened.find(document)))

    def test_a_refusal_says_that_nothing_was_written(self) -> None:
        document = invoice(customer="999")
        error = self.refused(VendorError, self.bench.open().create, document, document.reference)
        assert isinstance(error, Refused) and not error.sent, "a refusal is certain: nothing was written"
        assert not self.books.bearing(document.reference)

    def test_two_machines_at_once(self) -> None:
        """Two ledgers, one firm: the books' own help (key, unique numbers) keeps them to one document."""
        document = invoice()
        with ThreadPoolExecutor(2) as pool:
            sinks = [self.bench.open() for _ in range(2)]
            list(pool.map(lambda opened: self._try(opened, document), sinks))
        assert len(self.bench.open().find(document)) == len(self.books.bearing(document.reference)) == 1

    def test_two_processes_at_once(self, tmp_path: Path) -> None:
        document = invoice()
        work = [(self.sink, self.bench.options(), document, tmp_path, self.books.clock) for _ in range(2)]
        self.bench.open().check()  # the first log-in: its refresh token works once
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            outcomes = list(pool.map(_in_a_process, [(*one[:3], self.bench.state, one[4].now()) for one in work]))
        assert "confirmed" in outcomes, f"nobody got through: {outcomes}"
        assert len(self.books.bearing(document.reference)) == 1, f"{outcomes} made several documents"

    def _try(self, opened: Sink[Any], document: Invoice) -> None:
        try:
            opened.create(document, document.reference)
        except VendorError as error:
            assert len(opened.find(document)) == 1, f"refused, and not found: {error}"

    # ---- What people do in the books ---------------------------------------------------------------------------

    def test_money_received_shows(self) -> None:
        opened, receipt = self.made()
        document = self.books.bearing(receipt.reference)[0]
        self.books.clock.advance(3600)
        first = self.books.pay(document, 100_000)
        part = self.back(minutes=30)[receipt.id]
        assert (part.status, part.balance) == ("part_paid", receipt.total - 100_000)
        second = self.books.pay(document)
        paid = self.back(minutes=30)[receipt.id]
        assert (paid.status, paid.balance, paid.total) == ("paid", 0, receipt.total)
        assert {(money.id, money.amount) for money in paid.payments} == {
            (first.id, 100_000),
            (second.id, receipt.total - 100_000),
        }
        assert self.back(opened)[receipt.id] == paid, "a full read tells something else than the changes"

    def test_an_edit_by_hand_shows(self) -> None:
        _, receipt = self.made()
        self.books.clock.advance(3600)
        self.books.edit(self.books.bearing(receipt.reference)[0], amount=1)
        now = self.back(minutes=30)[receipt.id]
        assert now.revision != receipt.revision and now.line_amounts[0] == 1 and now.total != receipt.total

    def test_void_and_delete_by_hand_show(self) -> None:
        _, receipt = self.made()
        _, other = self.made(invoice(reference="BS-OTHER2345678"))
        self.books.clock.advance(3600)
        self.books.void(self.books.bearing(receipt.reference)[0])
        self.books.delete(self.books.bearing(other.reference)[0])
        now = self.back(minutes=30)
        assert (now[receipt.id].status, now[receipt.id].reference) == ("voided", receipt.reference)
        assert now[other.id].status == "deleted", "a deletion is a change"

    def test_our_own_void_is_one(self) -> None:
        opened, receipt = self.made()
        assert opened.void(receipt).status in ("voided", "deleted")
        assert not self.books.bearing(receipt.reference)

    def test_a_void_of_what_was_edited_since_is_refused(self) -> None:
        opened, receipt = self.made()
        self.books.edit(self.books.bearing(receipt.reference)[0], amount=5)
        self.refused(Refused, opened.void, receipt)

    def test_documents_of_others_are_told_as_theirs(self) -> None:
        self.books.enter("1044", 9_900, note="thank you")
        [receipt] = self.back().values()
        assert (receipt.reference, receipt.total) == ("", 9_900)

    def test_customers_and_taxes_can_be_read(self) -> None:
        self.books.tax_rates = {"vat": Decimal("19")}
        opened = self.bench.open()
        assert {party.id: party.name for party in opened.customers()} == self.books.customers
        if self.taxed:
            assert {code.id: code.percent for code in opened.taxes()}["vat"] == Decimal("19")


def _in_a_process(work: tuple[type[Sink[Any]], Any, Invoice, Path, Any]) -> str:
    """Create a document from a process of its own; what became of it, in a word."""
    sink, options, document, state, now = work
    clock = Clock(now)
    with ExitStack() as stack:
        session: Session | None = None
        if sink.api is not None:
            session = Session(sink.api, options, account="bench", state=state, sleep=clock.sleep, now=clock.now)
            stack.enter_context(session)
        try:
            sink("bench", options, session).create(document, document.reference)
        except BillsyncError as error:
            return f"{type(error).__name__}: {error}"
    return "confirmed"
