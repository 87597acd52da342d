"""OAuth 2: grants, refresh, rotation; no token lost between threads, processes and crashes."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from billsync.http import Token, TokenStore
from billsync.model.errors import AuthFailed, BadAnswer, RateLimited, SecretError, Unavailable
from billsync.sdk import OAuth2
from tests.unit.http.conftest import TOKEN
from tests.unit.http.oauth_vendor import RotatingVendor
from tests.unit.http.vendor import Hangs, Resets, Says


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore.for_account(tmp_path / "state", "acme")


@pytest.fixture
def connected(vendor, opened, api):
    """connected(**declared): a session with OAuth 2 whose token host is the vendor's."""

    def connect(*, session=None, declared=None, token_url=None, **oauth):
        auth = OAuth2(**{"token_url": "https://accounts.vendor.invalid/token", **oauth})
        return opened(
            api(auth=auth, **(declared or {})),
            session=session,
            token_url=token_url or f"{vendor.url}/token",
            refresh_token="refresh-token-0",
        )

    return connect


def test_a_first_refresh_token_of_the_options_gives_the_first_access_token(vendor, connected, store):
    rotating = RotatingVendor(vendor)
    assert connected().get("/x") == {"ok": True}
    token = store.load()
    assert (token.access, token.refresh) == ("access-token-1", "refresh-token-1")
    assert token.expires_at == datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    asked = vendor.asked("/token")
    assert [seen.form()["grant_type"] for seen in asked] == ["refresh_token"]
    assert rotating.reused == 0


def test_a_token_is_used_until_it_ends_and_then_refreshed_before_use(vendor, connected, clock):
    RotatingVendor(vendor)
    session = connected()
    session.get("/x")
    session.get("/x")
    clock.sleep(3590)
    session.get("/x")
    assert len(vendor.asked("/token")) == 2
    assert [seen.headers["authorization"] for seen in vendor.asked("/v1/x")] == [
        "Bearer access-token-1",
        "Bearer access-token-1",
        "Bearer access-token-2",
    ]


def test_a_refused_access_token_is_refreshed_once_and_the_call_sent_again(vendor, connected, store):
    rotating = RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="refresh-token-0", expires_at=None))
    assert connected().get("/x") == {"ok": True}
    assert (rotating.number, rotating.reused) == (1, 0)


def test_a_write_whose_token_was_refused_is_sent_again(vendor, connected, store):
    RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="refresh-token-0"))
    assert connected().write("POST", "/x", {"invoice": 1}).json() == {"ok": True}
    assert [seen.json() for seen in vendor.asked("/v1/x")] == [{"invoice": 1}] * 2


def test_a_token_that_is_refused_after_its_refresh_is_refused_for_good(vendor, connected):
    RotatingVendor(vendor)
    vendor.on("/v1/x", Says({"message": "no such user"}, 401))
    with pytest.raises(AuthFailed, match="no such user"):
        connected().get("/x")
    assert len(vendor.asked("/token")) == 2
    assert len(vendor.asked("/v1/x")) == 2


def test_expiry_may_not_be_401(vendor, connected, store):
    rotating = RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="refresh-token-0"))
    vendor.on("/v1/x", Says({"message": "Invalid web services session"}, 400), rotating.data)
    declared = {"expired": (400,), "expired_body": "session"}
    assert connected(declared=declared).get("/x") == {"ok": True}


def test_another_400_is_no_expiry(vendor, connected, store):
    rotating = RotatingVendor(vendor)
    vendor.on("/v1/x", Says({"message": "bad date"}, 400))
    with pytest.raises(Exception, match="bad date"):
        connected(declared={"expired": (400,), "expired_body": "session"}).get("/x")
    assert rotating.number == 1


def test_the_rotated_token_is_stored_before_the_new_one_is_used(vendor, connected, store):
    rotating = RotatingVendor(vendor)
    found: list[str] = []

    def data(seen):
        found.append(store.load().refresh)
        return rotating.data(seen)

    vendor.on("/v1/x", data)
    connected().get("/x")
    assert found == ["refresh-token-1"]


def test_an_old_refresh_token_is_kept_when_the_answer_leaves_it_out(vendor, connected, store):
    RotatingVendor(vendor, rotates=False)
    connected().get("/x")
    assert store.load().refresh == "refresh-token-0"


