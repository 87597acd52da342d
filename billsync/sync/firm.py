"""A firm, opened: its configuration, terms, plugins, secrets, ledger, and the clock and randomness of this run."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from billsync.config import AccountConfig, Config, Secrets, build_options, load, resolve
from billsync.model.book import Terms
from billsync.model.contract import Origin
from billsync.model.errors import SecretError
from billsync.model.work import Kind
from billsync.plugins import PluginError, Plugins
from billsync.sdk.notifier import Notifier
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source
from billsync.sync.endings import warnings_of
from billsync.sync.promises import check_evidence, check_marks

if TYPE_CHECKING:
    from billsync.ledger import Ledger

_UNKNOWN: Final[frozenset[Kind]] = frozenset({"project"})
_UNKNOWN_TERMS: Final[frozenset[Kind]] = frozenset({"project", "contract"})
"""What an account is taken to offer whose plugin cannot be imported: never read, it is unknown."""


def utc_now() -> datetime:
    """The system's clock; the only place where a run asks it."""
    return datetime.now(UTC)


def random_id() -> str:
    """A fresh id for a new ledger; the only place where a run takes randomness."""
    return uuid.uuid4().hex


@dataclass(slots=True, kw_only=True)
class Firm:
    """Everything a command needs. Accounts are opened on use, so that a broken one breaks nothing else."""

    config: Config
    terms: Terms
    plugins: Plugins
    secrets: Secrets
    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = random_id
    sleep: Callable[[float], None] = time.sleep
    events: list[str] = field(default_factory=list)
    endings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By account that was opened and closed: which of its credentials end soon, in words."""
    _sessions: dict[str, Any] = field(default_factory=dict)
    _clocks: dict[str, timedelta | None] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The firm's date: nights, invoice dates and holds are counted in its own zone."""
        return self.now().astimezone(ZoneInfo(self.terms.zone)).date()

    @contextmanager
    def ledger(self, *, read_only: bool = False) -> Iterator[Ledger]:
        """The firm's ledger; created on the first writing use."""
        from billsync.ledger import Ledger

        with Ledger.open(self.config.ledger_path, now=self.now, new_id=self.new_id, read_only=read_only) as ledger:
            yield ledger

    def source_class(self, account: AccountConfig) -> type[Source[Any]]:
        """The connector class of a source account."""
        return self.plugins.source(account.kind, where=str(account.origin), distribution=account.distribution)

    def sink_class(self, account: AccountConfig) -> type[Sink[Any]]:
        """The connector class of a sink account."""
        return self.plugins.sink(account.kind, where=str(account.origin), distribution=account.distribution)

    @contextmanager
    def source(self, name: str) -> Iterator[Source[Any]]:
        """An opened source account: options checked, secrets resolved, session ready."""
        account = self.config.accounts[name]
        found = self.source_class(account)
        with self._http(account, found) as (options, http):
            yield found(name, options, http)

    @contextmanager
    def sink(self, name: str) -> Iterator[Sink[Any]]:
        """An opened sink account."""
        account = self.config.accounts[name]
        found = self.sink_class(account)
        with self._http(account, found) as (options, http):
            yield found(name, options, http)

    @contextmanager
    def notifier(self, name: str) -> Iterator[Notifier[Any]]:
        """An opened notifier account."""
        account = self.config.accounts[name]
        found = self.plugins.notifier(account.kind, where=str(account.origin), distribution=account.distribution)
        with self._http(account, found) as (options, http):
            yield found(name, options, http)

    def pages(self, source: Source[Any]) -> int:
        """Pages the source's session has read so far; 0 for sources without one."""
        session = self._sessions.get(source.account)
        return int(session.stats.pages) if session is not None else 0

    def vendors_ahead(self) -> dict[str, timedelta]:
        """By account: how far the vendor's clock is ahead of this computer's, where it told a time in this run."""
        told = {**self._clocks, **{name: session.stats.ahead for name, session in self._sessions.items()}}
        return {name: ahead for name, ahead in told.items() if ahead is not None}

    @contextmanager
    def _http(self, account: AccountConfig, found: Any) -> Iterator[tuple[Any, Any]]:
        options = build_options(account, found.options_class, self.secrets.resolve)
        with ExitStack() as stack:
            session = None
            if found.api is not None:
                session = stack.enter_context(self._session(account, found, options))
                self._sessions[account.name] = session
                stack.callback(self._note_endings, account.name, session)
                stack.callback(self._sessions.pop, account.name, None)
            else:
                self._note_dates(account.name, options)
            yield options, session

    def _note_endings(self, account: str, session: Any) -> None:
        """After the account's work, which may have renewed what ended."""
        self._clocks[account] = session.stats.ahead
        with suppress(SecretError):  # what cannot be read has stopped the work already, and is said there
            self.endings[account] = warnings_of(session.expiries(), account=account, now=self.now())

    def _note_dates(self, account: str, options: Any) -> None:
        """Of an account without a session: what ends on a day that the user gave."""
        if any(name.endswith("expires_on") for name in type(options).model_fields):
            from billsync.http.expiry import of_options

            self.endings[account] = warnings_of(of_options(dict(options)), account=account, now=self.now())

    def _session(self, account: AccountConfig, found: Any, options: Any) -> Any:
        from billsync.http import Session
        from billsync.http.credential import chosen
        from billsync.sdk.api import OAuth2
        from billsync.sync.vault import token_store

        by_login = isinstance(chosen(found.api, options, account=account.name).auth, OAuth2)
        return Session(
            found.api,
            options,
            account=account.name,
            state=self.config.state_dir,
            sleep=self.sleep,
            now=self.now,
            patience=account.patience,
            tokens=token_store(self.secrets, self.config.state_dir, account.name) if by_login else None,
            on_event=self.events.append,
        )


