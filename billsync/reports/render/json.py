"""Reports as JSON: one documented shape for each, with a name and a version, amounts as decimal strings.

A shape may gain fields; a field that changes its meaning gets another version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TextIO

from billsync.model.money import plain
from billsync.model.statement import BUCKETS, Finding, Item, NotEarned, StatementRow, Unknown, Unvalued
from billsync.model.work import SourceKey
from billsync.reports.reconcile import Reconciliation

RECONCILE: Final = "billsync.reconcile/1"


def dumps(value: Any) -> str:
    """JSON text of plain data: UTF-8 as it is, amounts and dates as their owners spelt them."""
    return json.dumps(value, ensure_ascii=False, default=_scalar)


def indented(value: Any) -> str:
    """JSON text for people to read."""
    return json.dumps(value, ensure_ascii=False, default=_scalar, indent=2) + "\n"


def write_rows(rows: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """An array, one row a line."""
    out.write("[")
    _rows(rows, out, indent="  ")
    out.write("\n]\n")


def write_reconciliation(report: Reconciliation, out: TextIO) -> None:
    """`billsync.reconcile/1`. Settled items are written as they are read: the report may be larger than memory."""
    head = {"schema": RECONCILE, "as_of": report.as_of, "verdict": report.verdict}
    out.write("{\n" + ",\n".join(f'  "{name}": {dumps(value)}' for name, value in head.items()))
    arrays: dict[str, Iterable[Mapping[str, Any]]] = {
        "statement": map(statement_row, report.statement),
        "not_valued": map(not_valued_row, report.not_valued),
        "not_earned": map(not_earned_row, report.not_earned),
        "unknown": map(unknown_row, report.unknown),
        "items": _items(report),
        "findings": map(finding_row, report.findings),
    }
    for name, rows in arrays.items():
        out.write(f',\n  "{name}": [')
        _rows(rows, out, indent="    ")
        out.write("\n  ]")
    out.write("\n}\n")


def statement_row(row: StatementRow) -> dict[str, Any]:
    """One currency, client and contract; earned is the sum of the buckets, credited counting negative."""
    names = ("earned", *BUCKETS, "difference")
    amounts = {name: plain(getattr(row, name), row.currency) for name in names}
    return {"currency": row.currency, "client": row.client, "contract": row.contract, **amounts}


def item_row(item: Item) -> dict[str, Any]:
    """One identity's share in one bucket. `account`, `kind` and `external_id` are null where no single source
    record stands behind it (a dated line)."""
    return {
        "identity": item.identity,
        **_key(item.key),
        "name": item.name,
        "project": item.project or None,
        "client": item.client,
        "contract": item.contract,
        "done_on": item.done_on,
        "amount": plain(item.amount, item.currency),
        "currency": item.currency,
        "bucket": item.bucket,
        "cause": item.cause or None,
        "owner": item.owner or None,
        "age_days": item.age_days,
        "invoice": item.invoice or None,
    }


def not_valued_row(one: Unvalued) -> dict[str, Any]:
    """A record without a value: unmapped, unrated or not billable."""
    return {
        **_key(one.key),
        "name": one.name,
        "project": one.project or None,
        "contract": one.contract or None,
        "why": one.why,
        "cause": one.cause,
        "owner": one.owner or None,
        "done_on": one.done_on,
        "age_days": one.age_days,
        "hours": one.hours,
    }


def not_earned_row(one: NotEarned) -> dict[str, Any]:
    """Work that is not earned yet; `amount` where it is known what it will be worth."""
    return {
        "identity": one.identity,
        **_key(one.key),
        "name": one.name,
        "project": one.project or None,
        "contract": one.contract,
        "cause": one.cause,
        "owner": one.owner or None,
        "due_on": one.due_on,
        "hours": one.hours,
        "amount": None if one.amount is None else plain(one.amount, one.currency),
        "currency": one.currency or None,
    }


def unknown_row(one: Unknown) -> dict[str, Any]:
    """An account whose part of the statement is not known."""
    return {"account": one.account, "reason": f"{one.kind}: {one.reason}", "last_complete": one.last_complete}


def finding_row(one: Finding) -> dict[str, Any]:
    """Something a person should know or decide; `amount` null where it has no money effect."""
    amount = None if one.amount is None or not one.currency else plain(one.amount, one.currency)
    return {
        "code": one.code,
        "identity": one.identity or None,
        "text": one.text,
        "owner": one.owner or None,
        "age_days": one.age_days,
        "amount": amount,
        "currency": one.currency or None,
    }


def _items(report: Reconciliation) -> Iterator[Mapping[str, Any]]:
    for items in (report.items, report.settled):
        yield from map(item_row, items)


def _key(key: SourceKey | None) -> dict[str, Any]:
    if key is None:
        return {"account": None, "kind": None, "external_id": None}
    return {"account": key.account, "kind": key.kind, "external_id": key.id}


def _rows(rows: Iterable[Mapping[str, Any]], out: TextIO, *, indent: str) -> None:
    separator = "\n"
    for row in rows:
        out.write(f"{separator}{indent}{dumps(row)}")
        separator = ",\n"


def _scalar(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no place in JSON")
