"""The base class of sources: what a project platform, tracker or file says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

from billsync.model.errors import UsageError
from billsync.model.work import (
    ChangeOrder,
    ContractTerms,
    Expense,
    Kind,
    Milestone,
    Project,
    TimeEntry,
    Window,
)
from billsync.sdk.api import Api, Http
from billsync.sdk.options import Options

O = TypeVar("O", bound=Options)  # noqa: E741  the options class of a connector
Quality = Literal["bronze", "silver", "gold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose account this is, as the vendor says: shown by `billsync check`; the proof that absence is real."""

    account: str
    user: str = ""
    scopes: tuple[str, ...] = ()
    sees_everything: bool = True
    """False when the credential sees only part (a manager's own projects): absence then proves nothing."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What a source can tell, and how changes and deletions can be seen."""

    kinds: frozenset[Kind]
    approval: Literal["native", "sheet", "status", "none"] = "none"
    deletions: Literal["feed", "absence"] = "absence"
    changes: Literal["since", "window", "whole"] = "window"
    """since: `Window.changed_since` is honoured; window: the whole window is read every time; whole: reading is so
    cheap that every night asks for everything, whatever its age (files)."""
    marks_billed: bool = False
    zone: Literal["account", "company", "caller"] = "account"


class Source(ABC, Generic[O]):
    """One account at one vendor. A connector declares the class attributes and writes the generators it offers.

    Generators yield every record of the window, completed ones included; they raise VendorError and never skip a
    record they cannot read (`findings` is for what a person must see without stopping the poll: files only).
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    docs: ClassVar[str]
    api: ClassVar[Api | None] = None
    offers: ClassVar[Offers]
    quality: ClassVar[Quality] = "bronze"
    options_class: ClassVar[type[Options]] = Options

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            args = get_args(base)
            if get_origin(base) is Source and args and isinstance(args[0], type):
                cls.options_class = args[0]

    def __init__(self, account: str, options: O, http: Http | None = None) -> None:
        self.account = account
        self.options: O = options
        self._http = http
        self.findings: list[str] = []

    @property
    def http(self) -> Http:
        """The account's session; UsageError for a source that declares no Api."""
        if self._http is None:
            raise UsageError(f"{self.kind} declares no api", where=self.account)
        return self._http

    def _not_offered(self, what: str) -> UsageError:
        return UsageError(f"{self.title} offers no {what}", where=self.account, hint="see `billsync plugins list`")

    @classmethod
    def kinds(cls, options: O) -> frozenset[Kind]:
        """Kinds that an account with these options can be asked for: what the class offers, unless it narrows them."""
        return cls.offers.kinds

    def shows_absence(self, kind: Kind) -> bool:
        """False where a record missing from a complete poll proves nothing (a feed of news only)."""
        return True

    @abstractmethod
    def check(self) -> Identity:
        """One cheap call: whose account is this, which rights."""

    def projects(self, window: Window) -> Iterator[Project]:
        """Projects, whatever their age: the window does not restrict them."""
        raise self._not_offered("projects")

    def milestones(self, window: Window) -> Iterator[Milestone]:
        """Open and completed milestones."""
        raise self._not_offered("milestones")

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        """Entries dated within the window, approved or not."""
        raise self._not_offered("time_entries")

    def expenses(self, window: Window) -> Iterator[Expense]:
        """Expenses dated within the window, approved or not."""
        raise self._not_offered("expenses")

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        """Contracts that the vendor holds."""
        raise self._not_offered("contracts")

    def change_orders(self, window: Window) -> Iterator[ChangeOrder]:
        """Change orders that the vendor holds."""
        raise self._not_offered("change_orders")

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """Mark records as billed at the vendor; only where `offers.marks_billed`, off by default."""
        raise self._not_offered("marks for billed work")
