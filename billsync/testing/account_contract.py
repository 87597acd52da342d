"""What every connector must keep to, source or sink: declarations, credentials, secrets, refusals."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from billsync.http.tape import Recorder
from billsync.http.tokens import TokenStore
from billsync.model.errors import AuthFailed, BadAnswer, Denied, Missing, Unavailable, VendorError
from billsync.sdk import OAuth2, OneOf
from billsync.testing.bench import Bench
from billsync.testing.faults import Fault
from billsync.testing.server import FakeServer, Request

REFUSALS: Mapping[int, type[VendorError]] = {403: Denied, 404: Missing, 410: Missing, 503: Unavailable}
BAD_ANSWERS = ("cut", "wrong", "page", "empty", "half", "reset_before", "timeout_before")
NO_WIRE: Final = "it has no HTTP API: it lives on a disk"
Proof = TypeVar("Proof")


def wrong_guess(kind: str, fact: str, *, by: str = "") -> Callable[[Proof], Proof]:
    """Mark the test, or on a class the test `by` of it, that shows how a wrong guess would be told.

    `fact` is how an `Unconfirmed:` line of the connector's docstring begins; `kind` is the connector's, with `/source`
    or `/sink` where there are both."""

    def marked(test: Proof) -> Proof:
        told = [*vars(test).get("guesses", ()), (kind, fact, by)]
        setattr(test, "guesses", told)  # noqa: B010  functions and classes take it alike
        return test

    return marked


def over_the_wire(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test about HTTP: it is put aside for a connector that declares no api."""

    @wraps(test)
    def tried(self: AccountContract, *arguments: Any, **named: Any) -> None:
        if self.connector().api is None:
            return self.aside(NO_WIRE)
        return test(self, *arguments, **named)

    return tried


