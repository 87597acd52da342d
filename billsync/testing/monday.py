"""monday.com on loopback: one address, where 200 is no success. Boards with columns, items and sessions of work."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from billsync.sdk.row import utc_text
from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import TOKEN, FakeTracker, Row

_EMPTY: Final[Mapping[str, Row]] = {
    "status": {"index": None, "label": None, "is_done": None},
    "numbers": {"number": None},
    "date": {"date": None},
    "timeline": {"from": None, "to": None},
    "checkbox": {"checked": None},
    "people": {"persons_and_teams": []},
    "dropdown": {"values": []},
    "file": {"files": []},
    "time_tracking": {"duration": 0, "running": False, "history": []},
    "mirror": {"display_value": ""},
    "formula": {"display_value": ""},
    "board_relation": {"display_value": ""},
}


class FakeMonday(FakeTracker):
    """One account. A board's items are the table `board ID`; the id of a column is its title, small and with `_`."""

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock, page_size=page_size, token=token)
        self.boards: dict[str, Row] = {}
        self.versions = [{"kind": "current", "value": "2026-10"}]
        self._ids = 9_571_351_000

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `monday` that is this one; its boards are missing."""
        return {"base_url": f"{self.url}/v2", "token": self.token, **more}

    # ---- What people do at the vendor ------------------------------------------------------------------------

    def add_board(self, ident: str, columns: Mapping[str, str]) -> Row:
        """A board and its columns: title -> type."""
        listed = [
            {"id": title.lower().replace(" ", "_"), "title": title, "type": kind} for title, kind in columns.items()
        ]
        self.boards[ident] = {"id": ident, "name": f"Board {ident}", "state": "active", "columns": listed}
        return self.boards[ident]

    def add_item(self, board: str, name: str, **values: Any) -> str:
        """An item with values by column id; its id."""
        self._ids += 1
        empty = {column["id"]: self._cell(board, column["id"], None) for column in self.boards[board]["columns"]}
        item = {
            "id": str(self._ids), "name": name, "state": "active", "url": f"https://acme.monday.com/{self._ids}",
            "group": {"id": "topics", "title": "Spring"}, "parent_item": None, "column_values": empty,
        }  # fmt: skip
        self.insert(f"board {board}", item)
        self.write(board, str(self._ids), **values)
        return str(self._ids)

    def write(self, board: str, item: str, **values: Any) -> None:
        """Put values into columns: a label, number, date or text, or all members of the value (a dict)."""
        row = self.edit(f"board {board}", item)
        row["column_values"] |= {column: self._cell(board, column, value) for column, value in values.items()}

    def track(self, board: str, item: str, column: str, *spans: tuple[datetime | None, datetime | None]) -> list[str]:
        """Add sessions of work to a time-tracking column; a session without end is running. Their ids."""
        cell = self.tables[f"board {board}"][item]["column_values"][column]
        ids = []
        for start, end in spans:
            self._ids += 1
            ids.append(str(self._ids))
            cell["history"].append(
                {
                    "id": ids[-1], "started_user_id": "77", "started_at": utc_text(start) if start else None,
                    "ended_at": utc_text(end) if end else None,
                }
            )  # fmt: skip
            cell["duration"] += int((end - start).total_seconds()) if start and end else 3600 if end else 0
        self.edit(f"board {board}", item)
        return ids

    def _cell(self, board: str, column: str, value: Any) -> Row:
        kind = next(found["type"] for found in self.boards[board]["columns"] if found["id"] == column)
        cell: Row = {"id": column, "type": kind, "text": None, "updated_at": self.stamp(), **_members(kind)}
        if isinstance(value, dict):
            cell |= value
        elif value is not None:
            told = {"status": "label", "numbers": "number", "date": "date", "checkbox": "checked"}
            cell |= {told.get(kind, "display_value" if kind in _DISPLAYED else "text"): value}
        return cell

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.method != "POST" or request.path != "/v2":
            return Response(status=404, body=b"Not Found", headers={"Content-Type": "text/plain"})
        if not self.authorized(request):
            return Response.json_of({"errors": ["Not Authenticated"]}, 401)
        asked = request.json()
        query, variables = asked["query"], asked.get("variables", {})
        if query.startswith("mutation"):
            return self._change(variables)
        if "items_page" in query:
            return self._items(variables)
        if "columns" in query:
            found = [self.boards[ident] for ident in variables["boards"] if ident in self.boards]
            return _data({"boards": found[: variables["limit"]]})
        me = {"name": "Ana Roe", "account": {"name": "Acme"}}
        return _data({"me": me, "versions": self.versions})

    def _items(self, variables: Mapping[str, Any]) -> Response:
        [board] = variables["boards"]
        if board not in self.boards:
            return _data({"boards": []})
        rows = sorted(self.tables[f"board {board}"].items(), key=lambda pair: int(pair[0]))
        before = int(b64decode(variables.get("cursor") or "").decode().partition(":")[2] or 0)
        numbers = [int(ident) for ident, _ in rows]
        start = sum(number <= before for number in numbers)
        found, after = self.page(f"board {board}", [row for _, row in rows], start)
        cursor = None
        if after is not None:
            cursor = b64encode(f"{self.turn}:{numbers[after - 1] if after else 0}".encode()).decode()
        items = [_chosen(row, variables["columns"]) for row in found]
        return _data({"boards": [{"items_page": {"cursor": cursor, "items": items}}]})

    def _change(self, variables: Mapping[str, Any]) -> Response:
        item = self.tables[f"board {variables['board']}"].get(variables["item"])
        if item is None:
            return refusal("ResourceNotFoundException", "Item not found", status_code=404)
        if variables["column"] not in item["column_values"]:
            return refusal("InvalidColumnIdException", "This column ID doesn't exist for the board", status_code=200)
        self.write(str(variables["board"]), variables["item"], **{variables["column"]: variables["value"]})
        return _data({"change_simple_column_value": {"id": variables["item"]}})


_DISPLAYED: Final = ("mirror", "formula", "board_relation")


def refusal(code: str, message: str, *, data: Any = None, **extensions: Any) -> Response:
    """200 with `errors`, as the vendor refuses; `data` is what he sends all the same."""
    error = {"message": message, "extensions": {"code": code, **extensions}}
    return Response.json_of({"data": data, "errors": [error]})


def done(label: str = "Done", *, is_done: bool = True, at: str = "2026-03-05T12:00:00Z") -> Row:
    """A status and when it was set."""
    return {"label": label, "text": label, "index": 1, "is_done": is_done, "updated_at": at}


def number(value: str) -> Row:
    """A value of a numbers column."""
    return {"number": Decimal(value), "text": value}


def _members(kind: str) -> Row:
    return {name: [*value] if isinstance(value, list) else value for name, value in _EMPTY.get(kind, {}).items()}


def _chosen(item: Row, columns: Sequence[str]) -> Row:
    if "column_values" not in item:
        return item
    return {**item, "column_values": [cell for name, cell in item["column_values"].items() if name in columns]}


def _data(data: Row) -> Response:
    return Response.json_of({"data": data, "extensions": {"request_id": "a-b-c"}})
