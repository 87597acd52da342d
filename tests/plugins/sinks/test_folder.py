"""The folder as books: the kit; one document a reference whoever writes and dies, read back as it stands."""

from __future__ import annotations

import csv
import html.parser
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billsync.model.errors import BadAnswer, Denied, Missing, Refused, Unavailable
from billsync.model.invoice import Payment, TaxCode
from billsync.rules.tax import predict
from billsync.sdk.disk import STALE_SECONDS, write_whole
from billsync.testing.clock import Clock
from billsync.testing.folder import FakeFolder
from billsync.testing.invoices import invoice as an_invoice
from billsync.testing.sink_contract import SinkContract
from billsync_plugins.sinks.folder import Folder, FolderOptions, billsync_sinks
from tests.plugins.sinks.invoices import invoice, line

WRITER = Path(__file__).with_name("folder_writer.py")
ROOT = Path(__file__).resolve().parents[3]


def sink(folder: Path, **options: Any) -> Folder:
    return Folder("books", FolderOptions(path=folder / "invoices", **options))


def writer(folder: Path, references: str, *mode: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(folder / "invoices"), references, *mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )


def documents(folder: Path) -> dict[str, list[str]]:
    """Reference -> numbers of the documents that bear it."""
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "invoices").glob("*.json")):
        found.setdefault(json.loads(path.read_text(encoding="utf-8"))["reference"], []).append(path.stem)
    return found


class TestFolder(SinkContract):
    sink = Folder
    options = {"customers": {"1": "Acme Inc", "2": "O'Neil & Sons"}}

    def vendor(self):
        """A disk keeps real time."""
        return FakeFolder(clock=Clock(datetime.now(UTC).replace(microsecond=0)))

    def test_the_dry_run_shows_the_bytes_that_are_sent(self):
        """The address is the document's place; what a dry run shows stands there in the end."""
        document, opened = an_invoice(), self.bench.open()
        before = self.bench.touched()
        address, content = opened.request(document, document.reference)
        assert self.bench.touched() == before, "a dry run wrote"
        opened.create(document, document.reference)
        assert Path(address).read_bytes() == content

    def test_only_our_exact_reference_is_ours(self):
        """The reference is a member of its own: a person copies the document and changes it there, or in the notes."""
        document = an_invoice()
        for near in self.rewrite(document.reference):
            self.books.enter("", document.total, note=f"see {document.reference}", reference=near)
        found = self.bench.open().find(document)
        assert list(found) == [], f"{found[0].number!r} was taken for {document.reference!r}" if found else ""
        assert self.bench.open().create(document, document.reference).status == "draft"

    def test_one_document_whatever_goes_wrong(self, tmp_path):
        """The writer is killed before any touch of the disk: the next one makes or finds the one document."""
        killed_before_any_touch(tmp_path)

    def test_what_is_there_is_adopted_not_sent_again(self):
        """`create` once more changes no file, whoever asks."""
        document = an_invoice()
        _, receipt = self.made(document)
        place = self.books.place
        before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
        assert self.bench.open().create(document, document.reference) == receipt
        assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before

    def test_a_look_up_that_fails_is_not_an_empty_look_up(self):
        """The share is not connected."""
        document = an_invoice()
        opened, _ = self.made(document)
        disk = self.bench.vendor.folder
        away = disk.rename(disk.with_name("away"))
        self.refused(Unavailable, opened.find, document)
        away.rename(disk)
        assert len(opened.find(document)) == 1

    def test_an_attachment_that_fails_is_no_attachment(self):
        """The share is not connected when evidence is attached: it is refused, and nothing hangs there later."""
        opened, receipt = self.made()
        disk = self.bench.vendor.folder
        away = disk.rename(disk.with_name("away"))
        self.refused(Unavailable, opened.attach, receipt, "detail.csv", b"a,b\n", "text/csv")
        away.rename(disk)
        assert (list(opened.attached(receipt) or ()), len(self.books.bearing(receipt.reference))) == ([], 1)


# One document a reference


