"""Tempo Timesheets: time with billable seconds and approval; expenses and fixed revenues. REST API 4 of April 2026.

https://apidocs.tempo.io/. A user's token, or OAuth 2 (its tokens rotate). It sits on Jira: issues come as ids.
- A token shows what its user may see, without a hint: it must be one who views all worklogs and timesheets.
- What is billed are `billableSeconds`; 0 of them is unbillable, whatever the account.
- Approved is the timesheet of a person's period, not the worklog, which an approval does not touch: changes of sheets
  are asked for as well, and their worklogs read again. Projects with an approval of their own are not looked at.
- A project is the Tempo account of a worklog (its attribute of type ACCOUNT), or with `jira_projects` the Jira project.
- The largest page is not known: a list ends where no link to a next page stands.
- Jira shows the same hours under other ids: another account, and the contract's `feeds` names the one that is billed.
Unconfirmed: the attribute's type is spelt ACCOUNT - shows as: no work attribute of the type ACCOUNT.
Unconfirmed: worklogs of approved periods take no mark - shows as: refused, when it is marked.
Unconfirmed: a token is renewed without redirect_uri - shows as: the log-in is refused, do it again.
"""

from collections.abc import Iterator
from functools import cached_property

from billsync.model.work import Expense, Kind, Milestone, Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Source, sources, token_or_login
from billsync.sdk.api import Api, Bearer, Json, Limit
from billsync.sdk.row import Row, inside
from billsync_plugins.sources._tempo_money import Money
from billsync_plugins.sources._tempo_worklogs import PAGES, WorklogOptions, Worklogs

OAUTH = "https://api.tempo.io/oauth"
CLOSED = {"OPEN": False, "CLOSED": True, "ARCHIVED": True}


class TempoOptions(WorklogOptions):
    """One site. Tokens and apps are made at Tempo, Settings, Data Access; regions have a `base_url`."""

    site: str = Field(description="Host of the Jira site, e.g. acme.atlassian.net.")
    financial_manager: bool = Field(default=False, description="Read its projects, expenses and fixed revenues.")


class Tempo(Source[TempoOptions]):
    """Time of one site, and with Financial Manager its money."""

    kind = "tempo"
    title = "Tempo"
    docs = "https://apidocs.tempo.io/"
    api = Api(
        base_url="https://api.tempo.io/4",
        auth=token_or_login(
            Bearer("token"), f"{OAUTH}/token/", f"{OAUTH}/authorize/redirect", extra={"jira_url": "https://{site}"}
        ),
        pages=PAGES,
        limits=(Limit(3, per=1),),
        message_at=("errors.message", "errors.*.message", "error_description"),
    )
    offers = Offers(
        kinds=frozenset({"project", "milestone", "time", "expense"}),
        only_if={"milestone": "financial_manager", "expense": "financial_manager"},
        approval="sheet",
        changes="since",
        marks_billed=True,
        marks={"time": "billed_attribute"},
    )
    quality = "silver"

    def check(self) -> Identity:
        period = Row(self.http.get("/globalconfiguration"), "configuration", "approvalPeriod").text("approvalPeriod")
        _ = self.worklogs.attributes  # a configured one that is gone is an error
        rights = "worklogs and timesheets are shown as far as the user may view those of others"
        return Identity(account=self.options.site, remarks=(f"timesheets are approved by {period.lower()}", rights))

    @cached_property
    def worklogs(self) -> Worklogs:
        """What this night knows of worklogs, attributes and sheets."""
        return Worklogs(self.http, self.options)

    def projects(self, window: Window) -> Iterator[Project]:
        yield from (Project(id=ident, name=f"Jira project {ident}") for ident in self.options.jira_projects)
        yield from map(account, self.http.rows("/accounts", at="results"))
        yield from Money(self.http).projects() if self.options.financial_manager else ()

    def milestones(self, window: Window) -> Iterator[Milestone]:
        return Money(self.http).milestones()

    def expenses(self, window: Window) -> Iterator[Expense]:
        return Money(self.http).expenses(window)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        return inside(window, self.worklogs.entries(window))

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """The attribute `billed_attribute` of worklogs that have no value there yet; Tempo refuses closed periods."""
        if kind != "time" or not self.options.billed_attribute:
            raise self._not_offered(f"marks on {kind}s without `billed_attribute`")
        value = [{"key": self.options.billed_attribute, "value": reference}]
        marks = [{"tempoWorklogId": int(ident), "attributeValues": value} for ident in ids]
        self.http.write("POST", "/worklogs/work-attribute-values", marks)


def account(raw: Json) -> Project:
    """A Tempo account, which worklogs name by its key; its client is the customer."""
    row = Row(raw, "account", "key")
    return Project(
        id=row.text("key"),
        name=row.text("name"),
        client=row.maybe.text("customer.name"),
        status=row.text("status").lower(),
        closed=row.one_of("status", CLOSED),
    )


billsync_sources = sources(Tempo)
