"""The options of a connector: checked with file and line, secrets followed, values never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from billsync.config import AccountConfig, build_options
from billsync.model.contract import Origin
from billsync.model.errors import SecretError, UsageError
from billsync.sdk import Field, Options, Secret
from billsync.sdk.options import Location
from tests.unit.config.firm import FIRM, config

SECRET = "tok-9f3a77"


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file: str


class VendorOptions(Options):
    account_id: str = Field(description="The number of the account.")
    token: Secret = Field(description="The token.")
    keys: dict[str, Secret] = Field(default={}, description="More tokens.")
    retries: int = Field(default=3, ge=0, description="How often.")
    folder: Location | None = Field(default=None, description="A folder.")
    zone: str = Field(default="UTC", description="The zone.")
    time: Table | None = Field(default=None, description="A table.")


def account(folder: Path, options: str) -> AccountConfig:
    """The account `vendor`, whose options begin in line 3."""
    lines = "".join(f"    {line}\n" for line in options.splitlines())
    return config(folder, f"firm: {{name: X}}\nsources:\n  vendor:\n    kind: vendor\n{lines}").accounts["vendor"]


def reveal(reference: str, where: Origin) -> str:
    if reference == "env:MISSING":
        raise SecretError("the environment variable 'MISSING' is not set", where=str(where))
    return f"{SECRET} of {reference}"


def refused(folder: Path, options: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        build_options(account(folder, options), VendorOptions, reveal)
    assert SECRET not in str(caught.value), "no error holds a value"
    return caught.value


def test_options_are_checked_and_secrets_followed(tmp_path: Path) -> None:
    written = "account_id: 1234567\ntoken: env:TOKEN\nkeys: {a: file:a, b: keyring:x/y}\nfolder: exports\nzone: UTC\n"
    options = build_options(account(tmp_path, written), VendorOptions, reveal)
    assert options.account_id == "1234567", "an id of digits needs no quotes"
    assert options.token.get_secret_value() == f"{SECRET} of env:TOKEN"
    assert options.keys["b"].get_secret_value() == f"{SECRET} of keyring:x/y"
    assert options.folder == tmp_path / "exports", "a path begins at the configuration's folder"
    assert SECRET not in repr(options)


def test_the_zone_of_the_account_reaches_the_connector(tmp_path: Path) -> None:
    found = account(tmp_path, "account_id: 1\ntoken: env:TOKEN\nzone: Europe/Berlin\n")
    assert (found.zone, build_options(found, VendorOptions, reveal).zone) == ("Europe/Berlin", "Europe/Berlin")


@pytest.mark.parametrize(
    ("options", "line", "what", "hint"),
    [
        ("account_id: 1\ntoken: env:T\nretires: 5", 7, "unknown key 'retires' in vendor", "did you mean 'retries'?"),
        ("token: env:T", 3, "'account_id' is missing in vendor", "The number of the account."),
        ("account_id: 1\ntoken: env:T\nretries: -1", 7, "vendor.retries must be greater than or equal to 0", ""),
        ("account_id: 1\ntoken: env:T\nretries: tok-9f3a77", 7, "vendor.retries must be a valid integer", ""),
        ("account_id: 1\ntoken: env:T\ntime:\n  fil: x", 8, "unknown key 'fil' in vendor.time", "did you mean 'file'?"),
        ("account_id: 1\ntoken: tok-9f3a77", 6, "vendor.token holds the secret itself", "env:NAME"),
        ("account_id: 1\ntoken: 12345", 6, "vendor.token holds the secret itself", ""),
        ("account_id: 1\ntoken: env:T\nkeys: {a: env:A, b: tok-9f3a77}", 7, "vendor.keys holds the secret itself", ""),
        ("account_id: 1\ntoken: env:T\nkeys: [tok-9f3a77]", 7, "vendor.keys holds the secret itself", ""),
    ],
)
def test_a_wrong_option_names_its_line(options: str, line: int, what: str, hint: str, tmp_path: Path) -> None:
    error = refused(tmp_path, options)
    assert what in error.what, str(error)
    assert hint in error.hint, str(error)
    assert error.where == f"{tmp_path / 'billsync.yaml'}:{line}", str(error)


def test_a_secret_that_is_not_there_names_the_line_of_its_reference(tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        build_options(account(tmp_path, "account_id: 1\ntoken: env:MISSING\n"), VendorOptions, reveal)
    assert caught.value.where == f"{tmp_path / 'billsync.yaml'}:6"


def test_what_is_common_to_accounts_is_not_passed_to_the_connector(tmp_path: Path) -> None:
    common = "kinds: [time, expense]\nwindow: 31\nstale_after: 50\npatience: 60\nfrom: package\n"
    found = account(tmp_path, "account_id: 1\ntoken: env:T\n" + common)
    assert found.kinds == {"time", "expense"}
    assert (found.window_days, found.stale_after_hours, found.patience) == (31, 50, 60)
    assert found.distribution == "package"
    assert build_options(found, VendorOptions, reveal).account_id == "1"


def test_sinks_and_notifiers_have_their_own_common_keys(tmp_path: Path) -> None:
    text = FIRM.replace("folder: invoices", "folder: invoices, push: approved, tax_codes: {time: S}")
    accounts = config(tmp_path, text + "notifications: {team: {kind: smtp, host: localhost, on: [always]}}\n").accounts
    assert (accounts["books"].push, accounts["books"].tax_codes) == ("approved", {"time": "S"})
    assert (accounts["team"].role, accounts["team"].on, accounts["team"].options) == (
        "notifier",
        frozenset({"always"}),
        {"host": "localhost"},
    )
