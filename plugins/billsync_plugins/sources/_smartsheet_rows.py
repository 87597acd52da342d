"""Rows of a Smartsheet sheet: which of a hierarchy count, and what stands in a cell."""

import re
from collections.abc import Iterator
from decimal import Decimal

from billsync.model.errors import BadAnswer
from billsync.sdk.api import Json
from billsync.sdk.formats import Cell, Uncalculated
from billsync.sdk.parse import dec, dig
from billsync.sdk.row import Row

OWN = ("@id", "@primary", "@parent", "@modified", "@url", "@attachments")
FORMULA_ERROR = re.compile(r"#[A-Z][A-Z /-]{2,}[!?]?")


class Broken(Uncalculated):
    """A cell from which no field can be read; `why` is for people."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __repr__(self) -> str:
        return self._why


def counting(rows: list[Row], which: str) -> Iterator[Row]:
    """The rows that are records: never a parent and its children both."""
    parents = {row.maybe.ident("parentId") for row in rows} - {None}
    if parents and which == "flat":
        raise BadAnswer("the sheet has a hierarchy", hint="say which rows count: `rows: leaves` or `rows: top`")
    for row in rows:
        counts = row.ident("id") not in parents if which == "leaves" else row.maybe.ident("parentId") is None
        if counts:
            yield row


def cells_of(row: Row, primary: str) -> dict[str, Cell]:
    """The cells by column id, and the own ones; an empty cell is absent."""
    cells = {Row(raw, "cell", "columnId").ident("columnId"): cell_of(raw) for raw in row.rows("cells")}
    return {
        "@id": row.ident("id"),
        "@primary": cells.get(primary),
        "@parent": row.maybe.ident("parentId"),
        "@modified": row.maybe.text("modifiedAt"),
        "@url": row.maybe.text("permalink"),
        "@attachments": [file["name"] for file in row.maybe.rows("attachments") or ()],
        **cells,
    }


def cell_of(raw: Json) -> Cell:
    """Several contacts or choices as a list; percentages as they are shown, with all their digits."""
    value, several = raw.get("value"), dig(raw, "objectValue.values")
    if isinstance(several, list):
        return [item if isinstance(item, str) else item.get("email") or item.get("name") for item in several]
    if isinstance(value, str) and FORMULA_ERROR.fullmatch(value):
        return Broken(f"the formula failed: {value}")
    shown = str(raw.get("displayValue") or "")
    return _percentage(value, shown) if shown.endswith("%") and isinstance(value, int | Decimal) else value


def _percentage(value: int | Decimal, shown: str) -> Cell:
    """0.5 is shown as 50% and becomes 50. A value that is no fraction of what is shown was not understood."""
    digits, full = shown.rstrip("% "), Decimal(value) * 100
    for text in (digits.replace(",", ""), digits.replace(".", "").replace(",", ".")):
        told = dec(text, "displayValue")
        if abs(full - told) <= Decimal(1).scaleb(int(told.as_tuple().exponent)):
            return full
    return Broken(f"{value} is no fraction of {shown!r}, as which it is shown")
