"""Verifying the ledger: every hash, every number, every fact against the journal, every cache against the facts.

One pass over the journal: the chain and the tree are recomputed, and each row is replayed into the fact rows it must
have written, which are compared with the stored ones as both stream by. What is left over in a table was never told.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from billsync.ledger.caches import cache_problems
from billsync.ledger.checkpoint import Checkpoint, heads_problems
from billsync.ledger.journal import KEPT_LEVEL, START, Entry, header
from billsync.ledger.merkle import Growing, leaf_hash
from billsync.ledger.observations import observation_leaf
from billsync.ledger.projection import COLUMNS, Row, rows_of
from billsync.ledger.schema import schema_problems
from billsync.model.errors import LedgerError

Problem = tuple[int, str]
_ENOUGH: Final = 1000
"""Problems named, of the journal and of the caches: a file more broken than that is restored, not studied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`problems`: journal row (0: none in particular) and what is wrong. `head` and `root` in hex: the hash of the
    last row and the root of the tree over all of them, to be compared with one noted elsewhere."""

    ok: bool
    rows: int
    problems: tuple[Problem, ...]
    head: str
    root: str


def verify(conn: sqlite3.Connection, origin: str = "", heads: Sequence[Checkpoint] = ()) -> Verification:
    """Check everything, and that the journal continues these heads of the ledger `origin`; never raises for what was
    altered, but names it."""
    problems: list[Problem] = list(schema_problems(conn))
    try:
        check = _Check(conn)
    except sqlite3.Error:  # a table is missing, as the problems say; a missing trigger hides no altered row
        return Verification(ok=False, rows=0, problems=tuple(problems), head="", root="")
    try:
        problems.extend(islice(check.run(), _ENOUGH))
        problems.extend(islice(cache_problems(conn), _ENOUGH))
        problems.extend(heads_problems(conn, origin, heads))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        problems.append((check.size + 1, f"the ledger cannot be read on after row {check.size}: {error}"))
    return Verification(
        ok=not problems,
        rows=check.size,
        problems=tuple(problems),
        head=check.hash.hex(),
        root=check.nodes.tree.root().hex(),
    )


class _Check:
    """The state of one pass over the journal."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.hash = START
        self.size = 0
        self.tables = {table: _Stored(conn, table) for table in COLUMNS}
        self.observed = _Observed(conn)
        self.nodes = _Nodes(conn)

    def run(self) -> Iterator[Problem]:
        found = self.conn.execute(
            "SELECT seq, at, actor, event, reason, body, prev_hash, hash FROM journal ORDER BY seq"
        )
        for row in found:
            yield from self._row(*row)
        for table in self.tables.values():
            yield from table.left_over()
        yield from self.observed.left_over()
        yield from self.nodes.left_over()

    def _row(
        self, seq: int, at: str, actor: str, event: str, reason: str, body: bytes, prev: bytes, told: bytes
    ) -> Iterator[Problem]:
        if seq != self.size + 1:
            yield seq, f"row {self.size + 1} is missing or out of order: row {seq} follows row {self.size}"
        if prev != self.hash:
            yield seq, f"row {seq} does not continue the row before it (prev_hash)"
        made = sha256(prev + header(seq, at, actor, event, reason) + b"\n" + body).digest()
        if made != told:
            yield seq, f"row {seq} was altered: its content does not have the hash it bears"
        self.size, self.hash = seq, told
        yield from self.nodes.check(seq, leaf_hash(told))
        if made == told:
            yield from self._replay(seq, at, actor, event, reason, body)

    def _replay(self, seq: int, at: str, actor: str, event: str, reason: str, body: bytes) -> Iterator[Problem]:
        try:
            made = Entry(seq, at, actor, event, reason, json.loads(body.decode()))
            for table, row in rows_of(made, self.conn):
                yield from self.tables[table].check(row)
            if made.event == "polled":
                yield from self.observed.check(made)
            if made.event == "created":
                yield from _created(self.conn, made)
        except (LedgerError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            yield seq, f"row {seq} ({event}) cannot be replayed: {type(error).__name__} {error}"


def _created(conn: sqlite3.Connection, made: Entry) -> Iterator[Problem]:
    found = conn.execute("SELECT name, value FROM ledger ORDER BY name").fetchall()
    if found != [("id", made.body["ledger"])]:
        yield made.seq, f"the ledger's id is not the one it was created with ({made.body['ledger']})"


class _Stored:
    """A fact table, streaming by in the order of its numbers."""

    def __init__(self, conn: sqlite3.Connection, table: str) -> None:
        self.table = table
        self.columns = COLUMNS[table]
        self.rows = conn.execute(f"SELECT {', '.join(self.columns)} FROM {table} ORDER BY id")
        self.next: Row | None = self.rows.fetchone()

    def check(self, told: Row) -> Iterable[Problem]:
        """The next stored row must be the told one. The common case is kept short: it comes a million times."""
        if self.next == told:
            self.next = self.rows.fetchone()
            return ()
        return self._compare(told)

    def _compare(self, told: Row) -> Iterator[Problem]:
        seq = told[-1]
        while self.next is not None and self.next[0] < told[0]:
            yield self._stranger(self.next)
            self.next = self.rows.fetchone()
        if self.next is None or self.next[0] != told[0]:
            yield seq, f"{self.table} {told[0]} is missing; row {seq} of the journal tells it"
            return
        if self.next != told:
            names = [name for name, is_, was in zip(self.columns, self.next, told, strict=True) if is_ != was]
            yield (
                seq,
                f"{self.table} {told[0]} was altered: {', '.join(names)} is not what row {seq} of the journal says",
            )
        self.next = self.rows.fetchone()

    def left_over(self) -> Iterator[Problem]:
        while self.next is not None:
            yield self._stranger(self.next)
            self.next = self.rows.fetchone()

    def _stranger(self, row: Row) -> Problem:
        seq = row[-1] if isinstance(row[-1], int) else 0
        return seq, f"{self.table} {row[0]} is told by no row of the journal"


class _Observed:
    """The observations, streaming by: each poll's must have the root that its journal row holds."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.rows = conn.execute(
            "SELECT o.seq, o.journal, r.account, r.kind, r.external_id, o.version, o.first_seen, o.body "
            "FROM observation AS o LEFT JOIN record AS r ON r.id = o.record ORDER BY o.seq"
        )
        self.next: Row | None = self.rows.fetchone()

    def check(self, made: Entry) -> Iterator[Problem]:
        body, tree = made.body, Growing()
        account, kind = body["receipt"]["account"], body["receipt"]["kind"]
        while self.next is not None and self.next[0] <= body["last"]:
            seq, journal, *rest = self.next
            if journal != made.seq or seq < body["first"]:
                yield made.seq, f"observation {seq} is told by no poll"
            if rest[:2] != [account, kind]:
                yield made.seq, f"observation {seq} belongs to no record of {account}/{kind}"
            else:
                name, version, first_seen, text = rest[2:]
                tree.add(observation_leaf(account, kind, name, version, first_seen, text))
            self.next = self.rows.fetchone()
        count = body["last"] - body["first"] + 1
        if tree.size != count or tree.root().hex() != body["root"]:
            span = f"{body['first']} to {body['last']}"
            yield made.seq, f"the observations {span} of {account}/{kind} are not those that row {made.seq} brought"

    def left_over(self) -> Iterator[Problem]:
        if self.next is not None:
            yield int(self.next[1]), f"observation {self.next[0]} and any after it are told by no poll"


class _Nodes:
    """The kept nodes of the tree, recomputed while the rows stream by."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.tree = Growing()
        self.kept = 0

    def check(self, seq: int, leaf: bytes) -> Iterable[Problem]:
        made = self.tree.add(leaf)
        return self._compare(seq, made[KEPT_LEVEL - 1 :]) if len(made) >= KEPT_LEVEL else ()

    def _compare(self, seq: int, made: Sequence[bytes]) -> Iterator[Problem]:
        for level, node in enumerate(made, KEPT_LEVEL):
            self.kept += 1
            place = (self.tree.size >> level) - 1
            found = self.conn.execute("SELECT hash FROM node WHERE level = ? AND place = ?", (level, place)).fetchone()
            if found is None or found[0] != node:
                yield seq, f"node {place} of level {level} of the tree over the journal was altered"

    def left_over(self) -> Iterator[Problem]:
        count: Any = self.conn.execute("SELECT count(*) FROM node").fetchone()[0]
        if count != self.kept:
            yield 0, f"the tree over the journal keeps {count} nodes instead of {self.kept}"
