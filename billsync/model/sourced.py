"""Terms that a source holds: which record a contract takes them from, what was told, and what is in doubt.

The configuration says where terms come from (`TermsFrom`); merging.py makes one contract of both and leaves what was
told with it (`TermsTold`), so that the terms kept in the ledger name the versions they rest on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from billsync.model.ratecard import Origin
from billsync.model.work import SourceKey

Holds = Literal["all", "schedule", "lines", "nothing"]
LinesWait = Literal["manual", "milestone_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsSource:
    """One record that holds terms of a contract, and how its lines become due.

    `projects`: the account whose project the record names · `lines`: what a line waits for that states neither a day
    nor a milestone: a person's word, or the milestone of exactly its name
    """

    account: str
    contract: str
    projects: str = ""
    lines: LinesWait = "manual"
    origin: Origin = field(default_factory=Origin, compare=False)

    @property
    def key(self) -> SourceKey:
        """The record."""
        return SourceKey(account=self.account, kind="contract", id=self.contract)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsFrom:
    """Where a contract's terms come from, the first source before the others; what is written stands before them all.

    `pending`: change orders that are written as not signed yet · `places`: where value, currency and signature are
    written · `client`: account -> how the client is called there
    """

    sources: tuple[TermsSource, ...]
    pending: frozenset[str] = frozenset()
    client: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Origin] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsVersion:
    """The version of a record that was told."""

    key: SourceKey
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsTrouble:
    """Something in the terms that a person must settle, and the work that waits until then.

    `holds`: everything of the contract, its schedule, the lines named in `lines`, or nothing · `amount`: minor units
    """

    code: str
    text: str
    subject: str = ""
    """The change order, if it is about one."""
    amount: int | None = None
    holds: Holds = "nothing"
    lines: frozenset[str] = frozenset()
    where: Origin = field(default_factory=Origin, compare=False)
    """Where the configuration says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsTold:
    """What sources told of a contract: the versions behind it, in words what was taken, and what is in doubt.

    `created`: no contract is written; it stands because the firm takes all contracts of that account
    """

    versions: tuple[TermsVersion, ...] = ()
    because: tuple[str, ...] = ()
    troubles: tuple[TermsTrouble, ...] = ()
    created: bool = False
