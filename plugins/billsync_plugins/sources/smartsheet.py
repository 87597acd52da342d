"""Smartsheet: rows of sheets as records, by column mapping. API 2.0 of August 2024, https://developers.smartsheet.com.

A token of a user with whom the sheets are shared, or OAuth 2 (its tokens rotate; to mark what was billed it needs
`more_scopes: WRITE_SHEETS`). Columns are mapped by id or title.
- Whole sheets are read: what changes by a formula need not move the row's time, and deleted rows leave no trace.
- Beyond the last page the vendor may repeat it: a list ends where as many rows have come as the sheet says it has.
- Parent rows roll their children up: a sheet with a hierarchy is refused until `rows` says which of them count.
- Numbers are plain, what is shown has their format (percentages, once mapped, are 0 to 100); a formula error comes as
  text and is none.
- Own columns: @id, @primary (the row's title), @parent, @modified, @url, @attachments (their names).
Unconfirmed: percentages are fractions - shows as: is no fraction of what is shown.
Unconfirmed: lists of columns keep their old paging - shows as: a mapped column is gone.
Unconfirmed: at most 300 calls a minute - shows as: 429, and is waited for.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from billsync.model.errors import BadAnswer
from billsync.sdk import Field, Identity, Offers, TokenOrLogin, sources, token_or_login
from billsync.sdk.api import Api, Bearer, Limit, Params, Throttle
from billsync.sdk.mapped import EVERY_KIND, Opened, Rows, RowSource, RowTable, TableOptions
from billsync.sdk.paging import PageNumber
from billsync.sdk.row import Row
from billsync_plugins.sources._smartsheet_rows import OWN, cells_of, counting

SCOPE = "READ_SHEETS"
COLUMNS = PageNumber(param="page", size_param="pageSize", size=500, last_at="totalPages")
ROWS = PageNumber(size_param="pageSize", size=1000, total_at="totalRowCount", count_at="totalRowCount")


class SheetTable(RowTable):
    """A sheet, and which of its rows are records."""

    sheet: str = Field(description="Id of the sheet: File, Properties.")
    rows: Literal["flat", "leaves", "top"] = Field(
        default="flat", description="flat: there is no hierarchy; leaves: rows without children; top: without a parent."
    )


class SmartsheetOptions(TableOptions[SheetTable], TokenOrLogin):
    """The sheets of one account. Tokens: Personal Settings, API Access; apps: Developer Tools. Regions: `base_url`."""


class Smartsheet(RowSource[SmartsheetOptions, SheetTable]):
    """Sheets of one account. The whole sheet is read each time; deletions show by absence."""

    kind = "smartsheet"
    title = "Smartsheet"
    docs = "https://developers.smartsheet.com/api/smartsheet/openapi"
    api = Api(
        base_url="https://api.smartsheet.com/2.0",
        auth=token_or_login(
            Bearer("token"), "https://api.smartsheet.com/2.0/token", "https://app.smartsheet.com/b/authorize", SCOPE
        ),
        pages=ROWS,
        limits=(Limit(300, per=60),),
        headers={"Smartsheet-Change-Agent": "billsync"},
        throttles=(Throttle(status=429, wait=60),),
    )
    offers = Offers(kinds=EVERY_KIND, approval="status", changes="whole", marks_billed=True)
    own: ClassVar = {"id": "@id", "name": "@primary", "url": "@url"}
    quality = "silver"

    def check(self) -> Identity:
        user = Row(self.http.get("/users/me"), "user")
        mail = user.text("email")
        return Identity(account=user.maybe.text("account.name") or mail, user=mail, remarks=self.look())

    def open_table(self, table: SheetTable) -> Opened:
        columns = self._columns(table)
        titles = {column.ident("id"): column.text("title") for column in columns}
        primary = next((column.ident("id") for column in columns if column.maybe.flag("primary")), "")
        return Opened({**{name: name for name in OWN}, **titles}, self._rows(table, titles, primary))

    def write_mark(self, table: SheetTable, column: str, ids: list[str], reference: str) -> None:
        for start in range(0, len(ids), 500):
            cells = [{"columnId": int(column), "value": reference}]
            rows = [{"id": int(ident), "cells": cells} for ident in ids[start : start + 500]]
            self.http.write("PUT", f"/sheets/{table.sheet}/rows", rows)

    def _columns(self, table: SheetTable) -> list[Row]:
        rows = self.http.rows(f"/sheets/{table.sheet}/columns", {"level": 2}, at="data", pages=COLUMNS)
        return [Row(raw, "column") for raw in rows]

    def _rows(self, table: SheetTable, titles: Mapping[str, str], primary: str) -> Rows:
        wanted = ["objectValue", "rowPermalink", *(["attachments"] if "@attachments" in table.columns.values() else [])]
        asked: Params = {"level": 2, "include": ",".join(wanted), "exclude": "nonexistentCells"}
        rows = [Row(raw, "row") for raw in self.http.rows(f"/sheets/{table.sheet}", asked, at="rows")]
        if {column.ident("id"): column.text("title") for column in self._columns(table)} != titles:
            raise BadAnswer("the columns changed while the rows were read", hint="the next run reads them again")
        for row in counting(rows, table.rows):
            yield f"row {row.ident('rowNumber')}", cells_of(row, primary)


billsync_sources = sources(Smartsheet)
