"""A disk that refuses: too small at any size, turned read-only, failing its writes. Real runs on real file systems.

`python -m benchmarks losses [--steps N]`

full        the firm's folder is a file system of its own (tmpfs), from much too small to nearly enough: a run that has
            not billed everything must end with an exit code that says so, and once there is room the next one bills
            the rest: nothing twice, nothing by half
read-only   the same folder, mounted read-only after a good night: the ledger can be read, and nothing is sent
limit       no file may grow beyond a limit (RLIMIT_FSIZE): the database's own writes fail in the middle
error       each file operation of books in a folder in turn answers EIO, ENOSPC, EROFS, EACCES

Mounting needs Linux and root; elsewhere only the last two run.
"""

from __future__ import annotations

import argparse
import errno
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.children import Nursery
from benchmarks.firm import Small, columns, judged, memory, small

ROOM: Final = "size=64m"
GOOD: Final = (0, 4, 5)
"""Everything was billed; the books refused or it is not known; the ledger could not be written."""
ERRORS: Final = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES)


@dataclass(slots=True)
class Tally:
    """What was counted for one kind of refusal."""

    runs: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    doubles: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)

    def refused(self, firm: Small, code: int, what: str) -> None:
        """A run on the disk that refuses: it must not call well what is not."""
        self.runs += 1
        self.codes[code] += 1
        if code not in GOOD:
            self.wrong.append(f"{what}: exit code {code}: {firm.said()[-500:]}")
        if code == 0:
            self.judge(firm, what)

    def judge(self, firm: Small, what: str) -> None:
        """Everything must be billed now."""
        found = judged(firm)
        self.doubles += found.doubles
        self.lost += found.lost
        self.wrong += [f"{what}: {one}" for one in found.wrong]

    def recovered(self, nursery: Nursery, firm: Small, what: str) -> None:
        """The next run, on a disk with room."""
        code = nursery.one(firm.job("sync")).code
        if code == 4:
            firm.clock.advance(200)
            code = nursery.one(firm.job("sync")).code
        if code != 0:
            self.wrong.append(f"{what}: afterwards exit code {code}: {firm.said()[-500:]}")
        self.judge(firm, what)


@contextmanager
def mounted(sink: str, options: str) -> Iterator[tuple[Small, Callable[[str], None]]]:
    """A firm whose folder is a file system of its own, and a way to mount that anew with other options."""
    with tempfile.TemporaryDirectory(prefix="billsync-loss-", dir=memory()) as folder:
        home = Path(folder) / "firm"
        home.mkdir()

        def mount(how: str) -> None:
            subprocess.run(["mount", "-t", "tmpfs", "-o", how, "billsync-loss", str(home)], check=True)  # noqa: S607

        mount(ROOM)
        try:
            with small(Path(folder), sink) as firm:
                mount_again = f"remount,{options}" if options else ""
                if mount_again:
                    mount(mount_again)
                yield firm, lambda how: mount(f"remount,{how}")
        finally:
            subprocess.run(["umount", "--lazy", str(home)], check=True)  # noqa: S607


def full(nursery: Nursery, steps: int) -> Tally:
    """From 40 KiB to 1 MiB."""
    tally = Tally()
    for sink in ("folder", "quickbooks"):
        for step in range(steps):
            kibibytes = 40 + 984 * step // steps
            with mounted(sink, f"size={kibibytes}k") as (firm, mount):
                what = f"{sink} on {kibibytes} KiB"
                tally.refused(firm, nursery.one(firm.job("sync")).code, what)
                mount(ROOM)
                tally.recovered(nursery, firm, what)
    return tally


def read_only(nursery: Nursery) -> Tally:
    """A night, more work, and then the disk is read-only."""
    tally = Tally()
    for sink in ("folder", "quickbooks"):
        with mounted(sink, "") as (firm, mount):
            nursery.one(firm.job("sync"))
            firm.work()
            firm.clock.advance(days=1)
            before = len(firm.standing())
            mount("ro")
            code = nursery.one(firm.job("sync")).code
            tally.refused(firm, code, f"{sink} read-only")
            if code == 0 or len(firm.standing()) != before:
                tally.wrong.append(f"{sink}: something was sent from a ledger that cannot be written")
            if nursery.one(firm.job("reconcile")).code not in (0, 1):
                tally.wrong.append(f"{sink}: a ledger on a read-only disk cannot be read: {firm.said()[-500:]}")
            mount("rw")
            tally.recovered(nursery, firm, f"{sink} read-only")
    return tally


def limited(nursery: Nursery, steps: int) -> Tally:
    """No file beyond 4 KiB to 1.5 MiB."""
    tally = Tally()
    for step in range(steps):
        kibibytes = 4 + 1532 * step // steps
        with _firm() as firm:
            job = firm.job("sync", file_size=kibibytes * 1024)
            tally.refused(firm, nursery.one(job).code, f"files of {kibibytes} KiB")
            tally.recovered(nursery, firm, f"files of {kibibytes} KiB")
    return tally


def errors(nursery: Nursery, steps: int) -> Tally:
    """One file operation fails, then the next one in another run, and so on."""
    tally = Tally()
    for number in range(steps):
        error = ERRORS[number % len(ERRORS)]
        with _firm() as firm:
            what = f"{errno.errorcode[error]} at file operation {1 + number}"
            tally.refused(firm, nursery.one(firm.watched("sync", error=(error, 1 + number))).code, what)
            tally.recovered(nursery, firm, what)
    return tally


@contextmanager
def _firm() -> Iterator[Small]:
    with (
        tempfile.TemporaryDirectory(prefix="billsync-loss-", dir=memory()) as folder,
        small(Path(folder), "folder") as firm,
    ):
        yield firm


def main(words: Sequence[str] = ()) -> None:
    """Run what this system can, and print. Exit code 1 where anything was double, lost or wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks losses")
    parser.add_argument("--steps", type=int, default=40)
    steps = parser.parse_args(list(words)).steps
    started = time.monotonic()
    with Nursery() as nursery:
        found = {"error": errors(nursery, steps)}
        if sys.platform != "win32":
            found["limit"] = limited(nursery, steps)
        if sys.platform == "linux" and os.geteuid() == 0:
            found |= {"full": full(nursery, steps // 2), "read-only": read_only(nursery)}
    head = ("disk", "runs", "exit codes", "doubles", "lost")
    rows = [
        (
            name,
            one.runs,
            ", ".join(f"{code}: {count}" for code, count in sorted(one.codes.items())),
            one.doubles,
            one.lost,
        )
        for name, one in found.items()
    ]
    print(columns([head, *rows]))
    print(f"{time.monotonic() - started:.0f} s")
    wrong = [what for one in found.values() for what in one.wrong]
    for what in wrong:
        print(f"WRONG: {what}")
    if wrong or any(one.doubles or one.lost for one in found.values()):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
