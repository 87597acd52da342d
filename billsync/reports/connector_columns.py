"""The page about column mapping: which fields each kind of record has in a table, and which words mean what."""

from __future__ import annotations

from billsync.reports.connector import RECORDS
from billsync.sdk.fields import FIELDS, MEANINGS, Field, How, TableKind

_INTRO = """# Column mapping

Files, boards, sheets and custom objects have the columns that a firm gave them. In each table of such a source
`columns` says which column holds which field, by its id or its exact title:

```yaml
columns: {project: Job, name: Phase, complete: State, completed_on: Finished}
values: {complete: {complete: [done, billed], open: ["*"]}}
```

A header that stands below as found unasked needs no mapping; case, spaces, dots, hyphens and underscores do not count.
Nothing is guessed: a word that no rule knows is an error, and so is a mapped column that is gone. `billsync check`
tells how many records each rule matches. `custom.NAME` keeps any other column beside the record. Columns of the
vendor's own begin with `@`; the page of each connector names them.
"""
_HOW: dict[How, str] = {
    "id": "id",
    "text": "text",
    "number": "exact number",
    "hours": "hours",
    "percent": "percent",
    "day": "date",
    "instant": "instant",
    "list": "list",
    "meaning": "a word, see below",
}


def columns_page() -> str:
    """The page, without the line that says who made it."""
    parts = [_INTRO]
    for kind, fields in FIELDS.items():
        rows = "".join(_row(field) for field in fields)
        parts.append(f"## {_title(kind)}\n\n| field | is | found unasked |\n| --- | --- | --- |\n{rows}")
    rows = "".join(
        f"| `{field}` | `{meaning}` | {', '.join(word or '(empty)' for word in words)} |\n"
        for field, meanings in MEANINGS.items()
        for meaning, words in meanings.items()
    )
    return "\n".join([*parts, f"## Words\n\n| field | meaning | words for it |\n| --- | --- | --- |\n{rows}"])


def _title(kind: TableKind) -> str:
    return "Contract lines" if kind == "contract_line" else RECORDS[kind].capitalize()


def _row(field: Field) -> str:
    need = ", **needed**" if field.need else ""
    return f"| `{field.name}` | {_HOW[field.how]}{need} | {', '.join((field.name, *field.headers))} |\n"
