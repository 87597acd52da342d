from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.errors import BadAnswer, Missing
from billsync.testing import FakeHarvest
from billsync.testing.account_contract import AccountContract, wrong_guess
from billsync.testing.source_contract import SourceContract
from billsync_plugins.sources.harvest import Harvest

WORK = ("id", "project.id", "user.id", "spent_date", "billable", "approval_status", "is_billed")


class TestHarvest(SourceContract):
    source = Harvest
    options = {"estimates": True}
    tables = {"project": "projects", "time": "time_entries", "expense": "expenses", "contract": "estimates"}
    lists = {"project": "/projects", "time": "/time_entries", "expense": "/expenses", "contract": "/estimates"}
    promised = {
        "project": ("id", "name", "client.name", "is_active"),
        "time": (*WORK, "rounded_hours", "user.name", "task.name"),
        "expense": (*WORK, "total_cost", "client.currency", "expense_category.name"),
        "contract": ("id", "client.name", "amount", "currency", "accepted_at", "line_items"),
    }

    def vendor(self):
        vendor = FakeHarvest()
        vendor.add_project(31, "Site")
        return vendor

    def add(self, kind, number, on):
        if kind == "project":
            return str(self.tracker.add_project(100 + number, f"Project {number}")["id"])
        if kind == "contract":
            return str(self.tracker.add_estimate(1000 + number, "9630.00", on)["id"])
        row = (self.tracker.add_time if kind == "time" else self.tracker.add_expense)(31, on, "1.75")
        return str(row["id"])

    def change(self, kind, ident):
        changed: dict[str, dict[str, Any]] = {"project": {"name": "Renamed"}, "contract": {"amount": Decimal(1)}}
        self.tracker.edit(self.tables[kind], ident, **changed.get(kind, {"billable": False}))

    def withdraw(self, ident):
        self.tracker.edit("time_entries", ident, approval_status="submitted")


class TestHarvestByLogin(AccountContract):
    logs_in = True

    def connector(self):
        return Harvest

    def vendor(self):
        return FakeHarvest()


DAY = date(2026, 3, 5)


@pytest.fixture
def kit():
    kit = TestHarvest()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def entry(kit, **options):
    """The only time entry, read under these options."""
    kit.bench.more = options
    [record] = kit.read("time").values()
    return record


@pytest.mark.parametrize(("hours", "billed"), [("rounded", "1.75"), ("exact", "1.6")])
def test_the_firm_says_which_hours_it_bills(kit, hours, billed):
    kit.tracker.add_time(31, DAY, "1.6", rounded_hours=Decimal("1.75"))
    assert entry(kit, hours=hours).hours == Decimal(billed)


def test_the_currency_of_a_rate_is_its_projects(kit):
    kit.tracker.add_project(32, "Abroad", currency="EUR")
    kit.tracker.add_time(32, DAY, "1", billable_rate=Decimal("120.5"))
    record = entry(kit)
    assert (record.rate, record.currency) == (Decimal("120.5"), "EUR")


def test_a_rate_that_may_not_be_seen_is_unknown_not_zero(kit):
    kit.tracker.add_time(31, DAY, "1", billable_rate=None)
    assert entry(kit).rate is None


@pytest.mark.parametrize(
    ("feature", "option", "status", "state"),
    [
        (True, False, "unsubmitted", "open"),
        (True, False, "submitted", "submitted"),
        (True, True, "unsubmitted", "open"),
        (False, False, "unsubmitted", "none"),
        (False, True, "unsubmitted", "approved"),
        (False, False, "approved", "approved"),
    ],
)
def test_nothing_is_approved_by_an_option_where_people_approve(kit, feature, option, status, state):
    kit.tracker.approval_feature = feature
    kit.tracker.add_time(31, DAY, "1", approval_status=status)
    kit.tracker.add_expense(31, DAY, "10.00", approval_status=status)
    assert entry(kit, treat_as_approved=option).approval.state == state
    [expense] = kit.read("expense").values()
    assert expense.approval.state == state


def test_a_running_timer_is_open_and_counted(kit):
    kit.tracker.approval_feature = False
    kit.tracker.add_time(31, DAY, "0.5", is_running=True)
    assert entry(kit, treat_as_approved=True).approval.state == "open"


def test_an_approval_status_nobody_knows_is_refused(kit):
    kit.tracker.add_time(31, DAY, "1", approval_status="waiting")
    with pytest.raises(BadAnswer, match="waiting"):
        entry(kit)


