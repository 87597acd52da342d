"""A slice of the campaign of benchmarks/tamper.py: random attacks on a small ledger, each of which must be named."""

from __future__ import annotations

from benchmarks.tamper import ATTACKERS, run


def test_every_random_attack_is_named():
    made, missed = run(600, seed=20260302)
    assert missed == [], "replay with `python -m benchmarks.tamper`, from these seeds"
    assert set(made) == {attack.__name__ for attack in ATTACKERS}, "a kind of attack never altered anything"
    assert sum(made.values()) > 500
