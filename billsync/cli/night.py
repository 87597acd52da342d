"""What a night did, in words and tables: what was read, what went to the books, what the books changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from billsync.model.money import Money
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, under, whole
from billsync.reports.invoices import line_blocks, line_row

if TYPE_CHECKING:
    from billsync.model.work import PollReceipt
    from billsync.sync.summary import Attached, NightSummary, Pushed

SYNC: Final = "billsync.sync/1"
_OUTCOMES: Final = {
    "created": "billed",
    "adopted": "found in the books",
    "refused": "refused",
    "unknown": "not known yet",
    "held": "held",
    "would_create": "would bill",
}
_FILES: Final = {
    "attached": "attached",
    "found": "hung there",
    "failed": "NOT attached",
    "would_attach": "would attach",
}


def blocks(summary: NightSummary) -> list[Block]:
    """The night for the screen. Troubles are not here: they go to stderr, in three lines each."""
    rehearsal = " (dry run: nothing was written anywhere)" if summary.dry_run else ""
    seconds = int((summary.finished - summary.started).total_seconds())
    return [
        Words(f"Night of {summary.night}{rehearsal}, {seconds} s", "heading"),
        *_polls(summary),
        *_pushed(summary),
        *_attached(summary),
        *_sentences("Changed in the books", summary.changes),
        *_sentences("Noticed", summary.findings),
    ]


def draft_blocks(summary: NightSummary) -> Iterator[Block]:
    """Of a dry run: each document with its lines, and the very request that would have left."""
    for one in summary.pushed:
        if one.draft is None:
            continue
        yield Words(f"{one.reference} for {one.client}: {Money(one.total, one.currency)}", "heading")
        yield from line_blocks(one.draft.lines, one.currency)
        if one.request is not None:
            address, body = one.request
            yield Words("The request", "heading")
            yield Words(f"  {address}")
            for line in body.decode("utf-8", "replace").splitlines():
                yield Words(f"  {line}")


def row(summary: NightSummary) -> dict[str, Any]:
    """`billsync.sync/1`."""
    return {
        "schema": SYNC,
        "night": summary.night,
        "started": summary.started,
        "finished": summary.finished,
        "dry_run": summary.dry_run,
        "exit_code": summary.exit_code,
        "verdict": summary.evaluation.verdict if summary.evaluation is not None else None,
        "polls": [_poll_row(poll) for poll in summary.polls],
        "pushed": [_pushed_row(one) for one in summary.pushed],
        "attached": [_attached_row(one) for one in summary.attached],
        "marked": summary.marked,
        "changes": summary.changes,
        "findings": summary.findings,
        "troubles": [
            {"what": trouble.what, "where": trouble.where or None, "hint": trouble.hint or None}
            for trouble in summary.troubles
        ],
    }


def _polls(summary: NightSummary) -> Iterator[Block]:
    rows: list[tuple[Cell, ...]] = [
        (poll.account, poll.kind, poll.records, "yes" if poll.complete else "NO", poll.reason) for poll in summary.polls
    ]
    if rows:
        columns = (column("Account"), whole("Kind"), number("Records"), whole("Complete"), column("Reason"))
        yield Table(title="Read", columns=columns, rows=tuple(rows))


def _attached(summary: NightSummary) -> Iterator[Block]:
    """Files of evidence, and how many records were marked at their sources."""
    rows: list[tuple[Cell, ...]] = [
        (_FILES[one.outcome], one.name, one.reason, one.size, one.reference, one.sink) for one in summary.attached
    ]
    if rows:
        columns = (
            whole("Outcome"), column("File"), under("Reason"), number("Bytes"), whole("Document"), whole("Books"),
        )  # fmt: skip
        yield Table(title="Evidence", columns=columns, rows=tuple(rows))
    if summary.marked:
        yield Words(f"{summary.marked} record{'s' if summary.marked > 1 else ''} marked as billed at the source.")


def _pushed(summary: NightSummary) -> Iterator[Block]:
    if not summary.pushed:
        yield Words("")
        yield Words("Nothing was due.", "quiet")
        return
    rows: list[tuple[Cell, ...]] = [
        (
            "credited" if one.outcome == "created" and one.total < 0 else _OUTCOMES[one.outcome],
            one.client,
            one.reason,
            Money(one.total, one.currency),
            (one.receipt.number if one.receipt else "") or one.reference,
            one.sink,
        )
        for one in summary.pushed
    ]
    columns = (
        whole("Outcome"), column("Client"), under("Reason"), number("Amount"), column("Document"), whole("Books"),
    )  # fmt: skip
    yield Table(title="To the books", columns=columns, rows=tuple(rows))


def _sentences(title: str, sentences: list[str]) -> Iterator[Block]:
    if sentences:
        yield Words(title, "heading")
        yield from (Words(f"  {sentence}") for sentence in sentences)


def _poll_row(poll: PollReceipt) -> dict[str, Any]:
    return {
        "account": poll.account,
        "kind": poll.kind,
        "since": poll.window.since,
        "until": poll.window.until,
        "pages": poll.pages,
        "records": poll.records,
        "complete": poll.complete,
        "reason": poll.reason or None,
    }


def _attached_row(one: Attached) -> dict[str, Any]:
    return {
        "outcome": one.outcome,
        "reference": one.reference,
        "sink": one.sink,
        "name": one.name,
        "size": one.size,
        "reason": one.reason or None,
    }


def _pushed_row(one: Pushed) -> dict[str, Any]:
    money = Money(one.total, one.currency)
    lines = [line_row(line, one.currency) for line in one.draft.lines] if one.draft is not None else []
    request = None
    if one.request is not None:
        request = {"address": one.request[0], "body": one.request[1].decode("utf-8", "replace")}
    return {
        "outcome": one.outcome,
        "reference": one.reference,
        "number": one.receipt.number if one.receipt else None,
        "sink": one.sink,
        "client": one.client,
        "amount": money.text,
        "currency": one.currency,
        "reason": one.reason or None,
        "lines": lines,
        "request": request,
    }
