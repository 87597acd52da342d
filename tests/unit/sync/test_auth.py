"""Log-ins over real HTTP: browser, paste-back, device code; where they are kept, renewed, warned of and forgotten."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from billsync.model.errors import AuthFailed, SecretError, UsageError
from billsync.sync import auth, vault
from billsync.sync.check import check
from billsync.sync.credentials import statuses
from billsync.sync.firm import open_firm
from billsync.sync.night import run
from billsync.testing import Clock, FakeServer, Response
from billsync.testing.oauth import Grants
from tests.unit.sync import memory_keyring

CONNECTOR = '''
from billsync.model.work import Project, Window
from billsync.sdk import Api, Field, Identity, OAuth2, Offers, Options, Secret, Single, Source, hookimpl

class LedgerwoodOptions(Options):
    """One account."""
    client_id: str = Field(description="Of the app.")
    client_secret: Secret = Field(description="Of the app.")
    refresh_token: Secret | None = Field(default=None, description="A first one.")
    token_url: str | None = Field(default=None, description="Token endpoint.")

class Ledgerwood(Source[LedgerwoodOptions]):
    """Projects."""
    kind = "ledgerwood"
    title = "Ledgerwood"
    docs = "https://ledgerwood.invalid"
    api = Api(base_url="https://ledgerwood.invalid", auth=OAuth2(
        token_url="{base_url}/token", authorize_url="{base_url}/authorize", device_url="{base_url}/device",
        scopes=("work",), keep=("realmId",), grant_days=60), pages=Single())
    offers = Offers(kinds=frozenset({"project"}))

    def check(self):
        return Identity(account=self.http.get("/me")["name"])

    def projects(self, window):
        for raw in self.http.rows("/projects"):
            yield Project(id=raw["id"], name=raw["name"])

@hookimpl
def billsync_sources():
    return [Ledgerwood]
'''
CONFIG = """
firm: {name: Roe}
plugins_dir: connectors
keyring_backend: %s
sources:
  work: {kind: ledgerwood, base_url: %s, client_id: made-up-client, client_secret: env:APP_SECRET}
sinks:
  books: {kind: folder, path: books}
clients: [{id: acme, name: Acme}]
contracts: [{id: A, client: acme, project: work/1}]
"""
ENVIRONMENT = {"APP_SECRET": "made-up-client-secret-77a1"}
MEMORY = "tests.unit.sync.memory_keyring.MemoryKeyring"
FULL = "tests.unit.sync.memory_keyring.FullKeyring"
NONE = "keyring.backends.fail.Keyring"


class Vendor(FakeServer):
    """Agrees to everything at once; a code works once, with the verifier of its own challenge."""

    def __init__(self, clock):
        super().__init__(clock=clock)
        self.grants = Grants(clock)
        self.codes: dict[str, str] = {}
        self.typed_in = False

    def handle(self, request):
        match request.path:
            case "/authorize":
                asked, code = request.query, f"made-up-code-{request.number}"
                self.codes[code] = asked["code_challenge"]
                back = urlencode({"code": code, "state": asked["state"], "realmId": "77"})
                return Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{back}"})
            case "/token":
                return self._token(request)
            case "/device":
                device = {"device_code": "made-up-device", "user_code": "WXYZ", "expires_in": 600, "interval": 5}
                return Response.json_of({**device, "verification_uri": f"{self.url}/type-in"})
        if not self.grants.alive(request):
            return Response.json_of({"message": "who are you"}, 401)
        return Response.json_of({"name": "Roe"} if request.path == "/me" else [{"id": "1", "name": "Site"}])

    def _token(self, request):
        form = request.form
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            good = self.codes.pop(form["code"], None) == challenge
            return self.grants.issue() if good else Response.json_of({"error": "invalid_grant"}, 400)
        if form["grant_type"].endswith("device_code"):
            return self.grants.issue() if self.typed_in else Response.json_of({"error": "authorization_pending"}, 400)
        return self.grants.token(request)


class Place:
    """A firm with one account that logs in, its vendor, and the run's clock."""

    def __init__(self, folder: Path, vendor: Vendor):
        self.folder, self.vendor = folder, vendor
        connectors = folder / "connectors"
        connectors.mkdir(mode=0o755)
        (connectors / "ledgerwood.py").write_text(CONNECTOR, encoding="utf-8")
        self.keyring(NONE)

    def keyring(self, back_end):
        (self.folder / "billsync.yaml").write_text(CONFIG % (back_end, self.vendor.url), encoding="utf-8")

    def keys(self):
        keys = auth.open_keys(self.folder / "billsync.yaml", environ=ENVIRONMENT, now=self.vendor.clock.now)
        object.__setattr__(keys, "sleep", self._sleep)
        return keys

    def _sleep(self, seconds):
        self.vendor.clock.sleep(seconds)
        self.vendor.typed_in = len(self.vendor.clock.slept) > 1

    def firm(self):
        return open_firm(self.folder / "billsync.yaml", environ=ENVIRONMENT, now=self.vendor.clock.now,
                         sleep=self.vendor.clock.sleep)  # fmt: skip

    def whose(self):
        with self.firm().source("work") as source:
            return source.check().account

    def status(self):
        [found] = [one for one in statuses(self.keys()) if one.account.name == "work"]
        return found

    def browser(self, **more):
        """Log in with a browser that agrees; answers where the log-in is kept, and what the browser was shown."""
        with browsing() as (show, pages):
            return auth.Entrance(self.keys(), "work", **more).by_browser(show, port=0), pages

    def file(self):
        return self.folder / ".billsync" / "tokens" / "token-work.json"


