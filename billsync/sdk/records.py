"""From the values of a row to a record of the model: the few rules that look at more than one column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billsync.model.errors import BadAnswer
from billsync.model.work import (
    Acceptance,
    Approval,
    ChangeOrder,
    ContractTerms,
    Expense,
    Milestone,
    Project,
    Record,
    TermsLine,
    TimeEntry,
)
from billsync.sdk.fields import TableKind

Values = Mapping[str, Any]
Present = frozenset[str]
"""Fields that have a column or a constant: an absent column is not an empty cell."""


def project(row: Values, present: Present) -> Project:
    """`name` is the id where the table has no names."""
    return Project(
        **_same(row, "client status ready_to_bill percent budget budget_hours currency manager url custom"),
        id=row["id"],
        name=row["name"] or row["id"],
        closed=row["closed"] == "closed",
    )


def milestone(row: Values, present: Present) -> Milestone:
    """Complete by its own column where there is one (then it must bear a date), else by having a completion date."""
    completed_on = row["completed_on"]
    if "complete" in present:
        if row["complete"] == "complete" and completed_on is None:
            raise BadAnswer("completed_on: empty, though the milestone is complete")
        completed_on = completed_on if row["complete"] == "complete" else None
    status = row["status"] or ("complete" if completed_on else "open")
    return Milestone(
        **_same(row, "id project name due_on percent done total amount currency attachments parent url custom"),
        status=status,
        completed_on=completed_on,
        acceptance=_acceptance(row, present),
    )


def _acceptance(row: Values, present: Present) -> Acceptance | None:
    if not present & {"accepted", "accepted_on"}:
        return None
    accepted = row["accepted"] == "accepted" if "accepted" in present else row["accepted_on"] is not None
    return Acceptance(accepted=accepted, by=row["accepted_by"], on=row["accepted_on"], evidence=row["evidence"])


def time_entry(row: Values, present: Present) -> TimeEntry:
    """Billable where the table has no such column; without an approval column the vendor knows no approval."""
    fields = "id project person hours person_name task role notes rate currency cost_centre purchase_order milestone"
    return TimeEntry(
        **_same(row, fields),
        **_same(row, "url custom"),
        worked_on=row["date"],
        billable=row["billable"] != "not_billable",
        approval=_approval(row),
        billed_at_source=row["billed"] == "billed",
    )


def expense(row: Values, present: Present) -> Expense:
    """As for time: billable and without approval where the table has no such columns."""
    fields = "id project amount currency person category notes receipt tax purchase_order url custom"
    return Expense(
        **_same(row, fields),
        spent_on=row["date"],
        billable=row["billable"] != "not_billable",
        approval=_approval(row),
        billed_at_source=row["billed"] == "billed",
    )


def _approval(row: Values) -> Approval:
    return Approval(state=row["approval"] or "none", by=row["approved_by"], at=row["approved_at"])


def contract(row: Values, present: Present) -> ContractTerms:
    """One row a contract; its schedule is the firm's configuration, or a table of its lines."""
    return ContractTerms(**_same(row, "id client project value currency signed_on documents url custom"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractLine:
    """A row of a table of schedule lines; `id` names it in the whole table."""

    id: str
    contract: str
    line: TermsLine


def contract_line(row: Values, present: Present) -> ContractLine:
    """A line is worth an amount or a percent of its contract's value. Without a name it is called by its id."""
    if (row["amount"] is None) == (row["percent"] is None):
        raise BadAnswer("amount, percent: one of them, and not both")
    line = TermsLine(**_same(row, "id milestone amount percent on"), name=row["name"] or row["id"])
    return ContractLine(id=f"{row['contract']}/{line.id}", contract=row["contract"], line=line)


def change_order(row: Values, present: Present) -> ChangeOrder:
    """Without a date of signature it is worth nothing yet."""
    return ChangeOrder(**_same(row, "id contract name value currency signed_on effective_on documents url custom"))


def _same(row: Values, names: str) -> dict[str, Any]:
    return {name: row[name] for name in names.split()}


BUILD: Final[Mapping[TableKind, Callable[[Values, Present], Record | ContractLine]]] = {
    "project": project,
    "milestone": milestone,
    "time": time_entry,
    "expense": expense,
    "contract": contract,
    "contract_line": contract_line,
    "change_order": change_order,
}
