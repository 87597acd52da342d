"""Who may go in: the log-ins of accounts, their secrets, and when they end. Nothing here shows a secret.

Works from the configuration's accounts alone, so that a mistake in a contract keeps nobody from logging in.
"""

from __future__ import annotations

import os
import secrets as random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from billsync.config import AccountConfig, Config, Secrets, build_options, load
from billsync.config.secrets import SCHEMES, entry_of
from billsync.http import DeviceCode, Login
from billsync.http.credential import chosen
from billsync.model.errors import SecretError, UsageError
from billsync.plugins import Plugins
from billsync.sdk.api import Api, OAuth2
from billsync.sync.consent import Consent, Loopback, consent_of
from billsync.sync.firm import utc_now
from billsync.sync.vault import SERVICE, TokenVault, token_store

PORT: Final = 8912


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The accounts of a firm and what opens them; clock, sleep and randomness of this run."""

    config: Config
    plugins: Plugins
    secrets: Secrets
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    random_text: Callable[[], str] = lambda: random.token_urlsafe(48)

    def account(self, name: str) -> AccountConfig:
        """UsageError, with the names there are, for one that is not in the file."""
        if name not in self.config.accounts:
            known = ", ".join(sorted(self.config.accounts)) or "none"
            raise UsageError(f"there is no account {name!r}", where=str(self.config.path), hint=f"there are: {known}")
        return self.config.accounts[name]

    def connector(self, account: AccountConfig) -> Any:
        """The account's class."""
        find = {"source": self.plugins.source, "sink": self.plugins.sink, "notifier": self.plugins.notifier}
        return find[account.role](account.kind, where=str(account.origin), distribution=account.distribution)

    def vault(self, name: str, *, keyring: bool = True) -> TokenVault:
        """Where the account's log-in is kept."""
        return TokenVault(self.secrets, self.config.state_dir, name, keyring=keyring)


def open_keys(
    path: Path | None, *, environ: Mapping[str, str] | None = None, now: Callable[[], datetime] = utc_now
) -> Keys:
    """Read the configuration, and nothing of its terms."""
    environ = os.environ if environ is None else environ
    config = load(path, environ=environ)
    plugins = Plugins(allow=config.plugins_allow, folder=config.plugins_dir, environ=environ)
    return Keys(config=config, plugins=plugins, secrets=Secrets(config, hooks=plugins.hooks, environ=environ), now=now)


class Entrance:
    """The log-in of one account, begun. `file`: keep it in a file though there is a keyring (for cron)."""

    def __init__(self, keys: Keys, name: str, *, file: bool = False) -> None:
        account = keys.account(name)
        found = keys.connector(account)
        options = build_options(account, found.options_class, keys.secrets.resolve)
        self._keys, self._name = keys, name
        self._vault = keys.vault(name, keyring=not file)
        self._store = token_store(keys.secrets, keys.config.state_dir, name)
        self._kept = _Replacing(self._vault)
        api = found.api or Api(base_url="")
        self._login = Login(
            api,
            options,
            account=name,
            state=keys.config.state_dir,
            now=keys.now,
            tokens=self._store.beside(self._kept),
        )
        self._auth: OAuth2 = chosen(api, options, account=name).auth  # type: ignore[assignment]
        if self._auth.grant != "code":
            raise UsageError("this account needs no person: it logs in by itself", where=name, hint="billsync check")

    def by_browser(self, show: Callable[[str], object], *, port: int = PORT) -> str:
        """Show the address, wait for the browser on a loopback port; answers where the log-in is kept."""
        with self._login, Loopback(port=port, account=self._name, now=self._keys.now) as loopback:
            state, verifier = self._keys.random_text(), self._keys.random_text()
            show(self._login.url(redirect_uri=loopback.address, state=state, verifier=verifier))
            consent = loopback.wait(state=state, keep=self._auth.keep)
            return self._enter(consent, verifier, loopback.address)

    def by_paste(self, show: Callable[[str], object], ask: Callable[[], str], *, redirect: str) -> str:
        """Show the address, and read the one to which the browser was sent, on whatever machine it runs."""
        with self._login:
            state, verifier = self._keys.random_text(), self._keys.random_text()
            show(self._login.url(redirect_uri=redirect, state=state, verifier=verifier))
            consent = consent_of(ask(), state=state, account=self._name, keep=self._auth.keep)
            return self._enter(consent, verifier, redirect)

    def by_device(self, show: Callable[[DeviceCode], object]) -> str:
        """Show a code to type in elsewhere, and ask until somebody has."""
        if not self._auth.device_url:
            raise UsageError("this vendor offers no log-in by device", where=self._name, hint="use --paste")
        with self._login:
            device = self._login.device()
            show(device)
            self._login.wait(device, sleep=self._keys.sleep)
        return self._vault.place()

    def _enter(self, consent: Consent, verifier: str, redirect: str) -> str:
        self._login.exchange(code=consent.code, verifier=verifier, redirect_uri=redirect, members=consent.members)
        return self._vault.place()


class _Replacing:
    """A new log-in takes the old one's place, wherever that was kept."""

    def __init__(self, vault: TokenVault) -> None:
        self._vault = vault

    def read(self) -> str | None:
        return self._vault.read()

    def write(self, text: str) -> None:
        self._vault.forget(surely=False)  # with --file the keyring may be the one that cannot be reached
        self._vault.write(text)


def logout(keys: Keys, name: str) -> str:
    """Forget the log-in; answers where it was kept, "" when there was none."""
    keys.account(name)
    vault = keys.vault(name)
    place = vault.place()
    if place:
        with token_store(keys.secrets, keys.config.state_dir, name).lock():
            vault.forget()
    return place


def store_secret(keys: Keys, name: str, option: str, secret: str) -> tuple[str, bool]:
    """Put a secret option into the keyring: its reference, and whether the configuration has that reference already."""
    account = keys.account(name)
    known = keys.connector(account).options_class.secret_fields()
    if option not in known:
        raise UsageError(
            f"{option!r} is no secret option of {account.kind}",
            where=str(account.origin),
            hint=f"there are: {', '.join(known) or 'none'}",
        )
    if not secret:
        raise SecretError("the secret is empty", where=f"{name}.{option}", hint="type or pipe it in again")
    written = account.options.get(option)
    kept = isinstance(written, str) and written.startswith("keyring:")
    reference = str(written) if kept else f"keyring:{SERVICE}/{name}.{option}"
    service, user = entry_of(reference.removeprefix("keyring:"), str(account.where(option)))
    keys.secrets.into_keyring(service, user, secret, str(account.where(option)))
    return reference, kept


def shown_reference(written: Any) -> str:
    """A reference as it may be shown: of a command only its program; what is none may be a secret, and is not shown."""
    if not isinstance(written, str):
        return "several references"
    scheme, _, rest = written.partition(":")
    if scheme == "cmd":
        return f"cmd: {Path(rest.split()[0]).name}" if rest.split() else "cmd:"
    return written if scheme in SCHEMES else "(of a plugin, or the secret itself)"
