"""The kinds of value that a configuration may hold, and the base of its sections.

A section keeps the places where it and its keys were written. Many sections may be written short: `holdback: 10`
for `holdback: {percent: 10}`. Money, hours and percentages are Decimal from the text of the file; a float, a boolean
or a number with thousands separators is refused. Ids stay the text they were written as.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    StrictInt,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    model_validator,
)

from billsync.config.yaml import YamlList, YamlMap
from billsync.model.contract import Origin
from billsync.model.money import decimal_of, exponent


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is read as true or false: put it in quotes")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | date):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("must be text" if value is not None else "is empty: write a value or take the key out")
    return value


def _id(value: Any) -> Any:
    text = _text(value)
    if not text or text != text.strip() or "/" in text or not text.isprintable() or len(text) > 100:
        raise ValueError("is no id: 1 to 100 characters, no '/', no space at its ends")
    return text


def _account(value: Any) -> Any:
    text = _text(value)
    if not text or not all(c.isascii() and (c.isalnum() or c in "._-") for c in text) or len(text) > 60:
        raise ValueError("is no name of an account: letters, digits, '.', '_' and '-' only")
    return text


def _number(value: Any) -> Any:
    if isinstance(value, bool | float) or not isinstance(value, int | Decimal | str):
        raise ValueError("is not a number: write it plainly, as 1234.50")
    if isinstance(value, str):
        if "e" in value.lower() or "_" in value:
            raise ValueError("is not a number: write it plainly, as 1234.50")
        try:
            return decimal_of(value)
        except ValueError:
            raise ValueError("is not a number: write it plainly, as 1234.50, without separators or signs") from None
    return Decimal(value)


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is not a date: write it as 2026-02-01") from None
    if type(value) is not date:
        raise ValueError("is not a date: write it as 2026-02-01")
    return value


def _currency(value: Any) -> Any:
    # Here, not above: only this check needs the library's list of currencies.
    from babel.core import get_global

    exponent(text := _text(value))
    if text not in get_global("all_currencies"):
        raise ValueError(f"{text!r} is no currency of ISO 4217")
    return text


def _several(value: Any) -> Any:
    """One value may stand for a list of one."""
    if value is None or isinstance(value, list | tuple):
        return value
    return [value]


_WORD = {"type": ["string", "number", "integer"]}

Text = Annotated[str, BeforeValidator(_text), WithJsonSchema(_WORD)]
Id = Annotated[str, BeforeValidator(_id), WithJsonSchema(_WORD)]
AccountName = Annotated[str, BeforeValidator(_account), WithJsonSchema({"type": "string"})]
Currency = Annotated[str, BeforeValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": ["number", "string"]})]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Flag = StrictBool
Count = Annotated[StrictInt, Field(ge=0)]

Texts = Annotated[
    tuple[Text, ...], BeforeValidator(_several), WithJsonSchema({"anyOf": [_WORD, {"type": "array", "items": _WORD}]})
]


class Section(BaseModel):
    """A mapping of the configuration: unknown keys are errors, the place of every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ()
    """JSON Schemas of the short forms that `expanded` understands."""

    _origin: Origin = PrivateAttr(default_factory=Origin)
    _written: YamlMap | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Origin:
        """Where the section begins."""
        return self._origin

    def where(self, key: str, inner: str = "") -> Origin:
        """Where `key` is written, or `inner` within its mapping; where the section begins if neither is."""
        if self._written is None or key not in self._written:
            return self._origin
        member = self._written[key]
        if isinstance(member, YamlMap) and inner in member:
            return member.origins[inner]
        return self._written.origins[key]

    @classmethod
    def expanded(cls, value: Any) -> Any:
        """The long form of a short one; anything else unchanged."""
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _with_places(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        long = value if isinstance(value, cls) else cls.expanded(value)
        made: Self = handler(long)
        if isinstance(long, YamlMap):
            made._origin, made._written = long.origin, long
            names = {info.alias or name: name for name, info in cls.model_fields.items()}
            for key, raw in long.items():
                _place(made.__dict__.get(names.get(key, key)), raw, long.origins[key])
        return made


def _place(made: Any, raw: Any, origin: Origin) -> None:
    """Tell sections that were written short (a bare number has no line of its own) where they stand."""
    if isinstance(made, Section):
        if not made._origin.file:
            made._origin = origin
            for member in made.__dict__.values():
                _place(member, None, origin)
    elif isinstance(made, tuple):
        origins = raw.origins if isinstance(raw, YamlList) and len(raw) == len(made) else [origin] * len(made)
        for member, place in zip(made, origins, strict=True):
            _place(member, None, place)
    elif isinstance(made, dict):
        for key, member in made.items():
            _place(member, None, raw.origins.get(key, origin) if isinstance(raw, YamlMap) else origin)


def short(value: Any, key: str) -> Any:
    """`{key: value}` for a value that is no mapping: the long form of a section written as a bare value."""
    return value if isinstance(value, dict) or value is None else {key: value}
