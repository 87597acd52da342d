"""Accounts whose part of the statement is not known: never read, not read to the end, or not read lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from billsync.model.book import Coverage
from billsync.model.statement import Unknown
from billsync.rules.view import View


def unknown(view: View) -> tuple[Unknown, ...]:
    """Accounts and kinds that are not current, each with the reason; what was read of them is billed as usual."""
    rows = [(coverage, reason_of(view.facts.now, coverage)) for coverage in view.facts.coverage]
    return tuple(
        Unknown(account=one.account, kind=one.kind, reason=reason, last_complete=one.last_complete)
        for one, reason in sorted(rows, key=lambda row: (row[0].account, row[0].kind))
        if reason
    )


def reason_of(now: datetime, coverage: Coverage) -> str:
    """Why an account's records of one kind are not known; "" where they are."""
    last = coverage.last
    if last is not None and not last.complete:
        return f"the last poll did not finish: {last.reason}" if last.reason else "the last poll did not finish"
    if coverage.last_complete is None:
        return "never read"
    age = now - coverage.last_complete
    if age > timedelta(hours=coverage.stale_after_hours):
        return f"last read completely on {coverage.last_complete:%Y-%m-%d %H:%M} UTC"
    return ""
