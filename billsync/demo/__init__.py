"""A made-up firm to play with: fifteen projects, four months of work, and the usual things that go wrong.

    write_firm(folder, today=...)   the firm as its tools exported it last night: billsync.yaml, contracts/, data/
    second_day(folder)              what people did this morning, written into the same exports

All dates hang on `today`, which second_day reads from the exports; nothing else is left to chance, so the same day
gives the same firm to the byte. In it: a phase that was missed and one that comes late, a phase without the client's
acceptance, an unsigned change order, a contract at its cap, an unsigned contract, a project without a contract, a
person without a rate, a client without a purchase order, and an entry that is changed after it was billed.
"""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final

from billsync.demo.exports import expenses_name, write_csv, write_expenses, write_milestones, write_time
from billsync.demo.hours import time_entries
from billsync.demo.story import expenses, milestones, projects

__all__ = ["second_day", "write_firm"]

CONFIG: Final = "billsync.yaml"
_WRITTEN: Final = "# Made up on "
_DATE: Final = re.compile(r"<(today|month)([+-]\d+)>")


def write_firm(folder: Path, *, today: date) -> None:
    """Write the firm as it stood on the evening before `today`. FileExistsError where a configuration is already."""
    if (folder / CONFIG).exists():
        raise FileExistsError(folder / CONFIG)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "contracts").mkdir(exist_ok=True)
    _export(folder, today, morning=False)
    written = files("billsync.demo") / "firm"
    for contract in (written / "contracts").iterdir():
        if contract.name.endswith(".yaml"):
            _write(folder / "contracts" / contract.name, contract.read_text(encoding="utf-8"), today)
    # Last, because its presence says that the firm is whole.
    _write(folder / CONFIG, f"{_WRITTEN}{today}.\n" + (written / CONFIG).read_text(encoding="utf-8"), today)


def second_day(folder: Path) -> None:
    """Write what people did in the morning: the late phase is done, more hours are approved, and one entry that was
    billed last night is an hour longer."""
    first = (folder / CONFIG).read_text(encoding="utf-8").splitlines()[0]
    _export(folder, date.fromisoformat(first.removeprefix(_WRITTEN).rstrip(".")), morning=True)


def _export(folder: Path, today: date, *, morning: bool) -> None:
    data = folder / "data"
    entries = list(time_entries(today, morning=morning))
    write_csv(data / "projects.csv", projects())
    write_milestones(data, milestones(today, morning=morning))
    write_time(data, entries)
    write_expenses(data, expenses(today))
    for path in data.iterdir():
        # An hour old: exports that are still warm are looked at twice before they are read.
        found = path.stat()
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - 3_600_000_000_000))


def _write(path: Path, text: str, today: date) -> None:
    """A text of the firm with its dates: `<today-30>`, `<month-2>` (the first of the month two months ago)."""
    dated = _DATE.sub(lambda match: str(_dated(match[1], int(match[2]), today)), text)
    path.write_text(dated.replace("<expenses>", expenses_name()), encoding="utf-8")


def _dated(unit: str, by: int, today: date) -> date:
    if unit == "today":
        return today + timedelta(days=by)
    months = today.year * 12 + today.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)
