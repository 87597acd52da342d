"""Random attacks on a small ledger by somebody who knows SQLite, and whether `audit verify` names each of them.

One ledger that was told a little of everything is copied into memory; each attack alters it there (the triggers are
gone), it is verified, and the alteration is undone. An attack that changes nothing is drawn again. The journal is
attacked by flipped bits, removed, exchanged, invented and rewritten rows (with a fitting hash, and with everything
after it chained anew), the facts by altered, removed and doubled rows, heads by flipped bits. Every miss is printed
with its seed, and the run fails.

`python -m benchmarks.tamper [ATTACKS] [SEED]`
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from billsync.ledger.checkpoint import Checkpoint, Signer
from billsync.ledger.journal import header, row_hash
from billsync.ledger.projection import COLUMNS
from billsync.ledger.verify import verify

ATTACKS: Final = 100_000
JOURNAL: Final = ("at", "actor", "event", "reason", "body", "prev_hash", "hash")
SIGNER: Final = Signer("ledger-0", bytes(32))
Attack = Callable[[sqlite3.Connection, random.Random], None]


def lived(folder: Path) -> tuple[sqlite3.Connection, Checkpoint]:
    """A ledger that was told a little of everything, in memory, without triggers; and its head."""
    from tests.unit.ledger.conftest import World
    from tests.unit.ledger.test_journal import live

    world = World(folder / "billsync.db")
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with world.open() as ledger:
        live(ledger, world)
        head = ledger.head(SIGNER, world.clock())
        ledger._conn.backup(memory)
    for (name,) in memory.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        memory.execute(f"DROP TRIGGER {name}")
    return memory, head


def flip_a_bit(conn: sqlite3.Connection, chance: random.Random) -> None:
    """One bit of one column of one row of the journal."""
    seq, column = _row(conn, chance), chance.choice(JOURNAL)
    [value] = conn.execute(f"SELECT {column} FROM journal WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
    data = value.encode() if isinstance(value, str) else value
    if not data:
        data = b"\0"
    bit = chance.randrange(8 * len(data))
    data = (int.from_bytes(data, "little") ^ 1 << bit).to_bytes(len(data), "little")
    text = data.decode("utf-8", "replace") if isinstance(value, str) else data
    conn.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (text, seq))  # noqa: S608


def remove_rows(conn: sqlite3.Connection, chance: random.Random) -> None:
    """One row, or everything from a row on."""
    seq = _row(conn, chance)
    conn.execute(chance.choice(["DELETE FROM journal WHERE seq = ?", "DELETE FROM journal WHERE seq >= ?"]), (seq,))


def close_the_gap(conn: sqlite3.Connection, chance: random.Random) -> None:
    """A row removed, and those after it moved up."""
    seq = _row(conn, chance)
    conn.execute("DELETE FROM journal WHERE seq = ?", (seq,))
    conn.execute("UPDATE journal SET seq = -seq WHERE seq > ?", (seq,))
    conn.execute("UPDATE journal SET seq = -seq - 1 WHERE seq < 0")


def exchange_rows(conn: sqlite3.Connection, chance: random.Random) -> None:
    """Two rows in each other's place."""
    one, other = chance.sample(range(1, _size(conn) + 1), 2)
    conn.execute("UPDATE journal SET seq = -1 WHERE seq = ?", (one,))
    conn.execute("UPDATE journal SET seq = ? WHERE seq = ?", (one, other))
    conn.execute("UPDATE journal SET seq = ? WHERE seq = -1", (other,))


def invent_a_row(conn: sqlite3.Connection, chance: random.Random) -> None:
    """A row added at the end, well chained, that tells what no table holds."""
    seq = _size(conn)
    at, actor, event, reason, body, last = conn.execute(
        "SELECT at, actor, event, reason, body, (SELECT hash FROM journal WHERE seq = ?) FROM journal WHERE seq = ?",
        (seq, chance.choice(_telling(conn))),
    ).fetchone()
    made = row_hash(last, header(seq + 1, at, actor, event, reason), body)
    row = (seq + 1, at, actor, event, reason, body, last, made)
    conn.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def rewrite_a_row(conn: sqlite3.Connection, chance: random.Random) -> None:
    """Another actor in a row, with the hash that fits; sometimes everything after it chained anew as well."""
    first, on = _row(conn, chance), chance.random() < 0.5
    before = None
    for seq, at, actor, event, reason, body, prev in conn.execute(
        "SELECT seq, at, actor, event, reason, body, prev_hash FROM journal WHERE seq >= ? ORDER BY seq", (first,)
    ).fetchall():
        actor = actor + "x" if seq == first else actor
        prev = before or prev
        before = row_hash(prev, header(seq, at, actor, event, reason), body)
        changed = (actor, prev, before, seq)
        conn.execute("UPDATE journal SET actor = ?, prev_hash = ?, hash = ? WHERE seq = ?", changed)
        if not on:
            return


