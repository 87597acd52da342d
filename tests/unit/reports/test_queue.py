from __future__ import annotations

from decimal import Decimal

from billsync.model.money import Money
from billsync.model.statement import Finding
from billsync.reports import queue
from billsync.reports.causes import CAUSES, next_step, title_of
from billsync.reports.render.text import plain
from tests.unit.reports import worked


def entries(each: bool = False, **changes):
    return queue.build(worked.evaluation(**changes), each=each)


def hours(count: int, cause: str = "hold"):
    return tuple(
        worked.item(
            f"time/work/T-{at}", "Design", 18_000, "held", key=worked.key("time", f"T-{at}"), cause=cause,
            owner="billing coordinator", hours=Decimal("1.50"), age_days=at,
        )
        for at in range(count)
    )  # fmt: skip


def test_the_queue_has_what_is_held_what_has_no_value_and_the_findings():
    assert [(one.number, one.cause, one.subjects) for one in entries()] == [
        (1, "acceptance_missing", ("ACME-2026-01/line/permit",)),
        (2, "change_order_unsigned", ("ACME-2026-01/line/deck",)),
        (3, "unmapped", ("time/work/T-99",)),
    ]


def test_a_draft_that_waits_comes_first_and_stands_for_its_items():
    held = worked.item("ACME-2026-01/line/permit", "Permit set", 3_300_000, "held", cause="needs_approval")
    found = entries(items=(held,), held_drafts=(worked.HELD_DRAFT,), findings=(), not_valued=())
    assert [(one.what, one.subjects, one.subject) for one in found] == [
        ("draft", (worked.DRAFT.hash,), worked.DRAFT.hash[:12])
    ]
    assert found[0].amount == Money(3_300_000, "USD")


def test_an_item_on_a_held_draft_that_waits_for_another_reason_is_still_listed():
    found = entries(held_drafts=(worked.HELD_DRAFT,), findings=(), not_valued=())
    assert [one.cause for one in found] == ["needs_approval", "acceptance_missing"]


def test_a_finding_that_only_repeats_a_held_item_is_not_listed_twice():
    same = Finding(
        code="acceptance_missing", identity="ACME-2026-01/line/permit", text="Permit set", owner="project manager"
    )
    assert [one.what for one in entries(findings=(same,), not_valued=())] == ["item"]


def test_work_marked_as_not_billable_waits_for_nobody():
    from dataclasses import replace

    idle = replace(worked.NOT_VALUED[0], why="not_billable", cause="not_billable")
    assert entries(items=(), findings=(), not_valued=(idle,)) == ()


def test_time_of_one_cause_shares_a_row_that_means_all_of_it():
    [row] = entries(items=hours(3), findings=(), not_valued=())
    assert row.subjects == ("time/work/T-0", "time/work/T-1", "time/work/T-2")
    assert row.text == "3 time entries, 4.50 h" and row.amount == Money(54_000, "USD") and row.age_days == 2
    assert row.subject == ""


def test_each_puts_every_entry_in_a_row():
    assert len(entries(each=True, items=hours(3), findings=(), not_valued=())) == 3


def test_different_causes_never_share_a_row():
    found = entries(items=(*hours(2), *hours(2, "lookalike")), findings=(), not_valued=())
    assert sorted(one.cause for one in found) == ["hold", "lookalike"]


def test_a_choice_is_a_number_of_the_list_a_subject_or_an_unambiguous_beginning():
    found = entries(held_drafts=(worked.HELD_DRAFT,))
    numbered = {"7": ["time/work/T-1", "time/work/T-2"]}
    assert queue.chosen("7", found, numbered, ()) == ("time/work/T-1", "time/work/T-2")
    assert queue.chosen("8", found, numbered, ()) == ()
    assert queue.chosen("f0e1d2", found, numbered, ()) == (worked.DRAFT.hash,)
    assert queue.chosen("ACME-2026-01/line/permit", found, numbered, ()) == ("ACME-2026-01/line/permit",)
    assert queue.chosen("time/work/S", found, numbered, ["time/work/S-1"]) == ("time/work/S-1",)


def test_a_beginning_that_fits_several_gives_them_all():
    assert len(queue.chosen("ACME-2026-01/line/", entries(), {}, ())) == 2


def test_three_letters_are_too_few_to_decide_about_money():
    assert queue.chosen("f0e", entries(held_drafts=(worked.HELD_DRAFT,)), {}, ()) == ()


def test_the_list_says_what_to_do_once_for_each_cause():
    told = plain(queue.blocks(entries(items=hours(2), each=True, findings=(), not_valued=())))
    assert told.count(next_step("hold")) == 1
    assert "2 decisions to take" in told
    assert plain(queue.blocks(())) == "Nothing waits for a person.\n"


def test_rows_for_machines_name_every_column():
    row = queue.row(entries()[0])
    assert tuple(row) == queue.COLUMNS
    assert row["amount"] == "33000.00" and row["subject"] == "ACME-2026-01/line/permit"


def test_every_cause_of_the_model_has_words():
    assert all(cause.title for cause in CAUSES.values())
    assert title_of("a_plugins_own_code") == "a plugins own code" and next_step("a_plugins_own_code") == ""
