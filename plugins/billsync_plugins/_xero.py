"""Xero, reached: one organisation's options, its API with a grant that rotates, and dates as Xero writes them."""

from datetime import date
from typing import Final

from billsync.sdk import Api, AppLogin, Field, Http, Limit, OAuth2, PageNumber, Single
from billsync.sdk.parse import named
from billsync.sdk.row import Row

BASE: Final = "https://api.xero.com"


class TenantOptions(AppLogin):
    """One organisation, and the app that a person has let in."""

    tenant: str = Field(description="Tenant id of the organisation: `billsync check` lists those of the log-in.")
    client_id: str = Field(description="Of your app: developer.xero.com, My apps, Configuration.")


def api(*scopes: str, page_size: int) -> Api:
    """The API with the granular scopes of apps made since March 2026. A wait till midnight (429, `day`) ends a poll."""
    return Api(
        base_url=BASE,
        auth=OAuth2(
            token_url="https://identity.xero.com/connect/token",  # noqa: S106  an address
            authorize_url="https://login.xero.com/identity/connect/authorize",
            scopes=("offline_access", *scopes),
            grant_days=60,
        ),
        pages=PageNumber(
            size_param="pageSize", size=page_size, count_at="pagination.itemCount", total_at="pagination.itemCount"
        ),
        limits=(Limit(60, per=60), Limit(5000, per=86_400)),
        headers={"Xero-Tenant-Id": "{tenant}", "Accept": "application/json"},
        message_at=("Elements.0.ValidationErrors.0.Message", "Detail", "Message", "message", "error"),
        request_id="xero-correlation-id",
    )


def tenant_name(http: Http, tenant: str, account: str) -> str:
    """The organisation's name, as the log-in sees it. Missing names the organisations that the log-in opens."""
    rows = http.rows("/connections", unique="tenantId", pages=Single())
    names = {row.ident("tenantId"): row.text("tenantName") for row in Row.each(rows, "connection")}
    return named(tenant, names, "organisation", account)


def day_of(row: Row, member: str) -> date:
    """A date of the organisation: `DateString` where Xero tells it, else midnight as `/Date(ms+0000)/`."""
    told = row.maybe.day(f"{member}String")
    return told if told is not None else row.instant(member).date()