def test_members_that_the_connector_keeps_fill_placeholders(vendor, connected, store):
    RotatingVendor(vendor)
    vendor.on("/v1/company/42/info", Says({"name": "Acme"}))
    session = connected(keep=("realmId",))
    session.get("/x")
    assert session.token_member("realmId") == "42"
    assert session.get("/company/{realmId}/info") == {"name": "Acme"}


def test_kept_members_outlive_an_answer_without_them(vendor, connected, store, clock):
    RotatingVendor(vendor)
    store.save(Token(access="", refresh="refresh-token-0", members={"tenant": "t-1"}))
    session = connected(keep=("tenant",))
    session.get("/x")
    assert session.token_member("tenant") == "t-1"


@pytest.mark.parametrize(("path", "asked"), [("", "/services/x"), ("/data", "/data/x")])
def test_the_token_answer_may_name_the_host(vendor, other, opened, api, path, asked):
    vendor.on("/token", Says({"access_token": "access-abc", "instance_url": other.url + path}))
    other.on(asked, Says({"ok": 1}))
    auth = OAuth2(token_url=f"{vendor.url}/token", grant="client", base_url_from="instance_url")
    declared = api(base_url=f"{vendor.url}/services", auth=auth)
    assert opened(declared, base_url=None).get("/x") == {"ok": 1}
    assert other.seen[0].headers["authorization"] == "Bearer access-abc"


def test_client_credentials_prove_the_client_by_basic_or_in_the_body(vendor, connected):
    vendor.on("/token", Says({"access_token": "access-abc", "expires_in": 600}))
    vendor.on("/v1/x", Says({"ok": True}))
    connected(grant="client", scopes=("a.read", "b"), extra={"audience": "{user}"}).get("/x")
    first = vendor.asked("/token")[0]
    assert first.headers["authorization"] == "Basic Y2xpZW50LTc3OmNsaWVudC1zZWNyZXQteHl6"
    assert first.form() == {"grant_type": "client_credentials", "scope": "a.read b", "audience": "ann@example.org"}


def test_a_client_in_the_body_and_a_json_request(vendor, connected):
    vendor.on("/token", Says({"access_token": "access-abc"}))
    vendor.on("/v1/x", Says({"ok": True}))
    connected(
        grant="client",
        client_auth="body",
        token_json=True,
        scopes=("x", "y"),
        scope_separator=",",
        token_extra={"redirect_uri": "https://a/b"},
        token_headers={"x-include": "true"},
    ).get("/x")
    seen = vendor.asked("/token")[0]
    assert "authorization" not in seen.headers
    assert seen.headers["x-include"] == "true"
    assert seen.json() == {
        "grant_type": "client_credentials",
        "redirect_uri": "https://a/b",
        "scope": "x,y",
        "client_id": "client-77",
        "client_secret": "client-secret-xyz",
    }


def test_a_token_host_that_wants_no_client_gets_none(vendor, connected):
    RotatingVendor(vendor)
    connected(client_id="", client_secret=None).get("/x")
    assert vendor.asked("/token")[0].form() == {"grant_type": "refresh_token", "refresh_token": "refresh-token-0"}


def pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", rsa.generate_private_key(65537, 2048)),
        ("PS256", rsa.generate_private_key(65537, 2048)),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("ES384", ec.generate_private_key(ec.SECP384R1())),
        ("ES512", ec.generate_private_key(ec.SECP521R1())),
    ],
)
@pytest.mark.parametrize("grant", ["client", "assertion"])
def test_a_signed_assertion_stands_for_the_secret_or_is_the_grant(vendor, opened, api, clock, algorithm, key, grant):
    from joserfc import jwt
    from joserfc.jwk import import_key

    vendor.on("/token", Says({"access_token": "access-abc"}))
    vendor.on("/v1/x", Says({"ok": True}))
    auth = OAuth2(
        token_url=f"{vendor.url}/token",
        grant=grant,
        scopes=("rest",),
        assertion_key="key",
        assertion_algorithm=algorithm,
        assertion_claims={"sub": "{user}"},
        assertion_headers={"kid": "{company}"},
    )
    opened(api(auth=auth), key=pem(key), company="cert-7").get("/x")
    form = vendor.asked("/token")[0].form()
    if grant == "client":
        assert form["grant_type"] == "client_credentials"
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        signed = form["client_assertion"]
    else:
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        signed = form["assertion"]
    assert "client_secret" not in form
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    verifier = import_key(public, "EC") if algorithm.startswith("E") else import_key(public, "RSA")
    token = jwt.decode(signed, verifier, algorithms=[algorithm])
    assert token.header == {"typ": "JWT", "alg": algorithm, "kid": "cert-7"}
    now = int(clock.now().timestamp())
    claims = dict(token.claims)
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("client-77", "ann@example.org", f"{vendor.url}/token")
    assert (claims["iat"], claims["exp"]) == (now, now + 300)
    assert (claims.get("scope") == "rest") == (grant == "client")


