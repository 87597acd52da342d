"""The secret key that signs heads of the journal: one file in the state folder that only its owner can read.

It is made when it is first needed. It is not in the ledger, so that a copy of the ledger signs nothing; and not in
the keyring, because the night runs where no desktop is unlocked.
"""

from __future__ import annotations

import binascii
import os
import stat
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

from billsync.model.errors import SecretError

FILE_NAME: Final = "audit.key"
BYTES: Final = 32


def signing_seed(state: Path, *, random: Callable[[int], bytes]) -> bytes:
    """The 32 secret bytes, made by `random` on first use. SecretError: unreadable, open to others, or damaged."""
    path = state / FILE_NAME
    try:
        if not path.exists():
            state.mkdir(parents=True, exist_ok=True)
            _make(path, b64encode(random(BYTES)) + b"\n")
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretError(
                "others may read the key that signs the heads of the journal",
                where=str(path),
                hint=f"chmod 600 {path.name}; if others had access, move it away: a new one is made",
            )
        seed = b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise SecretError(
            f"the key that signs the heads of the journal cannot be read or made: {type(error).__name__}",
            where=str(path),
            hint="check the folder's owner and permissions; put the file back from a backup if it was damaged",
        ) from None
    if len(seed) != BYTES:
        raise SecretError(
            "the key that signs the heads of the journal is damaged",
            where=str(path),
            hint="put the file back from a backup, or move it away: a new one is made",
        )
    return seed


def _make(path: Path, content: bytes) -> None:
    """The file, whole and private from its first instant; of two runs that need it at once the first one's stays."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        return
    finally:
        Path(beside).unlink(missing_ok=True)
