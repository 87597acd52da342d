"""Telling people in the morning: one message to each notifier whose nights these are.

A message that fails is a finding of the run, never a failed run: the work is done by then. What a message says is what
the terminal says; secrets are in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from billsync.model.errors import BillsyncError, UsageError
from billsync.model.money import Money
from billsync.reports import morning, queue, reconcile
from billsync.reports.render.page import page
from billsync.reports.render.text import plain
from billsync.sdk.notifier import Message
from billsync.sync.summary import NightSummary, Pushed

if TYPE_CHECKING:
    from billsync.sync.firm import Firm

_OUTCOMES: Final = {
    "created": "billed",
    "adopted": "found in the books",
    "refused": "REFUSED",
    "unknown": "not known yet",
    "held": "held",
}


def notify(firm: Firm, summary: NightSummary, *, ledger: str) -> Iterator[str]:
    """Send tonight's message; a sentence for each that did not leave. `ledger`: its id, part of the run's name."""
    wanted = [account.name for account in firm.config.notifiers() if account.on & occasions(summary)]
    if not wanted or summary.evaluation is None:
        return
    message = message_of(firm, summary, ledger=ledger)
    for name in wanted:
        try:
            with firm.notifier(name) as notifier:
                notifier.send(message)
        except BillsyncError as error:
            yield f"{name} was not told: {error.what}"


def send_head(firm: Firm, account: str, note: str, *, rows: int, ledger: str) -> None:
    """Send the signed head of the journal and nothing else: the message's text is a file for `audit verify --against`.
    UsageError: there is no such notifier; VendorError: it did not leave."""
    known = [one.name for one in firm.config.notifiers()]
    if account not in known:
        raise UsageError(
            f"there is no notifier {account!r}",
            where=str(firm.config.path),
            hint=f"known: {', '.join(known)}" if known else "write one under `notifications`; see docs/notify.md",
        )
    name, now = firm.config.firm.name, firm.now()
    message = Message(
        subject=f"billsync: head of the journal, {rows} rows, {name}",
        text=note,
        verdict="head",
        at=now,
        run=f"head.{run_name(ledger, now)}.{rows}",
    )
    with firm.notifier(account) as notifier:
        notifier.send(message)


def stopped(firm: Firm, error: BillsyncError) -> None:
    """Tell that the night came to no end. A message that fails too changes nothing: the error is on its way."""
    name, now = firm.config.firm.name, firm.now()
    message = Message(
        subject=f"billsync {firm.today}: STOPPED, {name}",
        text=f"STOPPED: {error}\n\nNothing is known of this night's work until a run succeeds.\n",
        verdict="unknown",
        at=now,
        run=run_name("stopped", now),
    )
    for account in firm.config.notifiers():
        if account.on & {"always", "failure"}:
            with suppress(BillsyncError), firm.notifier(account.name) as notifier:
                notifier.send(message)


def occasions(summary: NightSummary) -> frozenset[str]:
    """What kind of night it was: `always`, and `findings` where somebody must decide, `failure` where it went wrong."""
    found = {"always"}
    if summary.exit_code >= 2:
        found.add("failure")
    verdict = summary.evaluation.verdict if summary.evaluation else "unknown"
    if summary.findings or summary.changes or verdict == "findings":
        found.add("findings")
    return frozenset(found)


def message_of(firm: Firm, summary: NightSummary, *, ledger: str) -> Message:
    """The night in words."""
    assert summary.evaluation is not None  # noqa: S101  `notify` has looked
    report = reconcile.build(summary.evaluation, as_of=summary.night, terms=firm.terms)
    told = morning.blocks(
        report,
        queue.build(summary.evaluation),
        billed=[_billed(firm, one) for one in summary.pushed],
        troubles=summary.troubles,
        changes=summary.changes,
        findings=summary.findings,
    )
    words, name = morning.verdict(report, summary.troubles), firm.config.firm.name
    title = f"{name}, night of {summary.night}"
    return Message(
        subject=morning.subject(words, name, str(summary.night)),
        text=plain(told),
        html=page(title, told),
        verdict=report.verdict,
        at=summary.finished,
        run=run_name(ledger, summary.started),
    )


def run_name(ledger: str, started: datetime) -> str:
    """The same for every attempt of the same run, and no other's."""
    return f"{ledger[:16]}.{started:%Y%m%dT%H%M%S}"


def _billed(firm: Firm, one: Pushed) -> morning.Billed:
    client = firm.terms.clients.get(one.client)
    document = (one.receipt.number if one.receipt else "") or one.reference
    return (_OUTCOMES.get(one.outcome, one.outcome), client.name if client else one.client,
            Money(one.total, one.currency), document)  # fmt: skip
