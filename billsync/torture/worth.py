"""What each identity was worth at most, by the work log's own history: worked out without the rules."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from billsync.torture.shapes import expense_value, line_value, milestone_value, time_value


class Worth:
    """Remembers the highest value of every record, in cents."""

    def __init__(self) -> None:
        self._most: dict[str, int] = {}
        self._versions: dict[str, int] = {}

    def seen(self, table: str, row: Mapping[str, Any]) -> None:
        """A row was made or changed."""
        name, value = _value(table, row)
        if name:
            self._versions[name] = self._versions.get(name, 0) + 1
            self._most[name] = max(value, self._most.get(name, 0))

    def most(self, identity: str) -> int | None:
        """The most it may be billed at; None for an identity that no record explains."""
        line = line_value(identity)
        if line is not None:
            return line
        name = identity.split("/", 1)[1] if "/milestone/" in identity else identity
        return self._most.get(name)

    def constant(self, identity: str) -> bool:
        """True where the record behind it never changed since it was made."""
        return self._versions.get(identity, 0) == 1


def _value(table: str, row: Mapping[str, Any]) -> tuple[str, int]:
    if table == "time":
        return f"time/work/{row['id']}", time_value(row["person"], Decimal(row["hours"]))
    if table == "expenses":
        return f"expense/work/{row['id']}", expense_value(Decimal(row["amount"]))
    if table == "milestones":
        return f"milestone/work/{row['id']}", milestone_value(row.get("amount"))
    return "", 0
