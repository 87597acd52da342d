"""Follow references to secrets. The configuration holds the reference, never the secret.

    keyring:SERVICE/USER    the operating system's keyring (Keychain, Credential Locker, Secret Service)
    env:NAME                an environment variable
    file:PATH               a file that only its owner may read; relative to the configuration's folder
    systemd:NAME            $CREDENTIALS_DIRECTORY/NAME, from LoadCredential= or LoadCredentialEncrypted=
    cmd:COMMAND ARG...      what a command prints; no shell, 30 seconds
    other schemes           by plugins (`billsync_secret_resolvers`)

Nothing here prints a secret: errors name the reference's place, and of a command only its program. Keyrings that
keep secrets as plain text, throw them away or ask for a password on the terminal (a hang at night) are refused.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from billsync.config.load import Config
from billsync.config.paths import inside
from billsync.model.contract import Origin
from billsync.model.errors import SecretError

if TYPE_CHECKING:
    import pluggy

SECONDS: Final = 30
LARGEST: Final = 64 * 1024
WINDOWS_BYTES: Final = 2560
SCHEMES: Final = ("keyring", "env", "file", "systemd", "cmd")
INSTEAD: Final = "write env:NAME, file:PATH, systemd:NAME or cmd:COMMAND here instead"
_NO_KEYRINGS: Final = ("keyring.backends.fail.", "keyring.backends.null.", "keyrings.alt.", "keyrings.cryptfile.")

_ONE_AT_A_TIME: Final = threading.Lock()
"""Accounts are opened side by side; keyrings are not made for that."""


class Secrets:
    """The secrets of one configuration, looked up each time they are needed and kept nowhere."""

    def __init__(
        self,
        config: Config,
        hooks: pluggy.PluginManager | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = config.path.parent
        self._pinned = config.keyring_backend
        self._hooks = hooks
        self._environ = os.environ if environ is None else environ

    def resolve(self, reference: str, where: Origin | str = "") -> str:
        """The secret behind `reference`; `where` (the line that holds it) is for the SecretError that names it."""
        scheme, _, rest = reference.partition(":")
        ways: Mapping[str, Callable[[str, str], str]] = {
            "keyring": self._from_keyring,
            "env": self._from_environment,
            "file": self._from_file,
            "systemd": self._from_systemd,
            "cmd": self._from_command,
        }
        place = str(where)
        secret = ways[scheme](rest, place) if scheme in ways else self._from_plugin(scheme, reference, place)
        if not secret:
            raise SecretError("the secret is empty", where=_at(place, scheme), hint="store it again")
        return secret

    def _from_environment(self, name: str, where: str) -> str:
        if name not in self._environ:
            raise SecretError(
                f"the environment variable {name!r} is not set",
                where=where,
                hint="set it for the user and the job that runs billsync (cron starts with few variables)",
            )
        return self._environ[name].strip("\r\n")

    def _from_file(self, written: str, where: str) -> str:
        return _content(inside(self._folder, written), f"file:{written}", where)

    def _from_systemd(self, name: str, where: str) -> str:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise SecretError(
                "$CREDENTIALS_DIRECTORY is not set: systemd did not start this run",
                where=_at(where, f"systemd:{name}"),
                hint=f"add LoadCredential={name}:/path/to/it to the unit",
            )
        if Path(name).name != name:
            raise SecretError("a systemd credential is a plain name", where=_at(where, f"systemd:{name}"))
        return _content(Path(folder) / name, f"systemd:{name}", where, check_mode=False)

    def _from_command(self, command: str, where: str) -> str:
        try:
            arguments = _split(command)
        except ValueError:
            raise SecretError("the command's quotes do not match", where=_at(where, "cmd")) from None
        shown = f"cmd: {Path(arguments[0]).name}" if arguments else "cmd"
        try:
            done = subprocess.run(  # noqa: S603  the firm's own configuration names it; no shell
                arguments,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
                cwd=self._folder,
                env=dict(self._environ),
            )
        except subprocess.TimeoutExpired:
            raise SecretError(
                f"the command took more than {SECONDS} seconds",
                where=_at(where, shown),
                hint="it may wait for a password: run it by hand as the same user",
            ) from None
        except (OSError, ValueError, IndexError) as error:
            raise SecretError(
                f"the command cannot be started: {type(error).__name__}",
                where=_at(where, shown),
                hint="give the program's full path; the night's PATH is short",
            ) from None
        if done.returncode != 0:
            raise SecretError(
                f"the command failed with exit code {done.returncode}",
                where=_at(where, shown),
                hint="run it by hand as the same user to see what it says",
            )
        return _text(done.stdout, shown, where)

    def _from_plugin(self, scheme: str, reference: str, where: str) -> str:
        """Never prints the scheme it does not know: it may be the beginning of a secret."""
        found: list[Mapping[str, Callable[[str], str]]] = (
            self._hooks.hook.billsync_secret_resolvers() if self._hooks else []
        )
        resolvers = {name: resolver for mapping in found for name, resolver in mapping.items()}
        if scheme not in resolvers:
            known = ", ".join(f"{name}:" for name in (*SCHEMES, *sorted(resolvers)))
            raise SecretError(
                "this is no reference to a secret", where=where, hint=f"a reference begins with one of {known}"
            )
        return resolvers[scheme](reference)

    def _from_keyring(self, name: str, where: str) -> str:
        service, user = entry_of(name, where)
        secret = self.from_keyring(service, user, where)
        if secret is None:
            raise SecretError(
                "the keyring holds no such secret",
                where=_at(where, f"keyring:{name}"),
                hint=f"store it as the same user: keyring set {service} {user}",
            )
        return secret

    def from_keyring(self, service: str, user: str, where: str = "") -> str | None:
        """An entry of the keyring; None when there is none. SecretError for a keyring that cannot be asked."""
        with self._keyring(service, user, where, "read") as back_end:
            found: str | None = back_end.get_password(service, user)
        return found

    def into_keyring(self, service: str, user: str, text: str, where: str = "") -> None:
        """Store or replace an entry. SecretError where no keyring keeps it, or it is longer than this one takes."""
        if os.name == "nt" and len(text) * 2 > WINDOWS_BYTES:
            raise SecretError(f"the Credential Locker takes {WINDOWS_BYTES // 2} characters", where=where)
        with self._keyring(service, user, where, "written") as back_end:
            back_end.set_password(service, user, text)

    def out_of_keyring(self, service: str, user: str, where: str = "") -> None:
        """Delete an entry, if there is one."""
        with self._keyring(service, user, where, "written") as back_end:
            if back_end.get_password(service, user) is not None:
                back_end.delete_password(service, user)

    @contextmanager
    def _keyring(self, service: str, user: str, where: str, act: str) -> Iterator[Any]:
        """The back end, for one act at a time; what it raises becomes a SecretError."""
        # Here, not above: the keyring takes long to import and is not wanted by those who have none.
        import keyring
        import keyring.errors

        shown = _at(where, f"keyring:{service}/{user}")
        back_end = self._back_end(keyring, shown)
        try:
            with _ONE_AT_A_TIME:
                yield back_end
        except keyring.errors.KeyringLocked:
            raise SecretError("the keyring is locked", where=shown, hint=f"unlock it, or {INSTEAD}") from None
        except (keyring.errors.KeyringError, RuntimeError, OSError) as error:
            raise SecretError(
                f"the keyring cannot be {act}: {type(error).__name__}", where=shown, hint=INSTEAD
            ) from None

    def _back_end(self, keyring: Any, where: str) -> Any:
        """The pinned back end, else the system's, if it is one that keeps secrets."""
        if self._pinned:
            try:
                found = keyring.core.load_keyring(self._pinned)
            except (ImportError, AttributeError, ValueError, RuntimeError, keyring.errors.KeyringError):
                raise SecretError(
                    f"the keyring back end {self._pinned!r} does not work here",
                    where=where,
                    hint=f"change keyring_backend, or {INSTEAD}",
                ) from None
        else:
            found = keyring.get_keyring()
        parts = getattr(found, "backends", None)
        usable = [part for part in (parts if parts else [found]) if not _refused(part)]
        if usable:
            return usable[0] if len(usable) == 1 else _Chain(usable)
        if type(found).__module__ == "keyring.backends.fail":
            raise SecretError("this machine has no keyring (no desktop, or none unlocked)", where=where, hint=INSTEAD)
        raise SecretError(f"the keyring back end {_name(found)!r} keeps no secrets safe", where=where, hint=INSTEAD)


