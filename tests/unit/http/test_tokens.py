"""The token store: durable, private, one writer at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billsync.http import Token, TokenStore, tokens
from billsync.model.errors import SecretError, Unavailable

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_what_was_saved_is_loaded(tmp_path):
    store = TokenStore.for_account(tmp_path, "acme")
    assert store.load() is None
    token = Token(access="a", refresh="r", expires_at=NOW, members={"realmId": "1"})
    store.save(token)
    assert TokenStore.for_account(tmp_path, "acme").load() == token


@pytest.mark.parametrize("account", ["a/b", "..", "con", "ünï code", "a:b*?", "x" * 60])
def test_any_account_has_a_file_of_its_own_inside_the_folder(tmp_path, account):
    for name in (account, "other"):
        TokenStore.for_account(tmp_path, name).save(Token(access=name))
    assert TokenStore.for_account(tmp_path, account).load() == Token(access=account)
    files = {file.name for file in (tmp_path / "tokens").iterdir() if file.suffix == ".json"}
    assert len(files) == 2
    assert all(file.parent == tmp_path / "tokens" for file in tmp_path.rglob("*.json"))


if os.name != "nt":  # Windows has no such modes: there the rights of the user's profile protect the file

    def test_only_the_owner_can_read_it(tmp_path):
        TokenStore.for_account(tmp_path, "acme").save(Token(access="a"))
        (file,) = (tmp_path / "tokens").glob("*.json")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "tokens").stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"access": 1}', "null"])
def test_a_damaged_store_sends_a_person_to_log_in(tmp_path, text):
    store = TokenStore.for_account(tmp_path, "acme")
    store.save(Token(access="secret-access"))
    (file,) = (tmp_path / "tokens").glob("*.json")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SecretError, match="cannot be read") as caught:
        store.load()
    assert caught.value.hint == "billsync auth login acme"


KILLED = """
import sys
from pathlib import Path
from billsync.http import Token, TokenStore
store = TokenStore.for_account(Path(sys.argv[1]), "acme")
print("started", flush=True)
number = 0
while True:
    number += 1
    store.save(Token(access=f"access-{number}", refresh="r" * 20000))
"""


def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path):
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        store = TokenStore.for_account(tmp_path, "acme")
        first = None
        while first is None:
            first = store.load()
        process.kill()
        process.communicate(timeout=60)
        token = store.load()
        assert token is not None and token.access.startswith("access-") and token.refresh == "r" * 20000


def test_the_lock_keeps_others_out_until_it_is_freed(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 0.05)
    store = TokenStore.for_account(tmp_path, "acme")
    refused: list[Unavailable] = []

    def try_it() -> None:
        try:
            with TokenStore.for_account(tmp_path, "acme").lock():
                pytest.fail("two held the lock at once")
        except Unavailable as error:
            refused.append(error)

    with store.lock():
        other = threading.Thread(target=try_it)
        other.start()
        other.join()
    assert [error.sent for error in refused] == [False]
    with TokenStore.for_account(tmp_path, "acme").lock():
        pass


@pytest.mark.parametrize(
    ("expires_at", "fresh"),
    [(None, True), (NOW + timedelta(seconds=61), True), (NOW + timedelta(seconds=60), False), (NOW, False)],
)
def test_a_token_close_to_its_end_is_not_fresh(expires_at, fresh):
    assert Token(access="a", expires_at=expires_at).is_fresh(NOW) is fresh


def test_a_token_without_access_is_not_fresh():
    assert not Token(access="", refresh="r").is_fresh(NOW)


def test_a_vault_may_take_the_place_of_the_file(tmp_path):
    class Memory:
        text: str | None = None

        def read(self) -> str | None:
            return self.text

        def write(self, text: str) -> None:
            self.text = text

    vault = Memory()
    TokenStore.for_account(tmp_path, "acme", vault).save(Token(access="a"))
    assert TokenStore.for_account(tmp_path, "acme", vault).load() == Token(access="a")
    assert not list(Path(tmp_path).rglob("*.json"))


def test_nothing_of_a_token_shows_in_its_repr():
    shown = repr(Token(access="access-secret", refresh="refresh-secret"))
    assert "secret" not in shown


def test_what_a_killed_writer_left_is_removed_once_it_is_old(tmp_path):
    store = TokenStore.for_account(tmp_path, "acme")
    folder = tmp_path / "tokens"
    old, new, other = (folder / name for name in (".token-acme.json.a1", ".token-acme.json.b2", ".token-acmes.json.c3"))
    for left in (old, new, other):
        left.write_text('{"refresh": "made-up"}', encoding="utf-8")
    for left in (old, other):
        os.utime(left, (1_700_000_000, 1_700_000_000))
    store.save(Token(access="a"))
    assert not old.exists(), "an unfinished file with a log-in stays for ever"
    assert new.exists(), "a file that another process may be writing now was taken away"
    assert other.exists(), "another account's file was taken away"
    assert store.load() == Token(access="a")


def test_a_lock_that_cannot_be_made_is_told_of_its_account(tmp_path):
    store = TokenStore.for_account(tmp_path, "acme")
    (tmp_path / "tokens" / "token-acme.lock").mkdir()
    with pytest.raises(SecretError, match="cannot be locked") as caught, store.lock():
        pytest.fail("a lock that cannot be made was held")
    assert caught.value.where.startswith("acme: "), (
        "an error of the system stops the whole night instead of one account"
    )