@contextmanager
def browsing(before=lambda address: None):
    """A browser in a thread of its own, which follows the vendor's redirects."""
    pages, threads = [], []

    def go(address):
        before(address)
        pages.append(httpx.get(address, follow_redirects=True, trust_env=False))

    def show(address):
        threads.append(threading.Thread(target=go, args=(address,)))
        threads[-1].start()

    yield show, pages
    for thread in threads:
        thread.join()


@pytest.fixture
def place(tmp_path):
    memory_keyring.ENTRIES.clear()
    with Vendor(Clock()) as vendor:
        yield Place(tmp_path, vendor)


def test_a_person_logs_in_by_browser_and_the_nights_go_on_by_themselves(place):
    kept, [page] = place.browser()
    assert (page.status_code, kept) == (200, str(place.file())), page.text
    assert "logged in" in page.text
    assert place.whose() == "Roe"
    for _ in range(3):
        place.vendor.clock.advance(7200)
        assert place.whose() == "Roe", "the rotated token was not found again"
    assert place.vendor.grants.refused == 0, "a dead refresh token was used"
    assert run(place.firm()).troubles == []


def mode(path):
    """Who may read a file; Windows protects the user's folder instead."""
    return stat.S_IMODE(path.stat().st_mode) if os.name == "posix" else 0


def test_without_a_keyring_one_protected_file_holds_the_token(place):
    place.browser()
    assert mode(place.file()) in (0o600, 0)
    place.vendor.clock.advance(7200)
    place.whose()
    assert mode(place.file()) in (0o600, 0), "a renewal opened the file to others"
    assert mode(place.file().parent) in (0o700, 0)


def test_a_keyring_that_can_be_written_holds_the_token_and_every_renewal(place):
    place.keyring(MEMORY)
    kept, _ = place.browser()
    assert kept.startswith("keyring:billsync/work ") and not place.file().exists()
    place.vendor.clock.advance(7200)
    assert place.whose() == "Roe"
    [text] = memory_keyring.ENTRIES.values()
    assert place.vendor.grants.refresh in text, "the rotated token is not in the keyring"
    secrets = [secret for secret in place.vendor.grants.given]
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    leaks = [path.name for path in files for secret in secrets if secret.encode() in path.read_bytes()]
    assert not leaks, f"a token stands in {leaks}"


