"""Which records and identities a reading of the facts loads; see facts.py.

Fills the temporary tables `chosen` (records) and `chosen_identity`. They live in the connection, never in the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from billsync.ledger.database import stamp_of
from billsync.model.book import Terms
from billsync.model.work import RECORDS


def choose(
    conn: sqlite3.Connection, terms: Terms, *, as_of: datetime | None, only: str | None, everything: bool
) -> None:
    """Choose what is awake, what rests under terms that are not in force, what came to rest after `as_of`."""
    conn.execute("DROP TABLE IF EXISTS temp.chosen")
    conn.execute("DROP TABLE IF EXISTS temp.chosen_identity")
    conn.execute("CREATE TEMP TABLE chosen (record INTEGER PRIMARY KEY)")
    conn.execute("CREATE TEMP TABLE chosen_identity (identity TEXT PRIMARY KEY) WITHOUT ROWID")
    if everything:
        _add(conn, "SELECT id FROM record")
    else:
        _add(conn, "SELECT id FROM record WHERE awake = 1")
        for contract, fingerprint in _stale(conn, terms):
            _add(conn, "SELECT record FROM at_rest WHERE contract = ? AND fingerprint = ?", contract, fingerprint)
        if as_of is not None:
            _add(conn, "SELECT record FROM at_rest WHERE since > ?", stamp_of(as_of))
    if only is not None:
        _narrow(conn, terms, only)
    conn.execute(
        "INSERT INTO temp.chosen_identity SELECT identity FROM awake_identity UNION SELECT a.identity "
        "FROM temp.chosen AS c CROSS JOIN at_rest AS a ON a.record = c.record"
    )


def _add(conn: sqlite3.Connection, query: str, *parameters: str) -> None:
    conn.execute(f"INSERT OR IGNORE INTO temp.chosen {query}", parameters)


def _stale(conn: sqlite3.Connection, terms: Terms) -> list[tuple[str, str]]:
    """Terms under which records rest and that are not in force; work of no contract rests under no terms."""
    in_force = {name: contract.fingerprint() for name, contract in terms.contracts.items()}
    in_force[""] = ""
    found = conn.execute("SELECT DISTINCT contract, fingerprint FROM rest_total")
    return [(contract, fingerprint) for contract, fingerprint in found if in_force.get(contract) != fingerprint]


def _narrow(conn: sqlite3.Connection, terms: Terms, only: str) -> None:
    """Keep what is chosen of the projects of one item's contracts, and add the records of the item, resting or not."""
    named = _records_of(conn, terms, only)
    projects = _projects(conn, terms, named, only)
    conn.execute(
        "DELETE FROM temp.chosen WHERE record NOT IN (SELECT c.record FROM temp.chosen AS c CROSS JOIN record AS r "
        "ON r.id = c.record CROSS JOIN json_each(?) AS j ON json_extract(j.value, '$[0]') = r.account "
        "AND json_extract(j.value, '$[1]') = r.project)",
        (json.dumps(projects),),
    )
    conn.executemany("INSERT OR IGNORE INTO temp.chosen VALUES (?)", [(number,) for number in named])


def _records_of(conn: sqlite3.Connection, terms: Terms, only: str) -> list[int]:
    """The records an identity or source key means: itself, its evidence, or the milestones of its contract."""
    names = only.split("/", 2)
    if len(names) == 3:
        first, second, name = names
        for account, kind in ((second, first), (first, second)):
            found = _record(conn, account, kind, name)
            if found and kind in RECORDS:
                return found
    found = [row[0] for row in conn.execute(_BEHIND, (only,))]
    for contract in _contracts_of(terms, only):
        for project in terms.contracts[contract].projects:
            found += [row[0] for row in conn.execute(_MILESTONES, (project.account, project.id))]
    return found


def _record(conn: sqlite3.Connection, account: str, kind: str, name: str) -> list[int]:
    found = conn.execute(
        "SELECT id FROM record WHERE account = ? AND kind = ? AND external_id = ?", (account, kind, name)
    )
    return [row[0] for row in found]


_BEHIND = """
SELECT DISTINCT r.id FROM posting AS p CROSS JOIN json_each(p.evidence) AS e CROSS JOIN record AS r
ON r.account = json_extract(e.value, '$.key.account') AND r.kind = json_extract(e.value, '$.key.kind')
AND r.external_id = json_extract(e.value, '$.key.id') WHERE p.identity = ?
"""
_MILESTONES = "SELECT id FROM record WHERE account = ? AND kind IN ('milestone', 'project') AND project = ?"


def _contracts_of(terms: Terms, identity: str) -> Iterable[str]:
    return [name for name in terms.contracts if identity == name or identity.startswith(name + "/")]


def _projects(conn: sqlite3.Connection, terms: Terms, named: list[int], only: str) -> list[list[str]]:
    """Every project of every contract that the named records or the identity belong to."""
    found = conn.execute(
        "SELECT DISTINCT account, project FROM record WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(named),),
    )
    own = {(row[0], row[1]) for row in found}
    contracts = set(_contracts_of(terms, only))
    for name, contract in terms.contracts.items():
        if any((project.account, project.id) in own for project in contract.projects):
            contracts.add(name)
    for name in contracts:
        own |= {(project.account, project.id) for project in terms.contracts[name].projects}
    return [list(one) for one in sorted(own)]
