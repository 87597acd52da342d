"""Jira's worklogs: found by their last change, read by id, and joined to the issues that know their project."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from billsync.model.errors import BadAnswer, Missing
from billsync.model.work import Approval, TimeEntry, Window
from billsync.sdk import Http, NextLink, Single
from billsync.sdk.parse import dig
from billsync.sdk.row import Row
from billsync_plugins.sources._jira_issues import prose

AHEAD = timedelta(days=92)
CHANGES = NextLink(at="nextPage", last_at="lastPage")
FIELDS = ["summary", "project", "parent"]
READ_AT_ONCE, RECONCILED_AT_ONCE = 1000, 50


@dataclass(frozen=True, slots=True)
class Worklogs:
    """The worklogs of one site; dates are told in `zone`."""

    http: Http
    zone: str

    def entries(self, window: Window) -> Iterator[TimeEntry]:
        """Entries dated within the window, deleted ones no more among them."""
        dated = (log for log in self.read(self._changed(window)) if self._within(log, window))
        for part in _parts(dated, RECONCILED_AT_ONCE):
            issues = self._issues({log.ident("issueId") for log in part})
            yield from (time_entry(log, issues[log.ident("issueId")], self.zone) for log in part)

    def homes(self, ids: Iterable[str]) -> list[str]:
        """The issues of worklogs, in their order. Missing for one that is not there."""
        wanted = list(ids)
        found = {log.ident("id"): log.ident("issueId") for log in self.read(map(int, wanted))}
        if gone := set(wanted) - found.keys():
            raise Missing(f"worklog {min(gone)} is not there", hint="it was deleted, or the credential cannot see it")
        return [found[ident] for ident in wanted]

    def read(self, ids: Iterable[int]) -> Iterator[Row]:
        """Worklogs by id. Those that were deleted, or that the user may not see, are left out by Jira."""
        for part in _parts(ids, READ_AT_ONCE):
            for raw in self.http.rows("/worklog/list", pages=Single(), body={"ids": part}):
                yield Row(raw, "worklog")

    def _changed(self, window: Window) -> Iterator[int]:
        """Ids of what was changed since it could first be dated within the window."""
        since = window.changed_since or datetime.combine(window.since - AHEAD, time(), UTC)
        asked = int(since.timestamp()) * 1000
        for raw in self.http.rows("/worklog/updated", {"since": asked}, at="values", unique="worklogId", pages=CHANGES):
            row = Row(raw, "changed worklog", "worklogId")
            if row.dec("updatedTime") < asked:
                raise BadAnswer(f"worklog {row.ident('worklogId')} was changed before the time that was asked for")
            yield int(row.ident("worklogId"))

    def _within(self, log: Row, window: Window) -> bool:
        return window.since <= log.day_in("started", self.zone) <= window.until

    def _issues(self, ids: set[str]) -> Mapping[str, Row]:
        """Issues by id; `reconcileIssues` makes the search show what it has not indexed yet, but no archived ones."""
        numbers = sorted(map(int, ids))
        jql = f"id in ({', '.join(map(str, numbers))})"
        body = {"jql": jql, "fields": FIELDS, "reconcileIssues": numbers}
        found = {str(raw["id"]): raw for raw in self.http.rows("/search/jql", at="issues", body=body)}
        left: dict[str, Any] = {
            ident: self.http.get(f"/issue/{ident}", {"fields": ",".join(FIELDS)}) for ident in ids - found.keys()
        }
        return {ident: Row(raw, "issue") for ident, raw in {**found, **left}.items()}


def time_entry(log: Row, issue: Row, zone: str) -> TimeEntry:
    """Seconds become hours. Jira knows no approval and calls nothing unbillable."""
    return TimeEntry(
        id=log.ident("id"),
        project=issue.ident("fields.project.id"),
        person=log.ident("author.accountId"),
        person_name=log.maybe.text("author.displayName"),
        worked_on=log.day_in("started", zone),
        hours=log.hours("timeSpentSeconds", "seconds"),
        billable=True,
        approval=Approval(state="none"),
        task=issue.text("fields.summary"),
        notes=prose(dig(log.raw, "comment")) or None,
        milestone=issue.maybe.ident("fields.parent.id"),
        custom={"issue": issue.text("key")},
    )


def _parts(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