def test_what_harvest_billed_itself_says_so(kit):
    kit.tracker.add_time(31, DAY, "1", is_billed=True)
    assert entry(kit).billed_at_source


def test_expenses_and_projects_keep_their_cents(kit):
    kit.tracker.add_expense(31, DAY, "33.35", receipt={"url": "https://example.com/r.gif"})
    [expense] = kit.read("expense").values()
    assert (expense.amount, expense.currency, expense.receipt) == (Decimal("33.35"), "USD", "https://example.com/r.gif")
    kit.tracker.add_project(
        32, "Old", is_active=False, budget=Decimal(200), cost_budget=Decimal("9000.50"), fee=Decimal(5)
    )
    project = kit.read("project")["32"]
    assert (project.closed, project.budget_hours, project.budget) == (True, 200, Decimal("9000.50"))
    assert project.custom["fee"] == "5", "a fixed fee never shows in time entries"


def test_check_says_what_the_token_may_see_and_what_approval_means(kit):
    everything = kit.bench.open().check()
    assert everything.sees_everything and everything.remarks == ()
    kit.tracker.roles, kit.tracker.approval_feature = ["manager"], False
    part = kit.bench.open().check()
    assert not part.sees_everything
    assert "only a part" in part.remarks[0] and "not_required" in part.remarks[1]
    kit.tracker.approval_feature = True
    kit.bench.more = {"treat_as_approved": True}
    assert "no effect" in kit.bench.open().check().remarks[-1]


def test_a_token_opens_only_the_account_that_is_named(kit):
    kit.bench.more = {"account_id": "999"}
    with pytest.raises(Missing, match="Account not found"):
        kit.bench.open().check()


def test_harvest_is_told_who_asks(kit):
    kit.bench.more = {"contact": "ops@example.com"}
    kit.bench.open().check()
    assert "ops@example.com" in kit.tracker.log[-1].headers["user-agent"]


def test_an_idle_night_takes_one_call_a_list(kit):
    for number in range(3):
        kit.tracker.add_time(31, DAY + timedelta(days=number), "1")
    kit.tracker.clock.advance(days=1)
    window = replace(kit.window, changed_since=kit.tracker.clock.now())
    assert kit.read("time", window) == {}
    assert [request.path for request in kit.tracker.log] == ["/time_entries"]


@pytest.mark.parametrize(("zone", "signed"), [("UTC", DAY), ("Pacific/Auckland", DAY + timedelta(days=1))])
def test_an_accepted_estimate_is_a_contract_before_tax(kit, zone, signed):
    more: dict[str, Any] = {"tax_amount": Decimal("450.00"), "tax2_amount": Decimal("180.00"), "purchase_order": "PO-7"}
    kit.tracker.add_estimate(1001, "9630.00", DAY, **more)
    kit.tracker.add_estimate(1002, "500.00", DAY, state="sent", accepted_at=None)
    kit.bench.more = {"estimates": True, "zone": zone}
    [terms] = kit.read("contract").values()
    assert (terms.value, terms.currency, terms.client, terms.signed_on) == (Decimal(9000), "USD", "Acme", signed)
    assert [(line.name, line.amount) for line in terms.lines] == [("Design", Decimal(9630))]
    assert terms.custom == {"number": "1001", "purchase_order": "PO-7", "subject": "Site"}


def test_an_estimate_of_another_state_means_that_the_filter_was_ignored(kit):
    kit.tracker.add_estimate(1002, "500.00", DAY, state="declined")
    kit.tracker.ignored.add("state")
    with pytest.raises(BadAnswer, match="declined"):
        kit.read("contract")


def test_estimates_are_read_where_the_account_asks_for_them(kit):
    options = kit.bench.options()
    assert "contract" in Harvest.kinds(options)
    assert Harvest.kinds(options.model_copy(update={"estimates": False})) == {"project", "time", "expense"}


@wrong_guess("harvest", "an approval moves `updated_at`")
def test_an_approval_that_moves_no_time_is_seen_by_the_full_sweep(kit):
    ident = str(kit.tracker.add_time(31, DAY, "1", approval_status="submitted")["id"])
    kit.tracker.clock.advance(days=1)
    kit.tracker.tables["time_entries"][ident]["approval_status"] = "approved"
    assert kit.read("time", replace(kit.window, changed_since=kit.tracker.clock.now())) == {}
    assert kit.read("time")[ident].approval.state == "approved", "late, and not lost"