class _Chain:
    """Several back ends, asked in the system's order."""

    def __init__(self, back_ends: list[Any]) -> None:
        self._back_ends = back_ends

    def get_password(self, service: str, user: str) -> str | None:
        answers = (back_end.get_password(service, user) for back_end in self._back_ends)
        return next((answer for answer in answers if answer is not None), None)

    def set_password(self, service: str, user: str, secret: str) -> None:
        self._back_ends[0].set_password(service, user, secret)

    def delete_password(self, service: str, user: str) -> None:
        for back_end in self._back_ends:
            if back_end.get_password(service, user) is not None:
                back_end.delete_password(service, user)


def entry_of(name: str, where: str = "") -> tuple[str, str]:
    """Service and user of `SERVICE/USER`. SecretError for anything else."""
    service, slash, user = name.partition("/")
    if not slash or not service or not user:
        raise SecretError("a keyring reference is keyring:SERVICE/USER", where=_at(where, f"keyring:{name}"))
    return service, user


def _name(back_end: Any) -> str:
    return f"{type(back_end).__module__}.{type(back_end).__qualname__}"


def _refused(back_end: Any) -> bool:
    name = _name(back_end)
    return name.startswith(_NO_KEYRINGS) or "plaintext" in name.lower()


def _at(where: str, shown: str) -> str:
    return f"{where} ({shown})" if where else shown


def _split(command: str) -> list[str]:
    """Arguments by the platform's rules: on Windows a backslash is part of a path."""
    if os.name != "nt":
        return shlex.split(command)
    return [argument.strip('"') for argument in shlex.split(command, posix=False)]


def _content(path: Path, shown: str, where: str, *, check_mode: bool = True) -> str:
    """The file without the line's end; on POSIX it must be closed to group and others."""
    try:
        mode = path.stat().st_mode
        if check_mode and os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretError(
                f"others may read the file (mode {stat.S_IMODE(mode):04o})",
                where=_at(where, shown),
                hint=f"chmod 600 {path.name}; if others had access, change the secret too",
            )
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SecretError(
            f"the file cannot be read: {error.strerror}",
            where=_at(where, shown),
            hint="create it, readable only for the user who runs billsync",
        ) from None
    return _text(content, shown, where)


def _text(content: bytes, shown: str, where: str) -> str:
    if len(content) > LARGEST:
        raise SecretError(f"more than {LARGEST} bytes are no secret", where=_at(where, shown))
    try:
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError("the secret is not UTF-8 text", where=_at(where, shown)) from None
