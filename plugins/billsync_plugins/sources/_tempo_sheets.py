"""Tempo's timesheet periods: whether the hours of a person on a day are approved. Worklogs themselves do not tell.

A team's sheets come in one call a period; whoever is in none of the named teams is asked for singly.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final

from billsync.model.errors import BadAnswer
from billsync.model.work import Approval, ApprovalState
from billsync.sdk import Cursor, Http, Single
from billsync.sdk.api import Json
from billsync.sdk.row import Row, utc_text

STATES: Final[Mapping[str, ApprovalState]] = {"OPEN": "open", "IN_REVIEW": "submitted", "APPROVED": "approved"}
LOGS: Final = Cursor(at="metadata.nextPageToken", param="?nextPageToken", size={"?limit": 1000})
Period = tuple[date, date]


def path_of(ident: str) -> str:
    """An id as a step of an address. A person's holds a colon, which may stand there."""
    if not re.fullmatch(r"[\w:.-]+", ident):
        raise BadAnswer(f"{ident!r} is no id")
    return ident


class Timesheets:
    """The sheets of one night, each read when it is first needed."""

    def __init__(self, http: Http, teams: tuple[str, ...]) -> None:
        self._http = http
        self._teams = teams
        self._periods: list[Period] = []
        self._read: set[Period] = set()
        self._sheets: dict[tuple[str, Period], Approval] = {}

    def approval(self, person: str, on: date) -> Approval:
        """Of the period that holds the day."""
        period = self._period(on)
        if period not in self._read:
            self._read.add(period)
            for team in self._teams:
                for raw in self._asked(f"team/{path_of(team)}", period, "results"):
                    self._keep(raw, period)
        if (person, period) not in self._sheets:
            self._keep(self._http.get(f"/timesheet-approvals/user/{path_of(person)}", dates(period)), period)
        if (person, period) not in self._sheets:
            raise BadAnswer(f"the timesheet that was asked for {person} is somebody else's")
        return self._sheets[person, period]

    def changed(self, since: datetime) -> Iterator[tuple[str, Period]]:
        """Whose sheets of which periods were handed in, approved or opened again since then: worklogs do not tell."""
        body = {"updatedFrom": utc_text(since)}
        for raw in self._http.rows("/timesheet-approvals/logs/search", at="results", unique="", pages=LOGS, body=body):
            row = Row(raw, "approval log", "user.accountId")
            yield row.ident("user.accountId"), (row.day("period.from"), row.day("period.to"))

    def expect(self, period: Period) -> None:
        """Read the borders of all periods from one day to another in one call."""
        raw = self._http.get("/periods", dates(period))
        self._periods = [(row.day("from"), row.day("to")) for row in map(_period, Row(raw, "periods").rows("periods"))]

    def _period(self, on: date) -> Period:
        for first, last in self._periods:
            if first <= on <= last:
                return first, last
        raise BadAnswer(f"no timesheet period holds {on}", hint="see Tempo's settings, Period configuration")

    def _asked(self, path: str, period: Period, at: str) -> Iterator[Json]:
        yield from self._http.rows(f"/timesheet-approvals/{path}", dates(period), at=at, unique="", pages=Single())

    def _keep(self, raw: Json, period: Period) -> None:
        row = Row(raw, "timesheet", "user.accountId")
        if (row.day("period.from"), row.day("period.to")) != period:
            raise BadAnswer(f"a timesheet of {row.text('period.from')} came, asked was {period[0]} to {period[1]}")
        state, by = row.one_of("status.key", STATES), row.maybe.text("status.actor.accountId")
        self._sheets[row.ident("user.accountId"), period] = Approval(state=state, by=by)


def dates(period: Period) -> dict[str, str]:
    """Query parameters."""
    return {"from": str(period[0]), "to": str(period[1])}


def _period(raw: Json) -> Row:
    return Row(raw, "period", "from")
