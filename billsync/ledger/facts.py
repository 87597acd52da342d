"""From the ledger to the rules: everything a night's evaluation may look at, and no more.

First the records and identities to load are chosen (awake, or at rest under other terms), into two temporary tables;
everything else is a query over these, joined in that order (CROSS JOIN): the planner knows no sizes and must not
start from a table that grows with the years. What stays at rest comes as totals. `as_of` gives the facts as they
stood at an instant: what is at rest since before then is unchanged since, so it stays a total there too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final, get_args

from billsync.ledger import rest
from billsync.ledger.database import instant, stamp_of
from billsync.ledger.decisions import decisions
from billsync.ledger.documents import documents_told
from billsync.ledger.keeping import contracts_at, former_terms, places_of_chosen
from billsync.ledger.lookalikes import lookalikes
from billsync.ledger.observations import observation_of
from billsync.ledger.outbox import OPEN, intents, intents_at
from billsync.ledger.polls import coverage
from billsync.ledger.postings import posting_of
from billsync.ledger.projection import COLUMNS
from billsync.ledger.recent import last_billed, last_worked
from billsync.ledger.selection import choose
from billsync.ledger.told import with_told
from billsync.model.book import Facts, Posting, Terms
from billsync.model.contract import LineKind
from billsync.model.work import Observation, SourceKey

_SAMPLES: Final = 200


def facts(
    conn: sqlite3.Connection,
    terms: Terms,
    *,
    now: datetime,
    today: date,
    as_of: datetime | None,
    only: str | None,
    everything: bool,
) -> Facts:
    """See Ledger.facts; in one read transaction of the caller."""
    terms = with_told(conn, terms, as_of=as_of)
    contracts = terms.contracts if as_of is None else contracts_at(conn, as_of, terms.contracts)
    terms = replace(terms, contracts=contracts)
    choose(conn, terms, as_of=as_of, only=only, everything=everything)
    records = _records(conn, as_of)
    postings = _postings(conn, as_of)
    places = places_of_chosen(conn, as_of=as_of)
    totals = _totals(conn)
    return Facts(
        now=now,
        today=today,
        contracts=contracts,
        clients=terms.clients,
        records=records,
        history=_history(conn, records, {one.fact.identity for one in postings} | places.keys(), as_of),
        postings=postings,
        intents=intents(conn, OPEN) if as_of is None else intents_at(conn, as_of, OPEN),
        decisions=decisions(conn, as_of=as_of),
        places=places,
        documents=documents_told(conn, {one.fact.invoice for one in postings if one.fact.invoice}, as_of=as_of),
        settled=rest.settled(totals),
        idle=rest.idle(totals),
        coverage=coverage(conn, terms, as_of=as_of),
        exchange_rates=terms.exchange_rates,
        samples=_samples(conn, terms, as_of),
        lookalikes=lookalikes(conn, records, terms.persons, as_of=as_of),
        persons=terms.persons,
        owners=terms.owners,
        sinks=terms.sinks,
        last_billed=last_billed(conn, contracts, as_of=as_of),
        last_worked=last_worked(conn, today, as_of=as_of),
        former=former_terms(conn, contracts, postings),
        needs_customer=terms.needs_customer,
        contracts_from=terms.contracts_from.account if terms.contracts_from else "",
    )


def _totals(conn: sqlite3.Connection) -> rest.Totals:
    """What stays at rest: the kept totals without the records that are loaded."""
    chosen = rest.counted_totals(conn, "a.record IN (SELECT record FROM temp.chosen)")
    return rest.less(rest.kept_totals(conn), chosen)


_NOW: Final = """
SELECT r.account, r.kind, r.external_id, r.version, o.body, o.first_seen, r.last_poll, o.seq, r.vanished
FROM temp.chosen AS c CROSS JOIN record AS r ON r.id = c.record CROSS JOIN observation AS o ON o.seq = r.observation
ORDER BY r.account, r.kind, r.external_id
"""
_THEN: Final = """
SELECT r.account, r.kind, r.external_id, o.version, o.body, o.first_seen, r.last_poll, o.seq,
    (SELECT CASE WHEN p.present THEN NULL ELSE p.at END FROM presence AS p
     WHERE p.record = r.id AND p.at <= :as_of ORDER BY p.id DESC LIMIT 1)
