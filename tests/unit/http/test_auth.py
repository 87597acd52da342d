"""Every declared credential reaches the vendor in the place where he looks for it."""

from __future__ import annotations

import base64
import re
import sys
from urllib.parse import quote

import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from billsync.model.errors import AuthFailed, RateLimited, SecretError, Unavailable, UsageError
from billsync.sdk import ApiKey, Basic, Bearer, BodyCredentials, Csrf, OAuth1, OneOf, SessionLogin
from tests.unit.http.conftest import TOKEN
from tests.unit.http.vendor import Says, Seen

OK = Says({"ok": True})
PASSWORD = "pass/word+99"


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (Bearer("token"), "authorization", f"Bearer {TOKEN}"),
        (Bearer("token", scheme="Zoho-oauthtoken"), "authorization", f"Zoho-oauthtoken {TOKEN}"),
        (Bearer("token", scheme=""), "authorization", TOKEN),
        (ApiKey("token", "X-Api-Key"), "x-api-key", TOKEN),
        (ApiKey("token", "Authorization", prefix="Key "), "authorization", f"Key {TOKEN}"),
        (
            Basic("user", "password"),
            "authorization",
            "Basic " + base64.b64encode(f"ann@example.org:{PASSWORD}".encode()).decode(),
        ),
        (
            Basic("token", "=api_token"),
            "authorization",
            "Basic " + base64.b64encode(f"{TOKEN}:api_token".encode()).decode(),
        ),
    ],
)
def test_a_credential_in_a_header(vendor, opened, api, auth, header, value):
    vendor.on("/v1/x", OK)
    opened(api(auth=auth)).get("/x")
    assert vendor.seen[0].headers[header] == value


def test_of_several_ways_in_the_one_that_the_options_give_is_taken(vendor, opened, api):
    vendor.on("/v1/x", OK)
    ways = OneOf({"contact": ApiKey("contact", "X-Contact"), "token": Bearer("token")})
    opened(api(auth=ways)).get("/x")
    assert vendor.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    with pytest.raises(UsageError, match="no credential"):
        opened(api(auth=OneOf({"nothing": Bearer("nothing")})))


def test_a_key_in_the_query_stands_beside_the_other_parameters(vendor, opened, api):
    vendor.on("/v1/x", OK)
    opened(api(auth=ApiKey("password", "key", place="query"))).get("/x", {"a": "1"})
    assert vendor.seen[0].query == [("a", "1"), ("key", PASSWORD)]


def test_credentials_in_each_body(vendor, opened, api):
    vendor.on("/v1/x", OK)
    session = opened(api(auth=BodyCredentials({"apiKey": "token", "lang": "=eng"})))
    session.read("/x", {"request": {"from": "2026-01-01"}})
    session.write("POST", "/x", {"a": 1})
    read, write = vendor.seen
    assert read.json() == {"request": {"from": "2026-01-01"}, "apiKey": TOKEN, "lang": "eng"}
    assert write.json() == {"a": 1, "apiKey": TOKEN, "lang": "eng"}


def test_credentials_lie_deep_in_a_body(vendor, opened, api):
    """Odoo wants the key among the arguments of the call."""
    vendor.on("/v1/x", OK)
    session = opened(api(auth=BodyCredentials({"params.args.2": "token"})))
    session.read("/x", {"params": {"args": ["firm", 6, "", "read", [1]]}})
    assert vendor.seen[0].json() == {"params": {"args": ["firm", 6, TOKEN, "read", [1]]}}


def test_credentials_in_a_body_leave_its_numbers_alone(vendor, opened, api):
    from decimal import Decimal

    vendor.on("/v1/x", OK)
    session = opened(api(auth=BodyCredentials({"apiKey": "token"})))
    session.write("POST", "/x", {"amount": Decimal("1234567890123456.10")})
    assert b'"amount":1234567890123456.10' in vendor.seen[0].body