def test_a_document_is_created_found_and_created_no_second_time(tmp_path):
    books = sink(tmp_path)
    assert books.find(invoice()) == []
    made = books.create(invoice(), "key")
    assert (made.number, made.reference, made.status) == ("2026-0001", "BS-AAAABBBBCCCC", "open")
    assert (made.total, made.tax, made.balance, made.kind) == (2_610_000, 0, 2_610_000, "invoice")
    assert made.line_amounts == (2_750_000, -275_000, 135_000) and made.stamp == "bs1:ledger:packed"
    assert books.create(invoice(), "another key") == made, "the same invoice is the same document"
    assert books.find(invoice()) == [made] and list(books.read_back(None)) == [made]
    assert documents(tmp_path) == {"BS-AAAABBBBCCCC": ["2026-0001"]}


def test_a_reference_is_never_taken_by_another_invoice(tmp_path):
    books = sink(tmp_path)
    books.create(invoice(), "key")
    with pytest.raises(Refused, match="was taken by another invoice"):
        books.create(invoice(memo="other words"), "key")
    assert len(documents(tmp_path)["BS-AAAABBBBCCCC"]) == 1


@pytest.mark.parametrize("reference", ["", "../escape", "a/b", "x" * 65, ".hidden"])
def test_a_reference_that_is_no_file_name_is_refused(tmp_path, reference):
    with pytest.raises(Refused) as caught:
        sink(tmp_path).create(invoice(reference), "key")
    assert caught.value.sent is False and documents(tmp_path) == {}


def test_numbers_run_by_year_and_fill_no_gaps(tmp_path):
    books = sink(tmp_path, prefix="INV-")
    first, second = books.create(invoice("BS-1"), "k"), books.create(invoice("BS-2"), "k")
    (tmp_path / "invoices" / "INV-2026-0001.json").unlink()
    third = books.create(invoice("BS-3", issued_on=date(2027, 1, 4)), "k")
    fourth = books.create(invoice("BS-4"), "k")
    numbers = [receipt.number for receipt in (first, second, third, fourth)]
    assert numbers == ["INV-2026-0001", "INV-2026-0002", "INV-2027-0001", "INV-2026-0003"]


def test_two_processes_with_the_same_fifty_references_make_fifty_documents(tmp_path):
    references = [f"BS-{number:04d}" for number in range(50)]
    (tmp_path / "invoices").mkdir()
    processes = [writer(tmp_path, ",".join(references)), writer(tmp_path, ",".join(reversed(references)))]
    answers = []
    for process in processes:
        out, error = process.communicate()
        assert process.returncode == 0, error
        answers.append(dict(row.split() for row in out.splitlines()))
    found = documents(tmp_path)
    assert sorted(found) == references
    assert all(len(numbers) == 1 for numbers in found.values()), "a reference has two documents"
    assert answers[0] == answers[1] == {reference: numbers[0] for reference, numbers in found.items()}
    index = (tmp_path / "invoices" / "index.csv").read_text(encoding="utf-8-sig")
    assert len(list(csv.DictReader(index.splitlines()))) == 50, "the index shows what both have written"


def killed_before_any_touch(tmp_path: Path) -> None:
    """Every step of a first document in a new folder, and of a second one in a folder that is in use."""
    process = writer(tmp_path, "BS-1,BS-2", "every")
    _, error = process.communicate()
    assert process.returncode == 0, error
    steps = sorted(int(path.name) for path in (tmp_path / "invoices").iterdir())
    assert len(steps) > 40, "the writer touches the disk more often than that: nothing was tested"
    for step in steps:
        folder = tmp_path / "invoices" / str(step)
        answered = (folder / "answers").read_text(encoding="utf-8")
        assert "failed" not in answered, f"step {step}: the writer was to be killed: {answered}"
        books = sink(folder)
        seen = {name: [receipt.number for receipt in books.find(invoice(name))] for name in ("BS-1", "BS-2")}
        made = {name: books.create(invoice(name), "k").number for name in seen}
        assert documents(folder) == {name: [number] for name, number in made.items()}, f"step {step}"
        assert all(numbers in ([], [made[name]]) for name, numbers in seen.items()), f"step {step}: found what is not"
        assert all(made[name] == number for name, number in map(str.split, answered.splitlines())), f"step {step}"
        pages = {path.stem for path in (folder / "invoices").glob("2026-*.html")}
        assert pages == set(made.values()), f"step {step}: a page is missing"


