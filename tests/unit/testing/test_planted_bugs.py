"""The kit finds what it promises to find: each connector here has one bug, and the tests that must fail do fail."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import date
from itertools import product
from uuid import uuid4

import pytest

from billsync.model.errors import VendorError
from billsync.sdk import NextLink
from billsync.testing import FakeAsana, FakeQuickBooks
from billsync.testing.bench import Bench
from billsync_plugins.sinks.quickbooks import QuickBooks
from billsync_plugins.sources.asana import Asana
from billsync_plugins.sources.harvest import Harvest
from tests.plugins.test_asana import TestAsana as AsanaKit
from tests.plugins.test_harvest import TestHarvest as HarvestKit
from tests.plugins.test_quickbooks import TestQuickBooks as QuickBooksKit


def fails(kit_class, name, **chosen):
    """Whether a test of the kit fails for at least one of its cases."""
    kit = kit_class()
    cases = {
        "bad": ["cut", "wrong", "page", "half", "reset_before"],
        "status": [403, 404, 503],
        **kit.cases(),
        **{k: [v] for k, v in chosen.items()},
    }
    wanted = [argument for argument in inspect.signature(getattr(kit, name)).parameters]
    for values in product(*(cases[argument] for argument in wanted)):
        kit.setup_method()
        try:
            getattr(kit, name)(*values)
        except AssertionError:
            return True
        finally:
            kit.bench.vendor.broken.clear()
            kit.teardown_method()
    return False


class FailedPageIsEmpty(Harvest):
    def _dated(self, kind, window):
        try:
            yield from super()._dated(kind, window)
        except VendorError:
            return


class OnlyApproved(Harvest):
    def time_entries(self, window):
        return (entry for entry in super().time_entries(window) if entry.approval.state == "approved")


class SameRowsTwice(Harvest):
    def _dated(self, kind, window):
        rows = list(super()._dated(kind, window))
        yield from [*rows, *rows[-1:]]


class WindowNotChecked(Harvest):
    def time_entries(self, window):
        wide = replace(window, since=date(2000, 1, 1), until=date(2100, 1, 1))
        return super().time_entries(wide)


class ShiftsNotNoticed(Harvest):
    api = replace(Harvest.api, pages=NextLink(at="links.next"))


class TellsItsToken(Harvest):
    def __repr__(self):
        return f"Harvest({self.options.secrets()})"


class CompletedLeftOut(Asana):
    def milestones(self, window):
        return (phase for phase in super().milestones(window) if phase.completed_on is None)


class DatesInUtc(Asana):
    def milestones(self, window):
        self.options = self.options.model_copy(update={"zone": "UTC"})
        return super().milestones(window)


class MissingIsZero(Asana):
    def _whole(self, raw):
        return {"duration_minutes": 0, **super()._whole(raw)}


@pytest.mark.parametrize(
    ("kit", "source", "test"),
    [
        (HarvestKit, FailedPageIsEmpty, "test_a_page_that_fails_fails_the_list"),
        (HarvestKit, FailedPageIsEmpty, "test_a_refused_page_fails_the_list"),
        (HarvestKit, FailedPageIsEmpty, "test_a_list_that_goes_in_circles_is_refused"),
        (HarvestKit, OnlyApproved, "test_an_approval_that_is_taken_back_shows"),
        (HarvestKit, SameRowsTwice, "test_every_page_is_read_and_then_it_stops"),
        (HarvestKit, WindowNotChecked, "test_a_window_holds_its_first_and_its_last_day"),
        (HarvestKit, ShiftsNotNoticed, "test_changes_while_it_reads_are_seen_or_told"),
        (AsanaKit, CompletedLeftOut, "test_completed_and_reopened_milestones_come_both"),
        (AsanaKit, DatesInUtc, "test_a_milestone_is_complete_on_the_date_of_its_zone"),
        (AsanaKit, MissingIsZero, "test_a_member_that_is_missing_is_named"),
    ],
)
def test_a_bug_of_a_source_is_found(kit, source, test):
    sound = type("Sound", (kit,), {})
    buggy = type("Buggy", (kit,), {"source": source})
    assert not fails(sound, test), f"{test} fails without the bug"
    assert fails(buggy, test), f"{test} does not notice {source.__name__}"


def test_a_token_in_a_repr_is_found(caplog, tmp_path):
    kit = type("Buggy", (HarvestKit,), {"source": TellsItsToken})()
    kit.setup_method()
    with pytest.raises(AssertionError, match="a secret stands in"):
        kit.test_no_secret_is_seen_anywhere(caplog, tmp_path)
    kit.teardown_method()


class NoLookUp(QuickBooks):
    def find(self, invoice):
        return []


class PrefixLookUp(QuickBooks):
    def find(self, invoice):
        every = self.read_back(None)
        return [found for found in every if found.number.lower().startswith(invoice.reference.lower())]


class FailedLookUpIsEmpty(QuickBooks):
    def find(self, invoice):
        try:
            return super().find(invoice)
        except VendorError:
            return []


class TrustsTheNumberAlone(QuickBooks):
    def find(self, invoice):
        return [found for found in super().find(invoice) if found.number == invoice.reference]


class RepeatsWithANewKey(QuickBooks):
    """A POST that is tried again under another key."""

    def create(self, invoice, key):
        try:
            return super().create(invoice, uuid4().hex)
        except VendorError:
            return super().create(invoice, uuid4().hex)


class DoubtIsRefusal(QuickBooks):
    def create(self, invoice, key):
        try:
            return super().create(invoice, key)
        except VendorError as error:
            error.sent = False
            raise


class CutsTheStamp(QuickBooks):
    def request(self, invoice, key):
        return super().request(replace(invoice, stamp=invoice.stamp[:1000]), key)


class ShowsOtherBytes(QuickBooks):
    def request(self, invoice, key):
        address, content = super().request(invoice, key)
        return (address, content) if inspect.stack()[1].function == "create" else (address, content + b" ")


class ForgetsTheSign(QuickBooks):
    def create(self, invoice, key):
        receipt = super().create(invoice, key)
        return replace(receipt, total=abs(receipt.total))


class DeletionsNotRead(QuickBooks):
    def read_back(self, changed_since):
        return (found for found in super().read_back(changed_since) if found.status != "deleted")


class SettlesTooSoon(QuickBooks):
    settle = 1


@pytest.mark.parametrize(
    ("sink", "test"),
    [
        (NoLookUp, "test_what_was_created_is_found"),
        (NoLookUp, "test_one_document_whatever_goes_wrong"),
        (PrefixLookUp, "test_only_our_exact_reference_is_ours"),
        (FailedLookUpIsEmpty, "test_a_look_up_that_fails_is_not_an_empty_look_up"),
        (RepeatsWithANewKey, "test_one_document_whatever_goes_wrong"),
        (DoubtIsRefusal, "test_one_document_whatever_goes_wrong"),
        (SettlesTooSoon, "test_one_document_whatever_goes_wrong"),
        (CutsTheStamp, "test_the_stamp_survives"),
        (ShowsOtherBytes, "test_the_dry_run_shows_the_bytes_that_are_sent"),
        (ForgetsTheSign, "test_a_credit_memo_keeps_its_sign"),
        (DeletionsNotRead, "test_void_and_delete_by_hand_show"),
    ],
)
def test_a_bug_of_a_sink_is_found(sink, test):
    buggy = type("Buggy", (QuickBooksKit,), {"sink": sink})
    assert not fails(QuickBooksKit, test), f"{test} fails without the bug"
    assert fails(buggy, test), f"{test} does not notice {sink.__name__}"


def test_a_sink_that_trusts_the_number_alone_is_found():
    """Where QuickBooks numbers the documents, ours are known by their note only."""

    def books(self):
        vendor = FakeQuickBooks()
        vendor.own_numbers = False
        return vendor

    buggy = type("Buggy", (QuickBooksKit,), {"sink": TrustsTheNumberAlone, "vendor": books})
    assert fails(buggy, "test_one_document_whatever_goes_wrong", manners="no key")


def test_a_connector_in_the_wrong_file_is_found():
    renamed = type("Renamed", (Harvest,), {"kind": "harvester", "__doc__": "x", "__module__": Harvest.__module__})
    kit = type("Buggy", (HarvestKit,), {"source": renamed})()
    with pytest.raises(AssertionError, match="file is named after its kind"):
        kit.test_declares_what_users_and_docs_need()


def test_a_broken_fake_is_no_passed_test():
    class Broken(FakeAsana):
        def handle(self, request):
            return self.tables["never"]["there"]

    bench = Bench(Asana, Broken())
    with pytest.raises(VendorError):
        bench.open().check()
    with pytest.raises(AssertionError, match=r"(?s)the fake vendor itself failed.*KeyError"):
        bench.close()
