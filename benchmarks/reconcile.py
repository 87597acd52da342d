"""Reconciling 1,000,000 time entries, 5,000 of them unbilled, against the bare SQL anti-join on the same file.

Three processes in turn on one file: the anti-join alone, the facts of a night as the rules get them, and facts with
the rules' whole evaluation. The ledger is filled straight through the schema (the journal stays empty: it is not what
is measured), everything billed being at rest as after an ordinary night.

`python -m benchmarks.reconcile [ENTRIES] [UNBILLED]`
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Final

from billsync.ledger import Ledger
from billsync.model.book import AccountTerms, Facts, Terms
from billsync.model.codec import encode
from billsync.model.contract import Client, Contract, ProjectRef, Rate, RateCard, TimeTerms
from billsync.model.work import Approval, PollReceipt, TimeEntry, Window, version_of

ENTRIES: Final = 1_000_000
UNBILLED: Final = 5_000
CONTRACTS: Final = 40
NOW: Final = datetime(2026, 3, 2, 2, tzinfo=UTC)
RUNS: Final = 5
_SEEN: Final = "2026-03-01T02:00:00.000000Z"
_MADE: Final = 500
"""Different entries that are hashed; the others are copies under another id."""

ANTI_JOIN: Final = """
SELECT r.account, r.kind, r.external_id FROM record AS r
LEFT JOIN posting AS p ON p.identity = r.kind || '/' || r.account || '/' || r.external_id WHERE p.id IS NULL
"""


def terms() -> Terms:
    """Forty contracts by the hour, each with a project of its own."""
    card = RateCard(id="standard", currency="USD", rates=(Rate(amount=Decimal(180)),))
    contracts = {
        name: Contract(
            id=name,
            client=f"client-{number % 10}",
            currency="USD",
            projects=(ProjectRef(account="work", id=f"P-{number}"),),
            time=TimeTerms(rates=card),
        )
        for number, name in ((number, f"C-{number}") for number in range(CONTRACTS))
    }
    return Terms(
        zone="UTC",
        contracts=contracts,
        clients={f"client-{number}": Client(id=f"client-{number}", name=f"Client {number}") for number in range(10)},
        sources={"work": AccountTerms(kinds=frozenset({"time"}))},
        sinks={"books": "draft"},
    )


def build(path: Path, entries: int, unbilled: int) -> None:
    """Write the ledger."""
    with Ledger.open(path, now=lambda: NOW, new_id=lambda: "benchmark"):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute("BEGIN")
        conn.execute("INSERT INTO poll VALUES (1, 'work', 'time', ?, 1, 1, ?, 1)", (_SEEN, encode(_poll()).decode()))
        made = [_entry(number) for number in range(_MADE)]
        versions = [(version_of(one), encode(one).decode()) for one in made]
        _insert(conn, "observation", 6, _observations(entries, versions))
        _insert(conn, "record", 15, _records(entries, unbilled, made, versions))
        _insert(conn, "posting", 18, _postings(entries - unbilled, versions))
        _insert(conn, "place", 7, _places(entries - unbilled))
        _insert(conn, "at_rest", 11, _rests(entries - unbilled))
        conn.execute(
            "INSERT INTO rest_total SELECT a.state, a.contract, a.client, a.currency, a.fingerprint, 'work', 'time',"
            " count(*), sum(a.amount), 0, CAST(2 * count(*) AS TEXT) FROM at_rest AS a GROUP BY 1, 2, 3, 4, 5"
        )
        conn.execute("COMMIT")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert(conn: sqlite3.Connection, table: str, width: int, rows: Iterator[tuple[Any, ...]]) -> None:
    conn.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)  # noqa: S608  our names


def _poll() -> PollReceipt:
    seen = datetime.fromisoformat(_SEEN)
    window = Window(since=date(2024, 1, 1), until=date(2026, 12, 31))
    return PollReceipt(
        account="work", kind="time", window=window, started=seen, finished=seen, pages=1, records=1, complete=True,
        full=True,
    )  # fmt: skip


def _entry(number: int) -> TimeEntry:
    return TimeEntry(
        id="?",
        project=f"P-{number % CONTRACTS}",
        person=f"person-{number % 25}",
        worked_on=NOW.date() - timedelta(days=_MADE - number),
        hours=Decimal(2),
        billable=True,
        approval=Approval(state="approved", by="lead"),
        task="Drawings",
        notes=f"Sheet {number}",
    )


def _observations(entries: int, versions: list[tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    for number in range(entries):
        version, body = versions[number % _MADE]
        yield number + 1, number + 1, version, _SEEN, body.replace('"id":"?"', f'"id":"{number}"'), 1


def _records(
    entries: int, unbilled: int, made: list[TimeEntry], versions: list[tuple[str, str]]
) -> Iterator[tuple[Any, ...]]:
    for number in range(entries):
        one, version = made[number % _MADE], versions[number % _MADE][0]
        key = (number + 1, "work", "time", str(number), version, number + 1, 1, 1, None)
        what = (one.project, one.worked_on.isoformat(), one.person, "2", None)
        yield (*key, *what, int(number >= entries - unbilled))


def _postings(count: int, versions: list[tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    fingerprints = [contract.fingerprint() for contract in terms().contracts.values()]
    because = json.dumps(["180.00 an hour: default of the card", "2 h x 180.00 = 360.00"])
    for number in range(count):
        key = {"account": "work", "id": str(number), "kind": "time"}
        evidence = json.dumps([{"key": key, "version": versions[number % _MADE][0]}])
        which = number % CONTRACTS
        who = (f"time/work/{number}", f"C-{which}", f"client-{which % 10}", "USD", "billed", "time")
        what = (36000, f"BS-{number // 100}", "2", evidence, fingerprints[which], because, None, None, 1)
        yield (number + 1, _SEEN, "2026-03-01", *who, *what)


def _places(count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        yield number + 1, f"time/work/{number}", f"C-{number % CONTRACTS}", "2026-03-01", number, _SEEN, 1


def _rests(count: int) -> Iterator[tuple[Any, ...]]:
    fingerprints = [contract.fingerprint() for contract in terms().contracts.values()]
    for number in range(count):
        which = number % CONTRACTS
        who = (number + 1, f"time/work/{number}", f"client-{which % 10}", "billed", f"C-{which}", fingerprints[which])
        yield (*who, "USD", 36000, 0, "2", _SEEN)


def _facts(path: Path) -> Facts:
    with Ledger.open(path, now=lambda: NOW, new_id=lambda: "", read_only=True) as ledger:
        return ledger.facts(terms(), now=NOW, today=NOW.date())


def _measure(what: str, path: Path) -> dict[str, Any]:
    """In a process of its own: seconds without the start of Python and the imports, answers, and peak memory."""
    from billsync.rules.engine import evaluate

    started, worked = time.perf_counter(), time.process_time()
    if what == "anti-join":
        with closing(sqlite3.connect(path)) as conn:
            found = len(conn.execute(ANTI_JOIN).fetchall())
    elif what == "facts":
        found = len(_facts(path).records)
    else:
        found = sum(len(line.parts) for draft in evaluate(_facts(path)).drafts for line in draft.lines)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - worked,
        "found": found,
        "mebibytes": peak(),
    }


def peak() -> int | None:
    """Peak memory of this process in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 2**20


def _child(what: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.reconcile", "--measure", what, str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main(entries: int = ENTRIES, unbilled: int = UNBILLED) -> None:
    """Build, measure in turn, and print."""
    names = ("anti-join", "facts", "reconcile")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "billsync.db"
        build(path, entries, unbilled)
        size = path.stat().st_size // 2**20
        runs = [{name: _child(name, path) for name in names} for _ in range(RUNS + 1)][1:]
    print(f"{entries:,} time entries, {unbilled:,} unbilled, a file of {size:,} MiB; medians of {RUNS} runs in turn")
    for name in names:
        taken = median(run[name]["seconds"] for run in runs)
        cpu = median(run[name]["cpu"] for run in runs)
        ratio = median(run[name]["seconds"] / run["anti-join"]["seconds"] for run in runs)
        most = max((run[name]["mebibytes"] or 0) for run in runs)
        print(
            f"  {name:<10} {taken:6.2f} s  ({cpu:.2f} s of processor)  ratio {ratio:4.2f}  peak {most:4} MiB"
            f"  found {runs[0][name]['found']:,}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(_measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main(*map(int, sys.argv[1:3]))
