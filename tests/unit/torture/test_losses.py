"""A disk that fails: under the ledger at a commit, under the folder's books at any call that changes a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from billsync.model.errors import Denied, Unavailable
from billsync.torture import Script, play
from billsync.torture.disk import CALLS, ERRORS, Disk
from billsync.torture.edges import LOSSES, Edges
from billsync.torture.play import Played
from billsync.torture.script import Event, Night
from billsync_plugins.sinks.folder import Folder, FolderOptions
from tests.plugins.sinks.invoices import invoice

UNUSED = {"link", "chmod"} if os.name == "nt" else {"rename"}
"""What keeps two writers apart is a rename on Windows, a hard link elsewhere."""
WORK = (Event(what="insert", name="time", at=1, how=0), Event(what="insert", name="expenses", at=1, how=1))


def played(sink: str, trouble: Event) -> Played:
    """Two nights, the first one with a loss; no breach."""
    nights = (Night(wait=0, day=WORK, trouble=(trouble,)), Night(wait=86_400))
    run = play(Script(seed=0, sink=sink, shape=1, books=4, changes="since", nights=nights))
    assert not run.breaches, (run.breaches, run.protocol)
    return run


@pytest.mark.parametrize("at", [1, 5, 9])
@pytest.mark.parametrize("loss", range(len(LOSSES)))
def test_the_ledger_s_disk_fails_at_a_commit(loss: int, at: int) -> None:
    run = played("plain", Event(what="disk", at=at, how=loss))
    lost = next(number for number, line in enumerate(run.protocol) if f"disk {LOSSES[loss]} at commit" in line)
    exits = [line.split("exit ")[1][0] for line in run.protocol[lost:] if " exit " in line]
    assert exits[0] == "5", f"a ledger that could not be written is told with exit code {exits[0]}"


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("call", sorted({*CALLS} - UNUSED))
def test_the_folder_s_disk_fails_and_one_document_is_there_in_the_end(tmp_path: Path, call: str, done: bool) -> None:
    """Each call of a document's making, one after the other, with each error; the last attempt is undisturbed."""
    said: list[str] = []
    disk = Disk(tmp_path, Edges(said.append), said.append)
    books = Folder("books", FolderOptions(path=tmp_path / "invoices"))
    for skip in range(12):
        disk.fail(ERRORS[skip % len(ERRORS)], call=call, skip=skip, done=done)
        try:
            with disk.watched():
                books.create(invoice(), "key")
        except (Denied, Unavailable) as error:
            assert error.sent, f"it is not certain that nothing was written: {error}"
        disk.forgive()
        assert len(books.find(invoice())) <= 1
    assert said, f"no {call} failed"
    assert books.create(invoice(), "key").reference == "BS-AAAABBBBCCCC"
    assert len(list((tmp_path / "invoices").glob("*.json"))) == 1 == len(books.find(invoice()))


def test_a_folder_that_cannot_be_written_is_told_in_the_night(tmp_path: Path) -> None:
    run = played("folder", Event(what="sink", at=8, how=1, name="refused"))
    told = [line for line in run.protocol if errno.errorcode[ERRORS[1]] in line]
    assert told and " exit 0" not in run.protocol[run.protocol.index(told[0]) + 1], run.protocol
