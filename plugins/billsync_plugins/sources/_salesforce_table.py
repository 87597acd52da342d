"""One mapped object of a Salesforce org: described, queried by SOQL, its rows turned into records."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from billsync.model.errors import BadAnswer
from billsync.model.work import Kind, Window
from billsync.sdk import Http
from billsync.sdk.api import Json
from billsync.sdk.columns import Mapper
from billsync.sdk.parse import day_in_zone, need
from billsync.sdk.row import Row, utc_text
from billsync_plugins.sources._salesforce_objects import ObjectColumns

DATA: Final = "/services/data/v62.0"
NEWEST: Final = 2000


class Table:
    """An object as the user of the log-in sees it. Its columns are looked up once."""

    def __init__(self, http: Http, kind: Kind, mapping: ObjectColumns, *, zone: str, where: str) -> None:
        self._http, self._kind, self._mapping, self._zone = http, kind, mapping, zone
        self._where = where

    @cached_property
    def types(self) -> dict[str, str]:
        """Column -> type, of the mapped columns that are there; `parent` for those of a parent."""
        described = self._http.get(f"{DATA}/sobjects/{self._mapping.object}/describe")
        fields = {row.text("name"): row for row in (Row(raw, "field", "name") for raw in need(described, "fields"))}
        parents = {row.maybe.text("relationshipName") for row in fields.values()}
        found = {}
        for column in self._mapping.columns.values():
            parent, dot, _ = column.partition(".")
            if column in fields:
                found[column] = fields[column].text("type")
            elif dot and parent in parents:
                found[column] = "parent"
        return found

    def records(self, window: Window) -> Iterator[Any]:
        """Every record of the window, in the order of the ids."""
        mapper = self._mapper()
        conditions = [f"({self._mapping.where})"] if self._mapping.where else []
        column = self._mapping.columns.get("date")
        if self._kind in ("time", "expense") and column:
            if self.types[column] != "date":
                raise BadAnswer(f"the column {column!r} is no date, but {self.types[column]}", where=self._where)
            conditions += [f"{column} >= {window.since}", f"{column} <= {window.until}"]
        if window.changed_since:
            conditions.append(f"SystemModstamp >= {utc_text(window.changed_since)}")
        return (mapper.record(self._row(raw)) for raw in self._query(conditions, "ORDER BY Id"))

    def look(self) -> Iterator[str]:
        """What the mapping makes of the newest rows, and how many rows lie in the bin: for people."""
        mapper = self._mapper()
        conditions = [f"({self._mapping.where})"] if self._mapping.where else []
        count = 0
        try:
            for raw in self._query(conditions, f"ORDER BY Id DESC LIMIT {NEWEST}"):
                mapper.record(self._row(raw))
                count += 1
        except BadAnswer as error:
            yield error.what
        binned = f"SELECT COUNT() FROM {self._mapping.object} WHERE IsDeleted = true"  # noqa: S608
        deleted = need(self._http.get(f"{DATA}/queryAll", {"q": binned}), "totalSize")
        yield f"{count} of the newest {NEWEST} rows of {self._mapping.object}; deleted ones: {deleted}"
        yield from mapper.told()

    def _mapper(self) -> Mapper:
        """Bound to the mapped columns alone: no other field of the object is taken for its name."""
        return Mapper(self._kind, self._mapping, where=self._where).bind({name: name for name in self.types})

    def _query(self, conditions: list[str], tail: str) -> Iterator[Json]:
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        columns = ", ".join(sorted({"Id", *self.types}))
        soql = f"SELECT {columns} FROM {self._mapping.object} {where}{tail}"  # noqa: S608  names of describe
        yield from self._http.rows(f"{DATA}/query", {"q": soql}, at="records", unique="Id")

    def _row(self, raw: Json) -> Json:
        """The row with its instants as dates of the zone; an instant stays where the record wants one."""
        row = dict(raw)
        for column, kind in self.types.items():
            if column.partition(".")[0] not in raw:
                raise BadAnswer(f"{raw['Id']}: the field {column!r} is missing", where=self._where)
            if kind == "datetime" and raw[column] and column != self._mapping.columns.get("approved_at"):
                row[column] = str(day_in_zone(raw[column], self._zone, column))
        return row