def open_firm(
    path: Path | None,
    *,
    environ: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] = random_id,
    sleep: Callable[[float], None] = time.sleep,
) -> Firm:
    """Load and resolve the configuration. UsageError names file, line and the nearest known key."""
    environ = os.environ if environ is None else environ
    config = load(path, environ=environ)
    plugins = Plugins(allow=config.plugins_allow, folder=config.plugins_dir, environ=environ)
    secrets = Secrets(config, hooks=plugins.hooks, environ=environ)
    terms = resolve(config, offered=_offered(config, plugins))
    terms = replace(terms, needs_customer=_needing_customers(config, plugins))
    check_line_texts(config, terms)
    check_evidence(config, terms, plugins)
    return Firm(
        config=config,
        terms=terms,
        plugins=plugins,
        secrets=secrets,
        now=now,
        new_id=new_id,
        sleep=sleep,
    )


def _needing_customers(config: Config, plugins: Plugins) -> frozenset[str]:
    """Sinks that bill only customers of their own. One whose plugin cannot be imported fails when it is opened."""
    found = set()
    for account in config.sinks():
        try:
            books = plugins.sink(account.kind, where=str(account.origin), distribution=account.distribution)
        except PluginError:
            continue
        if books.needs_customer:
            found.add(account.name)
    return frozenset(found)


def check_line_texts(config: Config, terms: Terms) -> None:
    """Raise UsageError, with file and line, for a template of invoice lines that fails."""
    from billsync.reports.render.line_text import check_templates, has_templates

    firm = config.entry.billing
    written = {
        (entry.id, kind): (entry.billing if kind in entry.billing.templates else firm).where("templates", kind)
        for entry in config.entry.contracts
        for kind in (*firm.templates, *entry.billing.templates)
    }
    models = terms.contracts_from.clients.values() if terms.contracts_from else ()
    written |= {(model.id, kind): firm.where("templates", kind) for model in models for kind in firm.templates}
    check_templates(filter(has_templates, (*terms.contracts.values(), *models)), written)


def _offered(config: Config, plugins: Plugins) -> dict[str, frozenset[Kind]]:
    """Which kinds of record each source can be asked for: what was never read is then unknown, not absent.

    Every account's options are checked here, secrets aside, before anything is polled. A plugin that cannot be
    imported fails its own account when that is opened; until then nothing is known of it.
    """
    offered: dict[str, frozenset[Kind]] = {}
    named = {written.account for contract in config.entry.contracts for written in contract.terms_from}
    named |= {config.entry.contracts_from.account} if config.entry.contracts_from else set()
    for account in config.sources():
        try:
            found = plugins.source(account.kind, where=str(account.origin), distribution=account.distribution)
        except PluginError:
            offered[account.name] = _UNKNOWN_TERMS if account.name in named else _UNKNOWN
        else:
            options = build_options(account, found.options_class, _unresolved)
            check_marks(account, found, options)
            offered[account.name] = found.kinds(options)
    for account in config.sinks():
        try:
            books = plugins.sink(account.kind, where=str(account.origin), distribution=account.distribution)
        except PluginError:
            continue
        build_options(account, books.options_class, _unresolved)
    for account in config.notifiers():
        try:
            told = plugins.notifier(account.kind, where=str(account.origin), distribution=account.distribution)
        except PluginError:
            continue
        build_options(account, told.options_class, _unresolved)
    return offered


def _unresolved(reference: str, where: Origin) -> str:
    """Stands for a secret while only the shape of the options is checked."""
    return "not resolved yet"
