"""The base class of sources: what a project platform, tracker or file says."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

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
from billsync.sdk.account import Account, O
from billsync.sdk.api import Http

NO_APPROVAL: Final = "time knows no approval: contracts need `approval: not_required`"
"""What `check` remarks where the vendor approves no time."""


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
    only_if: Mapping[Kind, str] = field(default_factory=dict)
    """Kind -> the option without which an account is not asked for it (a module that not everybody has)."""
    approval: Literal["native", "sheet", "status", "none"] = "none"
    deletions: Literal["feed", "absence"] = "absence"
    changes: Literal["since", "window", "whole"] = "window"
    """since: `Window.changed_since` is honoured; window: the whole window is read every time; whole: reading is so
    cheap that every night asks for everything, whatever its age (files)."""
    marks_billed: bool = False
    marks: Mapping[Kind, str] = field(default_factory=dict)
    """Kind that can be marked -> the option that says where the mark goes; "" where none is needed."""
    zone: Literal["account", "company", "caller"] = "account"


class Source(Account[O]):
    """One account at one vendor. A connector declares the class attributes and writes the generators it offers.

    Generators yield every record of the window, completed ones included; they raise VendorError and never skip a
    record they cannot read (`findings` is for what a person must see without stopping the poll: files only).
    """

    offers: ClassVar[Offers]

    def __init__(self, account: str, options: O, http: Http | None = None) -> None:
        super().__init__(account, options, http)
        self.findings: list[str] = []

    def _not_offered(self, what: str) -> UsageError:
        return UsageError(f"{self.title} offers no {what}", where=self.account, hint="see `billsync plugins list`")

    @classmethod
    def kinds(cls, options: O) -> frozenset[Kind]:
        """Kinds that an account with these options can be asked for: what is offered, but for options that are off."""
        needs = cls.offers.only_if
        return frozenset(kind for kind in cls.offers.kinds if kind not in needs or getattr(options, needs[kind]))

    @classmethod
    def marks(cls, options: O) -> frozenset[Kind]:
        """Kinds of record that an account with these options can mark as billed."""
        wanted = cls.offers.marks.items()
        return frozenset(kind for kind, option in wanted if not option or getattr(options, option))

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
