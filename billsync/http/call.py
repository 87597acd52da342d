"""One call, ready to be sent, and the answer to it that passed every check."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote, urlencode

from billsync.model.errors import BadAnswer
from billsync.sdk.api import Json, Params, Success

_EMPTY = frozenset({202, 204, 205, 304})
"""Statuses whose answer may be empty."""
_PAGE = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request before the credential is put on it.

    `reads`: it cannot change the vendor's data, so it is sent again and redirected at need. `keyed`: a write under a
    key that the vendor honours, so that it may be sent again."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    reads: bool
    keyed: bool = False
    timeout: int
    expects: Literal["json", "anything"] = "json"
    success: tuple[Success, ...] | None = None
    """Tests of success instead of the Api's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `headers` have lower-case names; `where` is what an error about it would say."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    url: str = field(repr=False)
    where: str
    mask: Callable[[str], str] = field(default=str, repr=False)
    """Takes secrets out of what an error quotes."""
    next_link: str = field(default="", repr=False)
    """The `rel="next"` of the Link header."""
    _decoded: list[Json] = field(default_factory=list, repr=False)
    """Holds the JSON once it was read: pages are large, and the judge, the pager and the caller all ask for it."""

    def json(self) -> Json:
        """Decoded JSON with Decimal numbers, {} for an empty answer that may be empty. BadAnswer for anything else."""
        if self.is_empty() and self.status in _EMPTY:
            return {}
        if not self._decoded:
            self._decoded.append(decode(self.content, where=self.where, mask=self.mask))
        return self._decoded[0]

    def is_empty(self) -> bool:
        """True when there is no body."""
        return not self.content.strip()

    def is_json(self) -> bool:
        """True when the vendor says that it is JSON."""
        return "json" in self.headers.get("content-type", "")

    def is_page(self) -> bool:
        """True for a web page: a log-in form or a maintenance notice instead of an answer."""
        return self.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE)


def decode(content: bytes, *, where: str, mask: Callable[[str], str] = str) -> Json:
    """JSON whose numbers are int or Decimal of the vendor's own digits. BadAnswer for NaN, text, HTML, cut bodies."""
    try:
        return json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        what = "is empty" if not content.strip() else f"is not JSON: {mask(_beginning(content))}"
        raise BadAnswer(f"the answer {what}", where=where, hint="the vendor may be down for maintenance") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _beginning(content: bytes) -> str:
    """The first words of a body that could not be read."""
    return " ".join(content[:300].decode("utf-8", errors="replace").split())[:120]


def query(params: Params | None, style: Literal["repeat", "brackets", "comma"]) -> str:
    """A query string: lists by the vendor's habit, booleans as true and false, None left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        if value is None:
            continue
        if isinstance(value, str | int):
            pairs.append((name, _text(value)))
        elif style == "comma":
            pairs.append((name, ",".join(_text(item) for item in value)))
        else:
            pairs += [(f"{name}[]" if style == "brackets" else name, _text(item)) for item in value]
    return urlencode(pairs, quote_via=quote, safe="$")


def _text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_query(url: str, text: str) -> str:
    """`url` with more query."""
    return url if not text else f"{url}{'&' if '?' in url else '?'}{text}"