def alter_a_fact(conn: sqlite3.Connection, chance: random.Random) -> None:
    """One value of one row of a fact table."""
    table, row = _fact(conn, chance)
    column = chance.choice([name for name in COLUMNS[table] if name not in ("id", "journal")])
    [value] = conn.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()  # noqa: S608
    other: Any = chance.choice([0, 1, 7]) if isinstance(value, int) else (value or "") + chance.choice("x0 ")
    conn.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = ?", (other, row))  # noqa: S608


def remove_a_fact(conn: sqlite3.Connection, chance: random.Random) -> None:
    """One row of a fact table, or of the observations."""
    table, row = _fact(conn, chance)
    table = chance.choice([table, "observation"])
    if table == "observation":
        row = chance.choice([seq for (seq,) in conn.execute("SELECT seq FROM observation")])
    conn.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))  # noqa: S608


def double_a_fact(conn: sqlite3.Connection, chance: random.Random) -> None:
    """A row of a fact table twice, the second under the next number."""
    table, row = _fact(conn, chance)
    names = ", ".join(COLUMNS[table][1:])
    conn.execute(f"INSERT OR IGNORE INTO {table} ({names}) SELECT {names} FROM {table} WHERE rowid = ?", (row,))  # noqa: S608


ATTACKERS: Final[tuple[Attack, ...]] = (
    flip_a_bit, flip_a_bit, flip_a_bit, remove_rows, close_the_gap, exchange_rows, invent_a_row, rewrite_a_row,
    alter_a_fact, alter_a_fact, remove_a_fact, double_a_fact,
)  # fmt: skip


def _size(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM journal").fetchone()[0])


def _row(conn: sqlite3.Connection, chance: random.Random) -> int:
    return chance.randint(1, _size(conn))


def _telling(conn: sqlite3.Connection) -> list[int]:
    return [seq for (seq,) in conn.execute("SELECT seq FROM journal WHERE event IN ('decided', 'planned', 'polled')")]


def _fact(conn: sqlite3.Connection, chance: random.Random) -> tuple[str, int]:
    tables = [name for name in COLUMNS if conn.execute(f"SELECT 1 FROM {name}").fetchone()]  # noqa: S608
    table = chance.choice(tables)
    return table, chance.choice([row for (row,) in conn.execute(f"SELECT rowid FROM {table}")])  # noqa: S608


def content(conn: sqlite3.Connection) -> dict[str, list[Any]]:
    """All that the journal and the facts say."""
    return {
        name: conn.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()  # noqa: S608
        for name in (*COLUMNS, "journal", "observation")
    }


def is_named(conn: sqlite3.Connection, head: Checkpoint) -> bool:
    """Whether the verification tells of more than the triggers that are gone."""
    found = verify(conn, head.origin, [head])
    return any("has lost its trigger" not in what for _, what in found.problems)


def run(attacks: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many attacks of each kind were made, and those that were not named."""
    made: Counter[str] = Counter()
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        memory, head = lived(Path(folder))
        with closing(memory) as conn:
            truth = content(conn)
            assert not is_named(conn, head), "the ledger must be whole before it is attacked"
            for number in range(attacks):
                chance = random.Random(f"{seed}/{number}")
                attack = chance.choice(ATTACKERS)
                conn.execute("BEGIN")
                try:
                    attack(conn, chance)
                    if content(conn) == truth:
                        continue
                    made[attack.__name__] += 1
                    if not is_named(conn, head):
                        missed.append(f"{attack.__name__} of seed {seed}/{number}")
                except sqlite3.IntegrityError:
                    continue  # the schema itself refused it
                finally:
                    conn.execute("ROLLBACK")
    return made, missed


def main(attacks: int = ATTACKS, seed: int = 1) -> None:
    """Run the campaign."""
    started = time.perf_counter()
    made, missed = run(attacks, seed)
    seconds = time.perf_counter() - started
    for name, count in sorted(made.items()):
        print(f"{name.replace('_', ' '):20} {count:>9,}")
    print(f"{sum(made.values()):,} attacks of seed {seed} in {seconds:.0f} s, {len(missed)} not named")
    if missed:
        sys.exit("\n".join(missed[:20]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
