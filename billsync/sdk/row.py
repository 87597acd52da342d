"""A vendor's record, read by dotted paths: each reader converts, and says which field of which record is wrong.

`row.text("client.name")` must be there; `row.maybe.text("client.name")` may be absent or null. Values of another type
than the vendor promises are a BadAnswer: a changed vendor is loud, never half understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Self, TypeVar

from billsync.model.errors import BadAnswer
from billsync.model.money import exact_minor
from billsync.model.work import Expense, Record, TimeEntry, Window
from billsync.sdk.parse import day, day_in_zone, dec, dig, hours_of, ident, instant

Dated = TypeVar("Dated", bound=TimeEntry | Expense)
Value = TypeVar("Value")


class Maybe:
    """Readers of fields that may be absent, null or empty: then they answer None."""

    def __init__(self, raw: Mapping[str, Any], name: str) -> None:
        self._raw = raw
        self._name = name

    def _found(self, path: str) -> Any:
        value = dig(self._raw, path)
        return None if value == "" else value

    def _wrong(self, path: str, value: Any, wanted: str) -> BadAnswer:
        return BadAnswer(f"{self._name}: {path!r} is {value!r}, not {wanted}", hint=UNDOCUMENTED)

    def text(self, path: str) -> str | None:
        """Text; numbers and lists are refused."""
        value = self._found(path)
        if value is not None and not isinstance(value, str):
            raise self._wrong(path, value, "text")
        return value

    def ident(self, path: str) -> str | None:
        """An id as text, whether the vendor wrote a number or text."""
        value = self._found(path)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | str)):
            raise self._wrong(path, value, "an id")
        return None if value is None else ident(value, path)

    def flag(self, path: str) -> bool | None:
        """True or false."""
        value = self._found(path)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(path, value, "true or false")
        return value

    def dec(self, path: str) -> Decimal | None:
        """An exact number."""
        value = self._found(path)
        return None if value is None else dec(value, f"{self._name}: {path}")

    def minor(self, path: str, currency: str) -> int | None:
        """Minor units of an amount in major units that must not need rounding."""
        value = self._found(path)
        try:
            return None if value is None else exact_minor(dec(value, f"{self._name}: {path}"), currency)
        except ValueError:
            raise self._wrong(path, value, f"an amount in {currency}") from None

    def hours(self, path: str, unit: str) -> Decimal | None:
        """Hours from a duration in `unit` (see parse.hours_of)."""
        value = self._found(path)
        return None if value is None else hours_of(value, unit, f"{self._name}: {path}")

    def day(self, path: str) -> date | None:
        """A date, as it is printed."""
        value = self._found(path)
        return None if value is None else day(value, f"{self._name}: {path}")

    def day_in(self, path: str, zone: str) -> date | None:
        """The date of an instant in a zone."""
        value = self._found(path)
        return None if value is None else day_in_zone(value, zone, f"{self._name}: {path}")

    def instant(self, path: str) -> datetime | None:
        """A UTC instant."""
        value = self._found(path)
        return None if value is None else instant(value, f"{self._name}: {path}")

    def one_of(self, path: str, meanings: Mapping[str, Value]) -> Value | None:
        """What a word of the vendor's means to us; an unknown word is an error."""
        value = self._found(path)
        if value is None:
            return None
        if value not in meanings:
            raise self._wrong(path, value, f"one of {', '.join(meanings)}")
        return meanings[value]

    def rows(self, path: str) -> list[Mapping[str, Any]] | None:
        """A list of objects; an empty one stays empty."""
        value = dig(self._raw, path)
        if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            raise self._wrong(path, value, "a list of objects")
        return value


class Row:
    """Readers of fields that the vendor promises. `kind` names the record in errors, with its id at `unique`."""

    @classmethod
    def each(cls, found: Iterable[Mapping[str, Any]], kind: str, unique: str = "id") -> Iterator[Self]:
        """The rows of a list, as they come."""
        return (cls(raw, kind, unique) for raw in found)

    def __init__(self, raw: Mapping[str, Any], kind: str, unique: str = "id") -> None:
        self._name = f"{kind} {dig(raw, unique, '(without id)')}"
        self.raw = raw
        self.maybe = Maybe(raw, self._name)

    def _there(self, path: str, value: Value | None) -> Value:
        if value is None:
            raise BadAnswer(f"{self._name}: the field {path!r} is missing", hint=UNDOCUMENTED)
        return value

    def text(self, path: str) -> str:
        """Text that is not empty."""
        return self._there(path, self.maybe.text(path))

    def ident(self, path: str) -> str:
        """An id as text, whether the vendor wrote a number or text."""
        return self._there(path, self.maybe.ident(path))

    def flag(self, path: str) -> bool:
        """True or false."""
        return self._there(path, self.maybe.flag(path))

    def dec(self, path: str) -> Decimal:
        """An exact number."""
        return self._there(path, self.maybe.dec(path))

    def minor(self, path: str, currency: str) -> int:
        """Minor units of an amount in major units that must not need rounding."""
        return self._there(path, self.maybe.minor(path, currency))

    def hours(self, path: str, unit: str) -> Decimal:
        """Hours from a duration in `unit` (see parse.hours_of)."""
        return self._there(path, self.maybe.hours(path, unit))

    def day(self, path: str) -> date:
        """A date, as it is printed."""
        return self._there(path, self.maybe.day(path))

    def day_in(self, path: str, zone: str) -> date:
        """The date of an instant in a zone."""
        return self._there(path, self.maybe.day_in(path, zone))

    def instant(self, path: str) -> datetime:
        """A UTC instant."""
        return self._there(path, self.maybe.instant(path))

    def one_of(self, path: str, meanings: Mapping[str, Value]) -> Value:
        """What a word of the vendor's means to us; an unknown word is an error."""
        return self._there(path, self.maybe.one_of(path, meanings))

    def rows(self, path: str) -> list[Mapping[str, Any]]:
        """A list of objects."""
        return self._there(path, self.maybe.rows(path))


def inside(window: Window, records: Iterable[Dated]) -> Iterator[Dated]:
    """The records, if dated as asked; a stray one means that the vendor ignored the filter: absence proves nothing."""
    for record in records:
        if not within(record, window):
            on = record.worked_on if isinstance(record, TimeEntry) else record.spent_on
            raise BadAnswer(f"record {record.id} is dated {on}, outside of what was asked", hint=UNDOCUMENTED)
        yield record


def within(record: Record, window: Window) -> bool:
    """Whether a record belongs into a window: time and expenses by the date of the work, everything else always."""
    if isinstance(record, TimeEntry):
        return window.since <= record.worked_on <= window.until
    return not isinstance(record, Expense) or window.since <= record.spent_on <= window.until


def utc_text_or_none(moment: datetime | None) -> str | None:
    """As `utc_text`; no instant stays none: the parameter is then left out."""
    return None if moment is None else utc_text(moment)


def utc_text(moment: datetime) -> str:
    """`2026-03-13T08:00:00Z`: an instant as most vendors' filters want it, cut to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


UNDOCUMENTED = "the vendor's answer is not the documented one: nothing is read from it"
