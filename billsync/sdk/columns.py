"""The column mapper of all sources whose columns the firm named itself: files, boards, sheets, custom objects.

A connector's options derive from `Columns` (or hold one a kind); `Mapper` binds it to the columns that the vendor
shows tonight and turns rows into records. Nothing is guessed: an unknown value is an error, not a "no"; a mapped
column that is gone is an error, not an empty cell; and `rules()` tells how many records each rule matched.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from billsync.model.errors import BadAnswer
from billsync.model.money import exponent
from billsync.sdk import formats
from billsync.sdk.fields import FIELDS, MEANINGS, Field, TableKind, folded
from billsync.sdk.formats import Cell, text_of
from billsync.sdk.mapping import REST, Columns
from billsync.sdk.parse import dig, instant
from billsync.sdk.records import BUILD

__all__ = ["Columns", "Mapper", "Matched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """How many records a rule matched: `field` has `meaning`, by the firm's own words or by the usual ones."""

    field: str
    meaning: str
    records: int
    configured: bool


class Mapper:
    """One kind of record in one table: `bind` it to the columns, then turn each row into a record."""

    def __init__(self, kind: TableKind, mapping: Columns, *, where: str = "") -> None:
        self.kind = kind
        self.where = where
        self._mapping = mapping
        self._fields = {field.name: field for field in FIELDS[kind]}
        self._bound: dict[str, str] = {}
        self._words = {name: _words_of(name, mapping) for name in self._fields if name in MEANINGS}
        self._counts: Counter[tuple[str, str]] = Counter()
        unknown = [name for name in (*mapping.columns, *mapping.constants, *mapping.id_from) if not self._known(name)]
        if unknown:
            near = difflib.get_close_matches(unknown[0], self._fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"fields: {', '.join(self._fields)}"
            raise BadAnswer(f"a {kind.replace('_', ' ')} has no field {unknown[0]!r}", where=where, hint=hint)

    def bind(self, titles: Mapping[str, str], *, where: str = "") -> Self:
        """Find the mapped columns among those the table shows tonight: id -> title. Counts of rules go on.

        BadAnswer for a mapped column that is gone, a title that stands twice, a needed field without a column.
        """
        self.where = where or self.where
        self._bound = self._by_header(titles)
        self._bound |= {name: _column(title, titles, self.where) for name, title in self._mapping.columns.items()}
        for field in self._mapping.constants.keys() & self._bound.keys():
            raise BadAnswer(
                f"the constant {field!r} contradicts the column {titles[self._bound[field]]!r}",
                where=self.where,
                hint="drop the constant, or map the field to nothing by renaming the column",
            )
        self._need(titles)
        return self

    def record(self, row: Mapping[str, Cell], *, where: str = "") -> Any:
        """The record of a row, of a table of lines a ContractLine: column id -> cell.

        BadAnswer names the field and the value that cannot be read.
        """
        try:
            values = {name: self._value(field, self._cell(name, row)) for name, field in self._fields.items()}
            values["id"] = values["id"] or self._identity(row)
            values["custom"] = {
                name.removeprefix("custom."): text_of(_at(row, column))
                for name, column in self._bound.items()
                if name.startswith("custom.")
            }
            if values.get("currency"):
                exponent(values["currency"])
            record = BUILD[self.kind](values, frozenset(self._bound) | self._mapping.constants.keys())
        except BadAnswer as error:
            raise BadAnswer(error.what, where=where or self.where, hint=error.hint) from None
        except ValueError as error:
            raise BadAnswer(str(error), where=where or self.where) from None
        self._counts.update((name, values[name]) for name in self._words if name in values and self._present(name))
        return record

    def rules(self) -> list[Matched]:
        """Every rule in use with the records it matched so far; the firm's own rules also when that is none."""
        own = {name: _named(name, self._mapping) for name in self._words if self._present(name)}
        return [
            Matched(field=name, meaning=meaning, records=self._counts[name, meaning], configured=meaning in named)
            for name, named in own.items()
            for meaning in MEANINGS[name]
            if self._counts[name, meaning] or meaning in named
        ]

    def told(self) -> Iterator[str]:
        """As `rules`, in sentences for people; a rule of the firm's own that matched nothing is asked about."""
        for rule in self.rules():
            silent = " - does this rule still fit?" if rule.configured and not rule.records else ""
            yield f"{rule.field} = {rule.meaning}: {rule.records} records{silent}"

    def _known(self, name: str) -> bool:
        return name in self._fields or (name.startswith("custom.") and len(name) > len("custom."))

    def _present(self, field: str) -> bool:
        return field in self._bound or field in self._mapping.constants

    def _by_header(self, titles: Mapping[str, str]) -> dict[str, str]:
        """Field -> column, for fields without mapping under their obvious header; the earlier field takes it."""
        by_fold: dict[str, list[str]] = {}
        for column, title in titles.items():
            by_fold.setdefault(folded(title), []).append(column)
        for wanted in self._mapping.columns.values():
            by_fold.pop(folded(titles.get(wanted, wanted)), None)
        found = {}
        for field in self._fields.values():
            if field.name in self._mapping.columns or (field.name == "id" and self._mapping.id_from):
                continue
            fold = next((fold for fold in field.folds if fold in by_fold), None)
            if fold is not None:
                columns = by_fold.pop(fold)
                if len(columns) > 1:
                    raise _twice(titles[columns[0]], columns, self.where)
                found[field.name] = columns[0]
        return found

    def _need(self, titles: Mapping[str, str]) -> None:
        for field in self._fields.values():
            if field.need and not self._present(field.name) and not (field.name == "id" and self._mapping.id_from):
                raise BadAnswer(
                    f"no column for {field.name!r} of a {self.kind.replace('_', ' ')}",
                    where=self.where,
                    hint=f"say columns: {{{field.name}: ...}}; there are: {', '.join(titles.values()) or 'none'}",
                )

    def _cell(self, name: str, row: Mapping[str, Cell]) -> Cell:
        if name in self._bound:
            return _at(row, self._bound[name])
        return self._mapping.constants.get(name)

    def _identity(self, row: Mapping[str, Cell]) -> str:
        if not self._mapping.id_from:
            raise BadAnswer("id: empty")
        parts = [text_of(self._cell(name, row)) for name in self._mapping.id_from]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:20]

    def _value(self, field: Field, cell: Cell) -> Any:
        how, name, terms = field.how, field.name, self._mapping
        if cell is formats.UNCALCULATED:
            raise BadAnswer(f"{name}: {cell!r}")
        if how == "meaning":
            return self._meaning(name, cell) if self._present(name) else None
        if how == "list":
            items = cell if isinstance(cell, list | tuple) else text_of(cell).replace("\n", ";").split(";")
            return tuple(text for text in map(text_of, items) if text)
        text = text_of(cell)
        if not text:
            if field.need and how != "id":
                raise BadAnswer(f"{name}: empty")
            return None
        if how == "number":
            return formats.number(cell, name, decimal=terms.decimal, thousands=terms.thousands)
        if how == "hours":
            return formats.hours(cell, name, unit=terms.hours, decimal=terms.decimal)
        if how == "percent":
            return formats.percent(cell, name, fraction=terms.percent == "one", decimal=terms.decimal)
        if how == "day":
            return formats.day(cell, name, form=terms.dates)
        return instant(text, name) if how == "instant" else text

    def _meaning(self, name: str, cell: Cell) -> str:
        words = self._words[name]
        word = _folded_word(text_of(cell))
        meaning = words.get(word) or words.get(REST)
        if meaning is None:
            raise BadAnswer(
                f"{name}: {text_of(cell)!r} is not a known value" if word else f"{name}: empty",
                hint=f"add it to values: {{{name}: ...}}; known: {', '.join(key for key in words if key)}",
            )
        return meaning


