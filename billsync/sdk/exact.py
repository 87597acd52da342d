"""JSON for the wire with a Decimal's own digits: what a sink shows on a dry run is, byte for byte, what it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def exact_json(value: Any) -> bytes:
    """UTF-8 JSON without spaces, members in their order. A float, NaN or unknown type is a TypeError."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(str(key))}:{_text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"{value!r} cannot be written as exact JSON")
