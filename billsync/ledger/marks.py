"""Marks at the sources: which records were billed since the last marks, which are marked by now, and with what.

Postings are looked at once: `marked_through` says up to which one an account's records are marked. Work that becomes
whole only by a later document has a posting there, so it is looked at again then. Work that a person mapped to an
invoice made by hand is marked with that invoice's number; what was excluded stands on none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billsync.ledger.observations import read_record
from billsync.ledger.projection import next_id, record
from billsync.model.work import Kind, Milestone, SourceKey

_BY_HAND: Final = """
EXISTS (SELECT 1 FROM decision AS d WHERE d.id = p.decision AND d.kind = 'map' AND d.target = p.invoice)
"""
_BILLED: Final = f"""
SELECT DISTINCT json_extract(j.value, '$.key.kind'), json_extract(j.value, '$.key.id'), p.identity
FROM posting AS p CROSS JOIN json_each(p.evidence) AS j
WHERE p.id > ? AND p.kind = 'billed' AND p.reverses IS NULL AND json_extract(j.value, '$.key.account') = ?
AND (p.identity LIKE 'time/%' OR p.identity LIKE 'expense/%' OR p.line_kind = 'milestone' OR {_BY_HAND})
"""
_ON: Final = f"""
SELECT p.invoice FROM posting AS p LEFT JOIN intent AS i ON i.reference = p.invoice
WHERE p.identity = ? AND p.kind = 'billed' AND (i.state = 'confirmed' OR {_BY_HAND}) ORDER BY p.id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A record that stands on a document. `at_rest`: billed to the cent, and unchanged since.

    `reference`: of our document, else the number that a person gave
    """

    key: SourceKey
    identity: str
    reference: str
    at_rest: bool


class Marks:
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

    def last_posting(self) -> int:
        """Number of the newest posting."""
        found = self._conn.execute("SELECT max(id) FROM posting").fetchone()
        return int(found[0] or 0)

    def through(self, account: str) -> int | None:
        """Up to which posting this account's records are marked; None: it was never marked."""
        with self._reading():
            found = self._conn.execute(
                "SELECT posting FROM marked_through WHERE account = ? ORDER BY id DESC LIMIT 1", (account,)
            ).fetchone()
        return None if found is None else int(found[0])

    def go_through(self, account: str, posting: int, *, now: datetime) -> None:
        """Everything up to this posting is marked, or needs no mark."""
        with self._transaction():
            body = {"id": next_id(self._conn, "marked_through"), "account": account, "posting": posting}
            record(self._conn, "marked_through", body, at=now)

    def billed_since(self, account: str, posting: int) -> tuple[Billed, ...]:
        """Records of the account on documents since that posting whose mark is missing, or names another document."""
        with self._reading():
            return tuple(self._billed(account, posting))

    def _billed(self, account: str, posting: int) -> Iterator[Billed]:
        for kind, name, identity in self._conn.execute(_BILLED, (posting, account)).fetchall():
            key = SourceKey(account=account, kind=kind, id=name)
            on = self._conn.execute(_ON, (identity,)).fetchone()
            if on is None or self.of(key) == on[0] or not self._whole(key):
                continue
            yield Billed(key=key, identity=identity, reference=on[0], at_rest=self._at_rest(key))

    def of(self, key: SourceKey) -> str:
        """The document that the record's last mark names, refused or not; "" where there is none."""
        found = self._conn.execute(
            "SELECT reference FROM mark WHERE account = ? AND kind = ? AND external_id = ? ORDER BY id DESC LIMIT 1",
            (key.account, key.kind, key.id),
        ).fetchone()
        return str(found[0]) if found else ""

    def _whole(self, key: SourceKey) -> bool:
        """False for a milestone that is not complete: a line may be due by a test of its own."""
        if key.kind != "milestone":
            return True
        found = self._conn.execute(
            "SELECT o.body FROM record AS r JOIN observation AS o ON o.seq = r.observation "
            "WHERE r.account = ? AND r.kind = ? AND r.external_id = ?",
            (key.account, key.kind, key.id),
        ).fetchone()
        made = read_record(key.kind, found[0]) if found else None
        return isinstance(made, Milestone) and made.completed_on is not None

    def _at_rest(self, key: SourceKey) -> bool:
        found = self._conn.execute(
            "SELECT 1 FROM record AS r JOIN at_rest AS a ON a.record = r.id "
            "WHERE r.account = ? AND r.kind = ? AND r.external_id = ? AND a.state = 'billed'",
            (key.account, key.kind, key.id),
        ).fetchone()
        return found is not None

    def add(
        self, account: str, kind: Kind, records: Sequence[str], reference: str, *, now: datetime, refused: str = ""
    ) -> None:
        """These records bear the mark; `refused`: why the source will never take it."""
        body = {"account": account, "kind": kind, "reference": reference, "records": list(records)}
        with self._transaction():
            record(self._conn, "marked", {"first": next_id(self._conn, "mark"), **body}, at=now, reason=refused)
