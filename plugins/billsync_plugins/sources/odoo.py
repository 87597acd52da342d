"""Odoo: projects, milestones or tasks, timesheets, expenses, sales orders. Versions 17 to 19, by JSON-RPC.

https://www.odoo.com/documentation/17.0/developer/reference/external_api.html. The user needs Project: Administrator
and Timesheets: all timesheets: whoever sees less gets empty lists, not errors. `check` tells how much it sees.
- Which fields there are depends on the modules: they are asked for first. `validated` is Enterprise's approval.
- `reached_date` is the day of the last write, in the zone of whoever wrote it; an edit there can move it.
- A milestone is worth its share of the sales order line; shares above 100 % are told, Odoo does not object.
- A price that changes leaves the milestone's `write_date` alone: milestones are read in full each time.
- `timesheet_invoice_id` is set by Odoo's own invoicing, by a draft already: such time counts as billed there.
- Deletions leave no trace; `write_date` is the start of a transaction, so changes overlap by half an hour.
- Our mark is not written: time that Odoo holds to be invoiced is locked.
Unconfirmed: the states of expenses - shows as: the state is none of those that are known.
Unconfirmed: `validated` is the name of Enterprise's approval - shows as: check says that time knows no approval.
Unconfirmed: versions 18 and 19 have the fields of 17 - shows as: invalid field, by its name.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from billsync.model.work import ContractTerms, Expense, Milestone, Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Source, sources
from billsync.sdk.row import inside
from billsync.sdk.source import NO_APPROVAL
from billsync_plugins._odoo import API, Database, DatabaseOptions
from billsync_plugins.sources import _odoo_sales as sales
from billsync_plugins.sources import _odoo_work as work


class OdooOptions(DatabaseOptions):
    """One database, and what is billed there."""

    phases: Literal["milestones", "tasks"] = Field(default="milestones", description="What is billed when it is done.")
    done: Literal["state", "stage"] = Field(default="state", description="Whether a task is done by state or stage.")
    zone: str = Field(default="UTC", description="Zone in which instants become dates, e.g. Europe/Berlin.")
    hours: tuple[str, ...] = Field(default=("Hours",), description="Names of the unit of time that are hours.")
    expenses: bool = Field(default=False, description="Read expenses (module hr_expense).")
    orders: bool = Field(default=False, description="Read confirmed sales orders as contracts.")


class Odoo(Source[OdooOptions]):
    """The work of one database."""

    kind = "odoo"
    title = "Odoo"
    docs = "https://www.odoo.com/documentation/17.0/developer/reference/external_api.html"
    api = API
    offers = Offers(
        kinds=frozenset({"project", "milestone", "time", "expense", "contract"}),
        only_if={"expense": "expenses", "contract": "orders"},
        approval="native",
        changes="since",
        zone="caller",
    )
    quality = "silver"

    @cached_property
    def database(self) -> Database:
        """The database, called through this account's session."""
        return Database(self.http, self.options, self.account)

    @cached_property
    def sold(self) -> sales.Sales:
        """What was sold there."""
        return sales.Sales(self.database)

    def check(self) -> Identity:
        seen = {"projects": "project.project", "milestones": "project.milestone", "tasks": "project.task"}
        counts = {name: self.database.count(model, []) for name, model in seen.items()}
        counts["timesheets"] = self.database.count("account.analytic.line", [["project_id", "!=", False]])
        remarks = [f"sees {count} {name}" for name, count in counts.items()]
        if not all(counts.values()):
            remarks.append("what is empty may be hidden: Project: Administrator and Timesheets: all timesheets see all")
        if "validated" not in self.database.known("account.analytic.line", "validated"):
            remarks.append(NO_APPROVAL)
        user = self.options.login
        return Identity(account=self.options.database, user=user, remarks=tuple(remarks))

    def projects(self, window: Window) -> Iterator[Project]:
        return map(work.project, self.database.rows("project.project", [], work.PROJECT, archived=True))

    def milestones(self, window: Window) -> Iterator[Milestone]:
        if self.options.phases == "tasks":
            rows = self.database.rows("project.task", [], work.TASK, archived=True)
            yield from (work.task(raw, self.options.zone, self.options.done) for raw in rows)
            return
        sold = self.database.known("project.milestone", work.MILESTONE_SOLD)
        found = list(self.database.rows("project.milestone", [], f"{work.MILESTONE} {sold}"))
        lines = self.sold.lines if sold else {}
        self.findings += sales.oversold(found) if sold else []
        yield from (work.milestone(raw, lines) for raw in found)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        sold = self.database.known("account.analytic.line", work.TIME_SOLD)
        lines = self.sold.lines if "so_line" in sold else {}
        of_projects = [["project_id", "!=", False], *work.within(window)]
        rows = self.database.rows("account.analytic.line", of_projects, f"{work.TIME} {sold}")
        return inside(window, (work.time_entry(raw, lines, self.options.hours) for raw in rows))

    def expenses(self, window: Window) -> Iterator[Expense]:
        rows = self.database.rows("hr.expense", work.within(window), sales.EXPENSE)
        return inside(window, (sales.expense(raw, self.sold.projects) for raw in rows))

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        return self.sold.orders(self.options.zone)


billsync_sources = sources(Odoo)
