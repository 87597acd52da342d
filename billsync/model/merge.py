"""What is written and what one source after the other tells, made one contract; see merging.py.

Each disagreement is a sentence with both figures, and names what waits until a person has settled it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from billsync.model.contract import (
    Contract,
    ContractChange,
    MilestoneMatch,
    Origin,
    ProjectRef,
    ScheduleLine,
    Signature,
    Trigger,
)
from billsync.model.money import exact_minor, grouped
from billsync.model.sourced import Holds, TermsFrom, TermsSource, TermsTold, TermsTrouble, TermsVersion
from billsync.model.work import ChangeOrder, ContractTerms, Observation, SourceKey, TermsLine

_NOWHERE: Final = Origin()


def stable(name: str) -> str:
    """A source's id as a part of an identity, in which '/' parts."""
    return name.replace("/", "-")


class Merge:
    """The contract as far as it is said, source after source."""

    def __init__(self, written: Contract, terms_from: TermsFrom) -> None:
        self.contract = written
        self.terms_from = terms_from
        self.stated = written.signature.required
        self.written_lines = bool(written.lines)
        self.changes = {one.id: one for one in written.change_orders}
        self.unsaid = {one.id for one in written.change_orders if one.signed_on is None} - terms_from.pending
        self.versions: list[TermsVersion] = []
        self.because: list[str] = []
        self.troubles: list[TermsTrouble] = []
        self.said_at: dict[str, str] = {}
        """Term -> where it was said first; what is not here stands in the configuration."""

    def trouble(
        self,
        code: str,
        text: str,
        holds: Holds,
        *,
        lines: Iterable[str] = (),
        amount: int | None = None,
        where: Origin = _NOWHERE,
        subject: str = "",
    ) -> None:
        """Note what a person must settle."""
        self.troubles.append(
            TermsTrouble(
                code=code,
                text=text,
                holds=holds,
                lines=frozenset(lines),
                amount=None if amount is None else abs(amount),
                where=where,
                subject=subject,
            )
        )

    def take(self, source: TermsSource, seen: Observation, record: ContractTerms) -> None:
        """What one record says of the contract itself."""
        self.versions.append(TermsVersion(key=seen.key, version=seen.version))
        if seen.vanished is not None:
            self.trouble("contract_gone", f"{seen.key} is gone at its source; its terms stand as last seen", "all")
        client = self.terms_from.client.get(source.account)
        if client is not None and client != record.client:
            self._differs(f"{seen.key} is {record.client}'s, the client is {client!r} there", "all")
        if record.currency != self.contract.currency:
            text = f"{seen.key} is in {record.currency}, the contract in {self.contract.currency}"
            self._differs(text, "all", where=self._place("currency"))
            return
        self._projects(source, record)
        self._value(seen.key, record)
        self._signature(seen.key, record)
        self._lines(source, seen.key, record)
        if record.documents:
            self.because.append(f"{seen.key}: documents {', '.join(record.documents)}")

    def _projects(self, source: TermsSource, record: ContractTerms) -> None:
        if not self.contract.projects and record.project:
            ref = ProjectRef(account=source.projects or source.account, id=record.project)
            self.contract = replace(self.contract, projects=(ref,))

    def _value(self, key: SourceKey, record: ContractTerms) -> None:
        told, said = self._minor(key, record.value), self.contract.value
        if told is None:
            return
        if said is None:
            self.contract = replace(self.contract, value=told)
            self.said_at["value"] = f"at {key}"
            self.because.append(f"{key}: value {self._money(told)}")
        elif said != told:
            text = f"value {self._money(said)} {self._said('value')}, {self._money(told)} at {key}"
            self._differs(text, "schedule", amount=told - said, where=self._place("value"))

    def _signature(self, key: SourceKey, record: ContractTerms) -> None:
        words = _signed(record.signed_on)
        if not self.stated:
            self.stated = True
            self.said_at["signed"] = f"at {key}"
            self.contract = replace(self.contract, signature=Signature(required=True, on=record.signed_on))
            self.because.append(f"{key}: {words}")
        elif self.contract.signature.on != record.signed_on:
            said = f"{_signed(self.contract.signature.on)} {self._said('signed')}"
            self._differs(f"{said}, {words} at {key}", "all", where=self._place("signed"))

    def _lines(self, source: TermsSource, key: SourceKey, record: ContractTerms) -> None:
        if self.contract.lines:
            lines = self._filled(self.contract.lines, key, record.lines, "")
        else:
            lines = self._new_lines(source, key, record.lines, "")
            if lines:
                self.said_at["lines"] = f"at {key}"
                self.because.append(f"{key}: {len(lines)} lines")
        self.contract = replace(self.contract, lines=lines)

    def orders(self, source: TermsSource, seen: Iterable[Observation]) -> None:
        """Change orders of the contract at one source. One that was never signed and is gone was never agreed."""
        for one in sorted(seen, key=lambda one: one.key.id):
            record = one.record
            if isinstance(record, ChangeOrder) and not (one.vanished is not None and record.signed_on is None):
                self._order(source, one, record)

    def _order(self, source: TermsSource, seen: Observation, record: ChangeOrder) -> None:
        name, key = stable(record.id), seen.key
        self.versions.append(TermsVersion(key=key, version=seen.version))
        told = self._minor(key, record.value) if record.currency == self.contract.currency else None
        if record.currency != self.contract.currency:
            text = f"{key} is in {record.currency}, the contract in {self.contract.currency}"
            self._differs(text, "lines", lines=self._touched(name), subject=name)
        if told is None:
            return
        known = self.changes.get(name)
        if known is None:
            self.changes[name] = self._new_order(source, key, record, name, told)
        else:
            self._known_order(source, known, key, record, told)
        change = self.changes[name]
        if seen.vanished is not None:
            text = f"{key} is gone at its source; its terms stand as last seen"
            self.trouble("contract_gone", text, "lines", lines=self._touched(name), subject=name)
        if change.signed_on is None and not change.lines:
            text = f"{change.name}: change order {name} is not signed"
            self.trouble("change_order_unsigned", text, "nothing", amount=change.value, subject=name)

    def _new_order(
        self, source: TermsSource, key: SourceKey, record: ChangeOrder, name: str, value: int
    ) -> ContractChange:
        self.said_at[name] = f"at {key}"
        self.because.append(f"{key}: {self._money(value)}, {_signed(record.signed_on)}")
        return ContractChange(
            id=name,
            name=record.name,
            value=value,
            signed_on=record.signed_on,
            effective_on=record.effective_on,
            lines=self._order_lines(source, key, record, name, value),
            document=record.documents[0] if record.documents else None,
        )

    def _order_lines(
        self, source: TermsSource, key: SourceKey, record: ChangeOrder, name: str, value: int
    ) -> tuple[ScheduleLine, ...]:
        lines = self._new_lines(source, key, record.lines, f"{name}-")
        if not lines and source.lines == "milestone_name":
            match = MilestoneMatch(name=record.name)
            trigger = Trigger(kind="milestone", match=match)
            return (ScheduleLine(id=name, name=record.name, trigger=trigger, amount=value),)
        total = _sum(lines, value)
        if lines and total is not None and total != value:
            text = f"the lines of {key} sum to {self._money(int(total))}, not to its value {self._money(value)}"
            ids = [line.id for line in lines]
            self._differs(text, "lines", lines=ids, amount=int(total) - value, subject=name)
        return lines

    def _known_order(
        self, source: TermsSource, known: ContractChange, key: SourceKey, record: ChangeOrder, told: int
    ) -> None:
        name, said = known.id, self._said(known.id)
        if known.value != told:
            text = f"change order {name}: {self._money(known.value)} {said}, {self._money(told)} at {key}"
            self._order_differs(known, text, told - known.value)
        if name in self.unsaid:
            self.unsaid.discard(name)
            known = replace(known, signed_on=record.signed_on)
            self.because.append(f"{key}: {_signed(record.signed_on)}")
        elif known.signed_on != record.signed_on:
            words = f"{_signed(known.signed_on)} {said}, {_signed(record.signed_on)} at {key}"
            self._order_differs(known, f"change order {name}: {words}", None)
        lines = self._filled(known.lines, key, record.lines, f"{name}-") if known.lines else ()
        self.changes[name] = replace(
            known,
            effective_on=known.effective_on or record.effective_on,
            lines=lines or self._order_lines(source, key, record, name, known.value),
            document=known.document or (record.documents[0] if record.documents else None),
        )

    def _order_differs(self, change: ContractChange, text: str, amount: int | None) -> None:
        self._differs(
            text, "lines", lines=self._touched(change.id), amount=amount, where=change.origin, subject=change.id
        )

    def _touched(self, change: str) -> frozenset[str]:
        """The lines that are worth something else if this change order is: its own, and every percent of the value."""
        own = self.changes[change].lines if change in self.changes else ()
        return frozenset([*(line.id for line in own), *(line.id for line in self.contract.lines if line.percent)])

    def _filled(
        self, lines: Sequence[ScheduleLine], key: SourceKey, told: Sequence[TermsLine], prefix: str
    ) -> tuple[ScheduleLine, ...]:
        """The lines that are said, with amounts from the source where none is said; what it has beside them is told
        where it has some of them."""
        by_id = {prefix + stable(one.id): one for one in told} | {stable(one.id): one for one in told}
        used = [by_id[line.id].id for line in lines if line.id in by_id]
        beside = [one for one in told if one.id not in used]
        if used and beside:
            names = ", ".join(one.name for one in beside)
            self._differs(f"lines at {key} that stand in no line of the schedule: {names}; not billed", "nothing")
        return tuple(self._fill(line, by_id[line.id], key) if line.id in by_id else line for line in lines)

    def _fill(self, line: ScheduleLine, told: TermsLine, key: SourceKey) -> ScheduleLine:
        amount = self._minor(key, told.amount) if told.amount is not None else None
        if line.amount is None and line.percent is None:
            return replace(line, amount=amount, percent=None if amount is not None else told.percent)
        said_at = self._said("lines")
        if line.amount is not None and amount is not None and line.amount != amount:
            text = f"line {line.id}: {self._money(line.amount)} {said_at}, {self._money(amount)} at {key}"
            self._differs(text, "lines", lines=[line.id], amount=amount - line.amount, where=line.origin)
        on = line.trigger.on if line.trigger.every is None else None
        for said, there in ((line.percent, told.percent), (on, told.on)):
            if said is not None and there is not None and said != there:
                text = f"line {line.id}: {said} {said_at}, {there} at {key}"
                self._differs(text, "lines", lines=[line.id], where=line.origin)
        return line

    def _new_lines(
        self, source: TermsSource, key: SourceKey, told: Sequence[TermsLine], prefix: str
    ) -> tuple[ScheduleLine, ...]:
        made = [
            ScheduleLine(
                id=prefix + stable(one.id),
                name=one.name,
                trigger=_trigger(source, one),
                amount=self._minor(key, one.amount) if one.amount is not None else None,
                percent=one.percent if one.amount is None else None,
            )
            for one in told
        ]
        ids = [line.id for line in made]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            self._differs(f"lines at {key} that stand twice: {', '.join(twice)}", "all")
        return tuple(made)

    def made(self) -> Contract:
        """The contract, with what it rests on."""
        if not self.stated:  # no source has said that anybody signed
            self.contract = replace(self.contract, signature=Signature(required=True))
        contract = replace(self.contract, change_orders=tuple(self.changes[name] for name in self._in_order()))
        total = _sum(contract.lines, contract.value)
        if contract.value is not None and contract.lines and total is not None and total != contract.value:
            text = f"the lines sum to {self._money(int(total))}, not to the value {self._money(contract.value)}"
            self._differs(text, "schedule", amount=int(total) - contract.value, where=self._place("value"))
        told = TermsTold(
            versions=tuple(self.versions),
            because=tuple(self.because),
            troubles=tuple(self.troubles),
            created=contract.told is not None and contract.told.created,
        )
        return replace(contract, told=told)

    def _in_order(self) -> list[str]:
        """Written ones as written; then those of sources, by signature and id."""
        written = [one.id for one in self.contract.change_orders]
        others = [one for one in self.changes.values() if one.id not in written]
        others.sort(key=lambda one: (one.signed_on is None, str(one.signed_on), one.id))
        return [*written, *(one.id for one in others)]

    def _differs(
        self,
        text: str,
        holds: Holds,
        *,
        lines: Iterable[str] = (),
        amount: int | None = None,
        where: Origin = _NOWHERE,
        subject: str = "",
    ) -> None:
        self.trouble("contract_differs", text, holds, lines=lines, amount=amount, where=where, subject=subject)

    def _minor(self, key: SourceKey, amount: Decimal) -> int | None:
        try:
            return exact_minor(amount, self.contract.currency)
        except ValueError as error:
            self._differs(f"{key}: {error}", "all")
            return None

    def _money(self, minor: int) -> str:
        return f"{self.contract.currency} {grouped(minor, self.contract.currency)}"

    def _said(self, term: str) -> str:
        return self.said_at.get(term, "as written")

    def _place(self, term: str) -> Origin:
        return self.terms_from.places.get(term, _NOWHERE)


def _signed(on: date | None) -> str:
    return f"signed on {on}" if on else "not signed"


def _trigger(source: TermsSource, line: TermsLine) -> Trigger:
    if line.on is not None:
        return Trigger(kind="dated", on=line.on)
    if line.milestone is not None:
        return Trigger(kind="milestone", match=MilestoneMatch(id=line.milestone))
    if source.lines == "milestone_name":
        return Trigger(kind="milestone", match=MilestoneMatch(name=line.name))
    return Trigger(kind="manual")


def _sum(lines: Sequence[ScheduleLine], value: int | None) -> Fraction | None:
    """Minor units of all lines; None where one is not known beforehand or comes again and again."""
    total = Fraction(0)
    for line in lines:
        if line.trigger.every is not None or (line.amount is None and (line.percent is None or value is None)):
            return None
        total += line.amount if line.amount is not None else Fraction(line.percent or 0) * (value or 0) / 100
    return total
