"""The facts of one night, indexed once, and the work that they show: what every rule of the engine looks at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billsync.model.book import Facts
from billsync.model.contract import Contract, LineKind, ProjectRef, ScheduleLine
from billsync.model.invoice import Evidence
from billsync.model.statement import Finding, NotEarned, Unvalued
from billsync.model.work import Expense, Milestone, Observation, Project, SourceKey, TimeEntry
from billsync.rules.decided import Decided
from billsync.rules.findings import age_of, finding, owner_of
from billsync.rules.standing import Standings

ProjectKey = tuple[str, str]
"""Account and id of a project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One identity under one contract: what is earned of it tonight, in minor units, and all a line needs to say.

    `value` is what is earned, `capped` the part of it above a cap, `no_room` what was credited, is to be billed once
    more, and finds no room under a cap. `cause` is the gate of the work itself ("acceptance_missing", "deleted"...), ""
    where nothing is in its way. `stands`: billed work that is not good at the moment, or without terms; its last good
    version, or what was billed, stands.
    """

    identity: str
    kind: LineKind
    contract: Contract
    name: str
    value: int
    capped: int = 0
    no_room: int = 0
    done_on: date | None = None
    key: SourceKey | None = None
    project: ProjectKey | None = None
    project_name: str = ""
    person: str = ""
    hours: Decimal | None = None
    unit_price: Decimal | None = None
    cost_centre: str | None = None
    purchase_order: str | None = None
    line: ScheduleLine | None = None
    cause: str = ""
    stands: bool = False
    evidence: tuple[Evidence, ...] = ()
    because: tuple[str, ...] = ()
    decision: int | None = None


@dataclass(slots=True, kw_only=True)
class Found:
    """What the rules found beside work: records without a value, work not earned yet, findings."""

    not_valued: list[Unvalued] = field(default_factory=list)
    not_earned: list[NotEarned] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class View:
    """The facts of a night, in a fixed order whatever order they came in."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.today = facts.today
        self.contracts = {name: facts.contracts[name] for name in sorted(facts.contracts)}
        self.decided = Decided(facts.decisions, facts.today)
        self.standings = Standings(facts.postings, facts.intents, self.decided)
        self.records: Sequence[Observation] = sorted(facts.records, key=lambda seen: str(seen.key))
        self.by_key = {seen.key: seen for seen in self.records}
        self.projects: dict[ProjectKey, Observation] = {}
        self.milestones: dict[ProjectKey, list[Observation]] = defaultdict(list)
        for seen in self.records:
            if isinstance(seen.record, Project):
                self.projects[seen.key.account, seen.record.id] = seen
            elif isinstance(seen.record, Milestone):
                self.milestones[seen.key.account, seen.record.project].append(seen)
        self.feeds: dict[ProjectKey, list[tuple[Contract, ProjectRef]]] = defaultdict(list)
        for contract in self.contracts.values():
            for ref in contract.projects:
                self.feeds[ref.account, ref.id].append((contract, ref))
        self._fingerprints: dict[str, str] = {}
        self.found = Found()

    def fingerprint(self, contract: Contract) -> str:
        """The contract's fingerprint, worked out once."""
        if contract.id not in self._fingerprints:
            self._fingerprints[contract.id] = contract.fingerprint()
        return self._fingerprints[contract.id]

    def person(self, account: str, person: str) -> str:
        """The firm's own id of a person."""
        return self.facts.persons.get(f"{account}:{person}", person)

    def project_name(self, project: ProjectKey) -> str:
        """The project's name where the source told it, else its id."""
        seen = self.projects.get(project)
        return seen.record.name if seen and isinstance(seen.record, Project) else project[1]

    def say(
        self,
        code: str,
        identity: str,
        text: str,
        *,
        on: date | None = None,
        amount: int | None = None,
        currency: str = "",
    ) -> None:
        """Add a finding."""
        self.found.findings.append(
            finding(self.facts, code, identity, text, on=on, amount=amount, currency=currency if amount else "")
        )

    def owner(self, code: str) -> str:
        """Whose move a cause is."""
        return owner_of(self.facts, code)

    def age(self, on: date | None) -> int:
        """Days since the work was done."""
        return age_of(self.facts, on)


def sink_of(view: View, contract: Contract) -> str:
    """The books this contract is billed in: its own, else the firm's default; "" where there are none."""
    return contract.billing.sink or next(iter(view.facts.sinks), "")


def identity_of(key: SourceKey) -> str:
    """The identity of a source record (billing.md 2)."""
    return f"{key.kind}/{key.account}/{key.id}"


def label_of(view: View, seen: Observation) -> str:
    """A record in words: `Ana Roe, 2026-03-04, Drawings`."""
    record = seen.record
    if isinstance(record, TimeEntry):
        words = [record.person_name or view.person(seen.key.account, record.person), record.worked_on.isoformat()]
        return ", ".join([*words, *filter(None, [record.task or record.notes])])
    if isinstance(record, Expense):
        return ", ".join([*filter(None, [record.category or record.notes or "expense"]), record.spent_on.isoformat()])
    return getattr(record, "name", "") or seen.key.id


def evidence_of(seen: Observation) -> tuple[Evidence, ...]:
    """The version that was looked at."""
    return (Evidence(key=seen.key, version=seen.version),)
