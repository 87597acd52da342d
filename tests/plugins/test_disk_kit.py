"""The kit on connectors without HTTP finds planted bugs; tests about HTTP are put aside there, and say why."""

from __future__ import annotations

import pytest

from billsync.testing.account_contract import NO_WIRE
from billsync_plugins.sinks.folder import Folder
from billsync_plugins.sources.files import Files
from tests.plugins.sinks.test_folder import TestFolder as FolderKit
from tests.plugins.sources.test_files import TestFiles as FilesKit
from tests.unit.testing.test_planted_bugs import fails


class TouchesTheDisk(Folder):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.options.path.mkdir(exist_ok=True)


class AnyCaseIsOurs(Folder):
    def find(self, invoice):
        return [one for one in self.read_back(None) if one.reference.lower() == invoice.reference.lower()]


class EditsNotNoticed(Folder):
    def untouched(self, receipt, now, *, unpaid=False):
        return now


class DeletionsNotTold(Folder):
    def read_back(self, changed_since):
        return (one for one in super().read_back(changed_since) if one.status != "deleted")


class CustomersNotChecked(Folder):
    def create(self, invoice, key):
        self.options = self.options.model_copy(update={"customers": {}})
        return super().create(invoice, key)


class CompletedLeftOut(Files):
    def milestones(self, window):
        return (one for one in super().milestones(window) if one.completed_on is None)


class LastDayLeftOut(Files):
    def records(self, kind, window):
        every = super().records(kind, window)
        return (one for one in every if getattr(one, "worked_on", None) != window.until)


class NeverAbsent(Files):
    kept: dict = {}

    def records(self, kind, window):
        self.kept.update({(kind, one.id): one for one in super().records(kind, window)})
        return (one for (of, _), one in self.kept.items() if of == kind)


class FirstWordCounts(Files):
    kept: dict = {}

    def records(self, kind, window):
        return (self.kept.setdefault((kind, one.id), one) for one in super().records(kind, window))


@pytest.mark.parametrize(
    ("kit", "bug", "test"),
    [
        (FolderKit, TouchesTheDisk, "test_reads_before_anything_is_known"),
        (FolderKit, AnyCaseIsOurs, "test_only_our_exact_reference_is_ours"),
        (FolderKit, EditsNotNoticed, "test_a_void_of_what_was_edited_since_is_refused"),
        (FolderKit, DeletionsNotTold, "test_void_and_delete_by_hand_show"),
        (FolderKit, CustomersNotChecked, "test_a_refusal_says_that_nothing_was_written"),
        (FilesKit, CompletedLeftOut, "test_completed_and_reopened_milestones_come_both"),
        (FilesKit, LastDayLeftOut, "test_a_window_holds_its_first_and_its_last_day"),
        (FilesKit, NeverAbsent, "test_what_is_deleted_is_absent_from_the_next_poll"),
        (FilesKit, FirstWordCounts, "test_an_approval_that_is_taken_back_shows"),
    ],
)
def test_a_bug_of_a_connector_on_a_disk_is_found(kit, bug, test):
    name = "sink" if issubclass(bug, Folder) else "source"
    assert not fails(type("Sound", (kit,), {}), test), f"{test} fails without the bug"
    assert fails(type("Buggy", (kit,), {name: bug}), test), f"{test} does not notice {bug.__name__}"


@pytest.mark.parametrize("kit", [FolderKit, FilesKit])
def test_what_is_about_http_is_put_aside_with_the_reason(kit):
    tried = kit()
    tried.setup_method()
    tried.test_many_at_once_renew_once()
    assert tried.put_aside == NO_WIRE
    tried.test_check_tells_whose_account_it_is()
    tried.teardown_method()
