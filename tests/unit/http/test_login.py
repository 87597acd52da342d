"""The log-in of a person: browser with PKCE, device code."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from billsync.http import Login, Token, TokenStore
from billsync.model.errors import AuthFailed, BadAnswer, UsageError
from billsync.sdk import Bearer, OAuth2
from tests.unit.http.conftest import VendorOptions
from tests.unit.http.vendor import Says

VERIFIER = "v" * 43
TOKENS = Says({"access_token": "access-1234", "refresh_token": "refresh-1234", "expires_in": 3600})


def stored(state: Path) -> Token:
    token = TokenStore.for_account(state, "acme").load()
    assert token is not None, "nothing was stored"
    return token


@pytest.fixture
def login(vendor, api, clock, tmp_path):
    def begin(**declared):
        auth = OAuth2(
            **{
                "token_url": f"{vendor.url}/token",
                "authorize_url": "https://{company}.vendor.invalid/authorize?v=1",
                "device_url": f"{vendor.url}/device",
                "scopes": ("a", "b"),
                "extra": {"audience": "api", "prompt": "consent"},
                **declared,
            }
        )
        options = VendorOptions(company="acme-inc")
        return Login(api(auth=auth), options, account="acme", state=tmp_path, now=clock.now)

    return begin


def test_the_address_to_agree_at_has_all_that_the_vendor_needs(login):
    with login() as begun:
        url = begun.url(redirect_uri="http://127.0.0.1:8912/back", state="st-1", verifier=VERIFIER)
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("acme-inc.vendor.invalid", "/authorize")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    assert dict(parse_qsl(parts.query)) == {
        "v": "1",
        "response_type": "code",
        "client_id": "client-77",
        "redirect_uri": "http://127.0.0.1:8912/back",
        "scope": "a b",
        "state": "st-1",
        "audience": "api",
        "prompt": "consent",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert "client-secret" not in url


def test_a_code_becomes_a_stored_token_with_what_the_redirect_told(vendor, login, tmp_path):
    vendor.on("/token", TOKENS)
    with login() as begun:
        begun.exchange(code="code-99", verifier=VERIFIER, redirect_uri="http://x/back", members={"realmId": "7"})
    assert vendor.seen[0].form() == {
        "grant_type": "authorization_code",
        "code": "code-99",
        "redirect_uri": "http://x/back",
        "code_verifier": VERIFIER,
    }
    token = stored(tmp_path)
    assert (token.access, token.refresh, token.members) == ("access-1234", "refresh-1234", {"realmId": "7"})


def test_without_pkce_no_verifier_is_sent(vendor, login):
    vendor.on("/token", TOKENS)
    with login(pkce=False) as begun:
        assert "code_challenge" not in begun.url(redirect_uri="http://x", state="s", verifier=VERIFIER)
        begun.exchange(code="code-99", verifier=VERIFIER, redirect_uri="http://x")
    assert "code_verifier" not in vendor.seen[0].form()


def test_a_code_that_is_too_old_is_refused_and_nothing_stored(vendor, login, tmp_path):
    vendor.on("/token", Says({"error": "invalid_grant", "error_description": "code-99 expired"}, 400))
    with login() as begun, pytest.raises(AuthFailed, match="invalid_grant") as caught:
        begun.exchange(code="code-99", verifier=VERIFIER, redirect_uri="http://x")
    assert "code-99" not in str(caught.value)
    assert TokenStore.for_account(tmp_path, "acme").load() is None


DEVICE = Says(
    {
        "device_code": "device-code-1",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://vendor.invalid/device",
        "expires_in": 60,
        "interval": 5,
    }
)


def test_a_device_waits_for_its_person_as_slowly_as_the_vendor_wants(vendor, login, clock, tmp_path):
    pending = Says({"error": "authorization_pending"}, 400)
    vendor.on("/device", DEVICE)
    vendor.on("/token", pending, Says({"error": "slow_down"}, 400), pending, TOKENS)
    with login() as begun:
        device = begun.device()
        begun.wait(device, sleep=clock.sleep)
    assert (device.user_code, device.verification_url) == ("WDJB-MJHT", "https://vendor.invalid/device")
    assert clock.slept == [5, 5, 10, 10]
    assert "grant_type" not in vendor.asked("/device")[0].form()
    assert vendor.asked("/token")[0].form() == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "device-code-1",
    }
    assert stored(tmp_path).refresh == "refresh-1234"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says({"error": "authorization_pending"}, 400), "before the code ran out"),
        (Says({"error": "access_denied"}, 400), "access_denied"),
        (Says({"error": "expired_token"}, 400), "expired_token"),
    ],
)
def test_a_person_who_does_not_agree(vendor, login, clock, says, words):
    vendor.on("/device", DEVICE)
    vendor.on("/token", says)
    with login() as begun, pytest.raises(AuthFailed, match=words):
        begun.wait(begun.device(), sleep=clock.sleep)


def test_a_device_answer_without_a_code_is_refused(vendor, login):
    vendor.on("/device", Says({"expires_in": 9}))
    with login() as begun, pytest.raises(BadAnswer, match="user_code"):
        begun.device()


def test_an_account_with_a_key_has_no_log_in(api, clock, tmp_path):
    with pytest.raises(UsageError, match="no log-in"):
        Login(api(auth=Bearer("token")), VendorOptions(), account="acme", state=tmp_path, now=clock.now)
