"""What a source declares and reads with: kinds that hang on an option, hooks, windows, fields that are gone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pluggy
import pytest

from billsync.model.errors import BadAnswer, Missing
from billsync.model.work import Approval, Expense, Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Options, Source, hooks, sinks, sources
from billsync.sdk.parse import all_known, named, path_in, step
from billsync.sdk.row import Row, inside, utc_text_or_none, within

MARCH = Window(since=date(2026, 3, 1), until=date(2026, 3, 31))


class AcmeOptions(Options):
    """One account."""

    money: bool = Field(default=False, description="Read money.")


class Acme(Source[AcmeOptions]):
    """A source."""

    kind, title, docs = "acme", "Acme", "https://vendor.example"
    offers = Offers(kinds=frozenset({"time", "expense"}), only_if={"expense": "money"})

    def check(self) -> Identity:
        return Identity(account="acme")


def test_a_kind_that_hangs_on_an_option_is_asked_for_where_it_is_on():
    assert Acme.kinds(AcmeOptions()) == {"time"}
    assert Acme.kinds(AcmeOptions(money=True)) == {"time", "expense"}


def test_a_file_names_its_classes_and_the_hook_gives_them():
    manager = pluggy.PluginManager("billsync")
    manager.add_hookspecs(hooks)
    other: Any = type("Other", (Acme,), {"kind": "other"})
    file = type("File", (), {"billsync_sources": staticmethod(sources(Acme, other)), "billsync_sinks": None})
    manager.register(file)
    assert manager.hook.billsync_sources() == [[Acme, other]]
    assert sources(Acme)() == [Acme] and sinks()() == []


def time(on: date) -> TimeEntry:
    approval = Approval(state="none")
    return TimeEntry(
        id="1", project="p", person="ana", worked_on=on, hours=Decimal(1), billable=True, approval=approval
    )


def expense(on: date) -> Expense:
    approval = Approval(state="none")
    return Expense(
        id="2", project="p", spent_on=on, amount=Decimal(1), currency="EUR", billable=True, approval=approval
    )


@pytest.mark.parametrize("made", [time, expense])
@pytest.mark.parametrize(
    ("on", "belongs"),
    [
        (date(2026, 2, 28), False),
        (date(2026, 3, 1), True),
        (date(2026, 3, 31), True),
        (date(2026, 4, 1), False),
    ],
)
def test_work_belongs_into_the_window_of_its_date(made, on, belongs):
    assert within(made(on), MARCH) is belongs
    if belongs:
        assert list(inside(MARCH, [made(on)])) == [made(on)]
        return
    with pytest.raises(BadAnswer, match=f"dated {on}, outside"):
        list(inside(MARCH, [made(on)]))


def test_what_has_no_date_belongs_into_every_window():
    assert within(Project(id="p", name="Site"), MARCH)


def test_no_instant_is_no_parameter():
    assert utc_text_or_none(None) is None
    assert utc_text_or_none(datetime(2026, 3, 13, 8, 0, 0, 900, UTC)) == "2026-03-13T08:00:00Z"


def test_rows_are_named_by_their_own_id():
    first, second = Row.each([{"gid": "7"}, {}], "task", "gid")
    assert first.ident("gid") == "7"
    with pytest.raises(BadAnswer, match=r"task \(without id\): the field 'gid' is missing"):
        second.ident("gid")


def test_an_account_that_a_credential_does_not_open_is_told_with_those_it_does():
    names = {"900": "My Company", "901": "Other"}
    assert named("901", names, "workspace", "work") == "Other"
    with pytest.raises(Missing, match=r"open workspace 902, but 900 \(My Company\), 901 \(Other\)"):
        named("902", names, "workspace", "work")
    with pytest.raises(Missing, match="but none"):
        named("902", {}, "workspace", "work")


@pytest.mark.parametrize(
    ("text", "told"), [("May 2026.csv", "May%202026.csv"), ("../1?x#y", "..%2F1%3Fx%23y"), ("Ähre", "%C3%84hre")]
)
def test_a_text_is_one_step_of_an_address_and_leads_nowhere_else(text, told):
    assert step(text) == told


def test_the_path_of_an_address_has_neither_host_nor_query():
    assert path_in("https://hooks.example/services/T0/B1?x=1") == "/services/T0/B1"


def test_a_configured_field_that_is_gone_is_no_empty_one():
    all_known(["a", None], {"a": 1}, "field")
    with pytest.raises(BadAnswer, match="the field 'b' is gone") as error:
        all_known(["c", "b", "a", None], {"a"}, "field")
    assert error.value.hint == "was it deleted?"