def test_leftovers_of_killed_writers_are_ignored_and_cleaned_once_they_are_old(tmp_path):
    books = sink(tmp_path)
    books.create(invoice("BS-1"), "k")
    old, new = (tmp_path / "invoices" / f".2026-0002.json.{name}.part" for name in ("old", "new"))
    for left in (old, new):
        left.write_text('{"half', encoding="utf-8")
    past = old.stat().st_mtime_ns - (STALE_SECONDS + 60) * 1_000_000_000
    os.utime(old, ns=(past, past))
    books.create(invoice("BS-2"), "k")
    assert not old.exists(), "it belongs to nobody any more"
    assert new.exists(), "it may be another writer's"
    assert sorted(documents(tmp_path)) == ["BS-1", "BS-2"]


# What people do in the folder


def test_an_edit_by_hand_shows_as_another_revision_and_other_amounts(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    path = tmp_path / "invoices" / "2026-0001.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["lines"][0]["amount"], document["total"] = "20000.00", "18600.00"
    path.write_text(json.dumps(document), encoding="utf-8")
    (now,) = books.read_back(None)
    assert now.revision != made.revision and now.total == 1_860_000 and now.line_amounts[0] == 2_000_000
    document["status"] = "sent"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert books.find(invoice())[0].status == "sent"


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"reference": "BS-AAAABBBBCCCC", "currency": "USD"}'])
def test_a_document_that_a_hand_has_broken_is_unknown_and_not_gone(tmp_path, content):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    (tmp_path / "invoices" / "2026-0001.json").write_text(content, encoding="utf-8")
    (now,) = books.read_back(None)
    assert (now.status, now.reference, now.total) == ("unknown", made.reference, made.total)
    assert now.revision != made.revision
    assert books.create(invoice("BS-2"), "k").number == "2026-0002", "the others go on"


def test_a_page_is_made_again_even_if_a_hand_took_away_what_it_shows(tmp_path):
    books = sink(tmp_path)
    books.create(invoice(), "k")
    path = tmp_path / "invoices" / "2026-0001.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["seller"], document["lines"][0]["unit_price"] = "me", "dear"
    path.write_text(json.dumps(document), encoding="utf-8")
    path.with_suffix(".html").unlink()
    (now,) = books.read_back(None)
    assert now.status == "open" and path.with_suffix(".html").exists()


