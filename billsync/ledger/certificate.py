"""A proof of one document that needs no billsync to be checked: `billsync audit prove INVOICE`.

It holds the journal rows that planned, sent and confirmed the document and those that approved it, the versions of the
source records behind its lines with the polls that brought them, and the Merkle paths from all of these to the root
over the whole journal (the checkpoint), so that anyone who noted that root, or a later one, can tell whether a word
was changed. Hashes are hex; bodies are the canonical JSON that was hashed (sorted keys, no spaces, UTF-8).
"""

from __future__ import annotations

import json
import sqlite3
from functools import partial
from typing import Any, Final

from billsync.ledger import merkle
from billsync.ledger.journal import head, perfect
from billsync.ledger.observations import observation_leaf
from billsync.model.errors import LedgerError

SCHEMA: Final = "billsync.proof/1"


def prove(conn: sqlite3.Connection, ledger: str, reference: str) -> dict[str, Any]:
    """The proof of a document of this ledger. LedgerError when no such document was planned."""
    told = _rows_about(conn, reference)
    if not told:
        raise LedgerError(
            f"no document of this ledger bears the reference {reference}", hint="`billsync invoice list` shows them"
        )
    size, last = head(conn)
    planned = next(row for row in reversed(told) if row["event"] == "planned")
    confirmed = [row["seq"] for row in told if row["event"] == "confirmed"]
    versions = [_version(conn, one) for one in _evidence(planned["body"]["invoice"])]
    polls = sorted({one["poll"] for one in versions if one})
    rows = sorted([*told, *_approvals(conn, planned), *(_row(conn, seq) for seq in polls)], key=lambda row: row["seq"])
    source = partial(perfect, conn)
    for row in rows:
        row["path"] = [node.hex() for node in merkle.inclusion(row["seq"] - 1, size, source)]
    then = confirmed[-1] if confirmed else size
    return {
        "schema": SCHEMA,
        "ledger": ledger,
        "reference": reference,
        "rows": rows,
        "versions": [one for one in versions if one],
        "checkpoint": {"size": size, "root": merkle.root(size, source).hex(), "head": last.hex()},
        "consistency": {
            "size": then,
            "root": merkle.root(then, source).hex(),
            "path": [node.hex() for node in merkle.consistency(then, size, source)],
        },
    }


def _rows_about(conn: sqlite3.Connection, reference: str) -> list[dict[str, Any]]:
    """The last plan, and every state of the document since."""
    found = conn.execute(
        "SELECT journal FROM intent_event WHERE reference = ?1 AND id >= (SELECT max(id) FROM intent_event "
        "WHERE reference = ?1 AND state = 'planned') UNION SELECT d.journal FROM document AS d "
        "WHERE d.reference = ?1 UNION SELECT journal FROM decision WHERE subject = ?1 ORDER BY 1",
        (reference,),
    )
    return [_row(conn, row[0]) for row in found.fetchall()]


def _row(conn: sqlite3.Connection, seq: int) -> dict[str, Any]:
    found = conn.execute(
        "SELECT seq, at, actor, event, reason, body, lower(hex(prev_hash)), lower(hex(hash)) FROM journal "
        "WHERE seq = ?",
        (seq,),
    ).fetchone()
    names = ("seq", "at", "actor", "event", "reason", "body", "prev_hash", "hash")
    row: dict[str, Any] = dict(zip(names, found, strict=True))
    row["body"] = json.loads(row["body"])
    return row


def _approvals(conn: sqlite3.Connection, planned: dict[str, Any]) -> list[dict[str, Any]]:
    found = conn.execute(
        "SELECT journal FROM decision WHERE kind = 'approve' AND subject = ?", (planned["body"]["draft"]["hash"],)
    )
    return [_row(conn, row[0]) for row in found.fetchall()]


def _evidence(invoice: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """account, kind, id and version of every record behind the lines, each once."""
    found = {
        (one["key"]["account"], one["key"]["kind"], one["key"]["id"], one["version"])
        for line in invoice["lines"]
        for part in line["parts"]
        for one in part["evidence"]
    }
    return sorted(found)


def _version(conn: sqlite3.Connection, evidence: tuple[str, str, str, str]) -> dict[str, Any] | None:
    """One version, and the path to the root over all that its poll brought; None for one learnt from the books."""
    found = conn.execute(
        "SELECT o.seq, o.first_seen, o.body, o.journal FROM record AS r JOIN observation AS o ON o.record = r.id "
        "WHERE r.account = ? AND r.kind = ? AND r.external_id = ? AND o.version = ? ORDER BY o.seq LIMIT 1",
        evidence,
    ).fetchone()
    if found is None:
        return None
    seq, first_seen, body, journal = found
    leaves = _leaves(conn, journal)
    first = conn.execute("SELECT min(seq) FROM observation WHERE journal = ?", (journal,)).fetchone()[0]
    account, kind, name, version = evidence
    return {
        "account": account,
        "kind": kind,
        "id": name,
        "version": version,
        "first_seen": first_seen,
        "record": json.loads(body),
        "poll": journal,
        "index": seq - first,
        "size": len(leaves),
        "path": [node.hex() for node in merkle.inclusion(seq - first, len(leaves), _over(leaves))],
    }


def _leaves(conn: sqlite3.Connection, journal: int) -> list[bytes]:
    found = conn.execute(
        "SELECT r.account, r.kind, r.external_id, o.version, o.first_seen, o.body FROM observation AS o "
        "JOIN record AS r ON r.id = o.record WHERE o.journal = ? ORDER BY o.seq",
        (journal,),
    )
    return [observation_leaf(*row) for row in found]


def _over(leaves: list[bytes]) -> merkle.Perfect:
    def node(level: int, place: int) -> bytes:
        if level == 0:
            return leaves[place]
        return merkle.node_hash(node(level - 1, 2 * place), node(level - 1, 2 * place + 1))

    return node
