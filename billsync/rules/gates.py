"""What must be true before work is put on a draft (billing.md 4): the first thing that is not, as a cause.

Gates of a draft as a whole (billing day, release threshold, approvals, preview) are asked in drafts.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from billsync.model.contract import Contract
from billsync.model.money import grouped
from billsync.model.work import SourceKey
from billsync.rules.order import by_place
from billsync.rules.outliers import is_outlier, robust_z
from billsync.rules.schedule import value_in_force
from billsync.rules.sourced_terms import SourcedTerms
from billsync.rules.view import View, Work, identity_of, sink_of

_SCHEDULED = frozenset({"milestone", "dated", "progress", "threshold"})


class Gatekeeper:
    """The gates over tonight's work. Look-alikes and the contract value need all of it, so it is given first."""

    def __init__(self, view: View, works: Iterable[Work]) -> None:
        self._view = view
        ordered = by_place(view, works)
        self._over = _over_value(view, ordered)
        self._alike = _lookalikes(view, ordered)
        self._homes = _homes(ordered)
        self._terms = SourcedTerms(view)

    def cause(self, work: Work, client: str) -> str:
        """Why new work waits; "" where it may go."""
        view, decided = self._view, self._view.decided
        freed = decided.released(work.identity)
        contract = work.contract
        doubt = self._terms.doubt(work)
        checks = (
            (work.cause == "deleted", "deleted"),
            (decided.held(work.identity, contract.id) is not None, "hold"),
            (work.cause == "negative_quantity", "negative_quantity"),
            (_billed_elsewhere(view, work), "moved"),
            (work.cause == "billed_at_source" and not freed, "billed_at_source"),
            (work.cause not in ("", "billed_at_source", "moved"), work.cause),
            (doubt is not None, doubt.code if doubt else ""),
            (work.identity in self._over, "over_contract_value"),
            (work.identity in self._alike and not freed, "lookalike"),
            (self._no_order(contract, work, client), "purchase_order_missing"),
            (any(not contract.references.get(name) for name in contract.gates.references), "reference_missing"),
            (_no_customer(view, contract, client), "customer_missing"),
            (contract.gates.outlier_blocks and self.outlier(work, client) and not freed, "outlier"),
            (_closed(view, contract), "period_closed"),
        )
        return next((cause for stops, cause in checks if stops), "")

    def cause_of_drift(self, work: Work, amount: int, *, credited: bool) -> str:
        """Why the drift of billed work waits; "" where a true-up may bill or credit it."""
        view = self._view
        if work.cause in ("deleted", "negative_quantity"):
            return work.cause
        if view.decided.held(work.identity, work.contract.id):
            return "hold"
        if work.stands:
            return "reopened"
        if credited and amount > 0:
            return "credited"
        if amount > 0 and _billed_elsewhere(view, work):
            return "moved"
        if work.cause == "moved":
            return "" if self._both_true_up(work) else "moved"
        if work.contract.after_billing != "true_up" and not self._released_since(work):
            return "drift"
        doubt = self._terms.doubt(work)
        return doubt.code if doubt else "period_closed" if _closed(view, work.contract) else ""

    def outlier(self, work: Work, client: str) -> bool:
        """Far from what this client was billed for work of this kind."""
        return is_outlier(self._view.facts.samples.get((client, work.kind), ()), work.value - work.capped)

    def score(self, work: Work, client: str) -> Fraction | None:
        """How far, as a robust z-score."""
        return robust_z(self._view.facts.samples.get((client, work.kind), ()), work.value - work.capped)

    def text(self, cause: str, work: Work, client: str) -> str:
        """The cause with what it rests on, for a finding."""
        if cause == "customer_missing" and client in self._view.facts.clients:
            sink = sink_of(self._view, work.contract)
            return f"{work.name}: {client} has no customer in the books {sink}; enter it under `customers:`"
        if cause == "lookalike":
            return f"{work.name}: looks like {self._alike[work.identity]}"
        if cause == "over_contract_value":
            return f"{work.name}: {self._over[work.identity]}"
        doubt = self._terms.doubt(work)
        return f"{work.name}: {doubt.text}" if doubt and doubt.code == cause else ""

    def _no_order(self, contract: Contract, work: Work, client: str) -> bool:
        known = self._view.facts.clients.get(client)
        wanted = contract.gates.purchase_order or (known is not None and known.requires_purchase_order)
        return wanted and not work.purchase_order

    def _released_since(self, work: Work) -> bool:
        """A person let it go after the source's newest word."""
        decision = self._view.decided.last("release", work.identity)
        seen = self._view.by_key.get(work.key) if work.key else None
        return (
            decision is not None
            and self._view.decided.released(work.identity)
            and (seen is None or decision.at >= seen.first_seen)
        )

    def _both_true_up(self, work: Work) -> bool:
        """Moved work is credited without a person's word where its old and its new contract say so."""
        homes = self._homes.get(work.identity, [])
        return bool(homes) and all(home.after_billing == "true_up" for home in [work.contract, *homes])


