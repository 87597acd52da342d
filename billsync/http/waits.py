"""How long to wait, in whatever way the vendor says it.

Seconds, seconds with a fraction, an HTTP date, an instant, epoch seconds or milliseconds.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

_EPOCH = 1_000_000_000
_EPOCH_MS = 1_000_000_000_000


def seconds(value: Any, now: datetime) -> int | None:
    """Whole seconds to wait from `now`, rounded up; None when the value says nothing of the kind."""
    text = str(value).strip() if value is not None else ""
    try:
        number = Decimal(text)
    except InvalidOperation:
        moment = _moment(text)
        return None if moment is None else max(0, math.ceil((moment - now).total_seconds()))
    if not number.is_finite():
        return None
    if number >= _EPOCH:
        number = number / (1000 if number >= _EPOCH_MS else 1) - Decimal(str(now.timestamp()))
    return max(0, math.ceil(number))


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
