"""What we send, held against the vendor's own contract (OpenAPI or XSD), and what he publishes, read by our mapping.

The contracts are files of the vendors and not part of billsync; the tests name their folder. jsonschema is needed to
run this, not to import it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from billsync.testing.server import Request

Json = Any
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"


def load(path: Path) -> Json:
    """A JSON file, with Decimal."""
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


class OpenApi:
    """One vendor's operations. `allowed`: parameters beyond the contract, each with the reason why we send it."""

    def __init__(self, path: Path, allowed: Mapping[str, str] | None = None) -> None:
        self._document: Json = json.loads(path.read_text(encoding="utf-8"))
        self._allowed = allowed or {}
        self._components = _nullable(self._document.get("components", {}))

    def problems(self, requests: Iterable[Request]) -> list[str]:
        """What is wrong with requests, in sentences; empty when all fit."""
        return [f"{request.method} {request.path}: {text}" for request in requests for text in self._wrong(request)]

    def _wrong(self, request: Request) -> Iterable[str]:
        operation = self._operation(request)
        if operation is None:
            yield "the contract has no such operation"
            return
        declared = {entry["name"]: entry for entry in self._parameters(operation) if entry["in"] == "query"}
        for name, text in request.query.items():
            if name not in declared:
                yield from () if name in self._allowed else (f"the parameter {name!r} is not in the contract",)
            else:
                yield from self._value(name, text, declared[name])
        for name, entry in declared.items():
            if entry.get("required") and name not in request.query:
                yield f"the parameter {name!r} is required"
        body = self._resolved(operation.get("requestBody", {})).get("content", {}).get("application/json")
        if request.body and body is None:
            yield "the contract knows no body here"
        elif body is not None:
            yield from self._errors(json.loads(request.body or b"null"), body["schema"])

    def _operation(self, request: Request) -> Json:
        for template, item in sorted(self._document["paths"].items(), key=lambda pair: pair[0].count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, request.path) and request.method.lower() in item:
                operation = item[request.method.lower()]
                return {**operation, "parameters": [*item.get("parameters", []), *operation.get("parameters", [])]}
        return None

    def _parameters(self, operation: Json) -> list[Json]:
        return [self._resolved(entry) for entry in operation["parameters"]]

    def _resolved(self, entry: Json) -> Json:
        while "$ref" in entry:
            found: Json = self._document
            for step in entry["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            entry = found
        return entry

    def _value(self, name: str, text: str, entry: Json) -> Iterable[str]:
        schema = self._resolved(entry["schema"])
        values: list[Json] = text.split(",") if schema.get("type") == "array" else [text]
        inner = self._resolved(schema["items"]) if schema.get("type") == "array" else schema
        for value in values:
            if f"{name}={value}" not in self._allowed:
                yield from (f"{name}: {error}" for error in self._errors(_typed(value, inner), inner))

    def _errors(self, value: Json, schema: Json) -> Iterable[str]:
        from jsonschema import Draft202012Validator, FormatChecker

        whole = {"allOf": [_nullable(schema)], "components": self._components}
        for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value):
            yield f"{error.json_path}: {error.message[:200]}"


def _typed(text: str, schema: Json) -> Json:
    """A parameter's text as the type that its schema names."""
    if schema.get("type") in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if schema.get("type") == "boolean" else text


