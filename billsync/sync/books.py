"""Reading back what became of our documents, and noticing another ledger's before anything is pushed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from billsync.model.errors import Fork
from billsync.sdk.sink import Sink
from billsync.sync.firm import Firm

if TYPE_CHECKING:
    from billsync.ledger import Ledger

OVERLAP: Final = timedelta(hours=1)
"""Read again before the last read-back: the books' clock is not ours."""


def read_back(firm: Firm, ledger: Ledger, sink: Sink[Any]) -> list[str]:
    """Store the books' word on our documents; returns what changed there, in sentences.

    Raises Fork when the books hold a document of ours that this ledger does not know, or another ledger's: then
    nothing may be pushed to this sink until `billsync ledger relearn` has restored its postings.
    """
    last = ledger.last_read_back(sink.account)
    read_at = firm.now()
    receipts = list(sink.read_back(None if last is None else last - OVERLAP))
    # A deleted document carries no work, and not all books tell of it when they are learned again.
    strangers = [one for one in ledger.foreign(sink.account, receipts) if one.status != "deleted"]
    if strangers:  # nothing is stored: the next night must see them again
        names = ", ".join(f"{receipt.number} ({receipt.reference})" for receipt in strangers[:5])
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise Fork(
            f"the books {sink.account!r} hold {len(strangers)} invoices that this ledger does not know",
            where=names + more,
            hint=f"an older or another ledger is in use: `billsync ledger relearn {sink.account}`, then sync again",
        )
    return ledger.read_back(sink.account, receipts, read_at=read_at)
