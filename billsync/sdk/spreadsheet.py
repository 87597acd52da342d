"""Rows of a workbook (XLSX, XLS, ODS), read by python-calamine: the extra billsync[xlsx].

Numbers in a workbook are binary fractions: they are read with the 15 digits that spreadsheet programs show, exactly.
A formula counts with the value that was stored with it; one that was never calculated is marked, not read as empty.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from billsync.model.errors import BadAnswer, UsageError
from billsync.sdk.formats import UNCALCULATED, Cell

# A cell with a formula and no value, or an empty one.
_NO_VALUE: Final = re.compile(
    rb"<c\b[^>]*\br=\"([A-Z]+)([0-9]+)\"[^>]*>\s*<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_SHEET: Final = re.compile(r"<(?:\w+:)?sheet\b[^>]*>")
_RELATION: Final = re.compile(r"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE: Final = re.compile(r"([\w:]+)=\"([^\"]*)\"")


def sheet_rows(content: bytes, sheet: str | None, max_bytes: int) -> Iterator[tuple[int, Sequence[Cell] | str]]:
    """Row number and cells of one sheet, the first unless named. BadAnswer for what is no workbook or too large."""
    try:
        import python_calamine
    except ImportError:
        raise UsageError(
            "reading spreadsheets needs python-calamine", hint="pip install 'billsync[xlsx]', or export CSV"
        ) from None
    _refuse_bombs(content, max_bytes)
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(content))
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            raise BadAnswer(f"the sheet {sheet!r} is gone", hint=f"there are: {', '.join(names)}")
        found = workbook.get_sheet_by_name(sheet or names[0])
    except python_calamine.CalamineError as error:
        raise BadAnswer(f"not a workbook: {error}") from None
    first_column = found.start[1] if found.start else 0
    return _cells(found.iter_rows(), first_column, _uncalculated(content, found.name))


def _cells(
    rows: Iterator[list[Any]], first_column: int, uncalculated: frozenset[tuple[int, int]]
) -> Iterator[tuple[int, Sequence[Cell] | str]]:
    for line, row in enumerate(rows, start=1):
        yield (
            line,
            [
                UNCALCULATED if uncalculated and (line, column) in uncalculated else _exact(value)
                for column, value in enumerate(row, start=first_column)
            ],
        )


def _exact(value: Any) -> Cell:
    """Spreadsheet programs keep 15 digits of a number: what they show is what is meant."""
    return Decimal(f"{value:.15g}") if isinstance(value, float) else value


def _refuse_bombs(content: bytes, max_bytes: int) -> None:
    """A workbook is a ZIP of XML, and a small ZIP can unpack to terabytes."""
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise BadAnswer("not a workbook: the file is cut off or damaged") from None
    if size > max_bytes:
        raise BadAnswer(f"the workbook unpacks to {size // 1_048_576} MB", hint="raise max_megabytes if that is right")


def _uncalculated(content: bytes, sheet: str) -> frozenset[tuple[int, int]]:
    """Row (from 1) and column (from 0) of formulas without a value; XLSX only, the other formats always store one."""
    if not content.startswith(b"PK"):
        return frozenset()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        path = _sheet_path(archive, sheet)
        xml = archive.read(path) if path else b""
    return frozenset((int(match[2]), _column_number(match[1].decode())) for match in _NO_VALUE.finditer(xml))


def _sheet_path(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of an XLSX file that holds the sheet; "" where the file is another kind of workbook."""
    names = frozenset(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return ""
    sheets = [dict(_ATTRIBUTE.findall(tag)) for tag in _SHEET.findall(archive.read("xl/workbook.xml").decode())]
    relations = [
        dict(_ATTRIBUTE.findall(tag)) for tag in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels").decode())
    ]
    wanted = {entry.get("r:id") for entry in sheets if _unescaped(entry.get("name", "")) == sheet}
    targets = [entry["Target"] for entry in relations if entry.get("Id") in wanted and "Target" in entry]
    paths = [target.lstrip("/") if target.startswith("/") else f"xl/{target}" for target in targets]
    return next((path for path in paths if path in names), "")


def _unescaped(text: str) -> str:
    import html

    return html.unescape(text)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
