"""Which error a failure is, what it says, and whether the vendor may have done something."""

from __future__ import annotations

import socket

import pytest

from billsync.http import Session
from billsync.model.errors import (
    AuthFailed,
    BadAnswer,
    Denied,
    Missing,
    RateLimited,
    Refused,
    Unavailable,
    UsageError,
    VendorError,
)
from billsync.sdk import GRAPHQL_SUCCESS, Success
from tests.unit.http.vendor import Hangs, Resets, Says


def failed_write(session: Session, *, keyed: bool = False) -> VendorError:
    with pytest.raises(VendorError) as caught:
        session.write("POST", "/x", {"a": 1}, keyed=keyed)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, AuthFailed),
        (402, Denied),
        (403, Denied),
        (404, Missing),
        (405, Refused),
        (409, Refused),
        (410, Missing),
        (412, Refused),
        (415, Refused),
        (422, Refused),
        (423, Refused),
        (428, Refused),
        (429, RateLimited),
    ],
)
def test_a_refusal_says_that_nothing_was_written(vendor, opened, api, status, kind):
    vendor.on("/v1/x", Says({"message": "Project is archived"}, status))
    error = failed_write(opened(api()))
    assert type(error) is kind
    assert (error.sent, error.status) == (False, status)
    assert "Project is archived" in error.what
    assert len(vendor.seen) == 1, "a write was sent again"


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 529])
def test_after_a_server_error_nobody_knows(vendor, opened, api, status):
    vendor.on("/v1/x", Says("boom", status))
    error = failed_write(opened(api()))
    assert isinstance(error, Unavailable) and error.sent
    assert len(vendor.seen) == 1, "a write was sent again"


def test_a_time_out_of_a_write_is_not_sent_again(vendor, opened, api):
    vendor.on("/v1/x", Hangs())
    error = failed_write(opened(api(write_timeout=1)))
    assert isinstance(error, Unavailable) and error.sent
    assert "in time" in error.what
    assert len(vendor.seen) == 1, "a write was sent again"


def test_a_connection_cut_during_a_write_leaves_it_open(vendor, opened, api):
    vendor.on("/v1/x", Resets())
    error = failed_write(opened(api()))
    assert isinstance(error, Unavailable) and error.sent
    assert len(vendor.seen) == 1, "a write was sent again"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_has_sent_nothing(opened, api):
    error = failed_write(opened(api(), base_url=f"http://127.0.0.1:{free_port()}/v1"))
    assert isinstance(error, Unavailable)
    assert error.sent is False


@pytest.mark.parametrize("body", ["<html><body>Maintenance</body></html>", '{"id": '])
@pytest.mark.parametrize("keyed", [False, True])
def test_an_unreadable_answer_to_a_write_leaves_it_open(vendor, opened, api, body, keyed):
    vendor.on("/v1/x", Says(body))
    error = failed_write(opened(api()), keyed=keyed)
    assert isinstance(error, BadAnswer) and error.sent


@pytest.mark.parametrize("status", [302, 303, 307])
@pytest.mark.parametrize("keyed", [False, True])
def test_a_redirect_of_a_write_is_not_followed(vendor, opened, api, status, keyed):
    vendor.on("/v1/x", Says(status=status, headers={"Location": "/v1/y"}))
    vendor.on("/v1/y", Says({}))
    error = failed_write(opened(api()), keyed=keyed)
    assert isinstance(error, BadAnswer) and error.sent
    assert not vendor.asked("/v1/y")


