"""Tables in files: CSV, XLSX (and XLS, ODS), JSON; each row with its line, as the firm's own programs wrote them.

The dialect is declared, never sniffed; text is UTF-8, or UTF-16 with its mark, or the declared encoding, never
replaced characters. A row that is broken comes with its trouble; a file that changes while it is read gives no row
more, since that row may be half. CSV streams; the others are held in memory, up to the cap.
"""

import codecs
import csv
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, field_validator

from billsync.model.errors import BadAnswer, Denied, Missing, Unavailable, VendorError
from billsync.sdk.formats import Cell, text_of
from billsync.sdk.parse import dig
from billsync.sdk.spreadsheet import sheet_rows

SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".ods"})


class TableFormat(BaseModel):
    """How one table is written in its file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    encoding: str | None = Field(
        default=None, description="Encoding of CSV files that are neither UTF-8 nor marked UTF-16, e.g. cp1252."
    )
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="CSV delimiter; a first line sep=; in the file wins."
    )
    quote: str = Field(default='"', min_length=1, max_length=1, description="CSV quote character.")
    skip_rows: int = Field(default=0, ge=0, description="Rows above the header.")
    header: bool = Field(default=True, description="False: no header row; columns are called 1, 2, 3 ...")
    stop_at: str | None = Field(
        default=None, description="The table ends before the row whose first filled cell begins with this, e.g. Total."
    )
    sheet: str | None = Field(default=None, description="Sheet of a workbook; the first one unless set.")
    rows_at: str = Field(
        default="", description="Dotted path of the list in a JSON file; unset: the file is the list, or its `rows`."
    )
    max_megabytes: int = Field(default=200, gt=0, description="A larger file is refused, unpacked size included.")
    max_rows: int = Field(default=2_000_000, gt=0, description="A table with more rows is refused.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            return value and codecs.lookup(value).name
        except LookupError:
            raise ValueError(f"{value!r} is no encoding") from None

    @property
    def max_bytes(self) -> int:
        """The cap in bytes."""
        return self.max_megabytes * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its line in the file (row in a sheet, place in a JSON list), its cells by column, what is wrong."""

    line: int
    cells: Mapping[str, Cell]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: column id -> title, and its rows, once. Columns whose title repeats have ids `title (n)`."""

    titles: Mapping[str, str]
    rows: Iterator[Row]


Lines = Iterator[tuple[int, Sequence[Cell] | str]]
"""Line number and cells; a text in their place says why the line cannot be read."""


@contextmanager
def open_table(path: Path, form: TableFormat) -> Iterator[Table]:
    """A table, open for reading. Raises Missing, Denied, Unavailable (it changes meanwhile), BadAnswer (content)."""
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > form.max_bytes:
                raise BadAnswer(f"the file is larger than {form.max_megabytes} MB", hint="raise max_megabytes")

            def changed() -> bool:
                now = os.fstat(file.fileno())
                return (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)

            table = _json_table(file, form) if path.suffix.lower() == ".json" else _sheet_or_csv(path, file, form)
            yield Table(titles=table.titles, rows=_unchanged(_capped(table.rows, form), changed))
    except VendorError as error:
        error.where = error.where or path.name
        raise
    except FileNotFoundError:
        raise Missing("the file is not there", where=str(path)) from None
    except PermissionError:
        raise Denied("the file may not be read", where=str(path), hint="is it open in another program?") from None
    except OSError as error:
        raise Unavailable(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def _unchanged(rows: Iterable[Row], changed: Callable[[], bool]) -> Iterator[Row]:
    """The rows, each only while the file is as it was when it was opened: what grows may have been read half."""
    for row in rows:
        if changed():
            break
        yield row
    if changed():
        raise Unavailable("the file changed while it was read", hint="the next run reads it again")


def _capped(rows: Iterable[Row], form: TableFormat) -> Iterator[Row]:
    for count, row in enumerate(rows, start=1):
        if count > form.max_rows:
            raise BadAnswer(f"the table has more than {form.max_rows} rows", hint="raise max_rows")
        yield row


def _sheet_or_csv(path: Path, file: BinaryIO, form: TableFormat) -> Table:
    if path.suffix.lower() in SPREADSHEETS:
        return _table(sheet_rows(file.read(), form.sheet, form.max_bytes), form)
    return _csv_table(file, form)


def _table(lines: Lines, form: TableFormat) -> Table:
    """Header and rows from numbered lines of cells."""
    for _ in range(form.skip_rows):
        next(lines, None)
    first = next(lines, None)
    while form.header and first is not None and not isinstance(first[1], str) and not any(map(text_of, first[1])):
        first = next(lines, None)
    if first is None:
        raise BadAnswer("the file is empty: not even a header", hint="an export that failed is not an empty export")
    if isinstance(first[1], str):
        raise BadAnswer(first[1])
    titles = _titles(
        [text_of(cell) for cell in first[1]] if form.header else [str(n + 1) for n in range(len(first[1]))]
    )
    return Table(titles=titles, rows=_rows(_again(first, lines, again=not form.header), list(titles), form.stop_at))


def _again(first: tuple[int, Sequence[Cell] | str], lines: Lines, *, again: bool) -> Lines:
    if again:
        yield first
    yield from lines


def _titles(header: Sequence[str]) -> dict[str, str]:
    """Column id -> title; unnamed columns are called by their place."""
    counts = Counter(header)
    names = [(title or f"column {place}", counts[title], place) for place, title in enumerate(header, start=1)]
    return {title if count == 1 else f"{title} ({place})": title for title, count, place in names}


def _rows(lines: Lines, columns: Sequence[str], stop_at: str | None) -> Iterator[Row]:
    for line, cells in lines:
        if isinstance(cells, str):
            yield Row(line, {}, cells)
            continue
        filled = [cell for cell in cells if cell not in ("", None)]
        if not filled:
            continue
        if stop_at and isinstance(filled[0], str) and filled[0].strip().casefold().startswith(stop_at.casefold()):
            return
        if len(cells) != len(columns):
            yield Row(line, {}, f"{len(cells)} cells under {len(columns)} headers: a delimiter or a quote is astray")
        else:
            yield Row(line, dict(zip(columns, cells, strict=True)))


def _csv_table(file: BinaryIO, form: TableFormat) -> Table:
    text = io.TextIOWrapper(file, encoding=_encoding(file, form), newline="")
    delimiter, offset = form.delimiter, 0
    start = text.readline()
    if start.lower().startswith("sep=") and len(start.rstrip("\r\n")) == 5:
        delimiter, offset = start[4], 1
    else:
        text.seek(0)
    table = _table(_csv_lines(text, delimiter, form.quote, offset), form)
    if len(table.titles) == 1:
        found = [sign for sign in (";", "\t", "|", ",") if sign != delimiter and sign in next(iter(table.titles))]
        if found:
            raise BadAnswer(
                f"the header has one column under the delimiter {delimiter!r}", hint=f"declare delimiter: {found[0]!r}"
            )
    return table


def _csv_lines(text: io.TextIOWrapper, delimiter: str, quote: str, offset: int) -> Lines:
    reader = csv.reader(text, delimiter=delimiter, quotechar=quote, strict=True)
    try:
        while True:
            line = reader.line_num + 1 + offset
            try:
                yield line, next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, f"not CSV: {error}"
    finally:
        if not text.closed:
            text.detach()  # the wrapper must not close the file under whoever opened it


def _encoding(file: BinaryIO, form: TableFormat) -> str:
    """UTF-8 if every byte fits, UTF-16 if it is marked so, else the declared one; read once through, in pieces."""
    head = file.read(2)
    file.seek(0)
    marked = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    candidates = ["utf-16" if marked else "utf-8-sig", *([form.encoding] if form.encoding else [])]
    for candidate in candidates:
        if _decodes(file, candidate):
            return candidate
    raise BadAnswer(
        f"the text is not in {' nor in '.join(candidates)}", hint="declare its encoding, e.g. encoding: cp1252"
    )


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while piece := file.read(1 << 16):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def _json_table(file: BinaryIO, form: TableFormat) -> Table:
    try:
        document = json.loads(file.read(), parse_float=Decimal, parse_constant=_no_number)
    except ValueError as error:
        raise BadAnswer(f"not JSON: {error}") from None
    if form.rows_at:
        found = dig(document, form.rows_at)
    else:
        found = document.get("rows") if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise BadAnswer(f"no list of rows at {form.rows_at or 'the top or in `rows`'}", hint="declare rows_at")
    flat = [_flat(row) if isinstance(row, dict) else None for row in found]
    titles = {key: key for row in flat if row is not None for key in row}
    rows = (
        Row(line, row) if row is not None else Row(line, {}, "not an object with named members")
        for line, row in enumerate(flat, start=1)
    )
    return Table(titles=titles, rows=rows)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Members of members under dotted names."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
