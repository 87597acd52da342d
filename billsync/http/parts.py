"""What a session and a log-in of one account have in common: values, redaction, client, name."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from billsync import __version__
from billsync.http.client import certified, httpx, new_client
from billsync.http.fill import Values
from billsync.http.redact import Redactor
from billsync.http.tape import Tape
from billsync.model.errors import SecretError
from billsync.sdk.api import Api, ClientCertificate
from billsync.sdk.options import Options


class Parts:
    """Built once per account. `members`: the kept members of its token, asked when needed."""

    def __init__(
        self,
        api: Api,
        options: Options,
        *,
        account: str,
        transport: httpx.BaseTransport | None,
        members: Callable[[], Mapping[str, str]],
    ) -> None:
        self.account = account
        self.redactor = Redactor(options.secrets())
        self.values = Values(options, account=account, members=members)
        if isinstance(transport, Tape):
            transport.redactor = self.redactor
        context = self._certificate(api.certificate) if api.certificate else None
        self.client = new_client(transport=transport, certificate=context, connections=api.concurrency)

    @property
    def agent(self) -> str:
        """One User-Agent for all: the program's version, and whom to write to when the option `contact` says so."""
        contact = self.values.known("contact")
        return f"billsync/{__version__}" + (f" (+{contact})" if contact else "")

    def _certificate(self, declared: ClientCertificate) -> ssl.SSLContext:
        password = self.values.option(declared.password) if declared.password else None
        file, key = (Path(self.values.option(name)).expanduser() for name in (declared.certificate, declared.key))
        try:
            return certified(file, key, password)
        except OSError as error:
            # ssl.SSLError is one of these; its text names no secret.
            raise SecretError(
                f"the client certificate cannot be used: {error.strerror or error}",
                where=f"{self.account}: {file}",
                hint="it needs a certificate and its private key in PEM form; has it been renewed?",
            ) from None
