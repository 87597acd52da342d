"""billsync map: what is not mapped to a contract or a person, and what it may be."""

from __future__ import annotations

from billsync.cli.app import ConfigFile, TableFormat, group

app = group(
    "Projects and people that no term names, and what they may be.",
    examples_of=(
        "billsync map suggest",
        "billsync map suggest --format csv > unmapped.csv",
        "billsync map suggest --format json | jq '.[] | select(.score >= 90)'",
    ),
)


@app.callback()
def unmapped() -> None:
    """Projects and people that no term names, and what they may be."""


@app.command()
def suggest(format: TableFormat = "text", config: ConfigFile = None) -> int:
    """Suggest a contract, a client or a person for each.

    By the likeness of names, with a score of 0 to 100, and the line to add to
    the configuration. Nothing is billed on a suggestion. Exit code: 0 all is
    mapped, 1 something is not.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import table
    from billsync.reports import suggestions

    with look(config) as firm:
        facts = firm.facts()
        people = {person: entry.name or person for person, entry in firm.firm.config.entry.people.items()}
    found = suggestions.suggest(facts, people)
    rows = [suggestions.row(one) for one in found]
    table(format, names=suggestions.COLUMNS, rows=rows, blocks=lambda: suggestions.blocks(found))
    return 1 if found else 0
