"""What the configuration asks of accounts that they must be able to do: told with file and line, before any poll."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from billsync.config import AccountConfig, Config
from billsync.model.book import Terms
from billsync.model.contract import Contract, Origin
from billsync.model.errors import UsageError
from billsync.plugins import PluginError, Plugins
from billsync.sdk.source import Source


def check_evidence(config: Config, terms: Terms, plugins: Plugins) -> None:
    """Raise UsageError, with file and line, where evidence is wanted of books that take no attachments."""
    accounts = {account.name: account for account in config.sinks()}
    for contract, where in _asking(config, terms):
        name = contract.billing.sink or next(iter(accounts), "")
        if name not in accounts:
            continue
        account = accounts[name]
        try:
            books = plugins.sink(account.kind, where=str(account.origin), distribution=account.distribution)
        except PluginError:
            continue  # told where the account is opened
        if not books.attaches:
            raise UsageError(
                f"contract {contract.id!r} wants evidence attached, and the books {name!r} ({books.title}) take none",
                where=str(where),
                hint="take `evidence` out, or bill the contract in books that take attachments",
            )


def _asking(config: Config, terms: Terms) -> Iterator[tuple[Contract, Origin]]:
    """Contracts that want evidence, those that a source may bring included, and where that is written."""
    firm = config.entry.billing
    for entry in config.entry.contracts:
        contract = terms.contracts.get(entry.id)
        if contract is not None and contract.billing.evidence:
            asked = entry.billing if "evidence" in entry.billing.model_fields_set else firm
            yield contract, asked.where("evidence")
    for model in terms.contracts_from.clients.values() if terms.contracts_from else ():
        if model.billing.evidence:
            yield model, firm.where("evidence")


def check_marks(account: AccountConfig, found: type[Source[Any]], options: Any) -> None:
    """Raise UsageError, with file and line, where an account shall be marked that cannot be."""
    if not account.mark_billed or found.marks(options):
        return
    where, name = str(account.where("mark_billed")), account.name
    if not found.offers.marks_billed:
        raise UsageError(f"{name}: {found.title} cannot mark records as billed", where=where, hint="take the key out")
    raise UsageError(
        f"{name}: nothing says where {found.title} shall put the mark",
        where=where,
        hint=f"its option for that is explained by `billsync plugins show {account.kind}`",
    )
