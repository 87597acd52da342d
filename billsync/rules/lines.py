"""The schedule of values as work: milestone, dated, progress, threshold and manual lines, each with what it is worth.

A line counts from the signature of the contract or change order that brings it. Finished work on an unsigned line is a
finding and is not earned. A line that a change order took out stands where it was done before that was signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from billsync.model.contract import Contract, LineKind, ScheduleLine
from billsync.model.statement import NotEarned
from billsync.model.work import Milestone, Observation, SourceKey
from billsync.rules import because
from billsync.rules.line_amounts import amount_of, unsigned_amount
from billsync.rules.match import unvalued
from billsync.rules.measures import in_words, measured, reached_on
from billsync.rules.milestones import Matched, dated_ahead, matched, missing
from billsync.rules.rating import Counted
from billsync.rules.schedule import PlacedLine, dated_occurrences, lines_in_force, progress
from billsync.rules.sourced_terms import terms_evidence
from billsync.rules.view import View, Work, evidence_of

_LOOK_AHEAD: Final = timedelta(days=400)
"""How far the next day of a repeated line is looked for: more than a year."""


class ScheduleOfValues:
    """The schedule of one contract tonight. `used`: the milestones that its lines mean, whatever became of them."""

    def __init__(self, view: View, contract: Contract, counted: Counted) -> None:
        self.view = view
        self.contract = contract
        self.counted = counted
        self.used: set[SourceKey] = set()

    def work(self) -> list[Work]:
        """Work of every line that is earned; open lines and unsigned ones go to `view.found`."""
        lines = lines_in_force(self.contract, self.view.today)
        works = [work for placed in (*lines.signed, *lines.removed) for work in self._of(placed)]
        for placed in lines.unsigned:
            self._unsigned(placed)
        return works

    def identity(self, line: ScheduleLine, on: date | None = None) -> str:
        """The identity of a line; of one of its days where it is repeated."""
        return f"{self.contract.id}/line/{line.id}" + (f"/{on.isoformat()}" if on else "")

    def _of(self, placed: PlacedLine) -> Iterator[Work]:
        kind = placed.line.trigger.kind
        if kind == "dated":
            yield from self._dated(placed)
            return
        work = {
            "milestone": self._milestone,
            "progress": self._progress,
            "threshold": self._threshold,
            "manual": self._manual,
        }[kind](placed)
        if work is not None:
            yield work

    def _milestone(self, placed: PlacedLine) -> Work | None:
        line = placed.line
        identity = self.identity(line)
        found = self._matched(line, identity)
        if found is None or found.done_on is None:
            return self._not_done(placed, identity, found)
        if placed.removed_on and found.done_on >= placed.removed_on:
            self._taken_out(found)
            return None
        if found.reopened:
            text = f"{line.name}: billed, and open again at the source; its last finished version stands"
            self.view.say("reopened", identity, text, on=found.done_on)
        value = self._amount(placed, max(found.done_on, placed.since or found.done_on), found.record)
        if value is None:
            self._amount_missing(placed, identity, found)
            return None
        work = self._work(placed, identity, "milestone", value, found.done_on)
        cause = "deleted" if found.gone else missing(line.requires, found.record, work.purchase_order)
        reason = f"{found.record.name} done on {found.done_on}"
        return self._seen(replace(work, cause=cause, stands=found.reopened, because=(reason, *work.because)), found)

    def _dated(self, placed: PlacedLine) -> Iterator[Work]:
        trigger = placed.line.trigger
        last = self.view.today if placed.removed_on is None else placed.removed_on - timedelta(days=1)
        for on in dated_occurrences(trigger, min(last, self.view.today)):
            identity = self.identity(placed.line, on if trigger.every else None)
            value = self._amount(placed, max(on, placed.since or on), None)
            if value is None:
                self._say_no_amount(placed, identity, on)
                continue
            work = self._work(placed, identity, "dated", value, on)
            cause = missing(placed.line.requires, None, work.purchase_order)
            name = f"{work.name}, {on}" if trigger.every else work.name
            yield replace(work, name=name, cause=cause, because=(f"due on {on}", *work.because))
        if placed.removed_on is None:
            self._next_day(placed)

    def _next_day(self, placed: PlacedLine) -> None:
        today = self.view.today
        first = placed.line.trigger.on
        ahead = [day for day in dated_occurrences(placed.line.trigger, today + _LOOK_AHEAD) if day > today]
        if ahead or (first and first > today):
            self._not_earned(placed, "future", due_on=min(ahead) if ahead else first)

    def _progress(self, placed: PlacedLine) -> Work | None:
        identity = self.identity(placed.line)
        found = self._matched(placed.line, identity)
        billed = self.view.standings.value(identity, self.contract.id)
        value = self._amount(placed, self.view.today, found.record if found else None)
        percent = measured(self.view, self.contract, placed.line, found, self.counted)
        if value is None or percent is None or placed.removed_on is not None:
            return self._not_done(placed, identity, found)
        done = progress(value, percent, billed, self.contract.rounding)
        for code in done.findings:
            figures = f"{in_words(percent)} done, {because.amount(billed, self.contract.currency)} billed"
            self.view.say(code, identity, f"{placed.line.name}: {figures}")
        if done.earned == 0 and not self.view.standings.begun(identity, self.contract.id):
            self._open(placed, found)
            return None
        on = (found.record.completed_on or found.version.first_seen.date()) if found else self.view.today
        work = self._work(placed, identity, "progress", done.earned, min(on, self.view.today))
        needed = missing(placed.line.requires, found.record if found else None, work.purchase_order)
        cause = "deleted" if found and found.gone else needed
        reason = f"{in_words(percent)} of {because.amount(value, self.contract.currency)}"
        return self._seen(replace(work, cause=cause, because=(reason, *work.because)), found)

    def _threshold(self, placed: PlacedLine) -> Work | None:
        identity = self.identity(placed.line)
        on = reached_on(self.view, self.contract, placed.line.trigger, self.counted)
        if on is None or (placed.removed_on and on >= placed.removed_on):
            return self._not_done(placed, identity, None)
        value = self._amount(placed, max(on, placed.since or on), None)
        if value is None:
            self._say_no_amount(placed, identity, on)
            return None
        work = self._work(placed, identity, "threshold", value, on)
        cause = missing(placed.line.requires, None, work.purchase_order)
        return replace(work, cause=cause, because=(f"threshold reached on {on}", *work.because))

    def _manual(self, placed: PlacedLine) -> Work | None:
        identity = self.identity(placed.line)
        decision = self.view.decided.last("bill", identity)
        if decision is None:
            return self._not_done(placed, identity, None)
        on = min(decision.at.date(), self.view.today)
        value = decision.amount if decision.amount is not None else self._amount(placed, on, None)
        if value is None:
            self._say_no_amount(placed, identity, on)
            return None
        work = self._work(placed, identity, "manual", value, on)
        said = f"{decision.person}: {decision.reason}"
        return replace(work, decision=decision.id, because=(said, *work.because))

    def _matched(self, line: ScheduleLine, identity: str) -> Matched | None:
        trigger = line.trigger
        found, candidates = matched(self.view, self.contract, trigger.match, trigger.complete, identity)
        self.used |= {seen.key for seen in candidates}
        if found is None and len(candidates) > 1:
            names = ", ".join(str(seen.key) for seen in candidates)
            self.view.say(
                "lookalike", identity, f"{line.name}: several milestones of that name: {names}; name one by id"
            )
        return found

    def _amount(self, placed: PlacedLine, on: date, record: Milestone | None) -> int | None:
        return amount_of(self.contract, placed, on, record)

    def _work(self, placed: PlacedLine, identity: str, kind: LineKind, value: int, on: date) -> Work:
        line, contract = placed.line, self.contract
        why = [f"line {line.id}: {because.amount(value, contract.currency)}"]
        if line.percent is not None:
            why = [f"{because.percent(line.percent)} of the value in force: {because.amount(value, contract.currency)}"]
        if placed.change:
            why.append(f"change order {placed.change.id}, signed {placed.change.signed_on}")
        terms = terms_evidence(contract, placed)
        why += [f"terms of {one.key}, version {one.version[:12]}" for one in terms]
        return Work(
            identity=identity,
            kind=kind,
            contract=contract,
            name=line.name,
            value=value,
            done_on=on,
            project=(contract.projects[0].account, contract.projects[0].id) if contract.projects else None,
            project_name=self._project_name(),
            purchase_order=line.purchase_order or contract.purchase_order,
            line=line,
            evidence=terms,
            because=tuple(why),
        )

    def _project_name(self) -> str:
        projects = self.contract.projects
        return self.view.project_name((projects[0].account, projects[0].id)) if projects else ""

    def _seen(self, work: Work, found: Matched | None) -> Work:
        """The work with the milestone's version as its evidence."""
        if found is None:
            return work
        project = (found.seen.key.account, found.record.project)
        return replace(
            work,
            key=found.seen.key,
            evidence=(*evidence_of(found.version), *work.evidence),
            project=project,
            project_name=self.view.project_name(project),
        )

    def _stands(self, placed: PlacedLine, identity: str) -> Work | None:
        """A line that was billed and is not done by any version we know: what was billed stands."""
        if not self.view.standings.begun(identity, self.contract.id):
            return None
        kind: LineKind = placed.line.trigger.kind
        value = self.view.standings.value(identity, self.contract.id)
        if placed.removed_on is None and kind != "threshold":
            text = f"{placed.line.name}: billed, and not done any more at the source; what was billed stands"
            self.view.say("reopened", identity, text)
        return replace(self._work(placed, identity, kind, value, self.view.today), done_on=None, stands=True)

    def _not_done(self, placed: PlacedLine, identity: str, found: Matched | None) -> Work | None:
        """What was billed stands; else the line is open."""
        stands = self._stands(placed, identity)
        if stands is None:
            self._open(placed, found)
        return stands

    def _open(self, placed: PlacedLine, found: Matched | None) -> None:
        if placed.removed_on is None:
            ahead = found is not None and dated_ahead(self.view, found.seen, placed.line.trigger.complete)
            self._not_earned(placed, "future" if ahead else "open_milestone", found=found)
        elif found is not None:
            self._taken_out(found)

    def _taken_out(self, found: Matched) -> None:
        self.view.found.not_valued.append(
            unvalued(self.view, found.seen, "not_billable", "not_billable", self.contract)
        )

    def _say_no_amount(self, placed: PlacedLine, identity: str, on: date) -> None:
        text = f"{placed.line.name}: neither an amount nor a contract value to take a percent of"
        self.view.say("amount_missing", identity, text, on=on)

    def _amount_missing(self, placed: PlacedLine, identity: str, found: Matched) -> None:
        text = f"{placed.line.name}: done, and it has no amount at the source in {self.contract.currency}"
        self.view.say("amount_missing", identity, text, on=found.done_on)
        self.view.found.not_valued.append(unvalued(self.view, found.seen, "unrated", "amount_missing", self.contract))

    def _unsigned(self, placed: PlacedLine) -> None:
        """Not worth anything yet. What is finished of it is a finding, unless it is signed and counts from later on."""
        line, view = placed.line, self.view
        code = "change_order_unsigned" if placed.change else "contract_unsigned"
        found = self._matched(line, self.identity(line))
        done_on = found.done_on if found else None
        if line.trigger.kind == "dated":
            done_on = next(iter(dated_occurrences(line.trigger, view.today)), None)
        agreed = (placed.change.signed_on if placed.change else self.contract.signature.on) is not None
        if agreed or done_on is None or done_on > view.today:
            self._not_earned(placed, "future" if agreed else "open_milestone", found=found)
            return
        amount = unsigned_amount(self.contract, placed, self.view.today, found.record if found else None)
        what = f"change order {placed.change.id}" if placed.change else f"contract {self.contract.id}"
        text = f"{line.name}: done on {done_on}, and {what} is not signed"
        view.say(code, self.identity(line), text, on=done_on, amount=amount, currency=self.contract.currency)
        self._not_earned(placed, code, found=found, amount=amount)

    def _not_earned(
        self,
        placed: PlacedLine,
        cause: str,
        *,
        found: Matched | None = None,
        due_on: date | None = None,
        amount: int | None = None,
    ) -> None:
        line, view = placed.line, self.view
        planned: date | None = due_on or line.planned_on
        if planned is None and found is not None:
            planned = found.record.due_on
        seen: Observation | None = found.seen if found else None
        if amount is None:
            amount = self._amount(placed, view.today, found.record if found else None)
        view.found.not_earned.append(
            NotEarned(
                key=seen.key if seen else None,
                identity=self.identity(line),
                name=line.name,
                project=self._project_name(),
                contract=self.contract.id,
                cause=cause,
                owner=view.owner(cause),
                due_on=planned,
                amount=amount
                if amount is not None
                else self._amount(placed, view.today, found.record if found else None),
                currency=self.contract.currency,
            )
        )
