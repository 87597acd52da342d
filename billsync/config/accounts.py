"""Accounts: the sources, sinks and notifiers of a firm, as written, and the check of their own options.

What is common to all accounts is read here; the rest of the keys belong to the connector and are checked by its
Options class once it is known (`build_options`). Secret options hold references, never the secret itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, StrictInt, ValidationError

from billsync.config.explain import explain, place_of
from billsync.config.fields import Flag, Section, Text
from billsync.config.problems import Problems
from billsync.config.yaml import YamlMap
from billsync.model.contract import Origin
from billsync.model.work import Kind
from billsync.sdk.options import Options, is_reference

O = TypeVar("O", bound=Options)  # noqa: E741  the options class of a connector
Role = Literal["source", "sink", "notifier"]
Push = Literal["preview", "draft", "approved", "sent"]


class AccountEntry(Section):
    """What every account may say; other keys are the connector's."""

    model_config = ConfigDict(extra="allow")

    kind: Text = Field(description="The connector: `billsync plugins list`.")
    zone: Text | None = Field(default=None, description="Zone of its dates; the firm's unless the vendor knows.")
    distribution: Text | None = Field(
        default=None, alias="from", description="The installed package of the connector, where it is not billsync's."
    )
    patience: Annotated[StrictInt, Field(ge=1)] = Field(
        default=900, description="Seconds that a night may wait for the vendor's rate limits."
    )


class SourceEntry(AccountEntry):
    """A place where work is recorded."""

    kinds: tuple[Kind, ...] = Field(default=(), description="Kinds of record to ask for; all that it offers.")
    window: Annotated[StrictInt, Field(ge=1, le=3660)] = Field(
        default=62, description="Days back from today that every night looks at."
    )
    stale_after: Annotated[StrictInt, Field(ge=1)] = Field(
        default=26, description="Hours after which an account that was not read counts as unknown."
    )
    mark_billed: Flag = Field(default=False, description="Mark records there once they are billed.")


class SinkEntry(AccountEntry):
    """A set of books."""

    push: Push = Field(default="draft", description="How far invoices go: nowhere, draft, approved, sent.")
    tax_codes: dict[Text, Text] = Field(default_factory=dict, description="Tax code by line kind, or `default`.")
    default: Flag = Field(default=False, description="Where contracts go that name no sink; else the first.")


class NotifierEntry(AccountEntry):
    """Who is told in the morning."""

    on: tuple[Literal["always", "findings", "failure"], ...] = Field(
        default=("findings", "failure"), description="Which nights are worth a message."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """One account: what billsync itself needs, and the connector's options as they stand in the file."""

    name: str
    role: Role
    kind: str
    options: YamlMap
    origin: Origin
    folder: Path
    """The configuration's folder: relative paths in options begin here."""
    lines: Mapping[str, int] = field(default_factory=dict)
    kinds: frozenset[Kind] = frozenset()
    """Sources: kinds of record to ask for; empty: all that the connector offers."""
    zone: str | None = None
    distribution: str = ""
    patience: int = 900
    """Seconds."""
    window_days: int = 62
    stale_after_hours: int = 26
    push: Push = "draft"
    tax_codes: Mapping[str, str] = field(default_factory=dict)
    mark_billed: bool = False
    """Sources: write a mark on records that are billed."""
    on: frozenset[str] = frozenset()
    """Notifiers: which nights are worth a message."""

    def where(self, key: str = "") -> Origin:
        """Where the account, or one of its keys, is written."""
        return Origin(file=self.origin.file, line=self.lines.get(key, self.origin.line))


def account_config(name: str, role: Role, entry: AccountEntry, folder: Path) -> AccountConfig:
    """The account as the rest of billsync sees it; `folder` is the configuration's."""
    options = YamlMap(entry.origin)
    for key, value in (entry.model_extra or {}).items():
        options.put(key, value, entry.where(key))
    lines = {key: entry.where(key).line for key in (*type(entry).model_fields, *(entry.model_extra or {}))}
    common: dict[str, Any] = {}
    if isinstance(entry, SourceEntry):
        common = {"window_days": entry.window, "stale_after_hours": entry.stale_after, "kinds": frozenset(entry.kinds)}
        common["mark_billed"] = entry.mark_billed
    if isinstance(entry, SinkEntry):
        common = {"push": entry.push, "tax_codes": entry.tax_codes}
    if isinstance(entry, NotifierEntry):
        common = {"on": frozenset(entry.on)}
    return AccountConfig(
        name=name,
        role=role,
        kind=entry.kind,
        options=options,
        origin=entry.origin,
        folder=folder,
        lines=lines,
        zone=entry.zone,
        distribution=entry.distribution or "",
        patience=entry.patience,
        **common,
    )


def build_options(account: AccountConfig, options_class: type[O], resolve_secret: Callable[[str, Origin], str]) -> O:
    """The connector's options, checked, with secrets resolved.

    `resolve_secret(reference, where)` gives the secret. UsageError names file and line of each wrong key and the
    nearest known one; no message holds a value. SecretError where a reference leads to nothing.
    """
    raw = dict(account.options)
    if account.zone and "zone" in options_class.model_fields:
        raw["zone"] = account.zone
    problems = Problems()
    secrets = [name for name in options_class.secret_fields() if raw.get(name) is not None]
    for name in secrets:
        _refuse_literal(raw[name], f"{account.name}.{name}", account.where(name), problems)
    problems.raise_any()
    for name in secrets:
        raw[name] = _resolved(raw[name], account.where(name), resolve_secret)
    try:
        return options_class.model_validate(raw, context={"folder": account.folder})
    except ValidationError as error:
        explain(error, options_class, lambda loc: place_of(account.options, loc), account.name, problems)
        raise problems.error() from None


def _refuse_literal(value: Any, name: str, where: Origin, problems: Problems) -> None:
    if isinstance(value, Mapping):
        for member in value.values():
            _refuse_literal(member, name, where, problems)
    elif isinstance(value, list):
        for member in value:
            _refuse_literal(member, name, where, problems)
    elif not isinstance(value, str) or not is_reference(value):
        problems.add(
            f"{name} holds the secret itself",
            where,
            "store it (`billsync auth set`) and write keyring:SERVICE/USER, env:NAME, file:PATH, systemd:NAME or "
            "cmd:COMMAND; then change the secret, for it was in a file",
        )


def _resolved(value: Any, where: Origin, resolve_secret: Callable[[str, Origin], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(member, where, resolve_secret) for key, member in value.items()}
    if isinstance(value, list):
        return [_resolved(member, where, resolve_secret) for member in value]
    return resolve_secret(value, where)
