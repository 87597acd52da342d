"""Items of monday.com boards: what stands in a column of each type, and the sessions of tracked time.

A column has further cells: `.done` and `.index` of a status, `.changed` (the date of its last change), `.from` of a
timeline, `.id` of people.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from billsync.model.errors import BadAnswer
from billsync.sdk.api import Json
from billsync.sdk.formats import Cell, Uncalculated
from billsync.sdk.parse import day_in_zone, instant
from billsync.sdk.row import Row

OWN: Final = ("@id", "@name", "@board", "@group", "@group_id", "@parent", "@updated", "@url")
SESSION: Final = ("@session", "@person", "@date", "@hours")
OF_SESSION: Final = {"id": "@session", "person": "@person", "date": "@date", "hours": "@hours", "task": "@name"}
"""A session has an id, a day and a person of its own."""
SUFFIXES: Final = (".done", ".index", ".changed", ".from", ".id")
SILENT: Final = {"progress", "button", "unsupported", "doc"}
"""Types whose value the vendor does not tell."""


class Untold(Uncalculated):
    """A cell from which no field can be read; `why` is for people."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __repr__(self) -> str:
        return self._why


def cells_of(item: Row, board: str, zone: str) -> dict[str, Cell]:
    """The cells of an item by column, and its own ones."""
    found: dict[str, Cell] = {
        "@id": item.ident("id"),
        "@name": item.text("name"),
        "@board": board,
        "@group": item.maybe.text("group.title"),
        "@group_id": item.maybe.ident("group.id"),
        "@parent": item.maybe.ident("parent_item.id"),
        "@updated": item.maybe.text("updated_at"),
        "@url": item.maybe.text("url"),
    }
    for raw in item.rows("column_values"):
        column = Row(raw, "column").ident("id")
        try:
            found |= {f"{column}{suffix}": cell for suffix, cell in _cells(raw, zone)}
        except KeyError as missing:
            raise BadAnswer(f"item {item.ident('id')}: column {column!r} comes without {missing}") from None
    return found


def _cells(raw: Json, zone: str) -> Iterator[tuple[str, Cell]]:
    kind = raw.get("type")
    if raw.get("updated_at"):
        yield ".changed", day_in_zone(raw["updated_at"], zone, "updated_at")
    if kind == "status":
        yield from ((".done", raw["is_done"]), (".index", raw["index"]), ("", raw["label"]))
    elif kind == "numbers":
        yield "", raw["number"]
    elif kind == "date":
        yield "", raw["date"]
    elif kind == "timeline":
        yield from ((".from", (raw["from"] or "")[:10]), ("", (raw["to"] or "")[:10]))
    elif kind == "checkbox":
        yield "", bool(raw["checked"])
    elif kind == "people":
        yield from ((".id", [person["id"] for person in raw["persons_and_teams"] or ()]), ("", raw["text"]))
    elif kind == "dropdown":
        labels = [value["label"] for value in raw["values"]]
        yield "", labels if len(labels) > 1 else "".join(labels)
    elif kind == "file":
        yield "", [file.get("name") or "" for file in raw["files"]]
    elif kind == "time_tracking":
        yield "", timedelta(seconds=raw["duration"] or 0)
    else:
        yield "", raw.get("display_value", raw["text"])


def rows_of(item: Row, board: str, tracked: str | None, zone: str) -> Iterator[tuple[str, dict[str, Cell]]]:
    """Where each row of an item stands, and its cells: one row, or one for each session of the column `tracked`."""
    cells, name = cells_of(item, board, zone), f"item {item.ident('id')}"
    if not tracked:
        yield name, cells
        return
    for session in sessions(item, tracked, zone):
        yield f"{name}, session {session['@session']}", {**cells, **session}


def sessions(item: Row, column: str, zone: str) -> Iterator[dict[str, Cell]]:
    """One dict of cells for each session of a time-tracking column. A running one has no hours yet."""
    tracked = next((raw for raw in item.rows("column_values") if raw["id"] == column), None)
    if tracked is None or tracked.get("type") != "time_tracking":
        raise BadAnswer(f"the column {column!r} does not track time")
    history = [Row(raw, "session") for raw in Row(tracked, "column").rows("history")]
    spans = {row.ident("id"): _span(row) for row in history}
    told, summed = timedelta(seconds=tracked["duration"] or 0), sum(filter(None, spans.values()), timedelta())
    whole = all(row.maybe.text("started_at") for row in history)
    differs = Untold(f"its sessions last {summed}, but the column says {told}") if whole and told != summed else None
    for row in history:
        start = row.maybe.text("started_at")
        typed = None if start else Untold("a session that was typed in as a length: nobody knows its day")
        yield {
            "@session": row.ident("id"),
            "@person": row.maybe.ident("started_user_id"),
            "@date": typed or day_in_zone(start, zone, "started_at"),
            "@hours": typed or differs or spans[row.ident("id")],
        }


def _span(session: Row) -> timedelta:
    start, end = session.maybe.text("started_at"), session.maybe.text("ended_at")
    return instant(end) - instant(start) if start and end else timedelta()


def refuse_silent(columns: Iterable[Row], named: set[str]) -> None:
    """BadAnswer for a mapped column, by id or title, of a type whose value the vendor does not tell."""
    for column in columns:
        kind = column.text("type")
        if kind in SILENT and {column.ident("id"), column.text("title")} & named:
            raise BadAnswer(f"{column.text('title')!r} is a column of type {kind}, whose value is not told")


def bare(name: str) -> str:
    """A column's name without the suffix of a further cell."""
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def titles_of(columns: list[Row], mapped: list[str], extra: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Id -> title of the mapped columns (by id or title), of their mapped further cells, and of the own columns; and
    the ids that must be asked for. Where one is gone all are named, so that the error can say which there are."""
    own, known = {name: name for name in (*OWN, *extra)}, {row.ident("id"): row.text("title") for row in columns}
    there, named = {*known, *known.values(), *own}, {*mapped, *map(bare, mapped)}
    refuse_silent(columns, named)
    gone = any(name not in there and bare(name) not in there for name in mapped)
    wanted = {column: title for column, title in known.items() if gone or {column, title} & named}
    ends = {"", *(name.removeprefix(bare(name)) for name in mapped)}
    found = {**own, **{f"{column}{end}": f"{title}{end}" for column, title in wanted.items() for end in ends}}
    return found, sorted(found.keys() & known.keys())
