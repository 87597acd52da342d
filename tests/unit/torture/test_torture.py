"""The simulation: a slice of seeds without a breach, the same seed twice, and every planted bug caught."""

from __future__ import annotations

import json

import pytest

from billsync.cli import main
from billsync.model.errors import UsageError
from billsync.testing.fakes import fake_of
from billsync.torture import Script, draw, play, shrink
from tests.unit.torture.planted import PLANTED

FIRST = 5000
SEEDS = 25
"""So many seeds at most until a planted bug is caught; most need five."""


def caught(name: str, patch: pytest.MonkeyPatch) -> Script:
    """The first script that shows a planted bug as what it is."""
    plant, kind = PLANTED[name]
    plant(patch)
    for seed in range(FIRST, FIRST + SEEDS):
        played = play(draw(seed))
        if any(breach.kind == kind for breach in played.breaches):
            return played.script
    raise AssertionError(f"{name}: not noticed in {SEEDS} seeds")


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = caught(name, monkeypatch)
    monkeypatch.undo()
    assert not play(script).breaches, f"seed {script.seed} fails without the planted bug, too"


def test_a_failure_shrinks_to_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    script = caught("the look-up is removed", monkeypatch)
    small = shrink(play(script))
    assert small.breaches, "the smallest script fails no more"
    assert small.script.events < script.events and small.script.events <= 6, small.script.json()
    assert Script.read(json.dumps(small.script.json())) == small.script, "a printed script is another one"


def test_the_same_seed_is_the_same_run_to_the_byte() -> None:
    for seed, sink in enumerate(["plain", "plain", "folder", "folder"]):
        first, second = play(draw(seed, sink=sink)), play(draw(seed, sink=sink))
        assert first.hash == second.hash, _difference(first.protocol, second.protocol)
        assert len(first.protocol) > 20


def _difference(first: tuple[str, ...], second: tuple[str, ...]) -> str:
    return next(
        (f"{one!r} was {two!r}" for one, two in zip(first, second, strict=False) if one != two), "one is longer"
    )


def test_a_slice_of_seeds_has_no_breach(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["torture", "--runs", "6", "--seed", "100", "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 0, told["failed"]
    assert (told["runs"], told["seed"], told["duplicates"], told["lost"], told["failures"]) == (6, 100, 0, 0, 0)
    assert told["documents"] > 0 and told["events"] > 0


def test_a_failed_campaign_exits_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    script = caught("a key is trusted after its window", monkeypatch)
    assert main(["torture", "--runs", "1", "--seed", str(script.seed)]) == 1
    assert f"seed {script.seed} failed" in capsys.readouterr().out


@pytest.mark.parametrize("sink", ["quickbooks", "xero", "odoo", "folder"])
def test_each_sink_is_played_by_name(sink: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["torture", "--runs", "3", "--seed", "40", "--sink", sink, "--format", "json"]) == 0, (
        capsys.readouterr().out
    )
    assert json.loads(capsys.readouterr().out)["documents"] > 0


def test_a_sink_without_fake_books_is_told() -> None:
    with pytest.raises(UsageError, match="no fake books for the sink 'ledgerbook'"):
        fake_of("ledgerbook")
