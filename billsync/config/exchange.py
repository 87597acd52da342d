"""Stored exchange rates: written in the configuration, or in a CSV file beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from billsync.config.load import Config
from billsync.config.paths import inside
from billsync.config.problems import Problems
from billsync.model.book import ExchangeRate
from billsync.model.contract import Origin
from billsync.model.money import decimal_of, exponent

COLUMNS: Final = ("currency", "into", "date", "rate", "source")


def exchange_rates(config: Config, problems: Problems) -> tuple[ExchangeRate, ...]:
    """All stored rates by currency and day; two different ones for one day are a mistake."""
    entry = config.entry.exchange_rates
    found = [
        (
            ExchangeRate(
                currency=rate.currency,
                into=rate.into or config.firm.currency,
                on=rate.date,
                rate=rate.rate,
                source=rate.source,
            ),
            rate.origin,
        )
        for rate in entry.rates
    ]
    if entry.file:
        found += _from_file(inside(config.path.parent, entry.file), entry.where("file"), problems)
    known: dict[tuple[str, str, date], tuple[ExchangeRate, Origin]] = {}
    for rate, origin in found:
        key = (rate.currency, rate.into, rate.on)
        first = known.setdefault(key, (rate, origin))
        if first[0].rate != rate.rate:
            problems.add(
                f"two rates from {rate.currency} into {rate.into} on {rate.on}", origin, f"the other one: {first[1]}"
            )
    return tuple(known[key][0] for key in sorted(known))


def _from_file(path: Path, where: Origin, problems: Problems) -> Iterator[tuple[ExchangeRate, Origin]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                problems.add(
                    f"the file of exchange rates lacks the column {missing[0]!r}",
                    Origin(file=str(path), line=1),
                    f"its columns: {','.join(COLUMNS)}",
                )
                return
            for row in rows:
                yield from _row(row, Origin(file=str(path), line=rows.line_num), problems)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.add(f"the file of exchange rates cannot be read: {type(error).__name__}", where, str(path))


def _row(row: dict[str, str], where: Origin, problems: Problems) -> Iterator[tuple[ExchangeRate, Origin]]:
    try:
        currency, into, day, rate, source = ((row[column] or "").strip() for column in COLUMNS)
        exponent(currency)
        exponent(into)
        made = ExchangeRate(
            currency=currency, into=into, on=date.fromisoformat(day), rate=decimal_of(rate), source=source
        )
        if made.rate <= 0 or not source:
            raise ValueError("a rate is above 0 and has a source")
    except ValueError as error:
        problems.add(f"no exchange rate: {error}", where, "as in EUR,USD,2026-02-01,1.0834,ECB")
        return
    yield made, where
