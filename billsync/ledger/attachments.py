"""Evidence attached to documents: which documents still wait for theirs, what was attached, and with which hash.

What a document gets is pinned with its work: the terms under which its lines were worked out say it, so asking for
evidence changes nothing of documents that went out before. `evidenced` closes a document: all that its terms ask for
is there, or it was taken back before that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from billsync.ledger.database import instant
from billsync.ledger.observations import read_record
from billsync.ledger.outbox import intent
from billsync.ledger.projection import next_id, record, text_of
from billsync.model.book import Intent
from billsync.model.invoice import Attachment, Evidence, Invoice
from billsync.model.work import Record, SourceKey, canonical

_ASKING: Final = """
SELECT contract, fingerprint, json_extract(body, '$.billing.evidence') FROM terms
WHERE body <> '' AND json_array_length(body, '$.billing.evidence') > 0 GROUP BY contract, fingerprint
"""
_OPEN: Final = """
SELECT DISTINCT p.invoice FROM posting AS p
WHERE p.kind = 'billed' AND p.contract = ? AND p.fingerprint = ? AND p.amount <> 0
AND NOT EXISTS (SELECT 1 FROM evidenced AS e WHERE e.reference = p.invoice)
"""
_VERSIONS: Final = """
SELECT r.account, r.kind, r.external_id, o.version, o.body
FROM json_each(?) AS j CROSS JOIN record AS r ON r.account = json_extract(j.value, '$.key.account')
AND r.kind = json_extract(j.value, '$.key.kind') AND r.external_id = json_extract(j.value, '$.key.id')
CROSS JOIN observation AS o ON o.record = r.id AND o.version = json_extract(j.value, '$.version')
"""
Versions = dict[Evidence, Record]
"""The pinned versions that this ledger has seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A document in the books whose evidence is not all attached. `wanted`: contract -> kinds of evidence."""

    intent: Intent
    wanted: dict[str, frozenset[str]]
    gone: str
    """`voided` or `deleted`, where the books say so by now."""


class Attachments:
    """Of one ledger; `transaction` and `reading` are the ledger's own."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        transaction: Callable[[], AbstractContextManager[None]],
        reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._conn = conn
        self._transaction = transaction
        self._reading = reading

    def owed(self, sink: str) -> tuple[Owed, ...]:
        """Documents of these books that wait for evidence, in the order in which they were planned."""
        with self._reading():
            wanted: dict[str, dict[str, frozenset[str]]] = {}
            for contract, fingerprint, kinds in self._conn.execute(_ASKING).fetchall():
                for (reference,) in self._conn.execute(_OPEN, (contract, fingerprint)):
                    asked = wanted.setdefault(reference, {})
                    asked[contract] = asked.get(contract, frozenset()) | frozenset(json.loads(kinds))
            found = [owed for reference in wanted if (owed := self._owed(reference, wanted[reference], sink))]
        return tuple(sorted(found, key=lambda owed: (owed.intent.planned_at, owed.intent.reference)))

    def _owed(self, reference: str, wanted: dict[str, frozenset[str]], sink: str) -> Owed | None:
        known = intent(self._conn, reference)
        if known is None or known.state != "confirmed" or known.sink != sink:
            return None  # mapped by hand to somebody's document, or in other books
        status = self._conn.execute(
            "SELECT status FROM document WHERE sink = ? AND reference = ? ORDER BY id DESC LIMIT 1", (sink, reference)
        ).fetchone()
        gone = status[0] if status and status[0] in ("voided", "deleted") else ""
        return Owed(intent=known, wanted=wanted, gone=gone)

    def of(self, reference: str) -> tuple[Attachment, ...]:
        """What hangs at a document, in the order in which it was attached."""
        with self._reading():
            found = self._conn.execute(
                "SELECT reference, name, media_type, size, sha256, found, at FROM attachment WHERE reference = ? "
                "ORDER BY id",
                (reference,),
            ).fetchall()
        return tuple(map(_attachment, found))

    def add(
        self,
        reference: str,
        name: str,
        *,
        document: str,
        media_type: str,
        size: int,
        sha256: str,
        found: bool,
        now: datetime,
    ) -> None:
        """A file hangs at the document; `document` is the books' own id."""
        body = {
            "reference": reference, "document": document, "name": name, "media_type": media_type, "size": size,
            "sha256": sha256, "found": found,
        }  # fmt: skip
        with self._transaction():
            record(self._conn, "attached", {"id": next_id(self._conn, "attachment"), **body}, at=now)

    def close(self, reference: str, *, now: datetime, reason: str = "") -> None:
        """Nothing more is to be attached to this document."""
        with self._transaction():
            body = {"id": next_id(self._conn, "evidenced"), "reference": reference}
            record(self._conn, "evidenced", body, at=now, reason=reason)

    def versions(self, invoice: Invoice) -> Versions:
        """The versions of records that stand behind the lines; those that this ledger never saw are left out."""
        pinned = {one for line in invoice.lines for part in line.parts for one in part.evidence}
        with self._reading():
            return dict(self._versions(text_of(canonical(sorted(pinned, key=lambda one: (str(one.key), one.version))))))

    def _versions(self, pinned: str) -> Iterator[tuple[Evidence, Record]]:
        for account, kind, name, version, body in self._conn.execute(_VERSIONS, (pinned,)).fetchall():
            key = SourceKey(account=account, kind=kind, id=name)
            yield Evidence(key=key, version=version), read_record(kind, body)


def _attachment(row: tuple[Any, ...]) -> Attachment:
    reference, name, media_type, size, sha256, found, at = row
    return Attachment(
        reference=reference,
        name=name,
        media_type=media_type,
        size=size,
        sha256=sha256,
        found=bool(found),
        at=instant(at),
    )
