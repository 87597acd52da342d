"""Work at rest one by one, as statement items: for reports and audits that list everything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billsync.ledger.observations import read_record
from billsync.ledger.told import with_told
from billsync.model.book import Terms
from billsync.model.statement import Item
from billsync.model.work import Expense, Milestone, Record, SourceKey, TimeEntry

_RESTING: Final = """
SELECT a.identity, a.client, a.contract, a.fingerprint, a.currency, a.amount, a.withheld, a.hours,
    r.account, r.kind, r.external_id, r.project, r.person, o.body,
    (SELECT p.invoice FROM posting AS p WHERE p.identity = a.identity AND p.client = a.client
     AND p.kind IN ('billed', 'opening') ORDER BY p.id DESC LIMIT 1)
FROM at_rest AS a CROSS JOIN record AS r ON r.id = a.record CROSS JOIN observation AS o ON o.seq = r.observation
WHERE a.state = 'billed' ORDER BY a.record, a.identity, a.client
"""


def settled_items(conn: sqlite3.Connection, terms: Terms) -> Iterator[Item]:
    """Billed items at rest under the terms in force: billed less what is withheld, and the withheld part apart.

    In the order in which the records were first seen, so that a million need no sorting."""
    terms = with_told(conn, terms)
    in_force = {name: contract.fingerprint() for name, contract in terms.contracts.items()}
    names = _project_names(conn)
    for row in conn.execute(_RESTING):
        if in_force.get(row[2]) != row[3]:
            continue
        item = _item(row, terms, names)
        if item.amount - row[6] or not row[6]:
            yield replace(item, amount=item.amount - row[6])
        if row[6]:
            yield replace(item, amount=row[6], bucket="withheld")


def _project_names(conn: sqlite3.Connection) -> dict[tuple[str, str], str]:
    found = conn.execute(
        "SELECT r.account, r.external_id, json_extract(o.body, '$.name') "
        "FROM (SELECT DISTINCT account FROM poll WHERE kind = 'project') AS q CROSS JOIN record AS r "
        "ON r.account = q.account AND r.kind = 'project' CROSS JOIN observation AS o ON o.seq = r.observation"
    )
    return {(account, name): shown for account, name, shown in found}


def _item(row: tuple[Any, ...], terms: Terms, projects: dict[tuple[str, str], str]) -> Item:
    identity, client, contract, _, currency, amount, _, hours, account, kind, name, project, person, body, invoice = row
    record = read_record(kind, body)
    who = _person(record, terms.persons.get(f"{account}:{person}", person or ""))
    return Item(
        identity=identity,
        key=SourceKey(account=account, kind=kind, id=name),
        name=_name(record, who),
        project=projects.get((account, project), project),
        client=client,
        contract=contract,
        done_on=_done_on(record),
        amount=amount,
        currency=currency,
        bucket="billed",
        invoice=invoice or "",
        hours=None if hours is None else Decimal(hours),
        person=who,
    )


def _person(record: Record, known: str) -> str:
    return (record.person_name or known) if isinstance(record, TimeEntry) else known


def _name(record: Record, who: str) -> str:
    """The words that the rules use for a record that is awake."""
    if isinstance(record, TimeEntry):
        return ", ".join(filter(None, [who, record.worked_on.isoformat(), record.task or record.notes]))
    if isinstance(record, Expense):
        return ", ".join([record.category or record.notes or "expense", record.spent_on.isoformat()])
    return record.name if isinstance(record, Milestone) else record.id


def _done_on(record: Record) -> date | None:
    if isinstance(record, TimeEntry):
        return record.worked_on
    if isinstance(record, Expense):
        return record.spent_on
    return record.completed_on if isinstance(record, Milestone) else None
