"""Written terms and told ones, merged: who wins, what is said of the other, and what waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.model.book import ContractsFrom, Terms
from billsync.model.contract import Contract, ContractChange, MilestoneMatch, Origin, ScheduleLine, Signature, Trigger
from billsync.model.merging import merged
from billsync.model.sourced import TermsFrom, TermsSource, TermsTrouble
from billsync.model.work import ChangeOrder, ContractTerms, Observation, SourceKey, TermsLine, version_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SIGNED = date(2026, 2, 1)
LINES = (TermsLine(id="1", name="Design", amount=Decimal(400)), TermsLine(id="2", name="Permit", amount=Decimal(600)))


def seen(record: ContractTerms | ChangeOrder, account: str = "crm", *, gone: bool = False) -> Observation:
    kind: Any = "contract" if isinstance(record, ContractTerms) else "change_order"
    return Observation(
        key=SourceKey(account=account, kind=kind, id=record.id),
        version=version_of(record),
        record=record,
        first_seen=NOW,
        last_seen=NOW,
        vanished=NOW if gone else None,
    )


def told(**terms: Any) -> ContractTerms:
    usual = {"id": "800", "client": "Acme", "project": None, "value": Decimal(1000), "currency": "USD"}
    return ContractTerms(**{**usual, "signed_on": SIGNED, **terms})


def order(**terms: Any) -> ChangeOrder:
    usual = {"id": "CO-1", "contract": "800", "name": "Garage", "value": Decimal(120), "currency": "USD"}
    return ChangeOrder(**{**usual, "signed_on": SIGNED, **terms})


def line(name: str, **terms: Any) -> ScheduleLine:
    trigger = Trigger(kind="milestone", match=MilestoneMatch(name=name))
    return ScheduleLine(id=name, name=name, trigger=trigger, **terms)


def written(*sources: str, lines: Any = "manual", **terms: Any) -> Contract:
    named = tuple(TermsSource(account=one, contract="800", lines=lines) for one in sources or ("crm",))
    places = {"value": Origin(file="a.yaml", line=7)}
    return Contract(
        id="SITE", client="acme", currency="USD", terms_from=TermsFrom(sources=named, places=places), **terms
    )


def terms(contract: Contract) -> Terms:
    own = {contract.id: contract}
    return Terms(zone="UTC", contracts=own, written=own, clients={}, sources={}, sinks={})


def merge(contract: Contract, *records: Observation) -> Contract:
    return merged(terms(contract), records).contracts["SITE"]


def troubles(contract: Contract) -> tuple[TermsTrouble, ...]:
    assert contract.told is not None, "a contract of a source says what was told"
    return contract.told.troubles


def test_what_is_not_written_is_taken() -> None:
    made = merge(written(), seen(told(lines=LINES, project="P-1", documents=("signed.pdf",))))
    assert (made.value, made.signature) == (100_000, Signature(required=True, on=SIGNED))
    assert [(one.id, one.amount, one.trigger.kind) for one in made.lines] == [
        ("1", 40_000, "manual"), ("2", 60_000, "manual"),
    ]  # fmt: skip
    assert [(one.account, one.id) for one in made.projects] == [("crm", "P-1")]
    assert troubles(made) == () and made.told is not None
    assert any("signed.pdf" in why for why in made.told.because)


def test_a_line_waits_for_its_day_for_its_milestone_or_for_what_its_name_says() -> None:
    lines = (replace(LINES[0], on=SIGNED), replace(LINES[1], milestone="M-9"))
    made = merge(written(), seen(told(lines=lines)))
    assert [one.trigger for one in made.lines] == [
        Trigger(kind="dated", on=SIGNED), Trigger(kind="milestone", match=MilestoneMatch(id="M-9")),
    ]  # fmt: skip
    made = merge(written(lines="milestone_name"), seen(told(lines=LINES)))
    assert [one.trigger.match for one in made.lines] == [MilestoneMatch(name="Design"), MilestoneMatch(name="Permit")]


@pytest.mark.parametrize(
    ("contract", "record", "holds", "figures"),
    [
        (written(value=90_000), told(), "schedule", ("USD 900.00", "USD 1,000.00")),
        (written(signature=Signature(required=True, on=date(2026, 1, 5))), told(), "all", ("2026-01-05", "2026-02-01")),
        (written(signature=Signature(required=True)), told(), "all", ("not signed", "2026-02-01")),
        (written(), told(currency="EUR"), "all", ("EUR", "USD")),
        (written(), told(value=Decimal("10.005")), "all", ("10.005",)),
        (written(), told(lines=(LINES[0],)), "schedule", ("USD 400.00", "USD 1,000.00")),
        (written(), told(lines=(LINES[0], LINES[0])), "all", ("stand twice: 1",)),
    ],
)
def test_a_contradiction_names_both_figures_and_what_waits(
    contract: Contract, record: ContractTerms, holds: str, figures: tuple[str, ...]
) -> None:
    found = [one for one in troubles(merge(contract, seen(record))) if one.holds == holds]
    assert found and all(figure in found[0].text for figure in figures), f"{figures} in {found}"
    assert found[0].code == "contract_differs"


def test_a_contradiction_knows_the_line_of_the_file_and_its_money() -> None:
    [found] = troubles(merge(written(value=90_000), seen(told())))
    assert (str(found.where), found.amount) == ("a.yaml:7", 10_000)


def test_a_written_schedule_gets_amounts_and_never_lines() -> None:
    own = (replace(line("Design"), id="1"), line("Other", amount=60_000))
    made = merge(replace(written(), lines=own), seen(told(lines=LINES)))
    assert [(one.id, one.amount) for one in made.lines] == [("1", 40_000), ("Other", 60_000)]
    [beside] = troubles(made)
    assert beside.holds == "nothing" and "Permit" in beside.text, beside


def test_a_written_amount_wins_over_the_same_line_at_the_source() -> None:
    own = (replace(line("Design", amount=50_000), id="1"), replace(line("Permit", amount=50_000), id="2"))
    made = merge(replace(written(), lines=own), seen(told(lines=LINES)))
    assert [one.amount for one in made.lines] == [50_000, 50_000]
    assert [(one.holds, sorted(one.lines), one.amount) for one in troubles(made)] == [
        ("lines", ["1"], 10_000), ("lines", ["2"], 10_000),
    ]  # fmt: skip


def test_a_change_order_counts_from_its_signature_and_its_lines_have_names_of_their_own() -> None:
    record = order(lines=(TermsLine(id="1", name="Garage", amount=Decimal(120), on=SIGNED),), effective_on=NOW.date())
    made = merge(written(), seen(told(lines=LINES)), seen(record))
    [change] = made.change_orders
    assert (change.value, change.signed_on, change.effective_on) == (12_000, SIGNED, NOW.date())
    assert [one.id for one in change.lines] == ["CO-1-1"], "no line of the contract can have that id"


def test_a_change_order_without_lines_is_a_line_only_where_names_mean_milestones() -> None:
    assert merge(written(), seen(told()), seen(order())).change_orders[0].lines == ()
    made = merge(written(lines="milestone_name"), seen(told()), seen(order()))
    [only] = made.change_orders[0].lines
    assert (only.id, only.amount, only.trigger.match) == ("CO-1", 12_000, MilestoneMatch(name="Garage"))


def test_an_unsigned_change_order_without_lines_is_said_with_its_value() -> None:
    [found] = troubles(merge(written(), seen(told()), seen(order(signed_on=None))))
    assert (found.code, found.amount, found.holds) == ("change_order_unsigned", 12_000, "nothing")


@pytest.mark.parametrize(
    ("signed_here", "pending", "signed_there", "in_force", "differs"),
    [
        (None, False, SIGNED, SIGNED, False),
        (None, True, SIGNED, None, True),
        (SIGNED, False, SIGNED, SIGNED, False),
        (SIGNED, False, None, SIGNED, True),
    ],
)
def test_who_says_that_a_change_order_is_signed(
    signed_here: date | None, pending: bool, signed_there: date | None, in_force: date | None, differs: bool
) -> None:
    change = ContractChange(id="CO-1", name="Garage", value=12_000, signed_on=signed_here)
    contract = written(change_orders=(change,))
    assert contract.terms_from is not None
    contract = replace(
        contract, terms_from=replace(contract.terms_from, pending=frozenset({"CO-1"} if pending else ()))
    )
    made = merge(contract, seen(told()), seen(order(signed_on=signed_there)))
    assert made.change_orders[0].signed_on == in_force
    assert any(one.code == "contract_differs" for one in troubles(made)) == differs


def test_of_two_sources_the_first_counts_and_the_other_is_compared() -> None:
    contract = written("crm", "erp")
    made = merge(contract, seen(told()), seen(told(value=Decimal(900)), "erp"), seen(order()), seen(order(), "erp"))
    assert (made.value, len(made.change_orders)) == (100_000, 1)
    [found] = troubles(made)
    assert "USD 1,000.00 at crm/contract/800, USD 900.00 at erp/contract/800" in found.text


def test_what_is_gone_stands_as_last_seen_and_holds() -> None:
    made = merge(written(), seen(told(), gone=True))
    assert made.value == 100_000 and [(one.code, one.holds) for one in troubles(made)] == [("contract_gone", "all")]
    share = replace(line("Design", percent=Decimal(100)), id="d")
    made = merge(replace(written(), lines=(share,)), seen(told()), seen(order(), gone=True))
    assert [(one.code, one.holds, sorted(one.lines)) for one in troubles(made)] == [("contract_gone", "lines", ["d"])]
    made = merge(written(), seen(told()), seen(order(signed_on=None), gone=True))
    assert (made.change_orders, troubles(made)) == ((), ()), "it was never agreed"


def test_a_contract_that_no_source_showed_is_not_signed() -> None:
    made = merge(written())
    assert made.signature == Signature(required=True)
    assert [(one.code, one.holds) for one in troubles(made)] == [("contract_not_told", "all")]


def test_contracts_of_mapped_clients_are_made_once_and_the_written_one_goes_first() -> None:
    model = replace(written(), id="acme")
    firm = replace(terms(written()), contracts_from=ContractsFrom(account="crm", clients={"Acme": model}))
    records = [seen(told()), seen(told(id="80/1")), seen(told(id="900", client="Stranger"))]
    made = merged(firm, records)
    assert sorted(made.contracts) == ["SITE", "crm:80-1"], "800 is written, a stranger is nobody's"
    assert merged(made, records) == made
    assert sorted(merged(made, records[:1]).contracts) == ["SITE"], "without the record there is no contract"


RECORDS = [
    seen(told(lines=LINES)),
    seen(order()),
    seen(order(id="CO-2", signed_on=None)),
    seen(order(id="CO-3", value=Decimal(-50), signed_on=date(2026, 1, 9))),
    seen(told(value=Decimal(999)), "erp"),
]


@given(st.permutations(RECORDS))
def test_the_order_in_which_records_are_seen_changes_nothing(records: list[Observation]) -> None:
    contract = written("crm", "erp", lines="milestone_name")
    assert merge(contract, *records) == merge(contract, *RECORDS)
    assert merge(contract, *records).fingerprint() == merge(contract, *RECORDS).fingerprint()
