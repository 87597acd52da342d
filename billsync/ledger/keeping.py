"""What a night's evaluation leaves behind: places in the queue for room, terms in force, postings by hand, rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from billsync.ledger.database import stamp_of
from billsync.ledger.postings import post, posted
from billsync.ledger.projection import next_id, record
from billsync.ledger.rest import put_to_rest
from billsync.ledger.told import with_told
from billsync.model.book import Place, Posting, Terms
from billsync.model.codec import decode
from billsync.model.contract import Contract, without_origins
from billsync.model.statement import Evaluation
from billsync.model.work import canonical_bytes

_TOLD: Final = 1000
"""Places told in one journal row."""
_CURRENT: Final = "FROM place AS p LEFT JOIN place_end AS e ON e.place = p.id"


def keep(conn: sqlite3.Connection, evaluation: Evaluation, *, terms: Terms, at: datetime, night: date) -> None:
    """Store what cannot be derived again, in the caller's transaction. Terms as merged with what sources told."""
    _keep_terms(conn, with_told(conn, terms).contracts, at)
    _end_places(conn, evaluation.left, at)
    _keep_places(conn, evaluation.places, at)
    post(conn, evaluation.postings, at=at, night=night)
    put_to_rest(conn, evaluation.resting, at=at)


def _keep_places(conn: sqlite3.Connection, places: Sequence[Place], at: datetime) -> None:
    for start in range(0, len(places), _TOLD):
        chunk = [place for place in places[start : start + _TOLD] if _place_of(conn, place.identity) is None]
        if chunk:
            told = [[place.identity, place.contract, place.night, place.rank] for place in chunk]
            record(conn, "placed", {"first": next_id(conn, "place"), "places": told}, at=at)
            posted(conn, (place.identity for place in chunk))


def _end_places(conn: sqlite3.Connection, identities: Sequence[str], at: datetime) -> None:
    ending = [[number, one] for one in dict.fromkeys(identities) if (number := _place_of(conn, one)) is not None]
    for start in range(0, len(ending), _TOLD):
        body = {"first": next_id(conn, "place_end"), "places": ending[start : start + _TOLD]}
        record(conn, "left", body, at=at)


def _place_of(conn: sqlite3.Connection, identity: str) -> int | None:
    found = conn.execute(f"SELECT p.id {_CURRENT} WHERE p.identity = ? AND e.id IS NULL", (identity,)).fetchone()
    return None if found is None else int(found[0])


def places_of_chosen(conn: sqlite3.Connection, *, as_of: datetime | None) -> dict[str, Place]:
    """Places of the chosen identities (see facts.py), by identity."""
    until = None if as_of is None else stamp_of(as_of)
    found = conn.execute(
        f"SELECT p.identity, p.contract, p.night, p.rank FROM temp.chosen_identity AS c CROSS JOIN place AS p "
        f"ON p.identity = c.identity LEFT JOIN place_end AS e ON e.place = p.id WHERE {_HELD} ORDER BY p.id",
        {"until": until},
    )
    return {
        row[0]: Place(identity=row[0], contract=row[1], night=date.fromisoformat(row[2]), rank=row[3]) for row in found
    }


_HELD: Final = (
    "(:until IS NULL AND e.id IS NULL) OR (:until IS NOT NULL AND p.at <= :until AND (e.at IS NULL OR e.at > :until))"
)


def _keep_terms(conn: sqlite3.Connection, contracts: Mapping[str, Contract], at: datetime) -> None:
    """Contracts whose terms are new, or that are not in the configuration any more, are told."""
    in_force = {row[0]: row[1] for row in _terms_rows(conn, None)}
    for name, contract in sorted(contracts.items()):
        fingerprint = contract.fingerprint()
        if in_force.get(name) != fingerprint:
            _tell_terms(conn, name, fingerprint, without_origins(contract), at)
    for name in sorted(in_force.keys() - contracts.keys()):
        _tell_terms(conn, name, "", None, at)


def _tell_terms(conn: sqlite3.Connection, name: str, fingerprint: str, terms: Contract | None, at: datetime) -> None:
    body = {"id": next_id(conn, "terms"), "contract": name, "fingerprint": fingerprint, "terms": terms}
    record(conn, "terms", body, at=at)


def _terms_rows(conn: sqlite3.Connection, as_of: datetime | None) -> Iterable[tuple[Any, ...]]:
    until = "9999" if as_of is None else stamp_of(as_of)
    return conn.execute(
        "SELECT contract, fingerprint, body FROM terms WHERE id IN "
        "(SELECT max(id) FROM terms WHERE at <= ? GROUP BY contract) AND fingerprint <> '' ORDER BY contract",
        (until,),
    ).fetchall()


def contracts_at(conn: sqlite3.Connection, as_of: datetime, given: Mapping[str, Contract]) -> Mapping[str, Contract]:
    """The contracts in force then; the given ones where the ledger had not kept any yet."""
    kept = {row[0]: decode(Contract, row[2]) for row in _terms_rows(conn, as_of)}
    if not kept:
        return given
    return {name: given[name] if _same(given.get(name), contract) else contract for name, contract in kept.items()}


def former_terms(
    conn: sqlite3.Connection, contracts: Mapping[str, Contract], postings: Iterable[Posting]
) -> dict[str, Contract]:
    """Terms that were replaced since these postings, by fingerprint; where a cap is or was among them, for then it
    matters whether a price changed or a limit."""
    current = {name: one.fingerprint() for name, one in contracts.items()}
    wanted = {(one.fact.contract, one.fact.fingerprint) for one in postings if one.fact.fingerprint}
    found = {}
    for name, fingerprint in sorted(wanted - current.items()):
        row = conn.execute(
            "SELECT body FROM terms WHERE contract = ? AND fingerprint = ? "
            "AND (? OR json_array_length(body, '$.caps') > 0) LIMIT 1",
            (name, fingerprint, name in contracts and bool(contracts[name].caps)),
        ).fetchone()
        if row is not None and name in contracts:
            found[fingerprint] = decode(Contract, row[0])
    return found


def _same(given: Contract | None, kept: Contract) -> bool:
    """True where the given contract says the same and also knows where it is written."""
    return given is not None and canonical_bytes(without_origins(given)) == canonical_bytes(kept)
