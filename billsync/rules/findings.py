"""Findings: whose move each cause is, how old it is, and the sentence a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from billsync.model.book import Facts
from billsync.model.statement import Finding

_MANAGER: Final = (
    "acceptance_missing", "document_missing", "unapproved", "open_milestone", "future", "drift", "moved", "reopened",
    "deleted", "vanished", "negative_quantity", "progress_backwards", "over_100_percent", "receipt_missing",
    "amount_missing", "planned_date_passed", "person_silent", "hours_on_closed_project", "not_billable",
)  # fmt: skip
_COORDINATOR: Final = (
    "unmapped", "hold", "needs_approval", "preview", "lookalike", "outlier", "purchase_order_missing",
    "reference_missing", "refused", "unknown_outcome", "waits_for_period", "client_not_billed", "billed_at_source",
    "mapped", "opening", "excluded", "bad_row",
)  # fmt: skip
_ACCOUNTANT: Final = (
    "voided", "edited_in_books", "deleted_in_books", "phantom", "customer_missing", "credited", "no_fx_rate",
    "period_closed", "total_differs",
)  # fmt: skip
_CONTRACT_OWNER: Final = (
    "contract_unsigned", "change_order_unsigned", "no_contract_in_force", "no_rate", "cap_warning", "cap_reached",
    "over_contract_value", "contract_differs", "contract_gone", "contract_not_told",
)  # fmt: skip
_ADMINISTRATOR: Final = ("unknown_account", "stale_poll", "incomplete_poll")

OWNERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_MANAGER, "project manager"),
    **dict.fromkeys(_COORDINATOR, "billing coordinator"),
    **dict.fromkeys(_ACCOUNTANT, "accountant"),
    **dict.fromkeys(_CONTRACT_OWNER, "contract owner"),
    **dict.fromkeys(_ADMINISTRATOR, "administrator"),
}
"""Whose move it is by default, by cause or finding code; a firm may say otherwise (`Facts.owners`)."""


def owner_of(facts: Facts, code: str) -> str:
    """Whose move it is; "" where there is no cause."""
    return facts.owners.get(code) or OWNERS.get(code, "billing coordinator") if code else ""


def age_of(facts: Facts, on: date | None) -> int:
    """Days since the work was done; 0 for work of tomorrow or of no date."""
    return max(0, (facts.today - on).days) if on else 0


def finding(
    facts: Facts,
    code: str,
    identity: str,
    text: str,
    *,
    on: date | None = None,
    amount: int | None = None,
    currency: str = "",
) -> Finding:
    """A finding with its owner and age. `amount` is its money effect in minor units of `currency`."""
    return Finding(
        code=code,
        identity=identity,
        text=text,
        owner=owner_of(facts, code),
        age_days=age_of(facts, on),
        amount=amount,
        currency=currency,
    )
