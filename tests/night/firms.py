"""A firm on fake vendors: Harvest and Asana for the work, QuickBooks for the books."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from billsync.sync import Firm, NightSummary, open_firm, run
from billsync.testing.asana import FakeAsana, number_field
from billsync.testing.clock import Clock
from billsync.testing.harvest import FakeHarvest
from billsync.testing.quickbooks import FakeQuickBooks

SECRETS = {"token", "client_secret", "refresh_token", "key"}


@dataclass(slots=True, kw_only=True)
class Vendors:
    """Three vendors and the firm that uses them, on one clock."""

    folder: Path
    clock: Clock
    harvest: FakeHarvest
    asana: FakeAsana
    books: FakeQuickBooks
    environ: dict[str, str]

    @property
    def config(self) -> Path:
        return self.folder / "billsync.yaml"

    def open(self) -> Firm:
        """The firm on the vendors' clock."""
        return open_firm(self.config, environ=self.environ, now=self.clock.now, sleep=self.clock.sleep)

    def night(self, **options: Any) -> NightSummary:
        """One night in this process."""
        return run(self.open(), **options)

    def process(self, *words: str) -> subprocess.Popen[str]:
        """`billsync WORDS` as a process of its own, on the system's clock."""
        return subprocess.Popen(
            [sys.executable, "-m", "billsync", "--config", str(self.config), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **self.environ},
        )

    def billsync(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        with self.process(*words) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def reconcile(self) -> Any:
        """The report as JSON."""
        done = self.billsync("reconcile", "--format", "json")
        assert done.stdout, f"reconcile said nothing: {done.stderr}"
        return json.loads(done.stdout)


def entries(options: Mapping[str, Any], secret: str, environ: dict[str, str]) -> dict[str, Any]:
    """Options as the configuration may hold them: secrets by reference."""
    written: dict[str, Any] = {}
    for name, value in options.items():
        if name in SECRETS:
            variable = f"{secret}_{name}".upper()
            environ[variable] = str(value)
            written[name] = f"env:{variable}"
        else:
            written[name] = value
    return written


@contextmanager
def vendors(folder: Path, *, at: datetime | None = None) -> Iterator[Vendors]:
    """Fake vendors with a month of work: ten entries (four pages), three milestones, and a contract on both."""
    clock = Clock(at) if at else Clock()
    with FakeHarvest(clock=clock) as harvest, FakeAsana(clock=clock) as asana, FakeQuickBooks(clock=clock) as books:
        today = clock.now().date()
        _work(harvest, asana, today)
        environ: dict[str, str] = {}
        config = _config(harvest, asana, books, environ, today)
        (folder / "billsync.yaml").write_text(json.dumps(config, default=str), encoding="utf-8")
        yield Vendors(folder=folder, clock=clock, harvest=harvest, asana=asana, books=books, environ=environ)


def _work(harvest: FakeHarvest, asana: FakeAsana, today: date) -> None:
    harvest.add_project(31, "Site", client="Acme")
    for number in range(10):
        day = date.fromordinal(today.toordinal() - 12 + number)
        harvest.add_time(31, day, "2.00", user=11 + number % 2, name=("Ana Roe", "Ben Ito")[number % 2])
    asana.add_project("55", "Site")
    for name in ("Concept", "Design", "Permit"):
        fee = number_field("77", "Fee", 1000, format="currency", currency_code="USD")
        asana.add_task("55", name, gid=f"M-{name}", custom_fields=[fee])
    asana.complete("M-Concept")
    asana.complete("M-Design")


def _config(
    harvest: FakeHarvest, asana: FakeAsana, books: FakeQuickBooks, environ: dict[str, str], today: date
) -> dict[str, Any]:
    start = date.fromordinal(today.toordinal() - 60)
    return {
        "firm": {"name": "Roe Architects", "zone": "UTC", "currency": "USD"},
        "ledger": "billsync.db",
        "sources": {
            "hours": {"kind": "harvest", **entries(harvest.options(), "harvest", environ)},
            "plans": {"kind": "asana", **entries(asana.options(), "asana", environ)},
        },
        "sinks": {"books": {"kind": "quickbooks", **entries(books.options(), "quickbooks", environ)}},
        "clients": [{"id": "acme", "name": "Acme", "customers": {"books": "1"}}],
        "contracts": [
            {
                "id": "SITE",
                "client": "acme",
                "starts": start,
                "signed": start,
                "projects": [{"account": "hours", "id": "31"}, {"account": "plans", "id": "55"}],
                "schedule": [
                    {"id": "concept", "milestone": "Concept", "amount": 1000},
                    {"id": "design", "milestone": "Design", "amount": 2500},
                    {"id": "permit", "milestone": "Permit", "amount": 1500},
                ],
                "time": {"rates": {"default": 120}},
            }
        ],
    }
