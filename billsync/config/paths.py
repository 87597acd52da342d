"""Where the configuration is looked for, and what paths inside it mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import platformdirs

from billsync.model.errors import UsageError

VARIABLE: Final = "BILLSYNC_CONFIG"
FILE_NAME: Final = "billsync.yaml"


def config_folder() -> Path:
    """The platform's folder for settings, e.g. ~/.config/billsync."""
    return platformdirs.user_config_path("billsync", appauthor=False)


def find(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration: as told, as $BILLSYNC_CONFIG tells, ./billsync.yaml, or in the platform's folder."""
    told = path or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if told:
        if told.is_file():
            return told
        source = "" if path else f" (from {VARIABLE})"
        raise UsageError("there is no such configuration file", where=f"{told}{source}", hint="see `billsync init`")
    places = [Path(FILE_NAME), config_folder() / FILE_NAME]
    for place in places:
        if place.is_file():
            return place
    raise UsageError(
        "no configuration was found",
        where="looked for " + ", ".join(map(str, places)),
        hint=f"`billsync init` writes one; or give --config FILE or set {VARIABLE}",
    )


def inside(folder: Path, written: str) -> Path:
    """A path of the file: `~` is the home, a relative one is relative to the file's folder."""
    return folder / Path(written).expanduser()
