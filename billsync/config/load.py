"""Read the configuration: one file, and a folder of contract files if it names one.

Everything that is wrong with the shape of the files is told at once, each with file and line. What contradicts
itself (an unknown client, a schedule that does not sum up) is told by `resolve`, before anything is polled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from billsync.config.accounts import AccountConfig, Role, account_config
from billsync.config.explain import explain, place_of
from billsync.config.paths import find, inside
from billsync.config.problems import Problems
from billsync.config.schema import ConfigEntry, FirmEntry, with_ids
from billsync.config.yaml import YamlList, YamlMap, read
from billsync.model.contract import Origin
from billsync.model.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration whose shape is right. Paths are absolute."""

    path: Path
    entry: ConfigEntry
    accounts: Mapping[str, AccountConfig]
    """Sources, sinks and notifiers by name; the default sink is the first of the sinks."""
    ledger_path: Path
    state_dir: Path
    plugins_dir: Path | None

    @property
    def firm(self) -> FirmEntry:
        """Name, zone and currency of the firm."""
        return self.entry.firm

    @property
    def zone(self) -> ZoneInfo:
        """The firm's zone: of its nights, invoice dates and holds."""
        return ZoneInfo(self.entry.firm.zone)

    @property
    def plugins_allow(self) -> frozenset[str]:
        """Installed packages whose plugins may be loaded."""
        return frozenset(self.entry.plugins.allow)

    @property
    def keyring_backend(self) -> str | None:
        """The keyring's back end, where the file pins one."""
        return self.entry.keyring_backend

    def sources(self) -> list[AccountConfig]:
        """The accounts where work is recorded, as they stand in the file."""
        return self._of("source")

    def sinks(self) -> list[AccountConfig]:
        """The sets of books, the default one first."""
        return self._of("sink")

    def notifiers(self) -> list[AccountConfig]:
        """Who is told, as they stand in the file."""
        return self._of("notifier")

    def _of(self, role: Role) -> list[AccountConfig]:
        return [account for account in self.accounts.values() if account.role == role]


def load(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None, contracts: Path | None = None
) -> Config:
    """The configuration in `path`, or where `find` finds it. UsageError with file and line of every mistake.

    contracts: a folder of contract files; each contract in it stands for the firm's own of the same id."""
    found = find(path, os.environ if environ is None else environ)
    raw = read(found)
    if not isinstance(raw, YamlMap):
        raise UsageError("the configuration is empty or no mapping", where=f"{found}:1", hint="see `billsync init`")
    problems = Problems()
    document = _with_contracts(raw, found, problems)
    if contracts is not None:
        document = _with_others(document, contracts, problems)
    try:
        entry = ConfigEntry.model_validate(document)
    except ValidationError as error:
        explain(error, ConfigEntry, lambda loc: place_of(document, loc), "", problems)
    problems.raise_any()
    accounts = _accounts(entry, found.absolute().parent, problems)
    _check_zones(entry, problems)
    problems.raise_any()
    folder = found.absolute().parent
    return Config(
        path=found.absolute(),
        entry=entry,
        accounts=accounts,
        ledger_path=inside(folder, entry.ledger),
        state_dir=inside(folder, entry.state),
        plugins_dir=inside(folder, entry.plugins_dir) if entry.plugins_dir else None,
    )


def _with_contracts(document: YamlMap, path: Path, problems: Problems) -> YamlMap:
    """The document with the contracts of `contracts_dir` added to its own."""
    written = document.get("contracts_dir")
    if not isinstance(written, str):
        return document
    where = document.origins["contracts_dir"]
    folder = inside(path.parent, written)
    if not folder.is_dir():
        problems.add(f"contracts_dir: there is no folder {written!r}", where, "create it, or take the key out")
        return document
    own = with_ids(document.get("contracts"))
    if own is not None and not isinstance(own, YamlList):
        return document  # no list of contracts: the schema says so
    merged = document.copied()
    contracts = _as_list(own, document.origins.get("contracts", where))
    _add_files(contracts, folder, problems)
    merged.put("contracts", contracts, document.origins.get("contracts", where))
    return merged


