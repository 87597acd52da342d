from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from billsync.model.errors import BadAnswer, Denied, Missing
from billsync.sdk.row import Row
from billsync.testing import Fault
from billsync.testing.account_contract import wrong_guess
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import OpenApi, unread_examples
from billsync.testing.xero_projects import FakeXeroProjects
from billsync_plugins.sources import _xero_time as xero
from billsync_plugins.sources.xero import Xero


class TestXeroProjects(SourceContract):
    source = Xero
    tables = {"project": "projects", "time": "time"}
    lists = {"project": "/projects.xro/2.0/Projects", "time": "/projects.xro/2.0/Projects/{}/Time"}
    promised = {
        "project": ("projectId", "name", "status"),
        "time": ("timeEntryId", "projectId", "userId", "taskId", "dateUtc", "duration", "status"),
    }

    def vendor(self):
        vendor = FakeXeroProjects()
        self.project = vendor.add_project("Site")
        self.task = vendor.add_task(self.project, "Survey")
        return vendor

    def cases(self):
        """Numbered pages of a vendor who tells the total cannot be short or empty: then the list is refused, below."""
        return {**super().cases(), "manner": ["repeated", "shuffled"]}

    def of(self, kind):
        return lambda request: request.path == self.lists[kind].format(self.project)

    def add(self, kind, number, on):
        if kind == "project":
            return self.tracker.add_project(f"Project {number}", minutes=0)
        return self.tracker.add_time(self.project, self.task, on, 105)

    def change(self, kind, ident):
        self.tracker.edit(self.tables[kind], ident, **({"duration": 90} if kind == "time" else {"name": "Else"}))


@pytest.fixture
def kit():
    kit = TestXeroProjects()
    kit.setup_method()
    yield kit
    kit.teardown_method()


@pytest.mark.parametrize("kind", ["project", "time"])
@pytest.mark.parametrize("manner", ["short", "empty"])
def test_a_page_that_leaves_rows_out_is_refused(kit, kind, manner):
    kit.fill(kind)
    kit.tracker.misbehave(kit.tables[kind], 2, manner)
    with pytest.raises(BadAnswer):
        kit.read(kind)


@pytest.mark.parametrize(
    ("at", "on", "told"),
    [
        (time(0), date(2026, 3, 1), True),
        (time(23, 59), date(2026, 3, 31), True),
        (time(23, 59), date(2026, 2, 28), False),
    ],
)
def test_work_is_dated_in_the_zone_of_the_organisation(kit, at, on, told):
    """Midnight in Auckland is the day before in UTC."""
    ident = kit.tracker.add_time(kit.project, kit.task, on, 60, at=at)
    found = kit.read("time")
    assert (ident in found) == told
    assert not told or found[ident].worked_on == on


@pytest.mark.parametrize(
    ("charge", "billable", "rate"),
    [("TIME", True, Decimal(120)), ("FIXED", False, None), ("NON_CHARGEABLE", False, None)],
)
def test_what_is_charged_by_the_hour_is_billable(kit, charge, billable, rate):
    task = kit.tracker.add_task(kit.project, "Other", charge=charge)
    ident = kit.tracker.add_time(kit.project, task, kit.window.since, 50)
    entry = kit.read("time")[ident]
    assert (entry.billable, entry.rate, entry.custom) == (billable, rate, {"charge": charge})
    assert entry.hours * 60 == 50 and entry.person_name == "Ana Roe" and entry.approval.state == "none"


@pytest.mark.parametrize(("status", "billed"), [("ACTIVE", False), ("LOCKED", True), ("INVOICED", True)])
def test_time_that_xero_bills_itself_is_told(kit, status, billed):
    ident = kit.tracker.add_time(kit.project, kit.task, kit.window.since, 60, status=status)
    assert kit.read("time")[ident].billed_at_source == billed


def test_time_on_a_task_that_is_not_shown_is_refused(kit):
    kit.tracker.add_time(kit.project, kit.tracker.uuid(), kit.window.since, 60)
    with pytest.raises(BadAnswer, match="chargeType"):
        kit.read("time")


def test_closed_projects_are_read_too_and_those_without_a_minute_are_not_asked(kit):
    closed = kit.tracker.add_project("Done", status="CLOSED")
    idle = kit.tracker.add_project("Idle", minutes=0)
    task = kit.tracker.add_task(closed, "Late")
    ident = kit.tracker.add_time(closed, task, kit.window.since, 60)
    assert kit.read("project")[closed].closed and ident in kit.read("time")
    assert not [request for request in kit.tracker.log if idle in request.path]


def test_a_window_costs_two_lists_of_projects_the_users_and_each_project_with_work(kit):
    kit.tracker.page_size = 500
    kit.fill("time")
    kit.bench.open().check()
    before = len(kit.tracker.log)
    kit.read("time")
    called = [request.path.rpartition("/")[2] for request in kit.tracker.log[before:]]
    assert sorted(called) == ["Projects", "Projects", "ProjectsUsers", "Tasks", "Time"]


def test_a_log_in_without_the_right_to_projects_is_told(kit):
    kit.tracker.fail(Fault(status=403), when=lambda request: request.path.endswith("/Projects"), times=9)
    with pytest.raises(Denied):
        kit.bench.open().check()


def test_a_log_in_to_another_organisation_is_told(kit):
    kit.bench.more = {"tenant": "another"}
    with pytest.raises(Missing, match="Demo Company"):
        kit.bench.open().check()


def test_requests_fit_the_contract(kit, contracts):
    kit.fill("time")
    kit.bench.open().check()
    kit.read("project")
    kit.read("time")
    ours = [
        replace(request, target=request.target.removeprefix("/projects.xro/2.0"))
        for request in kit.tracker.log
        if request.path.startswith("/projects.xro")
    ]
    assert OpenApi(contracts / "xero-projects.openapi.json").problems(ours) == [] and len(ours) > 6


def test_examples_are_read(contracts):
    task = Row({"chargeType": "TIME", "name": "Demolition", "rate": {"currency": "AUD", "value": 20}}, "task")
    every = type("Every", (dict,), {"get": lambda self, key: task})()

    def times(body):
        return [xero.time_entry(raw, every, {}, "UTC") for raw in body.get("items", [body])]

    start = "GET /projects.xro/2.0/"
    readers = {
        f"{start}Projects (200)": lambda body: [xero.project(raw) for raw in body["items"]],
        f"{start}Projects/{{projectId}} (200)": lambda body: [xero.project(body)],
        f"{start}ProjectsUsers": lambda body: [raw["name"] for raw in body["items"]],
        f"{start}Projects/{{projectId}}/Tasks": lambda body: [raw["chargeType"] for raw in body.get("items", [body])],
        f"{start}Projects/{{projectId}}/Time": times,
        "POST /projects.xro/2.0/Projects/{projectId}/Time": times,
    }
    excused = {
        start: "the books are another connector's" for start in ("GET /api.xro", "PUT /api.xro", "400", "webhook")
    }
    assert unread_examples(contracts / "xero.examples.json", readers, excused) == []


@wrong_guess("xero/source", "a project whose `minutesLogged` is 0 has no time")
def test_a_project_without_minutes_that_has_some_to_invoice_is_refused(kit):
    idle = kit.tracker.add_project("Idle", minutes=0)
    kit.tracker.edit("projects", idle, minutesToBeInvoiced=60)
    with pytest.raises(BadAnswer, match="but none logged"):
        kit.read("time")
    kit.tracker.edit("projects", idle, minutesToBeInvoiced=0)
    assert kit.read("time") == {}
