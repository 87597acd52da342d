"""How each kind of paging asks for the first page and for the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin

from billsync.http.call import Reply
from billsync.http.paths import with_member
from billsync.model.errors import BadAnswer
from billsync.sdk.api import Json
from billsync.sdk.paging import (
    Cursor,
    HeaderCursor,
    LastId,
    LinkHeader,
    NextLink,
    Offset,
    PageNumber,
    Pages,
    Relay,
    Single,
)
from billsync.sdk.parse import dig


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked for one page. `link`: an address of the vendor's, followed verbatim."""

    params: Mapping[str, Any] = field(default_factory=dict)
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    link: str = ""

    def having(self, name: str, value: Any) -> Ask:
        """The same with a parameter: in the body of a POST read at a dotted path, in the query as `?name`."""
        if self.body is None or name.startswith("?"):
            return replace(self, params={**self.params, name.removeprefix("?"): value})
        return replace(self, body=with_member(self.body, name, value))

    def signature(self) -> str:
        """Equal for equal requests."""
        return json.dumps([self.link or sorted(self.params.items()), self.body], default=str, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back, and its rows before the double ones are dropped."""

    ask: Ask
    reply: Reply
    rows: list[dict[str, Json]]
    seen: int = 0
    """Different rows of the list so far, those of this page included."""


def first(pages: Pages, ask: Ask) -> Ask:
    """The request for the first page."""
    match pages:
        case NextLink() | LinkHeader() | Cursor() | HeaderCursor():
            for name, value in pages.size.items():
                ask = ask.having(name, value)
        case PageNumber() | Offset():
            ask = _sized(ask, pages.size_param, pages.size).having(pages.param, pages.first)
        case LastId():
            ask = _sized(ask, pages.size_param, pages.size)
        case Single() | Relay():
            pass
    return ask


def _sized(ask: Ask, param: str, size: int) -> Ask:
    return ask.having(param, size) if param else ask


def below_data(path: str) -> str:
    """A path into a GraphQL answer, whether it names the `data` at the top or starts below it."""
    return path if path == "data" or path.startswith("data.") else f"data.{path}".rstrip(".")


def in_variables(pages: Pages) -> Pages:
    """The same paging of a GraphQL query: paths start below `data`, parameters are variables."""
    match pages:
        case Relay():
            return replace(pages, at=below_data(pages.at), variable=f"variables.{pages.variable}")
        case Cursor():
            more = below_data(pages.more_at) if pages.more_at else ""
            return replace(pages, at=below_data(pages.at), more_at=more, param=f"variables.{pages.param}")
        case PageNumber() | Offset():
            size = f"variables.{pages.size_param}" if pages.size_param else ""
            return replace(pages, param=f"variables.{pages.param}", size_param=size)
        case _:
            return pages


def following(pages: Pages, page: Page) -> Ask | None:
    """The request for the next page; None at the end."""
    match pages:
        case Single():
            return None
        case NextLink():
            raw = page.reply.json()
            return _by_link(page, dig(raw, pages.at), last=dig(raw, pages.last_at) if pages.last_at else None)
        case LinkHeader():
            return _by_link(page, page.reply.next_link)
        case Cursor():
            return _by_cursor(pages, page)
        case PageNumber():
            return _by_number(pages, page)
        case Offset():
            return _by_offset(pages, page)
        case Relay():
            return _by_relay(pages, page)
        case LastId():
            return _by_last(pages, page)
        case HeaderCursor():
            cursor = page.reply.headers.get(pages.header.lower())
            return page.ask.having(pages.param, cursor) if cursor else None


def _by_link(page: Page, link: Any, *, last: Any = None) -> Ask | None:
    if last is True or link in (None, "", False):
        if last is False:
            raise BadAnswer("this is not the last page, but there is no link to the next", where=page.reply.where)
        return None
    if not isinstance(link, str):
        raise BadAnswer("the link to the next page is not an address", where=page.reply.where)
    return replace(page.ask, link=urljoin(page.reply.url, link))


def _by_cursor(pages: Cursor, page: Page) -> Ask | None:
    raw = page.reply.json()
    cursor = dig(raw, pages.at)
    if pages.more_at:
        more = dig(raw, pages.more_at)
        if not isinstance(more, bool):
            raise BadAnswer(f"the answer does not say {pages.more_at!r}", where=page.reply.where)
        if not more:
            return None
        if cursor in (None, ""):
            raise BadAnswer("there is more, but no cursor to it", where=page.reply.where)
    last = dig(raw, pages.last_at) if pages.last_at else None
    if last is True:
        return None
    if last is False and cursor in (None, ""):
        raise BadAnswer("this is not the last page, but there is no cursor to the next", where=page.reply.where)
    return None if cursor in (None, "", False) else page.ask.having(pages.param, cursor)


def _by_number(pages: PageNumber, page: Page) -> Ask | None:
    number = _asked(page.ask, pages.param)
    last = _last_page(pages, page, number)
    if last is None:
        last = len(page.rows) < pages.size
    elif not last and not page.rows:
        raise BadAnswer("an empty page before the last one", where=page.reply.where)
    return None if last else page.ask.having(pages.param, number + 1)


def _last_page(pages: PageNumber, page: Page, number: int) -> bool | None:
    """True or False where the vendor says whether this was the last page."""
    raw = page.reply.json()
    if pages.more_at and isinstance(more := dig(raw, pages.more_at), bool):
        return not more
    if pages.count_at:
        if not isinstance(count := dig(raw, pages.count_at), int):
            raise BadAnswer(f"the answer does not say {pages.count_at!r}", where=page.reply.where)
        return page.seen >= count
    said = dig(raw, pages.last_at) if pages.last_at else page.reply.headers.get(pages.last_header.lower())
    text = str(said).strip().lower()
    if text in {"true", "false"}:
        return text == "true"
    return number - pages.first + 1 >= int(text) if text.isdigit() else None


def _by_offset(pages: Offset, page: Page) -> Ask | None:
    raw = page.reply.json()
    start = _asked(page.ask, pages.param)
    after = start + len(page.rows)
    total = dig(raw, pages.total_at) if pages.total_at else None
    last = dig(raw, pages.last_at) if pages.last_at else None
    if pages.more_at:
        more = dig(raw, pages.more_at) not in (None, "", False)
    elif isinstance(last, bool):
        more = not last
    elif isinstance(total, int) and not isinstance(total, bool):
        more = after - pages.first < total
    else:
        more = len(page.rows) >= pages.size
    if not more:
        return None
    if not page.rows:
        raise BadAnswer("an empty page before the end that the vendor announced", where=page.reply.where)
    ask = page.ask.having(pages.param, after - min(pages.overlap, len(page.rows) - 1))
    etag = page.reply.headers.get("etag") if pages.echo_etag else None
    return replace(ask, headers={**ask.headers, "etag": etag}) if etag else ask


def _asked(ask: Ask, param: str) -> int:
    """The number that was asked for."""
    inside = ask.body is not None and not param.startswith("?")
    return int(dig(ask.body, param) if inside else ask.params[param.removeprefix("?")])


def _by_relay(pages: Relay, page: Page) -> Ask | None:
    info = dig(page.reply.json(), f"{pages.at}.pageInfo")
    if not isinstance(info, dict) or not isinstance(info.get("hasNextPage"), bool):
        raise BadAnswer("the connection has no pageInfo.hasNextPage", where=page.reply.where)
    if not info["hasNextPage"]:
        return None
    if not info.get("endCursor"):
        raise BadAnswer("there is more, but no endCursor", where=page.reply.where)
    return page.ask.having(pages.variable, info["endCursor"])


def _by_last(pages: LastId, page: Page) -> Ask | None:
    if len(page.rows) < pages.size:
        return None
    last = dig(page.rows[-1], pages.of)
    if last is None:
        raise BadAnswer(f"the last row has no {pages.of!r}", where=page.reply.where)
    return page.ask.having(pages.param, last)
