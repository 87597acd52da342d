"""Reading back what became of our documents, and noticing another ledger's before anything is pushed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from billsync.ledger import stamp
from billsync.model.errors import Fork
from billsync.model.invoice import Receipt
from billsync.sdk.sink import Sink
from billsync.sync.firm import Firm

if TYPE_CHECKING:
    from billsync.ledger import Ledger

OVERLAP: Final = timedelta(hours=1)
"""Read again before the newest change that the books told: they may show changes out of order."""


def read_back(firm: Firm, ledger: Ledger, sink: Sink[Any]) -> list[str]:
    """Store the books' word on our documents; returns what changed there, in sentences.

    Raises Fork when the books hold a document of ours that this ledger does not know, or another ledger's: then
    nothing may be pushed to this sink until `billsync ledger relearn` has restored its postings.
    """
    last, read_at = ledger.last_read_back(sink.account), firm.now()
    everything = last is None or last > read_at  # a clock is wrong: theirs, or ours now
    since = None if last is None or everything else last - OVERLAP
    if since is not None and sink.deletions_told_for is not None:
        since = since if read_at - since < timedelta(days=sink.deletions_told_for) else None
    told = list(sink.read_back(since))
    receipts = [*told, *_deleted(firm, ledger, sink, told, whole=since is None)]
    foreign = ledger.foreign(sink.account, receipts)
    mapped = _mapped(ledger) if foreign else frozenset[str]()
    strangers = [one for one in foreign if _stops(one, mapped)]
    if strangers:  # nothing is stored: the next night must see them again
        names = ", ".join(f"{receipt.number} ({receipt.reference})" for receipt in strangers[:5])
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise Fork(
            f"the books {sink.account!r} hold {len(strangers)} invoices that this ledger does not know",
            where=names + more,
            hint=f"an older or another ledger is in use: `billsync ledger relearn {sink.account}`, then sync again; "
            "void by hand what that cannot learn, or `billsync review map ITEM --invoice NUMBER`",
        )
    return ledger.read_back(sink.account, receipts, read_at=read_at)


def _stops(receipt: Receipt, mapped: Collection[str]) -> bool:
    """True for a document of ours that must be learned, or looked at by a person, before anything is sent.

    A deleted one carries no work, and not all books tell of it when they are learned again. One that cannot be learned,
    for want of its stamp, stops the sink until a person has voided it, or said on which invoice its work stands."""
    if receipt.status == "deleted":
        return False
    bears = stamp.unpack(receipt.stamp)
    if bears is not None and bears.complete and bears.reference == receipt.reference:
        return True
    return receipt.status != "voided" and not {receipt.number, receipt.reference} & set(mapped)


def _mapped(ledger: Ledger) -> set[str]:
    """Invoices on which work stands by a person's word, the last word about each work."""
    last = {one.subject: one for one in ledger.decisions() if one.kind in ("map", "release")}
    return {one.target for one in last.values() if one.kind == "map"}


def _deleted(firm: Firm, ledger: Ledger, sink: Sink[Any], told: Collection[Receipt], *, whole: bool) -> list[Receipt]:
    """Documents of ours that are gone without a word: where the books tell no deletions, or told all that there is."""
    if sink.tells_deletions and not whole:
        return []
    known = {document.receipt.id: document.receipt for document in ledger.documents(sink.account)}
    standing = [ident for ident, receipt in known.items() if receipt.status not in ("voided", "deleted")]
    if sink.tells_deletions:
        there = {receipt.id for receipt in told}
        gone = _not_found(firm, ledger, sink, [known[ident] for ident in standing if ident not in there])
    else:
        gone = list(sink.absent(standing))
    return [replace(known[ident], status="deleted", balance=None) for ident in gone]


def _not_found(firm: Firm, ledger: Ledger, sink: Sink[Any], missing: Collection[Receipt]) -> list[str]:
    """Which of these are not there, once the books had the time to show what was made just before."""
    if missing:
        firm.sleep(sink.settle)
    gone = []
    for receipt in missing:
        intent = ledger.intent(receipt.reference)
        if intent is not None and all(found.id != receipt.id for found in sink.find(intent.invoice)):
            gone.append(receipt.id)
    return gone
