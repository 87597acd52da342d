"""Any sequence of billing and crediting, through real nights into the folder and QuickBooks: never more than delivered,
each credited cent at most once, books and ledger equal, statement to 0.00; also where the ledger is lost in between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.night.credit_firm import SINKS, VARIANTS
from tests.night.credit_model import Sent
from tests.night.credit_planted import PLANTED
from tests.night.credit_play import STEPS, WEIGHTS, Broken, Play, play

SLICE = 11
"""Sequences of one test; there are eight for each sink."""
NUMBERS = st.integers(0, 63)


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("start", range(0, 8 * SLICE, SLICE))
def test_no_sequence_bills_more_than_was_delivered(sink: str, start: int) -> None:
    for seed in range(start, start + SLICE):
        play(sink, seed)


def machine(sink: str) -> type[RuleBasedStateMachine]:
    """The same steps in an order that hypothesis chooses, and makes shorter where it fails."""

    class Machine(RuleBasedStateMachine):
        @initialize(variant=st.sampled_from(VARIANTS))
        def begin(self, variant: str) -> None:
            self.play = Play(sink, variant)
            self.play.settle()

        @rule(name=st.sampled_from([*WEIGHTS, "lose"]), a=NUMBERS, b=NUMBERS)
        def step(self, name: str, a: int, b: int) -> None:
            self.play.step(name, a, b)

        def teardown(self) -> None:
            if hasattr(self, "play"):
                self.play.verify()

    return Machine


@pytest.mark.parametrize("sink", SINKS)
def test_no_order_of_steps_bills_more_than_was_delivered(sink: str) -> None:
    run_state_machine_as_test(
        machine(sink),
        settings=settings(
            max_examples=4, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# Sequences that broke an invariant once


@pytest.mark.parametrize("sink", SINKS)
def test_work_that_comes_back_to_its_first_contract_is_billed_after_it_was_credited(sink: str) -> None:
    of = Play(sink, "payers")
    of.settle()
    for name in ("true_up", "move", "move"):
        of.step(name, 0, 0)
    kinds = [one.invoice.kind for one in of.model.sent.values()]
    assert kinds == ["invoice", "invoice", "credit_memo", "credit_memo"] * 2 + ["invoice", "invoice"], (
        "credited where it was, before it is billed where it is"
    )


@pytest.mark.parametrize("sink", SINKS)
def test_a_document_deleted_in_the_books_can_be_let_go(sink: str) -> None:
    of = Play(sink, "plain")
    of.settle()
    of.step("void", 0, 3)
    [first] = of.model.sent.values()
    of.step("let_go", 0, 0)
    assert first.let_go and len(of.model.sent) == 2, of.steps


@pytest.mark.parametrize("sink", SINKS)
def test_a_credit_that_was_billed_once_more_cannot_be_let_go(sink: str) -> None:
    of = Play(sink, "plain")
    of.settle()
    work = [name for name in of.model.identities() if name.startswith("time/")]
    at = of.model.identities().index(work[0])
    of.step("credit", at, 1)
    of.step("rebill", at, 0)
    memo = next(name for name, one in of.model.sent.items() if one.invoice.kind == "credit_memo")
    of.step("void", sorted(of.model.sent).index(memo), 0)
    of.step("let_go", 0, 0)
    assert not of.model.sent[memo].let_go and "billing once more stands on it" in of.steps[-1]


# The harness itself


def test_a_document_above_what_was_delivered_is_noticed() -> None:
    of = Play("folder", "plain")
    of.settle()
    [first] = of.model.sent.values()
    with pytest.raises(Broken, match=r"is billed \d+ net"):
        of.leaves(_renamed(first))


def _renamed(one: Sent) -> Any:
    return replace(one.invoice, reference="BS-TWICE")


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, steps, said = PLANTED[name]
    played("folder", steps)
    plant(monkeypatch)
    with pytest.raises(Broken, match=said):
        played("folder", steps)


def played(sink: str, steps: list[tuple[str, int, int]]) -> None:
    """These steps, without anything that breaks an invariant."""
    of = Play(sink, "plain")
    of.settle()
    for name, a, b in steps:
        of.step(name, a, b)
    of.verify()
