"""One QuickBooks company, read: its preferences, queries page by page, and what changed with its deletions."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import count
from typing import Final

from billsync.model.errors import BadAnswer
from billsync.model.invoice import Party, TaxCode
from billsync.sdk import Http, Single
from billsync.sdk.api import Json
from billsync.sdk.parse import dig, need
from billsync.sdk.row import Row, utc_text
from billsync_plugins.sinks._quickbooks_api import at

PAGE: Final = 1000
OVERLAP: Final = 100
"""Rows asked again on the next page: a row that goes away while pages are read pulls others over the border."""
LOOK_BACK: Final = timedelta(days=29)
"""So far back are changes told with their deletions (30 days, less one for the clocks)."""


def quoted(text: str) -> str:
    """A value of the query language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Company:
    """Reads through one account's session. The preferences are asked once."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def currency(self) -> str:
        """The home currency; the only one where `multicurrency` is off."""
        return self._preferences[0].text("CurrencyPrefs.HomeCurrency.value")

    @property
    def multicurrency(self) -> bool:
        """Documents may be in other currencies, and must say in which."""
        return self._preferences[0].flag("CurrencyPrefs.MultiCurrencyEnabled")

    @property
    def numbers(self) -> bool:
        """The company gives its documents numbers of its own; else QuickBooks does."""
        return self._preferences[0].flag("SalesFormsPrefs.CustomTxnNumbers")

    def name(self) -> str:
        """As the owner wrote it; asked each time, for it proves that the log-in is good."""
        answer = self._http.get(at("query"), {"query": "select * from CompanyInfo"})
        return Row(need(answer, "QueryResponse.CompanyInfo.0"), "CompanyInfo", "Id").text("CompanyName")

    @cached_property
    def _preferences(self) -> tuple[Row, datetime]:
        answer = self._http.get(at("query"), {"query": "select * from Preferences"})
        row = Row(need(answer, "QueryResponse.Preferences.0"), "Preferences", "Id")
        return row, Row(answer, "answer", "time").instant("time")

    def select(self, entity: str, where: str = "") -> Iterator[Json]:
        """Every row of a query, each once. An empty answer has no list at all: that is QuickBooks' way."""
        seen: set[str] = set()
        for start in count(1, PAGE - OVERLAP):
            condition = f"where {where} " if where else ""
            order = f"orderby MetaData.CreateTime startposition {start} maxresults {PAGE}"
            query = {"query": f"select * from {entity} {condition}{order}"}  # noqa: S608  values are quoted
            rows = self._keyed("query", query, f"QueryResponse.{entity}?")
            yield from (raw for number, raw in rows.items() if number not in seen)
            if len(rows) < PAGE:
                return
            if rows.keys() <= seen:
                raise BadAnswer(f"a further page of {entity} brought nothing new")
            seen |= rows.keys()

    def changed(self, entity: str, since: datetime | None) -> dict[str, Json]:
        """Rows by id: changed since, deleted ones included, where QuickBooks can tell; else all that there are."""
        if since is None or self._preferences[1] - since > LOOK_BACK:
            return {raw["Id"]: raw for raw in self.select(entity)}
        params = {"entities": entity, "changedSince": utc_text(since)}
        changes = self._keyed("cdc", params, f"CDCResponse.0.QueryResponse.0.{entity}?")
        if len(changes) >= PAGE:  # cut without a word: what is not among them is read, too
            changes |= {raw["Id"]: raw for raw in self.select(entity)}
        return changes

    def by_id(self, entity: str, ids: set[str]) -> dict[str, Json]:
        """Rows of these ids."""
        wanted = sorted(ids)
        chunks = [wanted[start : start + OVERLAP] for start in range(0, len(wanted), OVERLAP)]
        conditions = [f"Id in ({', '.join(map(quoted, chunk))})" for chunk in chunks]
        return {raw["Id"]: raw for condition in conditions for raw in self.select(entity, condition)}

    def _keyed(self, path: str, params: dict[str, str], member: str) -> dict[str, Json]:
        rows = self._http.rows(at(path), params, at=member, unique="Id", pages=Single())
        return {str(raw["Id"]): raw for raw in rows}


def party_of(raw: Json) -> Party:
    """A customer, or a job of one."""
    row = Row(raw, "Customer", "Id")
    return Party(
        id=row.ident("Id"),
        name=row.text("DisplayName"),
        currency=row.maybe.text("CurrencyRef.value"),
        email=row.maybe.text("PrimaryEmailAddr.Address"),
        active=row.flag("Active"),
    )


def tax_of(raw: Json, rates: Mapping[str, Decimal | None]) -> TaxCode:
    """Percent None where QuickBooks computes it: automated sales tax, tax on tax, a rate without a value."""
    row = Row(raw, "TaxCode", "Id")
    details = [Row(part, "tax rate", "TaxRateRef.value") for part in dig(raw, "SalesTaxRateList.TaxRateDetail") or ()]
    values = [rates.get(part.ident("TaxRateRef.value")) for part in details]
    plain = all(part.maybe.text("TaxTypeApplicable") in (None, "TaxOnAmount") for part in details)
    known = [value for value in values if value is not None]
    percent = (
        sum(known, Decimal(0)) if plain and len(known) == len(values) and (values or not row.flag("Taxable")) else None
    )
    return TaxCode(
        id=row.ident("Id"), name=row.text("Name"), percent=percent, active=row.maybe.flag("Active") is not False
    )
