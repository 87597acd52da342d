"""Copies that can be relied on, and putting one back without forgetting what came later."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing

import pytest

from billsync.ledger.backup import restore
from billsync.model.errors import Fork, LedgerError, UsageError
from tests.conftest import ROOT
from tests.unit.ledger.conftest import World, assert_sound, entry, facts, observe

WRITER = """
import sys
from pathlib import Path
from tests.unit.ledger.conftest import World, entry, observe

world = World(Path(sys.argv[1]))
with world.open() as ledger:
    for number in range(int(sys.argv[2])):
        observe(ledger, world.clock, *(entry(f"{sys.argv[3]}-{number}-{each}") for each in range(20)), full=False)
        print(number, flush=True)
"""


def writer(world: World, times: int, name: str) -> subprocess.Popen[str]:
    """A process of its own that goes on polling into the ledger."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(world.path), str(times), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def test_a_backup_is_the_ledger(world, tmp_path):
    target = tmp_path / "kept" / "monday.db"
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        made = ledger.backup(target, world.clock())
        found = ledger.verify()
        assert (made.path, made.rows, made.head, made.taken_at) == (target, found.rows, found.head, world.clock.at)
        name = ledger.id
    assert [path.name for path in target.parent.iterdir()] == ["monday.db"], "a backup is one file, complete in itself"
    with World(target).open(read_only=True) as copy:
        assert copy.id == name and len(facts(copy, world.clock).records) == 1


def test_a_backup_replaces_the_older_one(world, tmp_path):
    with world.open() as ledger:
        for number in range(2):
            observe(ledger, world.clock, entry(str(number)), full=False)
            ledger.backup(tmp_path / "copy.db", world.clock())
    with World(tmp_path / "copy.db").open(read_only=True) as copy:
        assert len(facts(copy, world.clock).records) == 2


def test_a_backup_under_a_running_writer_verifies(world, tmp_path):
    with world.open():
        process = writer(world, 40, "w")
    assert process.stdout is not None
    sizes = []
    with process, world.open(read_only=True) as ledger:
        for line in process.stdout:
            if int(line) % 8 == 0:
                made = ledger.backup(tmp_path / f"{int(line)}.db", world.clock())
                with World(made.path).open(read_only=True) as copy:
                    sizes.append(len(facts(copy, world.clock).records))
                    assert sizes[-1] % 20 == 0, "half a poll is in the backup"
    assert process.returncode == 0 and sizes == sorted(sizes) and sizes[-1] > 0


def test_several_writers_at_once_lose_nothing_and_tear_nothing(world):
    with world.open():
        pass
    crowd = [writer(world, 8, name) for name in "abcd"]
    for process in crowd:
        process.communicate()
        assert process.returncode == 0
    with world.open() as ledger:
        assert len(facts(ledger, world.clock).records) == 4 * 8 * 20
        assert_sound(ledger)


def test_several_processes_make_one_ledger(world):
    """A first night that starts twice must not make two ledgers, nor half a one."""
    crowd = [writer(world, 1, name) for name in "abcd"]
    for process in crowd:
        process.communicate()
        assert process.returncode == 0
    with world.open() as ledger:
        assert [row.event for row in ledger.journal_rows()].count("created") == 1
        assert_sound(ledger)


def tampered(world: World) -> None:
    with closing(sqlite3.connect(world.path)) as raw:
        sql = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_refuses_update'").fetchone()[0]
        raw.execute("DROP TRIGGER journal_refuses_update")
        raw.execute("UPDATE journal SET actor = 'eve' WHERE seq = 2")
        raw.execute(sql)
        raw.commit()


def test_a_copy_that_does_not_verify_is_not_kept(world, tmp_path):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
    tampered(world)
    with world.open() as ledger, pytest.raises(LedgerError, match="row 2 was altered"):
        ledger.backup(tmp_path / "copy.db", world.clock())
    assert [path.name for path in tmp_path.iterdir()] == [world.path.name], "a bad copy was left behind"


def test_restoring_onto_nothing_brings_the_ledger_back(world, tmp_path):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        ledger.backup(tmp_path / "copy.db", world.clock())
    world.path.unlink()
    assert restore(tmp_path / "copy.db", world.path) is None
    with world.open() as ledger:
        assert len(facts(ledger, world.clock).records) == 1
        observe(ledger, world.clock, entry("2"))
        assert_sound(ledger)