def _homes(works: Iterable[Work]) -> dict[str, list[Contract]]:
    """The contracts under which each identity is earned tonight."""
    homes: dict[str, list[Contract]] = {}
    for work in works:
        if work.cause != "moved":
            homes.setdefault(work.identity, []).append(work.contract)
    return homes


def _billed_elsewhere(view: View, work: Work) -> bool:
    """Billed under another contract and not credited there yet, as far as the books have confirmed it."""
    return any(
        standing.posted.net or standing.references
        for name in view.standings.contracts(work.identity)
        if name != work.contract.id
        for standing in view.standings.all_of(work.identity, name)
    )


def _no_customer(view: View, contract: Contract, client: str) -> bool:
    """No client of the configuration, or none that the books the document goes to have as a customer."""
    known, sink = view.facts.clients.get(client), sink_of(view, contract)
    return known is None or (sink in view.facts.needs_customer and not known.customers.get(sink))


def _closed(view: View, contract: Contract) -> bool:
    """The books are closed for documents dated today."""
    closed = contract.gates.closed_through
    return closed is not None and view.today <= closed


def _over_value(view: View, ordered: Iterable[Work]) -> dict[str, str]:
    """Schedule lines that do not fit whole into the value in force, in the order of their places."""
    used: dict[str, int] = {}
    over = {}
    for work in ordered:
        contract = work.contract
        limit = value_in_force(contract, view.today) if contract.value is not None else None
        if limit is None or work.kind not in _SCHEDULED or work.stands:
            continue
        total = used.get(contract.id, 0) + work.value
        if work.value > 0 and total > limit:
            figures = grouped(total, contract.currency), grouped(limit, contract.currency)
            over[work.identity] = f"{figures[0]} of a contract value of {figures[1]} {contract.currency}"
        else:
            used[contract.id] = total
    return over


def _lookalikes(view: View, ordered: list[Work]) -> dict[str, SourceKey]:
    """Work that resembles work on another account under the same contract which was earned before it."""
    alike: dict[str, SourceKey] = {}
    earlier: dict[str, Work] = {}
    for work in ordered:
        for other in view.facts.lookalikes.get(work.key, ()) if work.key else ():
            twin = earlier.get(identity_of(other))
            if twin is not None:
                same = twin.contract.id == work.contract.id and twin.identity not in alike
                rests = False
            else:
                same, rests = False, other not in view.by_key and _feeds(work.contract, other)
            if (same or rests) and not view.decided.excluded(identity_of(other)):
                alike[work.identity] = other
        if work.cause != "moved":
            earlier[work.identity] = work
    return alike


def _feeds(contract: Contract, key: SourceKey) -> bool:
    """True where the contract takes such records from that account: then what rests there was billed."""
    terms = contract.time if key.kind == "time" else contract.expenses
    return (
        terms is not None
        and (not terms.accounts or key.account in terms.accounts)
        and any(ref.account == key.account and (not ref.feeds or key.kind in ref.feeds) for ref in contract.projects)
    )
