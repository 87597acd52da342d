"""What one night did: for the terminal, for cron's exit code, for monitoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from billsync.model.errors import BillsyncError
from billsync.model.invoice import Draft, Receipt
from billsync.model.statement import Evaluation
from billsync.model.work import PollReceipt

Outcome = Literal["created", "adopted", "refused", "unknown", "held", "would_create"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of one document tonight. `request`: address and body, in a dry run only."""

    outcome: Outcome
    reference: str
    sink: str
    client: str
    currency: str
    total: int
    receipt: Receipt | None = None
    reason: str = ""
    draft: Draft | None = None
    request: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What became of one file of evidence. `found`: it hung there already, after an answer that was lost."""

    outcome: Literal["attached", "found", "failed", "would_attach"]
    reference: str
    sink: str
    name: str
    size: int
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class NightSummary:
    """Everything a night has to say. `troubles` are errors that stopped one account or sink, not the night."""

    night: date
    started: datetime
    finished: datetime
    dry_run: bool
    polls: list[PollReceipt] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    marked: int = 0
    """Records marked as billed at their sources."""
    changes: list[str] = field(default_factory=list)
    """What people changed in the books since the last read-back."""
    findings: list[str] = field(default_factory=list)
    troubles: list[BillsyncError] = field(default_factory=list)
    evaluation: Evaluation | None = None

    @property
    def exit_code(self) -> int:
        """0 all billed or nothing to do · 1 findings · 3 a source incomplete · 4 a sink refused or unknown ·
        5 ledger; the worst wins (a number that is larger is worse)."""
        codes = [0, *(trouble.exit_code for trouble in self.troubles)]
        if any(one.outcome in ("refused", "unknown") for one in self.pushed):
            codes.append(4)
        if not all(poll.complete for poll in self.polls):
            codes.append(3)
        if self.findings:
            codes.append(1)
        if self.evaluation is not None:
            codes.append({"balanced": 0, "findings": 1, "unknown": 3}[self.evaluation.verdict])
        return max(codes)


class Progress(Protocol):
    """Where a night says what it is doing; the terminal, or nobody."""

    def say(self, text: str) -> None:
        """A step begins."""
        ...

    def count(self, account: str, kind: str, records: int) -> None:
        """So many records of a kind were read so far."""
        ...


class Quiet:
    """No progress: cron."""

    def say(self, text: str) -> None:
        """Nobody is listening."""

    def count(self, account: str, kind: str, records: int) -> None:
        """Nobody is listening."""
