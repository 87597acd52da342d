"""What should have happened and did not: the findings that no record shows.

A planned date that passed, hours on a closed project, a billable person who logs nothing, a client who is billed by
the month and was not. Finished work without acceptance, and hours on an unmapped project, are found where they occur.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from billsync.model.contract import Contract
from billsync.model.work import Project, TimeEntry
from billsync.rules.match import hours_of
from billsync.rules.periods import billing_day
from billsync.rules.schedule import signed_by
from billsync.rules.unknown import unknown
from billsync.rules.view import View, identity_of, label_of

SILENT_AFTER: Final = timedelta(days=10)
"""More than a week with a weekend at both ends."""


def absences(view: View) -> None:
    """Add the findings of what is missing."""
    _planned_dates(view)
    _closed_projects(view)
    _silent_persons(view)
    _unbilled_clients(view)


def _planned_dates(view: View) -> None:
    for one in view.found.not_earned:
        if one.cause == "open_milestone" and one.due_on is not None and one.due_on < view.today:
            text = f"{one.name}: planned for {one.due_on}, and not done"
            view.say("planned_date_passed", one.identity, text, on=one.due_on, amount=one.amount, currency=one.currency)


def _closed_projects(view: View) -> None:
    """Hours that came in after the source had closed their project."""
    for seen in view.records:
        record = seen.record
        if not isinstance(record, TimeEntry) or seen.vanished is not None:
            continue
        project = view.projects.get((seen.key.account, record.project))
        closed = project.record if project else None
        if project is None or not isinstance(closed, Project) or not closed.closed:
            continue
        if seen.first_seen > project.first_seen and not view.standings.contracts(identity_of(seen.key)):
            text = f"{label_of(view, seen)}: {hours_of(record)} h on {closed.name}, which is closed"
            view.say("hours_on_closed_project", identity_of(seen.key), text, on=record.worked_on)


def _silent_persons(view: View) -> None:
    """Persons who logged time lately, and nothing in the last ten days, on any account."""
    unknown_now = {(one.account, one.kind) for one in unknown(view)}
    last: dict[str, date] = {}
    for there, worked in view.facts.last_worked.items():
        account, _, person = there.partition(":")
        if (account, "time") in unknown_now:
            continue  # nobody is silent where we do not know what was said
        known = view.person(account, person)
        last[known] = max(worked, last.get(known, worked))
    for person, worked in sorted(last.items()):
        if view.today - worked > SILENT_AFTER:
            view.say("person_silent", person, f"{person} logs no time since {worked}", on=worked)


def _unbilled_clients(view: View) -> None:
    """Contracts billed by the month of which the last billing day passed without a document."""
    for contract in view.contracts.values():
        if contract.billing.period != "monthly" or not _runs(view, contract):
            continue
        day = billing_day(contract.billing, view.today)
        last = view.facts.last_billed.get(contract.id) or _began(contract)
        if day < view.today and last is not None and last < day:
            text = f"{contract.client}: {contract.id} is billed monthly, and nothing was billed since {last}"
            view.say("client_not_billed", contract.id, text, on=day)


def _began(contract: Contract) -> date | None:
    """The day from which billsync answers for the contract's bills."""
    days = (contract.opening_before, contract.starts_on, contract.signature.on)
    return max((day for day in days if day is not None), default=None)


def _runs(view: View, contract: Contract) -> bool:
    ended = contract.ends_on is not None and contract.ends_on < view.today
    return not ended and signed_by(contract, view.today)
