"""Rows for the audit files: names and order of the columns are documented and stable.

Amounts are minor units beside their currency; instants UTC ISO text; hashes hex.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

from billsync.model.errors import UsageError

Cell = str | int | None
_QUERIES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "postings": (
        (
            "id", "at", "night", "kind", "identity", "contract", "client", "currency", "amount", "invoice", "line_kind",
            "quantity", "evidence", "fingerprint", "because", "decision", "reverses", "journal",
        ),
        "SELECT id, at, night, kind, identity, contract, client, currency, amount, invoice, line_kind, quantity,"
        " evidence, fingerprint, because, decision, reverses, journal FROM posting ORDER BY id",
    ),
    "invoices": (
        (
            "reference", "state", "sink", "kind", "client", "currency", "total", "issued_on", "due_on", "lines",
            "planned_at", "changed_at", "attempts", "reason", "journal",
        ),
        "SELECT i.reference, i.state, p.sink, json_extract(j.body, '$.invoice.kind'),"
        " json_extract(j.body, '$.invoice.client'),"
        " json_extract(j.body, '$.invoice.currency'), (SELECT sum(json_extract(l.value, '$.amount')) FROM"
        " json_each(json_extract(j.body, '$.invoice.lines')) AS l), json_extract(j.body, '$.invoice.issued_on'),"
        " json_extract(j.body, '$.invoice.due_on'), json_array_length(j.body, '$.invoice.lines'), p.at, e.at,"
        " (SELECT count(*) FROM intent_event AS s WHERE s.reference = i.reference AND s.state = 'sending'), e.reason,"
        " p.journal FROM intent AS i JOIN plan AS p ON p.id = i.plan JOIN intent_event AS e ON e.id = i.event"
        " JOIN (SELECT seq, CAST(body AS TEXT) AS body FROM journal) AS j ON j.seq = p.journal"
        " ORDER BY p.id",
    ),
    "documents": (
        (
            "id", "at", "sink", "document", "number", "reference", "status", "currency", "total", "tax", "balance",
            "expected_total", "differs", "revision", "journal",
        ),
        "SELECT id, at, sink, document, json_extract(receipt, '$.number'), reference, status,"
        " json_extract(receipt, '$.currency'), total,"
        " json_extract(receipt, '$.tax'), json_extract(receipt, '$.balance'), expected_total, differs,"
        " json_extract(receipt, '$.revision'), journal"
        " FROM document ORDER BY id",
    ),
    "decisions": (
        ("id", "at", "kind", "subject", "person", "reason", "until", "amount", "target", "journal"),
        "SELECT id, at, kind, subject, person, reason, until, amount, target, journal FROM decision ORDER BY id",
    ),
    "attachments": (
        ("id", "at", "reference", "document", "name", "media_type", "size", "sha256", "found", "journal"),
        "SELECT a.id, a.at, a.reference, json_extract(j.body, '$.document'), a.name, a.media_type, a.size, a.sha256,"
        " a.found, a.journal FROM attachment AS a"
        " JOIN (SELECT seq, CAST(body AS TEXT) AS body FROM journal) AS j ON j.seq = a.journal ORDER BY a.id",
    ),
    "marks": (
        ("id", "at", "night", "account", "kind", "external_id", "reference", "refused", "journal"),
        "SELECT m.id, m.at, (SELECT max(p.night) FROM posting AS p WHERE p.invoice = m.reference"
        " AND p.journal < m.journal), m.account, m.kind, m.external_id, m.reference, m.refused, m.journal"
        " FROM mark AS m ORDER BY m.id",
    ),
    "journal": (
        ("seq", "at", "actor", "event", "reason", "body", "prev_hash", "hash"),
        "SELECT seq, at, actor, event, reason, CAST(body AS TEXT), lower(hex(prev_hash)), lower(hex(hash))"
        " FROM journal ORDER BY seq",
    ),
    "polls": (
        (
            "id", "account", "kind", "since", "until", "changed_since", "started", "finished", "pages", "records",
            "complete", "full", "reason", "journal",
        ),
        "SELECT id, account, kind, json_extract(receipt, '$.window.since'),"
        " json_extract(receipt, '$.window.until'),"
        " json_extract(receipt, '$.window.changed_since'), json_extract(receipt, '$.started'), finished,"
        " json_extract(receipt, '$.pages'),"
        " json_extract(receipt, '$.records'), complete, json_extract(receipt, '$.full'),"
        " json_extract(receipt, '$.reason'), journal FROM poll"
        " ORDER BY id",
    ),
    "observations": (
        ("seq", "account", "kind", "external_id", "version", "first_seen", "newest", "vanished", "record", "journal"),
        "SELECT o.seq, r.account, r.kind, r.external_id, o.version, o.first_seen, o.seq = r.observation,"
        " CASE WHEN o.seq = r.observation THEN r.vanished END, o.body, o.journal"
        " FROM observation AS o JOIN record AS r ON r.id = o.record ORDER BY o.seq",
    ),
}  # fmt: skip

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {name: columns for name, (columns, _) in _QUERIES.items()}
"""Table -> its columns, in order."""


def rows(conn: sqlite3.Connection, table: str) -> Iterator[dict[str, Cell]]:
    """The rows of one table, oldest first. UsageError for a table that is not exported."""
    if table not in _QUERIES:
        raise UsageError(f"there is no export called {table!r}", hint="known: " + ", ".join(_QUERIES))
    columns, query = _QUERIES[table]
    for row in conn.execute(query):
        yield dict(zip(columns, map(_cell, row), strict=True))


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int) else json.dumps(value)
