"""Small firms: one work log, one set of books, one to three contracts, drawn from a number.

Terms are kept simple enough that the most any record can be worth is worked out here in a line, without the rules:
that figure is what the simulation holds the invoices against.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from billsync.config import Config, load, resolve
from billsync.model.book import Terms
from billsync.model.work import Kind

START: Final = date(2026, 2, 1)
SHAPES: Final = 40
RATES: Final[Mapping[str, int]] = {"ana": 120, "ben": 95}
LINES: Final[Mapping[str, int]] = {"Concept": 1000, "Design": 2500, "Permit": 1777}
"""Milestone of a schedule -> its amount, in the firm's only currency."""
RETAINER: Final = 300
PROJECTS: Final = ("p1", "p2", "p3")
KINDS: Final[frozenset[Kind]] = frozenset({"project", "milestone", "time", "expense"})
_SECRETS: Final = ("token", "key", "client_secret", "refresh_token", "password", "api_key", "secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A firm: its configuration as loaded, its terms, and the secrets that it refers to."""

    config: Config
    terms: Terms
    environ: Mapping[str, str]
    plain: frozenset[str]
    """Contracts under which approved time is billed at hours x rate, whole, without waiting."""


def shape(number: int, folder: Path, *, work: Mapping[str, Any], books: Mapping[str, Any], sink: str) -> Shape:
    """The firm of this number, its configuration written into `folder`, with the options of its two vendors."""
    random = Random(f"shape {number}")  # noqa: S311  nothing secret is drawn
    environ: dict[str, str] = {}
    contracts = [_contract(random, place) for place in range(random.randint(1, 3))]
    document = {
        "firm": {"name": "Roe Architects", "zone": random.choice(["UTC", "America/New_York"]), "currency": "USD"},
        "ledger": "billsync.db",
        "sources": {"work": {"kind": "worklog", "window": random.choice([3, 62]), **_options(work, "work", environ)}},
        "sinks": {"books": {"kind": sink, **_options(books, "books", environ)}},
        "clients": [
            {"id": "acme", "name": "Acme", "customers": {"books": "1"}},
            {"id": "city", "name": "City", "customers": {"books": "2"}},
        ],
        "contracts": contracts,
    }
    path = folder / f"shape-{number}.json"
    path.write_text(json.dumps(document, default=str), encoding="utf-8")
    config = load(path, environ=environ)
    plain = frozenset(one["id"] for one in contracts if "cap" not in one["time"] and one["billing"]["group"] != "waits")
    return Shape(config=config, terms=resolve(config, offered={"work": KINDS}), environ=environ, plain=plain)


def _options(options: Mapping[str, Any], account: str, environ: dict[str, str]) -> dict[str, Any]:
    """Options as a configuration may hold them: secrets by reference."""
    written: dict[str, Any] = {}
    for name, value in options.items():
        if name in _SECRETS or name.endswith("_token"):
            variable = f"{account}_{name}".upper()
            environ[variable] = str(value)
            written[name] = f"env:{variable}"
        else:
            written[name] = value
    return written


def _contract(random: Random, place: int) -> dict[str, Any]:
    """Contract `c1` on project `p1`, and so on."""
    time: dict[str, Any] = {"rates": {"default": 120, "people": dict(RATES)}}
    if random.random() < 0.3:
        time["cap"] = random.choice([500, 1200, 3000])
    made: dict[str, Any] = {
        "id": f"c{place + 1}",
        "client": random.choice(["acme", "acme", "city"]),
        "starts": START,
        "signed": START,
        "project": f"work/{PROJECTS[place]}",
        "time": time,
        "expenses": {"markup": 10},
        "after_billing": random.choice(["review", "true_up"]),
        "billing": {"group": random.choice(["contract", "consolidated", "contract"]), "period": "as_it_happens"},
    }
    _schedule(random, made)
    if random.random() < 0.35:
        release = {"id": "rest", "milestone": "Permit", "percent": 100}
        made["holdback"] = {"percent": 10, "release": [release]}
    if random.random() < 0.15:
        made["payers"] = [{"client": "acme", "share": 60}, {"client": "city", "share": 40}]
    if random.random() < 0.2:
        made["billing"]["period"] = random.choice(["weekly", "monthly"])
        made["billing"]["day"] = random.choice([1, 3, 5])
    return made


def _schedule(random: Random, made: dict[str, Any]) -> None:
    """Lines for milestones by name, or every milestone at its own amount; and sometimes a retainer."""
    if random.random() < 0.3:
        made["milestones"] = True
        return
    names = random.sample(list(LINES), random.randint(1, 3))
    requires = {"requires": ["acceptance"]} if random.random() < 0.2 else {}
    made["schedule"] = [{"id": name.lower(), "milestone": name, "amount": LINES[name], **requires} for name in names]
    if random.random() < 0.3:
        line = {"id": "retainer", "name": "Site visits", "on": date(2026, 3, 1), "every": "month", "amount": RETAINER}
        made["schedule"].append({**line, "until": date(2026, 7, 1)})


def time_value(person: str, hours: Decimal) -> int:
    """What an entry is worth, in cents, where no cap stands in the way."""
    return _cents(RATES.get(person, 120) * hours)


def expense_value(amount: Decimal) -> int:
    """What an expense is billed at, in cents."""
    return _cents(amount * Decimal("1.10"))


def milestone_value(amount: Decimal | None) -> int:
    """What a milestone is worth that is billed at its own amount, in cents."""
    return _cents(amount) if amount is not None else 0


def line_value(identity: str) -> int | None:
    """What a line of a schedule is worth, in cents; None for another identity."""
    parts = identity.split("/")
    if len(parts) < 3 or parts[1] != "line":
        return None
    if parts[2] == "retainer":
        return RETAINER * 100
    return LINES[parts[2].capitalize()] * 100


def _cents(amount: Decimal) -> int:
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