class AccountContract:
    """Tests on `check()`. SourceContract and SinkContract derive from it; `bench` is new for each test."""

    options: ClassVar[Mapping[str, Any]] = {}
    """Options beside those that point to the fake vendor."""
    logs_in: ClassVar[bool] = False
    """True: by OAuth 2, where the connector knows other ways too."""
    bench: Bench[Any]
    put_aside: str = ""
    """Why the test that ran last has nothing to try at this connector; "" where it did."""

    # ---- What the author of a connector writes -----------------------------------------------------------------

    def connector(self) -> type[Any]:
        """The class under test."""
        raise NotImplementedError

    def vendor(self) -> FakeServer:
        """A fake vendor, not yet started."""
        raise NotImplementedError

    def busy(self, opened: Any) -> None:
        """Call everything that reads, for the search for secrets. `check` is called anyway."""

    # ---- How the tests are run ---------------------------------------------------------------------------------

    def setup_method(self) -> None:
        """A new vendor for each test."""
        self.bench = Bench(self.connector(), self.vendor(), **self.options)
        self.put_aside = ""
        if self.logs_in:
            self.bench.more = {**self.options, **self.bench.vendor.login()}

    def teardown_method(self) -> None:
        """The fake's own errors come out here."""
        self.bench.close()

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Cases of the tests that ask for one by argument."""
        cases = {"status": sorted(REFUSALS), "bad": BAD_ANSWERS, **self.cases()}
        own = " ".join(str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
        for name in sorted(cases.keys() & set(metafunc.fixturenames) - set(re.findall(r"\w+", own))):
            metafunc.parametrize(name, list(cases[name]))

    def cases(self) -> Mapping[str, Any]:
        """Further arguments of tests and their values."""
        return {}

    def refused(self, error: type[VendorError], call: Any, *arguments: Any) -> VendorError:
        """The error of a call that must fail."""
        try:
            got = call(*arguments)
        except error as raised:
            return raised
        raise AssertionError(f"{error.__name__} was due, but the call answered {got!r}")

    def aside(self, why: str) -> None:
        """Say that a test has nothing to try here: docs/connectors/evidence.md tells it, nothing is passed over."""
        self.put_aside = why

    def no_wait(self, fault: str) -> Any:
        """A vendor that hangs is met without a socket, where a time-out costs no time."""
        return self.bench.vendor.transport() if fault.startswith("timeout") else None

    # ---- Declarations --------------------------------------------------------------------------------------------

    def test_declares_what_users_and_docs_need(self) -> None:
        found = self.connector()
        assert found.__module__.rpartition(".")[2] == found.kind, "a connector's file is named after its kind"
        assert found.title and found.docs.startswith("https://"), "title and docs are shown by `plugins list`"
        assert (found.__doc__ or "").strip(), "say what it reads or writes"
        fields = found.options_class.model_fields
        silent = [name for name, field in fields.items() if not field.description]
        assert not silent, f"these options do not say what they are: {silent}"
        if found.api is None:
            assert "path" in fields, "a folder of a test must be able to stand in"
            return
        assert "base_url" in fields, "a sandbox or simulator must be able to stand in"
        ways = found.api.auth.ways.values() if isinstance(found.api.auth, OneOf) else [found.api.auth]
        assert "token_url" in fields or not any(isinstance(way, OAuth2) for way in ways), "so must its token endpoint"

    def test_check_tells_whose_account_it_is(self) -> None:
        identity = self.bench.open().check()
        assert identity.account, "without an owner nobody can tell whether absence is real"

    def test_reads_before_anything_is_known(self) -> None:
        self.bench.vendor.lay_out()
        before = self.bench.touched()
        self.bench.open()
        assert before == self.bench.touched(), "opening a connector must not call the vendor, nor touch its disk"

    # ---- Refusals and bad answers ----------------------------------------------------------------------------------

    def api_call(self, request: Request) -> bool:
        """True for calls of the API itself, not of the token endpoint."""
        return "token" not in request.path

    @over_the_wire
    def test_a_refusal_is_raised_with_its_class(self, status: int) -> None:
        opened = self.bench.open()
        self.bench.vendor.fail(Fault(status=status), when=self.api_call, times=9)
        error = self.refused(REFUSALS[status], opened.check)
        assert self.bench.account in error.where, "an error says which account it is about"
        assert error.hint, "an error says what to do next"

    @over_the_wire
    def test_an_answer_of_another_shape_is_never_believed(self, bad: str) -> None:
        opened = self.bench.open(transport=self.no_wait(bad))
        self.bench.vendor.fail(bad, when=self.api_call, times=9)
        self.refused(VendorError, opened.check)

    # ---- Credentials -----------------------------------------------------------------------------------------------

    def oauth(self) -> Any:
        """The vendor's grant, where these options log in by OAuth 2."""
        auth, options = self.connector().api.auth, self.bench.options()
        if isinstance(auth, OneOf):
            auth = next(way for option, way in auth.ways.items() if getattr(options, option) is not None)
        return self.bench.vendor.grants if isinstance(auth, OAuth2) else None

    @over_the_wire
    def test_a_token_that_died_is_renewed_once_and_stored_before_it_is_used(self) -> None:
        grant, vendor, opened = self.oauth(), self.bench.vendor, self.bench.open()
        opened.check()
        if grant is None:
            vendor.fail("unauthorized", when=self.api_call)
            before = len(vendor.log)
            error = self.refused(AuthFailed, opened.check)
            assert "auth login" in error.hint and len(vendor.log) == before + 1, "a dead key is not tried again"
            return
        stored: list[str | None] = []
        vendor.watch.append(lambda request: stored.append(self._stored()) if self.api_call(request) else None)
        grant.kill_access()
        served = grant.served
        self.bench.open().check()
        assert grant.served == served + 1, f"one renewal was due, there were {grant.served - served}"
        assert stored[-1] == grant.refresh, "the rotated token was used before it was stored"

    def _stored(self) -> str | None:
        token = TokenStore.for_account(self.bench.state, self.bench.account).load()
        return None if token is None else token.refresh

    @over_the_wire
    def test_many_at_once_renew_once(self) -> None:
        grant = self.oauth()
        if grant is None:
            return self.aside("its credential is a key: there is nothing to renew")
        opened = [self.bench.open() for _ in range(8)]
        opened[0].check()
        grant.kill_access()
        served = grant.served
        with ThreadPoolExecutor(8) as pool:
            identities = list(pool.map(lambda one: one.check(), opened))
        assert len({identity.account for identity in identities}) == 1
        assert (grant.served - served, grant.refused) == (1, 0), "two renewals at once kill the grant"

    @over_the_wire
    def test_a_grant_that_ended_asks_for_a_person(self) -> None:
        grant = self.oauth()
        if grant is None:
            return self.aside("its credential is a key: there is nothing to renew")
        grant.refresh = "given-to-somebody-else"
        error = self.refused(AuthFailed, self.bench.open().check)
        assert "auth login" in error.hint, "only a person can log in again"

    # ---- Secrets -----------------------------------------------------------------------------------------------------

    def test_no_secret_is_seen_anywhere(self, caplog: Any, tmp_path: Path) -> None:
        if not self.bench.secrets():
            return self.aside("its options hold no secret")
        caplog.set_level(logging.DEBUG)
        tape = tmp_path / "tape.jsonl"
        opened = self.bench.open(transport=Recorder(tape))
        opened.check()
        self.busy(opened)
        shown = [repr(opened), repr(opened.options), str(vars(opened)), opened.options.model_dump_json()]
        if self.connector().api is not None:
            shown += [repr(opened.http), *self._told_with_secrets(opened), tape.read_text(encoding="utf-8")]
        seen = [text for text in [*shown, caplog.text] if any(secret in text for secret in self.bench.secrets())]
        assert not seen, f"a secret stands in {seen[0][:200]!r}"

    def _told_with_secrets(self, opened: Any) -> list[str]:
        """What errors say when the vendor's own answer repeats every secret."""
        shown: list[str] = []
        for status in (400, 401, 403, 404, 500):
            echo = " ".join(self.bench.secrets()).encode()
            self.bench.vendor.fail(Fault(status=status, body=b'{"message": "%s"}' % echo), when=self.api_call, times=9)
            with suppress(BadAnswer):
                error = self.refused(VendorError, opened.check)
                shown += [str(error), repr(error), error.where, error.hint]
            self.bench.vendor.forgive()
        return shown
