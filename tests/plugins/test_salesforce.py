import base64
import json
from datetime import UTC, date
from decimal import Decimal

import pytest
from joserfc.jwk import RSAKey

from billsync.model.errors import BadAnswer, RateLimited, UsageError
from billsync.sdk.columns import Mapper
from billsync.testing import Fault
from billsync.testing.account_contract import wrong_guess
from billsync.testing.bench import poll
from billsync.testing.salesforce import FakeSalesforce
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import unread_examples
from billsync_plugins.sources._salesforce_objects import ObjectColumns
from billsync_plugins.sources.salesforce import Salesforce

WORK = {
    "pse__Project__c": "reference", "pse__Resource__c": "reference", "pse__Billable__c": "boolean",
    "pse__Approved__c": "boolean", "pse__Billing_Event_Item__c": "reference", "CurrencyIsoCode": "picklist",
}  # fmt: skip
MILESTONES = {
    "object": "Milestone__c",
    "columns": {
        "project": "Project__c", "name": "Name", "status": "Status__c", "complete": "Status__c",
        "completed_on": "Completed_On__c", "amount": "Amount__c", "currency": "CurrencyIsoCode",
    },
    "values": {"complete": {"complete": ["Complete"], "open": ["*"]}},
}  # fmt: skip
CHANGES = {
    "object": "Change_Order__c",
    "columns": {"contract": "Contract__c", "name": "Name", "value": "Amount__c", "signed_on": "Signed_On__c"},
    "constants": {"currency": "EUR"},
}


@wrong_guess("salesforce", "a query's cursor outlives a poll", by="test_a_refused_page_fails_the_list")
@wrong_guess("salesforce", "`AND` binds a preset's condition", by="test_a_filter_that_is_ignored_is_noticed")
class TestSalesforce(SourceContract):
    source = Salesforce
    options = {
        "presets": ["certinia", "opportunities"], "milestones": MILESTONES, "change_orders": CHANGES,
        "zone": "Europe/Berlin",
    }  # fmt: skip
    zone = "Europe/Berlin"
    tables = {
        "project": "pse__Proj__c", "milestone": "Milestone__c", "time": "pse__Timecard__c",
        "expense": "pse__Expense__c", "contract": "Opportunity", "change_order": "Change_Order__c",
    }  # fmt: skip
    lists = dict.fromkeys(tables, "/services/data/v62.0/query")
    promised = {
        "project": ("Id", "Name", "pse__Is_Active__c"),
        "milestone": ("Id", "Project__c", "Name", "Status__c", "Completed_On__c"),
        "time": ("Id", *(name for name in WORK if name != "pse__Resource__c"), "pse__Total_Hours__c"),
        "expense": ("Id", *WORK, "pse__Amount__c"),
        "contract": ("Id", "Amount", "CloseDate", "CurrencyIsoCode"),
        "change_order": ("Id", "Contract__c", "Amount__c", "Signed_On__c"),
    }

    def vendor(self):
        vendor = FakeSalesforce()
        currency = {"CurrencyIsoCode": "picklist"}
        vendor.describe("pse__Proj__c", pse__Account__c="reference", pse__Is_Active__c="boolean", **currency)
        vendor.describe(
            "pse__Timecard__c", **WORK, pse__End_Date__c="date", pse__Total_Hours__c="double",
            pse__Milestone__c="reference",
        )  # fmt: skip
        vendor.describe(
            "pse__Expense__c", **WORK, pse__Expense_Date__c="date", pse__Amount__c="currency", pse__Type__c="picklist",
            pse__Description__c="textarea",
        )  # fmt: skip
        vendor.describe(
            "Milestone__c", Project__c="reference", Status__c="picklist", Completed_On__c="datetime",
            Amount__c="currency", Billed_By__c="string", **currency,
        )  # fmt: skip
        vendor.describe(
            "Opportunity", AccountId="reference", Amount="currency", IsWon="boolean", CloseDate="date", **currency
        )
        vendor.describe("Change_Order__c", Contract__c="reference", Amount__c="currency", Signed_On__c="date")
        return vendor

    def of(self, kind):
        return lambda request: self.tracker.asked_for(request) == self.tables[kind]

    def add(self, kind, number, on):
        name = self.tables[kind]
        work = {
            "pse__Project__c": "p1", "pse__Resource__c": "r1", "pse__Billable__c": True, "pse__Approved__c": True,
            "CurrencyIsoCode": "EUR",
        }  # fmt: skip
        rows = {
            "project": {"pse__Is_Active__c": True, "pse__Account__r": {"Name": "Acme"}, "CurrencyIsoCode": "EUR"},
            "milestone": {
                "Project__c": "p1", "Status__c": "Open", "Amount__c": Decimal("12500.5"), "CurrencyIsoCode": "EUR",
            },
            "time": {
                **work, "pse__End_Date__c": str(on), "pse__Total_Hours__c": Decimal("7.75"),
                "pse__Resource__r": {"Name": "Ana Roe"},
            },
            "expense": {**work, "pse__Expense_Date__c": str(on), "pse__Amount__c": Decimal("19.90")},
            "contract": {
                "Account": {"Name": "Acme"}, "Amount": Decimal(90000), "IsWon": True, "CloseDate": str(on),
                "CurrencyIsoCode": "EUR",
            },
            "change_order": {"Contract__c": "c1", "Amount__c": Decimal(4000), "Signed_On__c": str(on)},
        }  # fmt: skip
        return self.tracker.add(name, **rows[kind])

    def change(self, kind, ident):
        other = {"pse__Billable__c": False} if kind in ("time", "expense") else {"Name": "Else"}
        self.tracker.edit(self.tables[kind], ident, **({"Amount": Decimal(1)} if kind == "contract" else other))

    def complete(self, ident, at):
        moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        self.tracker.edit("Milestone__c", ident, Status__c="Complete", Completed_On__c=moment)

    def reopen(self, ident):
        self.tracker.edit("Milestone__c", ident, Status__c="Open")

    def withdraw(self, ident):
        self.tracker.edit("pse__Timecard__c", ident, pse__Approved__c=False)


