"""What every test gets: no network but loopback, a home of its own, and the vendors' contracts.

Under `CI=true` nothing may be skipped: a test that did not run proves nothing, so there a skip is a failure.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


# Machines differ in speed: no test may fail for being slow. CI draws the same examples each time.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    derandomize=in_ci(),
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")


def is_loopback(host: object) -> bool:
    """True for localhost and the loopback addresses; None and "" stand for this machine in getaddrinfo."""
    text = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if text.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse(host: object) -> None:
    """Fail the test, by an exception that no `except Exception` or `except OSError` swallows."""
    if not is_loopback(host):
        pytest.fail(f"the test reached for {host!r}; tests may talk to loopback addresses only")


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Let no test resolve a name or send a byte beyond this machine."""
    real_lookup = socket.getaddrinfo

    def guarded(name: str) -> Any:
        real = getattr(socket.socket, name)

        def call(self: socket.socket, *args: Any) -> Any:
            if isinstance(args[-1], tuple):  # else the path of a Unix socket
                refuse(args[-1][0])
            return real(self, *args)

        return call

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        refuse(host)
        return real_lookup(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(name))
        patch.setattr(socket, "getaddrinfo", lookup)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the tests, and the processes they start, a home without anyone's settings, secrets or proxies."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            ours = name.startswith("BILLSYNC_") and name != "BILLSYNC_CONTRACTS"
            if ours or name.lower().endswith("_proxy"):
                patch.delenv(name)
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            patch.delenv(name, raising=False)
        for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
            patch.setenv(name, str(home))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        yield home


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder of the vendors' own contracts: $BILLSYNC_CONTRACTS, else ../shared/contracts."""
    folder = Path(os.environ.get("BILLSYNC_CONTRACTS") or ROOT.parent / "shared" / "contracts")
    if not folder.is_dir():
        pytest.skip(f"the vendors' contracts are not in {folder}; name their folder in BILLSYNC_CONTRACTS")
    return folder


def skips_fail_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    if in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"in CI everything must run, but this was skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    skips_fail_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    skips_fail_in_ci(report)
    return report