def test_a_document_that_was_taken_away_is_deleted_and_never_written_again(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    (tmp_path / "invoices" / "2026-0001.json").unlink()
    (gone,) = books.read_back(datetime.now(UTC))
    assert (gone.status, gone.number, gone.reference, gone.total) == (
        "deleted",
        made.number,
        made.reference,
        made.total,
    )
    assert gone.stamp == made.stamp, "a lost ledger can still learn from it"
    assert books.create(invoice(), "k").status == "deleted"
    assert documents(tmp_path) == {}


def test_a_copy_under_another_number_is_a_second_document_with_the_reference(tmp_path):
    books = sink(tmp_path)
    books.create(invoice(), "k")
    folder = tmp_path / "invoices"
    (folder / "2026-0009.json").write_bytes((folder / "2026-0001.json").read_bytes())
    assert [receipt.number for receipt in books.find(invoice())] == ["2026-0001", "2026-0009"]


def test_documents_restored_without_their_marks_are_taken_in_again(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    for mark in sorted((tmp_path / "invoices" / ".billsync").rglob("*"), reverse=True):
        mark.rmdir() if mark.is_dir() else mark.unlink()
    assert [receipt.number for receipt in books.find(invoice())] == [made.number]
    assert books.create(invoice(), "k").number == made.number
    assert books.create(invoice("BS-2"), "k").number == "2026-0002"


def test_read_back_gives_what_changed_since(tmp_path):
    books = sink(tmp_path)
    books.create(invoice("BS-1"), "k")
    assert [receipt.reference for receipt in books.read_back(datetime(2026, 1, 1, tzinfo=UTC))] == ["BS-1"]
    assert list(books.read_back(datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_a_void_keeps_the_document_and_says_so(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    void = books.void(made)
    assert (void.status, void.balance, void.total) == ("voided", 0, made.total)
    assert books.create(invoice(), "k").status == "voided", "it is not made again"
    assert "Void" in (tmp_path / "invoices" / "2026-0001.html").read_text(encoding="utf-8")
    (tmp_path / "invoices" / "2026-0001.json").unlink()
    with pytest.raises(Missing):
        books.void(made)


def test_payments_make_a_document_part_paid_and_paid(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    payments = tmp_path / "invoices" / "payments.csv"
    payments.write_text('Reference,Amount,Date\nBS-AAAABBBBCCCC,"10,000.00",2026-05-01\n', encoding="utf-8")
    (now,) = books.read_back(datetime.now(UTC).replace(microsecond=0))
    assert (now.status, now.balance) == ("part_paid", 1_610_000)
    assert now.payments == (Payment(id="payments.csv:2", amount=1_000_000, on=date(2026, 5, 1)),)
    assert now.revision == made.revision, "a payment is no edit"
    payments.write_text("number,amount\n2026-0001,26100\n", encoding="utf-8")
    assert books.find(invoice())[0].status == "paid"
    assert "paid" in (tmp_path / "invoices" / "index.csv").read_text(encoding="utf-8")
    with pytest.raises(Refused, match="edited or paid"):
        books.void(made)


def test_a_document_that_a_person_wrote_is_paid_by_its_number(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    folder = tmp_path / "invoices"
    written = json.loads((folder / "2026-0001.json").read_text(encoding="utf-8"))
    by_hand = {**written, "number": "HAND-2026-0001", "reference": ""}
    (folder / "HAND-2026-0001.json").write_text(json.dumps(by_hand), encoding="utf-8")
    (folder / "payments.csv").write_text("number,amount\nHAND-2026-0001,26100\n", encoding="utf-8")
    assert {one.number: one.status for one in books.read_back(None)} == {made.number: "open", "HAND-2026-0001": "paid"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2026-0077,5", "there is no document '2026-0077'"),
        ("2026-0001,5.005", "more decimals"),
        ("2026-0001,x", "not a number"),
    ],
)
def test_a_payment_that_fits_nothing_is_named_with_its_line(tmp_path, row, message):
    books = sink(tmp_path)
    books.create(invoice(), "k")
    (tmp_path / "invoices" / "payments.csv").write_text(f"number,amount\n{row}\n", encoding="utf-8")
    with pytest.raises(BadAnswer, match=message) as caught:
        list(books.read_back(None))
    assert caught.value.where == "payments.csv:2"


# What the documents say


def test_the_same_invoice_gives_the_same_bytes_as_the_dry_run_showed(tmp_path):
    books = sink(tmp_path, taxes={"S": Decimal("5.5")})
    address, body = books.request(invoice(), "k")
    assert not (tmp_path / "invoices").exists(), "a dry run writes nothing"
    books.create(invoice(), "k")
    assert Path(address).read_bytes() == body
    document = json.loads(body)
    assert document["schema"] == "billsync.folder-invoice/1"
    assert document["lines"][2]["parts"][0]["evidence"] == [{"record": "work/time/E-1", "version": "v1"}]
    assert all(type(member["amount"]) is str for member in document["lines"]), "amounts are decimal text"


@pytest.mark.parametrize(("currency", "percent"), [("USD", "5.5"), ("JPY", "10"), ("BHD", "12.345")])
def test_tax_is_what_the_declared_rounding_model_predicts(tmp_path, currency, percent):
    books = sink(tmp_path, taxes={"S": Decimal(percent)})
    lines = tuple(line("milestone", f"Part {n}", 100_001 * n + n, f"i/{n}", tax_code="S") for n in range(1, 8))
    made = books.create(invoice(currency=currency, lines=lines), "k")
    expected = predict([(one.amount, None, None, Decimal(percent)) for one in lines], Folder.rounding, currency)
    assert (made.total, made.tax) == (expected.total, expected.tax)
    assert list(books.taxes()) == [TaxCode(id="S", name="S", percent=Decimal(percent))]


def test_an_undeclared_tax_code_or_customer_is_refused_before_a_number_is_taken(tmp_path):
    books = sink(tmp_path, customers={"acme": "Acme"}, taxes={})
    with pytest.raises(Refused, match="tax code 'S'"):
        books.create(invoice(lines=(line("time", "Advice", 100, "i", tax_code="S"),)), "k")
    with pytest.raises(Refused, match="no customer 'city'"):
        books.create(invoice(customer="city"), "k")
    assert books.create(invoice(), "k").number == "2026-0001"
    assert [party.name for party in books.customers()] == ["Acme"]


def test_without_a_list_customers_are_those_who_were_billed(tmp_path):
    books = sink(tmp_path)
    books.create(invoice(), "k")
    assert [(party.id, party.name) for party in books.customers()] == [("acme", "Acme <Homes> & Söhne")]


def test_a_credit_memo_keeps_its_signs(tmp_path):
    credit = invoice(kind="credit_memo", lines=(line("credit", "Advice, given back", -5_000, "time/work/E-1"),))
    made = sink(tmp_path).create(credit, "k")
    assert (made.kind, made.total, made.line_amounts) == ("credit_memo", -5_000, (-5_000,))
    page = (tmp_path / "invoices" / "2026-0001.html").read_text(encoding="utf-8")
    assert "Credit memo" in page and "−50.00" in page


class Words(html.parser.HTMLParser):
    """The words of a page, and whether every tag that must be closed is."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def test_the_page_shows_the_amounts_and_runs_nothing(tmp_path):
    books = sink(tmp_path, seller="Roe & Partners", footer="<script>alert(1)</script>", paper="Letter")
    books.create(invoice(memo="=cmd() <b>"), "k")
    text = (tmp_path / "invoices" / "2026-0001.html").read_text(encoding="utf-8")
    page = Words()
    page.feed(text)
    shown = " ".join(page.words)
    for expected in (
        "Acme <Homes> & Söhne",
        "PO-7781",
        "31 March 2026",
        "7.5 180.00 1,350.00",
        "Less holdback −2,750.00",
    ):
        assert expected in shown, f"{expected} is not on the page"
    assert "Total USD 26,100.00" in shown and "Schematic design: as agreed" in shown
    assert "<script" not in text and "<b>" not in text.replace("<b>acme", "").replace("<b>time", "")
    assert "size: Letter" in text
    assert "http:" not in text and "https:" not in text, "a page to keep needs nothing from elsewhere"


def test_the_index_runs_no_formula(tmp_path):
    sink(tmp_path).create(invoice(client_name="=HYPERLINK(1)"), "k")
    text = (tmp_path / "invoices" / "index.csv").read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(text.splitlines())
    assert row["name"] == "'=HYPERLINK(1)" and row["total"] == "26100.00", "numbers stay numbers"


def test_evidence_lies_beside_its_document_and_is_named_on_the_page(tmp_path):
    books = sink(tmp_path)
    made = books.create(invoice(), "k")
    books.attach(made, "hours/of march.csv", b"id,hours\n", "text/csv")
    assert (tmp_path / "invoices" / "2026-0001" / "of march.csv").read_bytes() == b"id,hours\n"
    assert "of march.csv" in (tmp_path / "invoices" / "2026-0001.html").read_text(encoding="utf-8")
    with pytest.raises(Refused, match="cannot be the name of a file"):
        books.attach(made, "..", b"", "text/plain")


# The disk


def test_a_folder_whose_parent_is_gone_is_not_made_up(tmp_path):
    books = Folder("books", FolderOptions(path=tmp_path / "unmounted" / "invoices"))
    for question in (lambda: list(books.read_back(None)), lambda: books.create(invoice(), "k"), books.check):
        with pytest.raises(Unavailable):
            question()
    assert not (tmp_path / "unmounted").exists()


def test_a_file_system_without_hard_links_is_refused_in_words(tmp_path, monkeypatch):
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(Path, "rename", no_links)
    with pytest.raises(Refused, match="two writers could not be kept apart"):
        sink(tmp_path).check()


def test_what_the_disk_refuses_is_a_vendor_error(tmp_path, monkeypatch):
    books = sink(tmp_path)
    books.create(invoice("BS-1"), "k")

    def full(_: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Denied) as caught:
        books.create(invoice("BS-2"), "k")
    assert caught.value.sent, "some of the steps may be done: the books must be asked"
    monkeypatch.undo()
    assert books.create(invoice("BS-2"), "k").reference == "BS-2"


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_whole(path, b"before")

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output"):
        write_whole(path, b"after")
    monkeypatch.undo()
    assert path.read_bytes() == b"before"


def test_check_counts_and_the_plugin_is_found_by_its_kind(tmp_path):
    books = sink(tmp_path)
    assert books.check().remarks == ("0 documents",)
    books.create(invoice(), "k")
    assert books.check().remarks == ("1 documents",)
    assert [found.kind for found in billsync_sinks()] == ["folder"]
