"""The credential goes to declared hosts and nowhere else."""

from __future__ import annotations

import pytest

from billsync.http.hosts import Hosts
from billsync.model.errors import BadAnswer
from billsync.sdk import ApiKey, Basic, Bearer, NextLink
from tests.unit.http.conftest import TOKEN
from tests.unit.http.vendor import Says

AUTHS = [Bearer("token"), Basic("token", "=x"), ApiKey("token", "key", place="query"), ApiKey("token", "X-Key")]


def everything(seen) -> str:
    return f"{seen.path} {seen.query} {seen.headers} {seen.body!r}"


@pytest.mark.parametrize("auth", AUTHS, ids=repr)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_refused(vendor, other, opened, api, auth, status):
    vendor.on("/v1/x", Says(status=status, headers={"Location": f"{other.url}/steal"}))
    other.on("/steal", Says({"ok": 1}))
    with pytest.raises(BadAnswer, match="not one of this vendor's"):
        opened(api(auth=auth)).get("/x")
    assert other.seen == []


def test_a_next_link_to_another_host_is_refused(vendor, other, opened, api):
    vendor.on("/v1/x", Says({"items": [{"id": 1}], "next": f"{other.url}/steal"}))
    other.on("/steal", Says({"items": []}))
    with pytest.raises(BadAnswer, match="not one of this vendor's"):
        list(opened(api(auth=Bearer("token"), pages=NextLink(at="next"))).rows("/x", at="items"))
    assert other.seen == []


def test_an_address_of_another_host_is_refused(vendor, other, opened, api):
    with pytest.raises(BadAnswer, match="not one of this vendor's") as caught:
        opened(api(auth=Bearer("token"))).write("POST", f"{other.url}/steal", {})
    assert caught.value.sent is False
    assert other.seen == []


@pytest.mark.parametrize("declared", ["{company}", "host"])
def test_a_declared_host_gets_the_credential(vendor, other, opened, api, declared):
    host = "{company}" if declared == "{company}" else other.host
    other.on("/reports", Says({"ok": 1}))
    session = opened(api(auth=Bearer("token"), hosts=(host,), headers={"X-A": "1"}), company=other.url)
    assert session.get(f"{other.url}/reports") == {"ok": 1}
    assert other.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert other.seen[0].headers["x-a"] == "1"


@pytest.mark.parametrize("auth", AUTHS, ids=repr)
def test_a_presigned_download_is_followed_without_the_credential(vendor, other, opened, api, auth):
    vendor.on("/v1/file", Says(status=302, headers={"Location": f"{other.url}/bucket/f.pdf?sig=1"}))
    other.on("/bucket/f.pdf", Says(b"%PDF", media="application/pdf"))
    declared = api(auth=auth, download_hosts=(other.host,), headers={"X-Firm": "{token}"})
    assert opened(declared).answer("/file", headers={"X-More": "m"}).content == b"%PDF"
    seen = other.seen[0]
    assert seen.query == [("sig", "1")]
    assert TOKEN not in everything(seen) and "x-more" not in seen.headers
    assert "authorization" not in seen.headers


def test_a_presigned_address_may_be_asked_directly(vendor, other, opened, api):
    other.on("/bucket/f.csv", Says("a,b", media="text/csv"))
    session = opened(api(auth=Bearer("token"), download_hosts=(other.host,), params={"minorversion": "75"}))
    assert session.answer(f"{other.url}/bucket/f.csv?sig=1").content == b"a,b"
    assert TOKEN not in everything(other.seen[0])
    assert other.seen[0].query == [("sig", "1")]


def test_a_redirect_within_the_vendor_keeps_the_credential(vendor, opened, api):
    vendor.on("/v1/x", Says(status=302, headers={"Location": "/v1/y?a=1"}))
    vendor.on("/v1/y", Says({"ok": 1}))
    assert opened(api(auth=Bearer("token"))).get("/x") == {"ok": 1}
    assert vendor.seen[1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (307, "POST")])
def test_a_redirected_post_read(vendor, opened, api, status, method):
    vendor.on("/v1/x", Says(status=status, headers={"Location": "/v1/y"}))
    vendor.on("/v1/y", Says({"ok": 1}))
    assert opened(api()).read("/x", {"q": 1}) == {"ok": 1}
    assert vendor.seen[1].method == method


def test_redirects_in_a_circle_end(vendor, opened, api):
    vendor.on("/v1/x", Says(status=302, headers={"Location": "/v1/x"}))
    with pytest.raises(BadAnswer, match="circle"):
        opened(api()).get("/x")


@pytest.mark.parametrize(
    ("url", "trust"),
    [
        ("https://api.vendor.com/v2/x", "credential"),
        ("https://API.vendor.com:443/x", "credential"),
        ("http://api.vendor.com/x", "refused"),
        ("https://api.vendor.com:8443/x", "refused"),
        ("https://api.vendor.com.evil.org/x", "refused"),
        ("https://evil.org/api.vendor.com", "refused"),
        ("https://api.vendor.com@evil.org/x", "refused"),
        ("https://reports.vendor.com/x", "credential"),
        ("https://a.files.net/x", "bare"),
        ("https://files.net/x", "refused"),
        ("https://evilfiles.net/x", "refused"),
        ("ftp://api.vendor.com/x", "refused"),
        ("https://api.vendor.com:99999/x", "refused"),
        ("https://[bad/x", "refused"),
        ("/relative", "refused"),
    ],
)
def test_what_is_sent_where(url, trust):
    hosts = Hosts("https://api.vendor.com/v1", trusted=["reports.vendor.com"], downloads=["*.files.net"])
    assert hosts.trust(url) == trust
