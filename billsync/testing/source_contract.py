"""The tests that every source inherits: pages, throttles, windows, completed work, deletions, changes while it reads.

class TestHarvest(SourceContract):
    source = Harvest
    tables = {"time": "time_entries"}          kind -> table of the fake vendor
    lists = {"time": "/time_entries"}          kind -> path of its list
    promised = {"time": ("spent_date", ...)}   members whose absence must be named

    def vendor(self): ...                      a fake vendor with what records refer to
    def add(self, kind, number, on): ...       one more record; answers its id
    def change(self, kind, ident): ...         an edit that changes what it is worth
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import product
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from billsync.model.errors import BadAnswer, BillsyncError, Unavailable, VendorError
from billsync.model.work import Expense, Kind, Milestone, Record, TimeEntry, Window, version_of
from billsync.sdk.source import Source
from billsync.testing.account_contract import BAD_ANSWERS, REFUSALS, AccountContract, over_the_wire
from billsync.testing.bench import METHODS, Found, days, poll
from billsync.testing.faults import Fault
from billsync.testing.server import Request
from billsync.testing.tracker import FakeTracker

RECORDS = 8
"""More than two pages of three."""
DATED: tuple[Kind, ...] = ("time", "expense")
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "project": ("insert", "edit", "delete"),
    "milestone": ("insert", "edit", "delete", "reopen"),
    "time": ("insert", "edit", "delete", "withdraw"),
}


class SourceContract(AccountContract):
    """Derive a class named Test...; everything below is then a test of your connector."""

    source: ClassVar[type[Source[Any]]]
    tables: ClassVar[Mapping[Kind, str]]
    lists: ClassVar[Mapping[Kind, str]] = {}
    promised: ClassVar[Mapping[Kind, tuple[str, ...]]]
    window: ClassVar[Window] = days("2026-03-01..2026-03-31")
    zone: ClassVar[str] = "UTC"
    """In which the account tells dates of completion."""

    # ---- What the author of a connector writes -----------------------------------------------------------------

    def vendor(self) -> FakeTracker:
        raise NotImplementedError

    def add(self, kind: Kind, number: int, on: date) -> str:
        """Add a record, approved or open, and answer its id as the source tells it."""
        raise NotImplementedError

    def change(self, kind: Kind, ident: str) -> None:
        """Edit a record so that it is worth or means something else."""
        raise NotImplementedError

    def complete(self, ident: str, at: datetime) -> None:
        """Complete a milestone; for sources of milestones."""
        raise NotImplementedError

    def reopen(self, ident: str) -> None:
        """Open a completed milestone again; for sources of milestones."""
        raise NotImplementedError

    def withdraw(self, ident: str) -> None:
        """Take back the approval of a time entry; for sources of approved time."""
        raise NotImplementedError

    # ---- How the tests are run ---------------------------------------------------------------------------------

    def connector(self) -> type[Source[Any]]:
        return self.source

    def cases(self) -> Mapping[str, Any]:
        return {
            "kind": sorted(self.tables),
            "dated": [kind for kind in DATED if kind in self.tables],
            "manner": ["repeated", "short", "empty", "shuffled"],
            "member": [(kind, member) for kind, members in self.promised.items() for member in members],
        }

    def busy(self, opened: Any) -> None:
        for kind in self.tables:
            self.fill(kind)
            self.tracker.lay_out()
            poll(opened, kind, self.window)

    @property
    def tracker(self) -> Any:
        """The fake vendor of this test, of the class that `vendor` makes."""
        return self.bench.vendor

    def fill(self, kind: Kind) -> set[str]:
        """Eight records, one a day from the first of the window; some milestones complete."""
        ids = [self.add(kind, number, self.window.since + timedelta(days=number)) for number in range(RECORDS)]
        for ident in ids[::2] if kind == "milestone" else ():
            self.complete(ident, self.tracker.clock.now())
        return set(ids)

    def read(self, kind: Kind, window: Window | None = None) -> Found:
        """Everything of a kind, in a new session; fails on a record that comes twice."""
        records = poll(self.bench.open(), kind, window or self.window)
        ids = [record.id for record in records]
        assert len(ids) == len(set(ids)), (
            f"records came twice: {sorted(ident for ident in ids if ids.count(ident) > 1)}"
        )
        return Found({record.id: record for record in records})

    def of(self, kind: Kind) -> Callable[[Request], bool]:
        """Requests for the list of a kind."""
        return lambda request: request.path == self.lists[kind]

    def asked(self, kind: Kind) -> list[Request]:
        """The requests for the list of a kind so far."""
        return [request for request in self.bench.vendor.log if self.of(kind)(request)]

    def ignore_filters(self, kind: Kind) -> None:
        """From now on the vendor ignores what the last request for a kind asked, but for the page."""
        self.tracker.ignored |= {name for name in self.asked(kind)[-1].query if name != "page"}

    # ---- Pages -------------------------------------------------------------------------------------------------

    @over_the_wire
    def test_every_page_is_read_and_then_it_stops(self, kind: Kind) -> None:
        ids = self.fill(kind)
        assert self.read(kind).keys() >= ids, "records of a further page are missing"
        pages = len(self.asked(kind))
        assert pages >= 3, f"{RECORDS} records on pages of three were read in {pages} requests"
        self.read(kind)
        assert len(self.asked(kind)) == 2 * pages, "the same list took another number of requests"

    @over_the_wire
    def test_a_list_that_goes_in_circles_is_refused(self, kind: Kind) -> None:
        self.fill(kind)
        self.tracker.misbehave(self.tables[kind], 2, "loop")
        self.refused(BadAnswer, self.read, kind)

    @over_the_wire
    def test_pages_that_misbehave_lose_nothing_and_double_nothing(self, kind: Kind, manner: Any) -> None:
        ids = self.fill(kind)
        self.tracker.misbehave(self.tables[kind], 2, manner)
        assert self.read(kind).keys() >= ids, f"a page that is {manner} cost records"

    @over_the_wire
    def test_a_page_that_fails_fails_the_list(self, kind: Kind, bad: str) -> None:
        self.fill(kind)
        self.tracker.fail(bad, when=self.of(kind), skip=1, times=9)
        opened = self.bench.open(transport=self.no_wait(bad))
        self.refused(VendorError, poll, opened, kind, self.window)

    @over_the_wire
    def test_a_refused_page_fails_the_list(self, kind: Kind, status: int) -> None:
        self.fill(kind)
        self.tracker.fail(Fault(status=status), when=self.of(kind), skip=1, times=9)
        self.refused(REFUSALS[status], self.read, kind)

    @over_the_wire
    def test_changes_while_it_reads_are_seen_or_told(self, kind: Kind) -> None:
        """Whatever happens between two pages: each record that stayed is there once, or the poll fails."""
        self.fill(kind)
        table = self.tracker.tables[self.tables[kind]]
        told = 0
        for action, page, place in product(_ACTIONS.get(kind, _ACTIONS["project"]), (1, 2), (0, -1)):
            victim = sorted(table)[place]
            self.tracker.after_page(self.tables[kind], page, partial(self._happen, kind, action, victim))
            before = set(table)
            try:
                found = self.read(kind).keys()
            except VendorError:
                told += 1
                continue
            stayed = before & set(table)
            assert stayed <= found, f"after {action} behind page {page}, {sorted(stayed - found)} are missing"
            assert found <= before | set(table), f"after {action}, records came that never were there"
        assert told < 4 * len(_ACTIONS["project"]), "a source that fails at every change is of no use"

    def _happen(self, kind: Kind, action: str, victim: str) -> None:
        if action == "insert":
            self.add(kind, 100 + len(self.tracker.tables[self.tables[kind]]), self.window.since)
        elif action == "edit":
            self.change(kind, victim)
        elif action == "reopen":
            self.reopen(victim)
        elif action == "withdraw" and self.source.offers.approval != "none":
            self.withdraw(victim)
        elif action == "delete":
            self.tracker.delete(self.tables[kind], victim)

    # ---- Throttling and trouble that passes ----------------------------------------------------------------------

    @over_the_wire
    def test_a_throttle_is_slept_to_the_second(self, kind: Kind) -> None:
        ids = self.fill(kind)
        self.tracker.fail(Fault(status=429, headers={"Retry-After": "7"}), when=self.of(kind), skip=1)
        assert self.read(kind).keys() >= ids
        assert self.tracker.clock.slept == [7], f"7 seconds were asked for, slept were {self.tracker.clock.slept}"

    @over_the_wire
    def test_a_throttle_that_names_an_instant_is_slept_until_then(self, kind: Kind) -> None:
        ids = self.fill(kind)
        until = format_datetime(self.tracker.clock.now() + timedelta(seconds=11), usegmt=True)
        self.tracker.fail(Fault(status=429, headers={"Retry-After": until}), when=self.of(kind), skip=1)
        assert self.read(kind).keys() >= ids
        assert self.tracker.clock.slept == [11], f"11 seconds were asked for, slept were {self.tracker.clock.slept}"

    @over_the_wire
    def test_trouble_that_passes_costs_nothing(self, kind: Kind) -> None:
        ids = self.fill(kind)
        self.tracker.fail(Fault(status=503), when=self.of(kind), skip=1, times=2)
        assert self.read(kind).keys() >= ids

    @over_the_wire
    def test_trouble_that_stays_is_told(self, kind: Kind) -> None:
        self.fill(kind)
        self.tracker.fail(Fault(status=500), when=self.of(kind), skip=1, times=99)
        self.refused(Unavailable, self.read, kind)

    # ---- Records -----------------------------------------------------------------------------------------------

    def test_the_same_state_read_twice_is_the_same(self, kind: Kind) -> None:
        self.fill(kind)
        first, second = self.read(kind), self.read(kind)
        assert first == second, "nothing changed, but the records did"
        assert {version_of(record) for record in first.values()} == {version_of(record) for record in second.values()}

    def test_an_edit_is_a_new_version_of_one_record(self, kind: Kind) -> None:
        ident = sorted(self.fill(kind))[3]
        before = {key: version_of(record) for key, record in self.read(kind).items()}
        self.tracker.clock.advance(60)
        self.change(kind, ident)
        after = {key: version_of(record) for key, record in self.read(kind).items()}
        assert {key for key in after if after[key] != before[key]} == {ident}

    def test_a_member_that_is_missing_is_named(self, member: tuple[Kind, str]) -> None:
        kind, path = member
        ident = sorted(self.fill(kind))[1]
        *steps, last = path.split(".")
        row: Any = self.tracker.tables[self.tables[kind]][ident]
        for step in steps:
            row = row[step]
        del row[last]
        error = self.refused(BadAnswer, self.read, kind)
        assert last in error.what, f"the error does not name {path!r}: {error.what}"

    def test_what_is_deleted_is_absent_from_the_next_poll(self, kind: Kind) -> None:
        ids = self.fill(kind)
        gone = sorted(ids)[2]
        assert gone in self.read(kind)
        self.tracker.delete(self.tables[kind], gone)
        assert self.read(kind).keys() & ids == ids - {gone}

    def test_kinds_that_are_not_offered_are_refused(self) -> None:
        opened = self.bench.open()
        assert opened.offers.kinds == self.tables.keys(), "the kit must be given every kind that the source offers"
        for kind in METHODS.keys() - opened.offers.kinds:
            try:
                poll(opened, kind, self.window)
            except BillsyncError as error:
                assert opened.title in error.what
                continue
            raise AssertionError(f"{kind} is not offered, but was read as empty")

    # ---- Windows -----------------------------------------------------------------------------------------------

    def test_a_window_holds_its_first_and_its_last_day(self, dated: Kind) -> None:
        since, until, one = self.window.since, self.window.until, timedelta(days=1)
        edges = {self.add(dated, number, on): on for number, on in enumerate((since - one, since, until, until + one))}
        found = {_date(record) for record in self.read(dated).values()}
        assert found == {since, until}, f"of {sorted(edges.values())}, these came: {sorted(found)}"

    @over_the_wire
    def test_a_filter_that_is_ignored_is_noticed(self, dated: Kind) -> None:
        self.add(dated, 0, self.window.since)
        self.add(dated, 1, self.window.until + timedelta(days=3))
        self.read(dated)
        self.ignore_filters(dated)
        self.refused(BadAnswer, self.read, dated)

    def test_what_changed_since_is_among_the_changes(self, kind: Kind) -> None:
        if self.source.offers.changes != "since":
            return self.aside("everything is read each time: nothing is asked for by its last change")
        ids = sorted(self.fill(kind))
        self.tracker.clock.advance(days=2)
        since = self.tracker.clock.now()
        self.change(kind, ids[4])
        window = Window(since=self.window.since, until=self.window.until, changed_since=since)
        found = self.read(kind, window).keys()
        assert ids[4] in found, "the change is missing"
        assert kind not in DATED or found == {ids[4]}, "changes-since brought records that did not change"

    # ---- Milestones and approvals --------------------------------------------------------------------------------

    def test_completed_and_reopened_milestones_come_both(self) -> None:
        if "milestone" not in self.tables:
            return self.aside("it tells no milestones")
        ids = sorted(self.fill("milestone"))
        for ident in ids[:2]:
            self.complete(ident, self.tracker.clock.now())
        self.reopen(ids[0])
        found = self.read("milestone")
        again, done = found[ids[0]], found[ids[1]]
        assert isinstance(again, Milestone) and isinstance(done, Milestone)
        assert again.completed_on is None, "a milestone that was opened again is open"
        assert done.completed_on is not None, "a completed milestone must stay in the poll, with its date"

    def test_a_milestone_is_complete_on_the_date_of_its_zone(self) -> None:
        if "milestone" not in self.tables:
            return self.aside("it tells no milestones")
        zone = ZoneInfo(self.zone)
        midnights = [datetime.combine(on, time(), zone) for on in _days_around_changes(zone)]
        moments = [at.astimezone(UTC) + timedelta(seconds=step) for at in midnights for step in (-1, 0, 1)]
        ids = [self.add("milestone", number, self.window.since) for number in range(len(moments))]
        for ident, at in zip(ids, moments, strict=True):
            self.complete(ident, at)
        found = self.read("milestone")
        for ident, at in zip(ids, moments, strict=True):
            record = found[ident]
            assert isinstance(record, Milestone)
            assert record.completed_on == at.astimezone(zone).date(), f"{at} is another day in {self.zone}"

    def test_an_approval_that_is_taken_back_shows(self) -> None:
        if "time" not in self.tables or self.source.offers.approval == "none":
            return self.aside("the vendor approves no time")
        ident = sorted(self.fill("time"))[0]
        before = self.read("time")[ident]
        self.withdraw(ident)
        after = self.read("time")[ident]
        assert isinstance(before, TimeEntry) and isinstance(after, TimeEntry)
        assert (before.approval.state, after.approval.state != "approved") == ("approved", True)


def _date(record: Record) -> date:
    assert isinstance(record, TimeEntry | Expense)
    return record.worked_on if isinstance(record, TimeEntry) else record.spent_on


def _days_around_changes(zone: ZoneInfo) -> list[date]:
    """Days of 2026 whose length is not 24 hours, each with the day after; and the turn of a month and of the year."""
    every = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    odd = [
        on
        for on in every
        if datetime.combine(on, time(), zone).utcoffset()
        != datetime.combine(on + timedelta(1), time(), zone).utcoffset()
    ]
    return sorted({*odd, *(on + timedelta(days=1) for on in odd), date(2026, 4, 1), date(2026, 12, 31)})


__all__ = ["BAD_ANSWERS", "SourceContract"]
