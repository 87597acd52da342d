"""billsync auth: log in to accounts, store their secrets, and see what ends when. No secret is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from billsync.cli.app import ConfigFile, TableFormat, group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billsync.http import DeviceCode
    from billsync.reports.blocks import Block
    from billsync.sync.credentials import AccountStatus

app = group(
    "Log in to accounts, and see what ends when.",
    examples_of=(
        "billsync auth status",
        "billsync auth login books",
        "billsync auth login books --paste",
        "billsync auth set harvest token",
        "billsync auth logout books",
    ),
)
COLUMNS = ("account", "role", "kind", "way", "state", "kept", "access_until", "ends", "secrets", "warnings", "error")
AccountName = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's name in the configuration.")]


@app.command()
def login(
    account: AccountName,
    paste: Annotated[
        bool, typer.Option("--paste", help="Without a browser here: agree elsewhere, paste the address it ends at.")
    ] = False,
    device: Annotated[bool, typer.Option("--device", help="By a code typed in elsewhere, where offered.")] = False,
    file: Annotated[bool, typer.Option("--file", help="Keep it in a protected file, not the keyring (cron).")] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port on which the browser comes back.")
    ] = 8912,
    redirect: Annotated[
        str, typer.Option("--redirect-uri", metavar="ADDRESS", help="With --paste: as registered with the vendor.")
    ] = "",
    config: ConfigFile = None,
) -> int:
    """Let billsync in by OAuth 2, once.

    The browser opens the vendor's page and comes back to http://localhost:8912/callback, which must be among the
    redirect addresses of your app at the vendor. The token is kept in the keyring, else in a file that you alone can
    read, and renewed without you.
    """
    import sys

    from billsync.cli.say import say
    from billsync.sync.auth import Entrance, open_keys

    entrance = Entrance(open_keys(config), account, file=file)
    if device:
        kept = entrance.by_device(_show_code)
    elif paste:
        sys.stderr.write("Open this address in any browser, agree, and copy the address of the page it ends at:\n\n")
        kept = entrance.by_paste(_show, _pasted, redirect=redirect or f"http://localhost:{port}/callback")
    else:
        sys.stderr.write("Agree in the browser. If none opens, open this address (or use --paste):\n\n")
        kept = entrance.by_browser(_show_and_open, port=port)
    say(f"{account} is logged in; the token is kept in {kept}")
    return 0


@app.command()
def status(format: TableFormat = "text", config: ConfigFile = None) -> int:
    """How each account goes in, where that is kept, what ends when.

    Calls no vendor: `billsync check` does. Exit code: 0 all well, 1 something ends within four weeks or nobody has
    logged in, 2 an account cannot be used.
    """
    from billsync.cli.errors import tell
    from billsync.cli.say import table
    from billsync.sync.auth import open_keys
    from billsync.sync.credentials import statuses

    found = list(statuses(open_keys(config)))
    rows = [_row(one) for one in found]
    if format == "csv":
        rows = [{**row, **{name: "; ".join(map(_words, row[name])) for name in ("ends", "secrets", "warnings")}}
                for row in rows]  # fmt: skip
    table(format, names=COLUMNS, rows=rows, blocks=lambda: _blocks(found))
    for one in found:
        if format == "text" and one.trouble is not None:
            tell(one.trouble)
    if any(one.trouble or any(secret.trouble for secret in one.secrets) for one in found):
        return 2
    return int(any(one.warnings or one.state == "not_logged_in" for one in found))


@app.command()
def logout(account: AccountName, config: ConfigFile = None) -> int:
    """Forget an account's log-in on this machine.

    The vendor still lists your app among those let in: take that back on its pages.
    """
    from billsync.cli.say import say
    from billsync.sync.auth import logout as forget
    from billsync.sync.auth import open_keys

    place = forget(open_keys(config), account)
    say(f"{account} is logged out; it was kept in {place}" if place else f"{account} was not logged in")
    return 0


@app.command("set")
def set_secret(
    account: AccountName,
    option: Annotated[str, typer.Argument(metavar="OPTION", help="A secret option of the account, as token.")],
    config: ConfigFile = None,
) -> int:
    """Put a secret into the keyring.

    It is typed at a hidden prompt, or read from standard input, and never taken from the command line, which other
    users of the machine can see.
    """
    import getpass
    import sys

    from billsync.cli.say import say
    from billsync.sync.auth import open_keys, store_secret

    keys = open_keys(config)
    keys.account(account)
    terminal = sys.stdin.isatty()
    secret = getpass.getpass(f"{account}.{option}: ") if terminal else sys.stdin.readline().rstrip("\r\n")
    reference, written = store_secret(keys, account, option, secret)
    say(f"stored as {reference}" + ("" if written else f"; write it in the configuration: {option}: {reference}"))
    return 0


def _show(address: str) -> None:
    import sys

    sys.stderr.write(f"{address}\n\n")
    sys.stderr.flush()


def _show_and_open(address: str) -> None:
    import webbrowser

    _show(address)
    webbrowser.open(address)


def _show_code(device: DeviceCode) -> None:
    import sys

    sys.stderr.write(f"Open {device.verification_url} and type in {device.user_code}\n")
    sys.stderr.flush()


def _pasted() -> str:
    """Hidden: the address holds a code that works for a minute."""
    import getpass
    import sys

    return getpass.getpass("address: ") if sys.stdin.isatty() else sys.stdin.readline()


def _row(one: AccountStatus) -> dict[str, Any]:
    return {
        "account": one.account.name,
        "role": one.account.role,
        "kind": one.account.kind,
        "way": one.way,
        "state": one.state,
        "kept": one.kept or None,
        "access_until": one.access_until,
        "ends": [{"what": end.what, "at": end.at} for end in one.ends],
        "secrets": [
            {"option": secret.option, "reference": secret.reference, "error": secret.trouble or None}
            for secret in one.secrets
        ],
        "warnings": list(one.warnings),
        "error": " | ".join(str(one.trouble).splitlines()) if one.trouble else None,
    }


def _words(value: Any) -> str:
    """A member of a list in one cell of a table."""
    return " ".join(str(part) for part in value.values() if part) if isinstance(value, dict) else str(value)


def _blocks(found: list[AccountStatus]) -> Iterator[Block]:
    from billsync.reports.blocks import Table, Words, column, under, whole

    columns = (column("Account"), column("Goes in by"), column("State"), column("Kept in"), whole("Ends"), under(""))
    rows = tuple(
        (
            one.account.name,
            one.way,
            one.state.replace("_", " "),
            one.kept or ", ".join(f"{secret.option}: {secret.reference}" for secret in one.secrets),
            ", ".join(f"{end.at:%Y-%m-%d} {end.what}" for end in one.ends),
            "; ".join(f"{secret.option}: {secret.trouble}" for secret in one.secrets if secret.trouble),
        )
        for one in found
    )
    yield Table(columns=columns, rows=rows)
    for one in found:
        yield from (Words(warning, "bad") for warning in one.warnings)
        if one.state == "not_logged_in":
            yield Words(f"billsync auth login {one.account.name}", "command")
