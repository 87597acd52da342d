"""The connectors that a command of `billsync plugins` is about: of a firm, of a kind, of a file, all built-in ones."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from billsync.model.errors import UsageError

if TYPE_CHECKING:
    from billsync.plugins import Plugins, Role
    from billsync.sdk.account import Account

ROLES: Final[tuple[Role, ...]] = ("source", "sink", "notifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A class, the distribution or file it comes from, and the version."""

    connector: type[Account[Any]]
    provider: str
    version: str


def firm_plugins(config: Path | None) -> Plugins:
    """With the firm's own plugins where there is a firm; only those that come along where there is none yet."""
    import os

    from billsync.config import load
    from billsync.config.paths import VARIABLE, find
    from billsync.plugins import Plugins

    try:
        find(config, os.environ)
    except UsageError:
        if config is not None or os.environ.get(VARIABLE):
            raise
        return Plugins()
    firm = load(config)
    return Plugins(allow=sorted(firm.plugins_allow), folder=firm.plugins_dir)


def of_kind(kind: str, plugins: Plugins) -> list[Given]:
    """Everybody who offers a kind, in any role. UsageError with the nearest kind where nobody does."""
    from difflib import get_close_matches

    every = [(role, provider) for role in ROLES for provider in plugins.providers(role)]
    asked = [(role, provider) for role, provider in every if provider.kind == kind]
    found = [
        Given(connector=connector, provider=provider.distribution, version=provider.version)
        for role, provider in asked
        if (connector := plugins.offered(provider)) is not None
    ]
    if found:
        return found
    for role, _ in asked:
        getattr(plugins, role)(kind)  # says why: not allowed, or offered by nobody
    near = get_close_matches(kind, sorted({provider.kind for _, provider in every}), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "billsync plugins list"
    raise UsageError(f"there is no connector {kind!r}", hint=hint)


def of_file(path: Path) -> list[Given]:
    """What a connector's own file offers; it is imported without leaving bytecode beside it."""
    from billsync.plugins import Plugins

    if not path.is_file():
        raise UsageError("there is no such file", where=str(path), hint="billsync plugins list")
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        plugins = Plugins(folder=path.parent, environ={})
        providers = [
            one for role in ROLES for one in plugins.providers(role) if one.path and one.path.name == path.name
        ]
        offered = [(one, plugins.offered(one)) for one in providers]
    finally:
        sys.dont_write_bytecode = bytecode
    found = [
        Given(connector=connector, provider=one.distribution, version=one.version)
        for one, connector in offered
        if connector is not None
    ]
    if not found:
        hint = "a function billsync_sources or billsync_sinks, marked @hookimpl, answers its classes"
        raise UsageError("the file offers no connector", where=str(path), hint=hint)
    return found


def built_in() -> list[type[Account[Any]]]:
    """Every connector that comes with billsync."""
    from billsync.plugins import Plugins

    plugins = Plugins(environ={"BILLSYNC_PLUGINS": ""})
    found = (plugins.offered(provider) for role in ROLES for provider in plugins.providers(role))
    return [connector for connector in found if connector is not None]
