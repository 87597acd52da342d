"""Where the tokens of an account are kept, so that a rotated refresh token is never lost.

The store is a vault (by default one file per account that only its owner can read; configuration may put the
operating system's keyring in its place) and a lock shared by all threads and processes: whoever refreshes holds it,
and whoever waited for it reads the store again before doing the same.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote

from filelock import FileLock, Timeout
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from billsync.model.errors import SecretError, Unavailable

T = TypeVar("T")
LEEWAY = timedelta(seconds=60)
"""A token this close to its end is refreshed before it is used."""
LOCK_SECONDS = 120
"""A refresh is one call: who waits longer than its time-out waits for something that hangs."""
STALE_SECONDS = 600
"""An unfinished file this much older than the one written now belongs to nobody any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token and what came with it. Instants are UTC; None where the vendor does not say."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    members: Mapping[str, str] = field(default_factory=dict)
    """Members of the token answer that the connector keeps (realmId, instance_url)."""
    grant_expires_at: datetime | None = None
    """When a person must log in again."""
    endings: Mapping[str, datetime] = field(default_factory=dict)
    """What ends, in words, and when."""

    def is_fresh(self, now: datetime) -> bool:
        """True when the access token can still be used."""
        return bool(self.access) and (self.expires_at is None or now < self.expires_at - LEEWAY)

    def as_text(self) -> str:
        """JSON for the vault."""
        return json.dumps(
            {
                "access": self.access,
                "refresh": self.refresh,
                "expires_at": _written(self.expires_at),
                "members": dict(self.members),
                "grant_expires_at": _written(self.grant_expires_at),
                "endings": {what: _written(at) for what, at in self.endings.items()},
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Token:
        """A token as `as_text` wrote it. ValueError or KeyError for anything else."""
        raw = json.loads(text)
        return cls(
            access=raw["access"],
            refresh=raw["refresh"],
            expires_at=_read(raw["expires_at"]),
            members=raw["members"],
            grant_expires_at=_read(raw["grant_expires_at"]),
            endings={what: datetime.fromisoformat(at) for what, at in raw["endings"].items()},
        )


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Vault(Protocol):
    """Holds one text durably: when `write` returns, a crash cannot take it back."""

    def read(self) -> str | None:
        """What was written last; None when nothing was."""
        ...

    def write(self, text: str) -> None:
        """Replace it."""
        ...


class FileVault:
    """One file that its owner alone can read, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str | None:
        """The file's text; None when there is no file."""
        try:
            return _patiently(lambda: self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def write(self, text: str) -> None:
        """Write beside, force to disk, put in place: a crash leaves the old file or the new one."""
        # mkstemp makes files with mode 0600.
        handle, beside = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                now = os.fstat(file.fileno()).st_mtime
            _patiently(lambda: Path(beside).replace(self._path))
        except OSError:
            with suppress(OSError):
                Path(beside).unlink()
            raise
        _sync_folder(self._path.parent)
        self._sweep(now)

    def _sweep(self, now: float) -> None:
        """Remove what writers left that were killed: it holds a log-in, and nobody would ever look for it."""
        for left in self._path.parent.glob(f".{self._path.name}.*"):
            with suppress(OSError):
                if now - left.stat().st_mtime > STALE_SECONDS:
                    left.unlink()


def _patiently(act: Callable[[], T]) -> T:
    """Windows refuses to replace a file while another process reads it, and the reverse: it takes moments only."""
    refused = retry_if_exception_type(PermissionError if os.name == "nt" else ())
    return Retrying(retry=refused, wait=wait_fixed(0.05), stop=stop_after_attempt(40), reraise=True)(act)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too, where the system lets a folder be opened (not on Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class TokenStore:
    """The tokens of one account."""

    def __init__(self, vault: Vault, *, lock_file: Path, account: str) -> None:
        self._vault = vault
        self._lock_file = lock_file
        self._account = account

    @classmethod
    def for_account(cls, state: Path, account: str, vault: Vault | None = None) -> TokenStore:
        """The store of an account below the state folder."""
        folder = state / "tokens"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SecretError(f"the token store cannot be made: {error.strerror}", where=str(folder)) from None
        name = f"token-{quote(account, safe='')}"
        return cls(vault or FileVault(folder / f"{name}.json"), lock_file=folder / f"{name}.lock", account=account)

    def beside(self, vault: Vault) -> TokenStore:
        """The same account and lock with another vault."""
        return TokenStore(vault, lock_file=self._lock_file, account=self._account)

    def load(self) -> Token | None:
        """What is stored; None when nobody has logged in. SecretError when it cannot be read."""
        try:
            text = self._vault.read()
            return None if text is None else Token.from_text(text)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise SecretError(
                "the stored log-in cannot be read",
                where=self._account,
                hint=f"billsync auth login {self._account}",
            ) from None

    def save(self, token: Token) -> None:
        """Store durably. SecretError when that fails: the new token must then not be used."""
        try:
            self._vault.write(token.as_text())
        except OSError as error:
            raise SecretError(
                f"the new log-in cannot be stored: {error.strerror or 'unknown error'}",
                where=self._account,
                hint="free space on the disk and check the rights of the state folder",
            ) from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to refresh, against all threads and processes. SecretError where no lock can be made."""
        lock = FileLock(self._lock_file, timeout=LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout:
            raise Unavailable(
                "another process has been refreshing this account's token for too long",
                where=self._account,
                hint="end the process that hangs, and run again",
                sent=False,
            ) from None
        except OSError as error:
            raise SecretError(
                f"the log-in cannot be locked: {error.strerror or 'unknown error'}",
                where=f"{self._account}: {self._lock_file}",
                hint="check the rights of the state folder, and the disk's free space",
            ) from None
        try:
            yield
        finally:
            lock.release()
