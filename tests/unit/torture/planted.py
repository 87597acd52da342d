"""Bugs to plant: each is what a careless change to the product would be, and each must be caught by the simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from billsync.http.retry import Patience
from billsync.ledger import Ledger
from billsync.model.book import Intent
from billsync.model.errors import VendorError
from billsync.sync.push import Push
from billsync.testing.worklog import Worklog

Plant = Callable[[pytest.MonkeyPatch], None]


def without_looking(patch: pytest.MonkeyPatch) -> None:
    """What is open is sent again at once: the books are not asked."""
    patch.setattr(Push, "_resolve", lambda self, intent: self._create(intent))


def commit_after_the_request(patch: pytest.MonkeyPatch) -> None:
    """That a document is being sent is written down when it has been sent."""
    create, sending = Push._create, Ledger.sending

    def late(self: Push, intent: Intent) -> None:
        patch.setattr(Ledger, "sending", lambda ledger, reference, now: None)
        real = self.sink.create

        def and_then(invoice: Any, key: str) -> Any:
            try:
                receipt = real(invoice, key)
            except VendorError:
                sending(self.ledger, intent.reference, self.firm.now())
                raise
            sending(self.ledger, intent.reference, self.firm.now())
            return receipt

        self.sink.create = and_then  # type: ignore[method-assign]
        try:
            create(self, intent)
        finally:
            self.sink.create = real  # type: ignore[method-assign]

    patch.setattr(Push, "_create", late)


def retry_writes(patch: pytest.MonkeyPatch) -> None:
    """Whatever fails is sent again, a write as well."""
    insist = Patience.insist
    patch.setattr(Patience, "insist", lambda self, once, *, repeatable: insist(self, once, repeatable=True))


def failed_page_as_an_empty_one(patch: pytest.MonkeyPatch) -> None:
    """A list ends where a page fails."""
    rows = Worklog._rows

    def short(self: Worklog, *values: Any) -> Iterator[Any]:
        try:
            yield from rows(self, *values)
        except VendorError:
            return

    patch.setattr(Worklog, "_rows", short)


def trust_the_key_for_ever(patch: pytest.MonkeyPatch) -> None:
    """What is open is sent again under its key, however old that is."""

    def resolve(self: Push, intent: Intent) -> None:
        if self.sink.idempotency.how == "key":
            self._create(intent)
        else:
            kept(self, intent)

    kept = Push._resolve
    patch.setattr(Push, "_resolve", resolve)


PLANTED: Mapping[str, tuple[Plant, str]] = {
    "the look-up is removed": (without_looking, "duplicate"),
    "committed after the request": (commit_after_the_request, "stranger"),
    "a write is retried": (retry_writes, "duplicate"),
    "a failed page is an empty page": (failed_page_as_an_empty_one, "poll"),
    "a key is trusted after its window": (trust_the_key_for_ever, "duplicate"),
}
"""What is planted, and the kind of breach it is caught as."""
