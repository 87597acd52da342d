"""Names to classes: built in, installed, or in the firm's own folder. Found by name first, imported on first use.

Built in: the file name is the kind. Installed: entry points `billsync.sources`, `billsync.sinks`, `billsync.notifiers`
(entry-point name == kind) and `billsync` (modules with other hooks). Folder: each `*.py` of `plugins_dir` is a plugin
whose name is its kind. Third-party code touches money, so an installed distribution counts only when the
configuration allows it; `BILLSYNC_PLUGINS=` (empty) turns everything but the built-in plugins off.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import stat
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pluggy

from billsync.model.errors import UsageError
from billsync.sdk import hooks
from billsync.sdk.account import Account
from billsync.sdk.notifier import Notifier
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source

Role = Literal["source", "sink", "notifier"]
_HOOK: Mapping[Role, str] = {
    "source": "billsync_sources",
    "sink": "billsync_sinks",
    "notifier": "billsync_notifiers",
}
_GROUP: Mapping[Role, str] = {
    "source": "billsync.sources",
    "sink": "billsync.sinks",
    "notifier": "billsync.notifiers",
}
_BUILT_IN: Mapping[Role, str] = {
    "source": "billsync_plugins.sources",
    "sink": "billsync_plugins.sinks",
    "notifier": "billsync_plugins.notifiers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who offers a kind, before anything is imported. `version` of a folder plugin is the SHA-256 of its file."""

    kind: str
    role: Role
    distribution: str
    version: str
    allowed: bool
    module: str = ""
    entry_point: EntryPoint | None = None
    path: Path | None = None

    @property
    def where(self) -> str:
        """The provider as an error or a journal row names it."""
        return str(self.path) if self.path else f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One row of `billsync plugins list`. `title` says why, where a plugin could not be imported."""

    kind: str
    role: Role
    title: str
    quality: str
    distribution: str
    version: str


class PluginError(UsageError):
    """A plugin cannot be imported, or needs another billsync: its own accounts fail, the others go on."""


class Plugins:
    """All plugins this firm may use. `allow`: distributions; `folder`: plugins_dir; both from the configuration."""

    def __init__(
        self, *, allow: Collection[str] = (), folder: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        environ = os.environ if environ is None else environ
        only_built_in = environ.get("BILLSYNC_PLUGINS") == ""
        self._allow = frozenset() if only_built_in else frozenset(allow)
        self._installed = not only_built_in
        self.folder = None if only_built_in else folder
        self._modules: dict[str, ModuleType] = {}
        self.hooks = pluggy.PluginManager("billsync")
        self.hooks.add_hookspecs(hooks)

    def source(self, kind: str, *, where: str = "", distribution: str = "") -> type[Source[Any]]:
        """The source class of a kind. UsageError with the nearest kind when there is none."""
        return self._one("source", kind, where, distribution)  # type: ignore[no-any-return]

    def sink(self, kind: str, *, where: str = "", distribution: str = "") -> type[Sink[Any]]:
        """The sink class of a kind."""
        return self._one("sink", kind, where, distribution)  # type: ignore[no-any-return]

    def notifier(self, kind: str, *, where: str = "", distribution: str = "") -> type[Notifier[Any]]:
        """The notifier class of a kind."""
        return self._one("notifier", kind, where, distribution)  # type: ignore[no-any-return]

    def kinds(self, role: Role) -> list[str]:
        """Kinds of a role that may be used, sorted."""
        return sorted({provider.kind for provider in self.providers(role) if provider.allowed})

    def providers(self, role: Role) -> list[Provider]:
        """Everybody who offers kinds of this role; nothing is imported."""
        return [*_built_in(role), *self._from_entry_points(role), *self._from_folder(role)]

    def listing(self) -> list[Listed]:
        """Every plugin with its title and quality: imports each one, and says which could not be."""
        rows = []
        for role in _HOOK:
            for provider in self.providers(role):
                rows.extend(self._listed(provider))
        return sorted(rows, key=lambda row: (row.role, row.kind, row.distribution))

    def offered(self, provider: Provider) -> type[Account[Any]] | None:
        """The class of a provider that may be used; None where it is not allowed, or its file is about another role."""
        if not provider.allowed or not self._offers(provider):
            return None
        return self._class(provider)  # type: ignore[no-any-return]

    def load_extensions(self) -> None:
        """Register installed modules of the group `billsync` and every folder plugin for their other hooks."""
        if self._installed:
            for point in entry_points(group="billsync"):
                if point.dist is not None and point.dist.name in self._allow:
                    self._register(f"installed:{point.dist.name}:{point.name}", point.load())
        for role in _HOOK:
            for provider in self._from_folder(role):
                self._module(provider)

    def _one(self, role: Role, kind: str, where: str, distribution: str) -> Any:
        found = [provider for provider in self.providers(role) if provider.kind == kind]
        usable = [
            provider
            for provider in found
            if provider.allowed and (not distribution or provider.distribution == distribution)
        ]
        if len(usable) > 1:
            usable = [provider for provider in usable if self._offers(provider)]
        if not usable:
            raise _no_provider(role, kind, where, found, self.kinds(role))
        if len(usable) > 1:
            names = " and ".join(provider.where for provider in usable)
            raise UsageError(f"{names} both offer the {role} {kind!r}", where=where, hint="say which: from: NAME")
        return self._class(usable[0])

    def _offers(self, provider: Provider) -> bool:
        return provider.path is None or hasattr(self._module(provider), _HOOK[provider.role])

    def _class(self, provider: Provider) -> Any:
        module = self._module(provider)
        offered: Iterable[Any] = getattr(module, _HOOK[provider.role], tuple)()
        for candidate in offered:
            if candidate.kind == provider.kind:
                return candidate
        raise UsageError(
            f"the plugin {provider.where} offers no {provider.role} called {provider.kind!r}",
            where=provider.module or str(provider.path),
            hint=f"its hook {_HOOK[provider.role]} must return a class with kind = {provider.kind!r}",
        )

    def _module(self, provider: Provider) -> ModuleType:
        if provider.path is not None:
            name = f"folder:{provider.path.name}"
        else:
            name = f"{provider.distribution}:{provider.role}:{provider.kind}"
        if name not in self._modules:
            self._register(name, _imported(provider))
        return self._modules[name]

    def _register(self, name: str, module: ModuleType) -> None:
        self._modules[name] = module
        self.hooks.register(module, name=name)
        try:
            self.hooks.check_pending()
        except pluggy.PluginValidationError as error:
            self.hooks.unregister(module)
            raise PluginError(f"the plugin {name} needs another billsync", where=str(error)) from None

    def _listed(self, provider: Provider) -> list[Listed]:
        row = {
            "kind": provider.kind,
            "role": provider.role,
            "distribution": provider.distribution,
            "version": provider.version,
        }
        if not provider.allowed:
            return [Listed(title="found, not allowed: plugins.allow", quality="", **row)]  # type: ignore[arg-type]
        try:
            if not self._offers(provider):
                return []
            found = self._class(provider)
        except UsageError as error:
            return [Listed(title=error.what, quality="", **row)]  # type: ignore[arg-type]
        quality = getattr(found, "quality", "")
        return [Listed(title=found.title, quality=quality, **row)]  # type: ignore[arg-type]

    def _from_entry_points(self, role: Role) -> list[Provider]:
        if not self._installed:
            return []
        found = []
        for point in entry_points(group=_GROUP[role]):
            name = point.dist.name if point.dist else "unknown"
            number = point.dist.version if point.dist else ""
            found.append(
                Provider(
                    kind=point.name,
                    role=role,
                    distribution=name,
                    version=number,
                    allowed=name in self._allow,
                    entry_point=point,
                )
            )
        return found

    def _from_folder(self, role: Role) -> list[Provider]:
        if self.folder is None or not self.folder.is_dir():
            return []
        _refuse_shared(self.folder)
        return [
            Provider(
                kind=path.stem,
                role=role,
                distribution=path.name,
                version=hashlib.sha256(path.read_bytes()).hexdigest(),
                allowed=True,
                path=path,
            )
            for path in sorted(self.folder.glob("[!_]*.py"))
        ]


def _built_in(role: Role) -> list[Provider]:
    package = importlib.import_module(_BUILT_IN[role])
    return [
        Provider(
            kind=module.name,
            role=role,
            distribution="billsync",
            version=_own_version(),
            allowed=True,
            module=f"{_BUILT_IN[role]}.{module.name}",
        )
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]


def _own_version() -> str:
    from billsync import __version__

    return __version__


def _imported(provider: Provider) -> ModuleType:
    """Import a plugin's module; what goes wrong in it is the plugin's, and said so."""
    try:
        if provider.path is not None:
            return _from_file(provider.path)
        if provider.entry_point is not None:
            loaded = provider.entry_point.load()
            return loaded if isinstance(loaded, ModuleType) else sys.modules[loaded.__module__]
        return importlib.import_module(provider.module)
    except BaseException as error:  # a plugin may fail in any way while it is imported; nothing is swallowed
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise PluginError(
            f"the plugin for {provider.kind!r} cannot be imported: {type(error).__name__}: {error}",
            where=provider.where,
            hint="mend or remove the plugin; its accounts are not read until then",
        ) from error


def _from_file(path: Path) -> ModuleType:
    name = f"billsync_local.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _refuse_shared(folder: Path) -> None:
    """A folder that others may write to is no place for code that sends invoices."""
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o022:
        raise UsageError(
            "plugins_dir may be written by others than its owner",
            where=str(folder),
            hint=f"chmod go-w {folder}",
        )


def _no_provider(role: Role, kind: str, where: str, found: list[Provider], kinds: list[str]) -> UsageError:
    if found:
        names = ", ".join(sorted({provider.distribution for provider in found}))
        return UsageError(
            f"the {role} {kind!r} comes from {names}, which is not allowed",
            where=where,
            hint=f"plugins: {{allow: [{names}]}} in the configuration, if you trust it with your books",
        )
    import difflib

    near = difflib.get_close_matches(kind, kinds, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(kinds)}"
    return UsageError(f"there is no {role} called {kind!r}", where=where, hint=hint)


def installed_version(distribution: str) -> str:
    """Version of an installed distribution, for the journal."""
    return version(distribution)
