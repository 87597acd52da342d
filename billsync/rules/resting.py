"""Which records need no second look: billed to the cent on documents that are as they were sent, or never billable.

Only time and expenses rest, and only where each is worth what it is worth whatever the others are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from billsync.model.statement import Rest, Unvalued
from billsync.model.work import SourceKey
from billsync.rules.settle import Share
from billsync.rules.view import View, identity_of

_TO_BE_SEEN: Final = frozenset({"deleted", "negative_quantity", "moved"})


def resting(view: View, shares: Iterable[Share], troubles: dict[str, str]) -> tuple[Rest, ...]:
    """Records that may go to rest tonight; one row a payer."""
    together: dict[str, list[Share]] = {}
    for share in shares:
        together.setdefault(share.work.identity, []).append(share)
    rests: list[Rest] = []
    for identity, mine in together.items():
        if identity.startswith(("time/", "expense/")) and all(_settled(view, share, troubles) for share in mine):
            rests += [_billed(view, share) for share in mine]
    rests += _never_billable(view)
    return tuple(sorted(rests, key=lambda rest: (str(rest.key), rest.client)))


def _settled(view: View, share: Share, troubles: dict[str, str]) -> bool:
    """Nothing of it is open, on its way, credited or in doubt, and no person spoke about it."""
    work, standing = share.work, share.standing
    quiet = not (work.cause in _TO_BE_SEEN or work.stands or work.capped or share.opens or standing.references)
    whole = standing.posted.net == share.earned and not standing.posted.credited and not standing.posted.trued_down
    alone = work.identity not in view.decided.touched and work.contract.id in view.contracts
    good = not any(posting.fact.invoice in troubles for posting in standing.postings)
    return quiet and whole and alone and good and work.contract.independent()


def _billed(view: View, share: Share) -> Rest:
    work = share.work
    assert work.key is not None  # noqa: S101  time and expenses are records
    seen = view.by_key[work.key]
    return Rest(
        key=seen.key,
        version=seen.version,
        state="billed",
        identity=work.identity,
        contract=work.contract.id,
        client=share.client,
        fingerprint=view.fingerprint(work.contract),
        currency=work.contract.currency,
        amount=share.earned,
        withheld=share.standing.outstanding,
        hours=work.hours,
    )


def _never_billable(view: View) -> Iterator[Rest]:
    for one in view.found.not_valued:
        if one.why == "not_billable" and one.key.kind in ("time", "expense"):
            rest = _idle(view, one, one.key)
            if rest is not None:
                yield rest


def _idle(view: View, one: Unvalued, key: SourceKey) -> Rest | None:
    identity = identity_of(key)
    seen = view.by_key[key]
    if identity in view.decided.touched or seen.vanished is not None or view.standings.contracts(identity):
        return None
    contract = view.contracts.get(one.contract)
    return Rest(
        key=key,
        version=seen.version,
        state="not_billable",
        identity=identity,
        contract=one.contract,
        client=contract.client if contract else "",
        fingerprint=view.fingerprint(contract) if contract else "",
        currency=contract.currency if contract else "",
        amount=0,
        withheld=0,
        hours=one.hours,
    )
