"""QuickBooks Online, reached: one company's options, its API, and the addresses below it."""

from typing import Final

from billsync.sdk import Api, AppLogin, Field, Limit, OAuth2, Success, Throttle

BASE: Final = "https://quickbooks.api.intuit.com"
# Where an answer of status 200 may still say that it failed; gateways spell it without the capital.
FAULTS: Final = (
    "Fault",
    "fault",
    "AttachableResponse.*.Fault",
    "CDCResponse.*.Fault",
    "CDCResponse.*.QueryResponse.*.Fault",
)


class CompanyOptions(AppLogin):
    """One company, and the app that a person has let in."""

    realm: str = Field(description="Company id: the gear menu, Account and settings, Billing.")
    client_id: str = Field(description="Of your app: developer.intuit.com, Keys & credentials.")


def at(path: str) -> str:
    """The address of a path of the company; further parameters follow with `&`. 75 is the vendor's current version."""
    return f"/v3/company/{{realm}}/{path}?minorversion=75"


API: Final = Api(
    base_url=BASE,
    auth=OAuth2(
        token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",  # noqa: S106  an address
        authorize_url="https://appcenter.intuit.com/connect/oauth2",
        scopes=("com.intuit.quickbooks.accounting",),
        token_headers={"x-include-refresh-token-hard-expires-in": "true"},
        expiry_members={"x_refresh_token_expires_in": "unused", "x_refresh_token_hard_expires_in": "log-in"},
        grant_days=100,
    ),
    limits=(Limit(500, per=60), Limit(10, per=1)),
    success=tuple(Success(at=at, absent=True, message_at=f"{at}.Error.0.Detail") for at in FAULTS),
    throttles=(Throttle(status=429, wait=60),),
    message_at=("Fault.Error.0.Detail", "Fault.Error.0.Message", "fault.error.0.detail", "error"),
    request_id="intuit_tid",
)
