"""A firm of two contracts for credit sequences: configured as a person would, with vendors that are a call away."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from billsync.config import load, resolve
from billsync.model.book import Terms
from billsync.model.invoice import Invoice
from billsync.plugins import Plugins
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source
from billsync.sync.firm import Firm
from billsync.testing.quickbooks import FakeQuickBooks
from billsync.testing.worklog import FakeWorklog, worklog_source

SINKS: Final = ("folder", "quickbooks")
VARIANTS: Final = ("plain", "holdback", "payers", "cap")
RATE: Final = 100
LINE: Final = 500_00
"""The amount of the schedule line, when its milestone is done."""
CAP: Final = 2_000_00


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may change in the configuration."""

    variant: str
    true_up: bool = False
    period: str = "as_it_happens"
    closed: date | None = None
    opening: str = ""


class PlayFirm(Firm):
    """The firm of a play: vendors without sockets, a look at what leaves."""

    play: Any

    def source_class(self, account: Any) -> type[Source[Any]]:
        return worklog_source("whole")

    @contextmanager
    def sink(self, name: str) -> Iterator[Sink[Any]]:
        with super().sink(name) as sink:
            create = sink.create

            def watched(invoice: Invoice, key: str) -> Any:
                self.play.leaves(invoice)
                return create(invoice, key)

            setattr(sink, "create", watched)  # noqa: B010  mypy knows that a method is no attribute
            yield sink

    def _session(self, account: Any, found: Any, options: Any) -> Any:
        from billsync.http import Session

        vendor = self.play.work if account.role == "source" else self.play.books.vendor
        assert vendor is not None
        return Session(
            replace(found.api, limits=()),
            options,
            account=account.name,
            state=self.config.state_dir,
            sleep=self.sleep,
            now=self.now,
            patience=account.patience,
            transport=vendor.transport(),
            on_event=self.events.append,
        )


@cache
def plugins() -> Plugins:
    return Plugins(environ={"BILLSYNC_PLUGINS": ""})


@cache
def home() -> tempfile.TemporaryDirectory[str]:
    """One folder a process, without a disk where the system has such a place: a configuration is loaded once."""
    shared = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="billsync-credits-", dir=shared if shared.is_dir() else None)


@cache
def configured(sink: str, settings: Settings) -> tuple[Any, Terms, Mapping[str, str]]:
    folder = Path(home().name)
    environ: dict[str, str] = {}
    document = {
        "firm": {"name": "Roe", "zone": "UTC", "currency": "USD"},
        "ledger": "billsync.db",
        "sources": {"work": {"kind": "worklog", **_hidden(FakeWorklog().options(), "work", environ)}},
        "sinks": {"books": _sink(sink, environ)},
        "clients": [
            {"id": "acme", "name": "Acme", "customers": {"books": "1"}},
            {"id": "city", "name": "City", "customers": {"books": "2"}},
        ],
        "contracts": [_contract("c1", settings), _contract("c2", settings)],
    }
    path = folder / "billsync.yaml"
    path.write_text(json.dumps(document, default=str), encoding="utf-8")
    config = load(path, environ=environ)
    offered = {"work": frozenset({"project", "milestone", "time", "expense"})}
    return config, resolve(config, offered=offered), environ  # type: ignore[arg-type]


def _sink(sink: str, environ: dict[str, str]) -> dict[str, Any]:
    if sink == "folder":
        return {"kind": "folder", "path": "invoices", "push": "approved"}
    return {"kind": sink, **_hidden(FakeQuickBooks().options(), "books", environ)}


def _hidden(options: Mapping[str, Any], account: str, environ: dict[str, str]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, value in options.items():
        if name in ("token", "client_secret", "refresh_token"):
            environ[f"{account}_{name}".upper()] = str(value)
            value = f"env:{account}_{name}".upper().replace("ENV:", "env:")
        written[name] = value
    return written


def _contract(name: str, settings: Settings) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": name,
        "client": "acme",
        "starts": date(2026, 2, 1),
        "signed": date(2026, 2, 1),
        "project": f"work/p{name[1]}",
        "time": {"rates": {"default": RATE}},
        "after_billing": "true_up" if settings.true_up else "review",
        "billing": {"period": settings.period},
    }
    if settings.period != "as_it_happens":
        made["billing"]["day"] = 3
    if name == "c1":
        made["schedule"] = [{"id": "design", "milestone": "Design", "amount": LINE // 100}]
        if settings.opening:
            made["opening"] = {"items": [settings.opening]}
    if settings.closed:
        made["gates"] = {"closed_through": settings.closed}
    if settings.variant == "holdback":
        made["holdback"] = {"percent": 10, "on": ["time", "milestone"]}
    if settings.variant == "payers":
        made["payers"] = [{"client": "acme", "share": 60}, {"client": "city", "share": 40}]
    if settings.variant == "cap":
        made["time"]["cap"] = CAP // 100
    return made
