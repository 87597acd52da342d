"""Numbers, dates and hours as people and spreadsheets write them, read without guessing.

`1.234` is one thousand or one and a bit: where the decimal sign is not declared and both readings fit, it is refused.
Cells that are no text (JSON, spreadsheets) come as int, Decimal, bool, date or timedelta and are taken as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

from billsync.model.errors import BadAnswer
from billsync.sdk.parse import hours_of

Sign = Literal[".", ","]
HoursUnit = Literal["hours", "minutes", "seconds", "milliseconds", "hh:mm", "iso8601"]
Cell = Any
"""str, int, Decimal, bool, date, datetime, time, timedelta, None, or a list of them. Never a float."""

_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007\t"), " ")
_SIGNS: Final = {ord("−"): "-", ord("’"): "'"}
_THOUSANDS: Final = (".", ",", " ", "'")
_MONEY: Final = r"(?:[A-Z]{3}|[$¢-¥฿₠-⃀])?"
_WRITTEN: Final = re.compile(
    rf"(?P<lead>[-+(]?) ?{_MONEY} ?(?P<inner>[-+]?)(?P<digits>[0-9.,' ]*[0-9]) ?(?P<after>-?) ?{_MONEY} ?(?P<end>[-)]?)"
)
_TIME_OF_DAY: Final = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_TOKENS: Final = {"YYYY": r"(?P<y>\d{4})", "YY": r"(?P<y>\d{2})", "MM": r"(?P<m>\d{1,2})", "DD": r"(?P<d>\d{1,2})"}


class Uncalculated:
    """A spreadsheet formula whose value was never computed: no field can be read from it."""

    def __repr__(self) -> str:
        return "a formula without a value (open the file in the spreadsheet program and save it)"


UNCALCULATED: Final = Uncalculated()


def text_of(cell: Cell) -> str:
    """The cell as text, stripped, in NFC; "" for an empty one. The number 17.0 is `17`, true is `true`."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell).strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return format(cell.quantize(Decimal(1)) if cell == cell.to_integral_value() else cell, "f")
    if isinstance(cell, float):
        raise BadAnswer(f"{cell!r} is a binary fraction, not an exact number")
    if isinstance(cell, Uncalculated):
        raise BadAnswer(repr(cell))
    if isinstance(cell, datetime) and cell.time() == time.min and cell.tzinfo is None:
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def number(cell: Cell, field: str = "", *, decimal: Sign | None = None, thousands: str | None = None) -> Decimal:
    """A Decimal from a cell: signs as declared, trailing minus and brackets for negatives, currency signs dropped.

    BadAnswer for what is no number, and for what could be two.
    """
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool) and Decimal(cell).is_finite():
        return Decimal(cell)
    text = text_of(cell)
    negative, digits = _unsigned(text)
    readings = set(_readings(digits, decimal, thousands))
    if len(readings) == 1:
        value = readings.pop()
        return -value if negative and value else value
    name = field or "a number"
    if readings:
        both = " or ".join(sorted(format(value, "f") for value in readings))
        raise BadAnswer(f"{name}: {text!r} may mean {both}", hint="declare the decimal sign: decimal: '.' or ','")
    raise BadAnswer(f"{name}: {text!r} is not a number")


def _unsigned(text: str) -> tuple[bool, str]:
    """Whether it is negative, and the digits without sign, brackets and currency; "" when it is not written so."""
    match = _WRITTEN.fullmatch(text.translate(_SPACES).translate(_SIGNS))
    if match is None:
        return False, ""
    signs = "".join(match.group("lead", "inner", "after", "end"))
    return signs in ("-", "()"), match["digits"] if signs in ("", "-", "+", "()") else ""


def _readings(digits: str, decimal: Sign | None, thousands: str | None) -> Iterator[Decimal]:
    """Every value that the digits have under the declared signs."""
    for point in (decimal,) if decimal else tuple(sign for sign in (".", ",") if sign != thousands):
        for group in (thousands,) if thousands else _THOUSANDS:
            if group != point and _shape(point, group).fullmatch(digits):
                yield Decimal(digits.replace(group, "").replace(point, "."))


@lru_cache(maxsize=32)
def _shape(point: str, group: str) -> re.Pattern[str]:
    mark, sep = re.escape(point), re.escape(group)
    return re.compile(rf"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{sep}[0-9]{{3}})+)(?:{mark}[0-9]+)?|{mark}[0-9]+")


@lru_cache(maxsize=32)
def date_pattern(form: str) -> re.Pattern[str]:
    """The pattern of a date form such as `DD.MM.YYYY`; a time of day may follow. ValueError for a wrong form."""
    parts = re.split(r"(YYYY|YY|MM|DD)", form)
    if sorted(part[0] for part in parts[1::2]) != ["D", "M", "Y"]:
        raise ValueError(f"{form!r} is no date form: use YYYY (or YY), MM and DD once each")
    body = "".join(_TOKENS.get(part, re.escape(part)) for part in parts)
    return re.compile(body + _TIME_OF_DAY)


def day(cell: Cell, field: str = "", *, form: str = "YYYY-MM-DD") -> date:
    """The date of a cell as it is printed, in the declared form; two-digit years are 2000 to 2099."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = text_of(cell)
    match = date_pattern(form).fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year = int(match["y"])
        return date(year if len(match["y"]) == 4 else 2000 + year, int(match["m"]), int(match["d"]))
    except ValueError:
        raise BadAnswer(f"{field or 'a date'}: {text!r} is not a date in the form {form}") from None


def hours(cell: Cell, field: str = "", *, unit: HoursUnit = "hours", decimal: Sign | None = None) -> Decimal:
    """Hours of a cell in the declared unit. Spreadsheet durations need no unit."""
    if isinstance(cell, timedelta):
        return Decimal(cell // timedelta(microseconds=1)) / 3_600_000_000
    if isinstance(cell, time):
        return Decimal(cell.hour * 3600 + cell.minute * 60 + cell.second) / 3600
    if unit in ("hh:mm", "iso8601"):
        return hours_of(text_of(cell), unit, field)
    return hours_of(number(cell, field, decimal=decimal), unit, field)


def percent(cell: Cell, field: str = "", *, fraction: bool = False, decimal: Sign | None = None) -> Decimal:
    """A percentage 0 to 100. `fraction`: numbers are parts of one (spreadsheets); text with a % sign never is."""
    text = text_of(cell)
    if text.endswith("%"):
        return number(text[:-1], field, decimal=decimal)
    value = number(cell, field, decimal=decimal)
    return value * 100 if fraction else value
