"""The wire: carries out what connectors declare in billsync.sdk.api, and is the only importer of httpx.

session     what a connector sees: get, read, write, rows, graphql
exchange    one call: limits, credential, throttle, status, shape, success
pages       all rows of a list, with the guards · turns: how each kind turns the page
auth        fixed credentials · login: those that need a call first · oauth2, tokens: OAuth 2 and its store
retry       what may be sent again · throttle: who asks to slow down · limits: not to be asked
errors      from status, body and broken connections to the classes of billsync.model.errors
redact      secrets out of everything written · tape: record and replay
"""

from __future__ import annotations

from billsync.http.expiry import Expiry
from billsync.http.login import DeviceCode, Login
from billsync.http.session import Session
from billsync.http.stats import Stats
from billsync.http.tape import Player, Recorder
from billsync.http.tokens import Token, TokenStore, Vault

__all__ = [
    "DeviceCode",
    "Expiry",
    "Login",
    "Player",
    "Recorder",
    "Session",
    "Stats",
    "Token",
    "TokenStore",
    "Vault",
]
