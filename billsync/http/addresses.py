"""Where the calls of one account go: base URL, paths below it, hosts that may see the credential, constant headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from billsync.http.call import query, with_query
from billsync.http.fill import Values
from billsync.http.hosts import Hosts
from billsync.http.tokens import Token
from billsync.model.errors import BadAnswer
from billsync.sdk.api import Api, OAuth2, Params
from billsync.sdk.options import Options


class Addresses:
    """Addresses of one account. `granted`: its access token, asked for only where the token names the host."""

    def __init__(self, api: Api, options: Options, *, values: Values, granted: Callable[[], Token]) -> None:
        self._api = api
        self._options = options
        self._values = values
        self._granted = granted

    def base(self) -> str:
        """The option `base_url`; else the host that the token answer named with the declared path; else as declared."""
        if self._options.base_url:
            return self._values.fill(self._options.base_url)
        auth = self._api.auth
        member = auth.base_url_from if isinstance(auth, OAuth2) else ""
        if not member:
            return self._values.fill(self._api.base_url)
        token = self._granted()
        if member not in token.members:
            raise BadAnswer(f"the token answer did not name {member!r}", where=self._api.base_url, sent=False)
        host = token.members[member].rstrip("/")
        path = self._values.fill(urlsplit(self._api.base_url).path)
        return host if urlsplit(host).path else host + path

    def url(self, path: str, params: Params | None = None) -> str:
        """The address of a path below the base URL, or a whole one, with its parameters and the constant ones.

        A whole address keeps what it says itself; one that is not the vendor's own (a pre-signed download, which
        any addition would spoil) gets no constant parameters."""
        filled = self._values.fill_path(path)
        if "://" in filled:
            ours = self.hosts().trust(filled) == "credential"
            said = {name for name, _ in parse_qsl(urlsplit(filled).query, keep_blank_values=True)}
            constant = {name: value for name, value in self._constant().items() if ours and name not in said}
            return with_query(filled, query({**constant, **(params or {})}, self._api.list_style))
        url = f"{self.base().rstrip('/')}/{filled.lstrip('/')}" if filled else self.base()
        return with_query(url, query({**self._constant(), **(params or {})}, self._api.list_style))

    def _constant(self) -> dict[str, str]:
        return {name: self._values.fill(value) for name, value in self._api.params.items()}

    def hosts(self) -> Hosts:
        """What may be sent where."""
        auth = self._api.auth
        token_url = (self._values.known("token_url") or auth.token_url) if isinstance(auth, OAuth2) else ""
        trusted = [filled for host in (*self._api.hosts, token_url) if (filled := self._values.fill(host))]
        downloads = [self._values.fill(host) for host in self._api.download_hosts]
        return Hosts(self.base(), trusted=trusted, downloads=downloads)

    def headers(self) -> Mapping[str, str]:
        """Headers of every call to a trusted host."""
        return {name: self._values.fill(value) for name, value in self._api.headers.items()}
