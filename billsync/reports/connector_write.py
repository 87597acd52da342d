"""Put generated pages into a folder of documentation; what is as it should be is not touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from billsync.model.errors import UsageError
from billsync.reports.connector_page import MADE

MARK: Final = "<!-- connectors -->\n"
"""Stands before and behind the table of connectors in a page that is written by hand."""


def write_pages(pages: Mapping[str, str], folder: Path, *, readme: Path | None = None, table: str = "") -> list[Path]:
    """The pages that were written or removed. A page is removed only where a run before made it.

    `table` goes between the marks of `readme`, where there are some.
    """
    changed = []
    try:
        if readme is not None and (text := with_table(read(readme), table)) != read(readme):
            readme.write_text(text, encoding="utf-8", newline="\n")
            changed.append(readme)
        for name, text in pages.items():
            page = folder / name
            if read(page) != text:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(text, encoding="utf-8", newline="\n")
                changed.append(page)
        for page in stale(pages, folder):
            page.unlink()
            changed.append(page)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror or error}", where=str(error.filename or folder)) from error
    return changed


def with_table(text: str, table: str) -> str:
    """A page with the table between its marks; unchanged where it has no pair of them."""
    before, *between = text.split(MARK)
    return f"{before}{MARK}\n{table}\n{MARK}{between[1]}" if len(between) == 2 else text


def read(page: Path) -> str:
    """The text of a page, whatever its line ends; nothing where there is none."""
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def stale(pages: Mapping[str, str], folder: Path) -> list[Path]:
    """Pages of connectors that are gone."""
    kept = {folder / name for name in pages}
    return [
        page
        for page in sorted((folder / "connectors").glob("*.md"))
        if page not in kept and read(page).startswith(MADE)
    ]
