"""Numbers, dates and hours as people write them: read as meant, or refused; never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billsync.model.errors import BadAnswer
from billsync.sdk.formats import UNCALCULATED, day, hours, number, percent, text_of

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False)


def written(value: Decimal, decimal: str, thousands: str) -> str:
    """The value as a spreadsheet with these signs prints it."""
    return f"{value:,.2f}".translate({ord(","): thousands, ord("."): decimal})


@given(
    amounts,
    st.sampled_from([(".", ","), (",", "."), (",", " "), (",", "\u00a0"), (",", "\u202f"), (".", "'"), (".", "’")]),
)
def test_what_was_written_with_declared_signs_is_read_back(value, signs):
    decimal, thousands = signs
    text = written(value, decimal, thousands)
    assert number(text, decimal=decimal) == value, f"{text!r} was misread"


@given(amounts)
def test_undeclared_signs_are_read_only_where_one_reading_fits(value):
    for decimal, thousands in ((".", ","), (",", ".")):
        text = written(value, decimal, thousands)
        assert number(text) == value, f"{text!r} has two decimals and so one reading"


@given(st.integers(1, 999), st.integers(0, 999))
def test_a_number_with_two_readings_is_refused_until_the_sign_is_declared(whole, rest):
    text = f"{whole}.{rest:03d}"
    with pytest.raises(BadAnswer, match="may mean"):
        number(text, "hours")
    assert number(text, decimal=".") == Decimal(text)
    assert number(text, decimal=",") == whole * 1000 + rest


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_or_a_bad_answer(text):
    try:
        value = number(text, "amount")
    except BadAnswer as error:
        assert error.what.startswith("amount: "), "the message names the field"
    else:
        assert value.is_finite()
        assert any(character.isdigit() for character in text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12,50-", "-12.50"), ("(12.50)", "-12.50"), ("($1,234.50)", "-1234.50"), ("€ 14.400,00", "14400.00"),
        ("14.400,00 €", "14400.00"), ("-$5", "-5"), ("$-5", "-5"), ("USD 5", "5"), ("+5", "5"), ("−5", "-5"),
        ("1'000'000", "1000000"), (".5", "0.5"), ("0.125", "0.125"), ("7,5", "7.5"),
    ],
)  # fmt: skip
def test_signs_brackets_and_currencies_as_bookkeepers_write_them(text, value):
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", "7,5x", "1,2,3", "5.", "--5", "-5-", "(5-)", "(5", "1e5", "NaN", "7:30", "5%", "1USD2", "\u0661", "1..2"],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(BadAnswer, match="is not a number"):
        number(text, "hours")


def test_a_declared_thousands_sign_excludes_the_others():
    assert number("1,234", thousands=",") == 1234
    with pytest.raises(BadAnswer):
        number("1 234,5", decimal=",", thousands=".")


def test_a_binary_fraction_is_refused_and_exact_cells_are_taken_as_they_are():
    with pytest.raises(BadAnswer, match="not an exact number"):
        number(0.1 + 0.2, "amount")
    assert number(Decimal("0.30")) == Decimal("0.30")
    assert number(7) == 7
    with pytest.raises(BadAnswer):
        number(True, "amount")


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)))
def test_dates_are_read_in_every_form(value):
    forms = {"YYYY-MM-DD": "%Y-%m-%d", "DD.MM.YYYY": "%d.%m.%Y", "MM/DD/YYYY": "%m/%d/%Y", "DD.MM.YY": "%d.%m.%y"}
    for form, python in forms.items():
        assert day(value.strftime(python), form=form) == value, form


def test_a_time_of_day_after_a_date_is_dropped_and_nothing_else_is():
    assert day("2026-03-13T23:59:00Z") == date(2026, 3, 13)
    assert day("13.3.2026 08:00", form="DD.MM.YYYY") == date(2026, 3, 13)
    assert day(datetime(2026, 3, 13, 5, tzinfo=UTC)) == date(2026, 3, 13)
    for wrong in ("2026-02-30", "2026-03-13 and more", "13.03.2026", "", "20260313"):
        with pytest.raises(BadAnswer, match="is not a date in the form YYYY-MM-DD"):
            day(wrong, "date")


def test_hours_in_each_unit():
    assert hours("1,5", decimal=",") == Decimal("1.5")
    assert hours("90", unit="minutes") == Decimal("1.5")
    assert hours("1:30", unit="hh:mm") == Decimal("1.5")
    assert hours("PT1H30M", unit="iso8601") == Decimal("1.5")
    assert hours(timedelta(hours=30, minutes=15)) == Decimal("30.25")
    assert hours(time(7, 30)) == Decimal("7.5")
    with pytest.raises(BadAnswer):
        hours("1:30")


def test_percent_of_one_hundred_of_one_and_with_its_sign():
    assert percent("60") == 60
    assert percent(Decimal("0.6"), fraction=True) == 60
    assert percent("60 %", fraction=True) == 60


def test_text_of_numbers_keeps_ids_as_they_are_printed():
    assert text_of(Decimal("17.0")) == "17"
    assert text_of(Decimal("1E+3")) == "1000"
    assert text_of("  007 ") == "007"
    assert text_of(True) == "true"
    assert text_of(datetime.fromisoformat("2026-03-01T00:00:00")) == "2026-03-01"
    with pytest.raises(BadAnswer, match="formula without a value"):
        text_of(UNCALCULATED)
