"""The hooks of billsync, typed: what a plugin may add. pluggy calls them by name.

No hook may change an amount, a record or the ledger: hooks add objects, findings or decisions, and each result is
journalled with the plugin's name and version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from billsync.model.invoice import Draft, Receipt
from billsync.model.statement import Evaluation, Finding

if TYPE_CHECKING:
    from billsync.sdk.notifier import Notifier
    from billsync.sdk.sink import Sink
    from billsync.sdk.source import Source

hookspec = pluggy.HookspecMarker("billsync")
hookimpl = pluggy.HookimplMarker("billsync")


@hookspec
def billsync_sources() -> Iterable[type[Source[Any]]]:  # type: ignore[empty-body]
    """Source classes of this plugin. File name (built in) or entry-point name (installed) is the kind."""


@hookspec
def billsync_sinks() -> Iterable[type[Sink[Any]]]:  # type: ignore[empty-body]
    """Sink classes of this plugin."""


@hookspec
def billsync_notifiers() -> Iterable[type[Notifier[Any]]]:  # type: ignore[empty-body]
    """Notifier classes of this plugin."""


@hookspec
def billsync_secret_resolvers() -> Mapping[str, Callable[[str], str]]:  # type: ignore[empty-body]
    """Scheme -> resolver of secret references, e.g. "op" for `op://vault/item`. Raises SecretError."""


@hookspec
def billsync_findings(draft: Draft) -> Iterable[Finding]:  # type: ignore[empty-body]
    """Remarks on a draft before it is pushed; a finding whose code starts with "hold_" stops this draft."""


@hookspec
def billsync_before_push(draft: Draft, sink: str) -> None:
    """A last look at a draft. Raising BillsyncError holds this draft, with the reason, and no other."""


@hookspec
def billsync_after_push(receipt: Receipt) -> None:
    """A document is in the books and in the ledger. Failing here is a finding, not a failed run."""


@hookspec
def billsync_after_run(evaluation: Evaluation, exit_code: int) -> None:
    """The night is over: metrics, traces, a message elsewhere. Failing here is a finding, not a failed run."""


def sources(*found: type[Source[Any]]) -> Callable[[], list[type[Source[Any]]]]:
    """The hook of a file of sources: `billsync_sources = sources(Acme)`."""
    return hookimpl(lambda: list(found))


def sinks(*found: type[Sink[Any]]) -> Callable[[], list[type[Sink[Any]]]]:
    """The hook of a file of sinks: `billsync_sinks = sinks(Acme)`."""
    return hookimpl(lambda: list(found))


def notifiers(*found: type[Notifier[Any]]) -> Callable[[], list[type[Notifier[Any]]]]:
    """The hook of a file of notifiers: `billsync_notifiers = notifiers(Pager)`."""
    return hookimpl(lambda: list(found))


HOOKS: Sequence[str] = (
    "billsync_sources",
    "billsync_sinks",
    "billsync_notifiers",
    "billsync_secret_resolvers",
    "billsync_findings",
    "billsync_before_push",
    "billsync_after_push",
    "billsync_after_run",
)
