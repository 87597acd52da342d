"""The JSON Schema of the configuration, for editors that check and complete YAML as it is typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from billsync.config.fields import Section
from billsync.config.schema import ConfigEntry


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the whole file, short forms included."""
    schema = ConfigEntry.model_json_schema(by_alias=True, mode="validation")
    definitions = schema["$defs"]
    for section in sections():
        if section.short_forms and section.__name__ in definitions:
            definitions[section.__name__] = {"anyOf": [*section.short_forms, definitions[section.__name__]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "billsync configuration"}


def sections(of: type[Section] = Section) -> Iterator[type[Section]]:
    """Every kind of section, the whole file included."""
    for section in of.__subclasses__():
        yield section
        yield from sections(section)
