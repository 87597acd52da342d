"""References to secrets are followed, and no error holds the secret, on machines with and without a keyring."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pluggy
import pytest

from billsync.config import Config, Secrets
from billsync.model.contract import Origin
from billsync.model.errors import SecretError
from billsync.sdk import hooks
from tests.unit.config.firm import FIRM, config

HERE = Origin(file="billsync.yaml", line=7)
SECRET = "tok-9f3a77"


@pytest.fixture
def firm(tmp_path: Path) -> Config:
    return config(tmp_path, FIRM)


def refused(secrets: Secrets, reference: str) -> SecretError:
    with pytest.raises(SecretError) as caught:
        secrets.resolve(reference, HERE)
    assert str(caught.value).count("\n") <= 2, "an error is three lines"
    assert caught.value.where.startswith("billsync.yaml:7"), "the line of the reference is named"
    assert SECRET not in str(caught.value), "no error holds the secret"
    return caught.value


def test_an_environment_variable(firm: Config) -> None:
    secrets = Secrets(firm, environ={"TOKEN": SECRET, "EMPTY": "", "LINE": f"{SECRET}\r\n"})
    assert secrets.resolve("env:TOKEN", HERE) == SECRET
    assert secrets.resolve("env:LINE", HERE) == SECRET, "the end of the line is no part of a secret"
    assert "'MISSING' is not set" in refused(secrets, "env:MISSING").what
    assert "empty" in refused(secrets, "env:EMPTY").what


def test_a_file_beside_the_configuration(firm: Config, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n")
    path.chmod(0o600)
    secrets = Secrets(firm, environ={})
    assert secrets.resolve("file:token", HERE) == SECRET
    assert secrets.resolve(f"file:{path}", HERE) == SECRET
    path.write_bytes(b"\xff\xfe" + SECRET.encode())
    assert "not UTF-8" in refused(secrets, "file:token").what
    path.write_bytes(b"x" * 70_000)
    assert "no secret" in refused(secrets, "file:token").what
    assert "cannot be read" in refused(secrets, "file:nowhere").what


if os.name == "posix":

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
    def test_a_file_that_others_may_read_is_refused(mode: int, firm: Config, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text(SECRET, encoding="utf-8")
        path.chmod(mode)
        error = refused(Secrets(firm, environ={}), "file:token")
        assert f"{mode:04o}" in error.what
        assert "chmod 600 token" in error.hint


def test_a_credential_of_systemd(firm: Config, tmp_path: Path) -> None:
    (tmp_path / "creds").mkdir()
    (tmp_path / "creds" / "harvest").write_text(SECRET, encoding="utf-8")
    secrets = Secrets(firm, environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "creds")})
    assert secrets.resolve("systemd:harvest", HERE) == SECRET
    assert "plain name" in refused(secrets, "systemd:../billsync.yaml").what
    assert "cannot be read" in refused(secrets, "systemd:other").what
    assert "LoadCredential=harvest" in refused(Secrets(firm, environ={}), "systemd:harvest").hint


def command(code: str) -> str:
    return f'cmd:"{sys.executable}" -c "{code}"'


def test_a_command(firm: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets(firm, environ=dict(os.environ))
    assert secrets.resolve(command(f"print('{SECRET}')"), HERE) == SECRET
    failed = refused(secrets, command(f"import sys; sys.stderr.write('{SECRET}'); sys.exit(3)"))
    assert "exit code 3" in failed.what
    assert "cannot be started" in refused(secrets, "cmd:no-such-program-here show x").what
    assert "cannot be started" in refused(secrets, "cmd: ").what
    assert "quotes" in refused(secrets, "cmd:pass 'x").what
    monkeypatch.setattr("billsync.config.secrets.SECONDS", 0.2)
    assert "took more than" in refused(secrets, command("import time; time.sleep(30)")).what


def test_a_command_has_no_shell_and_no_terminal(firm: Config) -> None:
    secrets = Secrets(firm, environ=dict(os.environ))
    assert secrets.resolve(command("import sys; print(sys.argv[1:])") + " $HOME *.yaml ; id", HERE) == (
        "['$HOME', '*.yaml', ';', 'id']"
    )
    assert secrets.resolve(command("import sys; print(len(sys.stdin.read()))"), HERE) == "0"


def test_a_scheme_of_a_plugin(firm: Config) -> None:
    class Vault:
        @hooks.hookimpl
        def billsync_secret_resolvers(self) -> Mapping[str, Callable[[str], str]]:
            return {"op": lambda reference: f"{reference} -> {SECRET}"}

    manager = pluggy.PluginManager("billsync")
    manager.add_hookspecs(hooks)
    manager.register(Vault())
    secrets = Secrets(firm, manager, environ={})
    assert secrets.resolve("op://vault/item", HERE) == f"op://vault/item -> {SECRET}"
    unknown = refused(secrets, f"{SECRET}:rest")
    assert "op:" in unknown.hint and "keyring:" in unknown.hint
    assert "no reference" in refused(Secrets(firm, environ={}), SECRET).what


def in_a_process(code: str, tmp_path: Path, **environ: str) -> str:
    """What `code` prints in a fresh interpreter without a desktop, as under cron; `secrets` is ready to be used."""
    head = """
        import sys
        from pathlib import Path
        from billsync.config import Secrets, load
        from billsync.model.errors import SecretError

        secrets = Secrets(load(Path("billsync.yaml")))

        def answer(reference):
            try:
                print(secrets.resolve(reference, "billsync.yaml:7"))
            except SecretError as error:
                print(error)
        """
    kept = ("PATH", "SYSTEMROOT", "PYTHONPATH", "HOME", "USERPROFILE", "LANG")
    clean = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        cwd=tmp_path,
        env={**clean, "PYTHONUTF8": "1", **environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config(tmp_path, FIRM)
    return tmp_path


if sys.platform == "linux":

    def test_a_headless_machine_is_told_what_to_use_instead(folder: Path) -> None:
        said = in_a_process("answer('keyring:harvest/token')", folder).splitlines()
        assert len(said) == 3, said
        assert said[0].startswith("this machine has no keyring")
        assert said[1] == "billsync.yaml:7 (keyring:harvest/token)"
        assert all(way in said[2] for way in ("env:", "file:", "systemd:", "cmd:"))


def test_the_keyring_is_imported_only_when_a_secret_lives_in_it(folder: Path) -> None:
    code = "answer('env:TOKEN'); print('keyring' in sys.modules)"
    assert in_a_process(code, folder, TOKEN=SECRET).splitlines() == [SECRET, "False"]


BACKENDS = '''
"""Keyrings made up for the tests."""
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked


class Good(KeyringBackend):
    priority = 5

    def get_password(self, service, username):
        return {"harvest/token": "good-secret"}.get(f"{service}/{username}")

    def set_password(self, service, username, password):
        raise NotImplementedError


class Locked(Good):
    def get_password(self, service, username):
        raise KeyringLocked("dismissed")


class Broken(Good):
    def get_password(self, service, username):
        raise InitError("no bus")


class PlaintextKeyring(Good):
    """Keeps secrets in the clear."""
'''


@pytest.mark.parametrize(
    ("back_end", "reference", "said"),
    [
        ("made_up.Good", "keyring:harvest/token", "good-secret"),
        ("made_up.Good", "keyring:harvest/other", "the keyring holds no such secret"),
        ("made_up.Good", "keyring:harvest", "a keyring reference is keyring:SERVICE/USER"),
        ("made_up.Locked", "keyring:harvest/token", "the keyring is locked"),
        ("made_up.Broken", "keyring:harvest/token", "the keyring cannot be read: InitError"),
        ("made_up.PlaintextKeyring", "keyring:harvest/token", "'made_up.PlaintextKeyring' keeps no secrets safe"),
        ("keyring.backends.null.Keyring", "keyring:harvest/token", "keeps no secrets safe"),
        ("keyring.backends.fail.Keyring", "keyring:harvest/token", "this machine has no keyring"),
        ("made_up.Missing", "keyring:harvest/token", "'made_up.Missing' does not work here"),
        ("no_such_module.Keyring", "keyring:harvest/token", "'no_such_module.Keyring' does not work here"),
    ],
)
def test_the_pinned_back_end_is_used_or_refused(back_end: str, reference: str, said: str, folder: Path) -> None:
    (folder / "made_up.py").write_text(BACKENDS, encoding="utf-8")
    config(folder, FIRM + f"keyring_backend: {back_end}\n")
    answer = in_a_process(f"answer({reference!r})", folder, PYTHONPATH=str(folder)).splitlines()
    assert said in answer[0], answer
    if said != "good-secret":
        assert answer[1].startswith("billsync.yaml:7"), answer


def test_a_chain_never_reads_from_a_back_end_that_is_refused(folder: Path) -> None:
    (folder / "made_up.py").write_text(BACKENDS, encoding="utf-8")
    code = """
        import keyring, made_up
        from keyring.backends.chainer import ChainerBackend

        class Chain(ChainerBackend):
            backends = [made_up.PlaintextKeyring(), made_up.Good()]

        keyring.set_keyring(Chain())
        answer("keyring:harvest/token")
        Chain.backends = [made_up.PlaintextKeyring(), made_up.PlaintextKeyring()]
        answer("keyring:harvest/token")
        """
    said = in_a_process(code, folder, PYTHONPATH=str(folder)).splitlines()
    assert said[0] == "good-secret"
    assert "keeps no secrets safe" in said[1]
