"""The HTTP library and the client built from it.

Every other module of this package takes `httpx` from here, so that moving to a successor with the same interface is
a change of the import below and of one dependency.
"""

from __future__ import annotations

import logging
import os
import ssl
from functools import lru_cache
from pathlib import Path

import httpx as httpx

CONNECT_TIMEOUT = 20
# The library logs whole addresses and headers, keys included; "billsync.http" logs what may be seen.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def new_client(
    *, transport: httpx.BaseTransport | None = None, certificate: ssl.SSLContext | None = None, connections: int = 1
) -> httpx.Client:
    """A client that follows no redirect by itself: where a credential may go is decided hop by hop."""
    return httpx.Client(
        transport=transport,
        verify=certificate or _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
        follow_redirects=False,
        limits=httpx.Limits(max_connections=max(connections, 1) + 1),
    )


@lru_cache(maxsize=4)
def _trusting(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The TLS context of all accounts: reading the authorities takes longer than many a call."""
    return httpx.create_ssl_context()


def timeout(seconds: int) -> httpx.Timeout:
    """`seconds` for each silence of the vendor while reading or writing, less for reaching it."""
    return httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT))


def certified(certificate: Path, key: Path, password: str | None) -> ssl.SSLContext:
    """A TLS context that shows a client certificate (PEM files)."""
    context = httpx.create_ssl_context()
    context.load_cert_chain(certificate, key, password)
    return context
