"""Terms that come from a source (model/merging.py): what is in doubt is said, and what depends on it waits.

Where the account was not read to the end, or not lately, nothing new leaves under its terms: they may be half of them.
What was billed stands, under the versions it was billed under.
"""

from __future__ import annotations

from collections.abc import Iterator

from billsync.model.contract import Contract
from billsync.model.invoice import Evidence
from billsync.model.sourced import TermsTrouble
from billsync.model.work import ChangeOrder, ContractTerms, Observation
from billsync.rules.schedule import PlacedLine
from billsync.rules.unknown import reason_of
from billsync.rules.view import View, Work, identity_of

_SCHEDULED = frozenset({"milestone", "dated", "progress", "threshold", "manual"})
_TERMS = ("contract", "change_order")


class SourcedTerms:
    """The doubts about the terms of all contracts tonight."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._unread = _unread(view)

    def doubt(self, work: Work) -> TermsTrouble | None:
        """Why work waits for its terms; None where it does not."""
        contract = work.contract
        if contract.terms_from is None:
            return None
        if contract.told is None:
            return TermsTrouble(code="contract_not_told", text="its source told nothing yet", holds="all")
        unread = self._unread_of(contract)
        if unread:
            return TermsTrouble(code=unread[0], text=f"its terms come from {unread[1]}", holds="all")
        return next((trouble for trouble in contract.told.troubles if _holds(trouble, work)), None)

    def say(self) -> None:
        """A finding for each doubt, and for each contract of a source that nobody takes though all are to be taken."""
        for contract in self._view.contracts.values():
            for trouble in contract.told.troubles if contract.told else ():
                self._say(contract, trouble)
            unread = self._unread_of(contract)
            if unread:
                text = f"{contract.id}: its terms come from {unread[1]}; nothing new is billed until it was read"
                self._view.say(unread[0], contract.id, text)
        for seen in _untaken(self._view):
            self._view.say("unmapped", identity_of(seen.key), _nobodys(seen))

    def _say(self, contract: Contract, trouble: TermsTrouble) -> None:
        where = f" ({trouble.where})" if trouble.where.file else ""
        identity = f"{contract.id}/change/{trouble.subject}" if trouble.subject else contract.id
        self._view.say(
            trouble.code,
            identity,
            f"{contract.id}: {trouble.text}{where}",
            amount=trouble.amount,
            currency=contract.currency,
        )

    def _unread_of(self, contract: Contract) -> tuple[str, str] | None:
        """Cause and words of the first of its accounts that is not known."""
        sources = contract.terms_from.sources if contract.terms_from else ()
        return next((self._unread[one.account] for one in sources if one.account in self._unread), None)


def terms_evidence(contract: Contract, placed: PlacedLine) -> tuple[Evidence, ...]:
    """The versions of the terms behind a schedule line: of the contract, and of the change order that brought it."""
    change = placed.change.id if placed.change else None
    return tuple(
        Evidence(key=one.key, version=one.version)
        for one in (contract.told.versions if contract.told else ())
        if one.key.kind == "contract" or one.key.id.replace("/", "-") == change
    )


def _holds(trouble: TermsTrouble, work: Work) -> bool:
    if trouble.holds == "lines":
        return work.line is not None and work.line.id in trouble.lines
    return trouble.holds == "all" or (trouble.holds == "schedule" and work.kind in _SCHEDULED)


def _unread(view: View) -> dict[str, tuple[str, str]]:
    """Account -> why its terms are not known tonight."""
    unread: dict[str, tuple[str, str]] = {}
    for coverage in view.facts.coverage:
        reason = reason_of(view.facts.now, coverage)
        if coverage.kind in _TERMS and reason:
            complete = coverage.last is None or coverage.last.complete
            code = "stale_poll" if complete else "incomplete_poll"
            unread.setdefault(coverage.account, (code, f"{coverage.account}/{coverage.kind}: {reason}"))
    return unread


def _untaken(view: View) -> Iterator[Observation]:
    """Records of the account whose contracts the firm takes, and which no contract of the firm rests on."""
    used = {one.key for contract in view.contracts.values() if contract.told for one in contract.told.versions}
    for seen in view.records:
        if seen.key.account == view.facts.contracts_from and seen.key not in used and seen.vanished is None:
            if isinstance(seen.record, ContractTerms):
                yield seen
            elif isinstance(seen.record, ChangeOrder) and seen.record.signed_on is not None:
                yield seen


def _nobodys(seen: Observation) -> str:
    record = seen.record
    if isinstance(record, ContractTerms):
        return f"{seen.key}: no client is {record.client!r} there; name it under the client's `accounts`"
    name = record.contract if isinstance(record, ChangeOrder) else ""
    return f"{seen.key}: a change order of contract {name!r}, which the firm does not have"