def _at(row: Mapping[str, Cell], column: str) -> Cell:
    return row[column] if column in row else dig(row, column)


def _folded_word(text: str) -> str:
    return " ".join(text.casefold().split())


def _named(name: str, mapping: Columns) -> Mapping[str, list[str]]:
    """The firm's own words by meaning; a plain list is of the first meaning, which is the field's yes."""
    own = mapping.values.get(name, {})
    return own if isinstance(own, dict) else {next(iter(MEANINGS[name])): own}


def _words_of(name: str, mapping: Columns) -> dict[str, str]:
    """Word -> meaning: the firm's own words for a meaning replace the usual ones of that meaning."""
    named = _named(name, mapping)
    words = {
        _folded_word(word): meaning
        for meaning, usual in MEANINGS[name].items()
        if meaning not in named
        for word in usual
    }
    for meaning, listed in named.items():
        words |= {_folded_word(word): meaning for word in listed}
    return words


def _column(wanted: str, titles: Mapping[str, str], where: str) -> str:
    """The id of a column named by id or by exact title."""
    if wanted in titles:
        return wanted
    ids = [column for column, title in titles.items() if text_of(title) == text_of(wanted)]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise _twice(wanted, ids, where)
    near = difflib.get_close_matches(wanted, titles.values(), n=1)
    raise BadAnswer(
        f"the mapped column {wanted!r} is gone",
        where=where,
        hint=f"did someone rename it to {near[0]!r}?" if near else f"there are: {', '.join(titles.values()) or 'none'}",
    )


def _twice(title: str, ids: Sequence[str], where: str) -> BadAnswer:
    return BadAnswer(f"the column {title!r} stands twice", where=where, hint=f"name it by id: {' or '.join(ids)}")
