"""Noticing a clock that is wrong: when the last night was is the only other thing that a run knows of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from billsync.sync.firm import Firm

if TYPE_CHECKING:
    from billsync.ledger import Ledger

BEHIND: Final = timedelta(hours=1)
"""So much the clock may go back: two machines are never quite of one mind."""
SILENT: Final = timedelta(days=60)
"""After so long without a night a person should look whether it was the nights or the clock that stopped."""


def clock_findings(firm: Firm, ledger: Ledger) -> Iterator[str]:
    """What a person should know of this computer's clock before the night is believed."""
    last, now = ledger.last_polled(), firm.now()
    if last is not None and last - now > BEHIND:
        yield f"this computer's clock says {now:%Y-%m-%d %H:%M} UTC, before the last night, of {last:%Y-%m-%d %H:%M}"
    if last is not None and now - last > SILENT:
        yield f"there was no night for {(now - last).days} days, or this computer's clock is ahead"
