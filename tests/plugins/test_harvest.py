from billsync.testing import FakeHarvest
from billsync.testing.source_contract import SourceContract
from billsync_plugins.sources.harvest import Harvest

WORK = ("id", "project.id", "user.id", "spent_date", "billable", "approval_status", "is_billed")


class TestHarvest(SourceContract):
    source = Harvest
    tables = {"project": "projects", "time": "time_entries", "expense": "expenses"}
    lists = {"project": "/projects", "time": "/time_entries", "expense": "/expenses"}
    promised = {
        "project": ("id", "name", "client.name", "is_active"),
        "time": (*WORK, "rounded_hours", "user.name", "task.name"),
        "expense": (*WORK, "total_cost", "client.currency", "expense_category.name"),
    }

    def vendor(self):
        vendor = FakeHarvest()
        vendor.add_project(31, "Site")
        return vendor

    def add(self, kind, number, on):
        if kind == "project":
            return str(self.tracker.add_project(100 + number, f"Project {number}")["id"])
        row = (self.tracker.add_time if kind == "time" else self.tracker.add_expense)(31, on, "1.75")
        return str(row["id"])

    def change(self, kind, ident):
        self.tracker.edit(
            self.tables[kind], ident, **({"name": "Renamed"} if kind == "project" else {"billable": False})
        )

    def withdraw(self, ident):
        self.tracker.edit("time_entries", ident, approval_status="submitted")
