"""A clock that tests move: injected wherever a run would ask the system's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NIGHT = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)


class Clock:
    """`now` and `sleep` of a run. Sleeping moves the time and is remembered in `slept` (seconds)."""

    def __init__(self, at: datetime = NIGHT) -> None:
        self._at = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._at

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float = 0, *, days: int = 0) -> None:
        """Move the time on, without a sleep."""
        self._at += timedelta(seconds=seconds, days=days)

    def set(self, at: datetime) -> None:
        """Jump, back as well."""
        self._at = at
