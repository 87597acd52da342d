"""The folder's documents as receipts, with their payments, and the pages that are derived from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from billsync.model.errors import BadAnswer
from billsync.model.invoice import Payment, Receipt
from billsync.model.money import exact_minor
from billsync.sdk.disk import write_whole
from billsync.sdk.formats import day, number, text_of
from billsync.sdk.tables import TableFormat, open_table
from billsync_plugins.sinks._folder_document import Payments, changed_at, gone, receipt_of, with_payments
from billsync_plugins.sinks._folder_index import index_csv, index_page
from billsync_plugins.sinks._folder_page import page
from billsync_plugins.sinks._folder_store import Document, Store

_FILE: Final = "payments.csv"


class Books:
    """What stands in the folder now: looked at anew for each question, since people and other writers change it."""

    def __init__(self, store: Store, *, paper: str, detail: bool) -> None:
        self._store = store
        self._paper = paper
        self._detail = detail
        self._seen: dict[str, tuple[tuple[int, ...], Document, Receipt]] = {}

    def receipts(self, changed_since: datetime | None = None) -> Iterator[Receipt]:
        """Every document that was changed or paid since, oldest first; then those that a person took away."""
        payments = self._payments()
        paid = self._store.folder / _FILE
        if changed_since is not None and paid.exists() and changed_at(paid) >= changed_since:
            changed_since = None
        for found in self._store.numbers():
            if changed_since is None or changed_at(self._store.path(found)) >= changed_since:
                yield self._standing(found, payments)[1]
        yield from (gone(made) for made in self._store.originals() if self._store.deleted(made))

    def receipt(self, doc_number: str) -> Receipt:
        """One document as it stands."""
        return self._standing(doc_number, self._payments())[1]

    def attached(self, doc_number: str) -> list[str]:
        """Names of the files that hang at a document."""
        folder = self._store.folder / doc_number
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def publish(self, doc_number: str = "") -> None:
        """Write the page of `doc_number`, pages that are missing, and the index, until it shows what is there."""
        shown: list[str] | None = None
        while shown != (there := self._store.numbers()):
            shown = there
            rows = []
            payments = self._payments()
            for found in shown:
                document, receipt = self._standing(found, payments)
                target = self._store.path(found).with_suffix(".html")
                if found == doc_number or not target.exists():
                    _derive(target, self._page(document, receipt))
                rows.append((receipt, str(document["customer"]["name"])))
            _derive(self._store.folder / "index.html", index_page(rows, paper=self._paper))
            _derive(self._store.folder / "index.csv", index_csv(rows))

    def _page(self, document: Document, receipt: Receipt) -> bytes:
        attached = self.attached(receipt.number)
        try:
            return page(document, receipt, attached, paper=self._paper, detail=self._detail)
        except (
            ArithmeticError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ):  # a hand took a member away that only the page needs
            made = self._store.made(receipt.number)
            return page(made, receipt, attached, paper=self._paper, detail=self._detail)

    def _standing(self, doc_number: str, payments: Payments) -> tuple[Document, Receipt]:
        """The document and its receipt; read again only where the file has changed since this run read it."""
        path = self._store.path(doc_number)
        found = path.stat()
        state = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        if doc_number not in self._seen or self._seen[doc_number][0] != state:
            self._seen[doc_number] = (state, *self._read(doc_number, path))
        _, document, receipt = self._seen[doc_number]
        return document, with_payments(receipt, payments)

    def _read(self, doc_number: str, path: Path) -> tuple[Document, Receipt]:
        """The document; where a hand has broken it, as it was made, with the status unknown."""
        content = path.read_bytes()
        try:
            document, content = self._store.read(doc_number)
            return document, receipt_of(doc_number, document, path, content)
        except (BadAnswer, KeyError, TypeError, ValueError):
            document = {**self._store.made(doc_number), "status": "unreadable"}
            return document, receipt_of(doc_number, document, path, content)

    def _payments(self) -> Payments:
        """Payments by the reference or number in `payments.csv`. BadAnswer names the line that fits no document."""
        path = self._store.folder / _FILE
        if not path.exists():
            return {}
        made: dict[str, Document] = {
            str(document[name]): document for document in self._store.originals() for name in ("number", "reference")
        }
        by_hand = [number for number in self._store.numbers() if number not in made]
        made |= {number: self._standing(number, {})[0] for number in by_hand}
        found: dict[str, tuple[Payment, ...]] = {}
        with open_table(path, TableFormat()) as table:
            for row in table.rows:
                cells = {title.strip().casefold(): cell for title, cell in row.cells.items()}
                of = text_of(cells.get("reference")) or text_of(cells.get("number"))
                where = f"{path.name}:{row.line}"
                if row.trouble or of not in made:
                    raise BadAnswer(row.trouble or f"there is no document {of!r}", where=where)
                found[of] = (*found.get(of, ()), _payment(where, cells, str(made[of]["currency"])))
        return found


def _payment(where: str, cells: Mapping[str, Any], currency: str) -> Payment:
    try:
        amount = exact_minor(number(cells.get("amount"), "amount", decimal="."), currency)
        on = day(cells["date"], "date") if text_of(cells.get("date")) else None
    except BadAnswer as error:
        raise BadAnswer(error.what, where=where, hint=error.hint) from None
    except ValueError as error:
        raise BadAnswer(str(error), where=where) from None
    return Payment(id=where, amount=amount, on=on)


def _derive(path: Path, content: bytes) -> None:
    """Write a page unless it is so already. One that a spreadsheet holds open (Windows) is written the next time."""
    try:
        if not path.exists() or path.read_bytes() != content:
            write_whole(path, content)
    except PermissionError:
        return
