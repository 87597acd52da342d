"""Credentials that end soon, in words: in `auth status`, in `check`, and among the findings of the night."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from billsync.http import Expiry

WARN: Final = timedelta(days=28)
"""Certificates and keys are renewed by people who need weeks."""


def warnings_of(ends: Iterable[Expiry], *, account: str, now: datetime) -> tuple[str, ...]:
    """A sentence for each credential that has ended or ends within four weeks."""
    return tuple(
        f"{account}: the {one.what} {'ended' if one.at <= now else 'ends'} on {one.at.astimezone(UTC):%Y-%m-%d}"
        for one in ends
        if one.at - now <= WARN
    )
