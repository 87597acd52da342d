"""What goes out, and what comes back decoded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billsync import __version__
from billsync.model.errors import BadAnswer, SecretError, UsageError
from billsync.sdk import Bearer
from tests.unit.http.conftest import TOKEN
from tests.unit.http.vendor import Says


def test_the_base_url_of_the_options_replaces_the_declared_one(vendor, opened, api):
    vendor.on("/v1/me", Says({"id": 7}))
    assert opened(api()).get("/me") == {"id": 7}
    assert vendor.seen[0].method == "GET"


@pytest.mark.parametrize("path", ["/me", "me"])
def test_a_path_hangs_below_the_base_url_with_or_without_its_slash(vendor, opened, api, path):
    vendor.on("/v1/me", Says({}))
    opened(api(), base_url=f"{vendor.url}/v1/").get(path)
    assert vendor.seen[0].path == "/v1/me"


def test_every_call_names_the_program_and_whom_to_write_to(vendor, opened, api):
    vendor.on("/v1/me", Says({}))
    opened(api()).get("/me")
    opened(api(), contact="ops@example.org").get("/me")
    agents = [seen.headers["user-agent"] for seen in vendor.seen]
    assert agents == [f"billsync/{__version__}", f"billsync/{__version__} (+ops@example.org)"]


def test_placeholders_are_filled_from_options_in_headers_params_and_paths(vendor, opened, api):
    vendor.on("/v1/companies/a%2Fb/me", Says({}))
    declared = api(headers={"X-Company": "{company}"}, params={"minorversion": "75", "company": "{company}"})
    opened(declared, company="a/b").get("/companies/{company}/me", {"q": "x y&z"})
    seen = vendor.seen[0]
    assert seen.headers["x-company"] == "a/b"
    assert seen.query == [("minorversion", "75"), ("company", "a/b"), ("q", "x y&z")]


def test_a_declared_header_whose_option_is_not_set_is_the_users_fault(vendor, opened, api):
    with pytest.raises(UsageError, match="'company' is not set") as caught:
        opened(api(headers={"X-Company": "{company}"})).get("/me")
    assert "acme" in caught.value.where
    assert vendor.seen == []


def test_braces_in_a_path_that_name_nothing_stay_as_they_are(vendor, opened, api):
    vendor.on("/v1/%7Bunknown%7D", Says({"ok": 1}))
    assert opened(api()).get("/{unknown}") == {"ok": 1}


@pytest.mark.parametrize(
    ("style", "query"),
    [
        ("repeat", [("ids", "1"), ("ids", "2")]),
        ("brackets", [("ids[]", "1"), ("ids[]", "2")]),
        ("comma", [("ids", "1,2")]),
    ],
)
def test_lists_in_a_query_follow_the_vendors_habit(vendor, opened, api, style, query):
    vendor.on("/v1/x", Says({}))
    opened(api(list_style=style)).get("/x", {"ids": [1, 2], "all": True, "none": None})
    assert vendor.seen[0].query == [*query, ("all", "true")]


def test_numbers_keep_the_vendors_own_digits(vendor, opened, api):
    vendor.on("/v1/x", Says('{"hours": 7.10, "big": 12345678901234567890.123456789, "n": 3, "e": 1e-2}'))
    got = opened(api()).get("/x")
    assert {name: str(value) for name, value in got.items()} == {
        "hours": "7.10",
        "big": "12345678901234567890.123456789",
        "n": "3",
        "e": "0.01",
    }
    assert isinstance(got["hours"], Decimal) and isinstance(got["n"], int)


def test_decimals_are_written_as_numbers_with_their_own_digits(vendor, opened, api):
    vendor.on("/v1/invoices", Says({"id": 1}, 201))
    opened(api()).write("POST", "/invoices", {"total": Decimal("1234.50"), "big": Decimal("1E+3"), "note": "é"})
    assert vendor.seen[0].body == '{"total":1234.50,"big":1000,"note":"é"}'.encode()
    assert vendor.seen[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_refused(vendor, opened, api, number):
    vendor.on("/v1/x", Says(f'{{"amount": {number}}}'))
    with pytest.raises(BadAnswer, match="not JSON"):
        opened(api()).get("/x")


@pytest.mark.parametrize("body", ["<!DOCTYPE html><html><h1>Sign in</h1></html>", "OK", "", '{"cut": ', "[" * 100_000])
def test_what_is_not_json_is_never_read_as_nothing(vendor, opened, api, body):
    vendor.on("/v1/x", Says(body))
    with pytest.raises(BadAnswer) as caught:
        opened(api()).get("/x")
    assert caught.value.where == f"acme: GET {vendor.url}/v1/x"


def test_a_byte_order_mark_is_no_part_of_the_json(vendor, opened, api):
    vendor.on("/v1/x", Says(b'\xef\xbb\xbf{"a": 1}'))
    assert opened(api()).get("/x") == {"a": 1}


def test_an_empty_204_is_an_empty_object(vendor, opened, api):
    vendor.on("/v1/x", Says(status=204))
    assert opened(api()).get("/x") == {}


def test_a_post_that_only_reads_sends_json(vendor, opened, api):
    vendor.on("/v1/search", Says({"ok": True}))
    opened(api()).read("/search", {"jql": "done"}, {"expand": "names"})
    seen = vendor.seen[0]
    assert (seen.method, seen.json(), seen.query) == ("POST", {"jql": "done"}, [("expand", "names")])


def test_forms_and_bytes_are_written_as_they_are(vendor, opened, api):
    vendor.on("/v1/x", Says({"id": 1}))
    session = opened(api(auth=Bearer("token")))
    session.write("PUT", "/x", form={"due": "2026-03-01", "name": "a&b"})
    session.write("POST", "/x", content=b"<a/>", headers={"Content-Type": "application/xml"})
    form, raw = vendor.seen
    assert (form.method, form.form()) == ("PUT", {"due": "2026-03-01", "name": "a&b"})
    assert (raw.body, raw.headers["content-type"]) == (b"<a/>", "application/xml")
    assert form.headers["authorization"] == f"Bearer {TOKEN}"


def test_an_answer_gives_status_headers_and_bytes(vendor, opened, api):
    vendor.on("/v1/x.pdf", Says(b"%PDF", headers={"ETag": '"7"'}, media="application/pdf"))
    got = opened(api()).answer("/x.pdf", headers={"If-None-Match": '"6"'})
    assert (got.status, got.content, got.headers["etag"]) == (200, b"%PDF", '"7"')
    assert vendor.seen[0].headers["if-none-match"] == '"6"'


def test_not_modified_is_an_answer(vendor, opened, api):
    vendor.on("/v1/x", Says(status=304))
    assert opened(api()).answer("/x", headers={"If-None-Match": '"6"'}).status == 304


def test_a_created_record_may_be_named_by_its_location_alone(vendor, opened, api):
    vendor.on("/v1/x", Says(status=204, headers={"Location": "https://x/record/42"}))
    got = opened(api()).write("POST", "/x", {"a": 1})
    assert got.headers["location"].endswith("/42") and got.json() == {}


def test_the_session_counts_what_it_did(vendor, opened, api):
    vendor.on("/v1/x", Says(status=503), Says({}, headers={"X-Trace": "req-9"}))
    session = opened(api(request_id="X-Trace"))
    session.get("/x")
    stats = session.stats
    assert (stats.calls, stats.retries, stats.waited, stats.request_id) == (2, 1, 1, "req-9")


def test_a_token_member_that_no_log_in_left_is_named(opened, api):
    with pytest.raises(SecretError, match="realmId"):
        opened(api()).token_member("realmId")


def test_json_is_asked_for_unless_bytes_are_wanted(vendor, opened, api):
    vendor.on("/v1/x", Says({}))
    session = opened(api())
    session.get("/x")
    session.write("POST", "/x", {})
    session.answer("/x")
    assert [seen.headers["accept"] for seen in vendor.seen] == ["application/json", "application/json", "*/*"]


def test_a_whole_address_of_the_vendors_keeps_its_query_and_gets_the_constant_parameters(vendor, opened, api):
    vendor.on("/v2/y", Says({}))
    declared = api(params={"minorversion": "75", "lang": "en"})
    opened(declared).get(f"{vendor.url}/v2/y?lang=fr")
    opened(declared).get(f"{vendor.url}/v2/y", {"a": "1"})
    first, second = vendor.seen
    assert first.query == [("lang", "fr"), ("minorversion", "75")]
    assert second.query == [("minorversion", "75"), ("lang", "en"), ("a", "1")]