def test_oauth1_signs_with_hmac_sha256_and_realm(vendor, opened, api):
    vendor.on("/v1/x", OK)
    auth = OAuth1(
        consumer_key="client_id",
        consumer_secret="client_secret",
        token="user",
        token_secret="password",
        realm="company",
    )
    opened(api(auth=auth), company="123_SB1").get("/x", {"q": "SELECT id, 'é' FROM t"})
    header = vendor.seen[0].headers["authorization"]
    sent = dict(re.findall(r'(\w+)="([^"]*)"', header))
    assert sent["realm"] == "123_SB1" and sent["oauth_signature_method"] == "HMAC-SHA256"
    again = Client(
        "client-77",
        client_secret="client-secret-xyz",
        resource_owner_key="ann@example.org",
        resource_owner_secret=PASSWORD,
        realm="123_SB1",
        signature_method=SIGNATURE_HMAC_SHA256,
        nonce=sent["oauth_nonce"],
        timestamp=sent["oauth_timestamp"],
    )
    url = f"{vendor.url}/v1/x?q={quote(chr(83) + 'ELECT id, ' + chr(39) + 'é' + chr(39) + ' FROM t')}"
    assert again.sign(url)[1]["Authorization"] == header


def test_every_oauth1_request_has_its_own_nonce(vendor, opened, api):
    vendor.on("/v1/x", OK)
    auth = OAuth1(consumer_key="client_id", consumer_secret="client_secret", token="user", token_secret="password")
    session = opened(api(auth=auth))
    session.get("/x")
    session.get("/x")
    assert vendor.seen[0].headers["authorization"] != vendor.seen[1].headers["authorization"]


def test_a_missing_library_is_named_with_its_extra(opened, api, monkeypatch):
    monkeypatch.setitem(sys.modules, "oauthlib", None)
    auth = OAuth1(consumer_key="client_id", consumer_secret="client_secret", token="user", token_secret="password")
    with pytest.raises(SecretError) as caught:
        opened(api(auth=auth))
    assert "billsync[oauth1]" in caught.value.hint


@pytest.mark.parametrize("secret", ["abcdefgh\n", "abc\r\nX-Evil: 1", "schlüssel"])
def test_a_secret_that_no_header_can_hold_is_named_and_not_shown(opened, api, secret):
    with pytest.raises(SecretError, match="'token'") as caught:
        opened(api(auth=Bearer("token")), token=secret)
    assert secret.strip() not in str(caught.value)


LOGIN = SessionLogin(
    path="/session",
    body={"params.login": "user", "params.password": "password", "params.db": "=main"},
    token_at="result.token",
    header="X-Auth-Token",
)


def session_vendor(vendor, *, cookies: bool = False) -> None:
    logins = iter(range(1, 100))
    good = {"token": ""}

    def login(seen: Seen) -> Says:
        good["token"] = f"session-key-{next(logins)}"
        headers = {"Set-Cookie": f"sid={good['token']}; Path=/; HttpOnly"} if cookies else {}
        return Says({"result": {"token": good["token"]}}, headers=headers)

    def data(seen: Seen) -> Says:
        cookie = seen.headers.get("cookie", "")
        sent = cookie.removeprefix("sid=") if cookies else seen.headers.get("x-auth-token")
        return OK if sent == good["token"] else Says({"message": "session expired"}, 401)

    vendor.on("/v1/session", login)
    vendor.on("/v1/x", data)


def test_a_session_is_opened_once_and_its_key_put_on_each_call(vendor, opened, api):
    session_vendor(vendor)
    session = opened(api(auth=LOGIN))
    session.get("/x")
    session.get("/x")
    logins = vendor.asked("/v1/session")
    assert len(logins) == 1
    assert logins[0].json() == {"params": {"login": "ann@example.org", "password": PASSWORD, "db": "main"}}


@pytest.mark.parametrize("cookies", [False, True])
def test_an_ended_session_is_opened_again_and_the_call_repeated(vendor, opened, api, cookies):
    session_vendor(vendor, cookies=cookies)
    auth = SessionLogin(path="/session", body={"login": "user"}) if cookies else LOGIN
    session = opened(api(auth=auth))
    session.get("/x")
    vendor.answer_to(Seen("POST", "/v1/session", [], {}, b""))  # somebody else logs in: our session is dead
    assert session.write("POST", "/x", {"a": 1}).json() == {"ok": True}
    assert [seen.method for seen in vendor.asked("/v1/x")] == ["GET", "POST", "POST"]


