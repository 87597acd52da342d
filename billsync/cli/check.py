"""billsync check: the configuration, then every account once: who we are there, and what each rule matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from billsync.cli.app import ConfigFile, TableFormat, single

if TYPE_CHECKING:
    from billsync.model.errors import BillsyncError
    from billsync.reports.blocks import Block
    from billsync.sync.firm import Firm

COLUMNS = ("account", "role", "kind", "ok", "identity", "user", "sees_everything", "remarks", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One account's answer, or the error instead of it."""

    account: str
    role: str
    kind: str
    identity: str = ""
    user: str = ""
    sees_everything: bool = True
    remarks: tuple[str, ...] = ()
    error: BillsyncError | None = None


def check(format: TableFormat = "text", config: ConfigFile = None) -> int:
    """Test the configuration and every account.

    Contacts each source and sink once and writes nothing: whose account it is, what the credential may see, what
    each rule of a mapping matches, and which clients have no customer in the books.
    """
    from billsync.cli.errors import tell
    from billsync.cli.say import table
    from billsync.sync.firm import open_firm

    firm = open_firm(config)
    found = list(checked(firm))
    table(format, names=COLUMNS, rows=map(_row, found), blocks=lambda: _blocks(firm, found))
    errors = [one.error for one in found if one.error is not None]
    if format == "text":
        for error in errors:
            tell(error)
    return max((error.exit_code for error in errors), default=0)


def checked(firm: Firm) -> Iterator[Checked]:
    """Ask each account who we are; a failure is that account's answer."""
    for account in (*firm.config.sources(), *firm.config.sinks()):
        opened: AbstractContextManager[Any]
        opened = firm.source(account.name) if account.role == "source" else firm.sink(account.name)
        yield _asked(firm, account.name, account.role, account.kind, opened)


def _asked(firm: Firm, name: str, role: str, kind: str, opened: AbstractContextManager[Any]) -> Checked:
    from billsync.model.errors import BillsyncError

    try:
        with opened as connector:
            who = connector.check()
            remarks = list(who.remarks)
            if role == "sink" and connector.needs_customer:
                remarks += _customers(firm, name, connector)
    except BillsyncError as error:
        return Checked(account=name, role=role, kind=kind, error=error)
    return Checked(
        account=name,
        role=role,
        kind=kind,
        identity=who.account,
        user=who.user,
        sees_everything=who.sees_everything,
        remarks=tuple(remarks),
    )


def _customers(firm: Firm, name: str, books: Any) -> Iterator[str]:
    """Clients whose customer is not named, or not to be found, in these books."""
    known = {party.id: party for party in books.customers()}
    for client in firm.terms.clients.values():
        customer = client.customers.get(name)
        if customer is None:
            yield f"client {client.id}: no customer named for {name}"
        elif customer not in known:
            yield f"client {client.id}: there is no customer {customer}"
        elif not known[customer].active:
            yield f"client {client.id}: customer {customer} ({known[customer].name}) is not active"


def _row(one: Checked) -> dict[str, Any]:
    return {
        "account": one.account,
        "role": one.role,
        "kind": one.kind,
        "ok": "yes" if one.error is None else "no",
        "identity": one.identity or None,
        "user": one.user or None,
        "sees_everything": "yes" if one.sees_everything else "no",
        "remarks": "; ".join(one.remarks) or None,
        "error": " | ".join(str(one.error).splitlines()) if one.error else None,
    }


def _blocks(firm: Firm, found: Sequence[Checked]) -> Iterator[Block]:
    from billsync.reports.blocks import Table, Words, column, whole

    yield Words(f"{firm.config.path} is good: {len(firm.terms.contracts)} contracts.")
    rows = tuple(
        (one.account, one.role, one.kind, "ok" if one.error is None else "FAILED", one.identity, one.user)
        for one in found
    )
    columns = (column("Account"), whole("Role"), column("Kind"), whole("Answer"), column("Whose"), column("User"))
    yield Table(columns=columns, rows=rows)
    for one in found:
        if one.remarks:
            yield Words(one.account, "heading")
            yield from (Words(f"  {remark}") for remark in one.remarks)
        if not one.sees_everything:
            yield Words(f"  {one.account} sees only a part: what is absent there proves nothing", "bad")


app = single(check, examples_of=("billsync check", "billsync check --format json"))
