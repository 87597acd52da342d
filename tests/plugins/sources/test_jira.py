"""Jira: the kit for issues as milestones, then versions, re-opened and dropped work, strangers, marks, worklogs."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billsync.model.errors import AuthFailed, BadAnswer, Missing, Refused, UsageError, VendorError
from billsync.model.work import Window
from billsync.sdk.row import Row
from billsync.testing.account_contract import AccountContract, wrong_guess
from billsync.testing.bench import days, poll
from billsync.testing.faults import Fault
from billsync.testing.jira import API, FakeJira
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import OpenApi, unread_examples
from billsync_plugins.sources._jira_issues import IssueOptions, issue, project, shown, version
from billsync_plugins.sources._jira_worklogs import time_entry
from billsync_plugins.sources.jira import Jira

FEE = "customfield_10101"
MARCH = days("2026-03-01..2026-03-31")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class TestJira(SourceContract):
    source = Jira
    options = {"amount_field": FEE, "currency": "EUR"}
    zone = "Europe/Berlin"
    tables = {"project": "projects", "milestone": "issues", "time": "worklogs"}
    lists = {
        "project": f"{API}/project/search",
        "milestone": f"{API}/search/jql",
        "time": f"{API}/worklog/updated",
    }
    promised = {
        "project": ("id", "key", "name"),
        "milestone": ("id", "key", "fields.summary", "fields.status.statusCategory.key", "fields.project.id"),
        "time": ("issueId", "started", "timeSpentSeconds", "author.accountId"),
    }

    def vendor(self):
        vendor = FakeJira()
        vendor.add_project("31", "SITE", "Site")
        vendor.add_issue("31", "Wall", id="501", parent="500")
        return vendor

    def add(self, kind, number, on):
        if kind == "project":
            return self.tracker.add_project(str(100 + number), f"P{number}", f"Project {number}")["id"]
        if kind == "milestone":
            return self.tracker.add_issue("31", f"Phase {number}", **{FEE: Decimal("12500.0")})["id"]
        return self.tracker.add_worklog("501", datetime(on.year, on.month, on.day, 8, tzinfo=UTC), 6300)["id"]

    def change(self, kind, ident):
        if kind == "milestone":
            self.tracker.tables["issues"][ident]["fields"][FEE] = Decimal("9000.5")
        changed: dict[str, dict[str, Any]] = {
            "project": {"name": "Renamed"},
            "milestone": {},
            "time": {"timeSpentSeconds": 60},
        }
        self.tracker.edit(self.tables[kind], ident, **changed[kind])

    def complete(self, ident, at):
        self.tracker.move(ident, "done", at)

    def reopen(self, ident):
        self.tracker.move(ident, "indeterminate", NOON)

    def test_a_filter_that_is_ignored_is_noticed(self, dated):
        """The filter is the time of the last change: worklogs that were changed before it are no answer."""
        self.add(dated, 0, date(2026, 3, 2))
        self.tracker.clock.advance(days=2)
        since = Window(since=MARCH.since, until=MARCH.until, changed_since=self.tracker.clock.now())
        self.tracker.ignored.add("since")
        assert "changed before" in self.refused(BadAnswer, self.read, dated, since).what


class TestJiraByLogin(AccountContract):
    logs_in = True

    def connector(self):
        return Jira

    def vendor(self):
        return FakeJira()


@pytest.fixture
def kit():
    kit = TestJira()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def phases(kit, **options):
    kit.bench.more = options
    return kit.read("milestone")


def test_a_stranger_sees_an_empty_list_and_is_refused_all_the_same(kit):
    """The trap: with a dead token Jira answers 200 and no issues; whoever believes it calls all work vanished."""
    kit.fill("milestone")
    kit.fill("time")
    kit.bench.more = {"token": "dead"}
    for kind in kit.tables:
        kit.refused(AuthFailed, poll, kit.bench.open(), kind, MARCH)
    searched = [request for request in kit.tracker.log if request.path != f"{API}/myself"]
    assert searched == [], "nothing may be asked before it is known who we are"


@wrong_guess("jira", "`statuscategorychangedate` is set on done issues")
def test_an_issue_is_done_by_its_category_and_on_the_day_it_came_there(kit):
    kit.tracker.add_issue("31", "Design", id="601")
    kit.tracker.move("601", "done", datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    found = phases(kit)["601"]
    assert (found.completed_on, found.status) == (date(2026, 3, 10), "Done"), "the day is that of Berlin"
    assert phases(kit, zone="UTC")["601"].completed_on == date(2026, 3, 9)
    kit.tracker.edit("issues", "601", fields__statuscategorychangedate=None)
    kit.tracker.edit("issues", "601", fields__resolutiondate="2026-03-08T10:00:00.000+0100")
    assert phases(kit)["601"].completed_on == date(2026, 3, 8)
    kit.tracker.edit("issues", "601", fields__resolutiondate=None)
    assert "resolutiondate" in kit.refused(BadAnswer, phases, kit).what, "done, but nobody says when"


def test_dropped_work_is_never_complete_and_an_unknown_category_is_refused(kit):
    kit.tracker.add_issue("31", "Design", id="601")
    kit.tracker.move("601", "done", NOON, resolution={"name": "Won't Do"})
    assert phases(kit, dropped=["Won't Do"])["601"].completed_on is None
    assert phases(kit)["601"].completed_on == date(2026, 3, 10), "only what the firm calls dropped is dropped"
    kit.tracker.edit("issues", "601", fields__status__statusCategory__key="nearly")
    assert "nearly" in kit.refused(BadAnswer, phases, kit).what


def test_an_issue_keeps_its_identity_when_its_key_changes(kit):
    kit.tracker.add_project("32", "ELSE", "Else")
    kit.tracker.add_issue("31", "Design", id="601")
    kit.tracker.edit("issues", "601", key="ELSE-1", fields__project__id="32", fields__project__key="ELSE")
    assert (phases(kit)["601"].project, phases(kit)["601"].custom["key"]) == ("32", "ELSE-1")


def test_versions_can_be_the_milestones(kit):
    early = kit.tracker.add_version("31", "1.0", released=True, releaseDate="2026-03-06")["id"]
    planned = kit.tracker.add_version("31", "2.0", releaseDate="2026-06-30")["id"]
    undated = kit.tracker.add_version("31", "0.9", released=True)["id"]
    more = [kit.tracker.add_version("31", f"3.{number}")["id"] for number in range(5)]
    found = phases(kit, milestones="versions")
    assert found.keys() == {early, planned, undated, *more}
    assert (found[early].completed_on, found[early].project) == (date(2026, 3, 6), "31")
    assert (found[planned].completed_on, found[planned].due_on) == (None, date(2026, 6, 30))
    assert (found[undated].completed_on, found[undated].status) == (None, "released without a date")
    kit.tracker.edit("versions", early, released=False)
    assert phases(kit, milestones="versions")[early].completed_on is None, "a release that is taken back is open again"


def test_the_facts_of_a_milestone_stand_in_fields_that_the_firm_names(kit):
    for ident, kind in (("customfield_2", "option"), ("customfield_3", "date"), ("customfield_4", "array")):
        kit.tracker.add_field(ident, ident, kind)
    kit.tracker.add_issue(
        "31",
        "Design",
        id="601",
        customfield_10101=Decimal("12500.50"),
        customfield_2={"value": "Yes", "id": "1"},
        customfield_3="2026-03-12",
        customfield_4=[{"value": "West"}, {"value": "East", "child": {"value": "Harbour"}}],
        aggregateprogress={"progress": 1, "total": 4, "percent": 25},
        attachment=[{"id": "2", "filename": "b.pdf"}, {"id": "1", "filename": "a.pdf"}],
    )
    found = phases(
        kit,
        amount_field=FEE,
        currency="EUR",
        percent_field="aggregateprogress.percent",
        accepted_field="customfield_2",
        fields={"region": "customfield_4"},
        attachments=True,
    )["601"]
    assert (found.amount, found.currency, found.percent) == (Decimal("12500.50"), "EUR", Decimal(25))
    assert found.acceptance.accepted and found.custom["region"] == "West, East / Harbour"
    assert found.attachments == ("a.pdf", "b.pdf")
    dated = phases(kit, accepted_field="customfield_3")["601"].acceptance
    assert (dated.accepted, dated.on) == (True, date(2026, 3, 12))
    assert not phases(kit, accepted_field="customfield_2", accepted=["Ok"])["601"].acceptance.accepted


def test_a_mapped_field_that_vanished_is_refused(kit):
    kit.tracker.add_issue("31", "Design", id="601")
    kit.tracker.delete("fields", FEE)
    assert FEE in refused_phases(kit, amount_field=FEE).what, "Jira shows a field that is gone as empty"


def refused_phases(kit, **options):
    return kit.refused(BadAnswer, lambda: phases(kit, **options))


def test_children_are_counted_and_only_the_milestones_come(kit):
    kit.tracker.add_issue("31", "Design", id="601")
    for number, category in enumerate(("done", "done", "new")):
        child = kit.tracker.add_issue("31", f"Task {number}", kind="Task", parent="601")["id"]
        kit.tracker.move(child, category, NOON)
    found = phases(kit, children=True)
    assert found.keys() == {"501", "601"} and (found["601"].done, found["601"].total) == (2, 3)
    tasks = phases(kit, jql="issuetype = Task")
    assert len(tasks) == 3 and {task.parent for task in tasks.values()} == {"601"}


def test_only_named_projects_are_read_and_one_that_vanished_is_refused(kit):
    kit.tracker.add_project("32", "ELSE", "Else")
    kit.tracker.add_issue("32", "Theirs", id="700")
    kit.tracker.add_issue("31", "Ours", id="701")
    kit.tracker.add_worklog("700", NOON, 60)
    ours = kit.tracker.add_worklog("501", NOON, 60)["id"]
    kit.bench.more = {"projects": ["SITE"]}
    opened = kit.bench.open()
    assert [record.id for record in poll(opened, "project", MARCH)] == ["31"]
    assert [record.id for record in poll(opened, "milestone", MARCH)] == ["501", "701"]
    assert [record.id for record in poll(opened, "time", MARCH)] == [ours]
    kit.tracker.delete("projects", "31")
    kit.refused(Missing, poll, kit.bench.open(), "project", MARCH)
    kit.refused(Refused, poll, kit.bench.open(), "milestone", MARCH)


# ---- Worklogs


def test_a_worklog_is_an_entry_of_its_issues_project_on_the_day_of_the_zone(kit):
    log = kit.tracker.add_worklog("501", datetime(2026, 3, 9, 23, 30, tzinfo=UTC), 12000)["id"]
    entry = kit.read("time")[log]
    assert (entry.project, entry.task, entry.milestone, entry.custom) == ("31", "Wall", "500", {"issue": "SITE-501"})
    assert (entry.worked_on, entry.hours * 3600, entry.notes) == (date(2026, 3, 10), 12000, "Drew the plans")
    assert (entry.billable, entry.approval.state) == (True, "none"), "Jira approves nothing: the contract must decide"


def test_issues_that_no_search_shows_are_found_all_the_same(kit):
    """The index lags behind, and archived issues are never in it: hours must not be lost for that."""
    kit.tracker.add_issue("31", "Fresh", kind="Task", id="801")
    kit.tracker.add_issue("31", "Old", kind="Task", id="802")
    fresh, old = (kit.tracker.add_worklog(ident, NOON, 60)["id"] for ident in ("801", "802"))
    kit.tracker.unindexed, kit.tracker.archived = {"801"}, {"802"}
    found = kit.read("time")
    assert (found[fresh].task, found[old].task) == ("Fresh", "Old")
    kit.tracker.delete("issues", "802")
    kit.refused(Missing, kit.read, "time")


def test_many_worklogs_are_read_in_few_calls(kit):
    for number in range(120):
        kit.tracker.add_issue("31", f"Task {number}", kind="Task", id=str(9000 + number))
        kit.tracker.add_worklog(str(9000 + number), NOON, 60 + number)
    kit.tracker.page_size = 500
    assert len(kit.read("time")) == 120
    calls = [request.path.removeprefix(API) for request in kit.tracker.log]
    assert calls == ["/myself", "/worklog/updated", "/worklog/list", *["/search/jql"] * 3]


def test_what_was_logged_ahead_of_its_date_is_within_its_window(kit):
    ahead = kit.tracker.add_worklog("501", NOON + timedelta(days=80), 60)["id"]
    kit.tracker.clock.advance(days=90)
    assert kit.read("time", days("2026-05-01..2026-06-30")).keys() == {ahead}


# ---- Marks


def test_billed_work_is_marked_by_a_property(kit):
    phase = kit.tracker.add_issue("31", "Design")["id"]
    log = kit.tracker.add_worklog("501", NOON, 60)["id"]
    opened = kit.bench.open()
    before = kit.read("time"), kit.read("milestone")
    opened.mark_billed("milestone", [phase], "BS-1")
    opened.mark_billed("time", [log], "BS-2")
    assert kit.tracker.marks == {f"issue/{phase}": {"invoice": "BS-1"}, f"issue/501/worklog/{log}": {"invoice": "BS-2"}}
    assert (kit.read("time"), kit.read("milestone")) == before, "our own mark is no change of the work"


def test_what_cannot_be_marked_is_refused_before_anything_is_written(kit):
    log = kit.tracker.add_worklog("501", NOON, 60)["id"]
    kit.refused(Missing, kit.bench.open().mark_billed, "time", [log, "999999"], "BS-1")
    assert kit.tracker.marks == {}
    kit.bench.more = {"milestones": "versions"}
    for kind in ("milestone", "project"):
        with pytest.raises(UsageError, match="offers no marks"):
            kit.bench.open().mark_billed(kind, ["1"], "BS-1")


# ---- The vendor's own contract


def test_what_is_sent_fits_the_vendors_contract(kit, contracts):
    for kind in kit.tables:
        kit.fill(kind)
    kit.bench.more = {"amount_field": FEE, "children": True}
    for options in ({}, {"milestones": "versions", "projects": ["SITE"]}):
        kit.bench.more |= options
        opened = kit.bench.open()
        opened.check()
        for kind in kit.tables:
            poll(opened, kind, MARCH)
    opened.mark_billed("time", [sorted(kit.tracker.tables["worklogs"])[0]], "BS-1")
    assert OpenApi(contracts / "jira.openapi.json").problems(kit.tracker.log) == []


def test_published_examples_are_read(contracts):
    def issues(body):
        """The vendor's issue has no status and no summary: it shows what fields there are, not one that is billed."""
        for raw in body["issues"]:
            with pytest.raises(BadAnswer, match="statusCategory"):
                issue(raw, IssueOptions(), "UTC", {})
            yield shown(raw["fields"]["description"])

    home = Row({"key": "EX-1", "fields": {"summary": "Order", "project": {"id": "10000"}}}, "issue", "key")

    def entries(logs):
        return [time_entry(Row(raw, "worklog"), home, "Australia/Sydney") for raw in logs]

    readers = {
        "GET /rest/api/3/search/jql": issues,
        "POST /rest/api/3/search/jql": issues,
        "GET /rest/api/3/project/{projectIdOrKey}": lambda body: [project(body)] if "key" in body else [body],
        "GET /rest/api/3/version/{id}": lambda body: [version(body, "1")],
        "GET /rest/api/3/project/search": lambda body: map(project, body["values"]),
        "GET /rest/api/3/project/{projectIdOrKey}/version": lambda body: [version(raw, "1") for raw in body["values"]],
        "POST /rest/api/3/worklog/list": lambda body: entries(body) if isinstance(body, list) else [body],
        "GET /rest/api/3/issue/{issueIdOrKey}/worklog": lambda body: entries(body.get("worklogs", ())) or [body],
    }
    others = dict.fromkeys(("GET /rest", "POST /rest", "PUT /rest", "DELETE /rest"), "not a record that is read")
    assert unread_examples(contracts / "jira.examples.json", readers, others) == []


# ---- What rests on memory


@wrong_guess("jira", "by OAuth 2, next links stay on api.atlassian.com")
def test_a_next_link_to_another_host_is_refused_and_sees_no_credential(kit):
    page = {"values": [], "isLast": False, "total": 1, "nextPage": "https://acme.atlassian.example/rest/api/3/more"}
    kit.tracker.fail(Fault(status=200, body=json.dumps(page).encode()), when=kit.of("project"))
    error = kit.refused(VendorError, kit.read, "project")
    assert "is not one of this vendor's" in error.what


@wrong_guess("jira", "shapes of custom fields beyond numbers, text and choices")
def test_a_custom_field_of_a_shape_that_nobody_knows_is_refused(kit):
    kit.tracker.add_issue("31", "Wall", id="601", **{FEE: {"iso": "EUR", "cents": 1}})
    error = kit.refused(BadAnswer, lambda: phases(kit, amount_field=None, fields={"fee": FEE}))
    assert "a shape that is not known: cents, iso" in error.what
