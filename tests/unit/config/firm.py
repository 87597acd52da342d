"""A firm's configuration to begin with, and what a changed one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from billsync.config import Config, load, resolve
from billsync.model.book import Terms
from billsync.model.errors import UsageError

FIRM = """\
firm: {name: Roe Architects, zone: America/New_York, currency: USD}
sources:
  work: {kind: files, folder: exports}
  other: {kind: files, folder: more}
sinks:
  books: {kind: folder, folder: invoices}
clients:
  acme: {name: Acme Holdings}
  city: City of Springfield
"""
CARD = """\
rate_cards:
  standard: {default: 150}
"""


def config(folder: Path, text: str, **files: str) -> Config:
    """The configuration `text`, beside `files` (a double underscore in their names is a folder)."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_csv", ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    path = folder / "billsync.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ={})


def terms(folder: Path, text: str, **files: str) -> Terms:
    """The terms of the firm above with `text` added."""
    return resolve(config(folder, FIRM + text, **files))


def mistake(folder: Path, text: str, **files: str) -> UsageError:
    """The one error that the firm above with `text` added is told, before anything is polled."""
    with pytest.raises(UsageError) as caught:
        terms(folder, text, **files)
    return caught.value


def place(folder: Path, text: str, word: str) -> str:
    """File and line of the first line of `text` that holds `word`."""
    lines = text.splitlines()
    found = next((number for number, line in enumerate(lines, start=1) if word in line), None)
    assert found is not None, f"the test looks for a line with {word!r} that its own text does not have"
    return f"{folder / 'billsync.yaml'}:{FIRM.count(chr(10)) + found}"
