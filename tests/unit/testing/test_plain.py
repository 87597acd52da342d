"""The kit on the plain books: every sink can be tested by these few lines."""

from billsync.testing.plain import FakePlainBooks, Plain
from billsync.testing.sink_contract import SinkContract


class TestPlain(SinkContract):
    sink = Plain

    def vendor(self):
        return FakePlainBooks()

    def creates(self, request):
        return request.method == "POST" and request.path == "/documents"