def test_restoring_over_a_ledger_that_knows_more_is_refused(world, tmp_path):
    with world.open() as ledger:
        ledger.backup(tmp_path / "copy.db", world.clock())
        observe(ledger, world.clock, entry("1"))
    with pytest.raises(Fork, match="1 journal rows that the backup does not have") as caught:
        restore(tmp_path / "copy.db", world.path)
    assert "relearn" in caught.value.hint
    with world.open() as ledger:
        assert len(facts(ledger, world.clock).records) == 1, "a refused restore changed the ledger"
    kept = restore(tmp_path / "copy.db", world.path, force=True)
    with world.open() as ledger:
        assert facts(ledger, world.clock).records == ()
    assert kept is not None
    with World(kept).open(read_only=True) as replaced:
        assert len(facts(replaced, world.clock).records) == 1, "what was replaced must be kept"


def test_a_damaged_ledger_is_replaced_at_a_persons_word_and_kept(world, tmp_path):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        ledger.backup(tmp_path / "copy.db", world.clock())
    world.path.write_bytes(b"\xff" * 9000)
    with pytest.raises(LedgerError, match="not a ledger"):
        restore(tmp_path / "copy.db", world.path)
    kept = restore(tmp_path / "copy.db", world.path, force=True)
    assert kept is not None and kept.read_bytes() == b"\xff" * 9000
    with world.open() as ledger:
        assert len(facts(ledger, world.clock).records) == 1
        assert_sound(ledger)


def test_each_ledger_that_was_replaced_is_kept(world, tmp_path):
    """A second restore, perhaps of the right backup this time, must not cost what the first one set aside."""
    with world.open() as ledger:
        ledger.backup(tmp_path / "copy.db", world.clock())
        observe(ledger, world.clock, entry("1"))
    first = restore(tmp_path / "copy.db", world.path, force=True)
    second = restore(tmp_path / "copy.db", world.path, force=True)
    assert first is not None and second is not None and first != second
    with World(first).open(read_only=True) as replaced:
        assert len(facts(replaced, world.clock).records) == 1, "the second restore destroyed what the first one kept"


def test_what_a_deleted_ledger_left_beside_it_does_not_get_into_the_restored_one(world, tmp_path):
    """A run was killed, then somebody deleted the ledger's file and forgot its WAL."""
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        ledger.backup(tmp_path / "copy.db", world.clock())
    with world.open() as ledger:
        for number in range(2, 30):
            observe(ledger, world.clock, entry(str(number)))
        log = world.path.with_name(world.path.name + "-wal")
        left = log.read_bytes()
    world.path.unlink()
    log.write_bytes(left)
    assert restore(tmp_path / "copy.db", world.path) is None
    with world.open() as ledger:
        assert len(facts(ledger, world.clock).records) == 1, "pages of the deleted ledger were played into the backup"
        assert_sound(ledger)


def test_restoring_another_ledger_is_refused(world, tmp_path):
    other = World(tmp_path / "other.db", ids=iter([9]))
    with other.open() as ledger:
        observe(ledger, other.clock, entry("1"))
        ledger.backup(tmp_path / "copy.db", other.clock())
    with world.open():
        pass
    with pytest.raises(Fork, match="different histories"):
        restore(tmp_path / "copy.db", world.path)


def test_restoring_the_same_state_is_no_fork(world, tmp_path):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        ledger.backup(tmp_path / "copy.db", world.clock())
    assert restore(tmp_path / "copy.db", world.path) is not None
    with world.open() as ledger:
        assert_sound(ledger)


def test_a_backup_that_is_not_there_is_told(world, tmp_path):
    with pytest.raises(UsageError, match="no such backup"):
        restore(tmp_path / "nowhere.db", world.path)
    assert not world.path.exists()


def test_a_tampered_backup_is_not_restored(world, tmp_path):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        ledger.backup(tmp_path / "copy.db", world.clock())
    tampered(World(tmp_path / "copy.db"))
    with pytest.raises(LedgerError, match="does not verify"):
        restore(tmp_path / "copy.db", world.path, force=True)
    with world.open() as ledger:
        assert_sound(ledger)
