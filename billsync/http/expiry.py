"""When an account's credentials end: grants, client certificates, keys with a date that the user gave.

`billsync auth status` and `check` show it, and warn weeks ahead: a firm that learns of a dead certificate in the
night of month end has learned of it too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from billsync.http.tokens import Token
from billsync.model.errors import SecretError


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """What ends, and when (UTC)."""

    what: str
    at: datetime


def of_token(token: Token | None) -> list[Expiry]:
    """Endings of a stored grant: what the vendor told, else the declared life of an unused one."""
    if token is None:
        return []
    told = [Expiry(what=what, at=at) for what, at in token.endings.items()]
    return told or ([Expiry(what="log-in", at=token.grant_expires_at)] if token.grant_expires_at else [])


def of_certificate(file: Path) -> Expiry:
    """End of a client certificate (PEM). SecretError when it cannot be read."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        raise SecretError("the client certificate cannot be read", where=str(file)) from None
    return Expiry(what="client certificate", at=certificate.not_valid_after_utc)


def of_options(values: Mapping[str, object]) -> list[Expiry]:
    """Dates that the user gave: options called `expires_on` or `..._expires_on`, for keys whose end no vendor tells."""
    return [
        Expiry(what=name.removesuffix("expires_on").strip("_") or "key", at=datetime.combine(value, time(), UTC))
        for name, value in values.items()
        if name.endswith("expires_on") and isinstance(value, date)
    ]