def _nullable(schema: Json) -> Json:
    """OpenAPI 3.0 says `nullable`, JSON Schema a second type."""
    if isinstance(schema, list):
        return [_nullable(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {name: _nullable(entry) for name, entry in schema.items()}
    if turned.pop("nullable", False) is True:
        if "type" in turned and isinstance(turned["type"], str):
            turned["type"] = [turned["type"], "null"]
        if isinstance(turned.get("enum"), list):
            turned["enum"] = [*turned["enum"], None]
    return turned


class Xsd:
    """Types of an XML schema whose names a vendor uses in JSON too: attributes become members, text becomes `value`."""

    def __init__(self, path: Path) -> None:
        root = ElementTree.parse(path).getroot()  # noqa: S314  a file of the tests, not of a stranger
        self._types = {
            entry.get("name", ""): entry for entry in root if entry.tag in (f"{_XS}complexType", f"{_XS}simpleType")
        }

    def problems(self, kind: str, value: Json, at: str = "") -> list[str]:
        """What is wrong with a JSON object of a type, in sentences."""
        if kind.startswith("xs:") or kind not in self._types:
            return _scalar(kind, value, at)
        found = self._types[kind]
        if found.tag == f"{_XS}simpleType":
            return self._restricted(found, value, at)
        simple = found.find(f"{_XS}simpleContent/{_XS}extension")
        members = self._members(kind)
        if simple is not None:
            members["value"] = (simple.get("base", "xs:string"), False)
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is not an object ({kind})"]
        wrong: list[str] = []
        for name, entry in value.items():
            if name not in members:
                wrong.append(f"{at}.{name} is not a member of {kind}")
                continue
            inner, many = members[name]
            if many != isinstance(entry, list):
                wrong.append(f"{at}.{name} is {'a' if not many else 'not a'} list")
                continue
            for item in entry if many else [entry]:
                wrong += self.problems(inner, item, f"{at}.{name}")
        return wrong

    def _members(self, kind: str) -> dict[str, tuple[str, bool]]:
        """Name -> type, and whether there may be several: own ones and those of the types it extends."""
        found = self._types.get(kind)
        if found is None:
            return {}
        members: dict[str, tuple[str, bool]] = {}
        for extension in found.iter(f"{_XS}extension"):
            members |= self._members(extension.get("base", ""))
        for entry in found.iter(f"{_XS}element"):
            if entry.get("name"):
                members[entry.get("name", "")] = (
                    entry.get("type", "xs:anyType"),
                    entry.get("maxOccurs") == "unbounded",
                )
        for entry in found.iter(f"{_XS}attribute"):
            members[entry.get("name", "")] = (entry.get("type", "xs:string"), False)
        return members

    def _restricted(self, found: ElementTree.Element, value: Json, at: str) -> list[str]:
        allowed = [entry.get("value") for entry in found.iter(f"{_XS}enumeration")]
        if allowed and value not in allowed:
            return [f"{at}: {value!r} is none of {allowed}"]
        longest = next((int(entry.get("value", 0)) for entry in found.iter(f"{_XS}maxLength")), None)
        if longest is not None and len(str(value)) > longest:
            return [f"{at}: longer than {longest}"]
        return []


def _scalar(kind: str, value: Json, at: str) -> list[str]:
    fits: Mapping[str, Callable[[Json], bool]] = {
        "xs:string": lambda text: isinstance(text, str),
        "xs:boolean": lambda flag: isinstance(flag, bool),
        "xs:decimal": lambda number: isinstance(number, int | Decimal) and not isinstance(number, bool),
        "xs:date": _is_date,
    }
    return [] if kind not in fits or fits[kind](value) else [f"{at}: {value!r} is no {kind}"]


def _is_date(text: Json) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except (TypeError, ValueError):
        return False


def unread_examples(
    path: Path, readers: Mapping[str, Callable[[Json], Iterable[object]]], excused: Mapping[str, str]
) -> list[str]:
    """Published examples that no reader takes and no reason excuses. Keys are beginnings of the examples' endpoints.

    A reader gets the example's body and answers the records it made of it; none at all counts as unread. A reader or
    a reason that no example needs is told as well."""
    used: set[str] = set()
    unread: list[str] = []
    for example in load(path):
        keys = [key for key in (*readers, *excused) if example["endpoint"].startswith(key)]
        key = max(keys, key=len, default="")
        used.add(key)
        if not key or (key in readers and not list(readers[key](example["body"]))):
            unread.append(example["endpoint"])
    unused = {*readers, *excused} - used
    return [*unread, *(f"nothing begins with {key!r}" for key in sorted(unused))]
