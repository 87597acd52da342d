"""Contacts and tax rates of Xero."""

from billsync.model.invoice import Party, TaxCode
from billsync.sdk.api import Json
from billsync.sdk.row import Row


def party_of(raw: Json) -> Party:
    """A contact; an archived one takes no documents."""
    row = Row(raw, "contact", "ContactID")
    return Party(
        id=row.ident("ContactID"),
        name=row.text("Name"),
        currency=row.maybe.text("DefaultCurrency"),
        email=row.maybe.text("EmailAddress"),
        active=row.maybe.text("ContactStatus") != "ARCHIVED",
    )


def tax_of(raw: Json) -> TaxCode:
    """Percent is the effective rate, compound parts included; none where Xero works it out by address (Avalara)."""
    row = Row(raw, "tax rate", "TaxType")
    percent = None if row.maybe.text("ReportTaxType") == "AVALARA" else row.dec("EffectiveRate")
    active = row.maybe.text("Status") in (None, "ACTIVE")
    return TaxCode(id=row.text("TaxType"), name=row.text("Name"), percent=percent, active=active)
