"""Contracts that take their terms from a source: what is written of them, and what is refused before a poll."""

from __future__ import annotations

from pathlib import Path

import pytest

from billsync.config import resolve
from billsync.model.book import Terms
from billsync.model.errors import UsageError
from tests.unit.config.firm import CARD, FIRM, config, terms

CONTRACT = "contracts:\n  - id: A\n    client: acme\n    project: work/P\n"
CRM = FIRM.replace("  acme: {name: Acme Holdings}\n", "  acme: {name: Acme Holdings, accounts: {other: Acme Inc}}\n")


def firm(folder: Path, text: str, **offered: frozenset[str]) -> Terms:
    return resolve(config(folder, text), offered=offered)  # type: ignore[arg-type]  # kinds, as words


def test_a_short_form_and_a_list_say_the_same(tmp_path: Path) -> None:
    forms = ("other/800", "{account: other, contract: 800}", "[other/800]", "[{account: other, contract: 800}]")
    made = [terms(tmp_path, f"{CONTRACT}    from: {form}\n").contracts["A"] for form in forms]
    assert {one.fingerprint() for one in made} == {made[0].fingerprint()}
    source = made[0].terms_from
    assert source is not None and [str(one.key) for one in source.sources] == ["other/contract/800"]


def test_nothing_is_billed_by_default_beside_what_a_source_tells(tmp_path: Path) -> None:
    made = terms(tmp_path, f"{CARD.replace('standard', 'default')}{CONTRACT}    from: other/800\n").contracts["A"]
    assert (made.time, made.expenses, made.milestones) == (None, None, None)


def test_percent_lines_of_a_value_that_a_source_tells(tmp_path: Path) -> None:
    text = f"{CONTRACT}    from: other/800\n    schedule: [{{id: all, milestone: All, percent: 100}}]\n"
    assert terms(tmp_path, text).contracts["A"].value is None


def test_the_places_of_written_terms_are_kept_and_change_no_fingerprint(tmp_path: Path) -> None:
    text = f"{CONTRACT}    from: other/800\n    value: 5\n"
    made, moved = terms(tmp_path, text).contracts["A"], terms(tmp_path, f"\n\n{text}").contracts["A"]
    assert made.terms_from is not None and moved.terms_from is not None
    lines = [one.terms_from.places["value"].line for one in (made, moved) if one.terms_from]
    assert lines[1] == lines[0] + 2 and made.fingerprint() == moved.fingerprint()


def test_an_account_that_offers_no_contracts_is_named_with_its_line(tmp_path: Path) -> None:
    text = f"{FIRM}{CONTRACT}    from: other/800\n"
    with pytest.raises(UsageError) as caught:
        firm(tmp_path, text, other=frozenset({"time"}))
    assert caught.value.what == "contract 'A': from: 'other' offers no contracts"
    assert caught.value.where == f"{tmp_path / 'billsync.yaml'}:{text.count(chr(10))}"
    assert firm(tmp_path, text, other=frozenset({"contract"})).contracts["A"].terms_from is not None


def test_all_contracts_of_a_source_bill_their_lines_and_nothing_else(tmp_path: Path) -> None:
    made = firm(tmp_path, f"{CRM}{CARD}contracts_from: other\n").contracts_from
    assert made is not None and list(made.clients) == ["Acme Inc"]
    model = made.clients["Acme Inc"]
    assert (model.client, model.time, model.expenses, model.milestones) == ("acme", None, None, None)


def test_a_client_is_called_by_a_name_at_a_source_that_exists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no source 'othr'"):
        firm(tmp_path, CRM.replace("accounts: {other", "accounts: {othr"))


def test_a_name_at_a_source_is_one_client(tmp_path: Path) -> None:
    text = CRM.replace("  city: City of Springfield\n", "  city: {name: Springfield, accounts: {other: Acme Inc}}\n")
    with pytest.raises(UsageError, match="'Acme Inc' at 'other' is 'acme' and 'city'"):
        firm(tmp_path, text)
