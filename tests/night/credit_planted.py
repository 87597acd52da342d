"""Bugs to plant: what a careless change would do to credits, and the words in which the sequences must notice it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from billsync.ledger import postings
from billsync.rules import again, settle, standing
from billsync.rules.view import View

Plant = Callable[[pytest.MonkeyPatch], None]


def comes_back_by_itself(patch: pytest.MonkeyPatch) -> None:
    """What a person gave back counts as taken back by a true-up: the work is worth more than what is billed of it."""

    def credit(moves: standing.Moves, amount: int, decision: int | None) -> None:
        moves.trued_down += amount

    patch.setattr(standing, "_credit", credit)


def billable_twice(patch: pytest.MonkeyPatch) -> None:
    """Each word of a person allows all that was credited, whatever an earlier word has allowed."""

    def rebillable(view: View, identity: str, contract: str) -> dict[str, int]:
        words = len(view.decided.of("rebill", identity))
        return {client: amount * words for client, amount in kept(view, identity, contract).items()}

    kept = again.rebillable
    patch.setattr(settle, "rebillable", rebillable)


def let_go_without_its_credits(patch: pytest.MonkeyPatch) -> None:
    """A credit memo is let go, and what it gave back stays given back."""

    def posted_on(conn: sqlite3.Connection, reference: str) -> list[tuple[Any, ...]]:
        return [row for row in kept(conn, reference) if row[5] != "credited"]

    kept = postings._posted_on
    patch.setattr(postings, "_posted_on", posted_on)


Steps = list[tuple[str, int, int]]
PLANTED: Mapping[str, tuple[Plant, Steps, str]] = {
    "a credit comes back by itself": (
        comes_back_by_itself, [("true_up", 0, 0), ("credit", 1, 1)], "were credited for good",
    ),
    "a credit is billable twice": (
        billable_twice, [("credit", 1, 1), ("rebill", 1, 0), ("rebill", 1, 0)], "is billed 90000 net",
    ),
    "a let-go forgets a credit": (
        let_go_without_its_credits, [("credit", 1, 1), ("void", 1, 0), ("let_go", 0, 0)], "the ledger has 0 of",
    ),
}  # fmt: skip
"""What is planted, the steps that show it, and a part of what is said then."""
