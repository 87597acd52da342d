"""billsync check: the configuration, every account, and what each rule of each contract matches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from billsync.cli.app import ConfigFile, single

if TYPE_CHECKING:
    from billsync.reports.blocks import Block
    from billsync.rules.matches import RuleMatch
    from billsync.sync.check import AccountCheck, Checked
    from billsync.sync.check_terms import ToldTerms
    from billsync.sync.firm import Firm

CHECK: Final = "billsync.check/1"


def check(
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    config: ConfigFile = None,
) -> int:
    """Test the configuration, every account and every rule.

    Reads each source once and writes nothing: whose account it is, what the credential may see, how many records
    each rule of each contract matches, what sources tell of contracts, and which clients have no customer in the
    books. It logs in to mail servers, and nobody gets a message. Exit code: 0 all well, 1 a person should look at
    something, 2 an account cannot be used.
    """
    from billsync.cli.errors import tell
    from billsync.cli.say import TerminalProgress, json_object, show
    from billsync.sync.check import check as look
    from billsync.sync.firm import open_firm

    firm = open_firm(config)
    with TerminalProgress() as progress:
        found = look(firm, progress=progress)
    if format == "json":
        json_object(_row(found))
        return found.exit_code
    show(_blocks(firm, found))
    for account in found.accounts:
        if account.trouble is not None:
            tell(account.trouble)
    return found.exit_code


def _row(found: Checked) -> dict[str, Any]:
    return {
        "schema": CHECK,
        "exit_code": found.exit_code,
        "accounts": [_account_row(one) for one in found.accounts],
        "rules": [
            {
                "contract": one.contract,
                "rule": one.rule,
                "records": one.records,
                "wrong": one.wrong or None,
                "where": str(one.origin) or None,
            }
            for one in found.rules
        ],
        "terms": [
            {
                "contract": one.contract,
                "source": str(one.source),
                "amount": one.amount or None,
                "signed_on": one.signed_on.isoformat() if one.signed_on else None,
                "lines": one.lines,
                "since": one.since.isoformat() if one.since else None,
                "wrong": list(one.wrong),
                "where": str(one.origin) or None,
            }
            for one in found.told
        ],
    }


def _account_row(one: AccountCheck) -> dict[str, Any]:
    who = one.identity
    return {
        "account": one.account.name,
        "role": one.account.role,
        "kind": one.account.kind,
        "ok": one.trouble is None,
        "identity": who.account if who else None,
        "user": (who.user or None) if who else None,
        "sees_everything": who.sees_everything if who else None,
        "remarks": list(one.remarks),
        "error": " | ".join(str(one.trouble).splitlines()) if one.trouble else None,
    }


def _blocks(firm: Firm, found: Checked) -> Iterator[Block]:
    from billsync.reports.blocks import Table, Words, column, whole

    contracts = len(firm.terms.contracts)
    yield Words(f"{firm.config.path} is good: {contracts} contract{'s' if contracts != 1 else ''}.")
    rows = tuple(
        (
            one.account.name,
            one.account.role,
            one.account.kind,
            _answer(one),
            one.identity.account if one.identity else "",
            one.identity.user if one.identity else "",
        )
        for one in found.accounts
    )
    columns = (column("Account"), whole("Role"), column("Kind"), whole("Answer"), column("Whose"), column("User"))
    yield Table(title="Accounts", columns=columns, rows=rows)
    for one in found.accounts:
        if one.remarks:
            yield Words(one.account.name, "heading")
            yield from (Words(f"  {remark}") for remark in one.remarks)
    yield from _terms(found.told)
    yield from _rules(found.rules)


def _answer(one: AccountCheck) -> str:
    """A channel that cannot be tried without a message to people names nobody's account."""
    if one.trouble or one.identity is None:
        return "FAILED"
    return "ok" if one.identity.account else "not tried"


def _terms(told: tuple[ToldTerms, ...]) -> Iterator[Block]:
    from billsync.reports.blocks import Table, Words, column, number, under, whole

    if not told:
        return
    columns = (
        column("Terms"), under("Contract"), number("Value"), whole("Signed"), number("Lines"), whole("Known since"),
    )  # fmt: skip
    rows = tuple(
        (
            str(one.source),
            one.contract,
            one.amount or "not shown",
            str(one.signed_on or "no"),
            one.lines,
            f"{one.since:%Y-%m-%d %H:%M}" if one.since else "new",
        )
        for one in told
    )
    yield Table(title="What sources tell of contracts", columns=columns, rows=rows, note="Times are UTC.")
    for one in told:
        yield from (Words(f"  {one.contract}: {text}", "bad") for text in one.wrong)


def _rules(rules: tuple[RuleMatch, ...]) -> Iterator[Block]:
    from billsync.reports.blocks import Table, Words, column, number, under

    if not rules:
        return
    columns = (column("Rule"), under("Contract"), number("Records"), column("Remark"), under("Where"))
    rows = tuple(
        (one.rule, one.contract, one.records, one.wrong, str(one.origin) if one.wrong else "") for one in rules
    )
    yield Table(title="What each rule matches", columns=columns, rows=rows)
    wrong = sum(bool(one.wrong) for one in rules)
    if wrong:
        yield Words("")
        yield Words(f"{wrong} of {len(rules)} rules need a look: a name or an id may be misspelt.", "bad")


app = single(check, examples_of=("billsync check", "billsync check --format json"))
