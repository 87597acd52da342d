"""The receivables of an Odoo database, read: documents with lines, keys and stamps; customers; taxes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from billsync.model.errors import BadAnswer, Refused
from billsync.model.invoice import Party, Receipt, TaxCode
from billsync.sdk.api import Json
from billsync.sdk.parse import need
from billsync.sdk.row import Row
from billsync_plugins._odoo import Database, changed_since
from billsync_plugins.sinks._odoo_documents import LINE, MOVE, TYPES, receipt_of, stamp_in

AT_ONCE: Final = 200


class Books:
    """Reads of one session. `module` is the first part of our External IDs."""

    def __init__(self, database: Database, module: str, account: str) -> None:
        self._database, self._module, self._account = database, module, account

    def company(self, wanted: int | None) -> tuple[str, tuple[str, ...]]:
        """The company's name, and which of its settings stand in the way."""
        chosen: list[Json] = [["id", "=", wanted]] if wanted is not None else []
        rows = self._database.rows("res.company", chosen, "name tax_calculation_rounding_method")
        found = [Row(raw, "company") for raw in rows]
        if not found:
            raise BadAnswer("the user sees no company", where=self._account)
        remarks = ["the user sees several companies: say `company`"] if len(found) > 1 else []
        if any(row.text("tax_calculation_rounding_method") == "round_globally" for row in found):
            remarks.append("taxes are rounded once a document here: totals may differ by cents")
        digits = self._database.ask("account.move.line", "fields_get", [["quantity", "price_unit"], ["digits"]])
        cut = [name for name, field in digits.items() if need(field, "digits.1") < 2]
        remarks += [f"{name} is cut to less than two decimals here" for name in cut]
        return found[0].text("name"), tuple(remarks)

    def by_key(self, reference: str) -> list[Receipt]:
        """The document with our External ID."""
        try:
            key = [self._module, reference]
            model, number = self._database.ask("ir.model.data", "check_object_reference", key)
        except Refused as error:
            if "External ID not found" in error.what:
                return []
            raise
        if model != "account.move":
            raise BadAnswer(f"{reference} is no document, but {model} {number}", where=self._account)
        return [self.one(number)]

    def one(self, number: int) -> Receipt:
        """A document by its id."""
        for receipt in self.receipts([["id", "=", number]]):
            return receipt
        raise BadAnswer(f"document {number} is not shown", where=self._account, hint="it was deleted, or is hidden")

    def changed(self, since: datetime | None) -> Iterator[Receipt]:
        """Documents changed since; None: all."""
        return self.receipts(changed_since(since))

    def absent(self, ids: Iterable[str]) -> list[str]:
        """Which of these documents are not there any more."""
        wanted = list(ids)
        if not wanted:
            return []
        rows = self._database.rows("account.move", [["id", "in", sorted(map(int, wanted))]], "id")
        there = {str(row["id"]) for row in rows}
        return [ident for ident in wanted if ident not in there]

    def receipts(self, domain: list[Json]) -> Iterator[Receipt]:
        """Documents of a domain. What belongs to them is read for many at once."""
        rows = list(self._database.rows("account.move", [["move_type", "in", [*TYPES.values()]], *domain], MOVE))
        for start in range(0, len(rows), AT_ONCE):
            yield from self._together(rows[start : start + AT_ONCE])

    def _together(self, rows: list[dict[str, Any]]) -> Iterator[Receipt]:
        database, ids = self._database, [row["id"] for row in rows]
        keys = {int(number): key for number, key in database.ask("account.move", "get_external_id", [ids]).items()}
        ours = [number for number in ids if keys.get(number, "").startswith(f"{self._module}.")]
        lines = defaultdict(list)
        for line in database.rows(
            "account.move.line", [["move_id", "in", ids], ["display_type", "=", "product"]], LINE
        ):
            lines[need(line, "move_id.0")].append(line)
        files = [["res_model", "=", "account.move"], ["res_id", "in", ours], ["name", "=like", "billsync BS-%"]]
        stamps: dict[int, str] = {}
        for raw in database.rows("ir.attachment", files, "name res_id datas") if ours else ():
            stamps.setdefault(raw["res_id"], stamp_in(raw))
        for row in rows:
            number = row["id"]
            yield receipt_of(row, lines[number], keys[number] if number in ours else None, stamps.get(number, ""))

    def customers(self) -> Iterator[Party]:
        """Partners that are nobody's contact, archived ones included."""
        rows = self._database.rows("res.partner", [["parent_id", "=", False]], "name email active", archived=True)
        return map(party_of, rows)

    def taxes(self) -> Iterator[TaxCode]:
        """Taxes of sales."""
        fields = "name amount amount_type price_include active"
        return map(tax_of, self._database.rows("account.tax", [["type_tax_use", "=", "sale"]], fields, archived=True))


def party_of(raw: Json) -> Party:
    """A partner."""
    row = Row(raw, "partner")
    return Party(id=row.ident("id"), name=row.text("name"), email=row.maybe.text("email"), active=row.flag("active"))


def tax_of(raw: Json) -> TaxCode:
    """Percent None where it is no plain percentage on top of the price."""
    row = Row(raw, "tax")
    plain = row.text("amount_type") == "percent" and not row.flag("price_include")
    percent = row.dec("amount") if plain else None
    return TaxCode(
        id=row.ident("id"), name=row.text("name"), percent=percent, active=row.maybe.flag("active") is not False
    )
