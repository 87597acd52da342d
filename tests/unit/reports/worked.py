"""The worked example of docs (contract ACME-2026-01) as an evaluation made by hand, with its neighbours.

Reports are tested on what the rules answer, not on the rules.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billsync.model.book import AccountTerms, Terms
from billsync.model.contract import Client, Contract
from billsync.model.invoice import Draft, Evidence, Line, Part
from billsync.model.statement import (
    Evaluation,
    Finding,
    HeldDraft,
    Item,
    NotEarned,
    StatementRow,
    Unknown,
    Unvalued,
)
from billsync.model.work import SourceKey

CONTRACT = "ACME-2026-01"
TODAY = date(2026, 5, 10)


def key(kind: Any, id: str, account: str = "work") -> SourceKey:
    return SourceKey(account=account, kind=kind, id=id)


def item(identity: str, name: str, amount: int, bucket: Any, **more: Any) -> Item:
    defaults: dict[str, Any] = {
        "key": None,
        "project": "P-1",
        "client": "acme",
        "contract": CONTRACT,
        "done_on": date(2026, 4, 10),
        "currency": "USD",
    }
    return Item(identity=identity, name=name, amount=amount, bucket=bucket, **(defaults | more))


ITEMS = (
    item(f"{CONTRACT}/line/mobilisation", "Mobilisation", 1_980_000, "billed", invoice="BS-AAAAAAAAAAAA"),
    item(f"{CONTRACT}/line/mobilisation", "Mobilisation", 220_000, "withheld"),
    item(
        f"{CONTRACT}/line/schematic",
        "Schematic design",
        2_475_000,
        "billed",
        key=key("milestone", "M-1"),
        invoice="BS-AAAAAAAAAAAA",
        because=("27,500.00 is the amount of the schedule line", "10 % withheld until final completion"),
    ),
    item(f"{CONTRACT}/line/schematic", "Schematic design", 275_000, "withheld", key=key("milestone", "M-1")),
    item(
        f"{CONTRACT}/line/permit",
        "Permit set",
        3_300_000,
        "held",
        key=key("milestone", "M-2"),
        cause="acceptance_missing",
        owner="project manager",
        age_days=30,
    ),
    item(
        "time/work/T-30",
        "Advisory, Ana Roe",
        500_000,
        "billed",
        key=key("time", "T-30"),
        invoice="BS-AAAAAAAAAAAA",
        hours=Decimal("30.00"),
    ),
    item(
        "time/work/T-30",
        "Advisory, Ana Roe",
        40_000,
        "capped",
        key=key("time", "T-30"),
        cause="cap_reached",
        owner="contract owner",
    ),
)
STATEMENT = (
    StatementRow(
        currency="USD", client="acme", contract=CONTRACT, earned=8_790_000, billed=4_955_000, withheld=495_000,
        capped=40_000, held=3_300_000,
    ),
)  # fmt: skip
NOT_EARNED = (
    NotEarned(
        key=key("time", "T-4"),
        identity="time/work/T-4",
        name="Advisory, Ana Roe",
        project="P-1",
        contract=CONTRACT,
        cause="unapproved",
        owner="project manager",
        hours=Decimal("4.00"),
    ),
    NotEarned(
        key=key("milestone", "M-3"),
        identity=f"{CONTRACT}/line/final",
        name="Final completion",
        project="P-1",
        contract=CONTRACT,
        cause="open_milestone",
        owner="project manager",
        amount=2_750_000,
        currency="USD",
    ),
)
FINDINGS = (
    Finding(
        code="change_order_unsigned",
        identity=f"{CONTRACT}/line/deck",
        text="Deck is complete, but change order CO-2 is not signed",
        owner="contract owner",
        age_days=12,
        amount=800_000,
        currency="USD",
    ),
)
NOT_VALUED = (
    Unvalued(
        key=key("time", "T-99"),
        name="Site visit",
        project="P-9",
        why="unmapped",
        cause="unmapped",
        owner="billing coordinator",
        done_on=date(2026, 4, 2),
        age_days=38,
        hours=Decimal("2.50"),
    ),
)
DRAFT = Draft(
    kind="invoice",
    key=f"{CONTRACT}|2026-05-10",
    client="acme",
    contracts=(CONTRACT,),
    currency="USD",
    sink="books",
    lines=(
        Line(
            kind="milestone",
            text="Permit set",
            amount=3_300_000,
            parts=(
                Part(
                    identity=f"{CONTRACT}/line/permit",
                    contract=CONTRACT,
                    amount=3_300_000,
                    evidence=(Evidence(key=key("milestone", "M-2"), version="0123456789abcdef01234567"),),
                    because=("33,000.00 is the amount of the schedule line",),
                ),
            ),
        ),
    ),
    hash="f0e1d2c3b4a5968778695a4b3c2d1e0f",
    reference="BS-BBBBBBBBBBBB",
)
HELD_DRAFT = HeldDraft(draft=DRAFT, cause="needs_approval", owner="billing coordinator")
UNKNOWN = Unknown(
    account="harvest", kind="time", reason="page 2 of 3 failed", last_complete=datetime(2026, 5, 8, 2, 0, tzinfo=UTC)
)
TERMS = Terms(
    zone="America/New_York",
    contracts={
        CONTRACT: Contract(id=CONTRACT, client="acme", currency="USD", name="House on the hill"),
        "ZED-1": Contract(id="ZED-1", client="zed", currency="EUR"),
    },
    clients={"acme": Client(id="acme", name="Acme Corporation"), "zed": Client(id="zed", name="Zed GmbH")},
    sources={"work": AccountTerms(kinds=frozenset({"time", "milestone"}))},
    sinks={"books": "draft"},
)


def evaluation(**changes: Any) -> Evaluation:
    """The worked example; `changes` replace whole fields."""
    fields: dict[str, Any] = {
        "items": ITEMS,
        "not_valued": NOT_VALUED,
        "not_earned": NOT_EARNED,
        "unknown": (),
        "findings": FINDINGS,
        "statement": STATEMENT,
        "drafts": (),
        "held_drafts": (),
        "places": (),
        "left": (),
        "resting": (),
    }
    return Evaluation(**(fields | changes))
