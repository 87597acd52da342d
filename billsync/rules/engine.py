"""One night, worked out: from the facts to items, findings, drafts and the statement. Same facts, same cents.

    match -> rate in the order of places -> schedule of values -> settle against what was billed -> gates -> drafts
    -> statement

Pure: no clock, no file, no network. Nothing here knows a vendor.
"""

from __future__ import annotations

from collections import defaultdict

from billsync.model.book import Facts
from billsync.model.statement import Evaluation
from billsync.model.work import SourceKey
from billsync.rules.absence import absences
from billsync.rules.credits import credits, wait_for_credits
from billsync.rules.documents import say_documents, say_under_way
from billsync.rules.drafts import documents
from billsync.rules.gates import Gatekeeper
from billsync.rules.groups import ready_events
from billsync.rules.lines import ScheduleOfValues
from billsync.rules.match import Entry, entries
from billsync.rules.order import left_places, new_places
from billsync.rules.posted import say_open, settled_by_hand
from billsync.rules.rating import rate
from billsync.rules.release import Retainage
from billsync.rules.resting import resting
from billsync.rules.settle import settle
from billsync.rules.sourced_terms import SourcedTerms
from billsync.rules.statement import items_of, statement
from billsync.rules.unknown import unknown
from billsync.rules.unscheduled import leftovers, loose_milestones, manual_work
from billsync.rules.view import View, Work


def evaluate(facts: Facts) -> Evaluation:
    """The whole answer for one night. Raises LedgerError if the statement does not balance, which is a defect."""
    view = View(facts)
    retainage = {name: Retainage(view, contract) for name, contract in view.contracts.items()}
    works = _works(view, retainage)
    gatekeeper = Gatekeeper(view, works)
    shares = settle(view, works, gatekeeper)
    for share in shares:
        retainage.setdefault(share.work.contract.id, Retainage(view, share.work.contract))
    asked = list(credits(view, shares))
    wait_for_credits(asked, shares)
    made = documents(view, shares, asked, retainage)
    troubles = say_documents(view, shares)
    items = items_of(view, shares, troubles)
    say_under_way(view, items)
    say_open(view, shares, gatekeeper)
    absences(view)
    SourcedTerms(view).say()
    events = [(event, name) for name, kept in retainage.items() for event in kept.events] + [*ready_events(view)]
    earned = [work for work in works if work.cause != "moved"]
    found = view.found
    return Evaluation(
        items=tuple(items),
        not_valued=tuple(sorted(found.not_valued, key=lambda one: str(one.key))),
        not_earned=tuple(sorted(found.not_earned, key=lambda one: (one.contract, one.identity))),
        unknown=unknown(view),
        findings=tuple(sorted(found.findings, key=lambda one: (one.code, one.identity, one.text))),
        statement=statement(items, shares, facts.settled),
        drafts=tuple(made.drafts),
        held_drafts=tuple(made.held),
        places=new_places(view, earned, events),
        left=left_places(view, earned, events),
        resting=resting(view, shares, troubles),
        postings=settled_by_hand(view, shares),
    )


def _works(view: View, retainage: dict[str, Retainage]) -> list[Work]:
    """All work that is earned: time and expenses first, because thresholds and budgets count them."""
    queued: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(view):
        queued[entry.contract.id].append(entry)
    works: list[Work] = []
    used: set[SourceKey] = set()
    for name, contract in view.contracts.items():
        rated, counted = rate(view, contract, queued[name])
        schedule = ScheduleOfValues(view, contract, counted)
        works += [*rated, *schedule.work(), *manual_work(view, contract)]
        used |= schedule.used | retainage[name].used
    works += loose_milestones(view, used)
    works += leftovers(view, works)
    return works
