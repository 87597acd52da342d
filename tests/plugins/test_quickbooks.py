from billsync.testing import FakeQuickBooks
from billsync.testing.sink_contract import SinkContract
from billsync_plugins.sinks.quickbooks import QuickBooks


class TestQuickBooks(SinkContract):
    sink = QuickBooks

    def vendor(self):
        return FakeQuickBooks()

    def creates(self, request):
        kinds = ("/invoice", "/creditmemo")
        return request.method == "POST" and request.path.endswith(kinds) and "operation" not in request.query
