"""The two usual ways in, declared in one call; further rights asked for only where somebody says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from billsync.http.endpoint import TokenEndpoint
from billsync.sdk import Basic, Bearer, OAuth2, TokenOrLogin, token_or_login

TOKEN, AUTHORIZE = "https://vendor.example/token", "https://vendor.example/authorize"


def login(*scopes: str, **more: Any) -> OAuth2:
    found = token_or_login(Bearer("token"), TOKEN, AUTHORIZE, *scopes, **more).ways["client_id"]
    assert isinstance(found, OAuth2)
    return found


def test_a_token_goes_first_and_the_log_in_sends_its_secret_in_the_body():
    ways = token_or_login(Basic("email", "token"), TOKEN, AUTHORIZE, "read").ways
    assert list(ways) == ["token", "client_id"] and ways["token"] == Basic("email", "token")
    assert login("read", "offline").scopes == ("read", "offline")
    assert (login().token_url, login().authorize_url, login().client_auth) == (TOKEN, AUTHORIZE, "body")
    assert (login(client_auth="basic", grant_days=90).client_auth, login(grant_days=90).grant_days) == ("basic", 90)


def test_every_option_of_a_way_in_is_there_and_no_secret_shows():
    options = TokenOrLogin(token="made-up-1f5c", client_secret="made-up-9a2b")
    declared = login()
    for name in ("token", declared.client_id, declared.client_secret, declared.refresh_token, "token_url"):
        assert name in TokenOrLogin.model_fields
    assert "made-up" not in repr(options) and "made-up" not in options.model_dump_json()


@pytest.mark.parametrize(
    ("declared", "more", "asked"),
    [
        (("read",), None, "read"),
        (("read",), "write", "read write"),
        (("read",), "write  admin", "read write admin"),
        ((), None, None),
        ((), "write", "write"),
    ],
)
def test_further_scopes_are_asked_for_where_an_account_names_them(declared, more, asked):
    class Values:
        def known(self, name: str) -> str | None:
            return {"more_scopes": more}.get(name)

    class Parts:
        account, values, client, redactor, agent = "work", Values(), None, None, "billsync"

    parts: Any = Parts()
    endpoint = TokenEndpoint(login(*declared), parts=parts, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    assert endpoint.scope() == asked
