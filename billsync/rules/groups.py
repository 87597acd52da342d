"""Which work goes on one document, and whether that document's day has come.

One document for each client, sink, currency and group: contract, project, purchase order, or everything of the client.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from billsync.model.book import Decision
from billsync.model.contract import Contract
from billsync.model.work import Project
from billsync.rules.credits import Credit
from billsync.rules.periods import due, period_key
from billsync.rules.settle import Open, Share
from billsync.rules.view import View, Work, sink_of

_STARTS_MILESTONE_PERIOD = frozenset({"milestone", "progress"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An open amount of a share that may go on a document."""

    share: Share
    open: Open

    @property
    def contract(self) -> Contract:
        return self.share.work.contract


@dataclass(slots=True, kw_only=True)
class Group:
    """What one document holds: charges, holdback to release (share -> minor units), or credits a person asked for."""

    key: str
    client: str
    currency: str
    sink: str
    charges: list[Charge] = field(default_factory=list)
    releases: list[tuple[Share, int]] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)

    @property
    def contracts(self) -> list[Contract]:
        """The contracts on the document, by id."""
        found = [charge.contract for charge in self.charges]
        found += [share.work.contract for share, _ in self.releases]
        found += [credit.share.work.contract for credit in self.credits]
        return [contract for _, contract in sorted({contract.id: contract for contract in found}.items())]


class Grouping:
    """Sorts charges, releases and credits into groups."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._groups: dict[tuple[str, str, str, str], Group] = {}

    def group(self, share: Share, *, credit: bool = False) -> Group:
        """The group of a share; credits that a person asked for have a document of their own."""
        work = share.work
        name = _group_name(work, share.client) + ("/credit" if credit else "")
        sink = sink_of(self._view, work.contract)
        key = (sink, share.client, work.contract.currency, name)
        if key not in self._groups:
            self._groups[key] = Group(key=name, client=share.client, currency=work.contract.currency, sink=sink)
        return self._groups[key]

    def all(self) -> list[Group]:
        """The groups that hold something, in a fixed order."""
        found = [self._groups[key] for key in sorted(self._groups)]
        return [group for group in found if group.charges or group.releases or group.credits]


def _group_name(work: Work, client: str) -> str:
    contract = work.contract
    by = contract.billing.group
    if by == "project" and work.project:
        return f"{contract.id}/{work.project[0]}/{work.project[1]}"
    if by == "purchase_order":
        return f"{client}/order/{work.purchase_order or ''}"
    return client if by == "consolidated" else contract.id


def leave_others(view: View, group: Group) -> list[Charge]:
    """In a run for one project, take out of the group what belongs to no project or another; returns its charges."""
    only = view.facts.only_project
    if only is None:
        return []
    others = [charge for charge in group.charges if charge.share.work.project != only]
    group.charges = [charge for charge in group.charges if charge.share.work.project == only]
    group.releases = [(share, amount) for share, amount in group.releases if share.work.project == only]
    group.credits = [credit for credit in group.credits if credit.share.work.project == only]
    return others


def wait_for_period(view: View, group: Group) -> list[Charge]:
    """Take out of the group what its billing day, or the end of its period, keeps waiting; returns it."""
    milestone_ready = any(_starts_period(charge.share.work) for charge in group.charges)
    waiting: list[Charge] = []
    by_contract: dict[str, list[Charge]] = defaultdict(list)
    for charge in group.charges:
        by_contract[charge.contract.id].append(charge)
    for charges in by_contract.values():
        waiting += _waiting(view, charges, milestone_ready)
    kept = {id(charge) for charge in group.charges} - {id(charge) for charge in waiting}
    group.charges = [charge for charge in group.charges if id(charge) in kept]
    group.releases = [
        (share, amount) for share, amount in group.releases if _goes(view, share.work, group, milestone_ready)
    ]
    return waiting


def _starts_period(work: Work) -> bool:
    return work.kind in _STARTS_MILESTONE_PERIOD or (work.line is not None and work.line.percent is not None)


def _waiting(view: View, charges: list[Charge], milestone_ready: bool) -> list[Charge]:
    contract = charges[0].contract
    since = min((_since(view, charge.share.work) for charge in charges), default=view.today)
    answer = due(
        contract.billing,
        view.today,
        view.facts.last_billed.get(contract.id),
        waiting_since=since,
        milestone_ready=milestone_ready,
    )
    waiting = []
    for charge in charges:
        work = charge.share.work
        late = answer.through is not None and work.done_on is not None and work.done_on > answer.through
        if (not answer.go or late) and not out_of_cycle(view, work):
            waiting.append(charge)
    return waiting


def _goes(view: View, work: Work, group: Group, milestone_ready: bool) -> bool:
    """A release goes with the group's day; alone on it, as soon as the day has come since it became true."""
    with_others = any(charge.contract.id == work.contract.id for charge in group.charges)
    if with_others or view.facts.only_project is not None:
        return True
    nights = [
        place.night
        for identity, place in view.facts.places.items()
        if identity.startswith(f"{work.contract.id}/release/")
    ]
    since = min(nights, default=view.today)
    last = view.facts.last_billed.get(work.contract.id)
    return due(work.contract.billing, view.today, last, waiting_since=since, milestone_ready=milestone_ready).go


def _since(view: View, work: Work) -> date:
    place = view.facts.places.get(work.identity)
    return place.night if place else view.today


def out_of_cycle(view: View, work: Work) -> bool:
    """The project is "ready for billing", or a person asked to bill it now: what was ready then goes at once."""
    if work.project is None:
        return False
    if work.project == view.facts.only_project or asked_now(view, work) is not None:
        return True
    event = ready_event(view, work.project)
    if event is None:
        return False
    place = view.facts.places.get(event)
    return _since(view, work) <= (place.night if place else view.today)


def asked_now(view: View, work: Work) -> Decision | None:
    """A person's word, still in force, to bill the work's project out of cycle."""
    if work.project is None:
        return None
    decision = view.decided.last("bill", f"project/{work.project[0]}/{work.project[1]}")
    in_force = decision and view.today <= (decision.until or decision.at.date() + timedelta(days=1))
    return decision if in_force else None


def ready_event(view: View, project: tuple[str, str]) -> str | None:
    """The identity of a project's present "ready for billing" occurrence."""
    seen = view.projects.get(project)
    record = seen.record if seen and seen.vanished is None else None
    if isinstance(record, Project) and record.ready_to_bill:
        return f"project/{project[0]}/{project[1]}/{record.ready_to_bill}"
    return None


def ready_events(view: View) -> Iterable[tuple[str, str]]:
    """All present occurrences, with a contract each that they belong to."""
    for project, feeding in sorted(view.feeds.items(), key=lambda item: item[0]):
        event = ready_event(view, project)
        if event is not None:
            yield event, min(contract.id for contract, _ in feeding)


def period_of(view: View, group: Group) -> str:
    """The period in the document's key: a month or a week; "" where the group is billed as it happens."""
    for contract in group.contracts:
        if contract.billing.period in ("weekly", "monthly"):
            return period_key(contract.billing, view.today)
    return ""
