"""Every page of a list, row by row, with the guards that make an end believable.

A list ends where the vendor's declared sign says so, never because something was missing. Refused are: the same
request twice, a page that brings nothing new, a list that moved while it was read, and one that stops exactly at the
vendor's silent cap. How each kind of paging turns the page is in turns.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from billsync.http.call import Reply
from billsync.http.paths import list_at
from billsync.http.turns import Ask, Page, first, following
from billsync.model.errors import BadAnswer
from billsync.sdk.api import Json
from billsync.sdk.paging import LastId, NextLink, Offset, PageNumber, Pages, Relay
from billsync.sdk.parse import dig


def walk(pages: Pages, ask: Ask, fetch: Callable[[Ask], Reply], *, at: str, unique: str) -> Iterator[dict[str, Json]]:
    """Rows of all pages, each `unique` once. Raises BadAnswer rather than end early."""
    course = Course(pages=pages, unique=unique)
    turn: Ask | None = first(pages, ask)
    while turn is not None:
        course.asked(turn)
        reply = fetch(turn)
        rows = [] if reply.status == 204 else rows_of(pages, reply, at)
        page = Page(ask=turn, reply=reply, rows=rows)
        fresh = course.fresh(page)
        yield from fresh
        course.check_cap(page)
        page = replace(page, seen=course.seen)
        turn = None if reply.status == 204 or course.ended else following(pages, page)


def rows_of(pages: Pages, reply: Reply, at: str) -> list[dict[str, Json]]:
    """The rows of one page: the list at `at`, or the nodes of a Relay connection."""
    if not isinstance(pages, Relay):
        return list_at(reply.json(), at, where=reply.where)
    connection = dig(reply.json(), pages.at)
    if isinstance(connection, dict) and "nodes" not in connection:
        edges = list_at(reply.json(), f"{pages.at}.edges", where=reply.where)
        return list_at([edge.get("node") for edge in edges], "", where=reply.where)
    return list_at(reply.json(), f"{pages.at}.nodes", where=reply.where)


@dataclass(slots=True, kw_only=True)
class Course:
    """What has been asked and seen so far of one list."""

    pages: Pages
    unique: str
    ended: bool = False
    _asks: set[str] = field(default_factory=set)
    _ids: set[str] = field(default_factory=set)
    _count: int = 0
    _number: int = 0
    _where: str = ""
    _total: int | None = None
    _overlapped: bool = False
    """Whether the page to come repeats rows of this one: of a single row none can be asked again."""
    _last: list[dict[str, Json]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Different rows so far; all of them where rows have no id."""
        return len(self._ids) if self.unique else self._count

    def asked(self, ask: Ask) -> None:
        """Refuse to ask the same twice: the list would never end."""
        if ask.signature() in self._asks:
            what = "the vendor sent the same cursor twice: the list would never end"
            raise BadAnswer(what, where=self._where, hint=AGAIN)
        self._asks.add(ask.signature())

    def fresh(self, page: Page) -> list[dict[str, Json]]:
        """The rows of a page that were not seen before."""
        self._number += 1
        self._where = page.reply.where
        self._count += len(page.rows)
        if not self.unique:
            self._check_repeated(page)
            self._check_shrunk(page)
            return page.rows
        fresh = []
        for row in page.rows:
            ident = dig(row, self.unique)
            if ident is None or isinstance(ident, dict | list):
                raise BadAnswer(f"a row has no {self.unique!r}", where=page.reply.where, hint=AGAIN)
            if str(ident) not in self._ids:
                self._ids.add(str(ident))
                fresh.append(row)
        self._check_progress(page, len(fresh))
        return fresh

    def _check_progress(self, page: Page, fresh: int) -> None:
        if self._number > 1 and page.rows and not fresh:
            size = self.pages.size if isinstance(self.pages, Offset | LastId) else 0
            if len(page.rows) >= size:
                raise BadAnswer("a further page brought no new row", where=page.reply.where, hint=AGAIN)
            # The short tail of rows asked again: the end, unless the vendor himself says where that is.
            self.ended = not (isinstance(self.pages, Offset) and self.pages.more_at)
        if isinstance(self.pages, Offset) and self.pages.overlap and self._number > 1 and page.rows:
            if fresh == len(page.rows) and self._overlapped:
                raise BadAnswer("the list moved while it was read", where=page.reply.where, hint=AGAIN)
        else:
            self._check_shrunk(page)
        self._overlapped = len(page.rows) > 1

    def _check_shrunk(self, page: Page) -> None:
        """A row that leaves the front of the list pulls an unseen one over the border of a page."""
        if not isinstance(self.pages, Offset | NextLink | PageNumber) or page.reply.status == 204:
            return
        total = dig(page.reply.json(), self.pages.total_at) if self.pages.total_at else None
        if isinstance(total, int):
            if self._total is not None and total < self._total:
                raise BadAnswer("the list shrank while it was read", where=page.reply.where, hint=AGAIN)
            self._total = total

    def _check_repeated(self, page: Page) -> None:
        numbered = isinstance(self.pages, Offset | PageNumber)
        if numbered and len(page.rows) > 1 and page.rows == self._last:
            raise BadAnswer("a further page brought the same rows again", where=page.reply.where, hint=AGAIN)
        self._last = page.rows

    def check_cap(self, page: Page) -> None:
        """A list as long as the vendor's silent cap was cut."""
        if self.pages.cap is not None and self._count >= self.pages.cap:
            raise BadAnswer(
                f"the vendor cut the list at {self.pages.cap} rows",
                where=page.reply.where,
                hint="ask for less at a time: a shorter window, or one project after the other",
            )


AGAIN = "nothing of this list is believed; the next run reads it again"
