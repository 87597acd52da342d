"""Verifying a journal of 1,000,000 rows: every hash, every node of the tree, every fact replayed and compared.

Nine rows in ten are decisions, the tenth posts ten opening balances, so that a million facts of each kind are compared
beside the rows. Measured in a process of its own, against hashing the same bytes and nothing else.

`python -m benchmarks.verify [ROWS]`
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from benchmarks.reconcile import peak
from billsync.ledger import Ledger
from billsync.ledger.projection import record
from billsync.ledger.rest import notice_identities
from billsync.model.book import Decision, NewPosting

ROWS: Final = 1_000_000
NOW: Final = datetime(2026, 3, 2, 2, tzinfo=UTC)
NIGHT: Final = date(2026, 3, 1)


def build(path: Path, rows: int) -> None:
    """Write the ledger, each row as an ordinary run would write it, in one transaction."""
    with Ledger.open(path, now=lambda: NOW, new_id=lambda: "benchmark") as ledger, ledger.transaction():
        conn = ledger._conn
        for number in range(1, rows):
            if number % 10:
                record(conn, "decided", _decision(number), at=NOW, actor="ana", reason="the client asked for it")
            else:
                first = number - 9
                facts = [_posting(each) for each in range(first, first + 10)]
                record(conn, "posted", {"first": first, "night": NIGHT, "postings": facts}, at=NOW)
                notice_identities(conn, (fact.identity for fact in facts))


def _decision(number: int) -> Decision:
    return Decision(
        id=number - number // 10, kind="hold", subject=f"time/work/{number}", person="ana", at=NOW,
        reason="the client asked for it",
    )  # fmt: skip


def _posting(number: int) -> NewPosting:
    return NewPosting(
        identity=f"time/work/{number}", contract="C-1", client="acme", currency="USD", kind="opening", amount=36000
    )


def _measure(what: str, path: Path) -> dict[str, Any]:
    started, worked = time.perf_counter(), time.process_time()
    if what == "verify":
        with Ledger.open(path, now=lambda: NOW, new_id=lambda: "", read_only=True) as ledger:
            found = ledger.verify()
        if not found.ok:
            sys.exit(f"the ledger does not verify: {found.problems[:3]}")
        rows = found.rows
    else:
        rows = _hash_only(path)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - worked,
        "rows": rows,
        "mebibytes": peak(),
    }


def _hash_only(path: Path) -> int:
    rows = 0
    with closing(sqlite3.connect(path)) as conn:
        for prev, body in conn.execute("SELECT prev_hash, body FROM journal ORDER BY seq"):
            sha256(prev + body).digest()
            rows += 1
    return rows


def main(rows: int = ROWS) -> None:
    """Build, measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "billsync.db"
        build(path, rows)
        print(f"a journal of {rows:,} rows, {path.stat().st_size // 2**20:,} MiB")
        for what in ("hash only", "verify"):
            command = [sys.executable, "-m", "benchmarks.verify", "--measure", what, str(path)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8")
            told = json.loads(done.stdout)
            print(
                f"  {what:<10} {told['seconds']:6.2f} s  ({told['cpu']:.2f} s of processor)"
                f"  peak {told['mebibytes']} MiB  {told['rows']:,} rows"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(_measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main(*map(int, sys.argv[1:2]))
