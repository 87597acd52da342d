"""Tempo: the kit for time, money and accounts, then timesheets, billable seconds, attributes, and Jira's twin."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from billsync.model.errors import AuthFailed, BadAnswer, Refused, UsageError
from billsync.model.work import Approval, SourceKey, Window
from billsync.sdk.row import Row
from billsync.testing.account_contract import AccountContract, wrong_guess
from billsync.testing.bench import Bench, days, poll
from billsync.testing.jira import FakeJira
from billsync.testing.source_contract import SourceContract
from billsync.testing.tempo import ANA, FakeTempo
from billsync.testing.vendor_contract import OpenApi, unread_examples
from billsync_plugins.sources import _tempo_money as money
from billsync_plugins.sources._tempo_sheets import Timesheets
from billsync_plugins.sources._tempo_worklogs import Attributes, WorklogOptions, time_entry
from billsync_plugins.sources.jira import Jira
from billsync_plugins.sources.tempo import Tempo, account

MARCH = days("2026-03-01..2026-03-31")
DAY = date(2026, 3, 5)
ENTRY = ("id", "date", "description", "amount.value", "amount.currencyCode", "recurrence.type")


class TestTempo(SourceContract):
    source = Tempo
    tables = {"project": "accounts", "milestone": "fixed-revenues", "time": "worklogs", "expense": "expenses"}
    lists = {
        "project": "/4/accounts",
        "milestone": "/4/projects/P1/fixed-revenues",
        "time": "/4/worklogs",
        "expense": "/4/projects/P1/expenses",
    }
    promised = {
        "project": ("key", "name", "status"),
        "milestone": ENTRY,
        "time": ("tempoWorklogId", "author.accountId", "startDate", "billableSeconds", "issue.id", "attributes.values"),
        "expense": ENTRY,
    }

    def cases(self):
        """An empty page before the end cannot be told from a broken list: it has a test of its own."""
        return {**super().cases(), "manner": ["repeated", "short", "shuffled"]}

    def vendor(self):
        vendor = FakeTempo()
        vendor.add_project("P1", "Bedlam")
        return vendor

    def add(self, kind, number, on):
        if kind == "project":
            return self.tracker.add_account(f"ACME-{number}", f"Account {number}")["key"]
        if kind == "time":
            return str(self.tracker.add_worklog("ACME-1", on, 6300)["tempoWorklogId"])
        return self.tracker.add_money(self.tables[kind], "P1", on, "1234.5")["id"]

    def change(self, kind, ident):
        changed: dict[str, dict[str, Any]] = {"project": {"name": "Renamed"}, "time": {"billableSeconds": 60}}
        other: dict[str, Any] = {"amount": {"value": Decimal("9.99"), "currencyCode": "EUR"}}
        self.tracker.edit(self.tables[kind], ident, **changed.get(kind, other))

    def complete(self, ident, at):
        """Nothing at Tempo completes a fixed revenue, or opens it again."""

    def reopen(self, ident):
        self.complete(ident, None)

    def withdraw(self, ident):
        log = self.tracker.tables["worklogs"][ident]
        self.tracker.decide(log["author"]["accountId"], date.fromisoformat(log["startDate"]), "OPEN")

    def test_completed_and_reopened_milestones_come_both(self):
        """A fixed revenue is never complete by itself: the contract bills it on its date."""
        ident = self.add("milestone", 0, DAY)
        found = self.read("milestone")[ident]
        assert (found.completed_on, found.due_on, found.amount, found.currency) == (None, DAY, Decimal("1234.5"), "EUR")

    def test_a_milestone_is_complete_on_the_date_of_its_zone(self):
        """A fixed revenue has no date of completion: one that falls due much later is told as well."""
        assert {self.add("milestone", 0, self.window.until + timedelta(days=400))} == self.read("milestone").keys()

    def test_a_filter_that_is_ignored_is_noticed(self, dated):
        """Expenses have no filter: those of other dates are left out here."""
        if dated == "time":
            super().test_a_filter_that_is_ignored_is_noticed(dated)
        else:
            self.read(dated)
            assert self.bench.sent(self.lists[dated])[-1].query.keys() == {"offset", "limit"}

    def test_what_changed_since_is_among_the_changes(self, kind):
        """Nobody tells when an expense was changed: all of the window are read each time."""
        if kind != "expense":
            super().test_what_changed_since_is_among_the_changes(kind)
            return
        ids = self.fill(kind)
        self.tracker.clock.advance(days=2)
        assert self.read(kind, replace(MARCH, changed_since=self.tracker.clock.now())).keys() == ids

    def test_an_empty_page_before_the_end_fails_the_list(self, kind):
        self.fill(kind)
        self.tracker.misbehave(self.tables[kind], 2, "empty")
        self.refused(BadAnswer, self.read, kind)


@wrong_guess("tempo", "a token is renewed without redirect_uri", by="test_a_grant_that_ended_asks_for_a_person")
class TestTempoByLogin(AccountContract):
    logs_in = True

    def connector(self):
        return Tempo

    def vendor(self):
        return FakeTempo()


@pytest.fixture
def kit():
    kit = TestTempo()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def entry(kit, **options):
    """The only time entry, read under these options."""
    kit.bench.more = options
    [record] = kit.read("time").values()
    return record


def states(kit, window=MARCH):
    return {ident: record.approval.state for ident, record in kit.read("time", window).items()}


# ---- Time


def test_billable_seconds_are_billed_not_those_that_were_spent(kit):
    kit.tracker.add_worklog("ACME", DAY, 7200, billable=5400, project=7)
    found = entry(kit)
    assert (found.hours * 3600, found.billable, found.project, found.task) == (5400, True, "ACME", "10042")
    assert (found.person, found.approval) == (ANA, Approval(state="approved", by="the-boss"))


def test_no_billable_seconds_are_unbillable_hours(kit):
    kit.tracker.add_worklog("ACME", DAY, 7200, billable=0)
    assert (entry(kit).hours, entry(kit).billable) == (2, False)


@pytest.mark.parametrize(("status", "state"), [("OPEN", "open"), ("IN_REVIEW", "submitted"), ("APPROVED", "approved")])
def test_a_worklog_is_approved_with_the_timesheet_of_its_period(kit, status, state):
    sunday, monday = date(2026, 3, 8), date(2026, 3, 9)
    kit.tracker.decide(ANA, sunday, status)
    first, second = (kit.tracker.add_worklog("ACME", on, 60)["tempoWorklogId"] for on in (sunday, monday))
    other = kit.tracker.add_worklog("ACME", sunday, 60, person="1:ben")["tempoWorklogId"]
    assert states(kit) == {str(first): state, str(second): "approved", str(other): "approved"}
    asked = [request for request in kit.tracker.log if "/timesheet-approvals/user/" in request.path]
    assert len(asked) == 3, "one call for each person and period, not for each worklog"


def test_a_status_of_a_timesheet_that_nobody_knows_is_refused(kit):
    kit.tracker.decide(ANA, DAY, "REJECTED")
    kit.tracker.add_worklog("ACME", DAY, 60)
    assert "REJECTED" in kit.refused(BadAnswer, kit.read, "time").what


def test_the_sheets_of_a_team_come_in_one_call_a_period(kit):
    people = [f"1:person-{number}" for number in range(6)]
    kit.tracker.teams = {"9": people[:5]}
    for person in people:
        kit.tracker.add_worklog("ACME", DAY, 60, person=person)
    kit.bench.more = {"teams": ["9"]}
    assert set(states(kit).values()) == {"approved"}
    paths = [request.path for request in kit.tracker.log if "timesheet-approvals" in request.path]
    assert paths == ["/4/timesheet-approvals/team/9", "/4/timesheet-approvals/user/1:person-5"]


def test_an_id_that_would_be_another_address_is_refused(kit):
    kit.tracker.add_worklog("ACME", DAY, 60, person="../../projects")
    assert "is no id" in kit.refused(BadAnswer, kit.read, "time").what


def test_an_approval_that_touches_no_worklog_is_among_the_changes(kit):
    """The commonest loss of incremental jobs: when a period is approved, its worklogs keep their `updatedAt`."""
    old = [kit.tracker.add_worklog("ACME", DAY + timedelta(days=n), 60, approved=False) for n in range(5)]
    kit.tracker.add_worklog("ACME", DAY, 60, person="1:ben")
    kit.tracker.clock.advance(days=2)
    since = replace(MARCH, changed_since=kit.tracker.clock.now())
    assert kit.read("time", since) == {}
    kit.tracker.decide(ANA, DAY, "APPROVED")
    week = {str(log["tempoWorklogId"]) for log in old if log["startDate"] <= "2026-03-08"}
    assert states(kit, since) == dict.fromkeys(week, "approved")
    kit.tracker.decide(ANA, DAY, "OPEN")
    assert states(kit, since) == dict.fromkeys(week, "open"), "a sheet that was opened again is a change as well"
    late = replace(since, since=date(2026, 3, 7))
    assert len(kit.read("time", late)) == 2, "of a changed sheet only the days within the window are read"


def test_a_sheet_of_another_period_or_person_is_refused(kit):
    def sheets(**told):
        class Answering:
            def get(self, path, params):
                if path == "/periods":
                    return {"periods": [{"from": "2026-03-02", "to": "2026-03-08"}]}
                period = {"from": "2026-03-02", "to": "2026-03-08"}
                return {"period": period, "status": {"key": "APPROVED"}, "user": {"accountId": ANA}, **told}

        found = Timesheets(cast(Any, Answering()), ())
        found.expect((MARCH.since, MARCH.until))
        return found

    assert sheets().approval(ANA, DAY).state == "approved"
    with pytest.raises(BadAnswer, match="asked was"):
        sheets(period={"from": "2026-03-01", "to": "2026-03-31"}).approval(ANA, DAY)
    with pytest.raises(BadAnswer, match="somebody else"):
        sheets(user={"accountId": "1:ben"}).approval(ANA, DAY)
    with pytest.raises(BadAnswer, match="no timesheet period holds 2026-04-05"):
        sheets().approval(ANA, date(2026, 4, 5))


@wrong_guess("tempo", "the attribute's type is spelt ACCOUNT")
def test_a_worklog_without_an_account_is_shown_and_without_the_attribute_none_is(kit):
    kit.tracker.add_worklog(None, DAY, 60)
    assert entry(kit).project == "none"
    kit.tracker.delete("attributes", "_Account_")
    assert "ACCOUNT" in kit.refused(BadAnswer, kit.read, "time").what
    assert entry(kit, jira_projects=["31"]).project == "31", "with Jira projects no account is needed"


def test_only_named_jira_projects_are_read_and_they_are_the_projects(kit):
    first, second = (kit.tracker.add_worklog("ACME", DAY, 60, project=home)["tempoWorklogId"] for home in (31, 32))
    kit.tracker.add_worklog("ACME", DAY, 60, project=33)
    kit.bench.more = {"jira_projects": ["31", "32"]}
    found = kit.read("time")
    assert {ident: record.project for ident, record in found.items()} == {str(first): "31", str(second): "32"}
    assert kit.read("project").keys() >= {"31", "32"}
    kit.tracker.clock.advance(days=1)
    kit.tracker.decide(ANA, DAY, "OPEN")
    since = replace(MARCH, changed_since=kit.tracker.clock.now())
    assert kit.read("time", since).keys() == {str(first), str(second)}, "changed sheets keep to the projects as well"


def test_attributes_are_read_by_key_as_people_see_them(kit):
    kit.tracker.add_attribute("_Role_", "Role", "STATIC_LIST", {"a1": "Senior"})
    kit.tracker.add_attribute("_Site_", "Site")
    kit.tracker.add_attribute("_Billed_", "Invoiced")
    kit.tracker.add_worklog("ACME", DAY, 60, _Role_="a1", _Site_="West", _Billed_="BS-1")
    named = {"role_attribute": "_Role_", "fields": {"site": "_Site_"}, "billed_attribute": "_Billed_"}
    found = entry(kit, **named)
    assert (found.role, found.custom, found.billed_at_source) == ("Senior", {"site": "West"}, True)
    assert not entry(kit).billed_at_source
    kit.tracker.delete("attributes", "_Role_")
    kit.bench.more = named
    assert "'_Role_' is gone" in kit.refused(BadAnswer, kit.read, "time").what


def test_a_refusal_in_html_is_a_refusal(kit):
    kit.bench.more = {"token": "dead"}
    error = kit.refused(AuthFailed, kit.bench.open().check)
    assert "Invalid token" in error.what and "<" not in error.what


# ---- Marks


@wrong_guess("tempo", "worklogs of approved periods take no mark")
def test_an_attribute_takes_the_mark_while_the_period_is_open_and_it_is_empty(kit):
    kit.tracker.add_attribute("_Billed_", "Invoiced")
    log = str(kit.tracker.add_worklog("ACME", DAY, 60, approved=False)["tempoWorklogId"])
    kit.bench.more = {"billed_attribute": "_Billed_"}
    opened = kit.bench.open()
    opened.mark_billed("time", [log], "BS-1")
    assert kit.read("time")[log].billed_at_source
    assert "exists already" in kit.refused(Refused, opened.mark_billed, "time", [log], "BS-2").what
    done = str(kit.tracker.add_worklog("ACME", date(2026, 3, 20), 60)["tempoWorklogId"])
    assert "approved" in kit.refused(Refused, opened.mark_billed, "time", [done], "BS-1").what
    with pytest.raises(UsageError, match="without `billed_attribute`"):
        opened.mark_billed("expense", ["1"], "BS-1")


# ---- Money


def test_without_financial_manager_no_money_is_asked_for():
    made: Any = Tempo.options_class
    options = {"site": "acme.atlassian.net", "token": "t"}
    assert Tempo.kinds(made(**options)) == {"project", "time"}
    assert Tempo.kinds(made(**options, financial_manager=True)) == Tempo.offers.kinds


def test_recurring_expenses_are_what_tempo_counts_out(kit):
    rent = kit.tracker.add_money("expenses", "P1", date(2026, 1, 15), "900.00", again=True)["id"]
    once = kit.tracker.add_money("expenses", "P1", DAY, "64.80")["id"]
    kit.tracker.occurrences["P1"] = [
        {
            "expense": {"self": f"{kit.tracker.url}/4/projects/P1/expenses/{ident}"},
            "date": f"2026-{month:02}-15",
            "cost": {"value": Decimal(900 + month), "currencyCode": "EUR"},
        }
        for ident in (rent, once)
        for month in (1, 2, 3, 4)
    ]
    found = kit.read("expense", days("2026-02-01..2026-03-31"))
    assert {ident: record.amount for ident, record in found.items()} == {
        once: Decimal("64.80"),
        f"{rent}@2026-02-15": Decimal(902),
        f"{rent}@2026-03-15": Decimal(903),
    }
    assert found[once].approval.state == "none", "Tempo approves no expenses: the contract must decide"


def test_a_recurring_revenue_has_no_single_amount(kit):
    again = kit.tracker.add_money("fixed-revenues", "P1", DAY, "5000.00", again=True)["id"]
    found = kit.read("milestone")[again]
    assert (found.amount, found.status) == (None, "recurring"), "a guessed amount would be billed"


@pytest.mark.parametrize("currency", ["MIX", "XXX"])
def test_a_currency_that_is_none_is_refused(kit, currency):
    kit.tracker.add_money("expenses", "P1", DAY, "5.00", currency=currency)
    assert currency in kit.refused(BadAnswer, kit.read, "expense").what


def test_projects_of_financial_manager_have_budgets(kit):
    budget = {"amount": {"value": Decimal("1234.56"), "currencyCode": "USD"}}
    kit.tracker.add_project("P2", "Done", status="COMPLETED", budget=budget)
    kit.bench.more = {"financial_manager": True}
    found = kit.read("project")
    assert (found["P2"].budget, found["P2"].currency, found["P2"].closed) == (Decimal("1234.56"), "USD", True)
    assert (found["P1"].budget, found["P1"].closed) == (None, False)


# ---- The same hours at Jira


def test_jira_and_tempo_show_the_same_hours_under_ids_of_their_own(kit):
    """Two accounts: nothing but person, day and hours is equal, and that is what look-alikes are told by."""
    log = kit.tracker.add_worklog("ACME", DAY, 5400)
    jira = FakeJira()
    bench = Bench(Jira, jira)
    try:
        jira.add_project("31", "SITE", "Site")
        jira.add_issue("31", "Wall", id="10042")
        started = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)
        jira.add_worklog("10042", started, 5400, author={"accountId": ANA}, id=str(log["tempoWorklogId"]))
        [ours], [theirs] = kit.read("time").values(), poll(bench.open(), "time", MARCH)
    finally:
        bench.close()
    assert (ours.person, ours.worked_on, ours.hours) == (theirs.person, theirs.worked_on, theirs.hours)
    keys = {str(SourceKey(account=name, kind="time", id=entry.id)) for name, entry in (("j", theirs), ("t", ours))}
    assert ours.id == theirs.id and len(keys) == 2, "even an equal number is another record on another account"


# ---- The vendor's own contract


def test_what_is_sent_fits_the_vendors_contract(kit, contracts):
    kit.tracker.teams = {"9": [ANA]}
    for kind in kit.tables:
        kit.fill(kind)
    kit.tracker.add_money("expenses", "P1", DAY, "900.00", again=True)
    kit.tracker.add_attribute("_Billed_", "Invoiced")
    kit.bench.more = {"financial_manager": True, "teams": ["9"], "billed_attribute": "_Billed_"}
    since = Window(since=MARCH.since, until=MARCH.until, changed_since=kit.tracker.clock.now() - timedelta(days=1))
    for options in ({}, {"jira_projects": ["31"]}):
        kit.bench.more |= options
        opened = kit.bench.open()
        opened.check()
        for kind in kit.tables:
            poll(opened, kind, MARCH)
        poll(opened, "time", since)
    log = kit.tracker.add_worklog("ACME", DAY, 60, person="1:ben", approved=False)
    opened.mark_billed("time", [str(log["tempoWorklogId"])], "BS-1")
    assert OpenApi(contracts / "tempo.openapi.json").problems(kit.tracker.log) == []


def test_published_examples_are_read(contracts):
    """The examples are put together from those of single fields: their dates are null, which no record may have."""

    def dated(raw, name):
        assert raw[name] is None, "the vendor has published a date: read it as it is"
        return {**raw, name: "2026-03-05"}

    def logs(body):
        attributes = Attributes(account="_COLOR_", names={})
        rows = [Row(dated(raw, "startDate"), "worklog", "tempoWorklogId") for raw in body.get("results", [body])]
        return [time_entry(row, Approval(state="open"), attributes, WorklogOptions()) for row in rows]

    def entries(read):
        return lambda body: [read(dated(raw, "date"), "P1") for raw in body["results"]]

    readers = {
        "GET /4/worklogs": logs,
        "POST /4/worklogs/search": logs,
        "GET /4/accounts": lambda body: map(account, body.get("results", [body])),
        "GET /4/projects": lambda body: map(money.project, body["results"]),
        "GET /4/projects/{projectId}/expenses": entries(money.expense),
        "GET /4/projects/{projectId}/fixed-revenues": entries(money.fixed_revenue),
    }
    others = ("GET /4/", "POST /4/", "webhook", "any", "POST /oauth", "GET /4/projects/{projectId}/")
    excused = dict.fromkeys(others, "not a record that is read")
    assert unread_examples(contracts / "tempo.examples.json", readers, excused) == []
