"""monday.com: items of boards as records, by column mapping. GraphQL, version 2026-10, https://developer.monday.com.

A personal API token of a user who sees the boards. Columns are mapped by id, which survives renaming, or by title.
- 1,000 calls a day for the whole firm on small plans: one query for all boards' columns, one for 500 items.
- 200 is no success: whatever stands beside `errors` is not believed, since a missing right looks like no items.
- A status is done where its label is marked so (`COLUMN.done`); labels are renamed, `.done` and `.index` are not.
- The date of a status is that of its last change: completed_on: COLUMN.changed, told in `zone`.
- There is no filter for changes: whole boards are read. Subitems stand on a board of their own.
- Time is tracked in sessions (`sessions: COLUMN`); approval and billable flags are columns, like everything else.
- Own columns: @id, @name, @board, @group, @group_id, @parent, @updated, @url.
Unconfirmed: sessions that were deleted leave the history - shows as: its sessions last ..., but the column says.
Unconfirmed: the codes of throttles besides the two of complexity - shows as: the list fails with the vendor's words.
Unconfirmed: `cursor` of a nested items_page goes on like that of next_items_page - shows as: no new row, or an error.
"""

from functools import cached_property
from typing import ClassVar

from billsync.model.errors import Missing
from billsync.sdk import Field, Identity, Offers, Secret, sources
from billsync.sdk.api import GRAPHQL_SUCCESS, Api, Bearer, Limit, Success, Throttle
from billsync.sdk.mapped import EVERY_KIND, Opened, Rows, RowSource, RowTable, TableOptions
from billsync.sdk.paging import Cursor, Single
from billsync.sdk.row import Row
from billsync_plugins.sources import _monday_queries as queries
from billsync_plugins.sources._monday_items import OF_SESSION, SESSION, rows_of, titles_of

CODE = "errors.*.extensions.code"
BUSY = ("RATE_LIMIT_EXCEEDED", "Rate Limit Exceeded", "maxConcurrencyExceeded", "IP_RATE_LIMIT_EXCEEDED")


class BoardTable(RowTable):
    """A board, and for time the column whose sessions are the entries."""

    board: str = Field(description="Id of the board: the number in its address.")
    sessions: str | None = Field(default=None, description="Id of the time-tracking column whose sessions are read.")


class MondayOptions(TableOptions[BoardTable]):
    """The boards of one account."""

    token: Secret = Field(description="Personal API token: your picture, Developers, My access tokens.")
    zone: str = Field(default="UTC", description="Zone in which dates of changes and sessions are told.")


class Monday(RowSource[MondayOptions, BoardTable]):
    """Boards of one account. The whole board is read each time; deletions show by absence."""

    kind = "monday"
    title = "monday.com"
    docs = "https://developer.monday.com/api-reference"
    api = Api(
        base_url="https://api.monday.com/v2",
        auth=Bearer("token"),
        pages=Cursor(at="boards.0.items_page.cursor", param="cursor"),
        limits=(Limit(1000, per=86400),),
        headers={"API-Version": "2026-10"},
        success=(GRAPHQL_SUCCESS, Success(at="error_code", absent=True, message_at="error_message")),
        throttles=(
            Throttle(at=CODE, equals="DAILY_LIMIT_EXCEEDED", wait=3600, ends_poll=True),
            Throttle(at=CODE, equals="COMPLEXITY_BUDGET_EXHAUSTED", wait_at="errors.*.extensions.retry_in_seconds"),
            Throttle(at="error_code", equals="ComplexityException", wait=60),
            *(Throttle(at=CODE, equals=code, wait=60) for code in BUSY),
        ),
        message_at=("errors.0.message", "error_message", "errors.0"),
    )
    offers = Offers(kinds=EVERY_KIND, approval="status", changes="whole", marks_billed=True)
    own: ClassVar = {"id": "@id", "name": "@name", "url": "@url"}
    quality = "silver"

    def check(self) -> Identity:
        [raw] = self.http.graphql(queries.WHO)
        asked, row = self.api.headers["API-Version"], Row(raw, "account", "me.account.name")
        kept = any(v["value"] == asked and v["kind"] in ("current", "maintenance") for v in row.rows("versions"))
        old = () if kept else (f"version {asked} of the API is not kept up any more: update billsync",)
        return Identity(account=row.text("me.account.name"), user=row.text("me.name"), remarks=(*old, *self.look()))

    @cached_property
    def boards(self) -> dict[str, Row]:
        """The boards of all tables with their columns, in one call."""
        ids = sorted({table.board for table in self.tables(self.options).values()})
        rows = self.http.graphql(queries.BOARDS, {"boards": ids, "limit": len(ids)}, at="boards", pages=Single())
        return {row.ident("id"): row for row in Row.each(rows, "board")}

    def own_of(self, table: BoardTable) -> dict[str, str]:
        return {**self.own, **(OF_SESSION if table.sessions else {})}

    def open_table(self, table: BoardTable) -> Opened:
        if table.board not in self.boards:
            hint = "was it deleted or archived? may the user of the token see it?"
            raise Missing(f"board {table.board} is not there", where=self.account, hint=hint)
        columns = list(Row.each(self.boards[table.board].rows("columns"), "column"))
        mapped = [*table.columns.values(), *filter(None, [table.sessions])]
        titles, wanted = titles_of(columns, mapped, SESSION if table.sessions else ())
        return Opened(titles, self._rows(table, wanted))

    def write_mark(self, table: BoardTable, column: str, ids: list[str], reference: str) -> None:
        """One after the other, as the vendor advises."""
        for ident in ids:
            marked = {"board": table.board, "item": ident, "column": column, "value": reference}
            self.http.write("POST", "", {"query": queries.MARK, "variables": marked})

    def _rows(self, table: BoardTable, columns: list[str]) -> Rows:
        asked = {"boards": [table.board], "columns": columns, "limit": 500}
        for raw in self.http.graphql(queries.ITEMS, asked, at="boards.0.items_page.items"):
            yield from rows_of(Row(raw, "item"), table.board, table.sessions, self.options.zone)


billsync_sources = sources(Monday)
