"""The folder's books as people see them: a real folder, its documents read from the files, changed with an editor."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from billsync.model.invoice import DocumentKind
from billsync.model.money import exact_minor, plain
from billsync.sdk.parse import dec
from billsync.testing.books import BookLine, BookPayment, Document, FakeBooks
from billsync.testing.server import Request, Response

NAME: Final = "invoices"
_STATUS: Final[Mapping[str, Literal["draft", "open", "voided"]]] = {"draft": "draft", "voided": "voided"}
_LINE: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("quantity", "unit_price", "done_on", "project", "person", "purchase_order")),
    "kind": "manual", "text": "By hand", "late": False, "tax": "0.00", "parts": [],
}  # fmt: skip


class FakeFolder(FakeBooks):
    """Nothing is made up but the people: what stands in `folder` is what the sink wrote there."""

    @property
    def place(self) -> Path:
        """The folder of the documents; options name it relative to the configuration's."""
        return self.folder / NAME

    def options(self, **more: Any) -> dict[str, Any]:
        return {"path": NAME, **({"taxes": self.tax_rates} if self.tax_rates else {}), **more}

    def handle(self, request: Request) -> Response:
        """There is no wire to these books."""
        raise AssertionError(f"{request.target}: the folder is written, not called")

    def bearing(self, reference: str) -> list[Document]:
        self.look()
        return super().bearing(reference)

    def look(self) -> None:
        """Read every document that stands, and those that a person took away as they were made."""
        found: dict[str, Document] = {}
        for path in sorted((self.place / ".billsync" / "references").glob("*.json")):
            made = _read(path)
            mark = self.place / ".billsync" / "numbers" / made["number"]
            if mark.exists() and mark.stat().st_size:  # else its writer died, and the next one goes on
                found[made["number"]] = self._document(made["number"], made, "deleted")
        for path in sorted(self.place.glob("*.json")):
            raw = _read(path)
            found[path.stem] = self._document(path.stem, raw, _STATUS.get(raw["status"], "open"))
        self.documents = found

    def _document(
        self, number: str, raw: Mapping[str, Any], status: Literal["draft", "open", "voided", "deleted"]
    ) -> Document:
        currency, now = raw["currency"], self.clock.now()
        kind: DocumentKind = "credit_memo" if raw["kind"] == "credit_memo" else "invoice"
        lines = tuple(BookLine(amount=exact_minor(dec(line["amount"]), currency), raw=line) for line in raw["lines"])
        return Document(
            id=number, kind=kind, number=number, customer=raw["customer"]["id"], currency=currency, lines=lines,
            issued_on=date.fromisoformat(raw["issued_on"]), tax=exact_minor(dec(raw["tax"]), currency),
            created_at=now, updated_at=now, note=f"{raw['reference']} {raw['stamp']}", status=status,
            files={path.name: path.read_bytes() for path in (self.place / number).glob("*")},
        )  # fmt: skip

    # ---- What people do ------------------------------------------------------------------------------------------

    def void(self, document: Document) -> Document:
        """Write "voided" into it."""
        return self._rewritten(document, {"status": "voided"})

    def delete(self, document: Document) -> Document:
        """Put the file into the bin."""
        (self.place / f"{document.id}.json").unlink()
        document.status = "deleted"
        return document

    def edit(self, document: Document, **changes: Any) -> Document:
        """Another amount of the first line, and the sums with it."""
        raw, currency = _read(self.place / f"{document.id}.json"), document.currency
        more = changes["amount"] - document.lines[0].amount
        raw["lines"][0]["amount"] = plain(changes["amount"], currency)
        sums = {name: plain(exact_minor(dec(raw[name]), currency) + more, currency) for name in ("net", "total")}
        return self._rewritten(document, {"lines": raw["lines"], **sums})

    def pay(self, document: Document, amount: int | None = None, *, touches: bool = True) -> BookPayment:
        """A line of the file of payments, by which the payment is known."""
        payment = super().pay(document, amount, touches=False)
        path = self.place / "payments.csv"
        rows = path.read_text(encoding="utf-8") if path.exists() else "number,date,amount\n"
        row = f"{document.id},{payment.on},{plain(payment.amounts[document.id], document.currency)}\n"
        self._write(path, rows + row)
        del self.payments[payment.id]
        payment.id = f"{path.name}:{rows.count(chr(10)) + 1}"
        self.payments[payment.id] = payment
        return payment

    def enter(self, number: str, amount: int, *, customer: str = "1", note: str = "", **more: Any) -> Document:
        """A document that a person wrote, under a number of their own; `reference` is what they call it after."""
        self._ids += 1
        name, money, today = f"HAND-2026-{self._ids:04d}", plain(amount, "USD"), str(self.clock.now().date())
        raw: dict[str, Any] = {
            "number": name, "reference": more.get("reference", ""), "kind": "invoice", "status": "open",
            "seller": {}, "currency": "USD",
            "customer": {"id": customer, "name": self.customers[customer], "address": [], "email": None},
            "issued_on": today, "due_on": None, "purchase_order": None, "references": {}, "memo": note,
            "lines": [{**_LINE, "amount": money}], "net": money, "tax": "0.00", "total": money, "stamp": "",
        }  # fmt: skip
        self.place.mkdir(exist_ok=True)
        self._write(self.place / f"{name}.json", json.dumps(raw))
        return self._document(name, raw, "open")

    def _rewritten(self, document: Document, members: Mapping[str, Any]) -> Document:
        path = self.place / f"{document.id}.json"
        self._write(path, json.dumps({**_read(path), **members}))
        self.look()
        return self.documents[document.id]

    def _write(self, path: Path, text: str) -> None:
        """What a person writes bears the time of the injected clock, as far as that is later than the disk's."""
        path.write_text(text, encoding="utf-8")
        at = int(self.clock.now().timestamp())
        if at > path.stat().st_mtime:
            os.utime(path, (at, at))


def _read(path: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return raw
