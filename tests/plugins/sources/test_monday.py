"""monday.com: the kit for six boards, then 200 with errors, throttles, columns of every type, sessions, marks."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from billsync.http import Session
from billsync.model.errors import AuthFailed, BadAnswer, Missing, RateLimited, UsageError
from billsync.model.work import Kind
from billsync.testing.account_contract import wrong_guess
from billsync.testing.bench import days, poll
from billsync.testing.faults import Fault
from billsync.testing.monday import FakeMonday, done, number, refusal
from billsync.testing.server import Response
from billsync.testing.source_contract import SourceContract
from billsync.testing.vendor_contract import load
from billsync_plugins.sources import _monday_queries as queries
from billsync_plugins.sources.monday import Monday

BOARDS: dict[Kind, str] = {
    "project": "1",
    "milestone": "2",
    "time": "3",
    "expense": "4",
    "contract": "5",
    "change_order": "6",
}
MARCH = days("2026-03-01..2026-03-31")
OURS = {"project": "P-1"}
MONEY = {"currency": "EUR"}
COLUMNS = {
    "project": {"Client": "text"},
    "milestone": {
        "Status": "status",
        "Fee": "numbers",
        "Span": "timeline",
        "Region": "dropdown",
        "Files": "file",
        "Who": "people",
        "Mirrored": "mirror",
        "Accepted": "checkbox",
        "Progress": "progress",
        "Invoice": "text",
    },
    "time": {"Who": "people", "Day": "date", "Hours": "numbers", "State": "status", "Track": "time_tracking"},
    "expense": {"Day": "date", "Cost": "numbers"},
    "contract": {"Client": "text", "Value": "numbers", "Signed": "date"},
    "change_order": {"Value": "numbers", "Signed": "date"},
}
MILESTONES: dict[str, Any] = {
    "board": "2",
    "columns": {"complete": "status.done", "status": "status", "completed_on": "status.changed", "amount": "fee"},
    "constants": {**OURS, **MONEY},
}
TABLES = {
    "projects": {"board": "1", "columns": {"client": "client"}},
    "milestones": MILESTONES,
    "time": {
        "board": "3",
        "columns": {"person": "Who", "date": "day", "hours": "hours", "approval": "state"},
        "constants": OURS,
    },
    "expenses": {"board": "4", "columns": {"date": "day", "amount": "cost"}, "constants": {**OURS, **MONEY}},
    "contracts": {
        "board": "5",
        "columns": {"client": "client", "value": "value", "signed_on": "signed"},
        "constants": MONEY,
    },
    "change_orders": {"board": "6", "columns": {"value": "value"}, "constants": {"contract": "C-1", **MONEY}},
}


@wrong_guess("monday", "`cursor` of a nested items_page goes on", by="test_a_list_that_goes_in_circles_is_refused")
class TestMonday(SourceContract):
    source = Monday
    options = {**TABLES, "zone": "Europe/Berlin"}
    zone = "Europe/Berlin"
    tables = {kind: f"board {board}" for kind, board in BOARDS.items()}
    lists = dict.fromkeys(BOARDS, "/v2")
    promised = dict.fromkeys(BOARDS, ("id", "name", "column_values"))

    def vendor(self):
        vendor = FakeMonday()
        for kind, board in BOARDS.items():
            vendor.add_board(board, COLUMNS[kind])
        return vendor

    def add(self, kind, number, on):
        values: dict[str, dict[str, Any]] = {
            "project": {"client": "Acme"},
            "milestone": {"status": done("Working", is_done=False), "fee": Decimal("12500.0")},
            "time": {"who": "Ana Roe", "day": str(on), "hours": Decimal("1.75"), "state": "approved"},
            "expense": {"day": str(on), "cost": Decimal("64.8")},
            "contract": {"client": "Acme", "value": 110000, "signed": str(on)},
            "change_order": {"value": 12000},
        }
        return self.tracker.add_item(BOARDS[kind], f"{kind} {number}", **values[kind])

    def change(self, kind, ident):
        changed: dict[str, dict[str, Any]] = {
            "project": {"client": "Else"},
            "milestone": {"fee": 9},
            "time": {"hours": 3},
            "expense": {"cost": 1},
        }
        self.tracker.write(BOARDS[kind], ident, **changed.get(kind, {"value": 1}))

    def complete(self, ident, at):
        self.tracker.write("2", ident, status=done(at=at.strftime("%Y-%m-%dT%H:%M:%SZ")))

    def reopen(self, ident):
        self.tracker.write("2", ident, status=done("Working", is_done=False))

    def withdraw(self, ident):
        self.tracker.write("3", ident, state="submitted")

    def test_a_filter_that_is_ignored_is_noticed(self, dated):
        """None is sent: the whole board is read, and items of other dates are left out here."""
        self.add(dated, 0, self.window.since)
        self.read(dated)
        variables = self.bench.sent("/v2")[-1].json()["variables"]
        assert variables.keys() == {"boards", "columns", "limit"}


@pytest.fixture
def kit():
    kit = TestMonday()
    kit.setup_method()
    yield kit
    kit.teardown_method()


def milestones(kit, **changes):
    columns = {**MILESTONES["columns"], **changes.pop("columns", {})}
    kit.bench.more = {"milestones": {**MILESTONES, "columns": columns, **changes}}
    return kit.read("milestone")


def refused(kit, call, error=BadAnswer):
    return kit.refused(error, call).what


def answer(kit, response, *, skip=1, times=1):
    fault = Fault(status=response.status, body=response.body, headers=dict(response.headers))
    kit.tracker.fail(fault, skip=skip, times=times)


# ---- 200 is no success


@wrong_guess("monday", "the codes of throttles besides the two of complexity")
def test_errors_beside_data_fail_the_board(kit):
    """Partial data is normal here: a board without the right to it looks like a board without items."""
    kit.fill("milestone")
    partial: dict[str, Any] = {"boards": [{"items_page": {"cursor": None, "items": []}}]}
    answer(kit, refusal("UserUnauthorizedException", "User unauthorized to perform action", data=partial))
    assert refused(kit, lambda: kit.read("milestone")) == "User unauthorized to perform action"


@pytest.mark.parametrize("body", [{"data": {"boards": []}}, {"data": {"boards": [None]}}, {"data": None}, {"data": []}])
def test_data_without_the_board_are_no_empty_board(kit, body):
    kit.fill("milestone")
    answer(kit, Response.json_of(body))
    refused(kit, lambda: kit.read("milestone"))


def test_a_board_that_is_not_shown_any_more_is_refused(kit):
    kit.tracker.boards.pop("2")
    assert "board 2 is not there" in refused(kit, lambda: kit.read("milestone"), Missing)


def test_a_dead_token_is_told_as_such(kit):
    kit.bench.more = {**TABLES, "token": "dead"}
    assert "Not Authenticated" in refused(kit, kit.bench.open().check, AuthFailed)


def test_the_published_refusals_and_throttles_are_understood(kit, contracts):
    """Each example of the vendor is answered in place of a page of items."""
    ids = kit.fill("milestone")
    slept = []
    for example in load(contracts / "monday.examples.json"):
        answer(kit, Response.json_of(example["body"]))
        before = len(kit.tracker.clock.slept)
        if example["kind"].startswith("throttled"):
            assert kit.read("milestone").keys() == ids, example["where it is from"]
        else:
            refused(kit, lambda: kit.read("milestone"))
        slept.append(kit.tracker.clock.slept[before:])
    assert slept == [[], [60], [7], [60]], "the wait is the one that was told, and a minute where none was"


def test_a_day_whose_calls_are_used_up_ends_the_poll(kit):
    """Nobody waits until midnight: the poll is incomplete, and no call is made that would be refused."""
    kit.fill("milestone")
    answer(kit, refusal("DAILY_LIMIT_EXCEEDED", "Daily limit exceeded"), skip=2)
    opened = kit.bench.open()
    kit.refused(RateLimited, poll, opened, "milestone", MARCH)
    calls = len(kit.tracker.log)
    kit.refused(RateLimited, poll, opened, "time", MARCH)
    assert (len(kit.tracker.log), kit.tracker.clock.slept) == (calls, [])


def test_the_days_budget_is_kept_across_runs(kit):
    """900 of the 1,000 calls of a small plan are for billsync; the first run of the next day has them again."""
    limit = Monday.api.limits[0]
    options, used = kit.bench.options(), 0

    def run():
        return Session(
            Monday.api,
            options,
            account="acme",
            state=kit.bench.state,
            sleep=kit.tracker.clock.sleep,
            now=kit.tracker.clock.now,
            transport=kit.tracker.transport(),
            patience=60,
        )

    for _ in range(3):
        with run() as session:
            for _ in range(300):
                list(session.graphql(queries.WHO))
                used += 1
    assert used == limit.calls * limit.share // 100
    with run() as session:
        kit.refused(RateLimited, lambda: list(session.graphql(queries.WHO)))
    kit.tracker.clock.advance(days=1)
    with run() as session:
        assert list(session.graphql(queries.WHO))


def test_a_night_takes_few_calls(kit):
    for kind in kit.tables:
        kit.fill(kind)
    kit.tracker.page_size = 500
    opened = kit.bench.open()
    for kind in kit.tables:
        poll(opened, kind, MARCH)
    assert len(kit.tracker.log) == 1 + len(BOARDS), "one call for all columns, one for each board"


# ---- Columns


def test_columns_are_found_again_each_night_and_one_that_vanished_is_refused(kit):
    ident = kit.add("milestone", 0, MARCH.since)
    fee = next(column for column in kit.tracker.boards["2"]["columns"] if column["id"] == "fee")
    fee["title"] = "Price"
    assert milestones(kit)[ident].amount == 12500, "a column that is mapped by id may be renamed"
    error = kit.refused(BadAnswer, lambda: milestones(kit, columns={"amount": "Fee"}))
    assert "'Fee' is gone" in error.what and "Price" in error.hint
    kit.tracker.boards["2"]["columns"].remove(fee)
    assert "'fee' is gone" in refused(kit, lambda: milestones(kit))


def test_only_mapped_columns_are_asked_for(kit):
    kit.add("milestone", 0, MARCH.since)
    milestones(kit, columns={"custom.region": "Region"})
    assert kit.bench.sent("/v2")[-1].json()["variables"]["columns"] == ["fee", "region", "status"]


def test_every_type_of_column_tells_its_value(kit):
    ident = kit.tracker.add_item(
        "2",
        "Phase 2",
        status=done(),
        fee=number("12500.50"),
        span={"from": "2026-03-01", "to": "2026-06-30"},
        region={"values": [{"id": "1", "label": "West"}]},
        files={"files": [{"name": "b.pdf"}, {"name": "a.pdf"}]},
        who={"persons_and_teams": [{"id": "77", "kind": "person"}], "text": "Ana Roe"},
        mirrored={"display_value": "P-7", "text": None},
        accepted={"checked": True},
    )
    mapped = {
        "due_on": "span",
        "custom.start": "span.from",
        "custom.region": "region",
        "attachments": "files",
        "custom.who": "who",
        "custom.who_id": "who.id",
        "project": "mirrored",
        "accepted": "accepted",
        "custom.index": "status.index",
        "custom.group": "@group",
        "parent": "@parent",
    }
    found = milestones(kit, columns=mapped, constants=MONEY)[ident]
    assert (found.name, found.status, found.completed_on) == ("Phase 2", "Done", date(2026, 3, 5))
    assert (found.amount, found.currency, found.project) == (Decimal("12500.50"), "EUR", "P-7")
    assert (found.due_on, found.attachments, found.acceptance.accepted) == (date(2026, 6, 30), ("b.pdf", "a.pdf"), True)
    assert found.custom["start"] == "2026-03-01" and found.custom["region"] == "West"
    assert (found.custom["who"], found.custom["index"], found.custom["group"]) == ("Ana Roe", "1", "Spring")
    assert found.url.endswith(ident) and found.parent is None


def test_an_empty_item_has_no_values(kit):
    ident = kit.tracker.add_item("2", "Phase 1")
    mapped = {"due_on": "span", "attachments": "files", "accepted": "accepted", "custom.region": "region"}
    found = milestones(kit, columns=mapped)[ident]
    assert (found.completed_on, found.amount, found.due_on, found.attachments) == (None, None, None, ())
    assert not found.acceptance.accepted


def test_a_column_whose_value_is_not_told_is_refused(kit):
    assert "type progress" in refused(kit, lambda: milestones(kit, columns={"percent": "progress"}))


def test_a_value_that_comes_without_its_member_is_refused(kit):
    ident = kit.add("milestone", 0, MARCH.since)
    del kit.tracker.tables["board 2"][ident]["column_values"]["status"]["is_done"]
    assert "'is_done'" in refused(kit, lambda: milestones(kit))


def test_a_done_label_counts_however_it_is_called(kit):
    """People rename labels; which of them mean done is a setting of the column."""
    ids = [
        kit.tracker.add_item("2", label, status=done(label, is_done=label == "Fertig")) for label in ("Fertig", "Done")
    ]
    found = milestones(kit)
    assert [found[ident].completed_on for ident in ids] == [date(2026, 3, 5), None]


# ---- Sessions


def tracked(kit, *spans, **more):
    item = kit.tracker.add_item("3", "Design", state="approved")
    sessions = kit.tracker.track("3", item, "track", *spans)
    table = {"board": "3", "sessions": "track", "columns": {"approval": "state"}, "constants": OURS}
    kit.bench.more = {"time": {**table, **more}, "zone": "Europe/Berlin"}
    return item, sessions


LATE = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)


def test_each_session_is_an_entry_on_the_day_of_the_zone(kit):
    noon = LATE - timedelta(hours=10)
    item, [first, second] = tracked(kit, (noon, noon + timedelta(minutes=100)), (LATE, LATE + timedelta(hours=1)))
    found = kit.read("time")
    assert found.keys() == {first, second}
    assert (found[first].hours * 60, found[first].person, found[first].task) == (100, "77", "Design")
    assert found[first].approval.state == "approved" and found[first].url.endswith(item)
    _, [third] = tracked(kit, (LATE + timedelta(minutes=30), LATE + timedelta(minutes=90)))
    days_of = {ident: record.worked_on for ident, record in kit.read("time").items()}
    assert days_of == {first: date(2026, 3, 9), second: date(2026, 3, 9), third: date(2026, 3, 10)}


def test_a_running_session_has_no_hours_yet(kit):
    _, [first, running] = tracked(kit, (LATE, LATE + timedelta(hours=1)), (LATE + timedelta(hours=2), None))
    assert {ident: record.hours for ident, record in kit.read("time").items()} == {first: 1, running: 0}


def test_a_session_that_was_typed_in_as_a_length_is_a_finding(kit):
    _, [good, typed] = tracked(kit, (LATE, LATE + timedelta(hours=1)), (None, LATE))
    opened = kit.bench.open()
    rows = opened.time_entries(MARCH)
    assert next(rows).id == good
    assert "typed in as a length" in refused(kit, lambda: next(rows))
    assert len(opened.findings) == 1 and typed in opened.findings[0]


@wrong_guess("monday", "sessions that were deleted leave the history")
def test_sessions_that_do_not_sum_to_what_the_column_says_are_refused(kit):
    """Not documented: whether sessions that somebody deleted leave the history."""
    item, _ = tracked(kit, (LATE, LATE + timedelta(hours=1)))
    kit.tracker.tables["board 3"][item]["column_values"]["track"]["duration"] = 1800
    assert "the column says 0:30:00" in refused(kit, lambda: kit.read("time"))


def test_sessions_are_read_from_a_column_that_tracks_time(kit):
    tracked(kit, (LATE, LATE + timedelta(hours=1)), sessions="hours")
    assert "does not track time" in refused(kit, lambda: kit.read("time"))


# ---- Check and marks


def test_check_tells_what_each_rule_matches_and_whether_the_version_is_kept(kit):
    kit.bench.more = {"milestones": MILESTONES}
    ident = kit.add("milestone", 0, MARCH.since)
    kit.complete(ident, LATE)
    identity = kit.bench.open().check()
    assert (identity.account, identity.user) == ("Acme", "Ana Roe")
    assert set(identity.remarks) == {"milestones: 1 records", "milestones: complete = complete: 1 records"}
    kit.tracker.versions = [{"kind": "old__maintenance", "value": "2026-10"}, {"kind": "current", "value": "2027-04"}]
    assert "version 2026-10 of the API is not kept up any more" in kit.bench.open().check().remarks[0]


def test_our_reference_is_written_into_a_column(kit):
    ids = [kit.add("milestone", number, MARCH.since) for number in range(3)]
    kit.bench.more = {"milestones": {**MILESTONES, "mark_column": "invoice"}}
    opened = kit.bench.open()
    before = poll(opened, "milestone", MARCH)
    opened.mark_billed("milestone", ids[:2], "BS-1")
    items = kit.tracker.tables["board 2"]
    assert [items[ident]["column_values"]["invoice"]["text"] for ident in ids] == ["BS-1", "BS-1", None]
    assert poll(opened, "milestone", MARCH) == before, "our own mark is no change of the work"
    assert "Item not found" in refused(kit, lambda: opened.mark_billed("milestone", ["1"], "BS-1"))
    kit.bench.more = {"milestones": {**MILESTONES, "mark_column": "gone"}}
    assert "column ID" in refused(kit, lambda: kit.bench.open().mark_billed("milestone", ids, "BS-1"))


def test_a_session_takes_no_mark(kit):
    _, [session] = tracked(kit, (LATE, LATE + timedelta(hours=1)), mark_column="state")
    with pytest.raises(UsageError, match="offers no marks"):
        kit.bench.open().mark_billed("time", [session], "BS-1")


# ---- The vendor's own contract


def test_what_is_asked_fits_the_vendors_schema(contracts):
    schema = build_schema((contracts / "monday.graphql").read_text(encoding="utf-8"), assume_valid_sdl=True)
    for query in (queries.WHO, queries.BOARDS, queries.ITEMS, queries.MARK):
        assert [error.message for error in validate(schema, parse(query))] == []


def test_what_is_sent_holds_every_variable_that_is_asked_for(kit):
    kit.fill("milestone")
    kit.bench.more = {"milestones": {**MILESTONES, "mark_column": "invoice"}}
    opened = kit.bench.open()
    opened.check()
    poll(opened, "milestone", MARCH)
    opened.mark_billed("milestone", sorted(kit.tracker.tables["board 2"])[:1], "BS-1")
    for request in kit.tracker.log:
        asked = request.json()
        operation: Any = parse(asked["query"]).definitions[0]
        declared = {entry.variable.name.value: entry.type.kind for entry in operation.variable_definitions or ()}
        needed = {name for name, kind in declared.items() if kind == "non_null_type"}
        assert needed <= asked["variables"].keys() <= declared.keys()
        assert request.headers["api-version"] == "2026-10", "without it the version changes under us"
