"""Jira Cloud: issues or versions as milestones, worklogs as time. REST API 3 of December 2025.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/. E-mail and API token, or OAuth 2 (its tokens rotate).
- Jira answers strangers too: a dead token may read as an empty list, so each poll first asks who we are.
- Complete is the status category `done`: names of statuses differ from project to project. Ids never change, keys do.
- The search lags behind: milestones are read whole each night, and issues of worklogs are asked for by id.
- Worklogs know no approval and no billable flag: contracts say so, or take the time from Tempo, which shows the same
  hours under other ids: another account, and the contract's `feeds` names the one that is billed.
- They are found by their last change: one logged more than 92 days ahead of its date would show as vanished.
Unconfirmed: `statuscategorychangedate` is set on done issues, else `resolutiondate` - shows as: the field is missing.
Unconfirmed: by OAuth 2, next links stay on api.atlassian.com - shows as: the address is not one of this vendor's.
Unconfirmed: shapes of custom fields beyond numbers, text and choices - shows as: a field has a shape that is not known.
"""

from collections.abc import Iterator
from functools import cached_property

from billsync.model.work import Kind, Milestone, Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Source, sources, token_or_login
from billsync.sdk.api import Api, Basic
from billsync.sdk.paging import Cursor
from billsync.sdk.row import Row
from billsync_plugins.sources._jira_issues import project
from billsync_plugins.sources._jira_lists import ListOptions, Lists
from billsync_plugins.sources._jira_worklogs import Worklogs


class JiraOptions(ListOptions):
    """Projects of one site. The user must see them all. Apps: developer.atlassian.com/console/myapps."""

    site: str = Field(
        description="Host, e.g. acme.atlassian.net. For OAuth 2 and scoped tokens: api.atlassian.com/ex/jira/CLOUD-ID, "
        "the id being shown at https://acme.atlassian.net/_edge/tenant_info."
    )
    email: str | None = Field(
        default=None, description="Of the user whose API token it is: id.atlassian.com, Security."
    )


class Jira(Source[JiraOptions]):
    """Milestones and worklogs of one site."""

    kind = "jira"
    title = "Jira"
    docs = "https://developer.atlassian.com/cloud/jira/platform/rest/v3/"
    api = Api(
        base_url="https://{site}/rest/api/3",
        auth=token_or_login(
            Basic("email", "token"),
            "https://auth.atlassian.com/oauth/token",
            "https://auth.atlassian.com/authorize",
            *("read:jira-work", "read:jira-user", "offline_access"),
            extra={"audience": "api.atlassian.com", "prompt": "consent"},
            token_json=True,
            grant_days=90,
        ),
        pages=Cursor(at="nextPageToken", param="nextPageToken", last_at="isLast", size={"maxResults": 100}),
        message_at=("errorMessages.0", "errors.*", "message", "error_description"),
        request_id="atl-traceid",
    )
    offers = Offers(
        kinds=frozenset({"project", "milestone", "time"}), changes="since", marks_billed=True, zone="caller"
    )
    quality = "silver"

    @classmethod
    def marks(cls, options: JiraOptions) -> frozenset[Kind]:
        return frozenset({"time", "milestone"} if options.milestones == "issues" else {"time"})

    def check(self) -> Identity:
        user = self.me.text("displayName")
        return Identity(account=Row(self.http.get("/serverInfo"), "site", "baseUrl").text("baseUrl"), user=user)

    @cached_property
    def me(self) -> Row:
        """Whose credential this is. Strangers are refused here, and nowhere else."""
        return Row(self.http.get("/myself"), "user", "accountId")

    @cached_property
    def zone(self) -> str:
        """In which dates are told; asked before anything is read."""
        return self.options.zone if self.me.ident("accountId") and self.options.zone else self.me.text("timeZone")

    @cached_property
    def lists(self) -> Lists:
        """Projects and issues, asked for once it is known who asks."""
        self.me.ident("accountId")
        return Lists(self.http, self.options)

    def projects(self, window: Window) -> Iterator[Project]:
        return map(project, self.lists.projects())

    def milestones(self, window: Window) -> Iterator[Milestone]:
        return self.lists.versions() if self.options.milestones == "versions" else self.lists.issues(self.zone)

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        entries = Worklogs(self.http, self.zone).entries(window)
        homes = {str(home["id"]) for home in self.lists.projects()} if self.options.projects else None
        return (entry for entry in entries if homes is None or entry.project in homes)

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """A property of the issue or worklog, which nobody sees. OAuth 2 needs `more_scopes: write:jira-work`."""
        if kind == "milestone" and self.options.milestones == "issues":
            places = [f"/issue/{ident}" for ident in ids]
        elif kind == "time":
            homes = Worklogs(self.http, self.zone).homes(ids)
            places = [f"/issue/{home}/worklog/{ident}" for home, ident in zip(homes, ids, strict=True)]
        else:
            raise self._not_offered(f"marks on {kind}s of this sort")
        for place in places:
            self.http.write("PUT", f"{place}/properties/billsync", {"invoice": reference})


billsync_sources = sources(Jira)
