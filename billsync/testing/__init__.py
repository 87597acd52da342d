"""The contract kit for authors of connectors: fake vendors over real HTTP, and the tests that every connector inherits.

    class TestHarvest(SourceContract): ...      pages, throttles, expired tokens, bad answers, windows, deletions
    class TestQuickBooks(SinkContract): ...     every fault of a sink, before and after it took effect: never two
    OpenApi, Xsd, unread_examples               what was sent, and what the vendor publishes, against his own contract

pytest is needed to run it, not to import it.
"""

from billsync.testing.asana import FakeAsana
from billsync.testing.books import FakeBooks, Manners
from billsync.testing.clock import Clock
from billsync.testing.faults import FAULTS, Fault
from billsync.testing.harvest import FakeHarvest
from billsync.testing.quickbooks import FakeQuickBooks
from billsync.testing.server import FakeServer, Request, Response
from billsync.testing.sink_contract import SinkContract
from billsync.testing.source_contract import SourceContract
from billsync.testing.tracker import FakeTracker
from billsync.testing.vendor_contract import OpenApi, Xsd, unread_examples

__all__ = [
    "FAULTS",
    "Clock",
    "FakeAsana",
    "FakeBooks",
    "FakeHarvest",
    "FakeQuickBooks",
    "FakeServer",
    "FakeTracker",
    "Fault",
    "Manners",
    "OpenApi",
    "Request",
    "Response",
    "SinkContract",
    "SourceContract",
    "Xsd",
    "unread_examples",
]
