"""From written lines, triggers, conditions and change orders to the model's: amounts become minor units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from billsync.config.contracts import (
    ChangeOrderEntry,
    ConditionEntry,
    ContractEntry,
    LineEntry,
    MilestoneEntry,
    ReleaseEntry,
    ThresholdEntry,
)
from billsync.config.problems import Problems
from billsync.model.contract import (
    COMPLETED,
    Condition,
    ContractChange,
    HoldbackRelease,
    MilestoneMatch,
    Origin,
    ScheduleLine,
    Trigger,
)
from billsync.model.money import allocate, exact_minor

ProgressOf = Literal["milestone", "units", "project", "budget"]
TRIGGERS = ("milestone", "on", "progress", "threshold", "manual")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The contract that is being resolved: its currency, and where mistakes are noted."""

    contract: str
    currency: str
    problems: Problems
    sourced: bool = False
    """Its terms come from a source too: what is not written may be told."""

    def minor(self, amount: Decimal, where: Origin) -> int:
        """Minor units; an amount with too many decimals is a mistake."""
        try:
            return exact_minor(amount, self.currency)
        except ValueError as error:
            self.problems.add(f"contract {self.contract!r}: {error}", where, "write the exact amount")
            return 0

    def optional(self, amount: Decimal | None, where: Origin) -> int | None:
        """Minor units, or None where nothing is written."""
        return None if amount is None else self.minor(amount, where)

    def mistake(self, what: str, where: Origin, hint: str = "") -> None:
        """Note a mistake of this contract."""
        self.problems.add(f"contract {self.contract!r}: {what}", where, hint)


def schedule(entry: ContractEntry, scope: Scope) -> tuple[ScheduleLine, ...]:
    """The lines of the schedule of values."""
    return tuple(line(written, scope) for written in entry.schedule)


def line(entry: LineEntry, scope: Scope) -> ScheduleLine:
    """One line; both an amount and a percentage, or no trigger or two, are mistakes."""
    if entry.amount is not None and entry.percent is not None:
        scope.mistake(f"line {entry.id!r} has an amount and a percent", entry.where("percent"), "keep one of them")
    made = trigger(entry, scope)
    if entry.amount is None and entry.percent is None and made.kind != "milestone" and not scope.sourced:
        scope.mistake(
            f"line {entry.id!r} has neither amount nor percent",
            entry.origin,
            "only a line that is due with a milestone can take the milestone's own amount",
        )
    name = entry.name or (entry.milestone.name if entry.milestone else None) or entry.id
    return ScheduleLine(
        id=entry.id,
        name=name,
        trigger=made,
        amount=scope.optional(entry.amount, entry.where("amount")),
        percent=entry.percent,
        requires=frozenset(entry.requires),
        purchase_order=entry.purchase_order,
        planned_on=entry.planned,
        template=entry.template,
        item=entry.item,
        origin=entry.origin,
    )


def trigger(entry: LineEntry, scope: Scope) -> Trigger:
    """What makes the line due."""
    named = [name for name in TRIGGERS if getattr(entry, name) is not None]
    if not named:
        scope.mistake(f"line {entry.id!r} does not say when it is due", entry.origin, f"give it {_or(TRIGGERS)}")
    if len(named) > 1 and named != ["milestone", "progress"]:
        scope.mistake(
            f"line {entry.id!r} is due in {len(named)} ways: {', '.join(named)}", entry.where(named[1]), "keep one"
        )
    _check_companions(entry, scope)
    complete = condition(entry.complete)
    if entry.progress is not None:
        return _progress(entry, complete, scope)
    if entry.threshold is not None:
        return _threshold(entry.id, entry.threshold, scope)
    if entry.on is not None:
        return Trigger(kind="dated", on=entry.on, every=entry.every, until=entry.until)
    if entry.milestone is not None:
        return Trigger(kind="milestone", match=match(entry.milestone, scope), complete=complete)
    return Trigger(kind="manual")


def _check_companions(entry: LineEntry, scope: Scope) -> None:
    """Keys that say something only beside another one."""
    for key, beside in (("every", "on"), ("until", "every"), ("complete", "milestone")):
        if getattr(entry, key) is not None and getattr(entry, beside) is None:
            scope.mistake(f"line {entry.id!r}: `{key}` means nothing without `{beside}`", entry.where(key))
    if entry.on and entry.until and entry.until < entry.on:
        scope.mistake(f"line {entry.id!r} ends before it begins", entry.where("until"), "`until` is the last date")


