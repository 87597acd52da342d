"""What can go wrong, sorted by what a person does next.

    BillsyncError                 three lines: what happened, where, what to do next; `exit_code` for cron
    ├── UsageError        2       configuration, options, unknown kind or name
    ├── SecretError       2       a credential is missing, locked or unreadable
    ├── VendorError       3       a source (or, while pushing, a sink: 4) did not answer as it must
    │   ├── RateLimited           the poll's patience ended before the vendor's window did
    │   ├── Unavailable           time-out, connection lost, 5xx, maintenance
    │   ├── AuthFailed            `billsync auth login ACCOUNT`
    │   ├── Denied                the credential is good, the right is missing
    │   ├── Missing               404, 410: what we asked for is not there
    │   ├── Refused               the vendor understood and said no: nothing was written
    │   └── BadAnswer             not the shape the vendor promises; never read as "nothing there"
    ├── LedgerError       5
    │   ├── Tampered              the journal's chain is broken
    │   ├── KeyReuse              the same reference with another content
    │   └── Fork                  the books know a ledger that is not this one
    └── Locked            6       another run holds the lock

None of the vendor errors can be ignored by a connector: an incomplete poll is not an empty poll.
"""

from __future__ import annotations


class BillsyncError(Exception):
    """What happened; `where` (file:line, or account, endpoint and request id); `hint`: what to do next."""

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.where, self.hint) if line)


class UsageError(BillsyncError):
    """The configuration, an option or a name given on the command line is wrong."""


class SecretError(BillsyncError):
    """A credential is missing, locked or unreadable. Never carries the secret."""


class VendorError(BillsyncError):
    """A vendor did not answer as it must.

    `sent` is False only where it is certain that the vendor did nothing (the connection was never made, or it
    answered with a refusal): exactly-once rests on that flag, so the default is True.
    """

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        status: int | None = None,
        request_id: str = "",
        sent: bool = True,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status
        self.request_id = request_id
        self.sent = sent


class RateLimited(VendorError):
    """The vendor asks to wait longer than this poll's patience. `retry_after` in seconds, None if not told."""

    retry_after: int | None = None


class Unavailable(VendorError):
    """Time-out, connection lost, 5xx or maintenance. `retry_after` in seconds where the vendor says so."""

    retry_after: int | None = None


class AuthFailed(VendorError):
    """The credential is not accepted any more."""


class Denied(VendorError):
    """The credential is good, the right is missing."""


class Missing(VendorError):
    """What was asked for is not there (404, 410)."""


class Refused(VendorError):
    """The vendor understood the request and said no; nothing was written."""


class BadAnswer(VendorError):
    """The answer is not in the shape the vendor promises."""


class LedgerError(BillsyncError):
    """The ledger cannot be read or written."""

    exit_code = 5


class Tampered(LedgerError):
    """A journal row does not fit its hash or its predecessor."""


class KeyReuse(LedgerError):
    """The same invoice reference was about to be used for another content."""


class Fork(LedgerError):
    """The books hold invoices of ours that this ledger does not know, or another ledger's."""


class Locked(BillsyncError):
    """Another run holds the ledger's lock."""

    exit_code = 6
