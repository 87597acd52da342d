"""The column mapper: nothing guessed, nothing silently missing, and a count for each rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from billsync.model.errors import BadAnswer
from billsync.model.work import Acceptance, Approval, Milestone, TimeEntry
from billsync.sdk.columns import Columns, Mapper
from billsync.sdk.fields import FIELDS, MEANINGS, folded
from billsync.sdk.formats import UNCALCULATED

TIME = {"id": "E-1", "project": "P-1", "person": "ana", "date": "2026-03-02", "hours": "7.5"}


def titles(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def one(kind, row, **mapping):
    mapper = Mapper(kind, Columns(**mapping), where="board")
    return mapper.bind(titles(*row)).record(row)


def test_obvious_headers_need_no_mapping():
    entry = one("time", {**TIME, "Billable": "no", "Approval Status": "submitted", "Cost-Centre": "CC-1", "PO": "7781"})
    assert isinstance(entry, TimeEntry)
    assert (entry.worked_on, entry.hours, entry.billable) == (date(2026, 3, 2), Decimal("7.5"), False)
    assert entry.approval == Approval(state="submitted")
    assert (entry.cost_centre, entry.purchase_order) == ("CC-1", "7781")


def test_without_columns_for_them_work_is_billable_and_the_vendor_knows_no_approval():
    entry = one("time", TIME)
    assert entry.billable and entry.approval.state == "none"


def test_an_id_column_is_preferred_to_a_name():
    row = {**TIME, "project": "Head office", "project_id": "P-1", "person": "Ana Roe", "person id": "ana"}
    entry = one("time", row)
    assert (entry.project, entry.person) == ("P-1", "ana")


def test_columns_are_found_by_id_when_their_titles_change():
    mapping = Columns(columns={"id": "c1", "project": "c2", "name": "c3", "complete": "c4", "completed_on": "c5"})
    for title in ("Status", "State of play"):
        mapper = Mapper("milestone", mapping).bind({"c1": "Row", "c2": "Job", "c3": "Phase", "c4": title, "c5": "On"})
        found = mapper.record({"c1": 7, "c2": "P-1", "c3": "Permit set", "c4": "Done", "c5": "2026-04-10"})
        assert isinstance(found, Milestone)
        assert (found.id, found.completed_on) == ("7", date(2026, 4, 10))


def test_a_vanished_column_is_loud_and_names_the_likely_rename():
    mapper = Mapper("time", Columns(columns={"hours": "Hours worked"}), where="time.csv")
    with pytest.raises(BadAnswer) as caught:
        mapper.bind(titles("id", "project", "person", "date", "Hours workd"))
    assert "'Hours worked' is gone" in caught.value.what
    assert "Hours workd" in caught.value.hint and caught.value.where == "time.csv"


def test_a_needed_field_without_a_column_is_loud():
    with pytest.raises(BadAnswer, match="no column for 'hours'"):
        Mapper("time", Columns()).bind(titles("id", "project", "person", "date"))


def test_a_title_that_stands_twice_is_refused_where_it_is_used():
    mapper = Mapper("time", Columns(columns={"hours": "Hours"}))
    with pytest.raises(BadAnswer, match="'Hours' stands twice"):
        mapper.bind(titles("id", "project", "person", "date") | {"h1": "Hours", "h2": "Hours"})
    with pytest.raises(BadAnswer, match="stands twice"):
        Mapper("time", Columns()).bind(titles(*TIME) | {"x": "HOURS"})
    unused = Mapper("time", Columns()).bind(titles(*TIME) | {"n1": "Remark", "n2": "Remark"})
    assert unused.record(TIME).id == "E-1", "a column nobody maps may stand twice"


def test_an_unknown_value_is_an_error_and_not_a_no():
    with pytest.raises(BadAnswer, match="billable: 'maybe' is not a known value"):
        one("time", {**TIME, "billable": "maybe"})
    with pytest.raises(BadAnswer, match="billable: empty"):
        one("time", {**TIME, "billable": ""})


def test_a_formula_without_a_value_is_an_error_of_its_field_and_not_an_empty_cell():
    row = {"id": "1", "project": "P", "name": "N", "amount": UNCALCULATED}
    with pytest.raises(BadAnswer, match="amount: a formula without a value"):
        one("milestone", row)
    assert one("milestone", {"id": "1", "project": "P", "name": "N", "unmapped": UNCALCULATED}).amount is None


def test_own_words_replace_the_usual_ones_of_that_meaning_only():
    values = {"approval": {"approved": ["freigegeben", "OK"]}}
    row = {**TIME, "approval": " FreiGegeben "}
    assert one("time", row, values=values).approval.state == "approved"
    assert one("time", {**row, "approval": "rejected"}, values=values).approval.state == "rejected"
    with pytest.raises(BadAnswer, match="'approved' is not a known value"):
        one("time", {**row, "approval": "approved"}, values=values)


def test_a_list_gives_the_words_for_yes_and_a_star_the_rest():
    row = {"id": "1", "project": "P", "name": "N", "complete": "erledigt", "completed": "2026-04-10"}
    assert one("milestone", row, values={"complete": ["done", "erledigt"]}).completed_on == date(2026, 4, 10)
    rest = {"complete": {"complete": ["done"], "open": ["*"]}}
    assert one("milestone", {**row, "complete": "in review"}, values=rest).completed_on is None


def test_a_complete_milestone_without_a_date_is_an_error_and_a_reopened_one_is_open():
    row = {"id": "1", "project": "P", "name": "N", "complete": "yes", "completed": ""}
    with pytest.raises(BadAnswer, match="completed_on: empty"):
        one("milestone", row)
    assert one("milestone", {**row, "complete": "no", "completed": "2026-04-10"}).completed_on is None


def test_acceptance_is_known_only_where_a_column_tells():
    row = {"id": "1", "project": "P", "name": "N", "completed": "2026-04-10"}
    assert one("milestone", row).acceptance is None
    with_dates = {**row, "accepted_on": "2026-04-20", "accepted by": "Mia Ek", "evidence": "letter.pdf"}
    assert one("milestone", with_dates).acceptance == Acceptance(
        accepted=True, by="Mia Ek", on=date(2026, 4, 20), evidence="letter.pdf"
    )
    assert one("milestone", {**row, "accepted": "no"}).acceptance == Acceptance(accepted=False)


def test_constants_stand_in_for_columns_and_contradict_none():
    row = {"id": "1", "project": "P", "date": "2026-03-01", "amount": "12.50"}
    assert one("expense", row, constants={"currency": "EUR", "billable": True}).currency == "EUR"
    with pytest.raises(BadAnswer, match="contradicts the column 'currency'"):
        one("expense", {**row, "currency": "USD"}, constants={"currency": "EUR"})
    with pytest.raises(ValidationError, match="a column and a constant"):
        Columns(columns={"currency": "Cur"}, constants={"currency": "EUR"})


def test_a_wrong_currency_is_an_error_of_the_row():
    row = {"id": "1", "project": "P", "date": "2026-03-01", "amount": "12.50", "currency": "Euro"}
    with pytest.raises(BadAnswer, match="is not a currency code"):
        one("expense", row)


def test_rows_without_an_id_are_known_by_chosen_fields():
    mapping = {"id_from": ["project", "person", "date"]}
    first = one("time", TIME, **mapping)
    assert one("time", {**TIME, "hours": "8"}, **mapping).id == first.id, "hours are not part of the identity"
    assert one("time", {**TIME, "person": "ben"}, **mapping).id != first.id
    assert one("time", {**TIME, "project": "P-1ana", "person": ""} | {"person": "x"}, **mapping).id != first.id


def test_custom_fields_and_lists_are_kept():
    row = {"id": "1", "project": "P", "name": "N", "Phase": "CD", "files": "a.pdf; b.pdf"}
    found = one("milestone", row, columns={"custom.phase": "Phase"})
    assert found.custom == {"phase": "CD"} and found.attachments == ("a.pdf", "b.pdf")


def test_rules_tell_how_many_records_each_matched_and_show_own_rules_that_match_none():
    mapper = Mapper("time", Columns(values={"approval": {"approved": ["ok"], "rejected": ["nope"]}}))
    mapper.bind(titles(*TIME, "approval"))
    for number, state in enumerate(["ok", "ok", "submitted"]):
        mapper.record({**TIME, "id": str(number), "approval": state})
    found = {(rule.field, rule.meaning): (rule.records, rule.configured) for rule in mapper.rules()}
    assert found == {
        ("approval", "approved"): (2, True),
        ("approval", "rejected"): (0, True),
        ("approval", "submitted"): (1, False),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": {"hours": ["x"]}}, "has no meanings"),
        ({"values": {"billable": {"sometimes": ["x"]}}}, "'sometimes' is none of"),
        ({"dates": "DD.MM"}, "is no date form"),
        ({"colums": {}}, "Extra inputs"),
    ],
)
def test_a_wrong_mapping_is_refused_before_anything_is_read(options, message):
    with pytest.raises(ValidationError, match=message):
        Columns(**options)


def test_a_field_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(BadAnswer) as caught:
        Mapper("time", Columns(columns={"houres": "H"}))
    assert "did you mean 'hours'?" in caught.value.hint


@pytest.mark.parametrize("kind", FIELDS)
def test_no_two_fields_of_a_kind_want_the_same_header(kind):
    names = [folded(field.name) for field in FIELDS[kind]]
    taken: dict[str, str] = {}
    for field in FIELDS[kind]:
        for fold in map(folded, field.headers):
            assert taken.setdefault(fold, field.name) == field.name, f"{fold} means {taken[fold]} and {field.name}"
            assert fold not in names or folded(field.name) == fold or kind == "project", f"{fold} is a field itself"


def test_no_word_has_two_meanings():
    for field, meanings in MEANINGS.items():
        words = [word for listed in meanings.values() for word in listed]
        assert len(words) == len(set(words)), f"{field}: a word stands in two meanings"
