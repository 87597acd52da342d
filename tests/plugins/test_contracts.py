"""Our requests and mappings against what the vendors themselves publish."""

import json
from decimal import Decimal
from typing import Any

import pytest

from billsync.sdk.exact import exact_json
from billsync.testing import FakeHarvest, FakeQuickBooks
from billsync.testing.bench import Bench, days, poll
from billsync.testing.invoices import credit_memo, invoice, line
from billsync.testing.vendor_contract import OpenApi, Xsd, unread_examples
from billsync_plugins.sinks import _quickbooks_documents as documents
from billsync_plugins.sinks.quickbooks import QuickBooks
from billsync_plugins.sources import _harvest_work as harvest_work
from billsync_plugins.sources._asana_phases import PhaseOptions, phase, project
from billsync_plugins.sources._asana_time import ENTRY, time_entry
from billsync_plugins.sources._harvest_estimates import contract
from tests.plugins.test_asana import TestAsana as Asana
from tests.plugins.test_harvest import TestHarvest as Harvest

YEAR = days("2026-01-01..2026-12-31")
NOT_OURS = "billsync does not read or write this"


@pytest.fixture(params=[Harvest, Asana])
def kit(request):
    kit = request.param()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def test_sources_ask_what_the_contract_knows(kit, contracts):
    told = {f"opt_fields={name}": "told by some lists; else the entry is read singly" for name in ENTRY[5:]}
    fields = ("resource_subtype", "format", "currency_code")
    of_projects = {f"opt_fields=custom_fields.{name}": "of projects: absent, it is an error" for name in fields}
    beyond = {**told, **of_projects, "turn": "the fake's own, in its links"}
    vendor = OpenApi(contracts / f"{kit.source.kind}.openapi.json", beyond)
    opened = kit.bench.open()
    opened.check()
    for kind in kit.tables:
        kit.fill(kind)
        poll(opened, kind, YEAR)
    assert vendor.problems(kit.bench.vendor.log) == []


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/time_entries?page=first", "first"),
        ("/time_entries?since=2026-03-01", "since"),
        ("/time_entries?is_billed=perhaps", "perhaps"),
        ("/timesheets", "no such operation"),
    ],
)
def test_a_request_that_does_not_fit_is_named(contracts, target, told):
    with FakeHarvest() as vendor:
        vendor.serve("GET", target, {}, b"")
        [problem] = OpenApi(contracts / "harvest.openapi.json").problems(vendor.log)
    assert told in problem


# QuickBooks publishes no OpenAPI; its JSON bears the names of its XML schema.


@pytest.fixture
def quickbooks():
    bench = Bench(QuickBooks, FakeQuickBooks())
    yield bench
    bench.close()


def sent(bench, document):
    return read(bench.open().request(document, document.reference)[1])


def read(content):
    return json.loads(content, parse_float=Decimal)


@pytest.mark.parametrize("options", [{}, {"tax_calculation": "TaxExcluded", "terms": "3", "classes": {"West": "9"}}])
def test_documents_have_the_members_of_the_schema(quickbooks, contracts, options):
    quickbooks.more = options
    quickbooks.vendor.multicurrency = True
    rich = line(1_000, "Rich", tax_code="TAX", item="7", dimensions={"class": "West"})
    full: dict[str, Any] = {
        "due_on": None,
        "purchase_order": "PO-7",
        "memo": "Thank you",
        "push": "sent",
        "email": "ap@example.com",
    }
    for document in (invoice(), invoice(rich, **full), credit_memo(currency="EUR")):
        body = sent(quickbooks, document)
        assert Xsd(contracts / "quickbooks.xsd").problems(documents.ENTITIES[document.kind], body) == []


def test_the_fake_speaks_the_names_of_the_schema(quickbooks, contracts):
    quickbooks.open().create(invoice(), "key")
    [document] = quickbooks.vendor.documents.values()
    shown = read(exact_json(quickbooks.vendor.json_of(document)))
    assert Xsd(contracts / "quickbooks.xsd").problems("Invoice", shown) == []


def test_a_member_that_does_not_fit_is_named(contracts):
    body = {"CustomerRef": {"value": "1"}, "DueDate": "soon", "Totals": 1, "EmailStatus": "Maybe", "Line": {}}
    problems = " ".join(Xsd(contracts / "quickbooks.xsd").problems("Invoice", body))
    for told in ("DueDate", "Totals", "Maybe", ".Line"):
        assert told in problems, f"{told} was not noticed"


