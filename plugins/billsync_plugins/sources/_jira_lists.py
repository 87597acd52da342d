"""Jira's lists: the projects of a site, their versions, and the issues that a search finds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from billsync.model.work import Milestone
from billsync.sdk import Field
from billsync.sdk.api import Http, Json
from billsync.sdk.paging import NextLink, Single
from billsync.sdk.parse import all_known
from billsync.sdk.row import Row
from billsync_plugins.sources._jira_issues import ISSUE, IssueOptions, done_children, issue, version

LIST = NextLink(at="nextPage", size={"maxResults": 50}, total_at="total", last_at="isLast")


class ListOptions(IssueOptions):
    """Which projects are read."""

    projects: tuple[str, ...] = Field(default=(), description="Keys or ids of projects; none: all that the user sees.")


@dataclass(frozen=True, slots=True)
class Lists:
    """What the credential sees of one site."""

    http: Http
    options: ListOptions

    def projects(self) -> Iterator[Json]:
        """Those that are named must be there: a project that vanished is an error."""
        if self.options.projects:
            return (self.http.get(f"/project/{key}") for key in self.options.projects)
        return self._rows("/project/search")

    def versions(self) -> Iterator[Milestone]:
        """The versions of all projects."""
        for project in Row.each(self.projects(), "project"):
            home = project.ident("id")
            yield from (version(raw, home) for raw in self._rows(f"/project/{home}/version"))

    def issues(self, zone: str) -> Iterator[Milestone]:
        """The issues that are milestones. BadAnswer for a mapped field that the site does not have any more."""
        wanted = self.options.mapped()
        if wanted:
            fields = Row.each(self.http.rows("/field", pages=Single()), "field")
            all_known(wanted, {field.ident("id") for field in fields}, "mapped field")
        files = ["attachment"] if self.options.attachments else []
        rows = list(self._search(self.options.jql, [*ISSUE, *sorted(wanted), *files]))
        below = self._search("parent is not EMPTY", ["status", "parent"]) if self.options.children else ()
        children = done_children(below)
        yield from (issue(raw, self.options, zone, children) for raw in rows)

    def _rows(self, path: str) -> Iterator[Json]:
        yield from self.http.rows(path, at="values", pages=LIST)

    def _search(self, jql: str, fields: Iterable[str]) -> Iterator[Json]:
        homes = ", ".join(f'"{key}"' for key in self.options.projects)
        within = f" AND project in ({homes})" if homes else ""
        body = {"jql": f"({jql}){within} ORDER BY created", "fields": list(fields)}
        yield from self.http.rows("/search/jql", at="issues", body=body)
