"""Harvest on loopback: the parts of API v2 that billsync reads, with its headers, links and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from billsync.sdk.parse import instant
from billsync.testing.clock import Clock
from billsync.testing.server import Request, Response
from billsync.testing.tracker import TOKEN, FakeTracker, Row

ACCOUNT: Final = "123456"
_LISTS: Final = ("projects", "time_entries", "expenses", "estimates")
_DATED: Final = ("time_entries", "expenses")
_NUMBERED: Final = (*_DATED, "estimates")


class FakeHarvest(FakeTracker):
    """One account. `approval_feature` and `roles` can be changed; `options()` opens it."""

    token_path = "/api/v2/oauth2/token"

    def __init__(self, *, clock: Clock | None = None, page_size: int = 3, token: str = TOKEN) -> None:
        super().__init__(clock=clock, page_size=page_size, token=token)
        self.approval_feature = True
        self.roles = ["administrator"]
        self._ids = 700_000_000

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of an account of kind `harvest` that is this one."""
        return {"base_url": self.url, "account_id": ACCOUNT, "token": self.token, **more}

    # ---- Records ---------------------------------------------------------------------------------------------

    def add_project(self, ident: int, name: str, *, client: str = "Acme", currency: str = "USD", **more: Any) -> Row:
        """A project of a client; amounts of `more` are Decimal."""
        return self.insert(
            "projects",
            {
                "id": ident, "name": name, "code": f"P{ident}", "is_active": True, "bill_by": "People",
                "budget": None, "budget_by": "none", "cost_budget": None, "fee": None, "is_fixed_fee": False,
                "client": {"id": ident * 10, "name": client, "currency": currency}, **more,
            },
        )  # fmt: skip

    def add_time(
        self,
        project: int,
        on: date,
        hours: str,
        *,
        user: int = 11,
        name: str = "Ana Roe",
        task: str = "Design",
        **more: Any,
    ) -> Row:
        """Hours of a person; approved and billable unless `more` says otherwise."""
        of = self.tables["projects"][str(project)]
        row = self._work(of, on, user, name, more)
        return self.insert(
            "time_entries",
            {
                **row, "task": {"id": 41, "name": task}, "hours": Decimal(hours), "rounded_hours": Decimal(hours),
                "billable_rate": Decimal("120.0"), "cost_rate": Decimal("55.0"), "is_running": False,
                "external_reference": None, **more,
            },
        )  # fmt: skip

    def add_expense(
        self, project: int, on: date, cost: str, *, user: int = 11, name: str = "Ana Roe", **more: Any
    ) -> Row:
        """A cost in the currency of the project's client."""
        of = self.tables["projects"][str(project)]
        row = self._work(of, on, user, name, more)
        row["client"] = of["client"]
        return self.insert(
            "expenses",
            {
                **row, "total_cost": Decimal(cost), "units": 1, "receipt": None,
                "expense_category": {"id": 51, "name": "Travel", "unit_price": None, "unit_name": None}, **more,
            },
        )  # fmt: skip

    def add_estimate(self, number: int, amount: str, on: date, **more: Any) -> Row:
        """An estimate that Acme accepted at noon of a day; `amount` with its taxes."""
        self._ids += 1
        accepted = f"{on}T12:00:00Z"
        line = {"id": self._ids * 10, "kind": "Service", "description": "Design", "amount": Decimal(amount)}
        return self.insert(
            "estimates",
            {
                "id": self._ids, "number": str(number), "purchase_order": "", "amount": Decimal(amount), "tax": None,
                "tax_amount": Decimal(0), "tax2": None, "tax2_amount": None, "currency": "USD", "state": "accepted",
                "subject": "Site", "client": {"id": 310, "name": "Acme"}, "line_items": [line],
                "accepted_at": accepted, **more,
            },
        )  # fmt: skip

    def _work(self, project: Row, on: date, user: int, name: str, more: Mapping[str, Any]) -> Row:
        self._ids += 1
        status = more.get("approval_status", "approved")
        return {
            "id": more.get("id", self._ids), "spent_date": str(on), "user": {"id": user, "name": name},
            "client": {"id": project["client"]["id"], "name": project["client"]["name"]},
            "project": {"id": project["id"], "name": project["name"]}, "notes": None, "billable": True,
            "is_billed": False, "invoice": None, "approval_status": status, "is_closed": status == "approved",
            "is_locked": status == "approved", "created_at": self.stamp(), "updated_at": self.stamp(),
        }  # fmt: skip

    # ---- Answers ---------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path == self.token_path:
            answer: Response = self.grants.token(request)
            return answer
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        name = request.path.removeprefix("/")
        if name == "company":
            return Response.json_of(
                {"name": "API Examples", "is_active": True, "approval_feature": self.approval_feature}
            )
        if name == "users/me":
            user = {"id": 11, "first_name": "Ana", "last_name": "Roe", "email": "ana@example.com"}
            return Response.json_of({**user, "access_roles": self.roles})
        if name in _LISTS and request.method == "GET":
            return self._list(name, request)
        return Response.json_of({"status": 404, "error": "Not Found"}, 404)

    def _refusal(self, request: Request) -> Response | None:
        if not request.headers.get("user-agent"):
            return Response.json_of({"message": "User-Agent header is missing"}, 400)
        if not self.authorized(request):
            return Response.json_of({"error": "invalid_token", "error_description": "The access token is expired"}, 401)
        if request.headers.get("harvest-account-id") != ACCOUNT:
            return Response.json_of({"message": "Account not found"}, 404)
        return None

    def _list(self, name: str, request: Request) -> Response:
        query = self.asked(request)
        if not 1 <= int(query.get("per_page", 2000)) <= 2000:
            return Response.json_of({"message": "per_page must be between 1 and 2000"}, 422)
        rows = [row for row in self.tables[name].values() if _matches(row, query, dated=name in _DATED)]
        rows.sort(key=lambda row: (row.get("spent_date", ""), row.get("id", 0)), reverse=True)
        start = int(query["cursor"]) if "cursor" in query else (int(query.get("page", 1)) - 1) * self.page_size
        found, after = self.page(name, rows, start)
        return Response.json_of({name: found, **self._links(name, query, len(rows), after)})

    def _links(self, name: str, query: Mapping[str, str], total: int, after: int | None) -> Row:
        """Work is paged by number, the rest by cursor; the sheet of the vendor says so."""
        following = None
        if after is not None:
            turn = {"page": after // self.page_size + 1} if name in _NUMBERED else {"cursor": after}
            kept = {key: value for key, value in query.items() if key not in ("page", "cursor", "turn")}
            following = f"{self.url}/{name}?{urlencode({**kept, **turn, 'turn': self.turn})}"
        links = {"first": f"{self.url}/{name}", "next": following, "previous": None, "last": None}
        return {
            "per_page": int(query.get("per_page", 2000)), "total_pages": -(-total // self.page_size),
            "total_entries": total, "next_page": None, "previous_page": None,
            "page": int(query["page"]) if "page" in query else None, "links": links,
        }  # fmt: skip


def _matches(row: Row, query: Mapping[str, str], *, dated: bool) -> bool:
    """A row that lacks what a filter looks at passes it: then the connector must say so."""
    since = query.get("updated_since")
    if since and instant(row["updated_at"]) < instant(since):
        return False
    if not dated:
        return query.get("state", row.get("state")) == row.get("state", query.get("state"))
    for name in ("approval_status", "is_billed"):
        if name in row and query.get(name, str(row[name]).lower()) != str(row[name]).lower():
            return False
    on = str(row.get("spent_date", query.get("from", "")))
    return query.get("from", "") <= on <= query.get("to", "9999")
