"""What the ledger writes, it reads back as the same object."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.model.codec import decode, encode
from billsync.model.contract import Condition, Contract, Origin, Rate, RateCard, ScheduleLine, TimeTerms, Trigger
from billsync.model.work import Approval, TimeEntry, version_of

ENTRY = TimeEntry(
    id="7", project="P-1", person="ana", worked_on=date(2026, 3, 1), hours=Decimal("1.50"), billable=True,
    approval=Approval(state="approved", at=datetime(2026, 3, 2, 8, tzinfo=UTC)), custom={"phase": "SD"},
)  # fmt: skip


def test_a_record_survives_the_ledger() -> None:
    assert decode(TimeEntry, encode(ENTRY)) == ENTRY


def test_a_contract_with_nested_terms_survives() -> None:
    condition = Condition(kind="all", of=(Condition(kind="completed"), Condition(kind="percent", number=Decimal(90))))
    contract = Contract(
        id="C", client="acme", currency="USD",
        lines=(ScheduleLine(id="sd", name="SD", trigger=Trigger(kind="milestone", complete=condition), amount=100),),
        time=TimeTerms(rates=RateCard(id="own", currency="USD", rates=(Rate(amount=Decimal("180.00")),))),
    )  # fmt: skip
    assert decode(Contract, encode(contract)) == contract


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=4))
def test_any_hours_keep_their_value(hours: Decimal) -> None:
    assert decode(TimeEntry, encode(replace(ENTRY, hours=hours))).hours == hours


def test_trailing_zeros_and_links_are_not_another_version() -> None:
    same = replace(ENTRY, hours=Decimal("1.5"), url="https://example.org/7")
    assert version_of(same) == version_of(ENTRY)
    assert version_of(replace(ENTRY, hours=Decimal("1.51"))) != version_of(ENTRY)


def test_moving_a_term_in_its_file_changes_no_fingerprint() -> None:
    contract = Contract(id="C", client="acme", currency="USD")
    assert replace(contract, origin=Origin(file="c.yaml", line=9)).fingerprint() == contract.fingerprint()


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown"):
        decode(Approval, b'{"state":"approved","colour":"red"}')


def test_a_float_never_reaches_the_ledger() -> None:
    with pytest.raises(TypeError, match="float"):
        encode(replace(ENTRY, custom={"x": 1.5}))  # type: ignore[dict-item]
