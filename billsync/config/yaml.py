"""Read YAML so that nothing changes its meaning and everything keeps its file and line.

What plain YAML loaders do and this one does not: `95.10` becomes no float (it is Decimal("95.10")), `NO` no False,
`007` no 7, `0123` no 83, `12:30` no 750, `1_000` no 1000, `1e5` no number. A plain scalar is a number, a date or a
boolean only where writing that value back gives the very same characters; everything else stays text. A key is
always text. A key written twice, an anchor that leads to itself and a tag that would make an object are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from billsync.model.contract import Origin
from billsync.model.errors import UsageError

MAX_BYTES: Final = 4_000_000
MAX_DEPTH: Final = 40
MAX_VALUES: Final = 400_000
"""With every alias counted as often as it is used: a file of nested aliases is refused before it unfolds."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,30})\.[0-9]{1,30}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NULLS: Final = frozenset({"", "~", "null"})
_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlMap(dict[str, Any]):
    """A mapping that knows where it and each of its keys were written."""

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self.origin = origin
        self.origins: dict[str, Origin] = {}

    def put(self, key: str, value: Any, origin: Origin) -> None:
        """Set `key`, written at `origin`."""
        self[key] = value
        self.origins[key] = origin

    def copied(self) -> YamlMap:
        """A shallow copy with the same places."""
        copy = YamlMap(self.origin)
        copy.update(self)
        copy.origins = dict(self.origins)
        return copy


class YamlList(list[Any]):
    """A sequence that knows where it and each of its members were written."""

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self.origin = origin
        self.origins: list[Origin] = []

    def put(self, value: Any, origin: Origin) -> None:
        """Append `value`, written at `origin`."""
        self.append(value)
        self.origins.append(origin)


def read(path: Path, shown: str = "") -> Any:
    """The document in `path`; `shown` is how errors name the file. UsageError for what cannot be read."""
    shown = shown or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror}", where=shown) from None
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"the file is larger than {MAX_BYTES:,} bytes",
            where=shown,
            hint="split it: `contracts_dir` reads a folder of contract files",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            "the file is not UTF-8", where=f"{shown}:{line}", hint="save it as UTF-8 in your editor"
        ) from None
    return parse(text, shown)


def parse(text: str, file: str) -> Any:
    """YamlMap, YamlList, str, int, Decimal, bool, date or None: the one document in `text`."""
    try:
        return _Reader(text, file).document()
    except yaml.MarkedYAMLError as error:
        unclosed = "end of stream" in (error.problem or "")
        mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        what, hint = _explained(error.problem or "", _line(text, mark.line if mark else -1))
        raise UsageError(f"not valid YAML: {what}", where=where, hint=hint) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise UsageError("not valid YAML: a control character", where=f"{file}:{line}") from None


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number] if 0 <= number < len(lines) else ""


def _explained(problem: str, line: str) -> tuple[str, str]:
    """The parser's complaint in words, and what to do about it."""
    if "nesting depth" in problem:
        return f"nested deeper than {MAX_DEPTH} levels", "a bracket may not be closed"
    if "tab" in problem or "\\t" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab stands where YAML wants spaces", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a second ': ' on the line, or a line indented too far", "put text that contains ': ' in quotes"
    if "end of stream" in problem:
        return "a quote or bracket is not closed", "close the quote or bracket that opens here"
    return problem, "check the indentation and the quotes of this line and the one before"


class _Reader:
    """Builds the values of one document from the parser's events."""

    def __init__(self, text: str, file: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_PARSER)
        self._file = file
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def document(self) -> Any:
        value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a second document begins here", "keep one document a file; remove `---`")
                value = self._value(next(self._events), 0)
        return value

    def _error(self, event: Any, what: str, hint: str = "") -> UsageError:
        return UsageError(what, where=str(self._origin(event)), hint=hint)

    def _origin(self, event: Any) -> Origin:
        return Origin(file=self._file, line=event.start_mark.line + 1)

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._values
        self._count(event, 1)
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self._mapping(event, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, depth)
        else:
            value = self._scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._values - before)
        return value

    def _count(self, event: Any, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES:,} values, aliases unfolded", "use fewer aliases")

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(event, f"*{event.anchor} has no &{event.anchor} before it", "define the anchor first")
        value, size = self._anchors[event.anchor]
        self._count(event, size)
        return value

    def _sequence(self, start: Any, depth: int) -> YamlList:
        self._refuse_tag(start)
        made = YamlList(self._origin(start))
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            made.put(self._value(event, depth + 1), self._origin(event))
        return made

    def _mapping(self, start: Any, depth: int) -> YamlMap:
        self._refuse_tag(start)
        made = YamlMap(self._origin(start))
        merged: list[YamlMap] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, "a key must be plain text")
            key = str(event.value)
            value = self._value(start_of_value := next(self._events), depth + 1)
            if isinstance(value, YamlMap | YamlList) and not isinstance(start_of_value, yaml.AliasEvent):
                value.origin = self._origin(event)  # a block begins with its key for people, not one line below
            if key == "<<" and event.implicit[0]:
                merged += self._merged(event, value)
                continue
            if key in made:
                first = made.origins[key].line
                raise self._error(event, f"the key {key!r} is written twice", f"first written in line {first}")
            made.put(key, value, self._origin(event))
            if event.anchor:
                self._anchors[event.anchor] = (key, 1)
        for source in merged:
            for key, value in source.items():
                if key not in made:
                    made.put(key, value, source.origins[key])
        return made

    def _merged(self, event: Any, value: Any) -> list[YamlMap]:
        parts = value if isinstance(value, YamlList) else [value]
        if not all(isinstance(part, YamlMap) for part in parts):
            raise self._error(event, "`<<` merges mappings only", "write `<<: *name` with an anchor of a mapping")
        return list(parts)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag and not event.implicit and event.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise self._error(event, f"the tag {event.tag!r} is not allowed", "write the plain value")

    def _scalar(self, event: Any) -> Any:
        if event.tag and event.tag not in ("!", _TEXT_TAG):
            raise self._error(event, f"the tag {event.tag!r} is not allowed", "write the plain value")
        plain = event.implicit[0] and not event.tag
        return plain_scalar(event.value) if plain else str(event.value)


def plain_scalar(text: str) -> Any:
    """What a scalar without quotes means."""
    if text in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text
