"""Marks at the sources: whatever fails, each record that is billed in full bears the mark of its document, once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from billsync.ledger import Ledger
from billsync.model.errors import Refused, Unavailable
from billsync.model.statement import Item
from billsync.model.work import SourceKey
from billsync.sync.marks import AT_ONCE, Marks
from tests.unit.ledger.conftest import Clock, World, bill, entry, evaluation, invoice, line, observe, time_part

STUBBORN = {"7", "23"}
"""Records that the source refuses for good."""
Fate = Literal["works", "dies before", "dies after", "cannot be opened"]
NIGHTS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=6),  # which record, and whether it is whole now
        st.sampled_from(["works", "dies before", "dies after", "cannot be opened"]),
    ),
    min_size=1,
    max_size=6,
)


@dataclass
class Vendor:
    """A source that takes marks, or fails in the way of the night."""

    fate: Fate = "works"
    account: str = "work"
    options: None = None
    marks_there: dict[str, str] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)

    def marks(self, options: None) -> frozenset[str]:
        return frozenset({"time"})

    def mark_billed(self, kind: str, ids: list[str], reference: str) -> None:
        self.calls.append(ids)
        if STUBBORN & set(ids):
            raise Refused("the period is closed")
        if self.fate == "dies before":
            raise Unavailable("no answer")
        self.marks_there |= dict.fromkeys(ids, reference)
        if self.fate == "dies after":
            raise Unavailable("the answer was lost")


ACCOUNT: Any = SimpleNamespace(name="work", mark_billed=True)


@dataclass
class Firm:
    """As much of a firm as marks ask for."""

    vendor: Vendor
    now: Clock
    config: Any = field(default_factory=lambda: SimpleNamespace(sources=lambda: [ACCOUNT]))

    @contextmanager
    def source(self, name: str) -> Iterator[Vendor]:
        if self.vendor.fate == "cannot be opened":
            raise Unavailable("the log-in is over")
        yield self.vendor


def item(number: str, bucket: Any) -> Item:
    return Item(
        identity=f"time/work/{number}", key=SourceKey(account="work", kind="time", id=number), name="", project="P-1",
        client="acme", contract="C-1", done_on=None, amount=1, currency="USD", bucket=bucket,
    )  # fmt: skip


@contextmanager
def opened() -> Iterator[tuple[World, Ledger]]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "billsync.db")
        with world.open() as ledger:
            yield world, ledger


def night(ledger: Ledger, world: World, vendor: Vendor, whole: dict[str, bool]) -> Marks:
    """The step of one night, after its documents; what is billed stands among the items."""
    marks = Marks(Firm(vendor, world.clock), ledger)  # type: ignore[arg-type]
    items = [item(number, "billed") for number in whole]
    items += [item(number, "held") for number, all_of_it in whole.items() if not all_of_it]
    marks.mark(evaluation(items=tuple(items)))
    return marks


@settings(max_examples=40)
@given(NIGHTS)
def test_each_record_bears_its_documents_mark_in_the_end(nights: list[Any]) -> None:
    with opened() as (world, ledger):
        observe(ledger, world.clock, *(entry(str(number)) for number in range(31)))
        vendor, whole, last = Vendor(), dict[str, bool](), dict[str, str]()
        Marks(Firm(vendor, world.clock), ledger).begin()  # type: ignore[arg-type]
        for place, (billed, fate) in enumerate([*nights, ([], "works")]):
            reference = f"BS-{place}"
            wanted = {str(number): all_of_it for number, all_of_it in billed}
            if wanted:
                parts = [time_part(entry(number), 100 + place) for number in wanted]
                bill(ledger, world.clock, invoice(reference, line("time", *parts)))
            whole |= wanted
            last |= dict.fromkeys(wanted, reference)
            vendor.fate = fate
            marks = night(ledger, world, vendor, whole)
            if fate != "works" and any(wanted.values()):
                assert marks.findings, f"{fate}: nobody is told that {sorted(wanted)} are not marked"
        due = {number: last[number] for number, all_of_it in whole.items() if all_of_it and number not in STUBBORN}
        there = {number: vendor.marks_there.get(number) for number in due}
        assert there == due, "a record does not bear the mark of its newest document"
        told = [(number, ledger.marks.of(SourceKey(account="work", kind="time", id=number))) for number in due]
        assert dict(told) == due, "the journal does not say what the source bears"
        before = len(vendor.calls)
        quiet = night(ledger, world, vendor, whole)
        assert len(vendor.calls) == before and not quiet.findings, "a night without news asked the source again"
        assert ledger.verify().ok


@given(st.integers(1, 3 * AT_ONCE))
@settings(max_examples=5)
def test_records_go_in_batches(count: int) -> None:
    with opened() as (world, ledger):
        clock = world.clock
        numbers = [str(number) for number in range(1000, 1000 + count)]
        observe(ledger, clock, *(entry(number) for number in numbers))
        vendor = Vendor()
        marks = Marks(Firm(vendor, clock), ledger)  # type: ignore[arg-type]
        marks.begin()
        bill(ledger, clock, invoice("BS-1", line("time", *(time_part(entry(number), 1) for number in numbers))))
        marks.mark(evaluation(items=tuple(item(number, "billed") for number in numbers)))
        assert sorted(vendor.marks_there) == numbers and all(len(call) <= AT_ONCE for call in vendor.calls)
        assert marks.marked == count
