"""What is sent when evidence is attached, against what the vendors publish; and that no book takes it for an edit."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from billsync.testing import FakeQuickBooks
from billsync.testing.bench import Bench
from billsync.testing.invoices import credit_memo, invoice
from billsync.testing.vendor_contract import OpenApi, Xsd
from billsync.testing.xero import FakeXero
from billsync_plugins.sinks._quickbooks_files import attachable
from billsync_plugins.sinks.quickbooks import QuickBooks
from billsync_plugins.sinks.xero import Xero

TABLE = ("BS-1-time-detail.csv", b"line,notes\r\n1,--x\r\n", "text/csv")


@pytest.fixture
def quickbooks() -> Iterator[Bench]:
    bench = Bench(QuickBooks, FakeQuickBooks())
    yield bench
    bench.close()


@pytest.fixture
def xero() -> Iterator[Bench]:
    bench = Bench(Xero, FakeXero())
    yield bench
    bench.close()


def attached(bench: Bench, document: Any) -> Any:
    """The requests that attaching made."""
    opened = bench.open()
    receipt = opened.create(document, document.reference)
    before = len(bench.vendor.log)
    opened.attach(receipt, *TABLE)
    assert list(opened.attached(receipt)) == [TABLE[0]]
    return receipt, bench.vendor.log[before:]


@pytest.mark.parametrize("document", [invoice(), credit_memo()], ids=["invoice", "credit memo"])
def test_quickbooks_gets_an_object_of_its_schema_and_the_file_to_the_byte(quickbooks, contracts, document):
    receipt, [upload, _] = attached(quickbooks, document)
    assert Xsd(contracts / "quickbooks.xsd").problems("Attachable", attachable(receipt, TABLE[0], TABLE[2])) == []
    head = f"Content-Type: {upload.headers['content-type']}\r\n\r\n".encode()
    _, meta, file = email.message_from_bytes(head + upload.body).walk()
    assert json.loads(str(meta.get_payload())) == attachable(receipt, TABLE[0], TABLE[2])
    assert (file.get_payload(decode=True), file.get_filename()) == (TABLE[1], TABLE[0])
    assert str(meta["Content-Disposition"]).endswith('name="file_metadata_01"'), "the parts are told by their names"


@pytest.mark.parametrize("document", [invoice(), credit_memo()], ids=["invoice", "credit memo"])
def test_xero_knows_the_operation(xero, contracts, document):
    receipt, sent = attached(xero, document)
    assert [request.method for request in sent] == ["PUT", "GET"]
    assert sent[0].path.endswith(f"/{receipt.id}/Attachments/{TABLE[0]}") and sent[0].body == TABLE[1]
    if document.kind == "invoice":  # of credit notes the published excerpt tells the list and the schema only
        below = [replace(one, target=one.target.removeprefix("/api.xro/2.0"), body=b"") for one in sent]  # raw bytes
        assert OpenApi(contracts / "xero.openapi.json").problems(below) == []


def test_xero_asks_for_the_right_to_attach(xero):
    assert "accounting.attachments" in xero.open().http.api.auth.scopes


def test_a_fault_within_the_answer_of_quickbooks_is_a_failure(quickbooks):
    """The status is 200 all the same."""
    from billsync.model.errors import VendorError

    opened = quickbooks.open()
    receipt = opened.create(invoice(), "key")
    with pytest.raises(VendorError, match="Unsupported file type"):
        opened.attach(receipt, "page.html", b"<p>", "text/html")
