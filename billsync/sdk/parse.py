"""The conversions that every vendor needs: from a vendor's text to Decimal, date, instant; hard where it is unclear.

All raise BadAnswer naming the field, so that a changed vendor is loud.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from billsync.model.errors import BadAnswer, Missing

_HOURS_MINUTES = re.compile(r"(-?)(\d+):([0-5]\d)(?::([0-5]\d))?")
_ISO_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_ODATA_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")


def dig(raw: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path (`client.name`, `errors.0.message`); `default` where a step is absent or null."""
    here = raw
    for step in path.split(".") if path else ():
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, list) and step.lstrip("-").isdigit() and -len(here) <= int(step) < len(here):
            here = here[int(step)]
        else:
            return default
        if here is None:
            return default
    return here


def need(raw: Any, path: str) -> Any:
    """The value at a dotted path that the vendor promises; BadAnswer when it is absent or null."""
    value = dig(raw, path)
    if value is None:
        raise BadAnswer(f"the field {path!r} is missing", hint="the vendor's answer is not the documented one")
    return value


def step(text: str) -> str:
    """A text as one step of an address: a slash or a question mark in it leads nowhere else."""
    return quote(text, safe="")


def path_in(address: str) -> str:
    """The path of an address, without host and query."""
    return urlsplit(address).path


def named(wanted: str, names: Mapping[str, str], what: str, where: str) -> str:
    """The name of the account, workspace or board that the options name by id. Missing tells which ones there are."""
    if wanted not in names:
        known = ", ".join(f"{ident} ({name})" for ident, name in names.items()) or "none"
        raise Missing(f"the credential does not open {what} {wanted}, but {known}", where=where)
    return names[wanted]


def all_known(wanted: Iterable[str | None], known: Collection[str], what: str, hint: str = "was it deleted?") -> None:
    """BadAnswer for a configured field that the vendor does not have any more: it would look like an empty one."""
    gone = sorted(name for name in wanted if name is not None and name not in known)
    if gone:
        raise BadAnswer(f"the {what} {gone[0]!r} is gone", hint=hint)


def dec(value: Any, field: str = "") -> Decimal:
    """A finite Decimal from int, Decimal or text with a decimal point. A float is refused."""
    if isinstance(value, bool) or isinstance(value, float) or value is None:
        raise BadAnswer(f"{field or 'a number'}: {value!r} is not an exact number")
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        raise BadAnswer(f"{field or 'a number'}: {value!r} is not a number") from None
    if not number.is_finite():
        raise BadAnswer(f"{field or 'a number'}: {value!r} is not finite")
    return number


def dec_or_none(value: Any, field: str = "") -> Decimal | None:
    """As `dec`; None, "" and false (some vendors' null) stay None."""
    return (
        None
        if value in (None, "", False) and not isinstance(value, int | Decimal)
        else (None if value is False else dec(value, field))
    )


def day(value: Any, field: str = "") -> date:
    """A date from `2026-03-13` or the date part of an instant as it is printed (the vendor's own zone)."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise BadAnswer(f"{field or 'a date'}: {value!r} is not a date") from None


def day_or_none(value: Any, field: str = "") -> date | None:
    """As `day`; None, "" and false stay None."""
    return None if value in (None, "", False) else day(value, field)


def instant(value: Any, field: str = "") -> datetime:
    """A UTC instant from ISO 8601 with an offset or Z, or OData's `/Date(ms+zone)/`. Without a zone it is refused."""
    text = str(value)
    odata = _ODATA_DATE.fullmatch(text)
    if odata:
        return datetime.fromtimestamp(int(odata[1]) // 1000, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadAnswer(f"{field or 'an instant'}: {value!r} is not a time") from None
    if moment.tzinfo is None:
        raise BadAnswer(f"{field or 'an instant'}: {value!r} has no zone")
    return moment.astimezone(UTC)


def instant_or_none(value: Any, field: str = "") -> datetime | None:
    """As `instant`; None, "" and false stay None."""
    return None if value in (None, "", False) else instant(value, field)


def day_in_zone(value: Any, zone: str, field: str = "") -> date:
    """The date of an instant in the account's zone."""
    return instant(value, field).astimezone(ZoneInfo(zone)).date()


def hours_of(value: Any, unit: str, field: str = "") -> Decimal:
    """Hours as Decimal. `unit`: hours, minutes, seconds, milliseconds, hh:mm, iso8601.

    Division by 60 or 3600 that does not come out even keeps 28 digits: amounts are rounded once, later."""
    per = {"hours": 1, "minutes": 60, "seconds": 3600, "milliseconds": 3_600_000}
    if unit in per:
        return dec(value, field) / per[unit] if per[unit] > 1 else dec(value, field)
    if unit == "hh:mm" and (match := _HOURS_MINUTES.fullmatch(str(value).strip())):
        seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
        return Decimal(-seconds if match[1] else seconds) / 3600
    if unit == "iso8601" and (match := _ISO_DURATION.fullmatch(str(value).strip())):
        whole = int(match[2] or 0) * 86400 + int(match[3] or 0) * 3600 + int(match[4] or 0) * 60
        seconds_part = Decimal(match[5] or 0) + whole
        return (-seconds_part if match[1] else seconds_part) / 3600
    raise BadAnswer(f"{field or 'hours'}: {value!r} is not a duration in {unit}")


def ident(value: Any, field: str = "") -> str:
    """An id as text; the same id as int and as string is the same id. BadAnswer for null and empty ones."""
    if value is None or value is False or value == "":
        raise BadAnswer(f"{field or 'an id'} is missing")
    return str(value)


def text_or_none(value: Any) -> str | None:
    """Text, or None for null, "" and false."""
    return None if value in (None, "", False) else str(value)
