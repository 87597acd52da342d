"""The base class of notifiers: who is told in the morning."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime

from billsync.sdk.account import Account, O
from billsync.sdk.source import Identity

UNTRIED = "cannot be tried without sending a message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The night in words: a subject of one line, the text the terminal shows, and the HTML report if wanted."""

    subject: str
    text: str
    html: str = ""
    verdict: str = ""
    at: datetime | None = None
    """When the run ended, UTC."""
    run: str = ""
    """Names the run: the same message bears the same name at every attempt."""


class Notifier(Account[O]):
    """One channel. `send` raises VendorError; a failed message is a finding of the run, never a failed run."""

    def check(self) -> Identity:
        """Connect and log in without sending, where the channel allows it; unless written, it says that it does not."""
        return Identity(account="", remarks=(UNTRIED,))

    @abstractmethod
    def send(self, message: Message) -> None:
        """Deliver the message."""
