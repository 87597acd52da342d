"""How the ledger is: when each account was last read completely, and which documents are on their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from billsync.model.book import Coverage, Intent
from billsync.reports.blocks import Block, Cell, Table, Words, column, number, whole
from billsync.reports.exit import ALL_BILLED, SINK_UNSURE, SOURCE_INCOMPLETE

STATUS: Final = "billsync.ledger/1"
_UNSETTLED: Final = frozenset({"sending", "unknown", "refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a ledger at `now` (UTC)."""

    path: Path
    ledger_id: str
    coverage: Sequence[Coverage]
    documents: dict[str, int]
    """State of the outbox -> how many documents."""
    now: datetime

    def current(self, one: Coverage) -> bool:
        """Read completely, and not longer ago than the account's schedule allows."""
        limit = timedelta(hours=one.stale_after_hours)
        complete = one.last is None or one.last.complete
        return complete and one.last_complete is not None and self.now - one.last_complete <= limit

    @property
    def exit_code(self) -> int:
        """0 all current and settled, 3 an account is not current, 4 a document is not settled."""
        codes = [ALL_BILLED if all(map(self.current, self.coverage)) else SOURCE_INCOMPLETE]
        if any(self.documents.get(state) for state in _UNSETTLED):
            codes.append(SINK_UNSURE)
        return max(codes)


def build(
    *, path: Path, ledger_id: str, coverage: Iterable[Coverage], intents: Iterable[Intent], now: datetime
) -> Status:
    """The status of an open ledger."""
    states = Counter(str(intent.state) for intent in intents)
    return Status(path=path, ledger_id=ledger_id, coverage=tuple(coverage), documents=dict(states), now=now)


def blocks(status: Status) -> list[Block]:
    """The status for the screen."""
    polls: list[tuple[Cell, ...]] = []
    for one in status.coverage:
        last = f"{one.last_complete:%Y-%m-%d %H:%M}" if one.last_complete else "never"
        reason = one.last.reason if one.last is not None and not one.last.complete else ""
        polls.append((one.account, one.kind, last, "yes" if status.current(one) else "no", reason))
    columns = (column("Account"), whole("Kind"), whole("Read completely (UTC)"), whole("Current"), column("Why not"))
    found: list[Block] = [
        Words(f"Ledger {status.ledger_id[:12]} in {status.path}"),
        Table(title="Accounts", columns=columns, rows=tuple(polls)),
    ]
    if status.documents:
        rows = tuple(sorted(status.documents.items()))
        found.append(Table(title="Documents", columns=(whole("State"), number("Number")), rows=rows))
    return found


def row(status: Status) -> dict[str, Any]:
    """`billsync.ledger/1`."""
    return {
        "schema": STATUS,
        "path": str(status.path),
        "ledger": status.ledger_id,
        "accounts": [
            {
                "account": one.account,
                "kind": one.kind,
                "last_complete": one.last_complete,
                "current": status.current(one),
                "reason": one.last.reason if one.last is not None and not one.last.complete else None,
            }
            for one in status.coverage
        ],
        "documents": status.documents,
    }
