"""docs/connectors/evidence.md is what is measured; what is not confirmed has a test that a wrong guess is loud."""

from __future__ import annotations

import re
import sys

import pytest

from benchmarks import connectors
from benchmarks.connectors_page import MOST, words
from billsync.sdk.sink import Sink
from billsync.testing.sink_contract import SinkContract
from billsync.testing.source_contract import SourceContract

CLASSES = connectors.classes()
REFRESH = (
    "docs/connectors/evidence.md is stale: python -m benchmarks connectors --write --no-kit, "
    "and without --no-kit (minutes) where tests of the kit came or went"
)


def tables() -> list[list[list[str]]]:
    """The tables of the page, as rows of cells; head and rule included."""
    page = connectors.PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE)
    return [[[cell.strip() for cell in line[1:-1].split(" | ")] for line in block.splitlines()] for block in blocks]


def table(head: str) -> list[list[str]]:
    """The rows of the table whose first cell is this, and whose second column tells it from others of that name."""
    first, second = head.split(" | ")
    [found] = [rows for rows in tables() if rows[0][0] == first and rows[0][1] == second]
    return found[2:]


def rows_of(head: str) -> dict[str, list[str]]:
    return {cells[0]: cells[1:] for cells in table(head)}


def told(name: str) -> list[str]:
    return re.findall(r"^Unconfirmed:.*$", sys.modules[CLASSES[name].__module__].__doc__ or "", re.MULTILINE)


def test_every_connector_is_on_the_page():
    assert rows_of("connector | lines").keys() - {"median"} == CLASSES.keys(), REFRESH
    sinks = {name for name, found in CLASSES.items() if issubclass(found, Sink)}
    assert rows_of("sink | the books' help").keys() == sinks, REFRESH


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_page_tells_the_lines_that_there_are(name):
    main, family = connectors.lines(CLASSES[name])
    assert rows_of("connector | lines")[name][:2] == [str(main), str(main + sum(family.values()))], REFRESH


@pytest.mark.parametrize("name", sorted(connectors.kits()))
def test_the_page_tells_the_calls_that_are_made(name):
    calls = connectors.calls_of(connectors.kits()[name])
    told = rows_of("connector | lines")[name][2:]
    made = ["no calls"] * 3 if calls is None else [str(calls.first), str(calls.idle), str(calls.changes)]
    assert told == made, REFRESH


def test_every_connector_is_tried_by_the_whole_kit():
    assert connectors.kits().keys() == CLASSES.keys()


@pytest.mark.parametrize(("role", "contract"), [("source", SourceContract), ("sink", SinkContract)])
def test_every_test_of_the_kit_is_on_the_page_and_none_failed(role, contract):
    kinds = [name.partition("/")[0] for name in connectors.kits() if name.endswith(role)]
    [rows] = [rows for rows in tables() if rows[0][0] == "test" and set(rows[0][1:]) == set(kinds)]
    assert [cells[0] for cells in rows[2:]] == [words(test) for test in connectors.kit_tests(contract)], REFRESH
    bad = [cells for cells in rows[2:] if not all(re.fullmatch(r"-|\d+( own)?", cell) for cell in cells[1:])]
    assert bad == [], "a test of the kit failed or did not run"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_is_not_confirmed_says_how_a_wrong_guess_shows_and_is_tried(name):
    guesses = connectors.guesses_of(name, CLASSES[name])
    assert len(guesses) == len(told(name)), f"a line of {name} is not `Unconfirmed: FACT - shows as: SYMPTOM`"
    untried = [guess.fact for guess in guesses if not guess.tests]
    assert untried == [], "mark the test of a wrong guess: billsync.testing.account_contract.wrong_guess"
    page = [cells[1:] for cells in table("connector | not confirmed") if cells[0] == name]
    assert [cells[:2] for cells in page] == [[guess.fact, guess.shows.rstrip(".")] for guess in guesses], REFRESH


def test_no_test_stands_for_a_guess_that_nobody_makes():
    facts = {(name, guess.fact) for name, found in CLASSES.items() for guess in connectors.guesses_of(name, found)}
    lost = [
        (kind, begin)
        for kind, begin, _ in connectors.proofs()
        if not any(kind in (name, name.partition("/")[0]) and fact.startswith(begin) for name, fact in facts)
    ]
    assert lost == []


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_docstring_keeps_its_shape(name):
    """First line, sentences, `- ` lore, `Unconfirmed:` lines: the pages of the connectors are made from it."""
    first, *rest = (sys.modules[CLASSES[name].__module__].__doc__ or "").rstrip().splitlines()
    assert first.endswith(".") and len(first) > 40
    kinds = ["?" if line.startswith("Unconfirmed:") else "-" if line.startswith(("- ", "  ")) else "" for line in rest]
    assert kinds == sorted(kinds, key=["", "-", "?"].index), "what is not confirmed stands last, lore before it"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_connector_is_short(name):
    assert connectors.lines(CLASSES[name])[0] <= MOST