@pytest.fixture
def kit():
    kit = TestSalesforce()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def pem():
    return RSAKey.generate_key(2048, private=True).as_pem(private=True).decode()


@pytest.mark.parametrize(
    ("way", "grant"),
    [
        ({"refresh_token": None}, "client_credentials"),
        ({"refresh_token": None, "client_secret": None, "private_key": "made", "username": "bot@example.com"}, "jwt"),
        ({}, "refresh_token"),
    ],
)
def test_each_way_in_leads_to_the_host_that_the_token_names(kit, way, grant):
    kit.bench.more = {**kit.options, **way, **({"private_key": pem()} if "private_key" in way else {})}
    assert kit.bench.open().check().account == "Made-up Builders (00D5e000000AbCdEAK)"
    [token] = kit.bench.sent(FakeSalesforce.token_path)
    assert grant in token.form["grant_type"], "another way in was taken"
    if grant == "jwt":
        claims = json.loads(base64.urlsafe_b64decode(token.form["assertion"].split(".")[1] + "=="))
        assert (claims["sub"], claims["aud"]) == ("bot@example.com", "https://login.salesforce.com")


def test_quota_is_no_lost_right_and_ends_the_poll(kit):
    spent = Fault(
        status=403, body=b'[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]'
    )
    kit.fill("time")
    kit.tracker.fail(spent, when=kit.of("time"))
    with pytest.raises(RateLimited):
        kit.read("time")
    assert kit.tracker.clock.slept == [], "a day is not slept"


@wrong_guess("salesforce", "the fields of Certinia's expenses")
@pytest.mark.parametrize("kind", ["time", "milestone"])
def test_a_field_that_the_user_may_not_see_is_named(kit, kind):
    name = {"time": "pse__Total_Hours__c", "milestone": "Amount__c"}[kind]
    del kit.tracker.fields[kit.tables[kind]][name]
    kit.refused(BadAnswer, kit.read, kind)
    with pytest.raises(BadAnswer, match=f"'{name}' is gone"):
        kit.read(kind)


def test_only_mapped_fields_are_read(kit):
    """`Status__c` of a project would be taken for its status if titles were matched."""
    kit.tracker.fields["pse__Proj__c"]["Budget"] = "currency"
    kit.tracker.add("pse__Proj__c", pse__Is_Active__c=False, CurrencyIsoCode="EUR", Budget=Decimal(5))
    [project] = kit.read("project").values()
    assert (project.budget, project.closed, project.currency, project.client) == (None, True, "EUR", None)


def test_an_org_with_one_currency_needs_no_currency_field(kit):
    del kit.tracker.fields["pse__Timecard__c"]["CurrencyIsoCode"]
    kit.bench.more = {**kit.options, "currency": "USD"}
    ident = kit.add("time", 0, kit.window.since)
    record = kit.read("time")[ident]
    assert (record.currency, record.hours, record.person_name) == ("USD", Decimal("7.75"), "Ana Roe")


