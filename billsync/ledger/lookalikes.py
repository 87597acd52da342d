"""Work that two sources may both show: same person, date and hours; or same date, amount and currency.

Only other accounts are looked at. Persons are compared by the firm's own id where the configuration names one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from billsync.ledger.database import stamp_of
from billsync.ledger.observations import number_text
from billsync.model.work import Expense, Observation, SourceKey, TimeEntry

_Trait = tuple[str, date, str]
"""kind, date of work, hours or amount"""


def lookalikes(
    conn: sqlite3.Connection, records: Sequence[Observation], persons: Mapping[str, str], *, as_of: datetime | None
) -> Mapping[SourceKey, tuple[SourceKey, ...]]:
    """For each loaded time entry and expense, the records on other accounts that look like it, in order."""
    accounts = _accounts(conn)
    loaded: dict[_Trait, list[Observation]] = {}
    for one in records:
        trait = _trait(one)
        if trait is not None and len(accounts.get(trait[0], ())) > 1:
            loaded.setdefault(trait, []).append(one)
    found: dict[SourceKey, tuple[SourceKey, ...]] = {}
    for trait, alike in loaded.items():
        resting = _resting(conn, trait, accounts[trait[0]], as_of)
        known = [(one.key, _who(one, persons)) for one in alike if one.vanished is None]
        known += [
            (key, persons.get(f"{key.account}:{who}", who) if trait[0] == "time" else who) for key, who in resting
        ]
        for one in alike:
            who = _who(one, persons)
            twins = {key for key, other in known if key.account != one.key.account and other == who}
            if twins:
                found[one.key] = tuple(sorted(twins, key=str))
    return found


def _accounts(conn: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    accounts: dict[str, tuple[str, ...]] = {}
    for account, kind in conn.execute("SELECT DISTINCT account, kind FROM poll ORDER BY account"):
        accounts[kind] = (*accounts.get(kind, ()), account)
    return accounts


def _trait(one: Observation) -> _Trait | None:
    if isinstance(one.record, TimeEntry):
        return "time", one.record.worked_on, number_text(one.record.hours)
    if isinstance(one.record, Expense):
        return "expense", one.record.spent_on, number_text(one.record.amount)
    return None


def _who(one: Observation, persons: Mapping[str, str]) -> str:
    """What must be equal besides the trait: the person who worked; the currency of an expense."""
    if isinstance(one.record, TimeEntry):
        return persons.get(f"{one.key.account}:{one.record.person}", one.record.person)
    return one.record.currency if isinstance(one.record, Expense) and one.record.currency else ""


def _resting(
    conn: sqlite3.Connection, trait: _Trait, accounts: Iterable[str], as_of: datetime | None
) -> list[tuple[SourceKey, str]]:
    """Records at rest with this trait, and their person or currency."""
    kind, on, quantity = trait
    column = "person" if kind == "time" else "currency"
    found: list[tuple[SourceKey, str]] = []
    for account in accounts:
        rows = conn.execute(
            f"SELECT r.external_id, r.{column} FROM record AS r JOIN observation AS o ON o.seq = r.observation "
            "WHERE r.kind = ? AND r.on_date = ? AND r.quantity = ? AND r.account = ? AND r.vanished IS NULL "
            "AND o.first_seen <= ? AND r.id NOT IN (SELECT record FROM temp.chosen)",
            (kind, on.isoformat(), quantity, account, "9999" if as_of is None else stamp_of(as_of)),
        )
        found += [
            (SourceKey(account=account, kind="time" if kind == "time" else "expense", id=row[0]), row[1] or "")
            for row in rows
        ]
    return found
