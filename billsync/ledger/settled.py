"""Work at rest one by one, as statement items: for reports and audits that list everything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billsync.ledger.observations import read_record
from billsync.model.book import Terms
from billsync.model.statement import Item
from billsync.model.work import Expense, Milestone, Record, SourceKey, TimeEntry

_RESTING: Final = """
SELECT a.identity, a.client, a.contract, a.fingerprint, a.currency, a.amount, a.withheld, a.hours,
    r.account, r.kind, r.external_id, r.project, r.person, o.body,
    (SELECT p.invoice FROM posting AS p WHERE p.identity = a.identity AND p.client = a.client
     AND p.kind IN ('billed', 'opening') ORDER BY p.id DESC LIMIT 1)
FROM at_rest AS a JOIN record AS r ON r.id = a.record JOIN observation AS o ON o.seq = r.observation
WHERE a.state = 'billed' ORDER BY r.account, r.kind, r.external_id, a.client
"""


def settled_items(conn: sqlite3.Connection, terms: Terms) -> Iterator[Item]:
    """Billed items at rest under the terms in force: billed less what is withheld, and the withheld part apart."""
    in_force = {name: contract.fingerprint() for name, contract in terms.contracts.items()}
    for row in conn.execute(_RESTING):
        if in_force.get(row[2]) != row[3]:
            continue
        item = _item(row)
        if item.amount - row[6] or not row[6]:
            yield replace(item, amount=item.amount - row[6])
        if row[6]:
            yield replace(item, amount=row[6], bucket="withheld")


def _item(row: tuple[Any, ...]) -> Item:
    identity, client, contract, _, currency, amount, _, hours, account, kind, name, project, person, body, invoice = row
    record = read_record(kind, body)
    return Item(
        identity=identity,
        key=SourceKey(account=account, kind=kind, id=name),
        name=_name(record),
        project=project,
        client=client,
        contract=contract,
        done_on=_done_on(record),
        amount=amount,
        currency=currency,
        bucket="billed",
        invoice=invoice or "",
        hours=None if hours is None else Decimal(hours),
        person=person or "",
    )


def _name(record: Record) -> str:
    if isinstance(record, TimeEntry):
        return record.notes or record.task or record.person_name or record.person
    if isinstance(record, Expense):
        return record.notes or record.category or "expense"
    return record.name if isinstance(record, Milestone) else record.id


def _done_on(record: Record) -> date | None:
    if isinstance(record, TimeEntry):
        return record.worked_on
    if isinstance(record, Expense):
        return record.spent_on
    return record.completed_on if isinstance(record, Milestone) else None
