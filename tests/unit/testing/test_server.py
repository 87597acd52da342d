"""Each fault does, over a real socket, what its name says; and the same without a socket."""

from __future__ import annotations

import httpx
import pytest

from billsync.testing import FAULTS, Clock, FakeServer, Fault, Response


class Counter(FakeServer):
    """Counts its posts; the answer tells how many there were."""

    def __init__(self):
        super().__init__(clock=Clock())
        self.done = 0
        self.client = httpx.Client()

    def handle(self, request):
        self.done += request.method == "POST"
        return Response.json_of({"done": self.done, "padding": "x" * 200})


@pytest.fixture(params=["socket", "no socket"])
def vendor(request):
    with Counter() as vendor:
        vendor.client.close()
        transport = None if request.param == "socket" else vendor.transport()
        vendor.client = httpx.Client(transport=transport, timeout=0.3)
        yield vendor
        vendor.client.close()


def post(vendor):
    """Status and body of a POST, or the name of what broke."""
    try:
        answer = vendor.client.post(vendor.url, json={"a": 1})
    except httpx.TimeoutException:
        return "timeout"
    except httpx.TransportError:
        return "broken"
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, answer.text[:9]


@pytest.mark.parametrize(
    ("fault", "answer", "done"),
    [
        ("refused", (400, {"message": "something went wrong"}), 0),
        ("timeout_before", "timeout", 0),
        ("timeout_after", "timeout", 1),
        ("error_before", (500, {"message": "something went wrong"}), 0),
        ("error_after", (500, {"message": "something went wrong"}), 1),
        ("reset_before", "broken", 0),
        ("reset_after", "broken", 1),
        ("half", "broken", 1),
        ("cut", (200, '{"done":1'), 1),
        ("wrong", (200, {"unexpected": True}), 1),
        ("page", (200, "<!doctype"), 1),
        ("empty", (200, ""), 1),
        ("slow", (504, {"message": "something went wrong"}), 0),
        ("twice", (200, {"done": 1, "padding": "x" * 200}), 2),
        ("throttled", (429, {"message": "something went wrong"}), 0),
        ("unauthorized", (401, {"message": "something went wrong"}), 0),
    ],
)
def test_a_fault_does_what_its_name_says(vendor, fault, answer, done):
    vendor.fail(fault)
    assert (post(vendor), vendor.done) == (answer, done)
    assert post(vendor)[0] == 200, "one fault was ordered, and the next request met another"


def test_every_named_fault_is_tried():
    tried = next(mark.args[1] for mark in test_a_fault_does_what_its_name_says.pytestmark if "answer" in mark.args[0])
    assert {case[0] for case in tried} == FAULTS.keys()


def test_what_comes_later_comes_when_it_is_due(vendor):
    vendor.fail(Fault(commits="later", status=504, delay=60))
    post(vendor)
    vendor.clock.advance(59)
    vendor.client.get(vendor.url)
    assert vendor.done == 0, "it came too early"
    vendor.clock.advance(1)
    vendor.client.get(vendor.url)
    assert vendor.done == 1, "it did not come"


def test_faults_meet_the_requests_they_are_meant_for(vendor):
    vendor.fail("refused", when=lambda request: request.method == "POST", skip=1, times=2)
    assert vendor.client.get(vendor.url).status_code == 200
    assert [post(vendor)[0] for _ in range(4)] == [200, 400, 400, 200]


def test_the_log_holds_what_was_sent(vendor):
    vendor.client.post(f"{vendor.url}/a/b?x=1&x=2", content=b'{"amount": 0.1}', headers={"X-Key": "k"})
    [request] = vendor.log
    assert (request.method, request.path, request.query) == ("POST", "/a/b", {"x": "2"})
    assert str(request.json()["amount"]) == "0.1" and request.headers["x-key"] == "k"