def _with_others(document: YamlMap, folder: Path, problems: Problems) -> YamlMap:
    """The document with the contracts of another folder in the place of those of the same id."""
    where = document.origins.get("contracts", document.origin)
    others = YamlList(where)
    if not folder.is_dir():
        raise UsageError("there is no such folder of contracts", where=str(folder))
    _add_files(others, folder, problems)
    if not others:
        raise UsageError("the folder holds no contract", where=str(folder), hint="one contract a file, *.yaml")
    named = {other.get("id") for other in others if isinstance(other, YamlMap)}
    own = _as_list(document.get("contracts"), where)
    for contract, origin in zip(own, own.origins, strict=True):
        if not isinstance(contract, YamlMap) or contract.get("id") not in named:
            others.put(contract, origin)
    merged = document.copied()
    merged.put("contracts", others, where)
    return merged


def _add_files(contracts: YamlList, folder: Path, problems: Problems) -> None:
    for file in sorted(file for file in folder.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file()):
        try:
            _add_file(contracts, read(file), file)
        except UsageError as error:
            problems.add_error(error)


def _as_list(value: Any, origin: Origin) -> YamlList:
    contracts = YamlList(origin)
    listed = with_ids(value)
    for at, member in enumerate(listed if isinstance(listed, YamlList) else []):
        contracts.put(member, listed.origins[at])
    return contracts


def _add_file(contracts: YamlList, value: Any, file: Path) -> None:
    """A contract file holds one contract, a list of them, or `contracts:` with either."""
    if isinstance(value, YamlMap) and "contracts" in value and "client" not in value:
        unknown = [key for key in value if key != "contracts"]
        if unknown:
            raise UsageError(
                f"unknown key {unknown[0]!r} in a file of contracts",
                where=str(value.origins[unknown[0]]),
                hint="such a file holds `contracts:` alone; the rest belongs into billsync.yaml",
            )
        contracts_here = _as_list(value["contracts"], value.origins["contracts"])
    elif isinstance(value, YamlMap):
        contracts_here = YamlList(value.origin)
        contracts_here.put(value, value.origin)
    elif isinstance(value, YamlList):
        contracts_here = value
    elif value is None:
        return
    else:
        raise UsageError("the file holds no contract", where=f"{file}:1", hint="see docs: one contract a file")
    for member, origin in zip(contracts_here, contracts_here.origins, strict=True):
        contracts.put(member, origin)


def _accounts(entry: ConfigEntry, folder: Path, problems: Problems) -> dict[str, AccountConfig]:
    """All accounts by name, the default sink before the other sinks."""
    defaults = [name for name, sink in entry.sinks.items() if sink.default]
    for name in defaults[1:]:
        problems.add(f"two sinks are the default: {defaults[0]!r} and {name!r}", entry.sinks[name].where("default"))
    sinks = sorted(entry.sinks.items(), key=lambda item: not item[1].default)
    accounts: dict[str, AccountConfig] = {}
    groups: list[tuple[Role, Any]] = [
        ("source", entry.sources.items()),
        ("sink", sinks),
        ("notifier", entry.notifications.items()),
    ]
    for role, members in groups:
        for name, member in members:
            if name in accounts:
                first = accounts[name]
                problems.add(
                    f"{name!r} names a {role} and a {first.role}", member.origin, f"the other one: {first.origin}"
                )
            accounts[name] = account_config(name, role, member, folder)
    return accounts


def _check_zones(entry: ConfigEntry, problems: Problems) -> None:
    zones = [(entry.firm.zone, entry.firm.where("zone"))]
    zones += [(a.zone, a.where("zone")) for a in (*entry.sources.values(), *entry.sinks.values()) if a.zone]
    for zone, where in zones:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError):  # not found, a folder, a path
            problems.add(f"there is no zone {zone!r}", where, "IANA names: America/New_York, Europe/Berlin, UTC")
