"""Noticing a clock that is wrong: by when the last night was, and by what the vendors' own clocks say.

Dates of invoices, the days of a schedule and what counts as worked are told by this computer's clock. So where every
vendor that tells a time contradicts it, nothing new is sent that night.
"""

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

APART: Final = timedelta(hours=1)
"""So far apart two clocks that are right can never be; a wrong zone of the computer already is."""


def clock_findings(firm: Firm, ledger: Ledger) -> Iterator[str]:
    """What a person should know of this computer's clock before the night is believed."""
    last, now = ledger.last_polled(), firm.now()
    if last is not None and last - now > BEHIND:
        yield f"this computer's clock says {now:%Y-%m-%d %H:%M} UTC, before the last night, of {last:%Y-%m-%d %H:%M}"
    if last is not None and now - last > SILENT:
        yield f"there was no night for {(now - last).days} days, or this computer's clock is ahead"


def wrong_clock(firm: Firm) -> str:
    """Why nothing may be dated by this computer's clock tonight; "" where one vendor agrees with it, or none told."""
    ahead = firm.vendors_ahead()
    if not ahead or any(abs(one) <= APART for one in ahead.values()):
        return ""
    name, apart = min(ahead.items(), key=lambda one: (abs(one[1]), one[0]))
    now = firm.now()
    says = f"{name} says {now + apart:%Y-%m-%d %H:%M} UTC, and no other account agrees with it"
    return f"nothing was sent: this computer's clock says {now:%Y-%m-%d %H:%M} UTC, {says}; set the clock, then sync"
