"""The contract that most tests of the rules start from: one project, time at 100.00 an hour, in dollars."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from billsync.model.contract import Contract, ProjectRef, TimeTerms
from billsync.model.ratecard import Rate, RateCard

HUNDRED: Final = RateCard(id="r", currency="USD", rates=(Rate(amount=Decimal(100)),))


def contract(**more: Any) -> Contract:
    """It, with other terms where they are named."""
    fields: dict[str, Any] = {
        "id": "C",
        "client": "acme",
        "currency": "USD",
        "projects": (ProjectRef(account="work", id="P-1"),),
        "time": TimeTerms(rates=HUNDRED),
        **more,
    }
    return Contract(**fields)
