"""What a user must say about an account: pydantic models whose secrets never show themselves."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo

__all__ = ["Field", "Location", "Options", "Secret"]

_REFERENCE = re.compile(r"(keyring|env|file|systemd|cmd|[a-z][a-z0-9+]*):.+", re.DOTALL)


def _resolved(value: Any) -> Any:
    if isinstance(value, str) and not value:
        raise ValueError("the secret is empty")
    return value


# Options hold the resolved value; the configuration holds a reference such as `keyring:harvest/token`.
Secret = Annotated[SecretStr, BeforeValidator(_resolved)]


def _from_config_folder(value: Any, info: ValidationInfo) -> Any:
    folder = (info.context or {}).get("folder")
    path = Path(value).expanduser() if isinstance(value, str | Path) and str(value) else value
    return Path(folder) / path if folder is not None and isinstance(path, Path) else path


# A path on this machine; a relative one is meant from the folder of the configuration file, which whoever builds the
# options passes as validation context {"folder": ...}.
Location = Annotated[Path, BeforeValidator(_from_config_folder)]


class Options(BaseModel):
    """Options of one account. Unknown keys are errors; instances are immutable; every field has a description.

    Connectors derive from it and add fields; `base_url` (and `token_url` where there is OAuth) can always be
    replaced, so that a sandbox, a regional host or a simulator can stand in.
    """

    # An id of digits is a number in YAML and text for the vendor.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    base_url: str | None = Field(
        default=None, description="Another address of the same API: sandbox, region, simulator."
    )

    def secrets(self) -> list[str]:
        """Every secret value of these options, for the redaction of logs and tapes. Never print it."""
        values = [getattr(self, name) for name in type(self).model_fields]
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    @classmethod
    def secret_fields(cls) -> list[str]:
        """Names of the fields that hold a secret: the configuration must give references for them."""
        return [name for name, info in cls.model_fields.items() if "SecretStr" in str(info.annotation)]


def is_reference(text: str) -> bool:
    """True for `keyring:service/user`, `env:NAME`, `file:/path`, `systemd:NAME`, `cmd:...` and hook schemes."""
    return _REFERENCE.fullmatch(text) is not None
