"""What a session has done, for the receipt of a poll."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(slots=True)
class Stats:
    """Counts since the session was opened; `waited` is in seconds. Threads may share it."""

    calls: int = 0
    pages: int = 0
    retries: int = 0
    waited: int = 0
    request_id: str = ""
    """The vendor's id of the last request that had one."""
    ahead: timedelta | None = None
    """How far the vendor's clock was ahead of ours at its last answer; None: it told no time."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, *, calls: int = 0, pages: int = 0, retries: int = 0, waited: int = 0, request_id: str = "") -> None:
        """Count further events."""
        with self._lock:
            self.calls += calls
            self.pages += pages
            self.retries += retries
            self.waited += waited
            self.request_id = request_id or self.request_id
