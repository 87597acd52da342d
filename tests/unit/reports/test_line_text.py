"""The text of an invoice line: the schedule line's own template, else the contract's by kind, else the work's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from billsync.model.contract import Billing, Contract, ContractChange, Origin, ScheduleLine, Trigger
from billsync.model.errors import UsageError
from billsync.model.invoice import Line, Part
from billsync.reports.render.line_text import line_text


def schedule(id: str, template: str | None, **trigger: Any) -> ScheduleLine:
    when = Trigger(**{"kind": "milestone", **trigger})
    return ScheduleLine(
        id=id, name=id, trigger=when, amount=100, template=template, origin=Origin(file="c.yaml", line=7)
    )


CONTRACT = Contract(
    id="C",
    client="acme",
    currency="USD",
    lines=(
        schedule("design", "{{ text }} for {{ client }}"),
        schedule("plain", None),
        schedule("visits", "Visit of {{ done_on }}", kind="dated", every="month"),
    ),
    change_orders=(
        ContractChange(id="CO", name="CO", value=1, signed_on=None, lines=(schedule("garage", "Garage {{ amount }}"),)),
    ),
    billing=Billing(templates={"milestone": "M {{ text }}", "credit": "Back: {{ text }}", "dated": "  "}),
)


def line(identity: str, kind: Any = "milestone") -> Line:
    part = Part(identity=identity, contract="C", amount=123456)
    return Line(kind=kind, text="Words", amount=123456, parts=(part,), done_on=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("identity", "kind", "text"),
    [
        ("C/line/design", "milestone", "Words for Acme"),
        ("C/line/plain", "milestone", "M Words"),
        ("C/line/visits/2026-03-01", "dated", "Visit of 2026-03-01"),
        ("C/line/garage", "milestone", "Garage 1234.56"),
        ("C/line/design", "credit", "Back: Words"),
        ("C/line/design", "adjustment", "Words"),
        ("C/line/design/x", "milestone", "M Words"),
        ("C/line/other", "dated", "Words"),  # a template that leaves nothing leaves the work's own words
        ("time/work/1", "time", "Words"),
    ],
)
def test_the_nearest_template_wins(identity: str, kind: str, text: str) -> None:
    assert line_text(line(identity, kind), CONTRACT, "Acme", "USD") == text


def test_a_line_s_template_that_fails_at_night_is_named_with_its_place() -> None:
    bad = replace(CONTRACT, lines=(schedule("design", "{{ done_on.nothing }}"),))
    with pytest.raises(UsageError) as caught:
        line_text(line("C/line/design"), bad, "Acme", "USD")
    assert "the template of line 'design' of contract C fails" in caught.value.what
    assert caught.value.where == "c.yaml:7"


def test_a_template_cannot_leave_the_sandbox() -> None:
    bad = replace(CONTRACT, lines=(schedule("design", "{{ text.__class__.__mro__ }}"),))
    with pytest.raises(UsageError):
        line_text(line("C/line/design"), bad, "Acme", "USD")
