"""Asana: projects, milestones (or approvals, sections, projects) as phases, time entries. API 1.0 of June 2026.

https://developers.asana.com/reference. Token or log-in of a user who is in all projects; lists hold `opt_fields` only.
- Milestones are tasks of the subtype `milestone`; of the subtype `approval` only approved ones are complete, though
  rejected ones are `completed` as well. A task in several projects belongs to the first of them, by gid.
- Custom fields are known by gid. One that is configured, but on no task at all, is an error.
- `modified_since` misses tasks that were moved and time has no such filter: the whole window is read each time.
- Instants are UTC: `zone` says on which date work was complete. An entry without a project is shown under "none".
Unconfirmed: a percentage field holds a fraction - shows as: is no fraction of what is shown.
Unconfirmed: lists of time tell approval and billable state - shows as: one call more for each entry, read singly.
Unconfirmed: projects tell the format of their custom fields - shows as: the field 'format' is missing.
"""

from collections.abc import Iterator
from functools import cached_property

from billsync.model.work import Kind, Milestone, Project, TimeEntry, Window
from billsync.sdk import Identity, Offers, Source, TokenOrLogin, sources, token_or_login
from billsync.sdk.api import Api, Bearer, Json, Limit
from billsync.sdk.paging import Cursor
from billsync.sdk.parse import named
from billsync.sdk.row import Row, inside
from billsync_plugins.sources._asana_lists import ListOptions, Lists
from billsync_plugins.sources._asana_time import ENTRY, is_whole, time_entry

OAUTH = "https://app.asana.com/-/oauth"


class AsanaOptions(ListOptions, TokenOrLogin):
    """One workspace, or some of its projects. Tokens and apps are made at app.asana.com/0/my-apps."""


class Asana(Source[AsanaOptions]):
    """Phases and time of one workspace."""

    kind = "asana"
    title = "Asana"
    docs = "https://developers.asana.com/reference"
    api = Api(
        base_url="https://app.asana.com/api/1.0",
        auth=token_or_login(Bearer("token"), f"{OAUTH}_token", f"{OAUTH}_authorize", "default"),
        pages=Cursor(at="next_page.offset", param="offset", size={"limit": 100}),
        limits=(Limit(1500, per=60),),
        message_at=("errors.0.message",),
        list_style="comma",
    )
    offers = Offers(
        kinds=frozenset({"project", "milestone", "time"}), approval="native", marks_billed=True, zone="caller"
    )
    quality = "silver"

    @classmethod
    def marks(cls, options: AsanaOptions) -> frozenset[Kind]:
        return frozenset({"milestone"} if options.mark_field and options.phases == "milestones" else ())

    def check(self) -> Identity:
        user = Row(self.lists.one("/users/me", ["name", "email", "workspaces.name"]), "user", "gid")
        spaces = {space.ident("gid"): space.text("name") for space in Row.each(user.rows("workspaces"), "workspace")}
        space = named(self.options.workspace, spaces, "workspace", self.account)
        return Identity(account=space, user=user.text("email"))

    @cached_property
    def lists(self) -> Lists:
        """What this night knows of projects and phases."""
        return Lists(self.http, self.options)

    def projects(self, window: Window) -> Iterator[Project]:
        return self.lists.projects()

    def milestones(self, window: Window) -> Iterator[Milestone]:
        return self.lists.phases()

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        dates = {"entered_on_start_date": str(window.since), "entered_on_end_date": str(window.until)}
        places = [{"attributable_to": gid} for gid in self.options.projects] or [{"workspace": self.options.workspace}]
        rows = (raw for place in places for raw in self.lists.rows("/time_tracking_entries", ENTRY, **place, **dates))
        return inside(window, (time_entry(self._whole(raw)) for raw in rows))

    def mark_billed(self, kind: Kind, ids: list[str], reference: str) -> None:
        """Into the text field `mark_field` of milestones and approvals; the same once more does no harm."""
        if kind != "milestone" or self.options.phases != "milestones" or not self.options.mark_field:
            raise self._not_offered(f"marks on {kind}s of this sort, or without `mark_field`")
        mark = {"data": {"custom_fields": {self.options.mark_field: reference}}}
        for gid in ids:
            self.http.write("PUT", f"/tasks/{gid}", mark, keyed=True)

    def _whole(self, raw: Json) -> Json:
        """The entry with its approval, read singly where the list did not tell."""
        return raw if is_whole(raw) else self.lists.one(f"/time_tracking_entries/{raw['gid']}", ENTRY)


billsync_sources = sources(Asana)
