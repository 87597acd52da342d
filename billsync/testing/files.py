"""Exports in a folder, as a firm's own programs write them: one CSV file for each table, whole and anew each time."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from billsync.testing.server import Request, Response
from billsync.testing.tracker import FakeTracker

NAME: Final = "exports"


class FakeFiles(FakeTracker):
    """`columns`: table -> its columns, in order. A member that a row lacks is an empty cell, others are left out."""

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.columns = columns

    def options(self, **more: Any) -> dict[str, Any]:
        """The folder, relative to that of a configuration."""
        return {"path": NAME, **more}

    def file(self, table: str) -> Path:
        """The file of a table."""
        return self.folder / NAME / f"{table}.csv"

    def lay_out(self) -> None:
        (self.folder / NAME).mkdir(exist_ok=True)
        for table, columns in self.columns.items():
            with self.file(table).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(self.tables[table].values())

    def handle(self, request: Request) -> Response:
        """There is no wire to files."""
        raise AssertionError(f"{request.target}: files are read, not called")
