"""How lists are paged, as data. docs/writing-a-plugin.md shows each kind.

Every kind refuses the same cursor twice, drops ids it has seen and raises at the vendor's silent cap. Parameters go
into the query; with a body (a POST read) they go into it at a dotted path, unless written `?name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One answer holds everything. `cap`: so many rows mean that the vendor cut the list (an error)."""

    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextLink:
    """The answer holds the next address, absolute or relative, at the dotted path `at`; followed verbatim."""

    at: str
    size: Mapping[str, int] = field(default_factory=dict)
    """Query parameters of the first call that set the page size."""
    total_at: str = ""
    """Dotted path of the total: where it falls from page to page, a row was pulled over a border unseen (an error)."""
    last_at: str = ""
    """Dotted path of a boolean that is true on the last page, though a link stands there (Jira's worklogs)."""
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHeader:
    """RFC 8288 `Link: <...>; rel="next"`."""

    size: Mapping[str, int] = field(default_factory=dict)
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The answer holds a token at `at`; it is sent back as `param` (query, or body for POST reads).

    `more_at`: dotted path of a boolean that must be true for the token to count; `last_at`: that must be false."""

    at: str
    param: str
    more_at: str = ""
    last_at: str = ""
    size: Mapping[str, int] = field(default_factory=dict)
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber:
    """`param`=1, 2, ... until a page has fewer than `size` rows, or `last_at` / `last_header` says which is last."""

    param: str = "page"
    first: int = 1
    size_param: str = ""
    size: int = 100
    last_at: str = ""
    last_header: str = ""
    more_at: str = ""
    total_at: str = ""
    """As for NextLink."""
    count_at: str = ""
    """Dotted path of the number of all rows: the end is where so many different ones have come (Smartsheet)."""
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """`param`=0, n, 2n, ... `total_at`: dotted path of the total; without one a short or empty page ends it.

    Offset pages shift while rows are added: ids seen twice are dropped, and `overlap` rows are asked again."""

    param: str = "offset"
    first: int = 0
    size_param: str = "limit"
    size: int = 100
    total_at: str = ""
    last_at: str = ""
    """Dotted path of a boolean "this is the last page" (Jira `isLast`)."""
    more_at: str = ""
    """Dotted path of what stands there only while more follows: true, or a link to the next page (Tempo)."""
    overlap: int = 0
    echo_etag: bool = False
    """The ETag of a page is sent back with the request for the next (Paychex)."""
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """GraphQL connections: `at` is the dotted path of the connection, `variable` the cursor variable."""

    at: str
    variable: str = "after"
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastId:
    """The next page starts after the last row's `of` (an id or an instant), sent as `param`."""

    of: str
    param: str
    size_param: str = "limit"
    size: int = 100
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderCursor:
    """The next cursor or page stands in a response header; absent or empty means the end."""

    header: str
    param: str
    size: Mapping[str, int] = field(default_factory=dict)
    cap: int | None = None


Pages = Single | NextLink | LinkHeader | Cursor | PageNumber | Offset | Relay | LastId | HeaderCursor
