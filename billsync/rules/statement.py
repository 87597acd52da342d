"""The statement: what is earned by currency, client and contract, and the buckets it lies in. They sum to 0.00, always.

Items say it one by one: a row for each identity, bucket and cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from billsync.model.book import Settled
from billsync.model.errors import LedgerError
from billsync.model.statement import BUCKETS, Bucket, Item, StatementRow
from billsync.rules.settle import Share
from billsync.rules.view import View


def items_of(view: View, shares: Iterable[Share], troubles: dict[str, str]) -> list[Item]:
    """The rows of all shares. `troubles`: documents that the books do not hold as they were sent, and how."""
    return sorted(
        (item for share in shares for item in _items(view, share, troubles)),
        key=lambda item: (item.contract, item.identity, item.client, BUCKETS.index(item.bucket), item.cause),
    )


@dataclass(slots=True)
class _Amount:
    bucket: Bucket
    cause: str
    amount: int
    invoice: str = ""


def _items(view: View, share: Share, troubles: dict[str, str]) -> Iterator[Item]:
    rows: dict[tuple[Bucket, str], _Amount] = {}
    for row in _amounts(share, troubles):
        known = rows.get((row.bucket, row.cause))
        if known is None:
            rows[row.bucket, row.cause] = row
        else:
            known.amount += row.amount
    shown = [row for row in rows.values() if row.amount]
    for row in shown or [_Amount("billed", "", 0)]:
        yield _item(view, share, row)


def _amounts(share: Share, troubles: dict[str, str]) -> Iterator[_Amount]:
    posted, standing = share.standing.posted, share.standing
    invoices = standing.invoices
    trouble = next((troubles[name] for name in invoices if name in troubles), "")
    billed = posted.own + posted.elsewhere - standing.outstanding
    yield _Amount("billed", trouble, billed, ", ".join(invoices))
    yield _Amount("credited", "credited", posted.credited + posted.trued_down)
    yield _Amount("withheld", "withheld", standing.outstanding, ", ".join(invoices))
    yield _Amount("capped", "cap_reached", share.capped)
    yield _Amount("written_off", "excluded", posted.written_off)
    yield _Amount("in_flight", "unknown_outcome", standing.flying.net, ", ".join(standing.references))
    for part in share.opens:
        invoice = part.decision.target if part.kind == "elsewhere" and part.decision else ""
        cause = part.cause or ("next_sync" if part.bucket == "ready" else "")
        yield _Amount(part.bucket, cause, part.amount, invoice)


def _item(view: View, share: Share, row: _Amount) -> Item:
    work = share.work
    return Item(
        identity=work.identity,
        key=work.key,
        name=work.name,
        project=work.project_name,
        client=share.client,
        contract=work.contract.id,
        done_on=work.done_on,
        amount=row.amount,
        currency=work.contract.currency,
        bucket=row.bucket,
        cause=row.cause,
        owner=view.owner(row.cause),
        age_days=view.age(work.done_on),
        invoice=row.invoice,
        hours=work.hours,
        person=work.person,
        because=work.because,
    )


def statement(items: Iterable[Item], shares: Iterable[Share], settled: Iterable[Settled]) -> tuple[StatementRow, ...]:
    """One row per currency, client and contract. Raises LedgerError where one does not balance: that is a defect."""
    totals: dict[tuple[str, str, str], dict[str, int]] = {}

    def add(key: tuple[str, str, str], name: str, amount: int) -> None:
        row = totals.setdefault(key, dict.fromkeys(("earned", *BUCKETS), 0))
        row[name] += amount

    for share in shares:
        add((share.work.contract.currency, share.client, share.work.contract.id), "earned", share.earned)
    for item in items:
        add((item.currency, item.client, item.contract), item.bucket, item.amount)
    for rest in settled:
        key = (rest.currency, rest.client, rest.contract)
        add(key, "earned", rest.amount)
        add(key, "billed", rest.amount - rest.withheld)
        add(key, "withheld", rest.withheld)
    rows = tuple(_row(key, totals[key]) for key in sorted(totals))
    for row in rows:
        if row.difference:
            raise LedgerError(
                f"the statement of {row.contract} does not balance: {row.difference} minor units of {row.currency}",
                where=f"client {row.client}",
                hint="this is a defect in billsync; nothing was billed, please report it",
            )
    return rows


def _row(key: tuple[str, str, str], totals: dict[str, Any]) -> StatementRow:
    return StatementRow(currency=key[0], client=key[1], contract=key[2], **totals)
