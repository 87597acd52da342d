"""A slice of the crash matrix: real runs killed at each kind of boundary, and what a disk that refuses leaves behind.

The whole of it is `python -m benchmarks crash-matrix`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from benchmarks.children import Nursery, command
from benchmarks.crash_matrix import Cell, Matrix, Outcome
from benchmarks.firm import Small, judged, small
from tests.unit.torture import planted

UNHELPED, LATE = 12, 14
"""Plain books without key and unique numbers: visible at once, and after a minute."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


def cell(sink: str, fault: str = "none", *, manners: int = 0, place: int = 0) -> Cell:
    return Cell(sink=sink, manners=manners, fault=fault, phase="during", edge=0, kind="", what="", place=place)


def one_of_each(cells: list[Cell]) -> dict[str, Cell]:
    """One edge of each boundary, the same ones each time."""
    random = Random(7)
    kinds = dict.fromkeys(one.kind for one in cells)
    return {kind: random.choice([one for one in cells if one.kind == kind]) for kind in kinds}


def assert_recovered(outcome: Outcome) -> None:
    at = f"{outcome.cell.sink}, {outcome.cell.fault}, killed at {outcome.cell.kind} {outcome.cell.what}"
    assert outcome.killed, f"{at}: the run was to be killed, and lived"
    assert (outcome.doubles, outcome.lost) == (0, 0), f"{at}: {outcome.wrong}"
    assert outcome.how, f"{at}: not recovered: {outcome.wrong}"


@pytest.mark.parametrize(
    ("start", "boundaries"),
    [
        (cell("quickbooks"), {"ledger", "lock", "send", "receive", "login", "tokens", "file"}),
        (cell("quickbooks", "reset_after"), {"ledger", "send", "receive"}),
        (cell("plain", "timeout_after", manners=LATE), {"send", "receive"}),
        (cell("plain", "slow", manners=UNHELPED), {"send", "receive"}),
        (cell("folder"), {"ledger", "lock", "file"}),
        (cell("folder", "ENOSPC", place=20), {"file"}),
    ],
    ids=lambda value: f"{value.sink}-{value.fault}" if isinstance(value, Cell) else "",
)
def test_a_run_killed_at_any_boundary_is_recovered_by_the_next(nursery, start, boundaries):
    matrix = Matrix(nursery)
    found = one_of_each(matrix.counted(start))
    assert boundaries <= found.keys(), "a boundary is not watched any more"
    for kind in sorted(boundaries):
        assert_recovered(matrix.run(found[kind]))


def test_a_second_kill_while_the_first_is_made_good(nursery):
    matrix = Matrix(nursery)
    sent = [one for one in matrix.counted(cell("plain", manners=LATE)) if one.kind == "receive"]
    again = Cell(sink="plain", manners=LATE, fault="none", phase="twice", edge=sent[1].edge,
                 kind="receive", what="", place=12)  # fmt: skip
    outcome = matrix.run(again)
    assert_recovered(outcome)
    assert outcome.killed == 2
    assert outcome.how == "after settling", "nobody could know whether it had arrived"


# ---- The matrix itself -------------------------------------------------------------------------------------------


def without_looking(clock: str, *words: str) -> int:
    """`billsync`, with a bug: what is open is sent again without a question."""
    planted.without_looking(pytest.MonkeyPatch())
    return command(clock, *words)


def committed_late(clock: str, *words: str) -> int:
    """`billsync`, with another: that a document is being sent is written down afterwards."""
    planted.commit_after_the_request(pytest.MonkeyPatch())
    return command(clock, *words)


@pytest.mark.parametrize(("bug", "doubles"), [(without_looking, 1), (committed_late, 0)])
def test_a_planted_bug_is_caught(nursery, bug, doubles):
    matrix = Matrix(nursery, call=f"{__name__}:{bug.__name__}")
    taken = [one for one in matrix.counted(cell("plain", manners=UNHELPED)) if one.kind == "receive"]
    outcome = matrix.run(taken[1])
    assert not outcome.how and outcome.wrong, "a run that may send twice passes for recovered"
    assert outcome.doubles == doubles, outcome.wrong


def test_a_restore_killed_at_any_step_leaves_one_ledger_in_place_and_the_other_kept(nursery, tmp_path):
    """The backup is a night old; what people decided since stands in no books, and must not be lost with the run."""
    with small(tmp_path, "folder") as firm:
        assert nursery.one(firm.job("sync")).code == 0
        copy = tmp_path / "copy.db"
        assert nursery.one(firm.job("ledger", "backup", str(copy))).code == 0
        words = ("review", "hold", "time/work/T-acme-0", "--reason", "asked to wait", "--person", "ana")
        assert nursery.one(firm.job(*words)).code in (0, 1), firm.said()[-1500:]
        restore = ("ledger", "restore", str(copy), "--force")
        state = {path: path.read_bytes() for path in firm.home.glob("billsync.db*")}
        assert nursery.one(firm.watched(*restore)).code == 0, firm.said()[-1500:]
        edges = [number for number, (kind, what) in enumerate(firm.edges(), 1) if kind != "lock"]
        for number in edges[:: max(1, len(edges) // 12)]:
            for path in firm.home.glob("billsync.db*"):
                path.unlink()
            for path, content in state.items():
                path.write_bytes(content)
            assert nursery.one(firm.watched(*restore, edge=number)).killed, "the edge is not reached any more"
            held = [_holds(path) for path in firm.home.glob("billsync.db*") if path.suffix not in (".lock", ".holder")]
            at = " ".join(firm.edges()[-1])
            assert (firm.home / "billsync.db").is_file(), f"killed at {at}: there is no ledger in its place"
            assert any(held), f"killed at {at}: the decision is in no file any more"
            assert nursery.one(firm.job("audit", "verify")).code == 0, f"killed at {at}: {firm.said()[-800:]}"


def _holds(path: Path) -> bool:
    return b"asked to wait" in path.read_bytes()


# ---- A disk that refuses -----------------------------------------------------------------------------------------

if sys.platform != "win32":  # Windows knows no limit of this kind

    @pytest.fixture
    def firm(tmp_path: Path) -> Iterator[Small]:
        with small(tmp_path, "folder") as found:
            yield found

    def test_files_that_may_not_grow_leave_nothing_by_half(nursery, firm):
        """The database's own writes fail, wherever the limit happens to lie; then there is room again."""
        codes = {}
        for kibibytes in (4, 40, 150, 260, 290, 320):
            codes[kibibytes] = nursery.one(firm.job("sync", file_size=kibibytes * 1024)).code
            if codes[kibibytes] == 0:
                assert judged(firm).wrong == (), "all is well, says a run that had no room"
        assert set(codes.values()) <= {0, 4, 5}, f"not an error that people can act on: {codes}: {firm.said()[-1500:]}"
        assert codes[4] == codes[40] == 5, f"a ledger without room must be told: {codes}"
        assert nursery.one(firm.job("sync")).code == 0, firm.said()[-1500:]
        found = judged(firm)
        assert (found.doubles, found.lost, found.wrong) == (0, 0, ())