def test_what_certinia_bills_itself_is_not_ours(kit):
    ident = kit.add("time", 0, kit.window.since)
    kit.tracker.edit("pse__Timecard__c", ident, pse__Billing_Event_Item__c="item")
    assert kit.read("time")[ident].billed_at_source
    kit.tracker.describe(
        "pse__Milestone__c", pse__Project__c="reference", pse__Status__c="picklist", pse__Approved__c="boolean",
        pse__Actual_Date__c="date", pse__Target_Date__c="date", pse__Milestone_Amount__c="currency",
        pse__Billed__c="boolean", pse__Invoiced__c="boolean", CurrencyIsoCode="picklist",
        pse__Approved_for_Billing__c="boolean",
    )  # fmt: skip
    kit.bench.more = {"presets": ["certinia"]}
    row = {
        "pse__Project__c": "p1", "pse__Status__c": "Approved", "pse__Approved__c": True, "CurrencyIsoCode": "EUR",
        "pse__Actual_Date__c": "2026-03-04", "pse__Milestone_Amount__c": Decimal("12500.5"), "pse__Billed__c": False,
        "pse__Approved_for_Billing__c": False,
    }  # fmt: skip
    ours = kit.tracker.add("pse__Milestone__c", **row, pse__Invoiced__c=False)
    kit.tracker.add("pse__Milestone__c", **row, pse__Invoiced__c=True)
    [milestone] = poll(kit.bench.open(), "milestone", kit.window)
    assert (milestone.id, milestone.completed_on, milestone.amount) == (ours, date(2026, 3, 4), Decimal("12500.5"))
    assert milestone.acceptance.accepted is False, "complete, and not approved for billing yet"
    kit.tracker.edit("pse__Milestone__c", ours, pse__Approved_for_Billing__c=True)
    [milestone] = poll(kit.bench.open(), "milestone", kit.window)
    assert milestone.acceptance.accepted


def test_a_date_that_is_an_instant_cannot_bound_a_window(kit):
    kit.tracker.fields["pse__Timecard__c"]["pse__End_Date__c"] = "datetime"
    with pytest.raises(BadAnswer, match=r"pse__End_Date__c.*no date"):
        kit.read("time")


def test_check_tells_what_each_rule_matches_and_what_was_deleted(kit):
    first, second, third = (kit.add("milestone", number, kit.window.since) for number in range(3))
    kit.complete(first, kit.tracker.clock.now())
    kit.tracker.delete("Milestone__c", third)
    remarks = [text for text in kit.bench.open().check().remarks if text.startswith("milestones")]
    assert remarks == [
        "milestones: 2 of the newest 2000 rows of Milestone__c; deleted ones: 1",
        "milestones: complete = complete: 1 records",
        "milestones: complete = open: 1 records",
    ]
    kit.tracker.edit("Milestone__c", first, Status__c="Done at last")
    remarks = kit.bench.open().check().remarks
    assert "milestones: complete = complete: 0 records - does this rule still fit?" in remarks
    assert second


def test_billed_work_is_marked_where_the_firm_names_a_field(kit):
    ident = kit.add("milestone", 0, kit.window.since)
    with pytest.raises(UsageError, match="mark"):
        kit.bench.open().mark_billed("milestone", [ident], "BS-7KQ2")
    before = kit.read("milestone")[ident]
    kit.bench.more = {**kit.options, "milestones": {**MILESTONES, "mark": "Billed_By__c"}}
    kit.bench.open().mark_billed("milestone", [ident], "BS-7KQ2")
    assert kit.tracker.tables["Milestone__c"][ident]["Billed_By__c"] == "BS-7KQ2"
    assert kit.read("milestone")[ident] == before, "our own mark must not look like a change of the work"


def test_an_object_is_asked_for_only_where_it_is_mapped(kit):
    kit.bench.more = {"presets": ["opportunities"]}
    opened = kit.bench.open()
    assert Salesforce.kinds(opened.options) == {"contract"}
    with pytest.raises(UsageError, match="offers no time"):
        poll(opened, "time", kit.window)


def test_one_kind_costs_a_description_and_its_pages(kit):
    kit.tracker.page_size = 2000
    kit.fill("time")
    kit.bench.open().check()
    before = len(kit.tracker.log)
    kit.read("time")
    assert len(kit.tracker.log) - before == 2


def test_examples_are_read(contracts):
    columns = {
        "id": "Id", "name": "Name", "amount": "pse__Milestone_Amount__c", "status": "pse__Status__c",
        "due_on": "pse__Target_Date__c",
    }  # fmt: skip
    mapping = ObjectColumns(object="pse__Milestone__c", columns=columns, constants={"project": "p1"})

    def milestones(body):
        mapper = Mapper("milestone", mapping).bind({column: column for column in columns.values()})
        return [mapper.record(raw) for raw in body["records"]]

    readers = {"GET /services/data/vNN.0/query": milestones}
    excused = {
        "POST /services/data/": "invoices of Salesforce are another connector's",
        "POST https://login.salesforce.com": "read by the session",
    }
    assert unread_examples(contracts / "salesforce.examples.json", readers, excused) == []
