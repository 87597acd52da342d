"""Opening: a new ledger, a private one, one that is none, one that may only be read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database

from billsync.ledger import Ledger, database
from billsync.ledger.migrations import APPEND_ONLY, migrations
from billsync.model.errors import LedgerError
from tests.unit.ledger.conftest import World, entry, facts, observe

NOBODY = 65534


@contextmanager
def without_privileges() -> Iterator[None]:
    """The superuser may write anywhere; the ledger's user may not."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="billsync-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


def raw(ledger: Ledger) -> sqlite3.Connection:
    return ledger._conn


def test_a_new_ledger_has_a_name_that_it_keeps(world):
    with world.open() as ledger:
        name = ledger.id
        [created] = ledger.journal_rows()
    assert name == "ledger-0" and created.event == "created"
    with world.open() as ledger:
        assert ledger.id == name, "opening again made another ledger of it"


def test_a_new_ledger_is_made_in_a_folder_that_is_not_there_yet(world):
    world.path = world.path.parent / "new" / "folder" / "billsync.db"
    with world.open():
        assert world.path.is_file()


def test_only_the_owner_may_read_the_ledger(world):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        for path in world.path.parent.iterdir():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert sys.platform == "win32" or mode == 0o600, f"{path.name} can be read by others: {mode:o}"


def test_a_commit_survives_a_power_cut(ledger):
    assert raw(ledger).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert raw(ledger).execute("PRAGMA synchronous").fetchone() == (2,), "FULL"


