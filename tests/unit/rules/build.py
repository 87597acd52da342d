"""Terms and work for the tests of the rules, with only what a test is about spelled out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from billsync.model.contract import Contract, Rate, RateCard, TimeTerms
from billsync.rules.hours import TimeWork

D = Decimal
MONDAY = date(2026, 3, 2)


def day(text: str) -> date:
    return date.fromisoformat(text)


def card(*rates: Rate, id: str = "standard", currency: str = "USD") -> RateCard:
    return RateCard(id=id, currency=currency, rates=rates)


def flat(amount: str = "180.00") -> RateCard:
    return card(Rate(amount=D(amount)))


def contract(time: TimeTerms | None = None, **terms: Any) -> Contract:
    return Contract(**{"id": "C", "client": "acme", "currency": "USD", "time": time, **terms})


def entry(hours: str, on: date = MONDAY, *, id: str = "", person: str = "ana", **fields: Any) -> TimeWork:
    return TimeWork(
        **{
            "identity": id,
            "person": person,
            "project": "P-1",
            "role": None,
            "task": None,
            "on": on,
            "hours": D(hours),
            "place": (on, 0),
            **fields,
        }
    )


def queue(*entries: TimeWork) -> list[TimeWork]:
    """Entries in the order of their places; identities "1", "2", ... where none is given."""
    return [
        replace(work, identity=work.identity or str(number), place=(day("2026-04-01"), number))
        for number, work in enumerate(entries, 1)
    ]
