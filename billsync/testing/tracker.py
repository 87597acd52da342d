"""A project tracker on loopback whose records change while they are read, and whose pages misbehave on request.

Rows are kept as the vendor would send them. A dialect (harvest.py, asana.py) adds routes, and how pages are linked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, Literal

from billsync.sdk.row import utc_text
from billsync.testing.clock import Clock
from billsync.testing.oauth import Grants
from billsync.testing.server import FakeServer, Request, Response

Row = dict[str, Any]
PageManner = Literal["repeated", "short", "empty", "shuffled", "loop"]
"""repeated: starts with rows of the page before · short: half a page, though more follow · empty: no rows, though more
follow · shuffled: its rows in another order · loop: from here on every page links to itself."""
TOKEN: Final = "made-up-token-1f5c9b"


class FakeTracker(FakeServer):
    """Tables of rows by id. `page_size` is small, so that few rows make many pages."""

    unique = "id"
    token_path = "/oauth/token"
    changed = "updated_at"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock)
        self.page_size = page_size
        self.token = token
        self.grants = Grants(self.clock)
        self.tables: dict[str, dict[str, Row]] = defaultdict(dict)
        self.ignored: set[str] = set()
        """Parameters that the vendor does not understand any more, and ignores."""
        self._manners: dict[tuple[str, int], PageManner] = {}
        self._actions: dict[tuple[str, int], list[Callable[[], object]]] = defaultdict(list)
        self._pages: Counter[str] = Counter()
        self._looping = False

    # ---- What people do at the vendor ------------------------------------------------------------------------

    def insert(self, table: str, row: Row) -> Row:
        """Add a row."""
        row.setdefault(self.changed, self.stamp())
        self.tables[table][str(row[self.unique])] = row
        return row

    def edit(self, table: str, ident: int | str, **members: Any) -> Row:
        """Change members of a row; a name with `__` reaches into it (`project__id`)."""
        row = self.tables[table][str(ident)]
        for path, value in members.items():
            *steps, last = path.split("__")
            here = row
            for step in steps:
                here = here[step]
            here[last] = value
        row[self.changed] = self.stamp()
        return row

    def delete(self, table: str, ident: int | str) -> Row:
        """Take a row away, without a trace."""
        return self.tables[table].pop(str(ident))

    def stamp(self) -> str:
        """The time, as this vendor writes it."""
        return utc_text(self.clock.now())

    # ---- What happens while pages are read -------------------------------------------------------------------

    def after_page(self, table: str, number: int, action: Callable[[], object]) -> None:
        """Do something once the n-th page of a table from now on has been sent (1 is the next one)."""
        self._actions[table, self._pages[table] + number].append(action)

    def misbehave(self, table: str, number: int, manner: PageManner) -> None:
        """Let the n-th page of a table from now on misbehave."""
        self._manners[table, self._pages[table] + number] = manner

    def forgive(self) -> None:
        """Forget faults, misbehaving pages and what was to happen while pages are read."""
        super().forgive()
        self._manners.clear()
        self._actions.clear()
        self._looping = False

    def asked(self, request: Request) -> dict[str, str]:
        """The parameters of a request that this vendor understands."""
        return {name: value for name, value in request.query.items() if name not in self.ignored}

    def page(self, table: str, rows: Sequence[Row], start: int) -> tuple[list[Row], int | None]:
        """Rows from `start` (0 is the first) and where the next page starts; None at the end."""
        self._pages[table] += 1
        here = table, self._pages[table]
        manner = "loop" if self._looping else self._manners.get(here)
        size = self.page_size if manner != "short" else max(1, self.page_size // 2)
        found = list(rows[start : start + size])
        after: int | None = start + len(found) if start + len(found) < len(rows) else None
        if manner == "repeated":
            found = [*rows[max(0, start - 1) : start], *found]
        elif manner == "empty":
            found, after = [], start
        elif manner == "shuffled":
            Random(here[1]).shuffle(found)  # noqa: S311
        elif manner == "loop":
            after, self._looping = start, True
        for action in self._actions.pop(here, []):
            action()
        return found, after

    @property
    def turn(self) -> str:
        """What makes the link to the next page unlike all others; not where a vendor sends us in a circle."""
        return "0" if self._looping else str(self._pages.total())

    def login(self) -> dict[str, Any]:
        """Options that log in by OAuth 2 instead of the key."""
        return {"token": None, **self.grants.options(self.url + self.token_path)}

    def secrets(self) -> list[str]:
        return list(self.grants.given)

    def authorized(self, request: Request) -> bool:
        """The key, or an access token that lives, stands where bearer tokens stand."""
        return request.headers.get("authorization") == f"Bearer {self.token}" or self.grants.alive(request)

    def handle(self, request: Request) -> Response:
        raise NotImplementedError
