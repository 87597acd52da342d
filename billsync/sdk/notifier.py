"""The base class of notifiers: who is told in the morning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, get_args, get_origin

from billsync.sdk.api import Api, Http
from billsync.sdk.options import Options
from billsync.sdk.source import O


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The night in words: a subject of one line, the text the terminal shows, and the HTML report if wanted."""

    subject: str
    text: str
    html: str = ""
    verdict: str = ""


class Notifier(ABC, Generic[O]):
    """One channel. `send` raises VendorError; a failed message is a finding of the run, never a failed run."""

    kind: ClassVar[str]
    title: ClassVar[str]
    docs: ClassVar[str]
    api: ClassVar[Api | None] = None
    options_class: ClassVar[type[Options]] = Options

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            args = get_args(base)
            if get_origin(base) is Notifier and args and isinstance(args[0], type):
                cls.options_class = args[0]

    def __init__(self, account: str, options: O, http: Http | None = None) -> None:
        self.account = account
        self.options: O = options
        self.http = http

    @abstractmethod
    def send(self, message: Message) -> None:
        """Deliver the message."""