def test_a_keyring_that_takes_nothing_gives_way_to_the_file(place):
    place.keyring(FULL)
    kept, _ = place.browser()
    assert kept == str(place.file())
    assert place.whose() == "Roe"


def test_a_run_killed_while_the_log_in_moves_to_the_file_has_lost_nothing(place):
    """The keyring takes no renewal: the file was written, and the mark of the keyring is still there."""
    place.keyring(MEMORY)
    place.browser()
    mark = place.file().with_suffix(".keyring")
    user = mark.read_text(encoding="utf-8")
    place.keyring(FULL)
    place.vendor.clock.advance(7200)
    assert place.whose() == "Roe"
    assert place.file().exists() and not mark.exists()
    mark.write_text(user, encoding="utf-8")
    place.vendor.clock.advance(7200)
    assert place.whose() == "Roe", "the dead refresh token in the keyring was taken for the newest"
    assert place.vendor.grants.refused == 0
    assert not mark.exists()


def test_a_night_that_cannot_see_the_keyring_says_so_and_a_file_is_the_way_out(place):
    place.keyring(MEMORY)
    place.browser()
    place.keyring(NONE)
    with pytest.raises(SecretError) as caught:
        place.whose()
    assert "the log-in is in the keyring" in caught.value.what
    assert "billsync auth login work --file" in caught.value.hint
    assert place.browser(file=True)[0] == str(place.file())
    assert place.whose() == "Roe"


def test_an_answer_with_another_state_is_refused_and_ours_still_counts(place):
    answers = []

    def attack(address):
        redirect = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        for query in ("code=stolen&state=other", "code=stolen", "error=access_denied&state=other"):
            answers.append(httpx.get(f"{redirect}?{query}", trust_env=False).status_code)
        answers.append(httpx.get(redirect.replace("callback", "favicon.ico"), trust_env=False).status_code)

    with browsing(attack) as (show, pages):
        auth.Entrance(place.keys(), "work").by_browser(show, port=0)
    assert answers == [400, 400, 400, 404]
    assert pages[0].status_code == 200
    sent = [request.form.get("code") for request in place.vendor.log if request.path == "/token"]
    assert "stolen" not in sent, "a code of somebody else's was exchanged"


def test_a_vendor_that_refuses_ends_the_log_in(place):
    def refuse(address):
        asked = parse_qs(urlsplit(address).query)
        query = urlencode({"error": "access_denied", "state": asked["state"][0]})
        threading.Thread(target=httpx.get, args=(f"{asked['redirect_uri'][0]}?{query}",), daemon=True).start()

    with pytest.raises(AuthFailed, match="access_denied"):
        auth.Entrance(place.keys(), "work").by_browser(refuse, port=0)
    assert place.status().state == "not_logged_in"


def paste(place, change=lambda address: address):
    shown: list[Any] = []

    def ask():
        answer = httpx.get(shown[0], trust_env=False)
        return change(answer.headers["location"]) + "\n"

    return auth.Entrance(place.keys(), "work").by_paste(shown.append, ask, redirect="https://roe.invalid/back")


def test_a_machine_without_a_browser_takes_the_pasted_address(place):
    paste(place)
    assert place.whose() == "Roe"
    kept = vault.token_store(place.keys().secrets, place.folder / ".billsync", "work").load()
    assert kept is not None and kept.members == {"realmId": "77"}, "what the redirect told was not kept"


def test_a_pasted_address_of_another_log_in_is_refused(place):
    with pytest.raises(AuthFailed, match="state differs"):
        paste(place, lambda address: address.replace("state=", "state=x"))
    with pytest.raises(AuthFailed, match="no code"):
        paste(place, lambda address: address.replace("code=", "c="))
    assert not place.file().exists() and not place.vendor.grants.served


