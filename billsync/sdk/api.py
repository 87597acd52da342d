"""How a vendor's API is spoken to, as data: a connector declares, billsync.http carries out. Paging: see paging.py.

Text in `{braces}` is filled from the account's options by name; secrets are filled at the last moment and never
shown. Sections in comments are those of docs/writing-a-plugin.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from billsync.sdk.paging import Pages, Single

# ---- Auth ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """Nothing is sent (files, a local server)."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """`Authorization: Bearer <option>`; `option` names a Secret of the Options. `scheme` replaces the word Bearer."""

    option: str
    scheme: str = "Bearer"


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP basic: two options (a fixed text when it starts with '=')."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header (preferred), or in the query where the vendor knows no other way."""

    option: str
    name: str
    place: Literal["header", "query"] = "header"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class BodyCredentials:
    """Credentials inside each JSON body: member -> option (Scoro); a dotted path where it lies deeper (Odoo)."""

    members: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """OAuth 2 with a durable token store: the rotated token is stored before the new access token is used.

    grant `code`: a person logged in once (`billsync auth login`), then refresh tokens · `client`: client
    credentials · `assertion`: a signed JWT. `token_url` and `authorize_url` may hold {option} placeholders.
    `keep`: members of the token answer that are kept beside the token (instance_url, realmId ...).
    `grant_days`: how long the grant lives unused, for warnings; None: not known.
    """

    token_url: str
    authorize_url: str = ""
    grant: Literal["code", "client", "assertion"] = "code"
    scopes: tuple[str, ...] = ()
    client_auth: Literal["basic", "body"] = "basic"
    client_id: str = "client_id"
    client_secret: str | None = "client_secret"  # noqa: S105  the name of an option, not a secret
    refresh_token: str | None = "refresh_token"  # noqa: S105
    """Option that may hold a first refresh token (used until the store has a newer one)."""
    pkce: bool = True
    device_url: str = ""
    keep: tuple[str, ...] = ()
    base_url_from: str = ""
    """Member of the token answer that replaces the base URL (Salesforce instance_url, Zoho api_domain)."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further parameters of the authorize request (grant `code`) or of the token request (the other grants)."""
    token_extra: Mapping[str, str] = field(default_factory=dict)
    """Further parameters of every token request, refreshes included (FreshBooks' redirect_uri)."""
    scope_separator: str = " "
    scheme: str = "Bearer"
    """The word before the access token (Zoho-oauthtoken)."""
    token_headers: Mapping[str, str] = field(default_factory=dict)
    token_json: bool = False
    """The token request is JSON instead of a form (Jira, FreshBooks)."""
    assertion_key: str | None = None
    """Option with the private key (PEM). Grant `assertion`: the signed JWT is the grant itself (RFC 7523, 2.1:
    Salesforce); grant `client`: it takes the place of the client's secret (2.2: NetSuite, Entra)."""
    assertion_algorithm: Literal["RS256", "PS256", "ES256", "ES384", "ES512"] = "RS256"
    assertion_claims: Mapping[str, str] = field(default_factory=dict)
    """Claims besides iss, sub, aud, iat, exp and jti, or instead of them; may hold placeholders."""
    assertion_headers: Mapping[str, str] = field(default_factory=dict)
    """Members of the JWT's header besides alg and typ (`kid`); may hold placeholders."""
    grant_days: int | None = None
    expiry_members: Mapping[str, str] = field(default_factory=dict)
    """Token answer members (seconds) that tell when the grant ends: name -> what ends, for `auth status`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth1:
    """OAuth 1.0 HMAC-SHA256 with realm (NetSuite TBA). All names are options."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str
    realm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLogin:
    """A login call whose answer holds a session key or sets cookies (Odoo, BigTime)."""

    path: str
    body: Mapping[str, str]
    token_at: str = ""
    header: str = "Authorization"
    prefix: str = ""
    expired: tuple[int, ...] = (401,)


@dataclass(frozen=True, slots=True)
class OneOf:
    """Several ways in: option -> credential; the first whose option is set is this account's."""

    ways: Mapping[str, NoAuth | Bearer | Basic | ApiKey | BodyCredentials | OAuth2 | OAuth1 | SessionLogin]


Auth = NoAuth | Bearer | Basic | ApiKey | BodyCredentials | OAuth2 | OAuth1 | SessionLogin | OneOf

# ---- Throttling, success, manners ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` per `per` seconds, kept across runs and processes when `per` is an hour or more.

    `share`: the part (percent) of the vendor's budget that billsync may use. `cost_at`: the limit counts points;
    dotted path, or header when it starts with 'header:', of what an answer has cost (1 where it does not say)."""

    calls: int
    per: int
    share: int = 90
    cost_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """What "slow down" looks like besides 429: a status, and/or a text in the body, or a member at a dotted path.

    `wait_at`: dotted path (seconds) or header (when it starts with 'header:') of the wait; `wait` seconds else.
    `ends_poll`: a lock-out that must end the poll as incomplete."""

    status: int | None = None
    body_has: str = ""
    at: str = ""
    equals: str = ""
    wait_at: str = ""
    wait: int = 30
    ends_poll: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """A body that must hold for a 2xx to be a success: member at `at` is `equals` (or absent / empty if `absent`).

    A `*` step stands for every element: `responses.*.status` must hold for each inner answer of a batch.
    `message_at`: where the vendor explains. Failing it is a BadAnswer, or the class named by `fails_as`."""

    at: str
    equals: str = ""
    one_of: tuple[str, ...] = ()
    """Further values that are a success (200, 201 and 204 of the inner answers of a batch)."""
    absent: bool = False
    message_at: str = ""
    fails_as: Literal["BadAnswer", "Refused", "AuthFailed", "Denied", "RateLimited"] = "BadAnswer"
    named_at: str = ""
    """Dotted path of the vendor's name for the error, where `named` gives some of them a class of their own."""
    named: Mapping[str, Literal["BadAnswer", "Refused", "AuthFailed", "Denied", "Missing", "RateLimited"]] = field(
        default_factory=dict
    )