def test_an_ended_session_may_show_in_the_body_only(vendor, opened, api):
    vendor.on("/v1/session", Says({"result": {"token": "k1-long"}}), Says({"result": {"token": "k2-long"}}))
    vendor.on("/v1/x", Says({"error": {"message": "Session Expired"}}), OK)
    auth = SessionLogin(path="/session", body={"login": "user"}, token_at="result.token", header="X-K", expired=(200,))
    assert opened(api(auth=auth, expired_body="Session Expired")).get("/x") == {"ok": True}
    assert [seen.headers["x-k"] for seen in vendor.asked("/v1/x")] == ["k1-long", "k2-long"]


@pytest.mark.parametrize("says", [Says({"message": "bad"}, 401), Says({"result": {"token": False}}), Says("<html>")])
def test_a_refused_log_in_has_sent_nothing(vendor, opened, api, says):
    vendor.on("/v1/session", says)
    with pytest.raises(AuthFailed) as caught:
        opened(api(auth=LOGIN)).write("POST", "/x", {})
    assert caught.value.sent is False
    assert not vendor.asked("/v1/x")


@pytest.mark.parametrize(("status", "kind"), [(503, Unavailable), (429, RateLimited)])
def test_an_unavailable_log_in_has_sent_nothing(vendor, opened, api, status, kind):
    vendor.on("/v1/session", Says(status=status))
    with pytest.raises(kind) as caught:
        opened(api(auth=LOGIN)).write("POST", "/x", {})
    assert caught.value.sent is False


def csrf_vendor(vendor) -> None:
    pairs = iter(range(1, 100))
    good = {"pair": 0}

    def fetch(seen: Seen) -> Says:
        good["pair"] = next(pairs)
        headers = {"x-csrf-token": f"csrf-token-{good['pair']}", "Set-Cookie": f"SAP=cookie-{good['pair']}; Path=/"}
        return Says("", 405, headers)

    def write(seen: Seen) -> Says:
        pair = good["pair"]
        wanted = (f"csrf-token-{pair}", f"SAP=cookie-{pair}")
        if (seen.headers.get("x-csrf-token"), seen.headers.get("cookie")) != wanted:
            return Says("CSRF token validation failed", 403, {"x-csrf-token": "Required"})
        return Says({"id": 1}, 201)

    vendor.on("/v1/", fetch)
    vendor.on("/v1/x", write)


def test_a_csrf_token_travels_with_its_cookies_and_is_fetched_again_when_refused(vendor, opened, api):
    csrf_vendor(vendor)
    session = opened(api(auth=Basic("user", "password"), csrf=Csrf(path="/")))
    assert session.write("POST", "/x", {}).json() == {"id": 1}
    assert session.write("POST", "/x", {}).json() == {"id": 1}
    fetches = vendor.asked("/v1/")
    assert len(fetches) == 1
    assert fetches[0].headers["x-csrf-token"] == "Fetch"
    assert fetches[0].headers["authorization"].startswith("Basic ")

    vendor.answer_to(Seen("GET", "/v1/", [], {}, b""))  # the pair is replaced behind our back
    assert session.write("POST", "/x", {}).json() == {"id": 1}
    assert len(vendor.asked("/v1/")) == 3


def test_a_missing_right_is_not_taken_for_a_stale_csrf_token(vendor, opened, api):
    vendor.on("/v1/", Says({}, headers={"x-csrf-token": "csrf-1234"}))
    vendor.on("/v1/x", Says({"message": "no authorization for company code"}, 403))
    with pytest.raises(Exception, match="company code"):
        opened(api(csrf=Csrf(path="/"))).write("POST", "/x", {})
    assert len(vendor.asked("/v1/x")) == 1


def test_reads_need_no_csrf_token(vendor, opened, api):
    vendor.on("/v1/x", OK)
    opened(api(csrf=Csrf(path="/"))).get("/x")
    assert not vendor.asked("/v1/")
