"""The caches against the facts: records, intents, work at rest, its totals, identities that are awake."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from billsync.ledger import rest
from billsync.ledger.observations import columns_of
from billsync.model.errors import Tampered

Problem = tuple[int, str]

_CHECKS: Final = (
    (
        "record {0} does not show the newest version of what its source said",
        "SELECT r.id FROM record AS r LEFT JOIN (SELECT record, max(seq) AS seq, count(*) AS versions FROM observation "
        "GROUP BY record) AS n ON n.record = r.id LEFT JOIN observation AS o ON o.seq = n.seq "
        "WHERE n.seq IS NULL OR r.observation <> n.seq OR r.versions <> n.versions OR r.version <> o.version",
    ),
    (
        "record {0} is called vanished, or present, against what the polls said",
        "SELECT r.id FROM record AS r LEFT JOIN (SELECT record, max(id) AS id FROM presence GROUP BY record) AS n "
        "ON n.record = r.id LEFT JOIN presence AS p ON p.id = n.id "
        "WHERE r.vanished IS NOT CASE WHEN p.present = 0 THEN p.at END",
    ),
    (
        "record {0} was seen by no poll of its account",
        "SELECT r.id FROM record AS r LEFT JOIN poll AS p ON p.id = r.last_poll "
        "WHERE p.id IS NULL OR p.account <> r.account OR p.kind <> r.kind",
    ),
    (
        "the state of intent {0} is not what its history says",
        "SELECT a.reference FROM (SELECT reference FROM intent UNION SELECT reference FROM intent_event) AS a "
        "LEFT JOIN intent AS i ON i.reference = a.reference LEFT JOIN intent_event AS s ON s.id = "
        "(SELECT max(id) FROM intent_event WHERE reference = a.reference) "
        "WHERE i.event IS NOT s.id OR i.state IS NOT s.state "
        "OR i.plan IS NOT (SELECT max(id) FROM plan WHERE reference = a.reference)",
    ),
    (
        "record {0} is marked awake or at rest against the list of what rests",
        "SELECT r.id FROM record AS r LEFT JOIN (SELECT DISTINCT record FROM at_rest) AS a ON a.record = r.id "
        "WHERE r.awake <> (a.record IS NULL) OR (a.record IS NOT NULL AND r.vanished IS NOT NULL)",
    ),
    (
        "{0} rests, but no record is behind it",
        "SELECT a.identity FROM at_rest AS a LEFT JOIN record AS r ON r.id = a.record WHERE r.id IS NULL",
    ),
    (
        "{0} is at rest with another amount than was billed",
        "SELECT a.identity FROM at_rest AS a WHERE a.state = 'billed' AND (a.amount, a.withheld) IS NOT "
        "(SELECT coalesce(sum(CASE p.kind WHEN 'billed' THEN p.amount WHEN 'opening' THEN p.amount "
        "WHEN 'credited' THEN -p.amount ELSE 0 END), 0), coalesce(sum(CASE p.kind WHEN 'withheld' THEN p.amount "
        "WHEN 'released' THEN -p.amount ELSE 0 END), 0) "
        "FROM posting AS p WHERE p.identity = a.identity AND p.client = a.client)",
    ),
    (
        "{0} has postings or a place and is neither awake nor at rest, or both",
        "SELECT i.identity FROM (SELECT identity FROM posting UNION SELECT identity FROM place) AS i "
        "LEFT JOIN awake_identity AS w ON w.identity = i.identity "
        "WHERE (w.identity IS NOT NULL) = (EXISTS (SELECT 1 FROM at_rest AS a WHERE a.identity = i.identity) "
        "AND substr(i.identity, 1, 5) IN ('time/', 'expen'))",
    ),
    (
        "{0} is said to be awake, but has neither a posting nor a place",
        "SELECT w.identity FROM awake_identity AS w WHERE NOT EXISTS (SELECT 1 FROM posting AS p "
        "WHERE p.identity = w.identity) AND NOT EXISTS (SELECT 1 FROM place AS p WHERE p.identity = w.identity)",
    ),
)


def cache_problems(conn: sqlite3.Connection) -> Iterator[Problem]:
    """What a cache says that the facts do not."""
    for what, query in _CHECKS:
        for row in conn.execute(query):
            yield 0, what.format(row[0])
    kept, counted = rest.kept_totals(conn), rest.counted_totals(conn)
    for key in sorted(kept.keys() | counted.keys()):
        if kept.get(key) != counted.get(key):
            yield 0, f"the totals of work at rest are wrong for {' '.join(part for part in key if part)}"
    yield from _columns(conn)


def _columns(conn: sqlite3.Connection) -> Iterator[Problem]:
    """What queries look for in a record is what its newest observation says."""
    found = conn.execute(
        "SELECT r.id, r.kind, r.project, r.on_date, r.person, r.quantity, r.currency, o.body FROM record AS r "
        "JOIN observation AS o ON o.seq = r.observation"
    )
    for number, kind, *shown, body in found:
        try:
            says = columns_of(kind, body)
        except Tampered as error:
            yield 0, f"record {number}: {error.what}"
            continue
        if tuple(shown) != says:
            yield 0, f"record {number} shows other values than its newest observation"