def test_a_device_code_is_asked_for_until_somebody_typed_it_in(place):
    shown: list[Any] = []
    auth.Entrance(place.keys(), "work").by_device(shown.append)
    assert shown[0].user_code == "WXYZ"
    assert place.vendor.clock.slept == [5, 5]
    assert place.whose() == "Roe"


@pytest.mark.parametrize("back_end", [NONE, MEMORY])
def test_logout_forgets(place, back_end):
    place.keyring(back_end)
    kept, _ = place.browser()
    assert auth.logout(place.keys(), "work") == kept
    assert auth.logout(place.keys(), "work") == "", "it was forgotten twice"
    assert not memory_keyring.ENTRIES and not place.file().exists()
    with pytest.raises(AuthFailed) as caught:
        place.whose()
    assert caught.value.hint == "billsync auth login work"


def test_status_tells_the_way_the_place_and_the_end_but_no_secret(place):
    assert place.status().state == "not_logged_in"
    place.browser()
    found = place.status()
    now = place.vendor.clock.now()
    assert (found.state, found.kept, found.warnings) == ("logged_in", str(place.file()), ())
    assert (found.access_until, found.ends[0].at) == (now + timedelta(hours=1), now + timedelta(days=60))
    assert [(one.option, one.reference, one.trouble) for one in found.secrets] == [
        ("client_secret", "env:APP_SECRET", "")
    ]
    shown = repr(found)
    assert not [secret for secret in (*place.vendor.grants.given, *ENVIRONMENT.values()) if secret in shown]


def test_the_end_of_a_log_in_is_told_weeks_ahead_by_status_check_and_the_night(place):
    place.vendor.grants.lives = 90 * 86_400  # nothing needs to be renewed, so the grant grows old
    place.browser()
    warning = f"work: the log-in ends on {place.vendor.clock.now() + timedelta(days=60):%Y-%m-%d}"
    assert not place.status().warnings
    assert warning not in run(place.firm()).findings
    place.vendor.clock.advance(days=33)
    assert place.status().warnings == (warning,)
    night = run(place.firm())
    assert warning in night.findings and night.exit_code >= 1, "the night does not tell"
    assert warning in check(place.firm()).accounts[0].remarks, "`check` does not tell"


def test_a_reference_that_leads_nowhere_is_told_and_no_secret_is_shown(place):
    config = place.folder / "billsync.yaml"
    text = config.read_text(encoding="utf-8")
    for written, shown in (
        ("env:ELSEWHERE", "env:ELSEWHERE"),
        ("hunter2-the-secret", "(of a plugin, or the secret itself)"),
        ("cmd:/opt/pass --key hunter2", "cmd: pass"),
    ):
        config.write_text(text.replace("env:APP_SECRET", f'"{written}"'), encoding="utf-8")
        found = place.status()
        assert found.trouble is not None and found.secrets[0].trouble
        assert found.secrets[0].reference == shown
        assert "hunter2" not in repr(found) + str(found.trouble)


def test_a_secret_is_stored_where_the_configuration_looks_for_it(place):
    place.keyring(MEMORY)
    assert auth.store_secret(place.keys(), "work", "client_secret", "made-up-1") == (
        "keyring:billsync/work.client_secret",
        False,
    )
    config = place.folder / "billsync.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("env:APP_SECRET", "keyring:ours/app"), encoding="utf-8"
    )
    assert auth.store_secret(place.keys(), "work", "client_secret", ENVIRONMENT["APP_SECRET"]) == (
        "keyring:ours/app",
        True,
    )
    place.browser()
    assert place.whose() == "Roe", "the stored secret was not found"
    with pytest.raises(UsageError, match="no secret option"):
        auth.store_secret(place.keys(), "work", "client_id", "x")


def test_accounts_without_a_log_in_say_so(place):
    with pytest.raises(UsageError, match="no log-in"):
        auth.Entrance(place.keys(), "books")
    with pytest.raises(UsageError, match="there is no account"):
        auth.logout(place.keys(), "boks")
