"""Odoo's projects on loopback: milestones, tasks, timesheets, expenses and sales orders of one database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from billsync.testing.clock import Clock
from billsync.testing.odoo_rpc import KEY, Call, OdooError, account, clock_text, matches, served
from billsync.testing.server import Request, Response
from billsync.testing.tracker import FakeTracker, Row


class FakeOdooProjects(FakeTracker):
    """One database. `fields`: model -> the fields that it has; a row that lacks one shows that it does."""

    changed = "write_date"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3) -> None:
        super().__init__(clock=clock, page_size=page_size)
        self.fields: dict[str, set[str]] = {}
        self._ids = 0

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of a source of kind `odoo` that is this database; pages are as small as the fake's."""
        return account(self.url, page_size=self.page_size, **more)

    def secrets(self) -> list[str]:
        return [KEY]

    def stamp(self) -> str:
        return clock_text(self.clock.now())

    def model(self, name: str, fields: Iterable[str]) -> None:
        """A model with these fields."""
        self.fields[name] = {"id", "write_date", "active", *fields}

    def add(self, model: str, **values: Any) -> int:
        """A row; fields that are not told are false, which is Odoo's nothing."""
        self._ids += 1
        usual = {"id": self._ids, "active": True, self.changed: self.stamp()}
        self.insert(model, {**dict.fromkeys(self.fields[model], False), **usual, **values})
        return self._ids

    def handle(self, request: Request) -> Response:
        return served(request, self._run)

    def _run(self, call: Call) -> Any:
        model, method, args, named = call
        if model not in self.fields:
            raise OdooError("odoo.exceptions.UserError", f"Object {model} doesn't exist")
        if method == "fields_get":
            return {name: {"type": "char"} for name in args[0] if name in self.fields[model]}
        wanted = named.get("fields", [])
        for name in (*wanted, *(term[0] for term in args[0])):
            if name not in self.fields[model]:
                raise OdooError("builtins.ValueError", f"Invalid field '{name}' on model '{model}'")
        rows = self._matching(model, args[0])
        if method == "search_count":
            return len(rows)
        found, _ = self.page(model, rows[: named["limit"]] if not self._looping else rows, 0)
        return [{name: row[name] for name in ("id", *wanted) if name in row} for row in found]

    def _matching(self, model: str, domain: list[Any]) -> list[Row]:
        """Rows in the order of their ids. In a circle, the id that a page starts after is ignored."""
        terms = [term for term in domain if term[0] != "id" or not self._looping]
        if "domain" in self.ignored:
            terms = [term for term in terms if term[0] == "id"]
        found = [row for row in self.tables[model].values() if matches(row, terms)]
        return sorted(found, key=lambda row: int(row.get("id", 0)))
