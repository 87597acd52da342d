"""A proof of one document that needs no billsync to be checked: `billsync audit prove INVOICE`, tools/verify_proof.py.

It holds, as the exact bytes that were hashed: the journal rows that planned and confirmed the document, those that
approved it, decided on it or let it go, the polls that brought the work behind its lines, and from each of these polls
the versions that are billed; the signed head of the journal; the hashes that lead from all of these to that head's
root, and to the root of an older head, where one is given. Nothing else of the ledger can be read from it.

    billsync proof 1 <newline> zlib, with DICTIONARY, of the lines below <the hashes, 32 bytes each>
    {"checkpoint": note, "key": NAME+ID+BASE64, "older": rows or 0, "polls": [[row, [place, ...]], ...], "rows": count}
    for each row, then for each version in the order of `polls`: its header, its body

The hashes are: of each row `prev_hash`, unless the row before is there too; the journal's, in the order of
merkle.shared; those of each poll.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from billsync.ledger import merkle
from billsync.ledger.checkpoint import Checkpoint
from billsync.ledger.journal import entry, header, perfect
from billsync.ledger.observations import observation_head, observation_leaf
from billsync.ledger.projection import text_of
from billsync.model.errors import UsageError

MAGIC: Final = b"billsync proof 1\n"
DICTIONARY: Final = """
"completed_on":"approval":{"by":null,"state":"approved"},"hours":"name":"status":"worked_on":"202{"first":"last":"recei
pt":{"complete":true,"findings":[],"finished":"full":true,"pages":"records":"started":"window":{"changed_since":null,"s
ince":"202"until":"root":"document":{"differs":false,"expected_total":"balance":"line_amounts":["payments":[],"remarks"
:[],"revision":"tax":0,"total":"updated_at":"url"postings":[[0,0,"billed""draft":{"client":"contracts":["currency":"USD
","hash":"key":"kind":"invoice","lines":null,"purchase_order":null,"references":{},"sink":"terms_days":30,"input_hash":
"address":["customer":"email":null,"issued_on":"lines":[{"amount":"dimensions":{},"done_on":"item":null,"late":false,"p
arts":[{"because":["decision":null,"evidence":[{"fingerprint":"identity":"quantity":null,"tax_code":null,"text":"unit_p
rice":null}],"memo":"","stamp":"BS1:"
""".replace("\n", "").encode()
"""What proofs are made of, so that a small one is small. It belongs to the format: never change it."""


class _Version(NamedTuple):
    """One billed version: the poll's row, the place among what that poll brought, header and body."""

    poll: int
    place: int
    text: bytes


def prove(conn: sqlite3.Connection, reference: str, head: Checkpoint, key: str, older: Checkpoint | None) -> bytes:
    """The proof of a document that the books hold, up to `head`. UsageError when there is none.

    `older` must be a head of this ledger that its journal continues (verify.heads_problems).
    """
    told = _rows_about(conn, reference)
    versions = _versions(conn, told)
    numbers = sorted({*told, *(one.poll for one in versions)})
    known = [seq - 1 for seq in numbers]
    polls = [(poll, [one for one in versions if one.poll == poll]) for poll in sorted({one.poll for one in versions})]
    index = {
        "checkpoint": head.note,
        "older": older.size if older is not None else 0,
        "key": key,
        "rows": len(numbers),
        "polls": [[poll, [one.place for one in billed]] for poll, billed in polls],
    }
    rows = [_row(conn, seq) for seq in numbers]
    hashes = [prev for seq, (prev, _) in zip(numbers, rows, strict=True) if seq - 1 not in numbers]
    hashes += merkle.shared(known, older.size if older is not None else 0, head.size, partial(perfect, conn))
    for poll, billed in polls:
        hashes += _path(conn, poll, [one.place for one in billed])
    lines = [text_of(index).encode(), *(text for _, text in rows), *(one.text for _, billed in polls for one in billed)]
    packer = zlib.compressobj(9, zdict=DICTIONARY)
    return MAGIC + packer.compress(b"\n".join(lines)) + packer.flush() + b"".join(hashes)


def _rows_about(conn: sqlite3.Connection, reference: str) -> list[int]:
    """Numbers of the rows: plan, confirmation, decisions on the draft, on the document and behind its parts."""
    confirmed = conn.execute(
        "SELECT max(journal) FROM intent_event WHERE reference = ? AND state = 'confirmed'", (reference,)
    ).fetchone()[0]
    if confirmed is None:
        raise UsageError(
            f"the books hold no document of this ledger with the reference {reference}",
            hint="`billsync invoice list` shows them",
        )
    planned = entry(conn, confirmed).body["planned"]
    body = entry(conn, planned).body
    asked = [part["decision"] for line in body["invoice"]["lines"] for part in line["parts"] if part["decision"]]
    found = conn.execute(
        "SELECT journal FROM decision WHERE (kind = 'approve' AND subject = ?1 AND journal < ?2) OR subject = ?3 "
        "OR id IN (SELECT value FROM json_each(?4)) UNION SELECT journal FROM posting WHERE invoice = ?3 "
        "AND reverses IS NOT NULL",
        (body["draft"]["hash"], planned, reference, json.dumps(asked)),
    )
    return [planned, confirmed, *(row[0] for row in found)]


def _versions(conn: sqlite3.Connection, told: list[int]) -> list[_Version]:
    """Every billed version; one that was only learnt from the books has no poll, and is left out."""
    lines = entry(conn, told[0]).body["invoice"]["lines"]
    wanted = {
        (one["key"]["account"], one["key"]["kind"], one["key"]["id"], one["version"])
        for line in lines
        for part in line["parts"]
        for one in part["evidence"]
    }
    found = []
    for key in sorted(wanted):
        row = conn.execute(
            "SELECT o.journal, o.seq - (SELECT min(seq) FROM observation WHERE journal = o.journal), o.first_seen,"
            " o.body FROM record AS r JOIN observation AS o ON o.record = r.id WHERE r.account = ? AND r.kind = ?"
            " AND r.external_id = ? AND o.version = ? AND o.journal < ? ORDER BY o.seq LIMIT 1",
            (*key, told[0]),
        ).fetchone()
        if row is not None:
            poll, place, first_seen, body = row
            text = f"{observation_head(*key, first_seen)}\n{body}"
            found.append(_Version(poll, place, text.encode()))
    return sorted(found)


def _row(conn: sqlite3.Connection, seq: int) -> tuple[bytes, bytes]:
    """The hash of the row before, and the row as hashed: header, body."""
    at, actor, event, reason, body, prev = conn.execute(
        "SELECT at, actor, event, reason, body, prev_hash FROM journal WHERE seq = ?", (seq,)
    ).fetchone()
    return prev, header(seq, at, actor, event, reason) + b"\n" + body


def _path(conn: sqlite3.Connection, poll: int, places: list[int]) -> list[bytes]:
    """The hashes that lead from the billed versions to the root in their poll's row."""
    found = conn.execute(
        "SELECT r.account, r.kind, r.external_id, o.version, o.first_seen, o.body FROM observation AS o "
        "JOIN record AS r ON r.id = o.record WHERE o.journal = ? ORDER BY o.seq",
        (poll,),
    )
    leaves = [observation_leaf(*row) for row in found]
    return merkle.shared(places, 0, len(leaves), _over(leaves))


def _over(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    def node(level: int, place: int) -> bytes:
        if level == 0:
            return leaves[place]
        return merkle.node_hash(node(level - 1, 2 * place), node(level - 1, 2 * place + 1))

    return node
