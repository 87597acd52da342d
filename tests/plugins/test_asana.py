from datetime import date
from decimal import Decimal

import pytest

from billsync.model.errors import BadAnswer, Missing, UsageError
from billsync.testing import FakeAsana
from billsync.testing.account_contract import AccountContract, wrong_guess
from billsync.testing.asana import choice_field, date_field, number_field
from billsync.testing.bench import days, poll
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import OpenApi
from billsync_plugins.sources.asana import Asana


class TestAsana(SourceContract):
    source = Asana
    options = {"zone": "Europe/Berlin", "amount_field": "77"}
    zone = "Europe/Berlin"
    tables = {"project": "projects", "milestone": "tasks", "time": "entries"}
    lists = {"project": "/workspaces/900/projects", "milestone": "/tasks", "time": "/time_tracking_entries"}
    promised = {
        "project": ("gid", "name", "archived", "completed"),
        "milestone": ("gid", "name", "resource_subtype", "completed", "custom_fields"),
        "time": ("gid", "created_by.gid", "entered_on", "duration_minutes", "approval_status", "billable_status"),
    }

    def vendor(self):
        vendor = FakeAsana()
        vendor.add_project("55", "Site")
        return vendor

    def add(self, kind, number, on):
        if kind == "project":
            return self.tracker.add_project(str(100 + number), f"Project {number}")["gid"]
        if kind == "time":
            return self.tracker.add_entry("55", on, 75)["gid"]
        fee = number_field("77", "Fee", Decimal(1250), format="currency", currency_code="EUR")
        return self.tracker.add_task("55", f"Phase {number}", custom_fields=[fee])["gid"]

    def change(self, kind, ident):
        self.tracker.edit(
            self.tables[kind], ident, **({"duration_minutes": 90} if kind == "time" else {"name": "Else"})
        )

    def complete(self, ident, at):
        self.tracker.complete(ident, at.strftime("%Y-%m-%dT%H:%M:%S.000Z"))

    def reopen(self, ident):
        self.tracker.reopen(ident)

    def withdraw(self, ident):
        self.tracker.edit("entries", ident, approval_status="SUBMITTED")

    # ---- What only Asana has

    def phases(self, **options):
        self.bench.more = {**self.options, **options}
        return {record.id: record for record in poll(self.bench.open(), "milestone", self.window)}

    def test_of_approval_tasks_only_approved_ones_are_complete(self):
        outcomes = {}
        for outcome in ("approved", "rejected", "changes_requested"):
            task = self.tracker.add_task("55", outcome, subtype="approval")
            self.tracker.complete(task["gid"], approval=outcome)
            outcomes[task["gid"]] = outcome
        complete = {outcomes[ident] for ident, phase in self.phases(amount_field=None).items() if phase.completed_on}
        assert complete == {"approved"}, "rejected and changed approvals are `completed` at Asana as well"

    def test_ordinary_tasks_are_no_phases(self):
        self.tracker.add_task("55", "Buy paper", subtype="default_task")
        assert self.phases(amount_field=None) == {}

    def test_a_task_in_two_projects_comes_once_and_stays_in_the_same_one(self):
        self.tracker.add_project("54", "Earlier")
        task = self.tracker.add_task(["55", "54"], "Shared")["gid"]
        assert self.phases(amount_field=None)[task].project == "54"
        self.tracker.edit("tasks", task, memberships=self.tracker.tables["tasks"][task]["memberships"][::-1])
        assert self.phases(amount_field=None)[task].project == "54", "the order of memberships moved the work"

    def test_a_section_is_complete_with_the_last_of_its_tasks(self):
        self.tracker.add_section("61", "55", "Design")
        self.tracker.add_section("62", "55", "Empty")
        first, second = (
            self.tracker.add_task("55", name, subtype="default_task", section="61")["gid"] for name in ("a", "b")
        )
        self.tracker.complete(first, "2026-03-10T22:59:59.000Z")
        design = self.phases(phases="sections")["61"]
        assert (design.completed_on, design.done, design.total) == (None, 1, 2)
        self.tracker.complete(second, "2026-03-10T23:00:00.000Z")
        found = self.phases(phases="sections")
        assert found["61"].completed_on == date(2026, 3, 11), "the date is the later task's, in the account's zone"
        assert found["62"].completed_on is None, "a section without tasks is not done"

    def test_a_project_can_be_the_phase(self):
        self.tracker.edit("projects", "55", completed=True, completed_at="2026-03-10T12:00:00.000Z")
        found = self.phases(phases="projects", amount_field=None)
        assert found["55"].completed_on == date(2026, 3, 10)

    def test_fields_are_read_by_gid(self):
        fields = [
            number_field("77", "Fee", Decimal("1250.50"), format="currency", currency_code="EUR"),
            number_field("78", "Done", Decimal("0.25"), format="percentage"),
            choice_field("79", "Client said", "accepted"),
            choice_field("80", "Region", "West"),
        ]
        task = self.tracker.add_task("55", "Phase", custom_fields=fields)["gid"]
        phase = self.phases(percent_field="78", accepted_field="79", fields={"region": "80"})[task]
        assert (phase.amount, phase.currency, phase.percent) == (Decimal("1250.50"), "EUR", Decimal(25))
        assert phase.acceptance.accepted and phase.custom == {"region": "West"}

    def test_a_mark_is_written_into_the_field_that_takes_it(self, contracts):
        field = choice_field("88", "Invoice", None)
        task = self.tracker.add_task("55", "Phase", custom_fields=[field])["gid"]
        self.bench.more = {**self.options, "mark_field": "88"}
        self.bench.open().mark_billed("milestone", [task], "BS-1")
        assert self.phases(amount_field=None, fields={"invoice": "88"})[task].custom == {"invoice": "BS-1"}
        writes = [request for request in self.tracker.log if request.method == "PUT"]
        assert len(writes) == 1 and OpenApi(contracts / "asana.openapi.json").problems(writes) == []

    @pytest.mark.parametrize(
        ("kind", "more"),
        [("time", {"mark_field": "88"}), ("milestone", {}), ("milestone", {"mark_field": "88", "phases": "projects"})],
    )
    def test_a_mark_that_has_no_place_is_refused_before_anything_is_written(self, kind, more):
        self.bench.more = {**self.options, **more}
        with pytest.raises(UsageError, match="marks on"):
            self.bench.open().mark_billed(kind, ["1"], "BS-1")
        assert [request for request in self.tracker.log if request.method == "PUT"] == []

    @pytest.mark.parametrize("on", [date(2026, 3, 9), None])
    def test_a_date_of_acceptance_is_acceptance(self, on):
        task = self.tracker.add_task("55", "Phase", custom_fields=[date_field("79", "Accepted on", on)])["gid"]
        acceptance = self.phases(accepted_field="79", amount_field=None)[task].acceptance
        assert (acceptance.accepted, acceptance.on) == (on is not None, on)

    @wrong_guess("asana", "a percentage field holds a fraction")
    def test_a_percentage_that_is_no_fraction_is_refused(self):
        """The field holds 0.25 where it shows 25%."""
        wrong = {**number_field("78", "Done", Decimal(25), format="percentage"), "display_value": "25%"}
        self.tracker.add_task("55", "Phase", custom_fields=[wrong])
        with pytest.raises(BadAnswer, match="fraction"):
            self.phases(percent_field="78", amount_field=None)

    def test_a_mapped_field_that_vanished_is_refused(self):
        self.add("milestone", 1, date(2026, 3, 1))
        with pytest.raises(BadAnswer, match="78"):
            self.phases(percent_field="78")

    @pytest.mark.parametrize(("kind", "option"), [("project", "client_field"), ("milestone", "amount_field")])
    def test_a_field_that_no_project_has_is_refused(self, kind, option):
        self.bench.more = {option: "999", "phases": "projects"}
        with pytest.raises(BadAnswer, match="999"):
            poll(self.bench.open(), kind, self.window)

    def test_projects_tell_client_and_budget_from_their_fields(self):
        budget = number_field("91", "Budget", Decimal("9000.50"), format="currency", currency_code="EUR")
        self.tracker.add_project("56", "Tower", fields=[choice_field("90", "Client", "Acme"), budget], archived=True)
        self.bench.more = {"client_field": "90", "budget_field": "91"}
        found = {record.id: record for record in poll(self.bench.open(), "project", self.window)}
        tower = found["56"]
        assert (tower.client, tower.budget, tower.currency) == ("Acme", Decimal("9000.50"), "EUR")
        assert tower.closed and tower.status == "archived" and not found["55"].closed

    @wrong_guess("asana", "projects tell the format of their custom fields")
    def test_a_field_of_a_project_without_its_format_is_refused(self):
        fee = number_field("91", "Budget", Decimal(9000))
        self.tracker.add_project("56", "Tower", fields=[{name: fee[name] for name in fee if name != "format"}])
        self.bench.more = {"budget_field": "91"}
        with pytest.raises(BadAnswer, match="'format' is missing"):
            poll(self.bench.open(), "project", self.window)

    @wrong_guess("asana", "lists of time tell approval and billable state")
    @pytest.mark.parametrize("told", [True, False])
    def test_approval_is_read_whether_the_list_tells_it_or_not(self, told):
        self.tracker.tells_approval = told
        entry = self.tracker.add_entry("55", date(2026, 3, 2), 50, billable_status="nonBillable")["gid"]
        record = self.read("time")[entry]
        assert (record.approval.state, record.billable) == ("approved", False)
        assert record.hours * 60 == 50, "50 minutes are five sixths of an hour, to 28 digits"
        single = self.bench.sent(f"/time_tracking_entries/{entry}")
        assert len(single) == (0 if told else 1), "an entry is read singly where the list left its approval out"

    def test_entries_without_a_project_are_shown(self):
        entry = self.tracker.add_entry(None, date(2026, 3, 2), 60)["gid"]
        assert self.read("time")[entry].project == "none"

    def test_only_configured_projects_are_asked(self):
        self.tracker.add_project("56", "Other")
        self.tracker.add_entry("56", date(2026, 3, 2), 60)
        self.tracker.add_task("56", "Else")
        self.bench.more = {**self.options, "projects": ["55"]}
        opened = self.bench.open()
        assert [record.id for record in poll(opened, "project", self.window)] == ["55"]
        assert (
            poll(opened, "time", self.window) == [] and poll(opened, "milestone", days("2026-01-01..2026-12-31")) == []
        )

    def test_a_token_of_another_workspace_is_told_apart(self):
        self.bench.more = {"workspace": "901"}
        with pytest.raises(Missing, match=r"900 \(My Company Workspace\)"):
            self.bench.open().check()

    def test_attachments_are_names_in_order(self):
        task = self.add("milestone", 1, date(2026, 3, 1))
        for name in ("b.pdf", "a.pdf"):
            self.tracker.insert("attachments", {"gid": self.tracker.gid(), "name": name, "parent": task})
        assert self.phases(attachments=True)[task].attachments == ("a.pdf", "b.pdf")


class TestAsanaByLogin(AccountContract):
    logs_in = True

    def connector(self):
        return Asana

    def vendor(self):
        return FakeAsana()
