"""Terms as the rules read them: minor units, defaults, short forms, and the line of every term."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billsync.config import resolve
from billsync.model.contract import (
    Contract,
    HoldbackRelease,
    Included,
    Increment,
    MilestoneTerms,
    Minimum,
    Origin,
    Payer,
    ProjectRef,
    Signature,
    Trigger,
)
from billsync.rules.rates import find_rate
from tests.unit.config.firm import CARD, FIRM, config, mistake, terms

CONTRACT = "contracts:\n  - id: A\n    client: acme\n    project: work/P\n"


def contract(folder: Path, more: str = "", card: str = CARD) -> Contract:
    return terms(folder, card + CONTRACT + more).contracts["A"]


def test_a_contract_of_three_lines(tmp_path: Path) -> None:
    made = contract(tmp_path)
    assert made.projects == (ProjectRef(account="work", id="P"),)
    assert made.milestones == MilestoneTerms(), "milestones bill at their own amount at the source"
    assert made.time and made.time.card and made.time.card.id == "standard", "time bills at the only card"
    assert (made.currency, made.time.approval, made.expenses) == ("USD", "required", None)
    assert made.signature == Signature(), "signatures are not tracked unless the contract says so"
    assert terms(tmp_path, CARD + CONTRACT).sinks == {"books": "draft"}


def test_a_schedule_or_a_word_ends_the_defaults(tmp_path: Path) -> None:
    scheduled = contract(tmp_path, "    schedule: [{id: x, on: 2026-01-01, amount: 1}]\n")
    assert (scheduled.milestones, scheduled.time) == (None, None)
    both = contract(
        tmp_path, "    schedule: [{id: x, on: 2026-01-01, amount: 1}]\n    milestones: true\n    time: true\n"
    )
    assert both.milestones == MilestoneTerms() and both.time is not None
    neither = contract(tmp_path, "    milestones: false\n    time: false\n")
    assert (neither.milestones, neither.time) == (None, None)
    assert contract(tmp_path, card="").time is None, "a firm without rate cards bills no time by default"


def test_the_card_called_default_is_the_default(tmp_path: Path) -> None:
    made = contract(tmp_path, card="rate_cards:\n  a: 1\n  default: 2\n")
    assert made.time and made.time.card and made.time.card.rates[0].amount == 2
    named = contract(tmp_path, "    time: a\n", card="rate_cards:\n  a: 1\n  default: 2\n")
    assert named.time and named.time.card and named.time.card.rates[0].amount == 1


def test_own_rates_do_not_fall_back_on_the_default_card_by_themselves(tmp_path: Path) -> None:
    alone = contract(tmp_path, "    time: {rates: {people: {ana: 5}}}\n")
    assert alone.time and alone.time.card is None and alone.time.rates and alone.time.rates.rates[0].person == "ana"
    both = contract(tmp_path, "    time: {rates: 5, rate_card: standard}\n")
    assert both.time and both.time.card and both.time.rates
    from_source = contract(tmp_path, "    time: {source_rates: true}\n")
    assert from_source.time and from_source.time.card is None


@pytest.mark.parametrize(
    "written",
    [
        "default: 150\nroles: {architect: 190.50}\npeople: {ana: 220}\ntasks: {drafting: 95.10}",
        "rates:\n  default: 150\n  roles: {architect: 190.50}\n  people: {ana: 220}\n  tasks: {drafting: 95.10}",
        "- {amount: 150}\n- {amount: 190.50, role: architect}\n- {amount: 220, person: ana}\n"
        "- {amount: 95.10, task: drafting}",
        "currency: USD\nrates:\n  - amount: 150\n  - {amount: 190.50, role: architect}\n"
        "  - {amount: 220, person: ana}\n  - {amount: 95.10, task: drafting}",
    ],
)
def test_the_ways_to_write_a_card_mean_the_same(written: str, tmp_path: Path) -> None:
    card = "rate_cards:\n  standard:\n" + "".join(f"    {line}\n" for line in written.splitlines())
    made = contract(tmp_path, card=card).time
    assert made and made.card and made.card.currency == "USD"
    assert [(str(r.amount), r.role, r.person, r.task) for r in made.card.rates] == [
        ("150", None, None, None),
        ("190.50", "architect", None, None),
        ("220", None, "ana", None),
        ("95.10", None, None, "drafting"),
    ]
    assert all(rate.origin.line > FIRM.count("\n") + 2 for rate in made.card.rates), "each rate knows its line"


def test_numbers_in_ids_and_names_keep_their_characters(tmp_path: Path) -> None:
    text = (
        CARD + "contracts:\n  - id: 007\n    client: acme\n    project: {account: work, id: 1.10}\n    name: NO\n"
        "    purchase_order: 1_000\n    references: {on: 2026-01-01}\n"
    )
    made = terms(tmp_path, text).contracts["007"]
    assert (made.projects[0].id, made.name, made.purchase_order) == ("1.10", "NO", "1_000")
    assert made.references == {"on": "2026-01-01"}


def test_amounts_become_minor_units_of_the_contracts_currency(tmp_path: Path) -> None:
    for currency, value, minor in [("USD", "95.10", 9510), ("JPY", "95", 95), ("KWD", "95.123", 95123)]:
        made = contract(tmp_path, f"    currency: {currency}\n    value: {value}\n    time: false\n")
        assert made.value == minor


def test_the_worked_example_is_read_as_it_is_meant(tmp_path: Path) -> None:
    made = contract(
        tmp_path,
        """\
    value: 110000
    signed: 2026-02-01
    schedule:
      - {id: mob, name: Mobilisation, percent: 20, on: 2026-02-01}
      - {id: sd, milestone: Schematic design, amount: 27500}
      - {id: permit, milestone: Permit set, amount: 33000, requires: [acceptance]}
      - {id: final, milestone: Final completion, amount: 27500, planned: 2026-12-01}
    change_orders:
      - id: CO-1
        value: 12000
        signed: 2026-05-02
        schedule: [{id: garage, milestone: Garage, percent: 100}]
      - {id: CO-2, name: Deck, value: 8000, signed: pending, schedule: [{id: deck, milestone: Deck, amount: 8000}]}
    time: {rates: 180.00, cap: 5000}
    holdback: 10
