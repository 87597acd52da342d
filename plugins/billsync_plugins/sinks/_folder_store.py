"""The folder as a store of documents: each file whole or not there, each number and each reference once.

    2026-0007.json          the document (canonical JSON); readable and, at the firm's own risk, editable by hand
    2026-0007.html          the same as a page to print; derived, as are index.html and index.csv
    2026-0007/              evidence attached to it
    .billsync/numbers/      one file a number: empty when it is taken, its reference once the document stands
    .billsync/references/   one file a reference: the document as it was made; the first to put it there wins

The order: take a number (exclusive create), put the document under its reference (hard link, or rename on Windows:
both fail if it exists), write it under its number, sign the number. Killed between any two steps, the next `create`
finishes the same document under the same number; a number without a document stays a gap. A document that was signed
and is gone was deleted by a person: it is never written again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from billsync.model.errors import BadAnswer, Refused
from billsync.sdk.disk import json_bytes, put_once, sync_folder, write_whole

_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]*?(\d{4})-(\d{4,})")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
Document = Mapping[str, Any]


class Store:
    """Documents by number and by reference, safe under several writers and at any sudden end."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self.folder = folder
        self._prefix = prefix
        self._numbers = folder / ".billsync" / "numbers"
        self._references = folder / ".billsync" / "references"

    def open(self) -> None:
        """Make the folder ready; take in documents that a killed writer or a backup left without marks."""
        self.folder.mkdir(exist_ok=True)  # not its parents: a share that is not there is not made up
        for folder in (self._numbers, self._references):
            folder.mkdir(parents=True, exist_ok=True)
        for number in self.numbers():
            if not _filled(self._numbers / number):
                document, content = self.read(number)
                reference = str(document.get("reference") or "")
                if _REFERENCE.fullmatch(reference):
                    put_once(self._original_path(reference), content)
                write_whole(self._numbers / number, (reference or "none").encode())

    def numbers(self) -> list[str]:
        """Numbers of the documents that are there, oldest first."""
        if not self.folder.is_dir():
            return []
        found = [path.stem for path in self.folder.glob("*.json") if _NUMBER.fullmatch(path.stem)]
        return sorted(found, key=_place)

    def path(self, number: str) -> Path:
        """The file of a document."""
        return self.folder / f"{number}.json"

    def read(self, number: str) -> tuple[Document, bytes]:
        """A document and its bytes. BadAnswer where a hand has made it unreadable."""
        return _read(self.path(number))

    def original(self, reference: str) -> Document | None:
        """The document that took this reference, as made."""
        path = self._original_path(reference)
        return _read(path)[0] if path.exists() else None

    def made(self, number: str) -> Document:
        """The document of this number as it was made. BadAnswer where nobody knows any more."""
        original = self.original((self._numbers / number).read_text(encoding="utf-8"))
        if original is None:
            raise BadAnswer("a document that nobody can read", where=str(self.path(number)))
        return original

    def originals(self) -> Iterator[Document]:
        """Every document as it was made, also those whose file is gone."""
        if self._references.is_dir():
            for path in sorted(self._references.glob("*.json")):
                yield _read(path)[0]

    def deleted(self, original: Document) -> bool:
        """True where the document stood and a person took it away; False also where it was never finished."""
        number = str(original["number"])
        return not self.path(number).exists() and _filled(self._numbers / number)

    def next_number(self, year: int) -> str:
        """The number that would be taken now."""
        taken = self.numbers() + ([path.name for path in self._numbers.iterdir()] if self._numbers.is_dir() else [])
        last = max((place for of, place in map(_place, taken) if of == year), default=0)
        return f"{self._prefix}{year}-{last + 1:04d}"

    def add(self, reference: str, year: int, make: Callable[[str], Document]) -> Document:
        """The one document of this reference: ours, or that of whoever was first. `make` gets the number it has."""
        original = self.original(reference)
        if original is None:
            taken = self._take_number(year)
            put_once(self._original_path(reference), json_bytes(make(taken)))
            original, _ = _read(self._original_path(reference))
            if original["number"] != taken:
                (self._numbers / taken).unlink(missing_ok=True)
        number = str(original["number"])
        if not self.path(number).exists() and not _filled(self._numbers / number):
            self.write(number, original)
        return original

    def write(self, number: str, document: Document) -> None:
        """Write the document whole, then sign its number."""
        write_whole(self.path(number), json_bytes(document))
        write_whole(self._numbers / number, str(document["reference"]).encode())

    def _take_number(self, year: int) -> str:
        while True:
            number = self.next_number(year)
            try:
                os.close(os.open(self._numbers / number, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except FileExistsError:
                continue
            sync_folder(self._numbers)
            return number

    def _original_path(self, reference: str) -> Path:
        if not _REFERENCE.fullmatch(reference):
            raise Refused(f"the reference {reference!r} cannot name a file", where=str(self.folder), sent=False)
        return self._references / f"{reference}.json"


def _place(number: str) -> tuple[int, int]:
    match = _NUMBER.fullmatch(number)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _read(path: Path) -> tuple[Document, bytes]:
    content = path.read_bytes()
    try:
        document = json.loads(content)
    except ValueError as error:
        raise BadAnswer(f"not JSON any more: {error}", where=str(path)) from None
    if not isinstance(document, dict):
        raise BadAnswer("not a document any more", where=str(path))
    return document, content


def _filled(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
