"""Terms as sources told them: the contracts and change orders that the ledger has seen, merged into the firm's terms.

Whoever rates, keeps or compares terms takes them from here, so that one ledger gives one answer.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from billsync.ledger.database import instant, stamp_of
from billsync.ledger.observations import observation_of
from billsync.model.book import Terms
from billsync.model.merging import accounts_of, merged
from billsync.model.work import Observation

_COLUMNS = "r.account, r.kind, r.external_id, o.version, o.body, o.first_seen, r.last_poll, o.seq"
_NOW = f"""
SELECT {_COLUMNS}, r.vanished FROM record AS r CROSS JOIN observation AS o ON o.seq = r.observation
WHERE r.account = :account AND r.kind IN ('contract', 'change_order') ORDER BY r.kind, r.external_id
"""
_THEN = f"""
SELECT {_COLUMNS},
    (SELECT CASE WHEN p.present THEN NULL ELSE p.at END FROM presence AS p
     WHERE p.record = r.id AND p.at <= :as_of ORDER BY p.id DESC LIMIT 1)
FROM record AS r CROSS JOIN observation AS o ON o.seq =
    (SELECT max(v.seq) FROM observation AS v WHERE v.record = r.id AND v.first_seen <= :as_of)
WHERE r.account = :account AND r.kind IN ('contract', 'change_order') ORDER BY r.kind, r.external_id
"""


def with_told(conn: sqlite3.Connection, terms: Terms, *, as_of: datetime | None = None) -> Terms:
    """The terms with what sources had told by then; the same terms where none comes from a source."""
    return merged(terms, told(conn, terms, as_of=as_of)) if accounts_of(terms) else terms


def told(conn: sqlite3.Connection, terms: Terms, *, as_of: datetime | None = None) -> tuple[Observation, ...]:
    """The newest versions of all contracts and change orders of the accounts that these terms rest on."""
    finished = {row[0]: instant(row[1]) for row in conn.execute("SELECT id, finished FROM poll")}
    found = []
    for account in sorted(accounts_of(terms)):
        where = {"account": account, "as_of": None if as_of is None else stamp_of(as_of)}
        for row in conn.execute(_NOW if as_of is None else _THEN, where):
            vanished = None if row[8] is None else instant(row[8])
            found.append(observation_of(row[:8], finished, vanished, as_of))
    return tuple(found)
