"""Options and credentials of vendors whose ways in are the usual ones: a token made by hand, a log-in by OAuth 2.

A connector derives its options from `TokenOrLogin` and declares `auth=token_or_login(...)`, or from `AppLogin` where a
person's log-in is the only way. Where an app or a token is made stands in the options' own docstring.
"""

from datetime import date
from typing import Any

from billsync.sdk.api import Basic, Bearer, OAuth2, OneOf
from billsync.sdk.options import Field, Options, Secret


class TokenOrLogin(Options):
    """Either `token`, or the id and secret of an app of the firm's own and one `billsync auth login`."""

    token: Secret | None = Field(default=None, description="Token made by hand; leave out for a log-in by OAuth 2.")
    token_expires_on: date | None = Field(default=None, description="Its last day, to be warned: no vendor tells it.")
    client_id: str | None = Field(default=None, description="Of your app, for a log-in by OAuth 2.")
    client_secret: Secret | None = Field(default=None, description="Of your app, beside the client id.")
    refresh_token: Secret | None = Field(default=None, description="Only where `billsync auth login` cannot be used.")
    token_url: str | None = Field(default=None, description="Another address of the token endpoint.")
    more_scopes: str | None = Field(
        default=None, description="Further rights to ask for at the log-in, where work is to be marked as billed."
    )


class AppLogin(Options):
    """The app that a person has let in. A connector adds `client_id`, whose description says where apps are made."""

    client_secret: Secret = Field(description="Of your app, beside the client id.")
    refresh_token: Secret | None = Field(default=None, description="Only where `billsync auth login` cannot be used.")
    token_url: str | None = Field(default=None, description="Another address of the token endpoint.")


def token_or_login(token: Bearer | Basic, token_url: str, authorize_url: str, *scopes: str, **more: Any) -> OneOf:
    """The two ways of `TokenOrLogin`. `more` are members of OAuth2; the app's secret goes into the body."""
    more = {"client_auth": "body", **more}
    login = OAuth2(token_url=token_url, authorize_url=authorize_url, scopes=scopes, **more)
    return OneOf({"token": token, "client_id": login})