def _progress(entry: LineEntry, complete: Condition, scope: Scope) -> Trigger:
    of: dict[str, ProgressOf] = {"percent": "milestone", "units": "units", "project": "project", "budget": "budget"}
    if entry.progress in ("percent", "units") and entry.milestone is None:
        scope.mistake(
            f"line {entry.id!r}: progress in {entry.progress} is a milestone's, and none is named",
            entry.where("progress"),
            "add `milestone:`, or measure `project` or `budget`",
        )
    if entry.progress in ("project", "budget") and entry.milestone is not None:
        scope.mistake(
            f"line {entry.id!r}: progress of the {entry.progress} needs no milestone", entry.where("progress")
        )
    found = match(entry.milestone, scope) if entry.milestone else None
    return Trigger(kind="progress", match=found, complete=complete, progress_of=of[entry.progress or "percent"])


def _threshold(line_id: str, entry: ThresholdEntry, scope: Scope) -> Trigger:
    given = [name for name in ("hours", "amount", "percent") if getattr(entry, name) is not None]
    if len(given) != 1:
        scope.mistake(
            f"line {line_id!r}: a threshold is one of hours, amount, percent", entry.origin, "keep one of them"
        )
    return Trigger(
        kind="threshold",
        at_hours=entry.hours,
        at_amount=scope.optional(entry.amount, entry.where("amount")),
        at_percent=entry.percent,
    )


def match(entry: MilestoneEntry, scope: Scope) -> MilestoneMatch:
    """Which milestone; by name or by id, not both."""
    if (entry.name is None) == (entry.id is None):
        scope.mistake("a milestone is named by `name` or by `id`, one of them", entry.origin)
    return MilestoneMatch(account=entry.account, id=entry.id, name=entry.name)


def condition(entry: ConditionEntry | None) -> Condition:
    """The test of a milestone; several keys must all hold; nothing written means the source's own word."""
    if entry is None:
        return COMPLETED
    tests: list[Condition] = []
    if entry.completed:
        tests.append(COMPLETED)
    if entry.accepted:
        tests.append(Condition(kind="accepted"))
    if entry.due:
        tests.append(Condition(kind="due"))
    if entry.status:
        tests.append(Condition(kind="status", texts=entry.status))
    if entry.percent is not None:
        tests.append(Condition(kind="percent", number=entry.percent))
    if entry.units is not None:
        tests.append(Condition(kind="units", number=entry.units))
    if entry.document is not None:
        tests.append(Condition(kind="document", texts=(entry.document,)))
    tests += [Condition(kind="field", name=name, texts=texts) for name, texts in entry.field.items()]
    if entry.all:
        tests.append(Condition(kind="all", of=tuple(condition(inner) for inner in entry.all)))
    if entry.any:
        tests.append(Condition(kind="any", of=tuple(condition(inner) for inner in entry.any)))
    if not tests:
        return COMPLETED
    return tests[0] if len(tests) == 1 else Condition(kind="all", of=tuple(tests))


def change(entry: ChangeOrderEntry, scope: Scope) -> ContractChange:
    """A change order. Its percentages are of its own value, so they become amounts here."""
    value = scope.minor(entry.value, entry.where("value"))
    signed = entry.signed if entry.signed != "pending" else None
    return ContractChange(
        id=entry.id,
        name=entry.name or entry.id,
        value=value,
        signed_on=signed,
        effective_on=entry.effective,
        lines=_own_amounts(entry, value, scope),
        removes=frozenset(entry.removes),
        document=entry.document,
        origin=entry.origin,
    )


def _own_amounts(entry: ChangeOrderEntry, value: int, scope: Scope) -> tuple[ScheduleLine, ...]:
    lines = [line(written, scope) for written in entry.schedule]
    shares = [made.percent or Decimal(0) for made in lines]
    rest = Decimal(100) - sum(shares)
    if rest < 0:
        scope.mistake(f"change order {entry.id!r}: its lines make more than 100 percent", entry.where("schedule"))
        return ()
    parts = allocate(value, [*shares, rest])
    return tuple(
        made if made.percent is None else replace(made, amount=part, percent=None)
        for made, part in zip(lines, parts[:-1], strict=True)
    )


def release(entry: ReleaseEntry, scope: Scope) -> HoldbackRelease:
    """What releases holdback: a milestone, a date, or a person."""
    named = [name for name in ("milestone", "on", "manual") if getattr(entry, name) is not None]
    if len(named) != 1:
        scope.mistake(f"release {entry.id!r} is due by one of milestone, on, manual", entry.origin, "keep one of them")
    if entry.milestone is not None:
        made = Trigger(kind="milestone", match=match(entry.milestone, scope), complete=condition(entry.complete))
    elif entry.on is not None:
        made = Trigger(kind="dated", on=entry.on)
    else:
        made = Trigger(kind="manual")
    return HoldbackRelease(id=entry.id, trigger=made, percent=Decimal(100) if entry.percent is None else entry.percent)


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