def test_a_key_that_cannot_sign_is_named_and_not_shown(vendor, connected, opened, api):
    auth = OAuth2(token_url=f"{vendor.url}/token", grant="client", assertion_key="token")
    with pytest.raises(SecretError, match="'token' cannot sign RS256") as caught:
        opened(api(auth=auth)).get("/x")
    assert TOKEN not in str(caught.value)


# ---- When it goes wrong --------------------------------------------------------------------------------------------


def test_nobody_has_logged_in(vendor, opened, api):
    auth = OAuth2(token_url=f"{vendor.url}/token")
    with pytest.raises(AuthFailed, match="nobody has logged in") as caught:
        opened(api(auth=auth)).write("POST", "/x", {})
    assert caught.value.hint == "billsync auth login acme"
    assert caught.value.sent is False
    assert vendor.seen == []


@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_dead_grant_sends_a_person_to_log_in(vendor, connected, store, status):
    RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="refresh-token-0"))
    vendor.on("/token", Says({"error": "invalid_grant", "error_description": "refresh-token-0 was revoked"}, status))
    with pytest.raises(AuthFailed, match="no longer valid") as caught:
        connected().get("/x")
    assert caught.value.hint == "billsync auth login acme"
    assert caught.value.where == f"acme: POST {vendor.url}/token"
    assert "refresh-token-0" not in str(caught.value)


@pytest.mark.parametrize("elsewhere", ["fresh", "ended"])
def test_a_dead_refresh_token_is_compared_with_the_store_once_more(vendor, connected, store, clock, elsewhere):
    """Another machine with the same keyring rotated it: our lock does not reach there."""
    rotating = RotatingVendor(vendor)
    rotating.number = 7
    store.save(Token(access="dead", refresh="refresh-token-3"))
    ends = clock.now() + timedelta(hours=1 if elsewhere == "fresh" else -1)

    def token(seen):
        if seen.form()["refresh_token"] == "refresh-token-3":
            rotated = Token(access="access-token-7", refresh="refresh-token-7", expires_at=ends)
            store.save(rotated)
        return rotating.token(seen)

    vendor.on("/token", token)
    assert connected().get("/x") == {"ok": True}
    assert store.load().refresh == ("refresh-token-7" if elsewhere == "fresh" else "refresh-token-8")


def test_a_newer_refresh_token_of_the_options_helps_out(vendor, connected, store):
    RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="revoked-long-ago"))
    assert connected().get("/x") == {"ok": True}


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
def test_a_wrong_client_is_not_a_matter_of_logging_in(vendor, connected, code):
    vendor.on("/token", Says({"error": code}, 401))
    with pytest.raises(AuthFailed, match=code) as caught:
        connected().get("/x")
    assert "client id and secret" in caught.value.hint


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (Says("<html>sign in</html>"), BadAnswer),
        (Says({"token_type": "Bearer"}), BadAnswer),
        (Says(status=503), Unavailable),
        (Resets(), Unavailable),
        (Says(status=429, headers={"Retry-After": "7200"}), RateLimited),
        (Says({"error": "invalid_grant"}, 400), AuthFailed),
    ],
)
def test_a_write_that_got_no_token_was_not_sent(vendor, connected, says, kind):
    vendor.on("/token", says)
    with pytest.raises(kind) as caught:
        connected().write("POST", "/x", {})
    assert caught.value.sent is False
    assert not vendor.asked("/v1/x")


def test_a_read_outlasts_a_short_outage_of_the_token_host(vendor, connected, clock):
    rotating = RotatingVendor(vendor)
    vendor.on("/token", Says(status=503), Says(status=429, headers={"Retry-After": "9"}), rotating.token)
    assert connected().get("/x") == {"ok": True}
    assert clock.slept == [1, 9]


