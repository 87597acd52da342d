"""Caps, shares, retainage, schedules, periods and taxes: parts sum to wholes, limits hold in any order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billsync.model.contract import Billing, Cap, Contract, Holdback, Payer, Trigger
from billsync.model.money import round_whole
from billsync.rules.caps import CapResult, CapWork, apply_caps, hours_bought
from billsync.rules.holdback import withheld_of
from billsync.rules.hours import Slice
from billsync.rules.outliers import robust_z
from billsync.rules.periods import due, period_key
from billsync.rules.schedule import dated_occurrences, percent_lines, progress
from billsync.rules.split import share_of
from billsync.rules.tax import predict, sendable
from billsync.sdk.sink import RoundingModel

AMOUNTS = st.integers(-(10**9), 10**9)
ORDERS = st.none() | st.sampled_from(["PO-1", "PO-2"])


def numbers(low: str, high: str, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


# Caps


@st.composite
def time_work(draw: st.DrawFn) -> CapWork:
    """Time at a rate, a part of it paid by a block of money, a part of it credited."""
    rate = draw(numbers("0.01", "300"))
    pieces = draw(st.lists(st.tuples(numbers("0.01", "9"), st.sampled_from(["1", "1.5", "2"])), min_size=1, max_size=3))
    slices = tuple(Slice(hours=hours, multiplier=Decimal(multiplier)) for hours, multiplier in pieces)
    price = round_whole(100 * rate * sum((part.hours * part.multiplier for part in slices), Decimal(0)))
    drawn = draw(st.just(0) | st.integers(0, price))
    free = (Slice(hours=Decimal(3), source="included"),) if draw(st.booleans()) else ()
    earned = price - drawn
    return CapWork(
        identity="",
        kind="time",
        on=draw(st.dates(date(2027, 11, 1), date(2028, 4, 30))),
        purchase_order=draw(ORDERS),
        earned=earned,
        slices=free + slices,
        rate=rate,
        drawn=drawn,
        credited=draw(st.just(0) | st.integers(0, earned)),
        takes_room=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def expense_work(draw: st.DrawFn) -> CapWork:
    return CapWork(
        identity="",
        kind="expense",
        on=draw(st.dates(date(2027, 11, 1), date(2028, 4, 30))),
        purchase_order=draw(ORDERS),
        earned=draw(st.integers(-5000, 100000)),
    )


CAPS = st.lists(
    st.builds(
        Cap,
        id=st.uuids().map(str),
        amount=st.none() | st.integers(0, 300000),
        hours=st.none() | numbers("0", "30"),
        per=st.sampled_from(["contract", "month", "quarter", "year", "purchase_order"]),
        kinds=st.sampled_from([frozenset({"time", "expense"}), frozenset({"time"}), frozenset({"expense"})]),
        purchase_order=ORDERS,
        warning=numbers("0", "100"),
    ),
    max_size=3,
)


@st.composite
def capped_work(draw: st.DrawFn) -> tuple[Contract, list[CapWork]]:
    terms = Contract(
        id="C",
        client="acme",
        currency="USD",
        caps=tuple(draw(CAPS)),
        rounding=draw(st.sampled_from(["half_up", "half_even"])),
    )
    works = draw(st.lists(time_work() | expense_work(), max_size=10))
    return terms, [replace(work, identity=str(number)) for number, work in enumerate(works)]


def taken(work: CapWork, result: CapResult) -> int:
    """Minor units of this work that took room."""
    wanted = work.earned - work.credited
    return wanted - result.capped.get(work.identity, 0) if work.takes_room and wanted > 0 else 0


def bucket(cap: Cap, work: CapWork) -> str:
    quarter = (work.on.month - 1) // 3
    return {
        "contract": "",
        "month": work.on.isoformat()[:7],
        "quarter": f"{work.on.year} {quarter}",
        "year": str(work.on.year),
        "purchase_order": str(work.purchase_order),
    }[cap.per]


def applies(cap: Cap, work: CapWork) -> bool:
    return work.kind in cap.kinds and (cap.purchase_order is None or cap.purchase_order == work.purchase_order)


@given(capped_work(), st.randoms(use_true_random=False))
def test_caps_are_never_exceeded_under_any_order_of_arrival(case: tuple[Contract, list[CapWork]], random: Any) -> None:
    terms, works = case
    random.shuffle(works)
    result = apply_caps(terms, works)
    for cap in terms.caps:
        used: dict[str, int] = defaultdict(int)
        hours: dict[str, Fraction] = defaultdict(Fraction)
        for work in works:
            if applies(cap, work):
                used[bucket(cap, work)] += taken(work, result)
                # a rounded price may stand for half a cent more than its hours cost
                spent = hours_bought(work, taken(work, result), terms)
                hours[bucket(cap, work)] += spent - (Fraction(1, 2) / (Fraction(work.rate or 1) * 100) if spent else 0)
        if cap.amount is not None:
            assert all(amount <= cap.amount for amount in used.values()), "billed above the amount of a cap"
        if cap.hours is not None:
            assert all(amount <= cap.hours for amount in hours.values()), "billed above the hours of a cap"
    for found in result.findings:
        assert found.used <= found.limit


@given(capped_work())
def test_the_capped_part_is_a_part_of_what_wanted_room(case: tuple[Contract, list[CapWork]]) -> None:
    terms, works = case
    result = apply_caps(terms, works)
    assert result.capped.keys() == result.because.keys()
    for work in works:
        capped = result.capped.get(work.identity, 0)
        assert 0 <= capped <= max(0, work.earned - work.credited)
        assert work.takes_room or not capped
        if capped:
            assert any(applies(cap, work) for cap in terms.caps)


@given(capped_work(), st.data())
def test_later_work_never_takes_the_room_of_earlier(case: tuple[Contract, list[CapWork]], data: st.DataObject) -> None:
    terms, works = case
    kept = works[: data.draw(st.integers(0, len(works)))]
    whole = apply_caps(terms, works).capped
    assert apply_caps(terms, kept).capped == {w.identity: whole[w.identity] for w in kept if w.identity in whole}


@given(st.integers(0, 5000), st.lists(st.integers(0, 2000), max_size=12), st.randoms(use_true_random=False))
def test_an_amount_cap_bills_all_it_can(limit: int, amounts: list[int], random: Any) -> None:
    """In any order what is billed in all is the smaller of the limit and the work; room that comes back is taken."""
    terms = Contract(id="C", client="acme", currency="USD", caps=(Cap(id="c", amount=limit),))
    works = [
        CapWork(identity=str(n), kind="time", on=date(2026, 1, 1), purchase_order=None, earned=amount)
        for n, amount in enumerate(amounts)
    ]
    random.shuffle(works)
    billed = sum(amounts) - sum(apply_caps(terms, works).capped.values())
    assert billed == min(limit, sum(amounts))
    if works:
        excluded = [replace(works[0], takes_room=False), *works[1:]]
        rest = sum(amounts) - works[0].earned
        assert rest - sum(apply_caps(terms, excluded).capped.values()) == min(limit, rest)


# Shares, percent lines, retainage, progress


@given(st.lists(numbers("0.01", "100"), min_size=1, max_size=6), AMOUNTS)
def test_the_shares_of_payers_sum_to_the_amount(shares: list[Decimal], amount: int) -> None:
    payers = [Payer(client=str(number), share=share) for number, share in enumerate(shares)]
    parts = share_of(payers, amount)
    assert sum(parts.values()) == amount
    for payer in payers:
        assert abs(parts[payer.client] - amount * Fraction(payer.share) / Fraction(sum(shares))) < 1


@given(AMOUNTS, st.lists(numbers("0", "30", 4), max_size=6))
def test_percent_lines_lose_nothing(value: int, percents: list[Decimal]) -> None:
    while sum(percents) > 100:
        percents.pop()
    names = [str(number) for number in range(len(percents))]
    parts = percent_lines(value, list(zip(names, percents, strict=True)))
    for name, percent in zip(names, percents, strict=True):
        assert abs(parts[name] - value * Fraction(percent) / 100) < 1
    rest = 100 - sum(percents, Decimal(0))
    whole = percent_lines(value, [*zip(names, percents, strict=True), ("rest", rest)])
    assert sum(whole.values()) == value
    assert {name: whole[name] for name in names} == parts


@given(numbers("0", "100"), st.lists(st.integers(0, 10**6), max_size=8))
def test_retainage_of_many_nights_is_that_of_their_sum(percent: Decimal, nights: list[int]) -> None:
    holdback = Holdback(percent=percent)
    net = withheld = 0
    for amount in nights:
        net += amount
        withheld += withheld_of(holdback, "milestone", net) - withheld
    assert withheld == round_whole(sum(nights) * Fraction(percent) / 100)
    assert 0 <= withheld <= net


@given(st.integers(0, 10**8), st.lists(st.fractions(-10, 150), max_size=10))
def test_cumulative_progress_never_exceeds_the_value_and_never_falls(value: int, percents: list[Fraction]) -> None:
    billed = 0
    for percent in percents:
        step = progress(value, percent, billed)
        assert billed <= step.earned <= value
        assert ("over_100_percent" in step.findings) == (percent > 100)
        assert "progress_backwards" not in step.findings or step.earned == billed
        billed = step.earned


# Dates


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.sampled_from(["month", "quarter", "year"]), st.integers(0, 4000)
)
def test_dated_lines_come_once_a_period(start: date, every: Any, length: int) -> None:
    trigger = Trigger(kind="dated", on=start, every=every)
    until = start + timedelta(days=length)
    found = dated_occurrences(trigger, until)
    step = {"month": 1, "quarter": 3, "year": 12}[every]
    assert found[0] == start
    assert found[-1] <= until
    months = [day.year * 12 + day.month for day in found]
    assert months == list(range(months[0], months[0] + step * len(found), step))
    assert all(day.day == start.day or (day + timedelta(days=1)).day == 1 for day in found)
    # Asked the night before and the night after, nothing moves.
    assert dated_occurrences(trigger, until + timedelta(days=1))[: len(found)] == found


BILLINGS = st.builds(
    Billing, period=st.just("monthly"), day=st.integers(1, 31), through=st.sampled_from(["today", "period_end"])
) | st.builds(
    Billing, period=st.just("weekly"), day=st.integers(1, 7), through=st.sampled_from(["today", "period_end"])
)


@given(BILLINGS, st.dates(date(2024, 1, 1), date(2029, 1, 1)), st.sets(st.integers(1, 120)))
def test_however_many_nights_are_missed_each_period_is_billed_once(
    billing: Billing, start: date, missed: set[int]
) -> None:
    last: date | None = start - timedelta(days=40)  # billed some time ago
    keys = []
    for number in range(121):
        night = start + timedelta(days=number)
        answer = due(billing, night, last)
        if number in missed or not answer.go:
            continue
        keys.append(period_key(billing, night))
        last = night
        assert answer.through is None or night - timedelta(days=62 + len(missed)) < answer.through <= night
    assert len(keys) == len(set(keys)), "a period was billed twice"
    nights = [start + timedelta(days=n) for n in range(121) if n not in missed]
    assert set(keys) == {period_key(billing, night) for night in nights}, "a period was left out"


# Tax and outliers

MODELS = st.builds(
    RoundingModel,
    tax_per=st.sampled_from(["line", "document", "rate"]),
    decimals=st.integers(0, 4),
    unit_price_decimals=st.integers(0, 4),
    quantity_decimals=st.integers(0, 4),
    rounding=st.sampled_from(["half_up", "half_even"]),
    inclusive=st.booleans(),
)
PERCENTS = st.sampled_from([Decimal(text) for text in ("0", "5", "7.7", "8.875", "19", "20", "25")])


@given(st.lists(st.tuples(AMOUNTS, PERCENTS), max_size=12), MODELS, st.sampled_from(["USD", "JPY", "KWD"]))
def test_net_and_tax_sum_to_the_total(lines: list[tuple[int, Decimal]], model: RoundingModel, currency: str) -> None:
    answer = predict([(amount, None, None, percent) for amount, percent in lines], model, currency)
    assert answer.net + answer.tax == answer.total
    unit = 1 if model.decimals >= {"USD": 2, "JPY": 0, "KWD": 3}[currency] else None
    if unit:
        sent = sum(amount for amount, _ in lines)
        assert sent == (answer.total if model.inclusive else answer.net)
        whole = [(100 + Fraction(p)) if model.inclusive else Fraction(100) for _, p in lines]
        exact = sum((a * Fraction(p) / w for (a, p), w in zip(lines, whole, strict=True)), Fraction(0))
        places = {"line": len(lines), "rate": len({p for _, p in lines}), "document": 1}[model.tax_per]
        assert abs(answer.tax - exact) <= Fraction(places, 2), "tax is off by more than its roundings"


@given(numbers("0", "100", 3), numbers("0", "400", 3), MODELS)
def test_one_amount_is_the_product_of_what_is_sent(quantity: Decimal, price: Decimal, model: RoundingModel) -> None:
    uncut = replace(model, quantity_decimals=3, unit_price_decimals=4)
    unit = 10 ** max(0, 2 - model.decimals)  # books without cents know whole units only
    exact = Fraction(quantity) * Fraction(price) * 100 / unit
    near = [amount * unit for amount in range(int(exact) - 1, int(exact) + 3)]
    [product] = [amount for amount in near if sendable(amount, quantity, price, uncut, "USD")]
    assert abs(product - exact * unit) <= Fraction(unit, 2)


@given(st.lists(AMOUNTS, min_size=8, max_size=30), AMOUNTS, AMOUNTS)
def test_the_further_away_the_higher_the_score(samples: list[int], one: int, other: int) -> None:
    lower, higher = sorted((one, other))
    scores = robust_z(samples, lower), robust_z(samples, higher)
    assert scores[0] is not None
    assert scores[1] is not None
    assert scores[0] <= scores[1]
    mirrored = robust_z([-sample for sample in samples], -lower)
    assert mirrored == -scores[0]
