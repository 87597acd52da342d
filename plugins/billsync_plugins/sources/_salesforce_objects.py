"""Which objects of a Salesforce org hold which kind of record: the firm's own mapping, or one of two usual ones.

Custom objects differ from org to org, so everything is a mapping; columns are API names, of parents too
(`Account.Name`). The fields of Certinia PSA are those seen in public code, those of its expenses are remembered: what
an org does not have, or does not show to the user, is named by the first read.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from billsync.model.work import Kind
from billsync.sdk import Field
from billsync.sdk.columns import Columns
from billsync.sdk.mapped import TABLES, TableOptions

_BILLED: Final = {"billed": {"billed": ["*"], "not_billed": [""]}}
"""A row on a billing event is Certinia's own to bill, whatever became of the event."""
_WORK: Final = {
    "project": "pse__Project__c", "person": "pse__Resource__c", "billable": "pse__Billable__c",
    "approval": "pse__Approved__c", "billed": "pse__Billing_Event_Item__c",
}  # fmt: skip

PRESETS: Final[Mapping[str, Mapping[Kind, Mapping[str, Any]]]] = {
    "opportunities": {
        "contract": {
            "object": "Opportunity",
            "where": "IsWon = true",
            "columns": {"client": "Account.Name", "value": "Amount", "signed_on": "CloseDate", "custom.name": "Name"},
        }
    },
    "certinia": {
        "project": {
            "object": "pse__Proj__c",
            "columns": {"name": "Name", "client": "pse__Account__r.Name", "closed": "pse__Is_Active__c"},
            "values": {"closed": {"closed": ["false"], "open": ["true"]}},
        },
        "milestone": {
            "object": "pse__Milestone__c",
            "where": "pse__Billed__c = false AND pse__Invoiced__c = false",
            "columns": {
                "project": "pse__Project__c", "name": "Name", "status": "pse__Status__c",
                "complete": "pse__Approved__c", "completed_on": "pse__Actual_Date__c", "due_on": "pse__Target_Date__c",
                "amount": "pse__Milestone_Amount__c", "accepted": "pse__Approved_for_Billing__c",
            },
        },
        "time": {
            "object": "pse__Timecard__c",
            "columns": {
                **_WORK, "date": "pse__End_Date__c", "hours": "pse__Total_Hours__c",
                "person_name": "pse__Resource__r.Name", "milestone": "pse__Milestone__c",
            },
            "values": _BILLED,
        },
        "expense": {
            "object": "pse__Expense__c",
            "columns": {
                **_WORK, "date": "pse__Expense_Date__c", "amount": "pse__Amount__c", "category": "pse__Type__c",
                "notes": "pse__Description__c",
            },
            "values": _BILLED,
        },
    },
}  # fmt: skip


class ObjectColumns(Columns):
    """One object and its columns; `id` is the record's Id unless mapped."""

    object: str = Field(description="API name of the object, e.g. Milestone__c.")
    where: str | None = Field(default=None, description="A SOQL condition for all rows, e.g. Status__c != 'Draft'.")
    mark: str | None = Field(default=None, description="Text field of the object that takes our reference once billed.")


class ObjectOptions(TableOptions[ObjectColumns]):
    """The org's objects."""

    presets: tuple[Literal["opportunities", "certinia"], ...] = Field(
        default=(), description="Usual mappings: won opportunities as contracts; Certinia PSA's projects and work."
    )
    currency: str | None = Field(
        default=None, description="For presets: the currency of an org that has only one; unset: CurrencyIsoCode."
    )

    def mapped(self) -> dict[Kind, ObjectColumns]:
        """Kind -> its object: the firm's own mapping before a preset's."""
        found: dict[Kind, ObjectColumns] = {}
        for kind, name in TABLES.items():
            own: ObjectColumns | None = getattr(self, name)
            preset = next((PRESETS[one][kind] for one in self.presets if kind in PRESETS[one]), None)
            if own is not None:
                found[kind] = own.model_copy(update={"columns": _with_id(own)})
            elif preset is not None:
                found[kind] = self._preset(preset)
        return found

    def _preset(self, preset: Mapping[str, Any]) -> ObjectColumns:
        """The currency stands in each row of an org with several, and nowhere else."""
        if self.currency is not None:
            return self._named(preset, {}, {"currency": self.currency})
        return self._named(preset, {"currency": "CurrencyIsoCode"}, {})

    def _named(
        self, preset: Mapping[str, Any], columns: Mapping[str, str], constants: Mapping[str, str]
    ) -> ObjectColumns:
        return ObjectColumns(
            **{**preset, "columns": {"id": "Id", **preset["columns"], **columns}, "constants": constants}
        )


def _with_id(own: ObjectColumns) -> dict[str, str]:
    return own.columns if "id" in own.columns or own.id_from else {"id": "Id", **own.columns}
