"""Where the log-in of an account is kept: the keyring where there is one that can be written, else one protected file.

The choice is made at the log-in and remembered in a small file beside the token's, because a night under cron often
sees no keyring: then it must say so instead of behaving as if nobody had ever logged in.
"""

from __future__ import annotations

import hashlib
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from billsync.config import Secrets
from billsync.http.tokens import FileVault, TokenStore
from billsync.model.errors import SecretError

SERVICE: Final = "billsync"


class TokenVault:
    """Implements http.Vault for one account below the state folder. `keyring=False`: the next log-in goes to a file."""

    def __init__(self, secrets: Secrets, state: Path, account: str, *, keyring: bool = True) -> None:
        self._secrets = secrets
        name = f"token-{quote(account, safe='')}"
        self._file = state / "tokens" / f"{name}.json"
        self._mark = state / "tokens" / f"{name}.keyring"
        # Two firms on one machine may use one name for their accounts.
        self._user = f"{account} {hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]}"
        self._keyring = keyring
        self._where = account

    def place(self) -> str:
        """Where the log-in is: a reference of the keyring or the file's path; "" when there is none."""
        if self._in_keyring():
            return f"keyring:{SERVICE}/{self._entry()}"
        return str(self._file) if self._file.exists() else ""

    def read(self) -> str | None:
        """The stored log-in; None when there is none. SecretError for a keyring that cannot be asked now."""
        if not self._in_keyring():
            return FileVault(self._file).read()
        try:
            return self._secrets.from_keyring(SERVICE, self._entry(), self._where)
        except SecretError as error:
            raise SecretError(
                f"the log-in is in the keyring: {error.what}",
                where=error.where,
                hint=f"let the job run where the keyring is open, or: billsync auth login {self._where} --file",
            ) from None

    def write(self, text: str) -> None:
        """Replace it where it is; a first one goes to the keyring, and to the file where the keyring takes none."""
        if self._keyring and not self._file.exists() and self._kept(text):
            return
        FileVault(self._file).write(text)
        self._mark.unlink(missing_ok=True)

    def forget(self, *, surely: bool = True) -> None:
        """Delete the log-in. SecretError where the keyring does not let go of it; not so if `surely` is False."""
        if self._mark.exists():
            with nullcontext() if surely else suppress(SecretError):
                self._secrets.out_of_keyring(SERVICE, self._entry(), self._where)
        self._mark.unlink(missing_ok=True)
        self._file.unlink(missing_ok=True)

    def _in_keyring(self) -> bool:
        """A file beside the mark is newer: whoever wrote it was killed before the mark was taken away."""
        return self._mark.exists() and not self._file.exists()

    def _kept(self, text: str) -> bool:
        user = self._entry()
        try:
            self._secrets.into_keyring(SERVICE, user, text, self._where)
        except SecretError:
            return False
        if not self._mark.exists():
            FileVault(self._mark).write(user)
        return True

    def _entry(self) -> str:
        """The entry that was made; after the folder moved it still has its old name."""
        return self._mark.read_text(encoding="utf-8") if self._mark.exists() else self._user


def token_store(secrets: Secrets, state: Path, account: str) -> TokenStore:
    """The store that log-in, status and every session of an account share."""
    return TokenStore.for_account(state, account, TokenVault(secrets, state, account))