# Published examples


def test_examples_of_harvest_are_read(contracts):
    def times(body):
        return [harvest_work.time_entry(raw, "rounded_hours", None, {}) for raw in body.get("time_entries", [body])]

    def projects(body):
        return map(harvest_work.project, body["projects"])

    def expenses(body):
        return [harvest_work.expense(raw, None) for raw in body["expenses"]]

    def currency(body):
        return [entry["currency"] for entry in body["clients"]]

    def estimates(body):
        return [
            contract({**raw, "state": "accepted", "accepted_at": raw["sent_at"]}, "UTC") for raw in body["estimates"]
        ]

    readers = {
        "GET /estimates": estimates,
        "GET /time_entries": times,
        "PATCH /time_entries": times,
        "GET /expenses": expenses,
        "GET /projects": projects,
        "GET /company": lambda body: [body["approval_feature"], body["name"]],
        "GET /users": lambda body: [user["access_roles"] for user in body["users"]],
        "GET /clients": currency,
    }
    others = ("GET /task_assignments", "GET /reports", "GET /invoices", "POST /invoices")
    assert unread_examples(contracts / "harvest.examples.json", readers, dict.fromkeys(others, NOT_OURS)) == []


def test_examples_of_asana_are_read(contracts):
    options = PhaseOptions(zone="Europe/Berlin")

    def one(read):
        return lambda body: [read(body["data"])]

    readers = {
        "GET /tasks/{task_gid}": one(lambda raw: phase(raw, "1", options)),
        "POST /tasks": one(lambda raw: phase(raw, "1", options)),
        "GET /projects/{project_gid}": one(lambda raw: project(raw, options)),
        "GET /time_tracking_entries/": one(time_entry),
        "GET /users/": lambda body: body["data"]["workspaces"],
    }
    excused = {
        "GET /projects/{project_gid}/tasks": "a compact list: without opt_fields it does not say what is complete",
        "GET /projects/{project_gid}/custom_field_settings": NOT_OURS,
        "GET /time_tracking_entries": "a list that does not tell approval: the entries are read singly",
        "GET /timesheet_approval_statuses": "entries tell their own approval",
        "GET /events": NOT_OURS,
        "GET /attachments/": "only the list is read, for the names",
        "GET /rates": NOT_OURS,
        "GET /budgets": NOT_OURS,
        "GET /webhooks": NOT_OURS,
        "POST /webhooks": NOT_OURS,
        "any": "an error, not a record",
    }
    assert unread_examples(contracts / "asana.examples.json", readers, excused) == []


def test_examples_of_quickbooks_are_read(contracts):
    def receipt(body):
        return [documents.receipt_of("Invoice", body["Invoice"], "USD")]

    def found(body):
        return [documents.receipt_of("Invoice", raw, "USD") for raw in body["QueryResponse"]["Invoice"]]

    void = "POST .../invoice?operation=void (response"
    readers = {
        "POST /v3/company/{realmId}/invoice (response)": receipt,
        "GET /v3/company/{realmId}/query?query=select * from Invoice": found,
        void: receipt,
        "POST .../invoice?operation=delete (response)": receipt,
    }
    time = "time of QuickBooks is another connector's"
    excused = {
        "POST /v3/company/{realmId}/invoice (request, minimum)": "a request: the schema test holds ours against it",
        "POST .../invoice?operation=void (request)": "a request",
        "POST .../invoice (sparse update, request)": NOT_OURS,
        "POST .../invoice/{id}/send": "a fragment: members that QuickBooks always sends are left out",
        "GET /v3/company/{realmId}/query?query=select * from TimeActivity": time,
        "POST .../timeactivity": time,
        "webhook": NOT_OURS,
        "POST /oauth2": "read by the session",
        "OAuth discovery": "the addresses are declared",
        "400 on a DocNumber": "an error, not a record",
    }
    assert unread_examples(contracts / "quickbooks.examples.json", readers, excused) == []
    examples = {
        entry["endpoint"]: entry["body"]
        for entry in json.loads((contracts / "quickbooks.examples.json").read_text(encoding="utf-8"))
    }
    [voided] = receipt(next(body for endpoint, body in examples.items() if endpoint.startswith(void)))
    assert (voided.status, voided.number) == ("voided", "1036"), "the answer to a void spells its words differently"
