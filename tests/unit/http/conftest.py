"""A scripted vendor on loopback and sessions to it, with a clock that moves only when a session sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from billsync.http import Session
from billsync.sdk import Api, Field, Options, Secret
from tests.unit.http.vendor import Vendor

TOKEN = "tok-1234567890-secret"


class VendorOptions(Options):
    """Options as a connector would declare them."""

    token: Secret = Field(default=TOKEN, description="The personal access token.", validate_default=True)
    user: str = Field(default="ann@example.org", description="Who logs in.")
    password: Secret = Field(default="pass/word+99", description="The password.", validate_default=True)
    company: str | None = Field(default=None, description="The company's id.")
    contact: str | None = Field(default=None, description="Whom the vendor may write to.")
    token_url: str | None = Field(default=None, description="Another token host.")
    client_id: str = Field(default="client-77", description="The OAuth client.")
    client_secret: Secret = Field(default="client-secret-xyz", description="Its secret.", validate_default=True)
    refresh_token: Secret | None = Field(default=None, description="A first refresh token.")
    key: Secret | None = Field(default=None, description="A private key.")
    certificate_file: str | None = Field(default=None, description="A client certificate.")
    key_file: str | None = Field(default=None, description="Its key.")


class Clock:
    """Time stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now_is = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.now_is

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_is += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Vendor]:
    """A second host."""
    with Vendor() as running:
        yield running


@pytest.fixture
def opened(vendor: Vendor, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """opened(Api(...), **options): a session of the account `acme` to the vendor."""
    with ExitStack() as stack:

        def open_one(api: Api, *, session: dict[str, Any] | None = None, **options: Any) -> Session:
            settings: dict[str, Any] = {
                "account": "acme",
                "state": tmp_path / "state",
                "sleep": clock.sleep,
                "now": clock.now,
                **(session or {}),
            }
            filled = VendorOptions(**{"base_url": f"{vendor.url}/v1", **options})
            return stack.enter_context(Session(api, filled, **settings))

        yield open_one


@pytest.fixture
def api() -> Callable[..., Api]:
    """api(**declared): an Api whose own address would leave the machine, so that `base_url` must count."""
    return lambda **declared: Api(**{"base_url": "https://api.vendor.invalid/v1", **declared})
