"""The books of credit sequences as their owner sees them, without billsync: files in a folder, or a fake QuickBooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from billsync.testing.clock import Clock
from billsync.testing.quickbooks import FakeQuickBooks


class Books:
    """What is in them, and what somebody does to it by hand."""

    def __init__(self, sink: str, folder: Path, clock: Clock) -> None:
        self._folder = folder / "invoices"
        self.vendor = FakeQuickBooks(clock=clock) if sink == "quickbooks" else None

    def documents(self) -> Iterator[tuple[str, int, str]]:
        """Reference, total in minor units and status of each document, by the books' own files or objects."""
        if self.vendor is not None:
            for one in self.vendor.documents.values():
                [reference] = [word for word in (one.number, *one.note.split()) if word.startswith("BS-")][:1]
                yield reference, one.total, one.status
            return
        for _, document in self._files():
            yield document["reference"], int(Decimal(document["total"]) * 100), document["status"]

    def standing(self) -> set[str]:
        """The references of documents that are neither voided nor deleted."""
        return {reference for reference, _, status in self.documents() if status not in ("voided", "deleted")}

    def void(self, reference: str, *, deleted: bool) -> None:
        """Void the document by hand, or delete it."""
        if self.vendor is not None:
            [document] = self.vendor.bearing(reference)
            (self.vendor.delete if deleted else self.vendor.void)(document)
            return
        for path, written in self._files():
            if written["reference"] == reference:
                if deleted:
                    path.unlink()
                else:
                    path.write_text(json.dumps(written | {"status": "voided"}), encoding="utf-8")

    def _files(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in sorted(self._folder.glob("2026-*.json")):
            yield path, json.loads(path.read_text(encoding="utf-8"), parse_float=str)
