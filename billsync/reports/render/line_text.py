"""The text of an invoice line, by the contract's own jinja2 template where it has one.

Templates run in jinja2's sandbox with undefined names refused. They see: text (the default), project, person,
done_on, quantity, unit_price, amount, currency, contract, contract_name, client, purchase_order, references, late, and
parts (identity, amount, quantity).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from billsync.model.contract import Contract
from billsync.model.errors import UsageError
from billsync.model.invoice import Line, Part
from billsync.model.money import to_major

_SAMPLE = Line(
    kind="time",
    text="Design",
    amount=18000,
    parts=(Part(identity="time/a/1", contract="C", amount=18000, quantity=Decimal(1)),),
    quantity=Decimal(1),
    unit_price=Decimal(180),
    done_on=date(2026, 1, 31),
    project="P-1",
    person="ana",
)


def line_text(line: Line, contract: Contract, client: str, currency: str) -> str:
    """The line's text. Raises UsageError, naming the contract's place, when its template fails."""
    template = contract.billing.templates.get(line.kind)
    if template is None:
        return line.text
    text = _render(template, _words(line, contract, client, currency), contract, line.kind)
    return text.strip() or line.text


def check_templates(contracts: Iterable[Contract]) -> None:
    """Render every template once with a sample line, so that one that fails is named before anything is polled."""
    for contract in contracts:
        for kind, template in contract.billing.templates.items():
            _render(template, _words(_SAMPLE, contract, contract.client, contract.currency), contract, kind)


def _words(line: Line, contract: Contract, client: str, currency: str) -> dict[str, Any]:
    return {
        "text": line.text,
        "project": line.project,
        "person": line.person,
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


def _render(template: str, words: Mapping[str, Any], contract: Contract, kind: str) -> str:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    try:
        return environment.from_string(template).render(words)
    except (jinja2.TemplateError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise UsageError(
            f"the line template for {kind!r} of contract {contract.id} fails: {error}",
            where=str(contract.origin),
            hint="names a template may use: " + ", ".join(sorted(words)),
        ) from None
