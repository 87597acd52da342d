"""Xero Projects: projects and time entries. API 2.0, https://developer.xero.com/documentation/api/projects/overview.

- There is no list of all time: each project is asked for its own, closed ones too, but for those without any minute.
- Billable is time on a task that is charged by the hour. Time on tasks of a fixed price or not chargeable is told, and
  earns nothing; the task's kind is the custom field `charge`. Nothing says that a fixed-price task is done, so there
  are no milestones.
- Xero knows no approval of time: contracts need `approval: not_required`.
- LOCKED and INVOICED time is billed by Xero itself. Its screens go on offering what we have billed: the firm must bill
  projects in one place only.
- `dateUtc` is an instant: `zone` says which day it is. The window is asked a day wider, since nobody tells whether its
  ends count, and cut here.
- Nothing tells changes or deletions: the window is read in full each night.
Unconfirmed: a project whose `minutesLogged` is 0 has no time - shows as: minutes are to be invoiced, but none logged.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billsync.model.work import Project, TimeEntry, Window
from billsync.sdk import Field, Identity, Offers, Source, sources
from billsync.sdk.api import Json
from billsync.sdk.row import Row, inside, utc_text
from billsync.sdk.source import NO_APPROVAL
from billsync_plugins._xero import TenantOptions, api, tenant_name
from billsync_plugins.sources._xero_time import project, time_entry, without_time

PROJECTS: Final = "/projects.xro/2.0"
STATES: Final = ("INPROGRESS", "CLOSED")
DAY: Final = timedelta(days=1)


class XeroOptions(TenantOptions):
    """The projects of one organisation."""

    zone: str = Field(description="Zone of the organisation, e.g. Pacific/Auckland: on which day work was done.")


class Xero(Source[XeroOptions]):
    """Time of one organisation's projects."""

    kind = "xero"
    title = "Xero Projects"
    docs = "https://developer.xero.com/documentation/api/projects/overview"
    api = api("projects.read", page_size=500)
    offers = Offers(kinds=frozenset({"project", "time"}), approval="none", zone="company")
    quality = "silver"

    def check(self) -> Identity:
        """The organisation; one project is asked for, since the right to projects is a right of its own."""
        name = tenant_name(self.http, self.options.tenant, self.account)
        next(iter(self._rows("/Projects", "projectId", states=STATES[0])), None)
        return Identity(account=name, remarks=(NO_APPROVAL,))

    def projects(self, window: Window) -> Iterator[Project]:
        return map(project, self._projects())

    def time_entries(self, window: Window) -> Iterator[TimeEntry]:
        zone = ZoneInfo(self.options.zone)
        wide = Window(since=window.since - DAY, until=window.until + DAY)
        dates = {"dateAfterUtc": _midnight(wide.since, zone), "dateBeforeUtc": _midnight(wide.until + DAY, zone)}
        users = self._named("/ProjectsUsers", "userId")
        for raw in self._projects():
            row = Row(raw, "project", "projectId")
            if without_time(row):
                continue
            path = f"/Projects/{row.ident('projectId')}"
            found = list(self._rows(f"{path}/Time", "timeEntryId", **dates))
            tasks = self._named(f"{path}/Tasks", "taskId") if found else {}
            entries = inside(wide, (time_entry(entry, tasks, users, self.options.zone) for entry in found))
            yield from (entry for entry in entries if window.since <= entry.worked_on <= window.until)

    def _projects(self) -> Iterator[Json]:
        for state in STATES:
            yield from self._rows("/Projects", "projectId", states=state)

    def _named(self, path: str, unique: str) -> dict[str, Row]:
        rows = Row.each(self._rows(path, unique), unique.removesuffix("Id"), unique)
        return {row.ident(unique): row for row in rows}

    def _rows(self, path: str, unique: str, **params: str) -> Iterator[Json]:
        yield from self.http.rows(f"{PROJECTS}{path}", params, at="items", unique=unique)


def _midnight(on: date, zone: ZoneInfo) -> str:
    return utc_text(datetime.combine(on, time(), zone))


billsync_sources = sources(Xero)