def test_no_column_can_hold_a_float(ledger):
    tables = [row[0] for row in raw(ledger).execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert len(tables) > len(APPEND_ONLY)
    for table in tables:
        for column in raw(ledger).execute(f"PRAGMA table_info({table})"):
            assert column[2] in ("INTEGER", "TEXT", "BLOB"), f"{table}.{column[1]} is {column[2]}"
    strict = dict(raw(ledger).execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall())
    loose = {name for name in tables if not strict[name]}
    assert loose == {"_sqlite_migrations"}, "these tables take any type in any column"


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {0} SET rowid = rowid", "DELETE FROM {0}"])
def test_what_was_written_cannot_be_rewritten(ledger, world, table, change):
    fill(ledger, table)
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        raw(ledger).execute(change.format(table))


def fill(ledger: Ledger, table: str) -> None:
    """One row of anything: a trigger runs for each row only."""
    columns = raw(ledger).execute(f"PRAGMA table_info({table})").fetchall()
    some = {"INTEGER": 7, "TEXT": "x", "BLOB": bytes(32)}
    ledger._db.table(table).insert({column[1]: some[column[2]] for column in columns})


def test_a_file_that_is_no_database_is_refused_and_left_alone(world):
    world.path.write_text("Dear accountant,\n" * 400, encoding="utf-8")
    with pytest.raises(LedgerError, match="not a ledger") as caught:
        world.open()
    assert caught.value.where == str(world.path) and caught.value.hint
    assert world.path.read_text(encoding="utf-8").startswith("Dear accountant")


def test_a_damaged_file_is_named_with_what_to_do(world):
    with world.open() as ledger:
        observe(ledger, world.clock, *(entry(str(number)) for number in range(200)))
    data = bytearray(world.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    world.path.write_bytes(data)
    with pytest.raises(LedgerError, match="damaged") as caught, world.open() as ledger:
        facts(ledger, world.clock)
    assert "restore" in caught.value.hint


def test_a_folder_in_the_place_of_the_ledger(world):
    world.path.mkdir()
    with pytest.raises(LedgerError) as caught:
        world.open()
    assert caught.value.where == str(world.path)


def test_a_file_in_the_place_of_the_folder(world):
    world.path.parent.joinpath("file").write_text("x", encoding="utf-8")
    world.path = world.path.parent / "file" / "billsync.db"
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        world.open()
    assert "permissions" in caught.value.hint


def test_an_unwritable_folder_is_named(open_folder):
    world = World(open_folder / "billsync.db")
    open_folder.chmod(0o555)
    with without_privileges(), pytest.raises(LedgerError) as caught:
        world.open()
    assert caught.value.where == str(world.path) and "permissions" in caught.value.hint


def test_a_ledger_in_a_folder_that_cannot_be_written_can_still_be_read(open_folder):
    world = World(open_folder / "billsync.db")
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
    world.path.chmod(0o444)
    open_folder.chmod(0o555)
    with without_privileges(), world.open(read_only=True) as ledger:
        assert len(facts(ledger, world.clock).records) == 1
        assert ledger.verify().ok


def test_an_unwritable_file_is_named(open_folder):
    world = World(open_folder / "billsync.db")
    with world.open():
        world.path.chmod(0o444)
    with without_privileges(), pytest.raises(LedgerError, match="cannot be written") as caught:
        world.open()
    assert caught.value.where == str(world.path) and caught.value.hint


def test_reading_only_makes_no_ledger(world):
    with pytest.raises(LedgerError, match="no ledger yet"):
        world.open(read_only=True)
    assert not world.path.exists()


def test_reading_only_changes_nothing(world):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
    before = world.path.read_bytes()
    with world.open(read_only=True) as ledger:
        facts(ledger, world.clock)
        with pytest.raises(LedgerError, match="reading only"):
            observe(ledger, world.clock, entry("2"))
    assert world.path.read_bytes() == before


def test_reading_only_says_that_a_ledger_must_be_migrated(world):
    with closing(Database(sqlite3.connect(world.path))) as older:
        migrations.apply(older, stop_before="second")
    with pytest.raises(LedgerError, match="migrated"):
        world.open(read_only=True)
    with world.open():
        pass
    with world.open(read_only=True) as ledger:
        assert ledger.verify().ok


@pytest.mark.parametrize("read_only", [True, False])
def test_another_programs_database_gets_no_table_of_ours(world, read_only):
    with closing(sqlite3.connect(world.path)) as theirs:
        theirs.execute("CREATE TABLE customers (name)")
    with pytest.raises(LedgerError, match="another program's database"):
        world.open(read_only=read_only)
    with closing(sqlite3.connect(world.path)) as theirs:
        assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]


def test_an_old_sqlite_is_told_before_anything_is_made(world, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(LedgerError, match=r"needs 3\.37"):
        world.open()
    assert not world.path.exists()


def test_a_second_writer_waits_and_then_says_so(world, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    with world.open() as first, world.open() as second, first.transaction():
        observe(first, world.clock, entry("1"))
        with pytest.raises(LedgerError, match="another process is writing"):
            observe(second, world.clock, entry("2"))


def test_readers_do_not_wait_for_a_writer(world):
    with world.open() as writer, world.open(read_only=True) as reader, writer.transaction():
        observe(writer, world.clock, entry("1"))
        assert facts(reader, world.clock).records == (), "what is not committed was seen"


def test_a_full_disk_leaves_the_ledger_as_it_was(world):
    with world.open() as ledger:
        observe(ledger, world.clock, entry("1"))
        pages = raw(ledger).execute("PRAGMA page_count").fetchone()[0]
        raw(ledger).execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(LedgerError, match="disk is full") as caught:
            observe(ledger, world.clock, *(entry(str(number)) for number in range(2000)))
        assert "as it was" in caught.value.hint
        assert len(facts(ledger, world.clock).records) == 1 and ledger.verify().ok
    with world.open() as ledger:
        assert observe(ledger, world.clock, entry("1"), entry("2")).new == 1


def test_a_rehearsal_leaves_nothing(ledger, world):
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        observe(ledger, world.clock, entry("1"))
        assert len(facts(ledger, world.clock).records) == 1
        raise ZeroDivisionError
    assert facts(ledger, world.clock).records == () and len(list(ledger.journal_rows())) == 1


def test_what_others_fail_at_inside_a_transaction_is_not_told_of_the_ledger(ledger):
    with pytest.raises(FileNotFoundError), ledger.transaction():
        raise FileNotFoundError("a vendor's file")


def test_what_fails_inside_a_transaction_takes_only_itself_back(ledger, world):
    with ledger.transaction():
        observe(ledger, world.clock, entry("1"))
        with pytest.raises(ValueError, match="brought a time"):
            observe(ledger, world.clock, entry("2"), kind="expense")
    assert len(facts(ledger, world.clock).records) == 1
