"""A secret is on the wire and nowhere else: not in a repr, an error, a log line, a trace or a tape."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.http import Recorder
from billsync.http.redact import Redactor
from billsync.model.errors import BillsyncError, UsageError
from billsync.sdk import ApiKey, Basic, Bearer, BodyCredentials, OAuth2, Options, SessionLogin
from tests.unit.http.conftest import TOKEN
from tests.unit.http.oauth_vendor import RotatingVendor
from tests.unit.http.vendor import Resets, Says, Seen

PASSWORD = "pass/word+99"
SECRETS = [
    TOKEN,
    PASSWORD,
    "client-secret-xyz",
    "access-token-1",
    "refresh-token-0",
    "refresh-token-1",
    "session-key-1",
]


def forms(secret: str) -> set[str]:
    pair = base64.b64encode(f"ann@example.org:{secret}".encode()).decode()
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], pair}


def assert_clean(text: str, what: str) -> None:
    found = [form for secret in SECRETS for form in forms(secret) if form in text]
    assert not found, f"{what} shows {found}: {text}"


AUTHS = [
    Bearer("token"),
    Basic("user", "password"),
    ApiKey("password", "key", place="query"),
    ApiKey("token", "X-Key"),
    BodyCredentials({"apiKey": "token"}),
    OAuth2(token_url="{company}/token"),
    SessionLogin(path="/login", body={"pwd": "password"}, token_at="token", header="X-S"),
]


def echo(seen: Seen, status: int, media: str) -> Says:
    """A vendor who repeats all he was told, as debug pages do."""
    said = f"{seen.headers} {seen.query} {seen.body.decode()}"
    return Says({"message": said} if media == "application/json" else said, status, media=media)


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
@pytest.mark.parametrize("media", ["application/json", "text/plain", "text/html"])
@pytest.mark.parametrize("status", [200, 400, 500, None])
def test_no_secret_leaves_the_wire(vendor, opened, api, caplog, tmp_path, auth, media, status):
    caplog.set_level(logging.DEBUG)
    RotatingVendor(vendor)
    vendor.on("/v1/login", Says({"token": "session-key-1"}))
    vendor.on("/v1/x", Resets() if status is None else lambda seen: echo(seen, status, media))
    tape = tmp_path / "tape.jsonl"
    session = opened(
        api(auth=auth),
        session={"transport": Recorder(tape), "on_event": logging.getLogger("events").info},
        company=vendor.url,
        refresh_token="refresh-token-0",
    )
    try:
        text = str(session.read("/x", {"q": "now"}))
        assert media == "application/json", "plain text was taken for JSON"
        assert text
    except BillsyncError as error:
        assert_clean(str(error) + repr(error), "the error")
        assert_clean("".join(traceback.format_exception(error)), "the trace")
    assert_clean(repr(session) + repr(vars(session)), "the session")
    assert any(record.name == "billsync.http" for record in caplog.records), "nothing was logged"
    assert_clean(caplog.text, "the log")
    assert_clean(tape.read_text(encoding="utf-8"), "the tape")
    assert "/v1/x" in tape.read_text(encoding="utf-8") or status is None


def test_an_illegal_header_value_is_not_shown_by_the_library_either(vendor, opened, api):
    secret = "evil\r\n" + "secret-" * 2
    with pytest.raises(UsageError) as caught:
        opened(api(headers={"X-Firm": "{token}"}), token=secret).get("/x")
    assert "secret-secret" not in "".join(traceback.format_exception(caught.value))
    assert vendor.seen == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=4, max_size=40))
def test_whatever_the_secret_it_is_masked_in_every_coding(secret):
    redactor = Redactor([secret])
    for text in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)):
        masked = redactor.text(f"before {text} after")
        assert secret not in masked or secret in "before *** after"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"access_token": "abc123", "expires_in": 60}', '{"access_token": "***", "expires_in": 60}'),
        ('{"clientSecret":"abc123","hours": 7.10}', '{"clientSecret":"***","hours": 7.10}'),
        ('{"nextPageToken": "p2", "SyncToken": "3"}', '{"nextPageToken": "p2", "SyncToken": "3"}'),
        (
            "<a><password>abc123</password><userid>u</userid></a>",
            "<a><password>***</password><userid>u</userid></a>",
        ),
        ("https://h/x?api_key=abc123&page=2", "https://h/x?api_key=***&page=2"),
        ("https://b.s3/x?X-Amz-Signature=abc123&a=1", "https://b.s3/x?X-Amz-Signature=***&a=1"),
        ("https://user:abc123@host/x", "https://***@host/x"),
        ("Authorization: Bearer abc123abc", "Authorization: Bearer ***"),
        ("grant_type=refresh_token&refresh_token=abc123", "grant_type=refresh_token&refresh_token=***"),
    ],
)
def test_secrets_that_nobody_told_of_are_known_by_their_names(text, kept):
    assert Redactor().text(text) == kept


def test_tapes_lose_persons_and_keep_numbers():
    shown = Redactor().shared('{"email": "Ann@Firm.com", "again": "ann@firm.com", "firstName": "Ann", "hours": 7.10}')
    data = json.loads(shown)
    assert "firm.com" not in shown.lower() and data["firstName"] == "***"
    assert data["email"] == data["again"] and data["email"].endswith("@example.com")
    assert '"hours": 7.10' in shown


def test_options_do_not_show_their_secrets_in_a_session(opened, api):
    session = opened(api(auth=Bearer("token")))
    assert isinstance(session._options, Options)
    assert_clean(repr(session._options), "the options")


def test_the_log_holds_no_person(vendor, opened, api, caplog):
    caplog.set_level(logging.DEBUG)
    vendor.on("/v1/x", Says({"ok": 1}))
    opened(api()).get("/x", {"who": "ann@firm.com"})
    assert "/v1/x" in caplog.text and "ann" not in caplog.text
