"""Tempo's Financial Manager: projects, their expenses, and fixed revenues as milestones that fall due on a date.

What recurs is counted out by Tempo alone: of expenses it lists the occurrences, of fixed revenues it does not, so a
recurring one comes without an amount, which the reconciliation names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from billsync.model.errors import BadAnswer
from billsync.model.work import Approval, Expense, Milestone, Project, Window
from billsync.sdk import Http
from billsync.sdk.api import Json
from billsync.sdk.row import Row

ONCE = "NoRecurrence"
RECURS = {ONCE: False, "MonthlyRecurrence": True}
CLOSED = {"IN_PLANNING": False, "IN_PROGRESS": False, "ON_HOLD": False, "COMPLETED": True}


@dataclass(frozen=True, slots=True)
class Money:
    """What the projects of Financial Manager hold."""

    http: Http

    def projects(self) -> Iterator[Project]:
        """Those that the user sees."""
        return map(project, self.http.rows("/projects", at="results"))

    def milestones(self) -> Iterator[Milestone]:
        """Fixed revenues of all projects."""
        for home in self.projects():
            rows = self.http.rows(f"/projects/{home.id}/fixed-revenues", at="results")
            yield from (fixed_revenue(raw, home.id) for raw in rows)

    def expenses(self, window: Window) -> Iterator[Expense]:
        """Expenses of all projects that fall into the window; there is no filter for their dates."""
        for home in self.projects():
            planned = list(self.http.rows(f"/projects/{home.id}/expenses", at="results"))
            every = [expense(raw, home.id) for raw in planned if not recurs(raw)]
            recurring = {str(raw["id"]): raw for raw in planned if recurs(raw)}
            every += self._occurrences(home.id, recurring, window) if recurring else []
            yield from (found for found in every if window.since <= found.spent_on <= window.until)

    def _occurrences(self, project: str, recurring: dict[str, Json], window: Window) -> Iterator[Expense]:
        seen = set()
        path = f"/projects/{project}/actuals/expenses"
        for raw in self.http.rows(path, {"to": str(window.until)}, at="results", unique=""):
            row = Row(raw, "expense actual", "date")
            ident = row.text("expense.self").rstrip("/").rpartition("/")[2]
            if ident in recurring and (ident, raw["date"]) not in seen:
                seen.add((ident, raw["date"]))
                occurrence = {"id": f"{ident}@{row.day('date')}", "date": raw["date"], "amount": raw.get("cost")}
                yield expense({**recurring[ident], **occurrence}, project)


def recurs(raw: Json) -> bool:
    """Whether an expense or revenue is due again and again."""
    return Row(raw, "financial entry").one_of("recurrence.type", RECURS)


def amount(row: Row, path: str) -> tuple[Decimal, str]:
    """Value and currency. `MIX` and `XXX` are Tempo's words for several currencies and for none: not to be billed."""
    value, currency = row.dec(f"{path}.value"), row.text(f"{path}.currencyCode")
    if currency in ("MIX", "XXX"):
        raise BadAnswer(f"{path}: the currency {currency} is none", hint="give it one currency in Financial Manager")
    return value, currency


def project(raw: Json) -> Project:
    """Its budget is money; time-based projects have none."""
    row = Row(raw, "project")
    budget, currency = amount(row, "budget.amount") if raw.get("budget") else (None, None)
    return Project(
        id=row.ident("id"),
        name=row.text("name"),
        status=row.text("status"),
        closed=row.one_of("status", CLOSED),
        budget=budget,
        currency=currency,
    )


def fixed_revenue(raw: Json, project: str) -> Milestone:
    """Never complete by itself: a contract bills it when it is due. One that recurs has no single amount."""
    row, again = Row(raw, "fixed revenue"), recurs(raw)
    value, currency = amount(row, "amount")
    return Milestone(
        id=row.ident("id"),
        project=project,
        name=row.text("description"),
        status="recurring" if again else "planned",
        completed_on=None,
        due_on=row.day("date"),
        amount=None if again else value,
        currency=currency,
        custom={"account": row.maybe.text("account.key") or ""},
    )


def expense(raw: Json, project: str) -> Expense:
    """Without approval and without a billable flag: contracts say so."""
    row = Row(raw, "expense")
    value, currency = amount(row, "amount")
    return Expense(
        id=row.ident("id"),
        project=project,
        spent_on=row.day("date"),
        amount=value,
        currency=currency,
        billable=True,
        approval=Approval(state="none"),
        category=row.maybe.text("category.name"),
        notes=row.text("description"),
    )
