"""Asking the sources: one thread an account, one receipt a kind; an incomplete poll is never an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from billsync.config import AccountConfig
from billsync.model.errors import BillsyncError
from billsync.model.work import Kind, PollReceipt, Record, Window
from billsync.sdk.source import Source
from billsync.sync.clock import APART
from billsync.sync.firm import Firm
from billsync.sync.summary import Progress

# The order in which kinds are read: projects first, for what the others refer to.
KINDS: Final[Mapping[Kind, str]] = {
    "project": "projects",
    "milestone": "milestones",
    "time": "time_entries",
    "expense": "expenses",
    "contract": "contracts",
    "change_order": "change_orders",
}
OVERLAP: Final = APART + timedelta(minutes=15)
"""Asked again before the last poll: a vendor's clock may be so far behind ours that nobody calls it wrong."""
FULL_SWEEP_DAYS: Final = 30
"""So old may the last sweep over all dates be before a night makes one by itself."""
FAR_FUTURE: Final = timedelta(days=366)
"""Work dated ahead is read too: it is shown as not yet earned."""
ACCOUNTS_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one kind of one account said tonight; `records` hold whatever was read, also when it broke off."""

    receipt: PollReceipt
    records: tuple[Record, ...]
    trouble: BillsyncError | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One pass over one kind: which window, and whether absence from it means gone."""

    kind: Kind
    window: Window
    full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What earlier nights left of one account: its last complete receipt of each kind, and the last that swept all."""

    last: Mapping[Kind, PollReceipt | None]
    last_full: Mapping[Kind, PollReceipt | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What tonight wants to know: since when, up to today, everything again or only what may have changed."""

    now: datetime
    today: date
    beginning: date
    full: bool = False


def poll_all(
    firm: Firm, memories: Mapping[str, Memory], wanted: Wanted, progress: Progress
) -> Iterator[tuple[str, list[Polled]]]:
    """Every account's answers, in the order of their names; accounts are read side by side."""
    names = sorted(memories)
    if len(names) == 1:  # nobody to wait beside: no thread
        yield names[0], poll_account(firm, names[0], memories[names[0]], wanted, progress)
        return
    with ThreadPoolExecutor(max_workers=ACCOUNTS_AT_ONCE, thread_name_prefix="poll") as pool:
        futures = {name: pool.submit(poll_account, firm, name, memories[name], wanted, progress) for name in names}
        for name in names:
            yield name, futures[name].result()


def poll_account(firm: Firm, name: str, memory: Memory, wanted: Wanted, progress: Progress) -> list[Polled]:
    """Ask one account for each of its kinds; what goes wrong fails that kind, and is in its receipt."""
    account = firm.config.accounts[name]
    try:
        with firm.source(name) as source:
            offered = type(source).kinds(source.options)
            kinds = [kind for kind in KINDS if kind in offered and (not account.kinds or kind in account.kinds)]
            return list(_answers(firm, source, plan_asks(account, source, kinds, memory, wanted), progress))
    except BillsyncError as error:  # the account cannot be opened at all: no secret, no plugin, wrong options
        at = firm.now()
        known = [kind for kind in KINDS if kind in account.kinds or memory.last.get(kind)]
        return [_failed(name, kind, wanted, at, error) for kind in known or ["project"]]


def _answers(firm: Firm, source: Source[Any], asks: Sequence[Ask], progress: Progress) -> Iterator[Polled]:
    """One after the other. Where the changes of a kind could not be read, its recent days are not read either: they
    would pass for a complete night, and the next one would ask for later changes only."""
    failed: set[Kind] = set()
    for ask in asks:
        if ask.kind not in failed:
            polled = _read(firm, source, ask, progress)
            if not polled.receipt.complete:
                failed.add(ask.kind)
            yield polled


def _read(firm: Firm, source: Source[Any], ask: Ask, progress: Progress) -> Polled:
    started = firm.now()
    pages_before = firm.pages(source)
    already = len(source.findings)
    records: list[Record] = []
    trouble: BillsyncError | None = None
    generator: Callable[[Window], Iterator[Record]] = getattr(source, KINDS[ask.kind])
    try:
        for record in generator(ask.window):
            records.append(record)
            if len(records) % 200 == 0:
                progress.count(source.account, ask.kind, len(records))
    except BillsyncError as error:
        trouble = error
    progress.count(source.account, ask.kind, len(records))
    receipt = PollReceipt(
        account=source.account,
        kind=ask.kind,
        window=ask.window,
        started=started,
        finished=firm.now(),
        pages=firm.pages(source) - pages_before,
        records=len(records),
        complete=trouble is None,
        full=ask.full,
        reason="" if trouble is None else _one_line(trouble),
        findings=tuple(source.findings[already:]),
    )
    return Polled(receipt=receipt, records=tuple(records), trouble=trouble, findings=receipt.findings)


def _failed(name: str, kind: Kind, wanted: Wanted, at: datetime, error: BillsyncError) -> Polled:
    receipt = PollReceipt(
        account=name,
        kind=kind,
        window=Window(since=wanted.beginning, until=wanted.today),
        started=at,
        finished=at,
        pages=0,
        records=0,
        complete=False,
        full=False,
        reason=_one_line(error),
    )
    return Polled(receipt=receipt, records=(), trouble=error)


def plan_asks(
    account: AccountConfig, source: Source[Any], kinds: Sequence[Kind], memory: Memory, wanted: Wanted
) -> list[Ask]:
    """What to ask tonight (connectors.md 7).

    The first time, on `--full`, every 30 days, and when contracts begin earlier than they did: everything since
    `beginning`. Else the account's window of recent
    dates in full, so that deletions show, and, where the vendor tells changes, whatever changed outside the window.
    """
    asks: list[Ask] = []
    for kind in kinds:
        whole = Window(since=wanted.beginning, until=wanted.today + FAR_FUTURE)
        swept, seen = memory.last_full.get(kind), memory.last.get(kind)
        absence = source.shows_absence(kind)
        whole_anyway = wanted.full or source.offers.changes == "whole" or kind not in ("time", "expense")
        ahead = seen is not None and seen.started > wanted.now  # it was read while the clock was ahead
        if whole_anyway or ahead or swept is None or seen is None or _short(swept, wanted):
            asks.append(Ask(kind=kind, window=whole, full=absence))
            continue
        if source.offers.changes == "since":
            # First, so that a record whose date moved out of the window is not taken for a deleted one.
            window = replace(whole, changed_since=seen.started - OVERLAP)
            asks.append(Ask(kind=kind, window=window, full=False))
        recent = max(wanted.beginning, wanted.today - timedelta(days=account.window_days))
        asks.append(Ask(kind=kind, window=replace(whole, since=recent), full=absence))
    return asks


def _one_line(error: BillsyncError) -> str:
    return " | ".join(str(error).splitlines())


def _short(swept: PollReceipt, wanted: Wanted) -> bool:
    """The last sweep is old, or began later than what is wanted by now: a contract's start or signature came later."""
    old = swept.started.date() < wanted.today - timedelta(days=FULL_SWEEP_DAYS)
    return old or swept.window.since > wanted.beginning
