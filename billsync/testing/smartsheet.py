"""Smartsheet on loopback: sheets with columns and rows, whose pages beyond the last one repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import TOKEN, FakeTracker, Row


class FakeSmartsheet(FakeTracker):
    """One account. A sheet's rows are the table `sheet ID`; the n-th column of a sheet has the id ID * 1000 + n."""

    changed = "modifiedAt"
    token_path = "/token"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock, page_size=page_size, token=token)
        self.columns: dict[str, list[Row]] = {}
        self.after_columns: dict[str, Any] = {}
        """Sheet -> what is done once its columns have been sent."""
        self._ids = 4_583_173_393_803_000
        self._stuck = 0

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `smartsheet` that is this one; its tables are missing."""
        return {"base_url": self.url, "token": self.token, **more}

    # ---- What people do at the vendor ------------------------------------------------------------------------

    def add_sheet(self, ident: str, titles: Mapping[str, str] | Iterable[str]) -> list[Row]:
        """A sheet and its columns: title -> type, the first one being the primary."""
        types = titles if isinstance(titles, Mapping) else dict.fromkeys(titles, "TEXT_NUMBER")
        self.columns[ident] = [
            {"id": int(ident) * 1000 + n, "index": n, "title": title, "type": kind, **({} if n else {"primary": True})}
            for n, (title, kind) in enumerate(types.items())
        ]
        return self.columns[ident]

    def add_row(self, sheet: str, *, parent: str | None = None, files: Iterable[str] = (), **values: Any) -> str:
        """A row with values by title (`_` for a space); its id."""
        self._ids += 1
        row: Row = {
            "id": self._ids, "rowNumber": len(self.tables[f"sheet {sheet}"]) + 1, "createdAt": self.stamp(),
            "cells": [], "permalink": f"https://app.smartsheet.com/sheets/x?rowId={self._ids}",
            "attachments": [{"id": n, "name": name} for n, name in enumerate(files)],
            **({"parentId": int(parent)} if parent else {}),
        }  # fmt: skip
        self.insert(f"sheet {sheet}", row)
        self.write(sheet, str(self._ids), **values)
        return str(self._ids)

    def write(self, sheet: str, row: str, **values: Any) -> None:
        """Put values into cells, as a number, text, date or a whole cell (a dict); None empties."""
        found = self.edit(f"sheet {sheet}", row)
        for title, value in values.items():
            column = self.column(sheet, title.replace("_", " "))
            cells = [cell for cell in found["cells"] if cell["columnId"] != column]
            told = value if isinstance(value, dict) else {"value": value, "displayValue": str(value)}
            found["cells"] = [*cells, {"columnId": column, **told}] if value is not None else cells

    def column(self, sheet: str, title: str) -> int:
        """The id of a column."""
        return next(int(column["id"]) for column in self.columns[sheet] if column["title"] == title)

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            answer: Response = self.grants.token(request)
            return answer
        if not self.authorized(request):
            return _error(401, 1002, "Your Access Token is invalid.")
        match [request.method, *request.path.strip("/").split("/")]:
            case ["GET", "users", "me"]:
                return Response.json_of({"id": 7, "email": "ana@example.com", "account": {"id": 1, "name": "Acme"}})
            case ["GET", "sheets", sheet, "columns"] if sheet in self.columns:
                found = list(self.columns[sheet])
                self.after_columns.pop(sheet, lambda: None)()
                counted = {"pageNumber": 1, "pageSize": 100, "totalPages": 1, "totalCount": len(found)}
                return Response.json_of({**counted, "data": found})
            case ["GET", "sheets", sheet] if sheet in self.columns:
                return self._sheet(sheet, request)
            case ["PUT", "sheets", sheet, "rows"] if sheet in self.columns:
                return self._put(sheet, request.json())
        return _error(404, 1006, "Not Found")

    def _sheet(self, sheet: str, request: Request) -> Response:
        table = f"sheet {sheet}"
        wanted = request.query.get("include", "").split(",")
        rows = [_shown(row, wanted) for row in self.tables[table].values()]
        last = max(0, (len(rows) - 1) // self.page_size)
        number = int(self.asked(request).get("page", 1)) - 1
        self._stuck = self._stuck if self._looping else min(number, last) * self.page_size
        found, _ = self.page(table, rows, self._stuck)
        head = {"id": int(sheet), "name": table, "version": 42, "totalRowCount": len(rows)}
        return Response.json_of({**head, "columns": self.columns[sheet], "rows": found})

    def _put(self, sheet: str, rows: list[Row]) -> Response:
        known = self.tables[f"sheet {sheet}"]
        if len(rows) > 500 or any(str(row["id"]) not in known for row in rows):
            return _error(404, 1006, "Not Found")
        titles = {column["id"]: column["title"] for column in self.columns[sheet]}
        if any(cell["columnId"] not in titles for row in rows for cell in row["cells"]):
            return _error(400, 1036, "The columnId is invalid.")
        for row in rows:
            for cell in row["cells"]:
                self.write(sheet, str(row["id"]), **{titles[cell["columnId"]].replace(" ", "_"): cell["value"]})
        return Response.json_of({"message": "SUCCESS", "resultCode": 0, "version": 43, "result": []})


def percentage(fraction: str) -> Row:
    """A cell that holds a fraction and shows a percentage without decimals."""
    shown = (Decimal(fraction) * 100).quantize(Decimal(1))
    return {"value": Decimal(fraction), "displayValue": f"{shown}%"}


def _shown(row: Row, wanted: Iterable[str]) -> Row:
    return {name: value for name, value in row.items() if name != "attachments" or name in wanted}


def _error(status: int, code: int, message: str) -> Response:
    return Response.json_of({"errorCode": code, "message": message, "refId": "exlxshtxlpl8"}, status)
