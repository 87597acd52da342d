"""`{placeholders}` of declarations, filled from the account's options and the kept members of its token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from pydantic import SecretStr

from billsync.model.errors import UsageError
from billsync.sdk.options import Options

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Values:
    """What an account's declarations may name: what the last token answer said, then its options."""

    def __init__(self, options: Options, *, account: str, members: Callable[[], Mapping[str, str]]) -> None:
        self._options = options
        self._account = account
        self._members = members

    def known(self, name: str) -> str | None:
        """The value of an option or kept token member as text; None when there is none or it is not set."""
        kept = self._members().get(name)
        if kept is not None:
            return kept
        value = getattr(self._options, name, None) if name in type(self._options).model_fields else None
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return None if value is None else str(value)

    def option(self, name: str) -> str:
        """The option called `name`; the text itself where it starts with '='. UsageError when it is not set."""
        value = name[1:] if name.startswith("=") else self.known(name)
        if value is None:
            raise UsageError(
                f"the option {name!r} is not set",
                where=self._account,
                hint=f"add it to the account {self._account} in the configuration",
            )
        return value

    def fill(self, text: str) -> str:
        """`text` with every placeholder filled as it stands. UsageError for one that nothing fills."""
        return _PLACEHOLDER.sub(lambda match: self.option(match[1]), text)

    def fill_path(self, path: str) -> str:
        """A path of a call: known names are filled percent-encoded, unknown ones left for the vendor to judge."""

        def filled(match: re.Match[str]) -> str:
            value = self.known(match[1])
            return match[0] if value is None else quote(value, safe="")

        return _PLACEHOLDER.sub(filled, path)
