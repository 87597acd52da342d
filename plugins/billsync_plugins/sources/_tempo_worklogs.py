"""Tempo's worklogs: which ones a night must read, their work attributes, and how one becomes a time entry."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from billsync.model.errors import BadAnswer
from billsync.model.work import Approval, TimeEntry, Window
from billsync.sdk import Field, Http, Offset, TokenOrLogin
from billsync.sdk.api import Params
from billsync.sdk.parse import all_known, dig
from billsync.sdk.row import Row, utc_text_or_none
from billsync_plugins.sources._tempo_sheets import Period, Timesheets, dates

PAGES = Offset(size=1000, more_at="metadata.next", overlap=2)
SEARCH = replace(PAGES, param="?offset", size_param="?limit")


class WorklogOptions(TokenOrLogin):
    """Which worklogs are read, and what their attributes mean. Attributes are named by key."""

    jira_projects: tuple[str, ...] = Field(default=(), description="Numeric ids of Jira projects; none: by account.")
    teams: tuple[str, ...] = Field(default=(), description="Ids of teams, to read approvals in few calls.")
    role_attribute: str | None = Field(default=None, description="Key of the work attribute with the role.")
    billed_attribute: str | None = Field(default=None, description="Key of the text attribute that takes the mark.")
    fields: Mapping[str, str] = Field(default={}, description="Further work attributes: own name -> key.")


@dataclass(frozen=True, slots=True)
class Attributes:
    """The work attributes that a firm has made; `account` is the key of the one that holds the Tempo account."""

    account: str
    names: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, http: Http, options: WorklogOptions) -> "Attributes":
        """BadAnswer for a configured attribute that is gone: its absence would look like an empty one."""
        rows = [Row(raw, "work attribute", "key") for raw in http.rows("/work-attributes", at="results", unique="key")]
        names = {row.text("key"): dig(row.raw, "names", {}) for row in rows}
        wanted = options.role_attribute, options.billed_attribute, *options.fields.values()
        all_known(wanted, names, "work attribute", hint="was it deleted in Tempo's settings?")
        account = next((row.text("key") for row in rows if row.text("type") == "ACCOUNT"), "")
        if not account and not options.jira_projects:
            raise BadAnswer("no work attribute of the type ACCOUNT", hint="name the projects instead: jira_projects")
        return cls(account, names)

    def value(self, log: Row, key: str | None) -> str | None:
        """The value as people read it; None where the worklog has none, or no attribute is configured."""
        found = [raw.get("value") for raw in log.rows("attributes.values") if raw["key"] == key]
        text = str(found[0]) if found and found[0] not in (None, "") else None
        return self.names.get(key or "", {}).get(text, text) if text else None


def time_entry(log: Row, approval: Approval, attributes: Attributes, options: WorklogOptions) -> TimeEntry:
    """Billable seconds are what counts; where there are none, the time spent is shown as not billable."""
    billable = log.dec("billableSeconds") > 0
    own = {name: attributes.value(log, key) for name, key in options.fields.items()}
    mark = attributes.value(log, options.billed_attribute)
    return TimeEntry(
        id=log.ident("tempoWorklogId"),
        project=log.maybe.ident("project") or attributes.value(log, attributes.account) or "none",
        person=log.ident("author.accountId"),
        worked_on=log.day("startDate"),
        hours=log.hours("billableSeconds" if billable else "timeSpentSeconds", "seconds"),
        billable=billable,
        approval=approval,
        task=log.ident("issue.id"),
        role=attributes.value(log, options.role_attribute),
        notes=log.maybe.text("description"),
        billed_at_source=mark is not None and mark.casefold() != "false",
        custom={name: text for name, text in own.items() if text},
    )


class Worklogs:
    """The worklogs of one session. Attributes and each timesheet are asked for once in a night."""

    def __init__(self, http: Http, options: WorklogOptions) -> None:
        self._http, self._options = http, options
        self._sheets = Timesheets(http, options.teams)

    @cached_property
    def attributes(self) -> Attributes:
        """As the firm has made them."""
        return Attributes.of(self._http, self._options)

    def entries(self, window: Window) -> Iterator[TimeEntry]:
        """Entries of the window, each once; if only changes are wanted, those of changed sheets too."""
        self._sheets.expect((window.since, window.until))
        changed = sorted(set(self._sheets.changed(window.changed_since))) if window.changed_since else []
        seen: set[str] = set()
        for log in self._asked(window, changed):
            if (ident := log.ident("tempoWorklogId")) not in seen:
                seen.add(ident)
                approval = self._sheets.approval(log.ident("author.accountId"), log.day("startDate"))
                yield time_entry(log, approval, self.attributes, self._options)

    def _asked(self, window: Window, sheets: Iterable[tuple[str, Period]]) -> Iterator[Row]:
        """Each bears the Jira project that it was asked for under `project`, where such are named."""
        since, every = utc_text_or_none(window.changed_since), dates((window.since, window.until))
        for home in self._options.jira_projects or (None,):
            asked = {"projectId": home, **every, "updatedFrom": since}
            yield from self._rows(home, "/worklogs", asked, pages=PAGES)
            for person, (first, last) in sheets:
                part = max(first, window.since), min(last, window.until)
                body = {"authorIds": [person], **({"projectIds": [int(home)]} if home else {}), **dates(part)}
                if part[0] <= part[1]:
                    yield from self._rows(home, "/worklogs/search", pages=SEARCH, body=body)

    def _rows(self, home: str | None, path: str, asked: Params | None = None, **how: Any) -> Iterator[Row]:
        found = self._http.rows(path, asked, at="results", unique="tempoWorklogId", **how)
        return (Row({**raw, "project": home}, "worklog", "tempoWorklogId") for raw in found)
