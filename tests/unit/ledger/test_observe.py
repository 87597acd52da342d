"""What a poll does to the ledger: versions, absence, returns; and what a broken poll must not do."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from billsync.ledger import Ledger
from billsync.model.work import (
    Approval,
    ChangeOrder,
    ContractTerms,
    Expense,
    Project,
    Record,
    Window,
    version_of,
)
from tests.unit.ledger.conftest import Clock, World, assert_sound, entry, facts, milestone, observe, poll, terms


def shown(ledger: Ledger, clock: Clock) -> dict[str, str]:
    """id -> hours, with ! for what vanished."""
    found = facts(ledger, clock).records
    return {one.key.id: f"{one.record.hours}{'!' if one.vanished else ''}" for one in found}


def test_every_kind_of_record_comes_back_as_it_was(ledger, world):
    approval = Approval(state="approved", by="pm", at=world.clock())
    records: dict[str, Record] = {
        "project": Project(id="P-1", name="Annex", percent=Decimal("12.5"), custom={"region": "north"}),
        "milestone": milestone("m", amount=Decimal("10.10"), currency="USD", attachments=("a.pdf",)),
        "time": entry("t", hours="1.25", approval=approval, notes="Entwurf – Büro"),
        "expense": Expense(
            id="e", project="P-1", spent_on=date(2026, 2, 3), amount=Decimal("9.99"), currency="EUR", billable=True,
            approval=approval,
        ),
        "contract": ContractTerms(
            id="k", client="acme", project=None, value=Decimal(5), currency="USD", signed_on=None
        ),
        "change_order": ChangeOrder(
            id="co", contract="k", name="More", value=Decimal(5), currency="USD", signed_on=date(2026, 1, 2)
        ),
    }  # fmt: skip
    for kind, record in records.items():
        assert observe(ledger, world.clock, record, kind=kind).new == 1
    assert {one.key.kind: one.record for one in facts(ledger, world.clock).records} == records
    assert_sound(ledger)


def test_the_same_poll_again_changes_nothing(ledger, world):
    observe(ledger, world.clock, entry("1"), entry("2"))
    before = facts(ledger, world.clock).records
    again = observe(ledger, world.clock, entry("1", url="https://example.org"), entry("2", hours="2.00"))
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2), "a link or a zero made another version"
    after = facts(ledger, world.clock).records
    assert [one.seq for one in after] == [one.seq for one in before]
    assert after[0].last_seen > before[0].last_seen and after[0].first_seen == before[0].first_seen


def test_another_meaning_is_another_version(ledger, world):
    observe(ledger, world.clock, entry("1"))
    assert observe(ledger, world.clock, entry("1", hours="3")).changed == 1
    [now] = facts(ledger, world.clock).records
    assert now.record.hours == 3 and now.version == version_of(entry("1", hours="3"))


def test_going_back_to_an_old_meaning_is_a_version_of_its_own(ledger, world):
    for hours in ("2", "3", "2"):
        observe(ledger, world.clock, entry("1", hours=hours))
    [now] = facts(ledger, world.clock).records
    assert now.seq == 3 and now.version == version_of(entry("1"))


def test_a_record_vanishes_only_when_a_finished_sweep_misses_it(ledger, world):
    observe(ledger, world.clock, entry("1"), entry("2"))
    assert observe(ledger, world.clock, entry("1")).vanished == 1
    assert shown(ledger, world.clock) == {"1": "2", "2": "2!"}
    assert observe(ledger, world.clock, entry("1")).vanished == 0, "it vanished twice"


def test_a_failed_page_is_never_absence(ledger, world):
    observe(ledger, world.clock, entry("1"), entry("2"), entry("3"))
    broken = observe(ledger, world.clock, entry("1", hours="5"), entry("4"), complete=False)
    assert (broken.new, broken.changed, broken.vanished) == (1, 1, 0)
    assert shown(ledger, world.clock) == {"1": "5", "2": "2", "3": "2", "4": "2"}, "what was read must be kept"
    assert ledger.last_complete("work", "time").finished < world.clock.at
    [covered] = [one for one in ledger.coverage(terms()) if one.kind == "time"]
    assert not covered.last.complete and covered.last_complete == ledger.last_complete("work", "time").finished


def test_a_poll_of_changes_says_nothing_of_the_rest(ledger, world):
    observe(ledger, world.clock, entry("1"), entry("2"))
    assert observe(ledger, world.clock, entry("2", hours="3"), full=False).vanished == 0
    assert shown(ledger, world.clock) == {"1": "2", "2": "3"}


def test_only_work_dated_in_the_window_can_be_missing_from_it(ledger, world):
    observe(ledger, world.clock, entry("old", on=date(2026, 1, 5)), entry("new", on=date(2026, 2, 5)))
    february = Window(since=date(2026, 2, 1), until=date(2026, 2, 28))
    assert observe(ledger, world.clock, window=february).vanished == 1
    assert shown(ledger, world.clock) == {"old": "2", "new": "2!"}


def test_projects_and_milestones_have_no_window(ledger, world):
    observe(ledger, world.clock, milestone("1"), milestone("2"), kind="milestone")
    tomorrow = Window(since=date(2027, 1, 1), until=date(2027, 1, 1))
    assert observe(ledger, world.clock, milestone("1"), kind="milestone", window=tomorrow).vanished == 1


def test_another_account_or_kind_is_not_missing(ledger, world):
    observe(ledger, world.clock, entry("1"), account="other")
    observe(ledger, world.clock, milestone("1"), kind="milestone")
    assert observe(ledger, world.clock).vanished == 0


def test_who_comes_back_was_never_gone(ledger, world):
    observe(ledger, world.clock, entry("1"))
    observe(ledger, world.clock)
    back = observe(ledger, world.clock, entry("1"))
    assert (back.returned, back.unchanged, back.new) == (1, 1, 0)
    assert shown(ledger, world.clock) == {"1": "2"}
    observe(ledger, world.clock)
    changed = observe(ledger, world.clock, entry("1", hours="4"), complete=False)
    assert (changed.returned, changed.changed) == (1, 1), "a record that was read is there, however the poll ended"
    assert_sound(ledger)


def test_a_record_twice_in_a_poll_counts_once(ledger, world):
    found = observe(ledger, world.clock, entry("1"), entry("2"), entry("1"))
    assert (found.new, found.changed, found.unchanged, found.findings) == (2, 0, 0, ())


def test_a_record_twice_with_two_meanings_is_a_finding(ledger, world):
    found = observe(ledger, world.clock, entry("1"), entry("1", hours="9"))
    assert shown(ledger, world.clock) == {"1": "9"}, "the later one counts"
    [finding] = found.findings
    assert "time 1" in finding and "work" in finding


def test_two_spellings_of_one_letter_are_one_id(ledger, world):
    name = "Büro"
    observe(ledger, world.clock, entry(unicodedata.normalize("NFD", name)))
    assert observe(ledger, world.clock, entry(unicodedata.normalize("NFC", name))).unchanged == 1


def test_the_newest_sweep_is_told_from_polls_of_recent_days(ledger, world):
    assert ledger.last_full_sweep("work", "time") is None
    sweep = poll(world.clock, window=Window(since=date(2025, 1, 1), until=date(2026, 12, 31)))
    ledger.observe(sweep, [], night=date(2026, 3, 2))
    recent = Window(since=date(2026, 1, 20), until=date(2026, 12, 31))
    for complete in (True, False, True):
        observe(ledger, world.clock, window=recent, complete=complete)
    assert ledger.last_full_sweep("work", "time") == sweep
    changes = Window(since=date(2025, 1, 1), until=date(2026, 12, 31), changed_since=world.clock())
    observe(ledger, world.clock, window=changes)
    assert ledger.last_full_sweep("work", "time") == sweep, "changes since an instant are no sweep"


def test_coverage_names_every_kind_that_is_asked_for(ledger, world):
    covered = ledger.coverage(terms(accounts=("work", "other")))
    assert [(one.account, one.kind) for one in covered][:2] == [("other", "project"), ("other", "milestone")]
    assert len(covered) == 8 and all(one.last is None and one.last_complete is None for one in covered)


IDS = st.sampled_from("abcdef")
POLLS = st.lists(
    st.tuples(st.lists(st.tuples(IDS, st.integers(1, 3)), max_size=6), st.booleans(), st.booleans()), max_size=6
)


@settings(max_examples=60)
@given(POLLS)
def test_any_sequence_of_polls_leaves_what_a_careful_reader_would_note(tmp_path_factory, polls):
    world = World(tmp_path_factory.mktemp("ledger") / "billsync.db")
    noted: dict[str, int] = {}
    gone: set[str] = set()
    with world.open() as ledger:
        for records, complete, full in polls:
            observe(
                ledger,
                world.clock,
                *(entry(name, hours=str(hours)) for name, hours in records),
                complete=complete,
                full=full,
            )
            seen = {name for name, _ in records}
            noted |= dict(records)
            gone = (gone - seen) | (noted.keys() - seen if complete and full else set())
        expected = {name: f"{hours}{'!' if name in gone else ''}" for name, hours in noted.items()}
        assert shown(ledger, world.clock) == expected
        assert_sound(ledger)
