"""The run lock: one writer, whatever became of the files that it leaves. Windows' manners are put in their place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from billsync.model.errors import LedgerError, Locked
from billsync.sync import lock
from billsync.sync.lock import run_lock
from tests.conftest import ROOT

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from billsync.sync.lock import run_lock
with run_lock(Path(sys.argv[1]), now=lambda: datetime(2026, 3, 1, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.05)
    return tmp_path / "billsync.db"


def taken(ledger: Path) -> None:
    """Take the lock and let it go."""
    with run_lock(ledger, now=lambda: NOW):
        pass


@contextmanager
def held(ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """The lock in the hands of another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ledger)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def refused(ledger: Path) -> Locked:
    with pytest.raises(Locked) as caught:
        taken(ledger)
    return caught.value


def test_the_holder_is_named_and_a_killed_one_frees_the_lock(ledger: Path) -> None:
    with held(ledger) as process:
        assert f"process {process.pid} on " in refused(ledger).where
    assert ledger.with_name("billsync.db.holder").exists(), "this test wants the note of a killed holder"
    with run_lock(ledger, now=lambda: NOW):
        note = json.loads(ledger.with_name("billsync.db.holder").read_text(encoding="utf-8"))
        assert note["pid"] == os.getpid(), "the note names a process that is dead"
        assert str(os.getpid()) in refused(ledger).where
    assert not ledger.with_name("billsync.db.holder").exists()


@pytest.mark.parametrize("note", ["", "{", '{"pid": 1', "{}", "[]", "7", "null", "\ufffd"])
def test_a_note_that_cannot_be_understood_hides_no_lock(ledger: Path, note: str) -> None:
    with held(ledger):
        ledger.with_name("billsync.db.holder").write_text(note, encoding="utf-8")
        assert refused(ledger).where == str(ledger)


def test_files_that_nobody_else_may_read_hide_no_lock(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the holder's files may be closed to everybody else."""

    def closed(self: Path, *values: object, **named: object) -> str:
        raise PermissionError(13, "used by another process")

    with held(ledger):
        monkeypatch.setattr(Path, "read_text", closed)
        assert refused(ledger).where == str(ledger)


def test_a_note_that_cannot_be_removed_keeps_no_lock(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows a file cannot be removed while somebody reads it."""

    def in_use(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "used by another process")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", in_use)
        taken(ledger)
    assert ledger.with_name("billsync.db.holder").exists()
    taken(ledger)


def test_a_lock_file_that_stays_is_no_lock(ledger: Path) -> None:
    ledger.with_name("billsync.db.lock").write_text("from last year", encoding="utf-8")
    ledger.with_name("billsync.db.holder").write_text('{"pid": 4711, "host": "a", "since": "b"}', encoding="utf-8")
    taken(ledger)
    taken(ledger)


@pytest.mark.parametrize("name", ["billsync.db.lock", "billsync.db.holder"])
def test_a_folder_in_the_place_of_a_file_is_told_and_keeps_no_lock(ledger: Path, name: str) -> None:
    ledger.with_name(name).mkdir()
    with pytest.raises(LedgerError, match="cannot be written"):
        taken(ledger)
    ledger.with_name(name).rmdir()
    taken(ledger)
