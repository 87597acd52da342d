"""The journal: one row for every fact and decision, chained by hash over the exact bytes that are stored.

    hash = sha256(prev_hash || header || "\\n" || body)        header = JSON of [seq, at, actor, event, reason]

`prev_hash` of the first row is 32 zero bytes. The row's `hash` is also the leaf data of the Merkle tree (RFC 6962),
whose perfect subtrees of 16 rows and more are kept in `node`, so that any proof takes a handful of look-ups.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final, NamedTuple

from billsync.ledger.database import stamp_of
from billsync.ledger.merkle import leaf_hash, node_hash
from billsync.ledger.merkle import root as merkle_root
from billsync.model.errors import Tampered
from billsync.model.work import canonical_bytes

START: Final = bytes(32)
_HEADER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
KEPT_LEVEL: Final = 4
"""Subtrees of 2**4 rows and more are kept; smaller ones are worked out from the rows."""
BILLSYNC: Final = "billsync"
"""The actor of what no person asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One row as stored. `body` is canonical JSON; `hash` and `prev_hash` in hex."""

    seq: int
    at: str
    actor: str
    event: str
    reason: str
    body: bytes
    prev_hash: str
    hash: str


class Entry(NamedTuple):
    """What a journal row says, its body read: what the fact tables are made from."""

    seq: int
    at: str
    actor: str
    event: str
    reason: str
    body: dict[str, Any]


def header(seq: int, at: str, actor: str, event: str, reason: str) -> bytes:
    """The bytes of a row's header, as hashed."""
    return _HEADER([seq, at, actor, event, reason]).encode()


def row_hash(prev_hash: bytes, head: bytes, body: bytes) -> bytes:
    """The hash of a row."""
    return sha256(prev_hash + head + b"\n" + body).digest()


def append(
    conn: sqlite3.Connection, event: str, body: Any, *, at: datetime, actor: str = BILLSYNC, reason: str = ""
) -> Entry:
    """Add a row, in the caller's transaction; returns it as a reader would find it."""
    seq, prev = head(conn)
    seq += 1
    when = stamp_of(at)
    data = canonical_bytes(body)
    made = row_hash(prev, header(seq, when, actor, event, reason), data)
    conn.execute(
        "INSERT INTO journal (seq, at, actor, event, reason, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, when, actor, event, reason, data, prev, made),
    )
    _grow(conn, seq)
    return Entry(seq, when, actor, event, reason, json.loads(data))


def head(conn: sqlite3.Connection) -> tuple[int, bytes]:
    """Number and hash of the last row; (0, zeros) before the first."""
    found = conn.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return (int(found[0]), bytes(found[1])) if found else (0, START)


def root(conn: sqlite3.Connection) -> tuple[int, bytes]:
    """Number of rows, and the root of the tree over them."""
    size, _ = head(conn)
    return size, merkle_root(size, partial(perfect, conn))


def entry(conn: sqlite3.Connection, seq: int) -> Entry:
    """The row of this number, its body read."""
    found = conn.execute("SELECT seq, at, actor, event, reason, body FROM journal WHERE seq = ?", (seq,)).fetchone()
    if found is None:
        raise Tampered(f"row {seq} of the journal is missing", hint="`billsync audit verify` tells what else is")
    at, actor, event, reason, body = found[1:]
    return Entry(seq, at, actor, event, reason, json.loads(body))


def rows(conn: sqlite3.Connection, since_seq: int = 0) -> Iterator[JournalRow]:
    """Rows after `since_seq`, in order."""
    found = conn.execute(
        "SELECT seq, at, actor, event, reason, body, hex(prev_hash), hex(hash) FROM journal WHERE seq > ? ORDER BY seq",
        (since_seq,),
    )
    for seq, at, actor, event, reason, body, prev, made in found:
        yield JournalRow(
            seq=seq,
            at=at,
            actor=actor,
            event=event,
            reason=reason,
            body=body,
            prev_hash=prev.lower(),
            hash=made.lower(),
        )


def perfect(conn: sqlite3.Connection, level: int, place: int) -> bytes:
    """Hash of a perfect subtree over the journal: kept, or worked out from its few rows."""
    if level == 0:
        found = conn.execute("SELECT hash FROM journal WHERE seq = ?", (place + 1,)).fetchone()
        if found is None:
            raise Tampered(f"row {place + 1} of the journal is missing")
        return leaf_hash(found[0])
    if level < KEPT_LEVEL:
        return node_hash(perfect(conn, level - 1, 2 * place), perfect(conn, level - 1, 2 * place + 1))
    found = conn.execute("SELECT hash FROM node WHERE level = ? AND place = ?", (level, place)).fetchone()
    if found is None:
        raise Tampered(f"node {place} of level {level} of the journal's tree is missing")
    return bytes(found[0])


def _grow(conn: sqlite3.Connection, size: int) -> None:
    """Keep the subtrees that the row `size` completes."""
    level = KEPT_LEVEL
    while size % (1 << level) == 0:
        place = size // (1 << level) - 1
        made = node_hash(perfect(conn, level - 1, 2 * place), perfect(conn, level - 1, 2 * place + 1))
        conn.execute("INSERT INTO node (level, place, hash) VALUES (?, ?, ?)", (level, place, made))
        level += 1