GRAPHQL_SUCCESS = Success(at="errors", absent=True, message_at="errors.0.message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Csrf:
    """A token that must go with each write, fetched together with its cookies (SAP): both are kept as one unit.

    `path` is read with `header`: `fetch`; a write answered by a status of `expired` fetches a new pair, once."""

    path: str
    header: str = "x-csrf-token"
    fetch: str = "Fetch"
    expired: tuple[int, ...] = (403,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A client certificate for TLS (ADP), on the token host too. Names of options: PEM files, and a password."""

    certificate: str = "certificate_file"
    key: str = "key_file"
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One vendor's API. `hosts`: further hosts that may see the credential (besides the base URL's own)."""

    base_url: str
    auth: Auth = field(default_factory=NoAuth)
    pages: Pages = field(default_factory=Single)
    limits: tuple[Limit, ...] = ()
    concurrency: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    """Query parameters of every call."""
    success: tuple[Success, ...] = ()
    throttles: tuple[Throttle, ...] = ()
    expired: tuple[int, ...] = (401,)
    """Statuses that mean: the access token is dead (refreshed once per call)."""
    expired_body: str = ""
    """With `expired`: the body must also hold this text (Intacct's 400)."""
    missing_means: Mapping[int, Literal["Missing", "AuthFailed", "Denied", "Refused", "RateLimited"]] = field(
        default_factory=dict
    )
    """Statuses whose usual class is wrong at this vendor (ClickUp's 401 for a deleted object)."""
    message_at: tuple[str, ...] = (
        "message",
        "error.message",
        "error_description",
        "error",
        "errors.0.message",
    )
    request_id: str = ""
    """Response header with the vendor's request id."""
    hosts: tuple[str, ...] = ()
    """`host`, `host:port`, `*.domain` or a URL; may hold placeholders."""
    download_hosts: tuple[str, ...] = ()
    """Hosts of pre-signed files: an address or redirect there is followed without the credential."""
    csrf: Csrf | None = None
    certificate: ClientCertificate | None = None
    read_timeout: int = 60
    write_timeout: int = 130
    """Longer than the server's own, so that a time-out is rare where it is ambiguous."""
    list_style: Literal["repeat", "brackets", "comma"] = "repeat"


# ---- What a connector sees of the session --------------------------------------------------------------------

Params = Mapping[str, str | int | bool | Sequence[str] | Sequence[int] | None]
Json = Any


class Answer(Protocol):
    """A response that passed every check: `status`, lower-case `headers`, raw `content`, decoded `json()`."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...
    @property
    def url(self) -> str: ...
    def json(self) -> Json: ...


class Http(Protocol):
    """The session of one account: base URL, auth, throttling, retry, redaction and error classes are its job.

    JSON numbers arrive as int or Decimal, never float. Every method raises a VendorError subclass.
    """

    def get(self, path: str, params: Params | None = None, *, headers: Mapping[str, str] | None = None) -> Json:
        """A read; retried. Decoded JSON ({} for an empty 204)."""
        ...

    def read(self, path: str, json: Json = None, params: Params | None = None) -> Json:
        """A POST that only reads (search, report, query): retried like a GET."""
        ...

    def write(
        self,
        method: Literal["POST", "PUT", "PATCH", "DELETE"],
        path: str,
        json: Json = None,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        keyed: bool = False,
    ) -> Answer:
        """A write: sent once, never repeated by the session unless `keyed` says that the vendor honours a key in it."""
        ...

    def rows(
        self,
        path: str,
        params: Params | None = None,
        *,
        at: str = "",
        unique: str = "id",
        pages: Pages | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Every row of every page, as an iterator of dicts: list at dotted path `at` ("" is the whole answer).

        Rows whose `unique` (dotted path, "" for none) was seen before are dropped. With `body` it is a POST read.
        `headers` go with every page (If-Modified-Since).
        A missing list, a repeated cursor, or a full page at a silent cap raises BadAnswer.
        """
        ...

    def graphql(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        *,
        path: str = "",
        at: str = "",
        unique: str = "id",
        pages: Pages | None = None,
    ) -> Any:
        """Rows of a GraphQL list or connection, paged; raises when the answer carries `errors`."""
        ...

    def answer(self, path: str, params: Params | None = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        """A read with status, headers and bytes (PDF, CSV, ETag)."""
        ...

    def job(
        self,
        path: str,
        params: Params | None = None,
        *,
        at: str,
        done: Sequence[str],
        failed: Sequence[str] = (),
        every: int = 5,
        body: Json = None,
    ) -> Json:
        """Ask a report job until the member at dotted path `at` is one of `done`; its last answer.

        BadAnswer for one of `failed`; RateLimited when the poll's patience ends first. `every` in seconds."""
        ...

    def token_member(self, name: str) -> str:
        """A member that was kept from the token answer (realmId, instance_url); SecretError if there is none."""
        ...
