"""Processes that write into a folder of invoices.

folder_writer.py FOLDER REFERENCES               creates the documents; prints `reference number` for each
folder_writer.py FOLDER REFERENCES STEP          the same, but dies as by kill -9 right before its so-manieth touch
                                                 of the folder
folder_writer.py FOLDER REFERENCES every         the above for every step there is, each in FOLDER/STEP/invoices,
                                                 what it printed in FOLDER/STEP/answers
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

from billsync.model.errors import BillsyncError
from billsync_plugins.sinks.folder import Folder, FolderOptions
from tests.plugins.sinks.invoices import invoice


def die_before(step: int, folder: str) -> None:
    """Count what touches the folder (open, link, rename, remove, mkdir) and die before the given one."""
    touched = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        if event not in {"open", "os.link", "os.rename", "os.remove", "os.mkdir"}:
            return
        if any(isinstance(argument, str | os.PathLike) and folder in str(argument) for argument in arguments):
            touched += 1
            if touched == step:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    sys.addaudithook(watch)


def create(folder: str, references: str, step: int = 0) -> None:
    """Create the documents of these references, one after the other."""
    sink = Folder("books", FolderOptions(path=Path(folder)))
    if step:
        die_before(step, folder)
    for reference in references.split(","):
        print(reference, sink.create(invoice(reference), reference).number, flush=True)


def every(folder: str, references: str) -> None:
    """One process a step, until one lives to the end."""
    for step in count(1):
        place = Path(folder) / str(step)
        place.mkdir(parents=True)
        with (place / "answers").open("wb") as answers:
            if run(str(place / "invoices"), references, step, answers.fileno()) == 0:
                return


def run(folder: str, references: str, step: int, answers: int) -> int:
    """The exit of one process: by fork where there is one, since it need not import anything again."""
    if not hasattr(os, "fork"):
        return subprocess.run([sys.executable, __file__, folder, references, str(step)], stdout=answers).returncode
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    os.dup2(answers, 1)
    status = 1
    try:
        create(folder, references, step)
        status = 0
    except (BillsyncError, OSError) as error:
        print(f"failed: {error!r}", flush=True)
    finally:
        os._exit(status)  # a forked child must not go on in the parent's loop


if __name__ == "__main__":
    if sys.argv[3:] == ["every"]:
        every(sys.argv[1], sys.argv[2])
    else:
        create(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
