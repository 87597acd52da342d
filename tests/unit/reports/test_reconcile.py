from __future__ import annotations

from dataclasses import replace

import pytest

from billsync.model.errors import UsageError
from billsync.model.money import Money
from billsync.model.statement import StatementRow
from billsync.reports.exit import exit_code
from billsync.reports.reconcile import asides, build, cause_totals
from tests.unit.reports import worked


def report(evaluation=None, **more):
    return build(evaluation or worked.evaluation(), as_of=worked.TODAY, terms=worked.TERMS, **more)


ZED = (
    worked.item("ZED-1/line/a", "Zed's own", 100, "billed", client="zed", contract="ZED-1", currency="EUR"),
    worked.item("ZED-1/line/b", "Zed waits", 250, "held", client="zed", contract="ZED-1", currency="EUR", cause="hold"),
)


def two_clients():
    row = StatementRow(currency="EUR", client="zed", contract="ZED-1", earned=350, billed=100, held=250)
    return worked.evaluation(items=(*worked.ITEMS, *ZED), statement=(*worked.STATEMENT, row))


def test_unbilled_is_everything_that_is_on_no_invoice_the_largest_first():
    assert [(item.identity, item.bucket) for item in report().unbilled] == [
        (f"{worked.CONTRACT}/line/permit", "held"),
        (f"{worked.CONTRACT}/line/schematic", "withheld"),
        (f"{worked.CONTRACT}/line/mobilisation", "withheld"),
        ("time/work/T-30", "capped"),
    ]


def test_causes_sum_what_is_unbilled_and_put_what_waits_for_a_person_first():
    totals = [(total.cause, total.items, total.amount) for total in cause_totals(report())]
    assert totals == [
        ("acceptance_missing", 1, Money(3_300_000, "USD")),
        ("withheld", 2, Money(495_000, "USD")),
        ("cap_reached", 1, Money(40_000, "USD")),
    ]


def test_the_causes_of_all_currencies_sum_to_the_statements_unbilled():
    found = report(two_clients())
    for currency in ("USD", "EUR"):
        by_cause = sum(one.amount.minor for one in cause_totals(found) if one.amount.currency == currency)
        rows = [row for row in found.statement if row.currency == currency]
        assert by_cause == sum(row.earned - row.billed for row in rows)


def test_a_clients_report_leaves_the_others_out_and_keeps_its_own_verdict():
    own = report(two_clients(), client="zed")
    assert {item.client for item in own.items} == {"zed"} == {row.client for row in own.statement}
    assert own.findings == () and own.not_earned == () and own.not_valued == ()
    assert own.verdict == "findings", "an item of Zed's is on hold"
    settled = worked.evaluation(items=ZED[:1], findings=worked.FINDINGS)
    assert report(settled, client="zed").verdict == "balanced", "another client's finding is none of Zed's"


def test_a_clients_report_does_not_know_what_is_not_known():
    found = report(replace(two_clients(), unknown=(worked.UNKNOWN,)), client="zed")
    assert found.verdict == "unknown" and found.exit_code == 3


def test_a_clients_report_has_that_clients_settled_items():
    items = (*worked.ITEMS, *ZED)
    own = report(two_clients(), client="zed", settled=iter(items))
    assert [item.client for item in own.settled] == ["zed", "zed"]


def test_an_unknown_client_is_an_error_with_the_nearest_name():
    with pytest.raises(UsageError) as caught:
        report(client="acmee")
    assert caught.value.hint == "did you mean 'acme'?"


def test_open_leaves_out_what_is_billed():
    found = report(open_only=True, settled=iter(worked.ITEMS))
    assert {item.bucket for item in found.items} == {"withheld", "held", "capped"}
    assert list(found.settled) == []
    assert found.statement == worked.STATEMENT, "the statement still has everything"


def test_asides_count_records_hours_and_worth():
    found = {(one.heading, one.cause): one for one in asides(report())}
    assert found["not earned yet", "unapproved"].hours == 4
    assert found["not earned yet", "open_milestone"].amount == Money(2_750_000, "USD")
    assert found["not valued", "unmapped"].records == 1


@pytest.mark.parametrize(
    ("verdict", "causes", "code"),
    [
        ("balanced", [], 0),
        ("findings", ["hold"], 1),
        ("unknown", ["hold"], 3),
        ("findings", ["unknown_outcome"], 4),
        ("unknown", ["refused"], 4),
    ],
)
def test_the_worst_exit_code_wins(verdict, causes, code):
    items = [worked.item(f"x/{cause}", "x", 1, "held", cause=cause) for cause in causes]
    assert exit_code(verdict, items) == code
