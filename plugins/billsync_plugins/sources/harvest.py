"""Harvest: time, expenses, projects with their budgets, accepted estimates. API v2 of October 2026.

https://help.getharvest.com/api-v2/. A personal access token has the rights of its maker: only an administrator sees
everybody's work (`check` says so).
- The currency is not on the time entry but on its project's client; a rate that the token may not see is null: unknown.
- Where the company has approval switched off, nothing is ever approved: then the contract decides, or the option.
- A running timer is open: its hours still grow. Deletions leave no trace. `is_billed` tells of Harvest's invoices only.
Unconfirmed: an approval moves `updated_at` - shows as: a late approval of an old entry counts from the full sweep on.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from billsync.model.work import ApprovalState, ContractTerms, Expense, Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Source, TokenOrLogin, sources, token_or_login
from billsync.sdk.api import Api, Bearer, Json, Limit
from billsync.sdk.paging import NextLink
from billsync.sdk.parse import need
from billsync.sdk.row import Row, inside, utc_text_or_none
from billsync_plugins.sources._harvest_estimates import contract
from billsync_plugins.sources._harvest_work import expense, project, time_entry

ID = "https://id.getharvest.com"


class HarvestOptions(TokenOrLogin):
    """One Harvest account. Tokens and apps are made at id.getharvest.com/developers."""

    account_id: str = Field(description="Number of the account: id.getharvest.com/developers, beside the token.")
    hours: Literal["rounded", "exact"] = Field(default="rounded", description="Harvest's own invoices use rounded.")
    treat_as_approved: bool = Field(default=False, description="All time counts, if the company has no approval.")
    estimates: bool = Field(default=False, description="Read accepted estimates as contracts.")
    zone: str = Field(default="UTC", description="Zone in which the acceptance of an estimate becomes a date.")
    contact: str | None = Field(default=None, description="Mail or link for the User-Agent, as Harvest asks.")


class Harvest(Source[HarvestOptions]):
    """Time and expenses of one Harvest account; all dates are the account's own."""

    kind = "harvest"
    title = "Harvest"
    docs = "https://help.getharvest.com/api-v2/"
    api = Api(
        base_url="https://api.harvestapp.com/v2",
        auth=token_or_login(Bearer("token"), f"{ID}/api/v2/oauth2/token", f"{ID}/oauth2/authorize", "all"),
        pages=NextLink(at="links.next", size={"per_page": 2000}, total_at="total_entries"),
        limits=(Limit(100, per=15),),
        headers={"Harvest-Account-Id": "{account_id}"},
        message_at=("message", "error_description", "error"),
    )
    offers = Offers(
        kinds=frozenset({"project", "time", "expense", "contract"}),
        only_if={"contract": "estimates"},
        approval="native",
        changes="since",
    )
    quality = "silver"

    def check(self) -> Identity:
        company, user = Row(self.http.get("/company"), "company"), Row(self.http.get("/users/me"), "user")
        roles, approves = tuple(need(user.raw, "access_roles")), company.flag("approval_feature")
        everything = "administrator" in roles
        remarks = [] if everything else ["the token is not an administrator's: it sees only a part"]
        if approves == self.options.treat_as_approved:
            effect = "on: `treat_as_approved` has no effect" if approves else "off: contracts need `not_required`"
            remarks.append(f"approval is switched {effect}")
        who = {"account": company.text("name"), "user": user.text("email")}
        return Identity(**who, scopes=roles, sees_everything=everything, remarks=tuple(remarks))

    def projects(self, window: Window) -> Iterator[Project]:
        return map(project, self.http.rows("/projects", at="projects"))

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        hours = "rounded_hours" if self.options.hours == "rounded" else "hours"
        rows = self._dated("time_entries", window)
        return inside(window, (time_entry(raw, hours, *self._terms) for raw in rows))

    def expenses(self, window: Window) -> Iterator[Expense]:
        return inside(window, (expense(raw, self._terms[0]) for raw in self._dated("expenses", window)))

    def contracts(self, window: Window) -> Iterator[ContractTerms]:
        rows = self.http.rows("/estimates", {"state": "accepted"}, at="estimates")
        return (contract(raw, self.options.zone) for raw in rows)

    def _dated(self, kind: str, window: Window) -> Iterator[Json]:
        since = utc_text_or_none(window.changed_since)
        filters = {"from": str(window.since), "to": str(window.until), "updated_since": since}
        yield from self.http.rows(f"/{kind}", filters, at=kind)

    @cached_property
    def _terms(self) -> tuple[ApprovalState | None, dict[str, str | None]]:
        """What unapproved work counts as (None: people approve here), and the currency of each project."""
        currencies = {row.id: row.currency for row in map(project, self.http.rows("/projects", at="projects"))}
        if Row(self.http.get("/company"), "company").flag("approval_feature"):
            return None, currencies
        return ("approved" if self.options.treat_as_approved else "none"), currencies


billsync_sources = sources(Harvest)