FROM temp.chosen AS c CROSS JOIN record AS r ON r.id = c.record CROSS JOIN observation AS o ON o.seq =
    (SELECT max(v.seq) FROM observation AS v WHERE v.record = r.id AND v.first_seen <= :as_of)
ORDER BY r.account, r.kind, r.external_id
"""


def _records(conn: sqlite3.Connection, as_of: datetime | None) -> tuple[Observation, ...]:
    """The newest version of every chosen record, in the order of their keys."""
    found = conn.execute(_NOW) if as_of is None else conn.execute(_THEN, {"as_of": stamp_of(as_of)})
    finished = _finished(conn)
    return tuple(observation_of(row[:8], finished, None if row[8] is None else instant(row[8]), as_of) for row in found)


def _finished(conn: sqlite3.Connection) -> dict[int, datetime]:
    return {row[0]: instant(row[1]) for row in conn.execute("SELECT id, finished FROM poll")}


_EARLIER: Final = """
SELECT r.account, r.kind, r.external_id, o.version, o.body, o.first_seen, r.last_poll, o.seq
FROM temp.chosen AS c CROSS JOIN record AS r ON r.id = c.record CROSS JOIN observation AS o ON o.record = r.id
WHERE r.versions > 1 ORDER BY o.seq
"""


def _history(
    conn: sqlite3.Connection, records: tuple[Observation, ...], known: Collection[str], as_of: datetime | None
) -> Mapping[SourceKey, tuple[Observation, ...]]:
    """Versions before the newest one, oldest first; each was last seen when the next one came.

    `known`: identities with a posting or a place. Time and expenses without one need no history.
    """
    newest = {(one.key.account, one.key.kind, one.key.id): one.seq for one in records}
    finished = _finished(conn)
    versions: dict[SourceKey, list[Observation]] = {}
    for row in conn.execute(_EARLIER):
        account, kind, name, seq = row[0], row[1], row[2], row[7]
        wanted = kind not in ("time", "expense") or f"{kind}/{account}/{name}" in known
        if wanted and seq <= newest.get((account, kind, name), 0):
            one = observation_of(row, finished, None, as_of)
            versions.setdefault(one.key, []).append(one)
    return {
        key: tuple(replace(one, last_seen=following.first_seen) for one, following in pairwise(all_of))
        for key, all_of in versions.items()
        if len(all_of) > 1
    }


def _postings(conn: sqlite3.Connection, as_of: datetime | None) -> tuple[Posting, ...]:
    columns = ", ".join(f"p.{name}" for name in COLUMNS["posting"])
    found = conn.execute(
        f"SELECT {columns} FROM temp.chosen_identity AS c CROSS JOIN posting AS p ON p.identity = c.identity "
        "WHERE ?1 IS NULL OR p.at <= ?1 ORDER BY p.id",
        (None if as_of is None else stamp_of(as_of),),
    )
    return tuple(map(posting_of, found))


def _samples(
    conn: sqlite3.Connection, terms: Terms, as_of: datetime | None
) -> Mapping[tuple[str, str], tuple[int, ...]]:
    """The last amounts billed by client and line kind, oldest first; what was reversed is no sample."""
    samples: dict[tuple[str, str], tuple[int, ...]] = {}
    until = "9999" if as_of is None else stamp_of(as_of)
    for client in terms.clients:
        for kind in get_args(LineKind):
            found: list[Any] = conn.execute(
                "SELECT p.amount FROM posting AS p WHERE p.kind = 'billed' AND p.client = ?1 AND p.line_kind = ?2 "
                "AND p.reverses IS NULL AND p.at <= ?3 AND NOT EXISTS "
                "(SELECT 1 FROM posting AS r WHERE r.reverses = p.id AND r.at <= ?3) ORDER BY p.id DESC LIMIT ?4",
                (client, kind, until, _SAMPLES),
            ).fetchall()
            if found:
                samples[client, kind] = tuple(row[0] for row in reversed(found))
    return samples
