"""Options of vendors with two ways in: a token that a person made by hand, or a log-in by OAuth 2."""

from datetime import date

from billsync.sdk import Field, Options, Secret


class TokenOrLogin(Options):
    """Either `token`, or the id and secret of an app of the firm's own and one `billsync auth login`."""

    token: Secret | None = Field(default=None, description="Token made by hand; leave out for a log-in by OAuth 2.")
    token_expires_on: date | None = Field(default=None, description="Its last day, to be warned: no vendor tells it.")
    client_id: str | None = Field(default=None, description="Of your app, for a log-in by OAuth 2.")
    client_secret: Secret | None = Field(default=None, description="Of your app, beside the client id.")
    refresh_token: Secret | None = Field(default=None, description="Only where `billsync auth login` cannot be used.")
    token_url: str | None = Field(default=None, description="Another address of the token endpoint.")
