"""The proof of a small invoice in a journal of 1,000,000 rows: its size, and how long the auditor's checker takes.

The invoice has one line of one time entry, approved by a person on another day, out of a poll of 1,000 entries; the
proof continues a head that was noted thousands of rows before. The checker is tools/verify_proof.py as it is; its time
is that of the check, without the start of the interpreter.

`python -m benchmarks.proof [ROWS]`
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.verify import NIGHT, NOW, build
from billsync.ledger import Ledger
from billsync.ledger.checkpoint import Checkpoint, Signer

ROWS: Final = 1_000_000
RUNS: Final = 50
TOOL: Final = Path(__file__).parents[1] / "tools" / "verify_proof.py"
SIGNER: Final = Signer("benchmark", bytes(32))


def load() -> Any:
    """The checker, as a module."""
    spec = importlib.util.spec_from_file_location("verify_proof", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bill(ledger: Ledger) -> Checkpoint:
    """Read a thousand entries, note the head, approve days later, bill one; returns the head that was noted."""
    from tests.unit.ledger import conftest as small

    clock = small.Clock(NOW)
    work = [small.entry(str(number)) for number in range(1000)]
    document = small.invoice("BS-1", small.line("time", small.time_part(work[500], 36000)), ledger_id="benchmark")
    small.observe(ledger, clock, *work)
    head = ledger.head(SIGNER, clock())
    with ledger.transaction():
        for _ in range(3000):
            ledger.decide("hold", "time/work/0", person="ana", reason="waits", at=clock())
        clock.at += timedelta(days=1)
        subject = small.draft_of(document).hash
        ledger.decide("approve", subject, person="ana", reason="as agreed by telephone", at=clock())
        for _ in range(3000):
            ledger.decide("hold", "time/work/0", person="ana", reason="waits", at=clock())
    small.bill(ledger, clock, document)
    with ledger.transaction():
        for _ in range(3000):
            ledger.decide("hold", "time/work/0", person="ana", reason="waits", at=clock())
    return head


@contextmanager
def ledger_of(path: Path) -> Iterator[Ledger]:
    """The ledger, opened."""
    with Ledger.open(path, now=lambda: NOW, new_id=lambda: "benchmark") as ledger:
        yield ledger


def main(rows: int = ROWS) -> None:
    """Build, prove, check, and print."""
    tool = load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "billsync.db"
        build(path, rows)
        with ledger_of(path) as ledger:
            older = bill(ledger)
            times = []
            for _ in range(RUNS):
                started = time.perf_counter()
                data = ledger.prove("BS-1", SIGNER, NOW, older)
                times.append(time.perf_counter() - started)
            size = ledger.head(SIGNER, NOW).size
    print(f"a small invoice of {NIGHT} in a journal of {size:,} rows, against a head of {older.size:,} rows")
    print(f"  the proof        {len(data):,} bytes, made in {1000 * median(times):.1f} ms")
    for name, kept in (("with the key", ""), ("key and older head", older.note)):
        times = []
        for _ in range(RUNS):
            started = time.perf_counter()
            words = list(tool.check(data, SIGNER.key, kept))
            times.append(time.perf_counter() - started)
        print(f"  checked          {1000 * median(times):.1f} ms {name}, {len(words)} sentences")
    print(f"  the checker      {len(TOOL.read_text(encoding='utf-8').splitlines())} lines")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
