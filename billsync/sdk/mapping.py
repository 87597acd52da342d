"""What a firm says about the columns of one table: mapping, constants, words, signs. Carried out by sdk.columns."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from billsync.sdk import formats
from billsync.sdk.fields import MEANINGS
from billsync.sdk.formats import HoursUnit, Sign, text_of

REST = "*"
"""In a list of words: every value that no other rule names."""


class Columns(BaseModel):
    """How the columns of one table become the fields of one kind of record."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Field -> column (its id, or its exact title). `custom.NAME` keeps a column as custom field NAME.",
    )
    constants: dict[str, str | int | bool | Decimal | date] = Field(
        default_factory=dict, description="Field -> the value it has in every row, for fields without a column."
    )
    values: dict[str, dict[str, list[str]] | list[str]] = Field(
        default_factory=dict,
        description="Field -> meaning -> the words for it, e.g. complete: {complete: [done, erledigt], open: ['*']}. "
        "A plain list gives the words for yes; '*' is every value that no other rule names.",
    )
    id_from: list[str] = Field(
        default_factory=list,
        description="Fields whose values together are the row's identity, where there is no id column. "
        "An edit of one of them then looks like a new row.",
    )
    decimal: Sign | None = Field(
        default=None,
        description="Decimal sign of numbers in text; unset: a number that can be read two ways is refused.",
    )
    thousands: Literal[".", ",", "'", " "] | None = Field(
        default=None, description="Thousands sign of numbers in text."
    )
    dates: str = Field(default="YYYY-MM-DD", description="Form of dates in text, e.g. DD.MM.YYYY or MM/DD/YYYY.")
    hours: HoursUnit = Field(default="hours", description="Unit of hours: hours, minutes, seconds, hh:mm, iso8601.")
    percent: Literal["hundred", "one"] = Field(
        default="hundred",
        description="Whether full percentages are written 100 or 1. Text with a % sign is always 0-100.",
    )

    @field_validator("columns", "constants", mode="before")
    @classmethod
    def _ids_as_text(cls, value: Any) -> Any:
        """Column ids are numbers at some vendors; the constant true is a word."""
        if not isinstance(value, Mapping):
            return value
        return {key: text_of(item) if isinstance(item, int) else item for key, item in value.items()}

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            field: {meaning: _texts(words) for meaning, words in rule.items()}
            if isinstance(rule, Mapping)
            else _texts(rule)
            for field, rule in value.items()
        }

    @field_validator("dates")
    @classmethod
    def _date_form(cls, value: str) -> str:
        formats.date_pattern(value)
        return value

    @model_validator(mode="after")
    def _meanings_exist(self) -> Self:
        for field, rule in self.values.items():
            if field not in MEANINGS:
                raise ValueError(f"values: {field!r} has no meanings; these have: {', '.join(MEANINGS)}")
            for meaning in rule if isinstance(rule, dict) else ():
                if meaning not in MEANINGS[field]:
                    raise ValueError(f"values: {field}: {meaning!r} is none of {', '.join(MEANINGS[field])}")
        both = self.columns.keys() & self.constants.keys()
        if both:
            raise ValueError(f"{', '.join(sorted(both))}: a column and a constant")
        return self


def _texts(words: Any) -> Any:
    return [text_of(word) for word in words] if isinstance(words, list | tuple) else [text_of(words)]