def test_a_store_that_cannot_be_written_is_found_out_before_the_old_token_is_burnt(vendor, connected, tmp_path):
    rotating = RotatingVendor(vendor)
    store = TokenStore(Unwritable(), lock_file=tmp_path / "x.lock", account="acme")
    with pytest.raises(SecretError, match="cannot be stored: disk full"):
        connected(session={"tokens": store}).get("/x")
    assert rotating.number == 0


class Unwritable:
    def read(self) -> str | None:
        return None

    def write(self, text: str) -> None:
        raise OSError(28, "disk full")


# ---- Threads, processes, crashes -----------------------------------------------------------------------------------


def test_eight_threads_with_a_dead_token_refresh_once(vendor, connected, store):
    rotating = RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="refresh-token-0"))
    session = connected(declared={"concurrency": 8})
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: session.get("/x"), range(8)))
    assert got == [{"ok": True}] * 8
    assert (rotating.number, rotating.reused) == (1, 0)


PROCESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from billsync.http import Session
from billsync.sdk import Api, Field, OAuth2, Options

class Mine(Options):
    client_id: str = Field(default="c", description="The client.")

url, state = sys.argv[1:]
auth = OAuth2(token_url=url + "/token", client_secret=None, refresh_token=None)
api = Api(base_url=url + "/v1", auth=auth, concurrency=8)
with Session(api, Mine(), account="acme", state=Path(state), sleep=lambda s: None,
             now=lambda: datetime(2026, 3, 2, 1, tzinfo=UTC)) as session:
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: session.get("/x"), range(8)):
            assert got == {"ok": True}, got
"""


def test_three_processes_of_eight_threads_with_a_dead_token_refresh_once(vendor, store, tmp_path):
    rotating = RotatingVendor(vendor)
    store.save(Token(access="dead", refresh="refresh-token-0"))
    command = [sys.executable, "-c", PROCESS, vendor.url, str(tmp_path / "state")]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate(timeout=120)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], errors
    assert (rotating.number, rotating.reused) == (1, 0)
    assert store.load().refresh == "refresh-token-1"


def test_a_process_killed_between_store_and_use_has_lost_nothing(vendor, connected, store, tmp_path):
    """The vendor holds the first call back; the process dies waiting for it; the next one goes on with its token."""
    rotating = RotatingVendor(vendor)
    store.save(Token(access="", refresh="refresh-token-0"))
    vendor.on("/v1/x", Hangs())
    process = subprocess.Popen([sys.executable, "-c", PROCESS, vendor.url, str(tmp_path / "state")])
    while not vendor.asked("/v1/x"):
        assert process.poll() is None, "the process ended before its first call"
    process.kill()
    process.wait(60)
    vendor.on("/v1/x", rotating.data)
    assert connected().get("/x") == {"ok": True}
    assert (rotating.number, rotating.reused) == (1, 0)


# ---- Ends of grants --------------------------------------------------------------------------------------------------


def test_the_end_of_the_grant_is_known_from_the_answer(vendor, connected, clock):
    rotating = RotatingVendor(vendor)

    def token(seen):
        says = rotating.token(seen)
        return Says({**says.body, "x_refresh_token_expires_in": 8_640_000, "x_hard": "864000"})

    vendor.on("/token", token)
    session = connected(expiry_members={"x_refresh_token_expires_in": "log-in if unused", "x_hard": "log-in"})
    session.get("/x")
    assert [(one.what, one.at - clock.now()) for one in session.expiries()] == [
        ("log-in", timedelta(days=10)),
        ("log-in if unused", timedelta(days=100)),
    ]


def test_the_end_of_the_grant_is_known_from_the_declaration(vendor, connected, clock):
    RotatingVendor(vendor)
    session = connected(grant_days=60)
    session.get("/x")
    assert [(one.what, one.at - clock.now()) for one in session.expiries()] == [("log-in", timedelta(days=60))]


def test_tokens_survive_the_way_through_text():
    token = Token(
        access="a" * 9,
        refresh=None,
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
        members={"m": "1"},
        grant_expires_at=datetime(2026, 2, 1, tzinfo=UTC),
        endings={"log-in": datetime(2026, 2, 1, tzinfo=UTC)},
    )
    assert Token.from_text(token.as_text()) == token
    assert json.loads(token.as_text())["access"] == "a" * 9