""",
    )
    assert made.signature == Signature(required=True, on=date(2026, 2, 1))
    assert [(line.id, line.name, line.amount, line.percent) for line in made.lines] == [
        ("mob", "Mobilisation", None, Decimal(20)),
        ("sd", "Schematic design", 2750000, None),
        ("permit", "Permit set", 3300000, None),
        ("final", "Final completion", 2750000, None),
    ]
    assert made.lines[2].requires == {"acceptance"} and made.lines[3].planned_on == date(2026, 12, 1)
    first, second = made.change_orders
    assert (first.signed_on, first.value, first.lines[0].amount) == (date(2026, 5, 2), 1200000, 1200000)
    assert (second.signed_on, second.name) == (None, "Deck")
    assert made.caps[0].amount == 500000 and made.caps[0].kinds == {"time"} and made.caps[0].warning == 80
    assert made.holdback and made.holdback.percent == 10 and made.holdback.kinds == {"milestone", "dated"}


def test_percentages_of_a_change_order_are_of_its_own_value_and_lose_no_cent(tmp_path: Path) -> None:
    made = contract(
        tmp_path,
        "    change_orders:\n      - id: CO\n        value: 100.01\n        schedule:\n"
        "          - {id: a, milestone: A, percent: 50}\n          - {id: b, milestone: B, percent: 50}\n",
    )
    assert [line.amount for line in made.change_orders[0].lines] == [5001, 5000]


def test_short_forms_mean_their_long_forms(tmp_path: Path) -> None:
    short = contract(
        tmp_path, "    time: {increment: 0.25, minimum: 0.5, included: 10}\n    payers: {acme: 60, city: 40}\n"
    )
    assert short.time is not None
    assert short.time.increment == Increment(hours=Decimal("0.25"))
    assert short.time.minimum == Minimum(hours=Decimal("0.5"))
    assert short.time.included == Included(hours=Decimal(10))
    assert short.payers == (Payer(client="acme", share=Decimal(60)), Payer(client="city", share=Decimal(40)))
    release = contract(tmp_path, "    holdback: {percent: 5, release: [{id: r, on: 2026-12-31, percent: 50}]}\n")
    assert release.holdback and release.holdback.releases == (
        HoldbackRelease(id="r", trigger=Trigger(kind="dated", on=date(2026, 12, 31)), percent=Decimal(50)),
    )


def test_the_contracts_gates_and_billing_win_key_by_key(tmp_path: Path) -> None:
    text = (
        CARD + "approvals:\n  release_threshold: {USD: 5000, EUR: 4000}\n  approvers: [{person: eva, up_to: 9000}]\n"
        "billing: {terms_days: 30, group: consolidated, items: {time: T, expense: E}}\n"
        + CONTRACT
        + "    gates: {references: cost_centre}\n    billing: {group: project, items: {time: H}, tax: {time: X}}\n"
    )
    made = terms(tmp_path, text).contracts["A"]
    assert (made.gates.release_threshold, made.gates.references) == (500000, ("cost_centre",))
    assert (made.gates.approvers[0].person, made.gates.approvers[0].up_to) == ("eva", 900000)
    assert (made.billing.group, made.billing.terms_days) == ("project", 30)
    assert made.billing.items == {"time": "H", "expense": "E"}


def test_tax_codes_come_from_the_sink_unless_firm_or_contract_say_otherwise(tmp_path: Path) -> None:
    text = (
        FIRM.replace("folder: invoices", "folder: invoices, tax_codes: {default: E, time: S, expense: S}")
        + CARD + "billing: {tax: {time: F}}\n" + CONTRACT + "    billing: {tax: {expense: C}}\n"
    )  # fmt: skip
    made = resolve(config(tmp_path, text)).contracts["A"]
    assert made.billing.tax == {"default": "E", "time": "F", "expense": "C"}


def test_opening_of_the_firm_holds_where_the_contract_has_none(tmp_path: Path) -> None:
    firm = CARD + "opening: {before: 2026-01-01}\n"
    assert terms(tmp_path, firm + CONTRACT).contracts["A"].opening_before == date(2026, 1, 1)
    own = terms(tmp_path, firm + CONTRACT + "    opening: {before: 2026-02-01, items: [time/work/1]}\n").contracts["A"]
    assert own.opening_before == date(2026, 2, 1) and own.opening_items == {"time/work/1"}


def test_a_project_in_two_contracts_gives_each_what_it_has_terms_for(tmp_path: Path) -> None:
    text = (
        CARD + "contracts:\n  - {id: A, client: acme, project: work/P, time: false}\n"
        "  - {id: B, client: city, project: work/P, time: true, milestones: false}\n"
        "  - {id: C, client: city, project: work/Q}\n"
    )
    made = terms(tmp_path, text).contracts
    assert made["A"].projects[0].feeds == {"project", "milestone"}
    assert made["B"].projects[0].feeds == {"project", "time"}
    assert made["C"].projects[0].feeds == frozenset(), "a project of one contract feeds it everything"


def test_people_owners_accounts_and_exchange_rates(tmp_path: Path) -> None:
    text = (
        "people:\n  ana: {name: Ana Roe, accounts: {work: [7, a@x], other: 007}}\n  ben: Ben Ito\n  eva:\n"
        "owners: {acceptance_missing: Ana Roe}\n"
        "exchange_rates:\n  file: rates.csv\n  rates: [{currency: EUR, date: 2026-01-02, rate: 1.10, source: ECB}]\n"
    )
    made = terms(tmp_path, text, rates_csv="currency,into,date,rate,source\nEUR,USD,2026-01-01,1.0834,ECB\n")
    assert made.persons == {"work:7": "ana", "work:a@x": "ana", "other:007": "ana"}
    assert made.owners == {"acceptance_missing": "Ana Roe"}
    assert [(r.currency, r.into, r.on, str(r.rate), r.source) for r in made.exchange_rates] == [
        ("EUR", "USD", date(2026, 1, 1), "1.0834", "ECB"),
        ("EUR", "USD", date(2026, 1, 2), "1.10", "ECB"),
    ]
    assert made.zone == "America/New_York"
    assert made.sources["work"].stale_after_hours == 26


def test_what_connectors_offer_fills_in_what_accounts_do_not_ask_for(tmp_path: Path) -> None:
    text = FIRM.replace("folder: more", "folder: more, kinds: [time], stale_after: 50")
    made = resolve(config(tmp_path, text), offered={"work": frozenset({"milestone"}), "other": frozenset({"expense"})})
    assert made.sources["work"].kinds == {"milestone"}
    assert made.sources["other"].kinds == {"time"} and made.sources["other"].stale_after_hours == 50


def test_the_default_sink_is_the_first(tmp_path: Path) -> None:
    text = FIRM + "  old: {kind: folder}\n"
    text = text.replace(
        "  books: {kind: folder, folder: invoices}\n",
        "  books: {kind: folder, push: sent}\n  main: {kind: folder, default: true}\n",
    ).replace("  old: {kind: folder}\n", "")
    assert list(resolve(config(tmp_path, text)).sinks.items()) == [("main", "draft"), ("books", "sent")]


def test_moving_lines_and_other_spellings_change_no_fingerprint(tmp_path: Path) -> None:
    first = contract(tmp_path, "    value: 100\n    holdback: 10\n")
    second = contract(tmp_path, "\n\n    # moved\n    value: 100.00\n    holdback: {percent: 10.0}\n")
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != replace(first, value=10001).fingerprint()


def test_every_term_knows_its_own_file_and_line_in_a_folder_of_contracts(tmp_path: Path) -> None:
    one = "# signed\nid: A\nclient: acme\nproject: work/P\nschedule:\n  - {id: x, on: 2026-01-01, amount: 1}\n"
    two = "- id: B\n  client: acme\n  project: work/Q\n- id: C\n  client: acme\n  project: work/R\n"
    three = "contracts:\n  D:\n    client: city\n    project: work/S\n    change_orders:\n      - {id: CO, value: 1}\n"
    text = CARD + "contracts_dir: contracts\ncontracts:\n  - {id: E, client: acme, project: work/T}\n"
    made = terms(
        tmp_path, text, contracts__a_yaml=one, contracts__deep__b_yaml=two,
        contracts__c_yaml=three, contracts__empty_yaml="# nothing yet\n",
    ).contracts  # fmt: skip
    folder = tmp_path / "contracts"
    assert made["A"].origin == Origin(file=str(folder / "a.yaml"), line=2)
    assert made["A"].lines[0].origin == Origin(file=str(folder / "a.yaml"), line=6)
    assert made["C"].origin == Origin(file=str(folder / "deep" / "b.yaml"), line=4)
    assert made["D"].origin == Origin(file=str(folder / "c.yaml"), line=2)
    assert made["D"].change_orders[0].origin == Origin(file=str(folder / "c.yaml"), line=6)
    assert made["E"].origin.file == str(tmp_path / "billsync.yaml")


def test_a_rate_may_be_the_default_of_one_project(tmp_path: Path) -> None:
    rows = "[{amount: 180}, {amount: 150, project: P-1}, {amount: 140, project: P-2}]"
    time = contract(tmp_path, card=f"rate_cards:\n  standard: {{rates: {rows}}}\n").time
    assert time is not None, "time bills at the only card"
    day = date(2026, 3, 2)
    projects = ("P-1", "P-2", "P-3")
    found = [find_rate(time, person="ana", project=name, role=None, task=None, on=day) for name in projects]
    amounts = [rate and rate.amount for rate in found]
    assert amounts == [150, 140, 180]


def test_two_defaults_of_one_project_on_one_day_are_refused(tmp_path: Path) -> None:
    rows = "[{amount: 150, project: P-1}, {amount: 140, project: P-1}]"
    error = mistake(tmp_path, f"rate_cards:\n  standard: {{rates: {rows}}}\n")
    assert "two rates for the same work on the same days" in error.what
