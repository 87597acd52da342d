"""Several payers on one contract: each owes a share of the cumulative amount, and the shares sum to it."""

from __future__ import annotations

from collections.abc import Sequence

from billsync.model.contract import Payer
from billsync.model.money import allocate


def share_of(payers: Sequence[Payer], cumulative: int) -> dict[str, int]:
    """Minor units of each payer's client, of an identity's cumulative amount: largest remainder, ties to the earlier.

    A night bills each payer this less what the payer was billed before; where the total grows by a cent or two that
    may be a cent less for one. ValueError without payers, or with a negative share."""
    parts = allocate(cumulative, [payer.share for payer in payers])
    return {payer.client: part for payer, part in zip(payers, parts, strict=True)}