def test_an_error_names_account_call_status_request_and_the_next_step(vendor, opened, api):
    vendor.on("/v1/time", Says({"error": {"message": "token has expired"}}, 401, {"X-Request-Id": "r-77"}))
    with pytest.raises(AuthFailed) as caught:
        opened(api(request_id="X-Request-Id")).get("/time", {"from": "2026-01-01"})
    error = caught.value
    assert error.what == "the credential is not accepted (401): token has expired"
    assert error.where == f"acme: GET {vendor.url}/v1/time (request id r-77)"
    assert error.hint == "billsync auth login acme"
    assert (error.status, error.request_id) == (401, "r-77")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "one"}, "one"),
        ({"error": {"message": "two"}}, "two"),
        ({"error": "invalid_request", "error_description": "three"}, "three"),
        ({"error": "four"}, "four"),
        ({"errors": [{"message": "five"}]}, "five"),
        ({"Fault": {"Error": [{"Detail": "six"}]}}, "six"),
        ({"other": "seven"}, "seven"),
        ("<html><head><style>b{}</style></head><h1>eight</h1> <p>words</p></html>", "eight words"),
        ("nine", "nine"),
    ],
)
def test_the_vendors_own_words_are_quoted(vendor, opened, api, body, words):
    vendor.on("/v1/x", Says(body, 400))
    declared = api(
        message_at=(
            "message",
            "error.message",
            "error_description",
            "error",
            "errors.0.message",
            "Fault.Error.*.Detail",
        )
    )
    with pytest.raises(Refused) as caught:
        opened(declared).get("/x")
    assert words in caught.value.what
    assert "<" not in caught.value.what


def test_a_status_may_mean_something_else_at_this_vendor(vendor, opened, api):
    vendor.on("/v1/x", Says({"err": "Team not authorized"}, 401))
    with pytest.raises(Missing) as caught:
        opened(api(missing_means={401: "Missing"})).get("/x")
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("test", "good", "bad"),
    [
        (Success(at="ok", equals="true", message_at="error"), {"ok": True}, {"ok": False, "error": "says no"}),
        (
            Success(at="errors", absent=True, message_at="errors.0.text"),
            {"errors": []},
            {"errors": [{"text": "says no"}]},
        ),
        (
            Success(at="resultCode", equals="0", message_at="text"),
            {"resultCode": 0},
            {"resultCode": 9, "text": "says no"},
        ),
        (
            Success(at="responses.*.status", one_of=("200", "201"), message_at="responses.*.why"),
            {"responses": [{"status": 200}, {"status": 201}]},
            {"responses": [{"status": 200}, {"status": 409, "why": "says no"}]},
        ),
    ],
)
@pytest.mark.parametrize("status", [200, 207])
def test_success_is_declared_not_assumed(vendor, opened, api, test, good, bad, status):
    vendor.on("/v1/x", Says(good, status), Says(bad, status))
    session = opened(api(success=(test,)))
    assert session.get("/x") == good
    with pytest.raises(BadAnswer, match="says no") as caught:
        session.get("/x")
    assert caught.value.sent


def test_a_success_test_whose_member_is_missing_fails(vendor, opened, api):
    vendor.on("/v1/x", Says({"data": []}))
    with pytest.raises(BadAnswer, match="ok is absent"):
        opened(api(success=(Success(at="ok", equals="true"),))).get("/x")


def test_a_declared_refusal_in_a_200_has_written_nothing(vendor, opened, api):
    vendor.on("/v1/x", Says({"success": False, "why": "number exists"}))
    declared = api(success=(Success(at="success", equals="true", message_at="why", fails_as="Refused"),))
    error = failed_write(opened(declared))
    assert isinstance(error, Refused) and error.sent is False


@pytest.mark.parametrize(("name", "kind"), [("AccessError", Denied), ("UserError", Refused)])
def test_an_error_in_a_200_has_the_class_of_its_name(vendor, opened, api, name, kind):
    vendor.on("/v1/x", Says({"error": {"data": {"name": name, "message": "no"}}}))
    test = Success(at="error", absent=True, message_at="error.data.message", fails_as="Refused",
                   named_at="error.data.name", named={"AccessError": "Denied"})  # fmt: skip
    error = failed_write(opened(api(success=(test,))))
    assert type(error) is kind and error.sent is False


def test_a_failed_write_of_graphql_leaves_it_open(vendor, opened, api):
    vendor.on("/v1/x", Says({"data": None, "errors": [{"message": "later"}]}))
    error = failed_write(opened(api(success=(GRAPHQL_SUCCESS,))))
    assert isinstance(error, BadAnswer) and error.sent


def test_what_cannot_be_written_in_a_header_is_the_users_fault_and_not_shown(opened, api):
    with pytest.raises(UsageError) as caught:
        opened(api(headers={"X-Company": "{company}"}), company="geheim-ü").get("/x")
    assert "geheim" not in str(caught.value)
