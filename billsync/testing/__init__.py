"""The contract kit for authors of connectors: fake vendors over real HTTP, and the tests that every connector inherits.

    class TestHarvest(SourceContract): ...      pages, throttles, expired tokens, bad answers, windows, deletions
    class TestQuickBooks(SinkContract): ...     every fault of a sink, before and after it took effect: never two
    OpenApi, Xsd, unread_examples               what was sent, and what the vendor publishes, against his own contract

Begin with `billsync plugins new KIND`. pytest is needed to run the kit, not to import it.
"""

from billsync.testing.account_contract import AccountContract
from billsync.testing.asana import FakeAsana
from billsync.testing.books import FakeBooks, Manners
from billsync.testing.clock import Clock
from billsync.testing.faults import FAULTS, Fault
from billsync.testing.files import FakeFiles
from billsync.testing.harvest import FakeHarvest
from billsync.testing.jira import FakeJira
from billsync.testing.monday import FakeMonday
from billsync.testing.odoo import FakeOdoo
from billsync.testing.odoo_projects import FakeOdooProjects
from billsync.testing.plain import FakePlainBooks
from billsync.testing.quickbooks import FakeQuickBooks
from billsync.testing.salesforce import FakeSalesforce
from billsync.testing.server import FakeServer, Request, Response
from billsync.testing.sink_contract import SinkContract
from billsync.testing.smartsheet import FakeSmartsheet
from billsync.testing.smtp import FakeSmtp
from billsync.testing.source_contract import SourceContract
from billsync.testing.tempo import FakeTempo
from billsync.testing.tracker import FakeTracker
from billsync.testing.vendor_contract import OpenApi, Xsd, unread_examples
from billsync.testing.worklog import FakeWorklog
from billsync.testing.xero import FakeXero
from billsync.testing.xero_projects import FakeXeroProjects

__all__ = [
    "FAULTS",
    "AccountContract",
    "Clock",
    "FakeAsana",
    "FakeBooks",
    "FakeFiles",
    "FakeHarvest",
    "FakeJira",
    "FakeMonday",
    "FakeOdoo",
    "FakeOdooProjects",
    "FakePlainBooks",
    "FakeQuickBooks",
    "FakeSalesforce",
    "FakeServer",
    "FakeSmartsheet",
    "FakeSmtp",
    "FakeTempo",
    "FakeTracker",
    "FakeWorklog",
    "FakeXero",
    "FakeXeroProjects",
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
