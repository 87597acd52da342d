"""Put generated pages into a folder of documentation; what is as it should be is not touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from billsync.model.errors import UsageError
from billsync.reports.connector_page import MADE


def write_pages(pages: Mapping[str, str], folder: Path) -> list[Path]:
    """The pages that were written or removed. A page is removed only where a run before made it."""
    changed = []
    try:
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
