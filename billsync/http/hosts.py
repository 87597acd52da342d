"""Which addresses may see the credential, which may be followed without it, and which are refused.

An answer can name any address (next link, redirect, download). The credential goes to the base URL's own origin and
to the hosts that the connector declared; pre-signed downloads are followed bare where they are declared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

Trust = Literal["credential", "bare", "refused"]
_PORTS = {"https": 443, "http": 80}


class Hosts:
    """The declared addresses of one account: entries are `host`, `host:port`, `*.domain`, or a whole URL."""

    def __init__(self, base_url: str, *, trusted: Iterable[str] = (), downloads: Iterable[str] = ()) -> None:
        self._scheme = urlsplit(base_url).scheme
        self._trusted = [self._origin(entry) for entry in (base_url, *trusted) if entry]
        self._downloads = [self._origin(entry) for entry in downloads if entry]

    def trust(self, url: str) -> Trust:
        """What may be sent to this address."""
        try:
            origin = self._origin(url)
        except ValueError:
            return "refused"
        if any(_matches(origin, declared) for declared in self._trusted):
            return "credential"
        return "bare" if any(_matches(origin, declared) for declared in self._downloads) else "refused"

    def _origin(self, entry: str) -> tuple[str, str, int]:
        parts = urlsplit(entry if "://" in entry else f"{self._scheme}://{entry}")
        return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def _matches(origin: tuple[str, str, int], declared: tuple[str, str, int]) -> bool:
    host = declared[1]
    same_host = origin[1].endswith(host[1:]) if host.startswith("*.") else origin[1] == host
    return same_host and origin[0] == declared[0] and origin[2] == declared[2]
