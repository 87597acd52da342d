"""How books take our documents: signs, quantity times price, what is left out, what is done beside them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from billsync.model.errors import Denied, Missing, RateLimited, Refused, Unavailable, VendorError
from billsync.model.invoice import Payment, Receipt
from billsync.model.money import to_minor
from billsync.sdk.documents import given, in_our_sign, quantity_and_price, sign_of
from billsync.testing.invoices import line
from billsync_plugins.sinks.folder import Folder, FolderOptions

AMOUNTS = st.integers(-(10**9), 10**9)


def receipt(**more: Any) -> Receipt:
    members = {"id": "1", "number": "7", "reference": "BS-1", "status": "open", "currency": "USD", "total": 119}
    return Receipt(**{**members, "tax": 19, "balance": 119, "line_amounts": (100,), **more})


def test_books_write_credit_notes_positive_and_ours_are_negative():
    credit = in_our_sign(receipt(kind="credit_memo"))
    assert (credit.total, credit.tax, credit.balance, credit.line_amounts) == (-119, -19, -119, (-100,))
    assert in_our_sign(receipt(kind="credit_memo", balance=None)).balance is None
    assert in_our_sign(receipt()) == receipt(), "an invoice keeps its sign"
    assert (sign_of("credit_memo"), sign_of("invoice")) == (-1, 1)


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "places", "told"),
    [
        ("12.5", "100", 125_000, 2, ("12.50", "100.00")),
        ("12.5", "100", 125_000, None, ("12.5", "100")),
        ("0.3333", "99.99", 3_333, 4, ("0.3333", "99.9900")),
        ("0.3333", "99.99", 3_333, 2, None),
        ("1.333", "30", 3_999, 2, None),
        (None, "100", 10_000, 2, None),
        ("1", None, 10_000, 2, None),
    ],
)
def test_quantity_and_price_go_along_where_they_are_the_amount(quantity, price, amount, places, told):
    one = line(amount, quantity=quantity and Decimal(quantity), unit_price=price and Decimal(price))
    found = quantity_and_price(one, 1, "USD", places)
    assert found == (told and tuple(map(Decimal, told)))


@drawn(
    quantity=st.decimals(0, 1000, places=4, allow_nan=False),
    price=st.decimals(-1000, 1000, places=4, allow_nan=False),
    off=st.integers(-1, 1),
    places=st.sampled_from([None, 0, 2, 4]),
    sign=st.sampled_from([1, -1]),
    currency=st.sampled_from(["USD", "JPY", "BHD"]),
)
def test_what_goes_along_is_the_amount_to_the_minor_unit(quantity, price, off, places, sign, currency):
    amount = to_minor(quantity * price, currency) + off
    found = quantity_and_price(line(amount, quantity=quantity, unit_price=price), sign, currency, places)
    if found is not None:
        assert to_minor(found[0] * found[1], currency) == sign * amount
        assert places is None or all(-int(part.as_tuple().exponent) <= places for part in found)
    elif places in (None, 4):
        assert off, "an exact product must go along"


def test_what_has_no_value_is_left_out_and_nought_stays():
    assert given({"a": None, "b": 0, "c": "", "d": False}) == {"b": 0, "c": "", "d": False}


# What is done beside a document that is in the books


@pytest.fixture
def books(tmp_path):
    return Folder("books", FolderOptions(path=tmp_path))


def failing(error: VendorError) -> Any:
    def write() -> None:
        raise error

    return write


@pytest.mark.parametrize("refusal", [Refused, Denied, Missing])
@pytest.mark.parametrize("must", [True, False])
def test_what_is_refused_for_good_is_a_remark(books, refusal, must):
    assert books.beside("not posted", failing(refusal("locked", where="books")), must=must) == "not posted: locked"


@pytest.mark.parametrize("trouble", [Unavailable, RateLimited, VendorError])
def test_trouble_that_passes_is_raised_for_the_document_is_in_the_books(books, trouble):
    error = trouble("busy", where="books", sent=False)
    with pytest.raises(trouble) as raised:
        books.beside("the stamp was not kept", failing(error))
    assert raised.value.sent, "another run must look for the document"
    assert books.beside("not mailed", failing(error), must=False) == "not mailed: busy"


def test_what_was_done_leaves_no_remark(books):
    done: list[int] = []
    assert books.beside("not posted", lambda: done.append(1)) == "" and done == [1]


def test_a_document_that_was_edited_since_is_not_voided(books):
    then, paid = receipt(revision="a"), (Payment(id="p", amount=1, on=None),)
    assert books.untouched(then, receipt(revision="a", payments=paid)).payments == paid, (
        "these books refuse by themselves"
    )
    with pytest.raises(Refused, match="7 was edited since") as refused:
        books.untouched(then, receipt(revision="b"))
    assert not refused.value.sent
    with pytest.raises(Refused, match="edited or paid"):
        books.untouched(then, receipt(revision="a", payments=paid), unpaid=True)
