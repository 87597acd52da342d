"""Not to exceed: earned work takes room under the caps of its contract in the order of its places; the rest is capped.

Several caps may hold at once; the tightest one trims. A cap that is hit inside an entry bills base hours first, then
overtime: the billed part is priced and rounded, the capped part is the difference. Hours that are included or prepaid
cost nothing and take no room. Excluded work takes none either: the caller says so by `takes_room`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from billsync.model.contract import Cap, Contract
from billsync.model.money import exponent, round_whole
from billsync.rules import because
from billsync.rules.hours import Slice
from billsync.rules.valuation import Valued


@dataclass(frozen=True, slots=True, kw_only=True)
class CapWork:
    """Earned work that may need room: minor units, and for hour caps its slices at `rate` (major units an hour).

    `drawn`: minor units of the slices' price that come before `earned`: what a prepaid block of money paid, or what
    stands of it while the rest is billed once more. `credited`: the end of `earned` that was given back and waits for a
    person; it takes no room."""

    identity: str
    kind: str
    on: date
    purchase_order: str | None
    earned: int
    slices: tuple[Slice, ...] = ()
    rate: Decimal | None = None
    drawn: int = 0
    credited: int = 0
    takes_room: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CapFinding:
    """`cap_warning` from the warning level on, `cap_reached` from 100 % on, of one cap in one bucket (a month, an
    order, "" for the contract). `used` and `limit` are minor units or hours, as `unit` says."""

    code: Literal["cap_warning", "cap_reached"]
    cap: str
    bucket: str
    unit: Literal["amount", "hours"]
    used: int | Fraction
    limit: int | Fraction
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapResult:
    """`capped`: minor units above a cap, of the identities that have any; `because`: why, by identity."""

    capped: dict[str, int]
    because: dict[str, tuple[str, ...]]
    findings: tuple[CapFinding, ...]


def work_of(
    valued: Valued,
    *,
    identity: str,
    kind: str,
    on: date,
    purchase_order: str | None = None,
    credited: int = 0,
    takes_room: bool = True,
) -> CapWork:
    """Valued time or expense as work that wants room. ValueError for unrated work: it is not earned."""
    if valued.earned is None:
        raise ValueError(f"{identity} is unrated and takes no room")
    return CapWork(
        identity=identity,
        kind=kind,
        on=on,
        purchase_order=purchase_order,
        earned=valued.earned,
        slices=valued.slices,
        rate=valued.rate,
        drawn=valued.drawn,
        credited=credited,
        takes_room=takes_room,
    )


def apply_caps(contract: Contract, valued: Sequence[CapWork]) -> CapResult:
    """Give room to work in the order of its places. Never more than a limit, whatever arrives in whatever order."""
    buckets: dict[tuple[str, str], _Bucket] = {}
    capped: dict[str, int] = {}
    reasons: dict[str, tuple[str, ...]] = {}
    for work in valued:
        wanted = work.earned - work.credited
        if not work.takes_room or wanted <= 0:
            continue
        mine = [_bucket(buckets, cap, work, contract) for cap in contract.caps if _applies(cap, work, contract)]
        billed, tight = _fit(work, wanted, mine, contract)
        hours = _hours_taken(work, billed, mine, contract)
        for bucket in mine:
            bucket.amount += billed
            bucket.hours += hours
        for bucket in tight:
            bucket.trimmed += wanted - billed
        if billed < wanted:
            capped[work.identity] = wanted - billed
            reasons[work.identity] = tuple(_capped_sentence(bucket, wanted - billed, contract) for bucket in tight)
    findings = [finding for bucket in buckets.values() for finding in bucket.findings(contract.currency)]
    return CapResult(capped=capped, because=reasons, findings=tuple(findings))


@dataclass(slots=True, kw_only=True)
class _Bucket:
    """One cap in one period or order: what was taken of it so far."""

    cap: Cap
    name: str
    amount: int = 0
    hours: Fraction = Fraction(0)
    trimmed: int = 0

    def hour_room(self) -> Fraction | None:
        return None if self.cap.hours is None else Fraction(self.cap.hours) - self.hours

    def allows(self, work: CapWork, wanted: int, contract: Contract) -> int:
        """How many of the wanted minor units fit."""
        fits = wanted
        if self.cap.amount is not None:
            fits = min(fits, self.cap.amount - self.amount)
        room = self.hour_room()
        return fits if room is None else min(fits, _worth(work, room, contract))

    def findings(self, currency: str) -> list[CapFinding]:
        found = []
        if self.cap.amount is not None:
            found += self._level("amount", self.amount, self.cap.amount, currency)
        if self.cap.hours is not None:
            found += self._level("hours", self.hours, Fraction(self.cap.hours), currency)
        return found

    def _level(
        self, unit: Literal["amount", "hours"], used: int | Fraction, limit: int | Fraction, currency: str
    ) -> list[CapFinding]:
        reached = used >= limit
        if not reached and used * 100 < Fraction(self.cap.warning) * limit:
            return []
        texts = [_figure(figure, currency) for figure in (used, limit)]
        where = f" in {self.name}" if self.name else ""
        over = f", {because.amount(self.trimmed, currency)} capped" if self.trimmed else ""
        return [
            CapFinding(
                code="cap_reached" if reached else "cap_warning",
                cap=self.cap.id,
                bucket=self.name,
                unit=unit,
                used=used,
                limit=limit,
                text=f"cap {self.cap.id}{where}: {texts[0]} of {texts[1]} used{over}",
            )
        ]


def _figure(figure: int | Fraction, currency: str) -> str:
    return because.amount(figure, currency) if isinstance(figure, int) else because.hours(figure)


def _applies(cap: Cap, work: CapWork, contract: Contract) -> bool:
    return work.kind in cap.kinds and cap.purchase_order in (None, _order(work, contract))


def _order(work: CapWork, contract: Contract) -> str | None:
    return work.purchase_order or contract.purchase_order


def _bucket(buckets: dict[tuple[str, str], _Bucket], cap: Cap, work: CapWork, contract: Contract) -> _Bucket:
    name = {
        "contract": "",
        "month": f"{work.on:%Y-%m}",
        "quarter": f"{work.on.year}-Q{(work.on.month + 2) // 3}",
        "year": f"{work.on.year}",
        "purchase_order": _order(work, contract) or "no order",
    }[cap.per]
    return buckets.setdefault((cap.id, name), _Bucket(cap=cap, name=name))


def _fit(work: CapWork, wanted: int, buckets: Sequence[_Bucket], contract: Contract) -> tuple[int, list[_Bucket]]:
    """Minor units that fit under every cap, and the caps that trim."""
    allowed = [bucket.allows(work, wanted, contract) for bucket in buckets]
    billed = min([wanted, *allowed])
    tight = [bucket for bucket, fits in zip(buckets, allowed, strict=True) if fits == billed < wanted]
    return billed, tight


def _prices(work: CapWork, contract: Contract) -> list[tuple[Fraction, Fraction]]:
    """Hours and exact minor units an hour of the slices that cost money: base hours first, then overtime."""
    if work.rate is None:
        return []
    unit = Fraction(work.rate) * 10 ** exponent(contract.currency)
    paid = sorted((part for part in work.slices if part.source == "rate"), key=lambda part: part.multiplier)
    return [(Fraction(part.hours), unit * Fraction(part.multiplier)) for part in paid]


def _hours_at(prices: Sequence[tuple[Fraction, Fraction]], amount: Fraction | int) -> Fraction:
    """Hours done when so many minor units are reached."""
    done, left = Fraction(0), Fraction(amount)
    for hours, price in prices:
        if left < hours * price:
            return done + left / price
        done += hours
        left -= hours * price
    return done


def hours_bought(work: CapWork, billed: int, contract: Contract) -> Fraction:
    """Hours that `billed` minor units of this work pay for, after those that a prepaid block paid; 0 for expenses."""
    prices = _prices(work, contract)
    end = sum((hours for hours, _ in prices), Fraction(0))
    if billed < work.earned:
        end = _hours_at(prices, work.drawn + billed)
    return end - _hours_at(prices, work.drawn)


def _hours_taken(work: CapWork, billed: int, buckets: Sequence[_Bucket], contract: Contract) -> Fraction:
    """Hours that count against hour caps: never more than were left, though the rounded price may buy a hair more."""
    rooms = [room for bucket in buckets if (room := bucket.hour_room()) is not None]
    return min([hours_bought(work, billed, contract), *rooms]) if rooms else Fraction(0)


def _worth(work: CapWork, room: Fraction, contract: Contract) -> int:
    """Minor units of the first `room` hours of this work, rounded once; all of it where they suffice."""
    prices = _prices(work, contract)
    left = _hours_at(prices, work.drawn) + room
    if left >= sum(hours for hours, _ in prices):
        return work.earned
    exact = Fraction(0)
    for hours, price in prices:
        taken = min(hours, left)
        exact += taken * price
        left -= taken
    return round_whole(exact, contract.rounding) - work.drawn


def _capped_sentence(bucket: _Bucket, capped: int, contract: Contract) -> str:
    cap, currency = bucket.cap, contract.currency
    limits = [because.amount(cap.amount, currency)] if cap.amount is not None else []
    limits += [because.hours(cap.hours)] if cap.hours is not None else []
    where = f" in {bucket.name}" if bucket.name else ""
    return f"{because.amount(capped, currency)} above cap {cap.id} of {' and '.join(limits)}{where}"
