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
Rests on memory, not on trials: expenses and their states, `validated`, versions 18 and 19. A field or a state that is
not there is refused by name.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, timedelta
from functools import cached_property
from typing import Any, Final, Literal

from billsync.model.work import ContractTerms, Expense, Kind, Milestone, Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Source, hookimpl
from billsync.sdk.api import Json
from billsync.sdk.row import Row, inside
from billsync_plugins._odoo import API, Database, DatabaseOptions
from billsync_plugins.sources import _odoo_sales as sales
from billsync_plugins.sources import _odoo_work as work

OVERLAP: Final = timedelta(minutes=30)


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
        approval="native",
        changes="since",
        zone="caller",
    )
    quality = "silver"

    @classmethod
    def kinds(cls, options: OdooOptions) -> frozenset[Kind]:
        """Expenses and contracts where the options ask for them."""
        unasked = {"expense": options.expenses, "contract": options.orders}
        return frozenset(kind for kind in cls.offers.kinds if unasked.get(kind, True))

    @cached_property
    def database(self) -> Database:
        """The database, called through this account's session."""
        return Database(self.http, self.options, self.account)

    def check(self) -> Identity:
        seen = {"projects": "project.project", "milestones": "project.milestone", "tasks": "project.task"}
        counts = {name: self.database.count(model, []) for name, model in seen.items()}
        counts["timesheets"] = self.database.count("account.analytic.line", [["project_id", "!=", False]])
        remarks = [f"sees {count} {name}" for name, count in counts.items()]
        if not all(counts.values()):
            remarks.append("what is empty may be hidden: Project: Administrator and Timesheets: all timesheets see all")
        if "validated" not in self.database.known("account.analytic.line", "validated"):
            remarks.append("time knows no approval here: contracts need `approval: not_required`")
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
        lines = self._order_lines() if sold else {}
        self.findings += sales.oversold(found) if sold else []
        yield from (work.milestone(raw, lines) for raw in found)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        sold = self.database.known("account.analytic.line", work.TIME_SOLD)
        lines = self._order_lines() if "so_line" in sold else {}
        of_projects = [["project_id", "!=", False], *_within(window)]
        rows = self.database.rows("account.analytic.line", of_projects, f"{work.TIME} {sold}")
        return inside(window, (work.time_entry(raw, lines, self.options.hours) for raw in rows))

    def expenses(self, window: Window) -> Iterator[Expense]:
        projects = self._projects_of_orders()
        rows = self.database.rows("hr.expense", _within(window), sales.EXPENSE)
        return inside(window, (sales.expense(raw, projects) for raw in rows))

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        projects, lines = self._projects_of_orders(), defaultdict(list)
        for line in self._order_lines().values():
            lines[line.ident("order_id.0")].append(line)
        for raw in self.database.rows("sale.order", [["state", "in", ["sale", "done"]]], sales.ORDER):
            number = str(raw["id"])
            yield sales.order(raw, lines[number], projects.get(number), self.options.zone)

    def _order_lines(self) -> dict[str, Row]:
        sections_apart = [["display_type", "=", False]]
        rows = self.database.rows("sale.order.line", sections_apart, sales.ORDER_LINE)
        return {row.ident("id"): row for row in (Row(raw, "sales order line") for raw in rows)}

    def _projects_of_orders(self) -> dict[str, str]:
        """Sales order -> the first of its projects."""
        found: dict[str, str] = {}
        sold = [["sale_order_id", "!=", False]]
        for raw in self.database.rows("project.project", sold, "sale_order_id", archived=True):
            row = Row(raw, "project")
            found.setdefault(row.ident("sale_order_id.0"), row.ident("id"))
        return found


def _within(window: Window) -> list[Json]:
    """The dates of a window, and what changed since."""
    domain: list[Json] = [["date", ">=", str(window.since)], ["date", "<=", str(window.until)]]
    if window.changed_since:
        since = (window.changed_since - OVERLAP).astimezone(UTC)
        domain.append(["write_date", ">=", since.strftime("%Y-%m-%d %H:%M:%S")])
    return domain


@hookimpl
def billsync_sources() -> list[type[Source[Any]]]:
    return [Odoo]
