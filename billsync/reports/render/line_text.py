"""The text of an invoice line, by a jinja2 template: the schedule line's own, else the contract's for its kind.

Templates run in jinja2's sandbox with undefined names refused. They see: text (the default), project, person,
done_since (the first day, of a line of several), done_on, quantity, unit_price, amount, currency, contract,
contract_name, client, purchase_order, references, late, and parts (identity, amount, quantity). What a line has
not is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, get_args

from billsync.model.contract import Contract, LineKind, Origin, ScheduleLine
from billsync.model.errors import UsageError
from billsync.model.invoice import Line, Part
from billsync.model.money import to_major

_KINDS: Final = (*get_args(LineKind), "holdback", "release", "adjustment", "credit")
_OF_A_SCHEDULE: Final = frozenset({"milestone", "dated", "progress", "threshold", "manual"})
_BARE: Final = Line(
    kind="milestone",
    text="Design",
    amount=18000,
    parts=(Part(identity="C/line/design", contract="C", amount=18000),),
)
_FULL: Final = Line(
    kind="time",
    text="Design",
    amount=18000,
    parts=(Part(identity="time/a/1", contract="C", amount=18000, quantity=Decimal(1)),),
    quantity=Decimal(1),
    unit_price=Decimal(180),
    done_since=date(2026, 1, 5),
    done_on=date(2026, 1, 31),
    project="P-1",
    person="ana",
)
Where = Mapping[tuple[str, str], Origin]
"""Contract and line kind -> where its template is written."""


def line_text(line: Line, contract: Contract, client: str, currency: str) -> str:
    """The line's text. Raises UsageError, naming the template's place, when it fails."""
    own = _own(line, contract)
    template = own.template if own else contract.billing.templates.get(line.kind)
    if template is None:
        return line.text
    what, where = _named(own, line.kind, contract)
    text = _render(template, _words(line, contract, client, currency), what, where)
    return text.strip() or line.text


def check_templates(contracts: Iterable[Contract], written: Where) -> None:
    """Render every template with a line that has everything and one that has little, so that a template that fails is
    named before anything is polled."""
    for contract in contracts:
        for kind, template in contract.billing.templates.items():
            what, _ = _named(None, kind, contract)
            where = written.get((contract.id, kind), contract.origin)
            if kind not in _KINDS:
                raise UsageError(f"{what}: there is no such kind", where=str(where), hint=f"kinds: {', '.join(_KINDS)}")
            _try(template, contract, what, where)
        for own in _schedule(contract):
            if own.template is not None:
                _try(own.template, contract, *_named(own, "", contract))


def has_templates(contract: Contract) -> bool:
    """Whether anything is to be checked: jinja2 is loaded for nobody else."""
    return bool(contract.billing.templates) or any(line.template for line in _schedule(contract))


def _schedule(contract: Contract) -> Iterator[ScheduleLine]:
    yield from contract.lines
    for change in contract.change_orders:
        yield from change.lines


def _own(line: Line, contract: Contract) -> ScheduleLine | None:
    """The schedule line that this line bills, where it has a template of its own."""
    if line.kind not in _OF_A_SCHEDULE:
        return None
    identity = line.parts[0].identity
    for own in _schedule(contract):
        name = f"{contract.id}/line/{own.id}"
        dated = own.trigger.every is not None and identity.rpartition("/")[0] == name
        if own.template is not None and (identity == name or dated):
            return own
    return None


def _named(own: ScheduleLine | None, kind: str, contract: Contract) -> tuple[str, Origin]:
    """What a template is of, and where it is written."""
    if own is not None:
        return f"the template of line {own.id!r} of contract {contract.id}", own.origin
    return f"the line template for {kind!r} of contract {contract.id}", contract.origin


def _try(template: str, contract: Contract, what: str, where: Origin) -> None:
    for sample in (_FULL, _BARE):
        _render(template, _words(sample, contract, contract.client, contract.currency), what, where)


def _words(line: Line, contract: Contract, client: str, currency: str) -> dict[str, Any]:
    return {
        "text": line.text,
        "project": line.project,
        "person": line.person,
        "done_since": line.done_since,
        "done_on": line.done_on,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "amount": to_major(line.amount, currency),
        "currency": currency,
        "contract": contract.id,
        "contract_name": contract.name,
        "client": client,
        "purchase_order": line.purchase_order or contract.purchase_order,
        "references": dict(contract.references),
        "late": line.late,
        "parts": [
            {"identity": p.identity, "amount": to_major(p.amount, currency), "quantity": p.quantity} for p in line.parts
        ],
    }


def _render(template: str, words: Mapping[str, Any], what: str, where: Origin) -> str:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    try:
        return environment.from_string(template).render(words)
    except (jinja2.TemplateError, TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError) as error:
        raise UsageError(
            f"{what} fails: {error}",
            where=str(where),
            hint="names a template may use: " + ", ".join(sorted(words)),
        ) from None
