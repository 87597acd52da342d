"""How each account goes in, whether it can, and what ends when: shown by `auth status`, warned of weeks ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from billsync.config import AccountConfig, build_options
from billsync.http import Expiry, Session, Token
from billsync.http.credential import chosen
from billsync.http.expiry import of_options
from billsync.model.errors import BillsyncError, SecretError
from billsync.sdk.api import ApiKey, Basic, Bearer, BodyCredentials, NoAuth, OAuth1, OAuth2, SessionLogin
from billsync.sync.auth import Keys, shown_reference
from billsync.sync.endings import warnings_of
from billsync.sync.vault import token_store

State = Literal["ready", "logged_in", "not_logged_in", "trouble", "nothing_needed"]
_WAYS: Final[Mapping[type[Any], str]] = {
    NoAuth: "no credential",
    Bearer: "token",
    Basic: "user and password",
    ApiKey: "API key",
    BodyCredentials: "credentials in each call",
    OAuth1: "OAuth 1.0 tokens",
    SessionLogin: "log-in of each session",
}
_GRANTS: Final = {
    "code": "OAuth 2, a person's log-in",
    "client": "OAuth 2, the app's own",
    "assertion": "OAuth 2, by key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretStatus:
    """A secret option: where it is, as far as that may be shown, and what stands in the way of it."""

    option: str
    reference: str
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """One account. Instants are UTC. `access_until`: of the token in use, which is renewed without anybody."""

    account: AccountConfig = field(repr=False)
    way: str
    state: State
    kept: str = ""
    access_until: datetime | None = None
    ends: tuple[Expiry, ...] = ()
    warnings: tuple[str, ...] = ()
    secrets: tuple[SecretStatus, ...] = ()
    trouble: BillsyncError | None = None


def statuses(keys: Keys) -> Iterator[AccountStatus]:
    """Every account of the firm; no vendor is called."""
    for name in sorted(keys.config.accounts):
        yield _status(keys, keys.config.accounts[name])


def _status(keys: Keys, account: AccountConfig) -> AccountStatus:
    secrets: tuple[SecretStatus, ...] = ()
    try:
        found = keys.connector(account)
        secrets = tuple(_secrets(keys, account, found.options_class.secret_fields()))
        options = build_options(account, found.options_class, keys.secrets.resolve)
        if found.api is None:
            return _without_session(keys, account, options, secrets)
        return _of_api(keys, account, found.api, options, secrets)
    except BillsyncError as error:
        return AccountStatus(account=account, way="", state="trouble", secrets=secrets, trouble=error)


def _without_session(
    keys: Keys, account: AccountConfig, options: Any, secrets: tuple[SecretStatus, ...]
) -> AccountStatus:
    """Of a folder, or a mail server: what ends is what the user gave a date for."""
    ends = tuple(of_options(dict(options)))
    return AccountStatus(
        account=account,
        way="user and password" if secrets else "no credential",
        state="ready" if secrets else "nothing_needed",
        ends=ends,
        warnings=warnings_of(ends, account=account.name, now=keys.now()),
        secrets=secrets,
    )


def _of_api(
    keys: Keys, account: AccountConfig, api: Any, options: Any, secrets: tuple[SecretStatus, ...]
) -> AccountStatus:
    name = account.name
    auth = chosen(api, options, account=name).auth
    store = token_store(keys.secrets, keys.config.state_dir, name) if isinstance(auth, OAuth2) else None
    token = store.load() if store else None
    with Session(
        api, options, account=name, state=keys.config.state_dir, sleep=keys.sleep, now=keys.now, tokens=store
    ) as session:
        ends = tuple(session.expiries())
    way = _GRANTS[auth.grant] if isinstance(auth, OAuth2) else _WAYS[type(auth)]
    return AccountStatus(
        account=account,
        way=way,
        state=_state(auth, token, options),
        kept=keys.vault(name).place() if isinstance(auth, OAuth2) else "",
        access_until=token.expires_at if token else None,
        ends=ends,
        warnings=warnings_of(ends, account=name, now=keys.now()),
        secrets=secrets,
    )


def _state(auth: Any, token: Token | None, options: Any) -> State:
    if isinstance(auth, NoAuth):
        return "nothing_needed"
    if not isinstance(auth, OAuth2) or auth.grant != "code":
        return "ready"
    first = getattr(options, auth.refresh_token, None) if auth.refresh_token else None
    return "logged_in" if (token is not None and (token.refresh or token.access)) or first else "not_logged_in"


def _secrets(keys: Keys, account: AccountConfig, fields: Iterable[str]) -> Iterator[SecretStatus]:
    for option in fields:
        written = account.options.get(option)
        if written is None:
            continue
        trouble = ""
        for reference in _references(written):
            try:
                keys.secrets.resolve(reference, account.where(option))
            except SecretError as error:
                trouble = error.what
        yield SecretStatus(option=option, reference=shown_reference(written), trouble=trouble)


def _references(written: Any) -> Iterator[str]:
    if isinstance(written, str):
        yield written
    elif isinstance(written, Mapping):
        for member in written.values():
            yield from _references(member)
    elif isinstance(written, list):
        for member in written:
            yield from _references(member)
