"""Which fields each kind of record has in a table: how a cell is read, and under which headers it is found unasked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from billsync.model.work import Kind

How = Literal["id", "text", "number", "hours", "percent", "day", "instant", "list", "meaning"]
TableKind = Kind | Literal["contract_line"]
"""The kinds of record, and the schedule lines that contracts are put together from."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in the mapping, how its cell is read, the headers that need no mapping.

    Headers are compared without case, spaces, dots, hyphens and underscores; the field's own name is one of them.
    """

    name: str
    how: How = "text"
    headers: tuple[str, ...] = ()
    need: bool = False

    @property
    def folds(self) -> tuple[str, ...]:
        """The headers that need no mapping, folded, the best first: `project_id` before a project's name."""
        return tuple(map(folded, (f"{self.name} id", self.name, *self.headers)))


_ID = Field("id", "id", need=True)
_PROJECT = Field("project", headers=("project code", "job", "project number"), need=True)
_CURRENCY = Field("currency", headers=("currency code",))
_URL = Field("url", headers=("link",))
_ORDER = Field("purchase_order", headers=("po", "po number", "purchase order number"))
_APPROVAL = (
    Field("approval", "meaning", ("approved", "approval status", "approval state")),
    Field("approved_by", headers=("approver",)),
    Field("approved_at", "instant"),
)
_BILLABLE = Field("billable", "meaning", ("is billable",))
_BILLED = Field("billed", "meaning", ("is billed", "invoiced"))
_NOTES = Field("notes", headers=("note", "description", "comment"))

FIELDS: Final[Mapping[TableKind, tuple[Field, ...]]] = {
    "project": (
        Field("id", "id", ("project id", "project code", "code"), need=True),
        Field("name", headers=("project name", "project")),
        Field("client", headers=("client name", "customer")),
        Field("status"),
        Field("closed", "meaning", ("is closed", "archived")),
        Field("ready_to_bill"),
        Field("percent", "percent", ("percent complete", "% complete")),
        Field("budget", "number"),
        Field("budget_hours", "number"),
        _CURRENCY,
        Field("manager", headers=("project manager",)),
        _URL,
    ),
    "milestone": (
        Field("id", "id", ("milestone id",), need=True),
        _PROJECT,
        Field("name", headers=("milestone", "phase", "title", "task"), need=True),
        Field("status"),
        Field("complete", "meaning", ("is complete",)),
        Field("completed_on", "day", ("completed", "completion date", "completed date", "done on")),
        Field("due_on", "day", ("due", "due date", "planned", "planned date")),
        Field("percent", "percent", ("percent complete", "% complete")),
        Field("done", "number", ("units done",)),
        Field("total", "number", ("units total",)),
        Field("amount", "number", ("value", "fee")),
        _CURRENCY,
        Field("accepted", "meaning", ("is accepted",)),
        Field("accepted_by"),
        Field("accepted_on", "day", ("acceptance date",)),
        Field("evidence", headers=("acceptance document",)),
        Field("attachments", "list", ("documents", "files")),
        Field("parent"),
        _URL,
    ),
    "time": (
        Field("id", "id", ("entry id", "time entry id"), need=True),
        _PROJECT,
        Field("person", headers=("employee id", "employee", "user", "email"), need=True),
        Field("date", "day", ("worked on", "day", "work date", "spent date"), need=True),
        Field("hours", "hours", ("time", "duration"), need=True),
        _BILLABLE,
        *_APPROVAL,
        Field("person_name", headers=("employee name", "user name")),
        Field("task", headers=("activity",)),
        Field("role"),
        _NOTES,
        Field("rate", "number", ("hourly rate",)),
        _CURRENCY,
        Field("cost_centre", headers=("cost center",)),
        _ORDER,
        _BILLED,
        Field("milestone", headers=("phase",)),
        _URL,
    ),
    "expense": (
        Field("id", "id", ("expense id",), need=True),
        _PROJECT,
        Field("date", "day", ("spent on", "day", "spent date"), need=True),
        Field("amount", "number", ("total", "cost"), need=True),
        Field("currency", headers=("currency code",), need=True),
        _BILLABLE,
        *_APPROVAL,
        Field("person", headers=("employee id", "employee", "user", "email")),
        Field("category", headers=("type", "expense type")),
        _NOTES,
        Field("receipt", headers=("receipt file",)),
        Field("tax", "number", ("tax amount",)),
        _ORDER,
        _BILLED,
        _URL,
    ),
    "contract": (
        Field("id", "id", ("contract id", "contract number"), need=True),
        Field("client", headers=("client name", "customer"), need=True),
        Field("project", headers=("project code",)),
        Field("value", "number", ("amount", "contract value"), need=True),
        Field("currency", headers=("currency code",), need=True),
        Field("signed_on", "day", ("signed", "date signed", "signature date")),
        Field("documents", "list", ("document",)),
        _URL,
    ),
    "contract_line": (
        Field("id", "id", ("line id", "line"), need=True),
        Field("contract", headers=("contract number",), need=True),
        Field("name", headers=("title", "description")),
        Field("milestone", headers=("phase",)),
        Field("amount", "number", ("value", "fee")),
        Field("percent", "percent", ("percent of value", "%")),
        Field("on", "day", ("date", "due", "due date")),
    ),
    "change_order": (
        Field("id", "id", ("change order id", "number"), need=True),
        Field("contract", headers=("contract number",), need=True),
        Field("name", headers=("title", "description"), need=True),
        Field("value", "number", ("amount",), need=True),
        Field("currency", headers=("currency code",), need=True),
        Field("signed_on", "day", ("signed", "date signed", "signature date")),
        Field("effective_on", "day", ("effective", "effective date")),
        Field("documents", "list", ("document",)),
        _URL,
    ),
}

_YES = ("yes", "true", "1", "y", "x")
_NO = ("no", "false", "0", "n")

MEANINGS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "approval": {
        "approved": ("approved", *_YES),
        "submitted": ("submitted", "pending", "waiting"),
        "open": ("", "open", "draft", "unsubmitted", *_NO),
        "rejected": ("rejected", "declined"),
        "none": ("none",),
    },
    "billable": {"billable": ("billable", *_YES), "not_billable": ("not billable", "non-billable", *_NO)},
    "billed": {"billed": ("billed", "invoiced", *_YES), "not_billed": ("", "not billed", *_NO)},
    "complete": {"complete": ("complete", "completed", "done", *_YES), "open": ("", "open", *_NO)},
    "accepted": {"accepted": ("accepted", *_YES), "not_accepted": ("", "not accepted", *_NO)},
    "closed": {"closed": ("closed", "archived", *_YES), "open": ("", "open", "active", *_NO)},
}
"""Field -> meaning -> the words that have it. An empty cell means "not", except for `billable`, which must be said.

The first meaning of each field is its yes."""


def folded(header: str) -> str:
    """A header for comparison: no case, no spaces, dots, hyphens and underscores."""
    return "".join(character for character in header.casefold() if character not in " .-_\u00a0\n\r\t")
