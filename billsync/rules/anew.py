"""History as though nothing of it had been billed yet: what other terms would have made of it.

Records, their order, and what people decided about work (held, excluded, mapped to a contract, billed by a manual
amount) stay; documents, postings and decisions about documents go. Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from billsync.model.book import Decision, DecisionKind, Facts
from billsync.model.contract import Contract

_ABOUT_WORK: Final[frozenset[DecisionKind]] = frozenset({"hold", "release", "exclude", "map", "bill", "correct"})


def unbilled(facts: Facts, contracts: Mapping[str, Contract]) -> Facts:
    """The same facts under other contracts, before the first invoice. Ask the ledger for `everything`."""
    return replace(
        facts,
        contracts=contracts,
        postings=(),
        intents=(),
        documents=(),
        settled=(),
        decisions=tuple(one for one in facts.decisions if _stays(one, contracts)),
        last_billed={},
        samples={},
    )


def _stays(decision: Decision, contracts: Mapping[str, Contract]) -> bool:
    """Decisions about work stay; work that was mapped to an invoice is history, as if it had been billed by us."""
    return decision.kind in _ABOUT_WORK and (decision.kind != "map" or decision.target in contracts)
